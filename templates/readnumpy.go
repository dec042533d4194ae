package templates

import (
	"encoding/binary"
	"io"
	"math"
	"strconv"
	"strings"
)

// numpyMagic begins a .npy file; the format is described in numpy's
// numpy/lib/format.py.
const numpyMagic = "\x93NUMPY"

// numpySource gives the rows of a NumPy array.
type numpySource struct {
	in      io.Reader
	options Options
	begun   bool
	kind    string // f4, f8 or i1
	rows    int64  // still to come
	dims    int
	row     []byte
}

func (s *numpySource) next(rec *Record) error {
	if !s.begun {
		if err := s.header(); err != nil {
			return err
		}
		s.begun = true
	}
	if s.rows == 0 {
		var one [1]byte
		if _, err := io.ReadFull(s.in, one[:]); err == nil {
			return fail(ErrFormat, ".npy file goes on after its last row")
		} else if err != io.EOF {
			return err
		}
		return io.EOF
	}
	if _, err := io.ReadFull(s.in, s.row); err != nil {
		return errShort(err, ".npy file")
	}
	s.rows--
	if s.kind == "i1" {
		return skip(s.quantised(rec))
	}
	real := make([]float64, s.dims)
	for i := range real {
		if s.kind == "f4" {
			real[i] = float64(math.Float32frombits(binary.LittleEndian.Uint32(s.row[4*i:])))
		} else {
			real[i] = math.Float64frombits(binary.LittleEndian.Uint64(s.row[8*i:]))
		}
	}
	return skip(s.options.fill(rec, real))
}

// quantised takes a row of bytes as the coordinates themselves. A row much
// shorter than the norm was quantised to a smaller one, and would lose its hits
// without anybody noticing.
func (s *numpySource) quantised(rec *Record) error {
	if s.options.Centre != nil {
		return fail(ErrTemplate, "vector of bytes cannot be centred: centre the real numbers and quantise them")
	}
	coords := make([]int8, s.dims)
	for i, b := range s.row {
		coords[i] = int8(b)
	}
	v, err := NewVector(coords, s.options.Norm)
	if err != nil {
		return err
	}
	if n := v.Norm * v.Norm; sumSquares(coords) < n*3/4 {
		return fail(ErrTemplate, "vector of bytes is much shorter than the norm %d: give the norm to which it was quantised", v.Norm)
	}
	rec.Template = v
	return nil
}

// header reads magic, version, header length and header.
func (s *numpySource) header() error {
	var lead [8]byte
	if _, err := io.ReadFull(s.in, lead[:]); err != nil {
		return errShort(err, ".npy header")
	}
	var size int
	switch lead[6] {
	case 1:
		var b [2]byte
		if _, err := io.ReadFull(s.in, b[:]); err != nil {
			return errShort(err, ".npy header")
		}
		size = int(binary.LittleEndian.Uint16(b[:]))
	case 2:
		var b [4]byte
		if _, err := io.ReadFull(s.in, b[:]); err != nil {
			return errShort(err, ".npy header")
		}
		size = int(min(binary.LittleEndian.Uint32(b[:]), maxNumpyHeader+1))
	default:
		return fail(ErrFormat, ".npy file has version %d, only 1 and 2 are read", lead[6])
	}
	if size > maxNumpyHeader {
		return fail(ErrFormat, ".npy header has more than %d bytes", maxNumpyHeader)
	}
	text := make([]byte, size)
	if _, err := io.ReadFull(s.in, text); err != nil {
		return errShort(err, ".npy header")
	}
	return s.dictionary(string(text))
}

// dictionary reads the Python literal that numpy writes:
//
//	{'descr': '<f4', 'fortran_order': False, 'shape': (3, 512), }
//
// Members may come in any order and all three must be there once.
func (s *numpySource) dictionary(text string) error {
	bad := fail(ErrFormat, ".npy header is not the one of a plain array")
	body, ok := strings.CutPrefix(strings.TrimSpace(text), "{")
	if !ok {
		return bad
	}
	if body, ok = strings.CutSuffix(body, "}"); !ok {
		return bad
	}
	seen := map[string]bool{}
	for {
		body = strings.TrimLeft(body, " ,")
		if body == "" {
			break
		}
		name, rest, ok := strings.Cut(body, ":")
		name = strings.TrimSpace(name)
		if !ok || seen[name] {
			return bad
		}
		seen[name] = true
		rest = strings.TrimLeft(rest, " ")
		var value string
		if name == "'shape'" {
			inner, isTuple := strings.CutPrefix(rest, "(")
			value, body, ok = strings.Cut(inner, ")")
			if !isTuple || !ok {
				return bad
			}
		} else {
			value, body, _ = strings.Cut(rest, ",")
			value = strings.TrimSpace(value)
		}
		if err := s.member(name, value, bad); err != nil {
			return err
		}
	}
	if len(seen) != 3 {
		return bad
	}
	width := map[string]int{"f4": 4, "f8": 8, "i1": 1}[s.kind]
	s.row = make([]byte, s.dims*width)
	return nil
}

func (s *numpySource) member(name, value string, bad error) error {
	switch name {
	case "'descr'":
		switch value {
		case "'<f4'", "'<f8'":
			s.kind = value[2:4]
		case "'|i1'", "'<i1'":
			s.kind = "i1"
		default:
			return fail(ErrFormat, ".npy array must be of type <f4, <f8 or |i1")
		}
	case "'fortran_order'":
		if value != "False" {
			return fail(ErrFormat, ".npy array must be in C order; save numpy.ascontiguousarray of it")
		}
	case "'shape'":
		return s.shape(value)
	default:
		return bad
	}
	return nil
}

// shape reads "512,", "3, 512" and the like.
func (s *numpySource) shape(value string) error {
	bad := fail(ErrFormat, ".npy array must be one vector, or rows of 1 to %d coordinates", MaxDims)
	parts := strings.Split(strings.TrimSuffix(strings.TrimSpace(value), ","), ",")
	n := []int64{1}
	for _, p := range parts {
		v, err := strconv.ParseUint(strings.TrimSpace(p), 10, 48)
		if err != nil {
			return bad
		}
		n = append(n, int64(v))
	}
	if len(n) > 3 {
		return bad
	}
	s.rows, s.dims = n[len(n)-2], int(min(n[len(n)-1], MaxDims+1))
	if s.dims < 1 || s.dims > MaxDims {
		return bad
	}
	return nil
}
