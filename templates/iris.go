package templates

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
)

// Iris is an iris code with its mask of usable bits. Both are bit strings in
// column-major order: the bit of line l in column c is bit c*Lines + l, so that
// turning the eye by one column rotates the string by Lines bits. Code bits
// outside the mask are always zero; this makes the representation unique and
// changes no score. The zero value is not usable; see NewIris.
type Iris struct {
	shape Shape
	code  []uint64
	mask  []uint64
}

// NewIris makes an iris code from code and mask in the order of open-iris: bit
// ((row*Cols + col)*Filters + filter)*Planes + plane, packed eight to the byte,
// most significant bit first, mask bit 1 for usable. Unused bits of the last
// byte must be zero. Code bits outside the mask are cleared. The slices are not
// retained. Errors wrap ErrScheme for the shape, ErrTemplate otherwise.
func NewIris(shape Shape, code, mask []byte) (*Iris, error) {
	if err := shape.Validate(); err != nil {
		return nil, err
	}
	n := shape.packedLen()
	for _, f := range []struct {
		name string
		b    []byte
	}{{"code", code}, {"mask", mask}} {
		if len(f.b) != n {
			return nil, fail(ErrTemplate, "iris %s has %d bytes, shape %s needs %d", f.name, len(f.b), shape, n)
		}
		if spare := uint(n*8 - shape.Bits()); f.b[n-1]&(1<<spare-1) != 0 {
			return nil, fail(ErrTemplate, "iris %s has bits set past the end of shape %s", f.name, shape)
		}
	}
	return newIris(shape, shape.fromRowMajor(code), shape.fromRowMajor(mask)), nil
}

// NewIrisColumns makes an iris code from code and mask in column-major order:
// the bit of line l in column c is bit i = c*Lines + l, found in word i/64 at
// bit i%64. Unused bits of the last word must be zero. Code bits outside the
// mask are cleared. The slices are not retained. Errors are those of NewIris.
func NewIrisColumns(shape Shape, code, mask []uint64) (*Iris, error) {
	if err := shape.Validate(); err != nil {
		return nil, err
	}
	if n := shape.words(); len(code) != n || len(mask) != n {
		return nil, fail(ErrTemplate, "iris code and mask have %d and %d words, shape %s needs %d", len(code), len(mask), shape, n)
	}
	if !tailClear(code, shape.Bits()) || !tailClear(mask, shape.Bits()) {
		return nil, fail(ErrTemplate, "iris code or mask has bits set past the end of shape %s", shape)
	}
	return newIris(shape, slices.Clone(code), slices.Clone(mask)), nil
}

// newIris takes ownership of checked bit strings.
func newIris(shape Shape, code, mask []uint64) *Iris {
	for i, m := range mask {
		code[i] &= m
	}
	return &Iris{shape: shape, code: code, mask: mask}
}

// Shape is the geometry of the code.
func (t *Iris) Shape() Shape { return t.shape }

// Bit gives the code bit of a line and column and whether it is usable; the bit
// of an unusable place is false. It panics outside the shape.
func (t *Iris) Bit(line, col int) (bit, usable bool) {
	lines := t.shape.Lines()
	if line < 0 || line >= lines || col < 0 || col >= t.shape.Cols {
		panic(fmt.Sprintf("templates: no line %d, column %d in an iris code of shape %s", line, col, t.shape))
	}
	i := col*lines + line
	return t.code[i>>6]>>uint(i&63)&1 == 1, t.mask[i>>6]>>uint(i&63)&1 == 1
}

// UsableBits is the number of bits set in the mask.
func (t *Iris) UsableBits() int { return onesCount(t.mask) }

// Rotate gives the code rolled by shift columns: what was in column c is in
// column c+shift, cyclically. Open-iris reports shifts with this sign, applied
// to the probe.
func (t *Iris) Rotate(shift int) *Iris {
	k := ((shift % t.shape.Cols) + t.shape.Cols) % t.shape.Cols * t.shape.Lines()
	n := t.shape.Bits()
	return &Iris{shape: t.shape, code: rotated(t.code, n, k), mask: rotated(t.mask, n, k)}
}

// Equal reports whether shape, code and mask are the same. It is not
// constant-time.
func (t *Iris) Equal(o *Iris) bool {
	return t.shape == o.shape && slices.Equal(t.code, o.code) && slices.Equal(t.mask, o.mask)
}

// Packed gives code and mask in the order that NewIris takes. The code is zero
// outside the mask.
func (t *Iris) Packed() (code, mask []byte) {
	return t.shape.toRowMajor(t.code), t.shape.toRowMajor(t.mask)
}

// Modality is ModalityIris.
func (*Iris) Modality() Modality { return ModalityIris }

func (*Iris) template() {}

// String describes the template without its values.
func (t *Iris) String() string {
	if t == nil {
		return "[no iris template]"
	}
	return fmt.Sprintf("[iris template %s, redacted]", t.shape)
}

// GoString is String: %#v does not show values either.
func (t *Iris) GoString() string { return t.String() }

// Format writes String for every verb.
func (t *Iris) Format(f fmt.State, _ rune) { redaction(t.String()).format(f) }

// LogValue is String, for log/slog.
func (t *Iris) LogValue() slog.Value { return redaction(t.String()).logValue() }

// MarshalJSON gives String as a JSON string, so that a template inside another
// structure does not leak. EncodeJSON writes the values.
func (t *Iris) MarshalJSON() ([]byte, error) { return redaction(t.String()).marshalJSON() }

var _ json.Marshaler = (*Iris)(nil)
