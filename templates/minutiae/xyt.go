package minutiae

import (
	"bytes"
	"fmt"
	"math"
	"strings"
)

// looksLikeXYT tells whether the first line that is not blank has three or four
// natural numbers.
func looksLikeXYT(data []byte) bool {
	text := bytes.TrimLeft(data, " \t\r\n")
	// Longer lines have more than four numbers.
	line, _, _ := bytes.Cut(text[:min(len(text), 64)], []byte("\n"))
	fields := xytFields(string(line))
	if len(fields) != 3 && len(fields) != 4 {
		return false
	}
	for _, f := range fields {
		if _, ok := natural(f); !ok {
			return false
		}
	}
	return true
}

// decodeXYT reads the text of mindtct, with its quality or without. An .xyt file
// does not count its lines; one that was cut short is told by its last line, as
// far as it can be.
//
// mindtct has two representations (NBIS, lfs2nist_minutia_XYT and
// lfs2m1_minutia_XYT). ANSI is that of the records. NIST counts y upwards from
// the bottom of the image and turns the direction by half a circle. The height
// of the image is in neither, so the top is put at the highest minutia: only
// differences of coordinates have a meaning then.
func decodeXYT(data []byte, convention Convention) (View, error) {
	v := View{Format: XYT, Impression: ImpressionUnknown, Quality: QualityNotReported, ResX: dpi500, ResY: dpi500}
	if convention > ANSI {
		return v, fail(ErrFormat, "xyt: convention %d is unknown; use NIST or ANSI", convention)
	}
	if data[len(data)-1] != '\n' {
		return v, fail(ErrFormat, "xyt: the last line has no end; if the file was not cut short, add a line break")
	}
	if lines := bytes.Count(data, []byte("\n")); lines > MaxMinutiae {
		return v, fail(ErrTooLarge, "xyt: the file has more than %d lines", MaxMinutiae)
	}
	columns, top := 0, 0
	for line := range strings.Lines(string(data)) {
		fields := xytFields(line)
		if len(fields) == 0 {
			continue
		}
		if columns == 0 {
			columns = len(fields)
		}
		n := len(v.Minutiae) + 1
		if len(fields) != columns {
			return v, fail(ErrFormat, "xyt: minutia %d has %d numbers, the first has %d", n, len(fields), columns)
		}
		m, err := xytMinutia(fields, convention)
		if err != nil {
			return v, fmt.Errorf("xyt: minutia %d: %w", n, err)
		}
		top = max(top, m.Y)
		v.Minutiae = append(v.Minutiae, m)
	}
	if convention == NIST {
		for i := range v.Minutiae {
			v.Minutiae[i].Y = top - v.Minutiae[i].Y
		}
	}
	return v, nil
}

// xytMinutia reads the three or four numbers of a line; y is left as it is.
func xytMinutia(fields []string, convention Convention) (Minutia, error) {
	var number [4]int
	for i, f := range fields {
		n, ok := natural(f)
		if !ok {
			return Minutia{}, fail(ErrFormat, "number %d of the line is not a natural number of at most five digits", i+1)
		}
		number[i] = n
	}
	x, y, angle, quality := number[0], number[1], number[2], number[3]
	circle := 360
	if convention == ANSI {
		circle = 180
	}
	switch {
	case x >= maxSide || y >= maxSide:
		return Minutia{}, fail(ErrFormat, "a coordinate is not below %d", maxSide)
	case angle >= circle:
		return Minutia{}, fail(ErrFormat, "the angle is not below %d; is the convention right?", circle)
	case quality > maxQuality:
		return Minutia{}, fail(ErrFormat, "the quality is not on the scale to %d", maxQuality)
	}
	if convention == NIST {
		angle = (angle + 180) % circle
	}
	return Minutia{X: x, Y: y, Angle: 2 * math.Pi * float64(angle) / float64(circle), Quality: uint8(quality)}, nil
}

// xytFields gives what stands between the white space of a line.
func xytFields(line string) []string {
	return strings.FieldsFunc(line, func(r rune) bool { return r == ' ' || r == '\t' || r == '\r' || r == '\n' })
}

// natural reads a number of one to five decimal digits.
func natural(s string) (int, bool) { return decimal(s, 5) }

// decimal reads a number of one to so many decimal digits.
func decimal(s string, digits int) (int, bool) {
	if len(s) < 1 || len(s) > digits {
		return 0, false
	}
	n := 0
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = 10*n + int(c-'0')
	}
	return n, true
}
