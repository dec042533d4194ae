package templates

import (
	"encoding/json"
	"io"
)

// Lengths in bytes from which the shape of an open-iris code is inferred.
var openIrisShapes = map[int]Shape{
	2048: {16, 256, 2, 2},
	1600: {16, 200, 2, 2},
}

// jsonSource gives the templates of a sequence of JSON objects.
type jsonSource struct {
	dec     *json.Decoder
	options Options
}

func newJSONSource(r io.Reader, o Options) *jsonSource {
	return &jsonSource{dec: json.NewDecoder(r), options: o}
}

func (s *jsonSource) next() (Template, error) {
	var raw json.RawMessage
	if err := s.dec.Decode(&raw); err == io.EOF {
		return nil, io.EOF
	} else if err != nil {
		// The errors of encoding/json may quote the input.
		return nil, fail(ErrFormat, "not a JSON object, or one that ends early")
	}
	m, err := jsonObject(raw)
	if err != nil {
		return nil, err
	}
	if _, ok := m["puente_template"]; ok {
		return m.puente()
	}
	return m.openIris(s.options)
}

// openIris reads the output of open-iris: a serialised template, or that of the
// whole pipeline, which has it under "iris_template" and says null there when
// it failed. Members beside code and mask are metadata and ignored.
func (m members) openIris(o Options) (Template, error) {
	if nested, ok := m["iris_template"]; ok {
		if string(nested) == "null" {
			return nil, fail(ErrFormat, "open-iris made no template of this image; see \"error\" in the file")
		}
		inner, err := jsonObject(nested)
		if err != nil {
			return nil, err
		}
		m = inner
	}
	for _, name := range []string{"iris_codes", "mask_codes"} {
		if _, ok := m[name]; !ok {
			return nil, fail(ErrFormat, "JSON object is no template known here: it has no member %q", name)
		}
	}
	code, err := m.bytes("iris_codes")
	if err != nil {
		return nil, err
	}
	mask, err := m.bytes("mask_codes")
	if err != nil {
		return nil, err
	}
	shape := o.Shape
	if shape == (Shape{}) {
		known, ok := openIrisShapes[len(code)]
		if !ok {
			return nil, fail(ErrFormat, "the shape of an open-iris code of %d bytes is not known; give it", len(code))
		}
		shape = known
	}
	t, err := NewIris(shape, code, mask)
	if err != nil {
		return nil, err
	}
	return t, nil
}
