package templates

import (
	"fmt"
	"strconv"
)

// appendFusedJSON appends the JSON form of a fused template, whose parts are JSON
// templates.
func appendFusedJSON(out []byte, t *Fused) ([]byte, error) {
	out = fmt.Appendf(out, `{"puente_template":%d,"modality":"fused"`, jsonVersion)
	for i, side := range []string{"left", "right"} {
		if t.eyes[i] == nil {
			continue
		}
		part, err := EncodeJSON(t.eyes[i])
		if err != nil {
			return nil, err
		}
		out = fmt.Appendf(out, `,"%s":%s`, side, part)
	}
	out = append(out, `,"fingers":{`...)
	for n, f := range t.Fingers().Positions() {
		part, err := EncodeJSON(t.fingers[f])
		if err != nil {
			return nil, err
		}
		if n > 0 {
			out = append(out, ',')
		}
		out = fmt.Appendf(out, `"%d":%s`, f, part)
	}
	return append(out, "}}"...), nil
}

// puenteFused reads what appendFusedJSON writes; left, right and fingers may be
// missing.
func (m members) puenteFused() (Template, error) {
	var eyes [2]*Iris
	names := []string{"puente_template", "modality"}
	for i, side := range []string{"left", "right"} {
		if m[side] == nil {
			continue
		}
		names = append(names, side)
		t, err := DecodeJSON(m[side])
		if err != nil {
			return nil, fmt.Errorf("%s eye: %w", side, err)
		}
		eye, ok := t.(*Iris)
		if !ok {
			return nil, fail(ErrFormat, "JSON member %q is not an iris template", side)
		}
		eyes[i] = eye
	}
	fingers := map[int]Vector{}
	if m["fingers"] != nil {
		names = append(names, "fingers")
		parts, err := jsonObject(m["fingers"])
		if err != nil {
			return nil, fmt.Errorf("fingers: %w", err)
		}
		for name, part := range parts {
			f, err := strconv.Atoi(name)
			if err != nil || f < 1 || f > Fingers || strconv.Itoa(f) != name {
				return nil, fail(ErrFormat, "JSON fingers are named by positions 1 to %d", Fingers)
			}
			t, err := DecodeJSON(part)
			if err != nil {
				return nil, fmt.Errorf("finger %d: %w", f, err)
			}
			v, ok := t.(Vector)
			if !ok {
				return nil, fail(ErrFormat, "JSON finger %d is not a vector template", f)
			}
			fingers[f] = v
		}
	}
	if err := m.only(names...); err != nil {
		return nil, err
	}
	t, err := NewFused(eyes[0], eyes[1], fingers)
	if err != nil {
		return nil, fail(ErrFormat, "JSON template: %v", err)
	}
	return t, nil
}
