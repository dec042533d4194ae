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
//	{"puente_template":1,"modality":"fused","left":{...},"right":{...},"fingers":{"2":{...},...}}
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
	case *Fused:
		if t == nil {
			break
		}
		return appendFusedJSON(nil, t)
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

// EncodeRecordJSON is EncodeJSON with what is known of the record beside the
// template, where it is known: "handle", "eye" and "finger". Reader reads them
// back. The subject, a personal identifier, is left out.
func EncodeRecordJSON(r Record) ([]byte, error) {
	line, err := EncodeJSON(r.Template)
	if err != nil {
		return nil, err
	}
	line = line[:len(line)-1]
	if r.Handle != "" {
		handle, err := json.Marshal(r.Handle)
		if err != nil {
			return nil, fail(ErrTemplate, "the handle cannot be written as JSON")
		}
		line = append(append(line, `,"handle":`...), handle...)
	}
	if r.Eye != EyeUnknown {
		line = fmt.Appendf(line, `,"eye":"%s"`, r.Eye)
	}
	if r.Finger != 0 {
		line = fmt.Appendf(line, `,"finger":%d`, r.Finger)
	}
	return append(line, '}'), nil
}

// members are the members of a JSON object by name.
type members map[string]json.RawMessage

// jsonObject reads exactly one JSON object and refuses duplicate names, which
// encoding/json by itself resolves silently. The members may share memory with b.
func jsonObject(b []byte) (members, error) {
	if m, ok := plainObject(b); ok {
		return m, nil
	}
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

// plainObject reads an object whose names and values are all strings of printable
// ASCII without escapes, and with no white space but a blank behind : and ,, as iris-mpc writes:
// ten times as fast as encoding/json. ok is false for everything else, of which
// nothing is said.
func plainObject(b []byte) (m members, ok bool) {
	if len(b) < 2 || b[0] != '{' || b[len(b)-1] != '}' {
		return nil, false
	}
	m = make(members, 4)
	for rest := b[1:]; ; {
		name, after, ok := plainString(rest)
		if !ok || len(after) == 0 || after[0] != ':' {
			return nil, false
		}
		value, after, ok := plainString(bytes.TrimPrefix(after[1:], []byte(" ")))
		if !ok || len(after) == 0 {
			return nil, false
		}
		key := string(name[1 : len(name)-1])
		if _, twice := m[key]; twice {
			return nil, false
		}
		m[key] = value
		switch {
		case after[0] == '}':
			return m, len(after) == 1
		case after[0] != ',':
			return nil, false
		}
		rest = bytes.TrimPrefix(after[1:], []byte(" "))
	}
}

// plainString cuts the string that b begins with, with its quotes, if it is plain.
func plainString(b []byte) (text, rest []byte, ok bool) {
	if len(b) < 2 || b[0] != '"' {
		return nil, nil, false
	}
	n := bytes.IndexByte(b[1:], '"')
	if n < 0 || !plain(b[1:1+n]) {
		return nil, nil, false
	}
	return b[:n+2], b[n+2:], true
}

// plain reports whether text is printable ASCII that means itself within a JSON
// string.
func plain(text []byte) bool {
	for _, c := range text {
		if c < ' ' || c > '~' || c == '\\' || c == '"' {
			return false
		}
	}
	return true
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
	if text, rest, ok := plainString(m[name]); ok && len(rest) == 0 {
		return string(text[1 : len(text)-1]), nil
	}
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
	if strings.ContainsAny(s, "\r\n") {
		return nil, fail(ErrFormat, "JSON member %q is not standard base64", name)
	}
	b, err := base64.StdEncoding.Strict().DecodeString(s)
	if err != nil {
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
	case ModalityFused.String():
		return m.puenteFused()
	}
	return nil, fail(ErrFormat, `JSON template must have modality "iris", "vector" or "fused"`)
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
