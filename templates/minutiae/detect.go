package minutiae

import (
	"bytes"
	"encoding/binary"
)

// recordMagic begins the records of all ISO and ANSI formats.
const recordMagic = "FMR\x00"

// Detect tells the format of a file from its beginning, Unknown if it is none of
// those that Decode reads. That the rest is in order only Decode can tell.
//
// The ISO and ANSI formats share their magic, and in pairs their version. Those
// of 2004 and 2005 differ in the length that follows, four bytes in ISO and two
// in ANSI, which is why a record of at most MaxData bytes cannot be taken for
// the other one. Those of 2009 and 2011 have the same header up to there; in ISO
// alone a length stands before each view, and these must add up.
func Detect(data []byte) Format {
	if !bytes.HasPrefix(data, []byte(recordMagic)) {
		if looksLikeXYT(data) {
			return XYT
		}
		if isTransaction(data) {
			return Type9
		}
		return Unknown
	}
	if len(data) < 12 {
		return Unknown
	}
	switch string(data[4:8]) {
	case " 20\x00", "020\x00":
		// A two-byte length counts a header of 26 bytes; the upper half of a
		// four-byte one is at most 16 here. Zero leads the long ANSI form, too,
		// where again the upper half of a four-byte length follows.
		high, low := binary.BigEndian.Uint16(data[8:]), binary.BigEndian.Uint16(data[10:])
		if high >= 26 || high == 0 && low < 24 {
			return ANSI2004
		}
		return ISO2005
	case "030\x00":
		if lengthsAddUp(data) {
			return ISO2011
		}
		return ANSI2009
	case "035\x00":
		return ANSI2009
	}
	return Unknown
}

// lengthsAddUp follows the lengths that ISO/IEC 19794-2:2011 puts before each
// view.
func lengthsAddUp(data []byte) bool {
	if len(data) < iso2011Header {
		return false
	}
	total := uint64(binary.BigEndian.Uint32(data[8:]))
	at := uint64(iso2011Header)
	for range binary.BigEndian.Uint16(data[12:]) {
		if at+4 > uint64(len(data)) {
			return false
		}
		length := uint64(binary.BigEndian.Uint32(data[at:]))
		if length < iso2011MinView {
			return false
		}
		at += length
	}
	return at == total
}

// foreign are beginnings of files that are likely to be offered by mistake.
var foreign = []struct{ magic, name string }{
	{"<", "an XML or HTML text; of ANSI/NIST-ITL only the traditional encoding is read, convert it"},
	{"FIR\x00", "a finger image record; extract its minutiae first"},
	{"\xff\xa0", "a WSQ image; extract its minutiae first"},
	{"\xff\xd8\xff", "a JPEG image; extract its minutiae first"},
	{"\x00\x00\x00\x0cjP  ", "a JPEG 2000 image; extract its minutiae first"},
	{"\x89PNG", "a PNG image; extract its minutiae first"},
}

// errUnknown says why Detect found nothing.
func errUnknown(data []byte) error {
	if len(data) == 0 {
		return fail(ErrFormat, "the file is empty")
	}
	for _, f := range foreign {
		if bytes.HasPrefix(data, []byte(f.magic)) {
			return fail(ErrFormat, "this is %s", f.name)
		}
	}
	switch {
	case !bytes.HasPrefix(data, []byte(recordMagic)):
		return fail(ErrFormat, "the format is not recognised; known are ISO/IEC 19794-2:2005 and 2011, ANSI INCITS 378-2004 and 2009, ANSI/NIST-ITL with Type-9 records, and .xyt")
	case len(data) < 12:
		return fail(ErrFormat, "the record ends within its header")
	}
	return fail(ErrFormat, "version %q of the finger minutiae record is not known; known are 020, 030 and 035", data[4:7])
}
