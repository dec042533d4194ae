package templates

// Bounds of what the package accepts, each with its reason.
const (
	// MinCols is the smallest number of iris columns: fewer cannot be rotated
	// to any purpose.
	MinCols = 8
	// MaxCols is the largest number of iris columns; published encoders use
	// 128 to 512 samples around the iris.
	MaxCols = 1024
	// MaxLines bounds Rows*Filters*Planes; 16 rows, 2 filters and 2 planes make 64.
	MaxLines = 1024
	// MaxBits bounds the bits of one iris code, four times the largest code in
	// common use, and keeps every score within 32 bits.
	MaxBits = 1 << 16
	// MaxShifts bounds the rotations tried: 63 of 256 columns are +-44 degrees
	// of head tilt.
	MaxShifts = 63
	// MaxBeta bounds the threshold's denominator: three decimals.
	MaxBeta = 1000
	// MaxDims bounds the coordinates of a vector; published embeddings have 64
	// to 2048.
	MaxDims = 4096
	// MaxNorm is the largest norm whose coordinates always fit an int8.
	MaxNorm = 127
	// MaxWeight bounds the weight of fingers beside eyes, so that scores stay within
	// 24 bits: one finger of norm 63 then counts as much as a whole eye.
	MaxWeight = 64
	// MaxDegree bounds the ring degree for which a layout is computed.
	MaxDegree = 1 << 17

	// MaxSchemeText bounds the text form of a scheme before it is parsed.
	MaxSchemeText = 128
	// maxRecord bounds one record of a multi-record input, in bytes read for it
	// beyond what is buffered: a full iris as JSON takes 22 KB and 4096
	// coordinates as CSV about 100 KB.
	maxRecord = 1 << 20
	// maxSubject bounds the name of a person in a record: the longest name field
	// of a passport's machine readable zone has 39 characters, files of police
	// have some more.
	maxSubject = 256
	// maxHandle bounds a handle in a record; watchlists allow as much.
	maxHandle = 64
	// maxNesting bounds the brackets open at once in a JSON record: open-iris
	// output nests 4 deep. It is the width of a machine word.
	maxNesting = 64
	// maxNumpyHeader bounds the header of a .npy file; numpy itself writes less
	// than 128 bytes for a plain array.
	maxNumpyHeader = 4096
	// DefaultMaxBytes is the total size that Read accepts unless told otherwise.
	DefaultMaxBytes = 256 << 20
)
