package minutiae

// Bounds of what the package accepts, each with its reason.
const (
	// MaxData bounds a file in bytes: a full record of 176 views with 255
	// minutiae each has 270 KB without extended data. A transaction with images
	// can be larger; its Type-9 records must be taken out first.
	MaxData = 1 << 20
	// MaxViews bounds the views of a record: 11 finger positions, the unknown
	// one among them, with 16 views each, as ISO/IEC 19794-2 bounds it.
	MaxViews = 176
	// MaxMinutiae bounds the minutiae of a view. Records count them in one byte;
	// bozorth3 reads .xyt files of at most 1000 lines.
	MaxMinutiae = 1000

	// maxFinger is the code of the left little finger. Amendment 1 of ANSI
	// INCITS 378-2009 has further codes for several fingers in one image.
	maxFinger = 10
	// maxNumber: view numbers have four bits.
	maxNumber = 15
	// maxImpression is the largest code that ISO/IEC 19794-2:2011 and ANSI
	// INCITS 378-2009 give a meaning.
	maxImpression = ImpressionUnknown
	// maxQuality is the top of every scale of quality.
	maxQuality = 100
	// maxSide bounds width and height: coordinates have 14 bits.
	maxSide = 1 << 14
	// minResolution in pixels per centimetre is 250 dpi, the coarsest that
	// ISO/IEC 19794-2 allows.
	minResolution = 98
	// maxResolution is 2540 dpi. The finest in use for fingers is 1000 dpi; a
	// larger number is a field in another unit.
	maxResolution = 1000
	// dpi500 is 500 dpi in pixels per centimetre, as the records round it. Formats
	// without pixels or without a resolution are read at it.
	dpi500 = 197
	// maxRecordType: the types of ANSI/NIST-ITL records have two digits.
	maxRecordType = 99
	// maxRegion bounds the sides of a region of interest in units of 0.01 mm
	// (ANSI/NIST-ITL 1-2011, table 30): half a metre, below maxSide in pixels.
	maxRegion = 49_999
	// plainRightThumb and plainLeftThumb are codes of ANSI/NIST-ITL for thumbs that
	// were pressed and not rolled; those of four fingers at once follow them.
	plainRightThumb, plainLeftThumb = 11, 12

	// tailSlack is the number of bytes by which the end of a record may differ
	// from what its length fields say. Extended data close a record, and real
	// files (two of NIST's own samples) miscount them by one or two bytes; no
	// minutia can be lost there.
	tailSlack = 2
)
