package watchlist

import "time"

// Limits, each with its reason.
const (
	// MaxEntries bounds a watchlist. Loading keeps all of it in memory; larger
	// ones are to be split over machines, hence over watchlists.
	MaxEntries = 1 << 24
	// MaxSegments bounds the manifest, and the files that a reader holds open.
	MaxSegments = 1 << 13
	// MaxHandle is the greatest length of a handle in bytes.
	MaxHandle = 64
	// LockTimeout is how long a writer waits for another one to finish.
	LockTimeout = 10 * time.Second

	// A change of one entry rewrites one segment, and a reader holds one in
	// memory: both want it small. The manifest wants few.
	maxSegmentEntries = 16384
	maxTemplateBlock  = 32 << 20
	maxHandleBlock    = maxSegmentEntries * (1 + MaxHandle)
	// maxManifest holds MaxSegments entries of at most 200 bytes.
	maxManifest = 200*MaxSegments + 4096
	// A reader whose segments vanish under it starts again with the new
	// manifest; every attempt needs another writer to finish in between.
	maxOpenAttempts = 100
)
