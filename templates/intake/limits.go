package intake

import "github.com/puente-project/puente/templates/minutiae"

// Limits, each with its reason.
const (
	// DefaultUsableShare: one bit in four of an iris code must be usable. At 4096
	// of 16 384 bits, two codes of which the other is ordinary (60 % usable) have
	// about 2 450 bits in common; pairs of different eyes were seen to match by
	// chance with fewer than 2 000.
	DefaultUsableShare = 4
	// DefaultMinMinutiae is the least of which a vector is made at all. A larger
	// bound makes better vectors of fewer fingers.
	DefaultMinMinutiae = minutiae.MinVectorMinutiae

	// minSetPercent is the least share of bits set, and of bits not set, among
	// the usable bits of an iris code. Encoders keep the sign of a wavelet
	// without a constant part, which gives about 50 %.
	minSetPercent = 10
	// minLengthPercent is the least square of a vector's length in percent of
	// the square of its norm. Rounding alone costs a few percent.
	minLengthPercent = 75
	// maxLoss is the greatest loss of cosine by quantisation. At norm 63 normal
	// random vectors of 512 coordinates lose 0.0055, those of 4096 lose 0.044.
	maxLoss = 0.1

	// MaxBytes bounds one input: 10 million irises of 5.5 kB are 55 GB. It is
	// read as a stream; the limit only ends what never ends.
	MaxBytes = 1 << 37
	// MaxFiles bounds the files of one import, whose names are held in memory.
	MaxFiles = 1 << 22
	// maxSmallFile bounds files that are read as a whole: minutiae records and raw
	// iris bits. The largest of either, as text, takes 130 KB.
	maxSmallFile = 1 << 20
	// maxPending bounds the coordinates held for averaging the impressions of
	// fingers, 8 bytes each: half a gigabyte, or 130 000 impressions of 512.
	maxPending = 1 << 26
	// maxJoining bounds the bytes of the parts of people held until all have been
	// read: 60 000 people with two irises of 16 384 bits.
	maxJoining = 1 << 29
	// MaxRefusals bounds the refusals of one report: who has more has chosen the
	// wrong format or scheme.
	MaxRefusals = 100_000
)
