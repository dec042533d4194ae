package minutiae

// Kind is the kind of a minutia, with the numbers of the type field of ISO/IEC
// 19794-2.
type Kind uint8

const (
	// Other: neither, or not determined.
	Other Kind = 0
	// Ending: a ridge ends.
	Ending Kind = 1
	// Bifurcation: a ridge splits in two.
	Bifurcation Kind = 2
)

// Minutia is one point of a fingerprint.
type Minutia struct {
	// X and Y are pixels to the right of and down from the top left corner,
	// below Width and Height of the view where the format gives them.
	X, Y int
	// Angle is in radians in [0, 2pi), counter-clockwise from the positive x
	// axis (to the right), as ISO/IEC 19794-2 (in the edition of 2011: 6.5) and
	// ANSI INCITS 378 measure it: from an ending into its ridge, from a
	// bifurcation into the valley between its branches.
	Angle float64
	// Kind is Other for .xyt, which does not tell.
	Kind Kind
	// Quality is 1 (lowest) to 100, 0 if not reported.
	Quality uint8
}

// Finger is a finger position with the numbers of ISO/IEC 19794-2, table of
// finger positions: 0 unknown, 1 right thumb, 2 right index ... 5 right little,
// 6 left thumb ... 10 left little.
type Finger uint8

// View is one impression of one finger.
type View struct {
	// Format is the format of the record that held the view.
	Format Format
	// Finger is 0..10; 0 (unknown) for .xyt and where a Type-9 record gives
	// several.
	Finger Finger
	// Number tells views of one finger apart, 0..15; for Type-9 records, which
	// have no such number, they are counted.
	Number int
	// Impression is the code of the impression type, 0..29: 0 live-scan plain,
	// 1 live-scan rolled, 2 and 3 the same from paper, 8 swipe, and from 20 on
	// those of ISO/IEC 19794-2:2011. It is ImpressionUnknown for .xyt.
	Impression uint8
	// Quality is that of the whole impression, 0 (lowest) to 100, or
	// QualityNotReported or QualityFailed.
	Quality uint8
	// Width and Height are pixels of the image; 0 if the format does not say
	// (.xyt and Type-9 records with field 9.012). In a Type-9 record with field
	// 9.331 they are those of its region of interest.
	Width, Height int
	// ResX and ResY are pixels per centimetre; 197 (500 dpi) for .xyt, which
	// does not say and is made from such images, and for Type-9 records, whose
	// hundredths of a millimetre are turned to such pixels.
	ResX, ResY int
	// Minutiae are in the order of the record, at most MaxMinutiae. There may be
	// none.
	Minutiae []Minutia
}

// Values of View.Quality that are no measure, with the numbers of ISO/IEC
// 19794-2:2011 and ANSI INCITS 378-2009.
const (
	// QualityNotReported: nobody computed a quality.
	QualityNotReported = 254
	// QualityFailed: an attempt to compute it failed.
	QualityFailed = 255
)

// ImpressionUnknown is the View.Impression of what does not say.
const ImpressionUnknown = 29

// Format is a form in which minutiae are stored.
type Format uint8

const (
	// Unknown is none of the formats below.
	Unknown Format = iota
	// ISO2005 is the finger minutiae record format of ISO/IEC 19794-2:2005.
	ISO2005
	// ISO2011 is that of ISO/IEC 19794-2:2011.
	ISO2011
	// ANSI2004 is that of ANSI INCITS 378-2004.
	ANSI2004
	// ANSI2009 is that of ANSI INCITS 378-2009, of its Amendment 1, and of the
	// draft of 2007 that NIST's tools write.
	ANSI2009
	// XYT is the text that NIST's mindtct writes and bozorth3 reads, a line per
	// minutia: x y angle [quality].
	XYT
	// Type9 is that of the Type-9 records of an ANSI/NIST-ITL transaction in the
	// traditional encoding: the extended feature set of 2011 and later, field
	// 9.331, or the fields 9.005 to 9.012 of 2000 and 2007. A print that field
	// 9.315 calls reversed is read as it lies.
	Type9
)

// String gives the name of the standard.
func (f Format) String() string {
	switch f {
	case ISO2005:
		return "ISO/IEC 19794-2:2005"
	case ISO2011:
		return "ISO/IEC 19794-2:2011"
	case ANSI2004:
		return "ANSI INCITS 378-2004"
	case ANSI2009:
		return "ANSI INCITS 378-2009"
	case XYT:
		return "xyt"
	case Type9:
		return "ANSI/NIST-ITL Type-9"
	}
	return "unknown"
}

// Convention tells how an .xyt file counts, which the file itself does not.
type Convention uint8

const (
	// NIST: origin bottom left, degrees, pointing away from the ridge (mindtct
	// without options).
	NIST Convention = iota
	// ANSI: origin top left, units of 2 degrees, pointing into the ridge
	// (mindtct -m1).
	ANSI
)

// Options are hints for records that do not describe themselves. The zero value
// suits most files.
type Options struct {
	// XYT is the convention of .xyt files; records ignore it.
	XYT Convention
}
