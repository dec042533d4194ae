package templates

import "slices"

// MasekShape is the geometry of the codes of Masek's encoder and of the tools
// that follow it, such as USIT: 20 rows of 480 bits, of which columns 2k-1 and
// 2k (from 1) are the signs of the real and the imaginary part at angle k (L.
// Masek, "Recognition of human iris patterns for biometric identification",
// 2003). Their mask has 1 for noise.
var MasekShape = Shape{Rows: 20, Cols: 240, Filters: 1, Planes: 2}

// DecodeBits makes an iris code of raw bits. Code and mask are each either
// packed, eight bits to the byte, most significant bit first, as numpy.packbits
// gives them for an array in C order; or text of digits 0 and 1, possibly
// separated by commas and white space, as MATLAB's writematrix gives them for
// a matrix. The order is row by row: bit ((row*Cols + col)*Filters +
// filter)*Planes + plane, so a row of Masek's 480 columns is one row here. (The
// memory of a MATLAB array is column by column; transpose it before packing.)
//
// noise says that mask bit 1 means unusable. Errors wrap ErrFormat, ErrScheme
// for the shape or ErrTemplate.
func DecodeBits(shape Shape, code, mask []byte, noise bool) (*Iris, error) {
	if err := shape.Validate(); err != nil {
		return nil, err
	}
	packed := [2][]byte{}
	for i, b := range [][]byte{code, mask} {
		var ok bool
		if packed[i], ok = shape.packedBits(b); !ok {
			return nil, fail(ErrFormat, "raw iris %s of %d bytes is neither %d packed bytes nor %d digits of 0 and 1, as shape %s needs",
				[]string{"code", "mask"}[i], len(b), shape.packedLen(), shape.Bits(), shape)
		}
	}
	if noise {
		packed[1] = shape.inverted(packed[1])
	}
	return NewIris(shape, packed[0], packed[1])
}

// SplitBits cuts raw bits that hold a code and behind it its mask, both packed,
// as DecodeBits takes them. ok is false for any other length.
func SplitBits(shape Shape, data []byte) (code, mask []byte, ok bool) {
	n := shape.packedLen()
	if n == 0 || len(data) != 2*n {
		return nil, nil, false
	}
	return data[:n], data[n:], true
}

// packedBits gives packed bits of either form. Text always has more characters
// than the packed form has bytes, so the length tells them apart.
func (s Shape) packedBits(b []byte) ([]byte, bool) {
	if len(b) == s.packedLen() {
		return b, true
	}
	if len(b) < s.Bits() || len(b) > maxRecord {
		return nil, false
	}
	out := make([]byte, s.packedLen())
	n := 0
	for _, c := range b {
		switch c {
		case '0', '1':
			if n == s.Bits() {
				return nil, false
			}
			out[n>>3] |= (c - '0') << (7 - uint(n&7))
			n++
		case ',', ' ', '\t', '\r', '\n':
		default:
			return nil, false
		}
	}
	return out, n == s.Bits()
}

// inverted negates the bits of a packed mask but for the padding.
func (s Shape) inverted(mask []byte) []byte {
	if len(mask) != s.packedLen() {
		return mask // NewIris refuses it
	}
	out := slices.Clone(mask)
	for i := range out {
		out[i] = ^out[i]
	}
	last, spare := len(out)-1, byte(1)<<uint(len(out)*8-s.Bits())-1
	out[last] = out[last]&^spare | mask[last]&spare
	return out
}
