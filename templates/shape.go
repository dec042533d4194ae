package templates

import (
	"fmt"
	"strconv"
	"strings"
)

// Shape is the geometry of an iris code: Rows rings of Cols samples around the
// iris, each filtered by Filters wavelets giving Planes bits (the signs of the
// real and the imaginary response make 2).
type Shape struct{ Rows, Cols, Filters, Planes int }

// Lines is the number of bits in one column, Rows*Filters*Planes. The line of a
// bit is (row*Filters + filter)*Planes + plane.
func (s Shape) Lines() int { return s.Rows * s.Filters * s.Planes }

// Bits is the number of bits of a code, Lines*Cols.
func (s Shape) Bits() int { return s.Lines() * s.Cols }

// packedLen is the number of bytes of a code packed eight bits to the byte.
func (s Shape) packedLen() int { return (s.Bits() + 7) / 8 }

// words is the number of 64-bit words of a code.
func (s Shape) words() int { return (s.Bits() + 63) / 64 }

// Validate reports a shape out of bounds, wrapping ErrScheme: MinCols..MaxCols
// columns, 1..MaxLines lines, at most MaxBits bits.
func (s Shape) Validate() error {
	if s.Cols < MinCols || s.Cols > MaxCols {
		return fail(ErrScheme, "shape has %d columns, want %d to %d", s.Cols, MinCols, MaxCols)
	}
	for _, n := range []int{s.Rows, s.Filters, s.Planes} {
		if n < 1 || n > MaxLines {
			return fail(ErrScheme, "shape %s needs rows, filters and planes of 1 to %d", s, MaxLines)
		}
	}
	// The three factors are at most 2^10 each, so nothing overflows.
	if s.Lines() > MaxLines {
		return fail(ErrScheme, "shape %s has %d lines, at most %d are allowed", s, s.Lines(), MaxLines)
	}
	if s.Bits() > MaxBits {
		return fail(ErrScheme, "shape %s has %d bits, at most %d are allowed", s, s.Bits(), MaxBits)
	}
	return nil
}

// String is the canonical text "ROWSxCOLSxFILTERSxPLANES", as in "16x256x2x2".
func (s Shape) String() string {
	return fmt.Sprintf("%dx%dx%dx%d", s.Rows, s.Cols, s.Filters, s.Planes)
}

// ParseShape reads a shape written as ROWSxCOLS, ROWSxCOLSxPLANES or
// ROWSxCOLSxFILTERSxPLANES; what is left out is 1. The error wraps ErrScheme.
func ParseShape(text string) (Shape, error) {
	bad := fail(ErrScheme, "shape must be ROWSxCOLSxFILTERSxPLANES in decimal, as in 16x256x2x2")
	if len(text) > MaxSchemeText {
		return Shape{}, bad
	}
	parts := strings.Split(text, "x")
	if len(parts) < 2 || len(parts) > 4 {
		return Shape{}, bad
	}
	n := make([]int, len(parts))
	for i, p := range parts {
		v, err := strconv.ParseUint(p, 10, 16)
		if err != nil || strconv.FormatUint(v, 10) != p {
			return Shape{}, bad
		}
		n[i] = int(v)
	}
	s := Shape{Rows: n[0], Cols: n[1], Filters: 1, Planes: 1}
	switch len(n) {
	case 3:
		s.Planes = n[2]
	case 4:
		s.Filters, s.Planes = n[2], n[3]
	}
	return s, s.Validate()
}
