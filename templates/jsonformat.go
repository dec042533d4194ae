package templates

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
)

// jsonVersion is the value of "puente_template".
const jsonVersion = 1

// EncodeJSON gives the JSON form of a template, one line without a line end:
//
//	{"puente_template":1,"modality":"iris","shape":"16x256x2x2","code":"...","mask":"..."}
//	{"puente_template":1,"modality":"vector","norm":63,"coords":[1,-2,...]}
//
// Code and mask are standard base64 of the bytes of Iris.Packed, as in
// open-iris. Errors are those of EncodeBinary.
func EncodeJSON(t Template) ([]byte, error) {
	switch t := t.(type) {
	case *Iris:
		if t == nil {
			break
		}
		code, mask := t.Packed()
		return fmt.Appendf(nil, `{"puente_template":%d,"modality":"iris","shape":"%s","code":"%s","mask":"%s"}`, jsonVersion, t.shape,
			base64.StdEncoding.EncodeToString(code), base64.StdEncoding.EncodeToString(mask)), nil
	case Vector:
		if err := t.validate(); err != nil {
			return nil, err
		}
		out := fmt.Appendf(nil, `{"puente_template":%d,"modality":"vector","norm":%d,"coords":[`, jsonVersion, t.Norm)
		for i, c := range t.Coords {
			if i > 0 {
				out = append(out, ',')
			}
			out = fmt.Appendf(out, "%d", c)
		}
		return append(out, "]}"...), nil
	}
	return nil, fail(ErrTemplate, "there is no template to encode")
}

// DecodeJSON reads one template in JSON form. White space and the order of the
// members are free; unknown, missing and duplicate members, code bits set
// outside the mask and anything after the object are refused. Errors wrap
// ErrFormat, ErrTooLarge beyond one MiB.
func DecodeJSON(b []byte) (Template, error) {
	if len(b) > maxRecord {
		return nil, fail(ErrTooLarge, "JSON template has %d bytes, at most %d are read", len(b), maxRecord)
	}
	m, err := jsonObject(b)
	if err != nil {
		return nil, err
	}
	return m.puente()
}

// members are the members of a JSON object by name.
type members map[string]json.RawMessage

// jsonObject reads exactly one JSON object and refuses duplicate names, which
// encoding/json by itself resolves silently.
func jsonObject(b []byte) (members, error) {
	dec := json.NewDecoder(bytes.NewReader(b))
	if tok, err := dec.Token(); err != nil || tok != json.Delim('{') {
		return nil, fail(ErrFormat, "not a JSON object")
	}
	m := members{}
	for dec.More() {
		tok, err := dec.Token()
		name, ok := tok.(string)
		if err != nil || !ok {
			return nil, fail(ErrFormat, "not a JSON object")
		}
		if _, ok := m[name]; ok {
			return nil, fail(ErrFormat, "JSON object has a duplicate member")
		}
		var v json.RawMessage
		if err := dec.Decode(&v); err != nil {
			return nil, fail(ErrFormat, "not a JSON object")
		}
		m[name] = v
	}
	if _, err := dec.Token(); err != nil {
		return nil, fail(ErrFormat, "JSON object is not closed")
	}
	if len(bytes.TrimSpace(b[dec.InputOffset():])) != 0 {
		return nil, fail(ErrFormat, "there is something after the JSON object")
	}
	return m, nil
}

// only reports a member missing or one too many.
func (m members) only(names ...string) error {
	for _, name := range names {
		if _, ok := m[name]; !ok {
			return fail(ErrFormat, "JSON template has no member %q", name)
		}
	}
	if len(m) != len(names) {
		return fail(ErrFormat, "JSON template has unknown members, want only %q", names)
	}
	return nil
}

func (m members) text(name string) (string, error) {
	var s *string
	if err := json.Unmarshal(m[name], &s); err != nil || s == nil {
		return "", fail(ErrFormat, "JSON member %q is not a string", name)
	}
	return *s, nil
}

func (m members) integer(name string) (int, error) {
	var n *int
	if err := json.Unmarshal(m[name], &n); err != nil || n == nil {
		return 0, fail(ErrFormat, "JSON member %q is not an integer", name)
	}
	return *n, nil
}

// bytes reads strict standard base64; unlike encoding/base64 it allows no line
// ends.
func (m members) bytes(name string) ([]byte, error) {
	s, err := m.text(name)
	if err != nil {
		return nil, err
	}
	b, err := base64.StdEncoding.Strict().DecodeString(s)
	if err != nil || strings.ContainsAny(s, "\r\n") {
		// The error of base64 quotes no data, but a position within it.
		return nil, fail(ErrFormat, "JSON member %q is not standard base64", name)
	}
	return b, nil
}

// puente reads this project's own form.
func (m members) puente() (Template, error) {
	if v, err := m.integer("puente_template"); err != nil || v != jsonVersion {
		return nil, fail(ErrFormat, `JSON template must say "puente_template": %d`, jsonVersion)
	}
	kind, err := m.text("modality")
	if err != nil {
		return nil, err
	}
	switch kind {
	case ModalityIris.String():
		return m.puenteIris()
	case ModalityVector.String():
		return m.puenteVector()
	}
	return nil, fail(ErrFormat, `JSON template must have modality "iris" or "vector"`)
}

func (m members) puenteIris() (Template, error) {
	if err := m.only("puente_template", "modality", "shape", "code", "mask"); err != nil {
		return nil, err
	}
	text, err := m.text("shape")
	if err != nil {
		return nil, err
	}
	shape, err := ParseShape(text)
	if err != nil || shape.String() != text {
		return nil, fail(ErrFormat, "JSON template must have a shape as 16x256x2x2, within bounds")
	}
	code, err := m.bytes("code")
	if err != nil {
		return nil, err
	}
	mask, err := m.bytes("mask")
	if err != nil {
		return nil, err
	}
	if len(code) == len(mask) {
		for i := range code {
			if code[i]&^mask[i] != 0 {
				return nil, fail(ErrFormat, "JSON template has code bits set outside its mask")
			}
		}
	}
	t, err := NewIris(shape, code, mask)
	if err != nil {
		return nil, fail(ErrFormat, "JSON template: %v", err)
	}
	return t, nil
}

func (m members) puenteVector() (Template, error) {
	if err := m.only("puente_template", "modality", "norm", "coords"); err != nil {
		return nil, err
	}
	norm, err := m.integer("norm")
	if err != nil {
		return nil, err
	}
	var coords []*int8
	if err := json.Unmarshal(m["coords"], &coords); err != nil {
		return nil, fail(ErrFormat, `JSON member "coords" is not a list of integers of one byte`)
	}
	v := Vector{Coords: make([]int8, len(coords)), Norm: norm}
	for i, c := range coords {
		if c == nil {
			return nil, fail(ErrFormat, `JSON member "coords" has a null in it`)
		}
		v.Coords[i] = *c
	}
	if err := v.validate(); err != nil {
		return nil, fail(ErrFormat, "JSON template: %v", err)
	}
	return v, nil
}
