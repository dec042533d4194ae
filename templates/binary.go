package templates

import (
	"encoding/binary"
	"slices"
)

// The binary form, integers big-endian:
//
//	"PUTM"            4 bytes
//	version           1 byte, 1
//	modality          1 byte, 1 iris, 2 vector
//	iris:   rows, cols, filters, planes   2 bytes each
//	        code                          ceil(bits/8) bytes
//	        mask                          ceil(bits/8) bytes
//	vector: dims                          2 bytes
//	        norm                          1 byte
//	        coordinates                   dims bytes, two's complement
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

	// MaxBinary is the largest binary form of a template in bytes.
	MaxBinary = binaryIrisHead + 2*MaxBits/8
)

// BinarySize is the number of bytes of every template of the scheme in binary
// form.
func (s Scheme) BinarySize() int {
	if s.Modality == ModalityVector {
		return binaryVectorHead + s.Dims
	}
	return binaryIrisHead + 2*s.Shape.packedLen()
}

// EncodeBinary gives the binary form of a template, at most MaxBinary bytes.
// The only error, wrapping ErrTemplate, is for a Vector put together by hand
// that is out of bounds, or for no template at all.
func EncodeBinary(t Template) ([]byte, error) {
	return AppendBinary(nil, t)
}

// AppendBinary appends the binary form to dst; see EncodeBinary.
func AppendBinary(dst []byte, t Template) ([]byte, error) {
	switch t := t.(type) {
	case *Iris:
		if t == nil {
			break
		}
		bits := t.shape.Bits()
		dst = slices.Grow(dst, binaryIrisHead+2*len(t.code)*8)
		dst = append(dst, binaryMagic...)
		dst = append(dst, binaryVersion, byte(ModalityIris))
		for _, n := range []int{t.shape.Rows, t.shape.Cols, t.shape.Filters, t.shape.Planes} {
			dst = binary.BigEndian.AppendUint16(dst, uint16(n))
		}
		return bytesOf(bytesOf(dst, t.code, bits), t.mask, bits), nil
	case Vector:
		if err := t.validate(); err != nil {
			return nil, err
		}
		dst = slices.Grow(dst, binaryVectorHead+len(t.Coords))
		dst = append(dst, binaryMagic...)
		dst = append(dst, binaryVersion, byte(ModalityVector))
		dst = binary.BigEndian.AppendUint16(dst, uint16(len(t.Coords)))
		dst = append(dst, byte(t.Norm))
		for _, c := range t.Coords {
			dst = append(dst, byte(c))
		}
		return dst, nil
	}
	return nil, fail(ErrTemplate, "there is no template to encode")
}

// DecodeBinary reads the binary form; b is not retained. What it accepts,
// EncodeBinary gives back byte for byte. Errors wrap ErrFormat.
func DecodeBinary(b []byte) (Template, error) {
	if len(b) < binaryPrefix || string(b[:len(binaryMagic)]) != binaryMagic {
		return nil, fail(ErrFormat, "binary template does not begin with %s", binaryMagic)
	}
	if v := b[len(binaryMagic)]; v != binaryVersion {
		return nil, fail(ErrFormat, "binary template has version %d, only %d is known", v, binaryVersion)
	}
	switch m := Modality(b[len(binaryMagic)+1]); m {
	case ModalityIris:
		return decodeBinaryIris(b)
	case ModalityVector:
		return decodeBinaryVector(b)
	default:
		return nil, fail(ErrFormat, "binary template has unknown modality %d", uint8(m))
	}
}

func decodeBinaryIris(b []byte) (Template, error) {
	if len(b) < binaryIrisHead {
		return nil, fail(ErrFormat, "binary iris template ends within its header")
	}
	n := func(i int) int { return int(binary.BigEndian.Uint16(b[binaryPrefix+2*i:])) }
	shape := Shape{Rows: n(0), Cols: n(1), Filters: n(2), Planes: n(3)}
	if err := shape.Validate(); err != nil {
		return nil, fail(ErrFormat, "binary iris template: %v", err)
	}
	size := shape.packedLen()
	if want := binaryIrisHead + 2*size; len(b) != want {
		return nil, fail(ErrFormat, "binary iris template has %d bytes, shape %s needs %d", len(b), shape, want)
	}
	code, mask := wordsOf(b[binaryIrisHead:binaryIrisHead+size]), wordsOf(b[binaryIrisHead+size:])
	if !tailClear(mask, shape.Bits()) {
		return nil, fail(ErrFormat, "binary iris template has bits set past the end of its mask")
	}
	for i, m := range mask {
		if code[i]&^m != 0 {
			return nil, fail(ErrFormat, "binary iris template has code bits set outside its mask")
		}
	}
	return &Iris{shape: shape, code: code, mask: mask}, nil
}

func decodeBinaryVector(b []byte) (Template, error) {
	if len(b) < binaryVectorHead {
		return nil, fail(ErrFormat, "binary vector template ends within its header")
	}
	dims := int(binary.BigEndian.Uint16(b[binaryPrefix:]))
	if want := binaryVectorHead + dims; len(b) != want {
		return nil, fail(ErrFormat, "binary vector template has %d bytes, %d coordinates need %d", len(b), dims, want)
	}
	v := Vector{Coords: make([]int8, dims), Norm: int(b[binaryPrefix+2])}
	for i, c := range b[binaryVectorHead:] {
		v.Coords[i] = int8(c)
	}
	if err := v.validate(); err != nil {
		return nil, fail(ErrFormat, "binary vector template: %v", err)
	}
	return v, nil
}
