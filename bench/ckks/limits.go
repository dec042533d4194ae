package ckks

const (
	// Slots is the number of entries of a batch, which is the most a Matcher holds: half
	// the degree.
	Slots = 1 << (logDegree - 1)
	// Diagonals repeat along the slots only if their number is a power of two. 1024
	// dimensions take 1.5 GB and rotation keys as much again.
	minDims, maxDims = 2, 1024
	// maxNorm is that of vectors whose coordinates fit an int8.
	maxNorm = 127
)
