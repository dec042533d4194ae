package templates

import (
	"errors"
	"strings"
	"testing"
)

func TestJSONGolden(t *testing.T) {
	// The last bit but one of row 0 is usable and set.
	iris, err := NewIris(Shape{1, 8, 1, 1}, []byte{0x02}, []byte{0x0e})
	if err != nil {
		t.Fatal(err)
	}
	vector, err := NewVector([]int8{3, -4, 0}, 5)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		t    Template
		want string
	}{
		{iris, `{"puente_template":1,"modality":"iris","shape":"1x8x1x1","code":"Ag==","mask":"Dg=="}`},
		{vector, `{"puente_template":1,"modality":"vector","norm":5,"coords":[3,-4,0]}`},
	} {
		if got, err := EncodeJSON(c.t); err != nil || string(got) != c.want {
			t.Errorf("%v is %s (%v)", c.t, got, err)
		}
	}
	back, err := DecodeJSON([]byte(" {\n \"coords\": [3, -4, 0],\n \"norm\": 5, \"modality\": \"vector\", \"puente_template\": 1 }\n"))
	if err != nil || !Equal(back, vector) {
		t.Errorf("other order and white space: %v", err)
	}
}

// TestDecodeJSONRefuses: one fault each.
func TestDecodeJSONRefuses(t *testing.T) {
	const iris = `{"puente_template":1,"modality":"iris","shape":"1x8x1x1","code":"Ag==","mask":"Dg=="}`
	const vector = `{"puente_template":1,"modality":"vector","norm":5,"coords":[3,-4,0]}`
	for _, good := range []string{iris, vector} {
		if _, err := DecodeJSON([]byte(good)); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct{ good, old, new string }{
		"version 2":             {iris, `:1,`, `:2,`},
		"version as text":       {iris, `:1,`, `:"1",`},
		"version null":          {iris, `:1,`, `:null,`},
		"version 1.5":           {vector, `:1,`, `:1.5,`},
		"no version":            {iris, `"puente_template":1,`, ``},
		"modality":              {iris, `"iris"`, `"face"`},
		"modality null":         {iris, `"iris"`, `null`},
		"modality of other":     {iris, `"iris"`, `"vector"`},
		"unknown member":        {iris, `"shape"`, `"note":0,"shape"`},
		"upper case":            {iris, `"shape"`, `"Shape"`},
		"duplicate":             {vector, `"norm":5`, `"norm":5,"norm":5`},
		"duplicate, escaped":    {vector, `"norm":5`, `"norm":5,"\u006eorm":5`},
		"missing":               {vector, `"norm":5,`, ``},
		"short shape":           {iris, `1x8x1x1`, `1x8`},
		"shape out of bounds":   {iris, `1x8x1x1`, `1x7x1x1`},
		"other shape":           {iris, `1x8x1x1`, `1x9x1x1`},
		"shape as number":       {iris, `"1x8x1x1"`, `8`},
		"code as number":        {iris, `"Ag=="`, `8`},
		"no base64":             {iris, `Ag==`, `A?==`},
		"base64 without end":    {iris, `Ag==`, `Ag`},
		"base64 loose bits":     {iris, `Ag==`, `Ah==`},
		"base64 line end":       {iris, `Ag==`, `Ag=\n=`},
		"mask no base64":        {iris, `Dg==`, `****`},
		"long code":             {iris, `Ag==`, `AgA=`},
		"code outside the mask": {iris, `Ag==`, `Ew==`},
		"padding":               {iris, `1x8x1x1`, `1x9x1x1`},
		"norm too small":        {vector, `:5,`, `:4,`},
		"norm 128":              {vector, `:5,`, `:128,`},
		"norm huge":             {vector, `:5,`, `:99999999999999999999,`},
		"coordinate 300":        {vector, `3,-4`, `300,-4`},
		"coordinate 0.5":        {vector, `3,-4`, `0.5,-4`},
		"coordinate null":       {vector, `3,-4`, `null,-4`},
		"coords null":           {vector, `[3,-4,0]`, `null`},
		"no coords":             {vector, `[3,-4,0]`, `[]`},
		"coords as base64":      {vector, `[3,-4,0]`, `"AwQA"`},
		"more":                  {vector, `]}`, `]} 1`},
		"second object":         {vector, `]}`, `]}{}`},
		"not closed":            {vector, `]}`, `]`},
		"array":                 {vector, vector, `[` + vector + `]`},
		"number":                {vector, vector, `1`},
		"nothing":               {vector, vector, ``},
		"null":                  {vector, vector, `null`},
		"deep":                  {vector, `[3,-4,0]`, strings.Repeat("[", 100_000)},
	} {
		text := strings.Replace(c.good, c.old, c.new, 1)
		if text == c.good {
			t.Fatalf("%s: the case changes nothing", name)
		}
		if tpl, err := DecodeJSON([]byte(text)); !errors.Is(err, ErrFormat) || tpl != nil {
			t.Errorf("%s: %v, %v", name, tpl, err)
		}
	}
	if _, err := DecodeJSON(make([]byte, maxRecord+1)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("too large: %v", err)
	}
}

// FuzzDecodeJSON: what is accepted is a template that its canonical form gives
// back.
func FuzzDecodeJSON(f *testing.F) {
	f.Add([]byte(`{"puente_template":1,"modality":"iris","shape":"1x8x1x1","code":"Ag==","mask":"Dg=="}`))
	f.Add([]byte(`{"puente_template":1,"modality":"vector","norm":5,"coords":[3,-4,0]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		tpl, err := DecodeJSON(b)
		if err != nil {
			return
		}
		canonical, err := EncodeJSON(tpl)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := DecodeJSON(canonical); err != nil || !Equal(back, tpl) {
			t.Fatalf("the canonical form is not the same template (%v)", err)
		}
	})
}
