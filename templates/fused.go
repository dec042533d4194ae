package templates

import (
	"encoding/json"
	"fmt"
	"log/slog"
)

// Fused is a template of several parts of one person, of which any may be missing:
// two eyes and up to ten fingers. All of them together get one score and are
// compared with one threshold. The zero value is not usable; see NewFused.
type Fused struct {
	eyes    [2]*Iris            // left, right; nil where missing
	fingers [Fingers + 1]Vector // by position; no coordinates where missing
}

// NewFused makes a template of the eyes, nil where missing, and of fingers by
// position, 1..Fingers; the slices are retained. There must be one part at least;
// the eyes have the same shape, the fingers the same norm and number of
// coordinates. Errors wrap ErrTemplate.
func NewFused(left, right *Iris, fingers map[int]Vector) (*Fused, error) {
	t := &Fused{eyes: [2]*Iris{left, right}}
	if left != nil && right != nil && left.shape != right.shape {
		return nil, fail(ErrTemplate, "the eyes have the shapes %s and %s, one shape is needed", left.shape, right.shape)
	}
	first := 0
	for f := 1; f <= Fingers; f++ {
		v, ok := fingers[f]
		if !ok {
			continue
		}
		if err := v.validate(); err != nil {
			return nil, fmt.Errorf("finger %d: %w", f, err)
		}
		if first == 0 {
			first = f
		}
		if g := fingers[first]; len(v.Coords) != len(g.Coords) || v.Norm != g.Norm {
			return nil, fail(ErrTemplate, "fingers %d and %d differ in norm or number of coordinates", first, f)
		}
		t.fingers[f] = v
	}
	if t.Fingers().Len() != len(fingers) {
		return nil, fail(ErrTemplate, "finger positions must be 1 to %d", Fingers)
	}
	if left == nil && right == nil && first == 0 {
		return nil, fail(ErrTemplate, "a fused template needs an eye or a finger")
	}
	return t, nil
}

// Eyes gives the left and the right eye, nil where missing.
func (t *Fused) Eyes() (left, right *Iris) { return t.eyes[0], t.eyes[1] }

// Fingers is the set of positions that are present.
func (t *Fused) Fingers() FingerSet {
	var s FingerSet
	for f := range t.fingers {
		if t.fingers[f].Coords != nil {
			s |= 1 << f
		}
	}
	return s
}

// Finger gives the vector at a position and whether it is present.
func (t *Fused) Finger(position int) (Vector, bool) {
	if position < 1 || position > Fingers || t.fingers[position].Coords == nil {
		return Vector{}, false
	}
	return t.fingers[position], true
}

// Equal reports whether the same parts are present with the same values. It is not
// constant-time.
func (t *Fused) Equal(o *Fused) bool {
	for i, e := range t.eyes {
		if (e == nil) != (o.eyes[i] == nil) || e != nil && !e.Equal(o.eyes[i]) {
			return false
		}
	}
	for f, v := range t.fingers {
		if (v.Coords == nil) != (o.fingers[f].Coords == nil) || !v.Equal(o.fingers[f]) {
			return false
		}
	}
	return true
}

// Modality is ModalityFused.
func (*Fused) Modality() Modality { return ModalityFused }

func (*Fused) template() {}

// String describes the template without its values: not even which parts are
// present, which may be what somebody is recognised by.
func (t *Fused) String() string {
	if t == nil {
		return "[no fused template]"
	}
	return "[fused template, redacted]"
}

// GoString is String: %#v does not show values either.
func (t *Fused) GoString() string { return t.String() }

// Format writes String for every verb.
func (t *Fused) Format(f fmt.State, _ rune) { redaction(t.String()).format(f) }

// LogValue is String, for log/slog.
func (t *Fused) LogValue() slog.Value { return redaction(t.String()).logValue() }

// MarshalJSON gives String as a JSON string, so that a template inside another
// structure does not leak. EncodeJSON writes the values.
func (t *Fused) MarshalJSON() ([]byte, error) { return redaction(t.String()).marshalJSON() }

var _ json.Marshaler = (*Fused)(nil)
