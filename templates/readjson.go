package templates

import "encoding/json"

// Lengths in bytes from which the shape of an open-iris code is inferred.
var openIrisShapes = map[int]Shape{
	2048: {16, 256, 2, 2},
	1600: {16, 200, 2, 2},
}

// jsonSource gives the templates of a sequence or list of JSON records.
type jsonSource struct {
	text    jsonText
	options Options
}

func (s *jsonSource) next(rec *Record) error {
	text, line, err := s.text.next()
	rec.Line = line
	if err != nil {
		return err
	}
	return skip(s.record(rec, text))
}

// record reads one object or vector.
func (s *jsonSource) record(rec *Record, text []byte) error {
	if text[0] == '[' {
		return s.vector(rec, text)
	}
	m, err := jsonObject(text)
	if err != nil {
		return err
	}
	if err := m.labels(rec); err != nil {
		return err
	}
	if _, ok := m["puente_template"]; ok {
		for _, name := range []string{"handle", "eye", "finger", "subject"} {
			delete(m, name)
		}
		rec.Template, err = m.puente()
		return err
	}
	if vector, ok := m["vector"]; ok {
		return s.vector(rec, vector)
	}
	rec.Template, err = m.openIris(rec, s.options)
	return err
}

// vector reads a list of numbers.
func (s *jsonSource) vector(rec *Record, text []byte) error {
	var numbers []*float64
	if err := json.Unmarshal(text, &numbers); err != nil {
		// The errors of encoding/json may quote the input.
		return fail(ErrFormat, "JSON vector is not a list of numbers")
	}
	if n := len(numbers); n < 1 || n > MaxDims {
		return fail(ErrFormat, "JSON vector has %d numbers, want 1 to %d", n, MaxDims)
	}
	real := make([]float64, len(numbers))
	for i, x := range numbers {
		if x == nil {
			return fail(ErrFormat, "JSON vector has a null in it")
		}
		real[i] = *x
	}
	return s.options.fill(rec, real)
}

// labels reads what a record says about whose template it is.
func (m members) labels(rec *Record) (err error) {
	if _, ok := m["subject"]; ok {
		if rec.Subject, err = m.text("subject"); err != nil {
			return err
		}
		if err := checkSubject(rec.Subject); err != nil {
			return err
		}
	}
	if _, ok := m["handle"]; ok {
		if rec.Handle, err = m.text("handle"); err != nil {
			return err
		}
		if n := len(rec.Handle); n < 1 || n > maxHandle {
			return fail(ErrFormat, "the handle has %d bytes, want 1 to %d", n, maxHandle)
		}
	}
	if _, ok := m["finger"]; ok {
		if rec.Finger, err = m.integer("finger"); err != nil {
			return err
		}
		if rec.Finger < 0 || rec.Finger > MaxFinger {
			return fail(ErrFormat, "the finger must be a position of 0 (unknown) to %d", MaxFinger)
		}
	}
	return m.eye(rec, "eye")
}

// eye reads a member that names an eye, if it is there and not null.
func (m members) eye(rec *Record, name string) error {
	if raw, ok := m[name]; !ok || string(raw) == "null" {
		return nil
	}
	text, err := m.text(name)
	if err != nil {
		return err
	}
	eye, err := ParseEye(text)
	if err != nil {
		return err
	}
	if rec.Eye != EyeUnknown && rec.Eye != eye {
		return fail(ErrFormat, "the record names both eyes")
	}
	rec.Eye = eye
	return nil
}

// openIris reads the output of open-iris: a serialised template, or that of the
// whole pipeline, which has it under "iris_template" and says null there when
// it failed. Of the other members, which are metadata, only the eye is read.
func (m members) openIris(rec *Record, o Options) (Template, error) {
	if err := m.eye(rec, "eye_side"); err != nil {
		return nil, err
	}
	if raw, ok := m["metadata"]; ok && raw[0] == '{' {
		metadata, err := jsonObject(raw)
		if err != nil {
			return nil, err
		}
		if err := metadata.eye(rec, "eye_side"); err != nil {
			return nil, err
		}
	}
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
	if known, ok := openIrisShapes[len(code)]; ok && len(code) != shape.packedLen() {
		shape = known
	}
	if shape == (Shape{}) {
		return nil, fail(ErrFormat, "the shape of an open-iris code of %d bytes is not known; give it", len(code))
	}
	if err := shape.Validate(); err != nil {
		return nil, err
	}
	if o.Noise {
		mask = shape.inverted(mask)
	}
	t, err := NewIris(shape, code, mask)
	if err != nil {
		return nil, err
	}
	return t, nil
}
