package templates

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// The binary form, integers big-endian:
//
//	"PUTM"            4 bytes
//	version           1 byte, 1
//	modality          1 byte, 1 iris, 2 vector, 3 fused
//	iris:   rows, cols, filters, planes   2 bytes each
//	        code                          ceil(bits/8) bytes
//	        mask                          ceil(bits/8) bytes
//	vector: dims                          2 bytes
//	        norm                          1 byte
//	        coordinates                   dims bytes, two's complement
//	fused:  eyes                          1 byte, 1 left + 2 right
//	        fingers                       2 bytes, bit f for position f
//	        every part that is present    as iris or vector, from its first field on
//
// Bit i of code and mask, i = column*Lines + line, is bit i%8 (of value
// 1<<(i%8)) of byte i/8. Bits past the end are zero, code bits outside the mask
// are zero, and nothing follows: a template has exactly one binary form.
const (
	binaryMagic      = "PUTM"
	binaryVersion    = 1
	binaryPrefix     = len(binaryMagic) + 2
	binaryIrisHead   = binaryPrefix + 8
	binaryVectorHead = binaryPrefix + 3

	binaryFusedHead = binaryPrefix + 3

	// MaxBinary is the largest binary form of a template in bytes.
	MaxBinary = binaryFusedHead + 2*(binaryIrisHead+2*MaxBits/8) + Fingers*(binaryVectorHead+MaxDims)
)

// BinarySize is the number of bytes of every template of the scheme in binary
// form; for a fused scheme, of one with all its parts.
func (s Scheme) BinarySize() int {
	eye, vector := binaryIrisHead-binaryPrefix+2*s.Shape.packedLen(), binaryVectorHead-binaryPrefix+s.Dims
	switch s.Modality {
	case ModalityVector:
		return binaryPrefix + vector
	case ModalityFused:
		return binaryFusedHead + s.Eyes*eye + s.Fingers.Len()*vector
	}
	return binaryPrefix + eye
}

// EncodeBinary gives the binary form of a template, at most MaxBinary bytes.
// The only error, wrapping ErrTemplate, is for a Vector put together by hand
// that is out of bounds, or for no template at all.
func EncodeBinary(t Template) ([]byte, error) {
	return AppendBinary(nil, t)
}

// AppendBinary appends the binary form to dst; see EncodeBinary.
func AppendBinary(dst []byte, t Template) ([]byte, error) {
	head := func(m Modality) {
		dst = append(append(dst, binaryMagic...), binaryVersion, byte(m))
	}
	switch t := t.(type) {
	case *Iris:
		if t == nil {
			break
		}
		dst = slices.Grow(dst, binaryIrisHead+2*len(t.code)*8)
		head(ModalityIris)
		return appendEye(dst, t), nil
	case Vector:
		if err := t.validate(); err != nil {
			return nil, err
		}
		dst = slices.Grow(dst, binaryVectorHead+len(t.Coords))
		head(ModalityVector)
		return appendVector(dst, t), nil
	case *Fused:
		if t == nil {
			break
		}
		head(ModalityFused)
		eyes := byte(0)
		for i, e := range t.eyes {
			if e != nil {
				eyes |= 1 << i
			}
		}
		dst = binary.BigEndian.AppendUint16(append(dst, eyes), uint16(t.Fingers()))
		for _, e := range t.eyes {
			if e != nil {
				dst = appendEye(dst, e)
			}
		}
		for _, v := range t.fingers {
			if v.Coords != nil {
				dst = appendVector(dst, v)
			}
		}
		return dst, nil
	}
	return nil, fail(ErrTemplate, "there is no template to encode")
}

func appendEye(dst []byte, t *Iris) []byte {
	for _, n := range []int{t.shape.Rows, t.shape.Cols, t.shape.Filters, t.shape.Planes} {
		dst = binary.BigEndian.AppendUint16(dst, uint16(n))
	}
	bits := t.shape.Bits()
	return bytesOf(bytesOf(dst, t.code, bits), t.mask, bits)
}

func appendVector(dst []byte, v Vector) []byte {
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(v.Coords)))
	dst = append(dst, byte(v.Norm))
	for _, c := range v.Coords {
		dst = append(dst, byte(c))
	}
	return dst
}

// DecodeBinary reads the binary form; b is not retained. What it accepts,
// EncodeBinary gives back byte for byte. Errors wrap ErrFormat.
func DecodeBinary(b []byte) (Template, error) {
	t, rest, err := takeBinary(b)
	if err == nil && len(rest) > 0 {
		return nil, fail(ErrFormat, "binary template has %d bytes, %d are expected", len(b), len(b)-len(rest))
	}
	return t, err
}

// EncodePadded gives the binary form followed by zeros up to BinarySize, so that
// the templates of a scheme all have one size and do not show which of their parts
// are present. Errors are those of Check.
func (s Scheme) EncodePadded(t Template) ([]byte, error) {
	if err := s.Check(t); err != nil {
		return nil, err
	}
	b, err := AppendBinary(make([]byte, 0, s.BinarySize()), t)
	if err != nil {
		return nil, err
	}
	return b[:s.BinarySize()], nil // the rest is as it was made
}

// DecodePadded is the inverse of EncodePadded. Errors are those of DecodeBinary.
func DecodePadded(b []byte) (Template, error) {
	t, rest, err := takeBinary(b)
	if err == nil && len(bytes.Trim(rest, "\x00")) > 0 {
		return nil, fail(ErrFormat, "padded template has something behind it")
	}
	return t, err
}

// takeBinary reads a template and gives what is behind it.
func takeBinary(b []byte) (Template, []byte, error) {
	if len(b) < binaryPrefix || string(b[:len(binaryMagic)]) != binaryMagic {
		return nil, nil, fail(ErrFormat, "binary template does not begin with %s", binaryMagic)
	}
	if v := b[len(binaryMagic)]; v != binaryVersion {
		return nil, nil, fail(ErrFormat, "binary template has version %d, only %d is known", v, binaryVersion)
	}
	rest := b[binaryPrefix:]
	switch m := Modality(b[len(binaryMagic)+1]); m {
	case ModalityIris:
		return taken(takeEye(rest))
	case ModalityVector:
		return taken(takeVector(rest))
	case ModalityFused:
		return taken(takeFused(rest))
	default:
		return nil, nil, fail(ErrFormat, "binary template has unknown modality %d", uint8(m))
	}
}

// taken makes a Template of what was read, and no typed nil of an error.
func taken[T Template](t T, rest []byte, err error) (Template, []byte, error) {
	if err != nil {
		return nil, nil, err
	}
	return t, rest, nil
}

// takeEye reads an iris code from its first field on and gives what is behind it.
func takeEye(b []byte) (*Iris, []byte, error) {
	const head = binaryIrisHead - binaryPrefix
	if len(b) < head {
		return nil, nil, fail(ErrFormat, "binary iris template ends within its header")
	}
	n := func(i int) int { return int(binary.BigEndian.Uint16(b[2*i:])) }
	shape := Shape{Rows: n(0), Cols: n(1), Filters: n(2), Planes: n(3)}
	if err := shape.Validate(); err != nil {
		return nil, nil, fail(ErrFormat, "binary iris template: %v", err)
	}
	size := shape.packedLen()
	if len(b) < head+2*size {
		return nil, nil, fail(ErrFormat, "binary iris template ends early, shape %s needs %d bytes", shape, head+2*size)
	}
	code, mask := wordsOf(b[head:head+size]), wordsOf(b[head+size:head+2*size])
	if !tailClear(mask, shape.Bits()) {
		return nil, nil, fail(ErrFormat, "binary iris template has bits set past the end of its mask")
	}
	for i, m := range mask {
		if code[i]&^m != 0 {
			return nil, nil, fail(ErrFormat, "binary iris template has code bits set outside its mask")
		}
	}
	return &Iris{shape: shape, code: code, mask: mask}, b[head+2*size:], nil
}

// takeVector reads a vector from its first field on and gives what is behind it.
func takeVector(b []byte) (Vector, []byte, error) {
	const head = binaryVectorHead - binaryPrefix
	if len(b) < head {
		return Vector{}, nil, fail(ErrFormat, "binary vector template ends within its header")
	}
	dims := int(binary.BigEndian.Uint16(b))
	if len(b) < head+dims {
		return Vector{}, nil, fail(ErrFormat, "binary vector template ends early, %d coordinates are expected", dims)
	}
	v := Vector{Coords: make([]int8, dims), Norm: int(b[2])}
	for i, c := range b[head : head+dims] {
		v.Coords[i] = int8(c)
	}
	if err := v.validate(); err != nil {
		return Vector{}, nil, fail(ErrFormat, "binary vector template: %v", err)
	}
	return v, b[head+dims:], nil
}

func takeFused(b []byte) (*Fused, []byte, error) {
	const head = binaryFusedHead - binaryPrefix
	if len(b) < head || b[0] > 3 || FingerSet(binary.BigEndian.Uint16(b[1:]))&^AllFingers != 0 {
		return nil, nil, fail(ErrFormat, "binary fused template has a header that is not its own")
	}
	eyes, positions := b[0], FingerSet(binary.BigEndian.Uint16(b[1:])).Positions()
	b = b[head:]
	var both [2]*Iris
	var err error
	for i := range both {
		if eyes>>i&1 == 0 {
			continue
		}
		if both[i], b, err = takeEye(b); err != nil {
			return nil, nil, err
		}
	}
	fingers := map[int]Vector{}
	for _, f := range positions {
		if fingers[f], b, err = takeVector(b); err != nil {
			return nil, nil, err
		}
	}
	t, err := NewFused(both[0], both[1], fingers)
	if err != nil {
		return nil, nil, fail(ErrFormat, "binary fused template: %v", err)
	}
	return t, b, nil
}
