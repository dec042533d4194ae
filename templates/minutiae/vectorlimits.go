package minutiae

// Bounds of vectors, each with its reason.
const (
	// MinDims and MaxDims bound the coordinates of a vector. At 128 the equal
	// error rate of one finger has risen by half, at 2048 it has long stopped
	// falling (docs/ACCURACY.md).
	MinDims, MaxDims = 128, 2048
	// DefaultDims is the least at which one finger reaches its lowest equal error
	// rate, up to chance.
	DefaultDims = 512
	// MinVectorMinutiae is the least number of minutiae of which a vector is
	// made. Fewer still do not match falsely more often, but find too little: with
	// the 12 best minutiae of each print of FVC2000 DB4_B the equal error rate is
	// 18 %, with 20 it is 11 %, with all 7 %.
	MinVectorMinutiae = 12
	// MaxVectorMinutiae bounds the minutiae that are used, the best by quality,
	// because the work grows with the square. It is the most that NIST's
	// bozorth3 uses.
	MaxVectorMinutiae = 200
)
