package calibration

// Limits, each with its reason.
const (
	// MaxSamples bounds the templates of a measurement: 200 million pairs, an hour
	// for the largest usual iris codes on one core.
	MaxSamples = 20_000
	// MaxLabel bounds a person's or a part's label in bytes, as a file name is.
	MaxLabel = 255
	// MaxGenuine bounds the genuine pairs, of which each is kept in 8 bytes. More come
	// only from many captures of few people, which a rate gains nothing from.
	MaxGenuine = 1 << 22
	// MaxDuplicates bounds what Duplicates lists: more is no list for a person to
	// look through, but a threshold that is much too loose.
	MaxDuplicates = 100_000
	// MaxNearest bounds what Nearest lists.
	MaxNearest = 10_000

	// maxCandidates bounds the thresholds of schemes with inner products: 18 bits are
	// all of those of vectors; of fused schemes every 2nd, 4th, ... is one.
	maxCandidates = 1 << 18
	// maxClosest bounds the closest impostor pairs, which are kept to see who is in
	// them: 3 MB, and twice that in every goroutine.
	maxClosest = 1 << 18
	// plotBins are the bins of the two histograms that are for the eye.
	plotBins = 200
)
