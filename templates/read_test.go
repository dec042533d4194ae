package templates

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

// npy makes a .npy file of version 1 or 2, with the header padded as numpy does.
func npy(version byte, header string, data any) []byte {
	var b bytes.Buffer
	b.WriteString(numpyMagic)
	b.Write([]byte{version, 0})
	lead := 10
	if version == 2 {
		lead = 12
	}
	for (lead+len(header)+1)%64 != 0 {
		header += " "
	}
	header += "\n"
	if version == 2 {
		_ = binary.Write(&b, binary.LittleEndian, uint32(len(header)))
	} else {
		_ = binary.Write(&b, binary.LittleEndian, uint16(len(header)))
	}
	b.WriteString(header)
	_ = binary.Write(&b, binary.LittleEndian, data)
	return b.Bytes()
}

func vectorOf(t *testing.T, unit ...float64) Template {
	t.Helper()
	v, err := Quantise(unit, DefaultNorm)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestRead: every form gives the templates that it should.
func TestRead(t *testing.T) {
	a, b := vectorOf(t, 3, 4, 0), vectorOf(t, -1, 2, 2)
	ja, _ := EncodeJSON(a)
	jb, _ := EncodeJSON(b)
	bin, _ := EncodeBinary(a)
	iris := randomIris(t, seeded(6), Shape{16, 256, 2, 2})
	code, mask := iris.Packed()
	inverse := bytes.Clone(mask)
	for i := range inverse {
		inverse[i] ^= 0xff
	}
	noisy, err := NewIris(iris.Shape(), code, inverse) // code bits outside its mask are gone
	if err != nil {
		t.Fatal(err)
	}
	small := randomIris(t, seeded(7), Shape{4, 16, 1, 1})
	smallCode, smallMask := small.Packed()
	v1 := "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }"
	for name, c := range map[string]struct {
		in   string
		o    Options
		want []Template
	}{
		"binary":              {string(bin), Options{}, []Template{a}},
		"JSON":                {string(ja), Options{}, []Template{a}},
		"JSON lines":          {string(ja) + "\n" + string(jb) + "\n", Options{}, []Template{a, b}},
		"JSON of both kinds":  {" " + string(ja) + openIrisLine(code, mask), Options{}, []Template{a, iris}},
		"open-iris":           {openIrisLine(code, mask), Options{}, []Template{iris}},
		"open-iris, nested":   {`{"error":null,"iris_template":` + openIrisLine(code, mask) + `,"metadata":{"a":[1]}}`, Options{}, []Template{iris}},
		"open-iris, shape":    {openIrisLine(smallCode, smallMask), Options{Shape: small.Shape()}, []Template{small}},
		"iris-mpc":            {openIrisLine(code, mask) + "\n" + openIrisLine(code, mask), Options{}, []Template{iris, iris}},
		"npy f4":              {string(npy(1, v1, []float32{3, 4, 0, -1, 2, 2})), Options{}, []Template{a, b}},
		"npy f8, version 2":   {string(npy(2, strings.Replace(v1, "f4", "f8", 1), []float64{3, 4, 0, -1, 2, 2})), Options{}, []Template{a, b}},
		"npy one vector":      {string(npy(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }", []float32{3, 4, 0})), Options{}, []Template{a}},
		"npy other order":     {string(npy(1, "{'shape': (1, 3),'fortran_order': False,'descr':'<f4'}", []float32{3, 4, 0})), Options{}, []Template{a}},
		"npy i1":              {string(npy(1, "{'descr': '|i1', 'fortran_order': False, 'shape': (1, 3), }", []int8{3, -4, 0})), Options{Norm: 5}, []Template{Vector{[]int8{3, -4, 0}, 5}}},
		"CSV":                 {"3, 4,0\n-1,2e0,2\n", Options{}, []Template{a, b}},
		"JSON list":           {" [" + string(ja) + " ,\n" + string(jb) + "]\n", Options{}, []Template{a, b}},
		"JSON list of one":    {"[" + openIrisLine(code, mask) + "]", Options{}, []Template{iris}},
		"JSON list, nested":   {`[{"iris_template":` + openIrisLine(code, mask) + `}]`, Options{}, []Template{iris}},
		"JSON vector":         {"[3, 4, 0]", Options{}, []Template{a}},
		"JSON vectors":        {"[3,4,0]\n[-1,2,2]\n", Options{}, []Template{a, b}},
		"list of vectors":     {"[\n [3,4,0],\n [-1,2e0,2]\n]", Options{}, []Template{a, b}},
		"JSON vector object":  {`{"vector":[3,4,0],"subject":"x"}`, Options{}, []Template{a}},
		"mask of noise":       {openIrisLine(code, mask), Options{Noise: true}, []Template{noisy}},
		"centred":             {"4,6,1\n0,4,3\n", Options{Centre: []float64{1, 2, 1}}, []Template{a, b}},
		"known length":        {openIrisLine(code, mask), Options{Shape: Shape{8, 256, 2, 2}}, []Template{iris}},
		"CSV from Windows":    {"\xef\xbb\xbf# comment\r\n\r\n3,4,0\r\n", Options{}, []Template{a}},
		"CSV to another norm": {"3,4\n", Options{Norm: 100}, []Template{Vector{[]int8{60, 80}, 100}}},
	} {
		for _, slow := range []bool{false, true} {
			var r io.Reader = strings.NewReader(c.in)
			if slow {
				r = iotest.OneByteReader(r)
			}
			got, err := Read(r, c.o)
			if err != nil || !slices.EqualFunc(got, c.want, Equal) {
				t.Errorf("%s: %v, %v", name, got, err)
			}
		}
	}
}

// TestReadRefuses: one fault each, the class of error and, for the second of
// two records, its number.
func TestReadRefuses(t *testing.T) {
	a := vectorOf(t, 3, 4, 0)
	ja, _ := EncodeJSON(a)
	bin, _ := EncodeBinary(a)
	iris := randomIris(t, seeded(6), Shape{16, 256, 2, 2})
	code, mask := iris.Packed()
	line := openIrisLine(code, mask)
	header := "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }"
	six := []float32{3, 4, 0, -1, 2, 2}
	head := func(h string) string { return string(npy(1, h, six)) }
	for name, c := range map[string]struct {
		in     string
		o      Options
		want   error
		record int
	}{
		"nothing":             {"", Options{}, ErrFormat, 1},
		"white space":         {" \n\n", Options{}, ErrFormat, 1},
		"comments":            {"# nothing\n", Options{}, ErrFormat, 1},
		"other":               {"hello", Options{}, ErrFormat, 1},
		"image":               {"\x89PNG\r\n\x1a\n", Options{}, ErrFormat, 1},
		"JSON list of text":   {`["a"]`, Options{}, ErrFormat, 1},
		"binary and more":     {string(bin) + "x", Options{}, ErrFormat, 1},
		"binary twice":        {string(bin) + string(bin), Options{}, ErrFormat, 1},
		"binary too long":     {string(bin) + strings.Repeat("x", 100_000), Options{}, ErrFormat, 1},
		"JSON cut":            {string(ja[:20]), Options{}, ErrFormat, 1},
		"second cut":          {string(ja) + string(ja[:20]), Options{}, ErrFormat, 2},
		"second is a number":  {string(ja) + "\n7\n", Options{}, ErrFormat, 2},
		"second is text":      {string(ja) + "\nseven\n", Options{}, ErrFormat, 2},
		"unknown object":      {`{"iris":1}`, Options{}, ErrFormat, 1},
		"code only":           {`{"iris_codes":"AAAA"}`, Options{}, ErrFormat, 1},
		"code and null":       {`{"iris_codes":"AAAA","mask_codes":null}`, Options{}, ErrFormat, 1},
		"duplicate code":      {`{"iris_codes":"AAAA","iris_codes":"AAAA","mask_codes":""}`, Options{}, ErrFormat, 1},
		"failed open-iris":    {`{"error":{"message":"no eye"},"iris_template":null}`, Options{}, ErrFormat, 1},
		"nested number":       {`{"iris_template":3}`, Options{}, ErrFormat, 1},
		"nested twice":        {`{"iris_template":{"iris_template":` + line + `}}`, Options{}, ErrFormat, 1},
		"unknown length":      {openIrisLine(code[:100], mask[:100]), Options{}, ErrFormat, 1},
		"second other length": {line + "\n" + openIrisLine(code[:100], mask[:100]), Options{}, ErrFormat, 2},
		"other mask":          {openIrisLine(code, mask[:100]), Options{}, ErrTemplate, 1},
		"other shape":         {openIrisLine(code[:100], mask[:100]), Options{Shape: Shape{16, 128, 1, 1}}, ErrTemplate, 1},
		"invalid shape":       {openIrisLine(code[:100], mask[:100]), Options{Shape: Shape{16, 1, 1, 1}}, ErrScheme, 1},
		"JSON record size":    {`{"a":"` + strings.Repeat("x", maxRecord+70_000) + `"}`, Options{}, ErrTooLarge, 1},
		"CSV record size":     {strings.Repeat("1", maxRecord+70_000), Options{}, ErrTooLarge, 1},
		"input size":          {strings.Repeat("3,4,0\n", 100), Options{MaxBytes: 599}, ErrTooLarge, 1},
		"CSV without end":     {"1,2\n3,4", Options{}, ErrFormat, 2},
		"empty list":          {"[]", Options{}, ErrFormat, 1},
		"list cut":            {"[[1,2],", Options{}, ErrFormat, 2},
		"list without end":    {"[[1,2]", Options{}, ErrFormat, 2},
		"list without comma":  {"[[1,2][3,4]]", Options{}, ErrFormat, 2},
		"list, last comma":    {"[[1,2],]", Options{}, ErrFormat, 2},
		"list, first comma":   {"[,[1,2]]", Options{}, ErrFormat, 1},
		"list and more":       {"[[1,2]] [1,2]", Options{}, ErrFormat, 2},
		"list of numbers, }":  {"[1,2}", Options{}, ErrFormat, 1},
		"list in a list":      {"[[[1,2]]]", Options{}, ErrFormat, 1},
		"vector of null":      {"[1,null]", Options{}, ErrFormat, 1},
		"vector of text":      {`[1,"2"]`, Options{}, ErrFormat, 1},
		"vector overflow":     {"[1,1e999]", Options{}, ErrFormat, 1},
		"vector of nothing":   {"[ ]", Options{}, ErrFormat, 1},
		"vector of zeros":     {"[0,0]", Options{}, ErrTemplate, 1},
		"vector too long":     {"[1" + strings.Repeat(",1", MaxDims) + "]", Options{}, ErrFormat, 1},
		"both eyes":           {`{"eye":"left","metadata":{"eye_side":"right"},"iris_template":` + line + "}", Options{}, ErrFormat, 1},
		"third eye":           {`{"eye":"middle",` + line[1:], Options{}, ErrFormat, 1},
		"eye as number":       {`{"eye":1,` + line[1:], Options{}, ErrFormat, 1},
		"subject as number":   {`{"subject":7,"vector":[1,2]}`, Options{}, ErrFormat, 1},
		"subject, line end":   {`{"subject":"a\nb","vector":[1,2]}`, Options{}, ErrFormat, 1},
		"subject too long":    {`{"subject":"` + strings.Repeat("x", maxSubject+1) + `","vector":[1,2]}`, Options{}, ErrFormat, 1},
		"handle empty":        {`{"handle":"","vector":[1,2]}`, Options{}, ErrFormat, 1},
		"eleventh finger":     {`{"finger":11,"vector":[1,2]}`, Options{}, ErrFormat, 1},
		"metadata twice":      {`{"metadata":{"a":1,"a":1},` + line[1:], Options{}, ErrFormat, 1},
		"nesting":             {strings.Repeat("[", maxNesting+2), Options{}, ErrFormat, 1},
		"other centre":        {"1,2\n", Options{Centre: []float64{1}}, ErrTemplate, 1},
		"at the centre":       {"1,2\n", Options{Centre: []float64{1, 2}}, ErrTemplate, 1},
		"bytes, centred":      {string(npy(1, "{'descr': '|i1', 'fortran_order': False, 'shape': (1, 2), }", []int8{63, 0})), Options{Centre: []float64{1, 1}}, ErrTemplate, 1},
		"CSV text":            {"1,2\n3,x\n", Options{}, ErrFormat, 2},
		"CSV empty field":     {"1,2\n3,,\n", Options{}, ErrFormat, 2},
		"CSV other length":    {"1,2\n3,4,5\n", Options{}, ErrFormat, 2},
		"CSV zero":            {"1,2\n0,0\n", Options{}, ErrTemplate, 2},
		"CSV NaN":             {"1,2\n1,NaN\n", Options{}, ErrTemplate, 2},
		"CSV infinity":        {"1,2\n1,-Inf\n", Options{}, ErrTemplate, 2},
		"CSV overflow":        {"1,2\n1,1e999\n", Options{}, ErrFormat, 2},
		"CSV long":            {"1" + strings.Repeat(",1", MaxDims), Options{}, ErrFormat, 1},
		"norm out of bounds":  {"1,2\n", Options{Norm: 128}, ErrTemplate, 1},
		"negative norm":       {"1,2\n", Options{Norm: -1}, ErrTemplate, 1},
		"npy magic only":      {numpyMagic, Options{}, ErrFormat, 1},
		"npy version 3":       {string(npy(3, header, six)), Options{}, ErrFormat, 1},
		"npy cut in header":   {head(header)[:40], Options{}, ErrFormat, 1},
		"npy cut in row 2":    {head(header)[:128+16], Options{}, ErrFormat, 2},
		"npy and more":        {head(header) + "x", Options{}, ErrFormat, 3},
		"npy long header":     {string(npy(1, header+strings.Repeat(" ", maxNumpyHeader), six)), Options{}, ErrFormat, 1},
		"npy huge header":     {numpyMagic + "\x02\x00\xff\xff\xff\xff", Options{}, ErrFormat, 1},
		"npy big-endian":      {head(strings.Replace(header, "<f4", ">f4", 1)), Options{}, ErrFormat, 1},
		"npy objects":         {head(strings.Replace(header, "<f4", "|O", 1)), Options{}, ErrFormat, 1},
		"npy records":         {head(strings.Replace(header, "'<f4'", "[('a', '<f4')]", 1)), Options{}, ErrFormat, 1},
		"npy Fortran":         {head(strings.Replace(header, "False", "True", 1)), Options{}, ErrFormat, 1},
		"npy scalar":          {head(strings.Replace(header, "(2, 3)", "()", 1)), Options{}, ErrFormat, 1},
		"npy 3-D":             {head(strings.Replace(header, "(2, 3)", "(1, 2, 3)", 1)), Options{}, ErrFormat, 1},
		"npy no columns":      {head(strings.Replace(header, "(2, 3)", "(2, 0)", 1)), Options{}, ErrFormat, 1},
		"npy no rows":         {head(strings.Replace(header, "(2, 3)", "(0, 3)", 1)), Options{}, ErrFormat, 1},
		"npy wide":            {head(strings.Replace(header, "(2, 3)", "(2, 4097)", 1)), Options{}, ErrFormat, 1},
		"npy very wide":       {head(strings.Replace(header, "(2, 3)", "(2, 281474976710655)", 1)), Options{}, ErrFormat, 1},
		"npy negative":        {head(strings.Replace(header, "(2, 3)", "(-2, 3)", 1)), Options{}, ErrFormat, 1},
		"npy shape open":      {head(strings.Replace(header, "(2, 3)", "(2, 3", 1)), Options{}, ErrFormat, 1},
		"npy shape number":    {head(strings.Replace(header, "(2, 3)", "3", 1)), Options{}, ErrFormat, 1},
		"npy not a dict":      {head("[1]"), Options{}, ErrFormat, 1},
		"npy not closed":      {head("{'descr': '<f4'"), Options{}, ErrFormat, 1},
		"npy no shape":        {head("{'descr': '<f4', 'fortran_order': False}"), Options{}, ErrFormat, 1},
		"npy twice":           {head("{'descr': '<f4', 'descr': '<f4', 'shape': (2,3)}"), Options{}, ErrFormat, 1},
		"npy unknown":         {head("{'descr': '<f4', 'order': False, 'shape': (2,3)}"), Options{}, ErrFormat, 1},
		"npy NaN":             {string(npy(1, header, []float32{1, 2, 3, 1, float32(math.NaN()), 0})), Options{}, ErrTemplate, 2},
		"npy i1 too long":     {string(npy(1, "{'descr': '|i1', 'fortran_order': False, 'shape': (1, 3), }", []int8{63, 1, 0})), Options{}, ErrTemplate, 1},
		"npy i1 too short":    {string(npy(1, "{'descr': '|i1', 'fortran_order': False, 'shape': (1, 3), }", []int8{31, 0, 0})), Options{}, ErrTemplate, 1},
	} {
		got, err := Read(strings.NewReader(c.in), c.o)
		if !errors.Is(err, c.want) || got != nil {
			t.Errorf("%s: %v, %v", name, got, err)
			continue
		}
		var at *RecordError
		if !errors.As(err, &at) || at.Number != c.record {
			t.Errorf("%s: %q does not name record %d", name, err, c.record)
		}
	}
}

// TestReaderErrors: errors of the underlying reader come through, and stay.
func TestReaderErrors(t *testing.T) {
	broken := errors.New("broken")
	for name, prefix := range map[string]string{
		"at once": "", "CSV": "1,2\n3,", "JSON": `{"puente_template":1,`, "binary": "PUTM\x01", "npy": numpyMagic + "\x01\x00",
	} {
		r := NewReader(io.MultiReader(strings.NewReader(prefix), iotest.ErrReader(broken)), Options{})
		var err error
		for err == nil {
			_, err = r.Next()
		}
		if !errors.Is(err, broken) {
			t.Errorf("%s: %v", name, err)
		}
		if _, again := r.Next(); again != err { // a broken input is final
			t.Errorf("%s: then %v", name, again)
		}
	}
	if got, err := Read(strings.NewReader("1,2\n"), Options{MaxBytes: math.MaxInt64}); err != nil || len(got) != 1 {
		t.Errorf("without a limit: %v", err)
	}
	if got, err := Read(strings.NewReader("1,2\n"), Options{MaxBytes: 4}); err != nil || len(got) != 1 {
		t.Errorf("exactly the limit: %v", err)
	}
}

// TestReaderStreams: a long input is read in little memory.
func TestReaderStreams(t *testing.T) {
	const rows = 20_000
	line := strings.Repeat("0.125,", 63) + "1\n"
	r := NewReader(io.LimitReader(&repeat{line: line}, int64(rows*len(line))), Options{})
	n := 0
	for {
		_, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	if n != rows {
		t.Errorf("%d records of %d", n, rows)
	}
}

// repeat is an endless file of one line.
type repeat struct {
	line string
	at   int
}

func (r *repeat) Read(p []byte) (int, error) {
	n := copy(p, r.line[r.at:])
	r.at = (r.at + n) % len(r.line)
	return n, nil
}

// TestErrorsHideValues: no error text quotes the input.
func TestErrorsHideValues(t *testing.T) {
	for _, in := range []string{
		"1,2\n1,98765x\n", `{"puente_template":1,"modality":"vector","norm":63,"coords":[98765]}`,
		`{"puente_template":1,"modality":"98765"}`, `{"98765":0}`, `{"iris_codes":"98765*","mask_codes":""}`,
		`{"puente_template":1,98765}`, "98765 98765", `{"error":"98765","iris_template":null}`,
	} {
		_, err := Read(strings.NewReader(in), Options{})
		if err == nil || strings.Contains(err.Error(), "98765") {
			t.Errorf("%s: %v", in, err)
		}
	}
}

// FuzzRead: arbitrary input never panics and gives only templates that can be
// written.
func FuzzRead(f *testing.F) {
	f.Add([]byte("1,2\n3,4\n"))
	f.Add(npy(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", []float32{3, 4, 0, -1, 2, 2}))
	f.Add(npy(2, "{'descr': '|i1', 'fortran_order': False, 'shape': (2,), }", []int8{50, 38}))
	f.Add([]byte(`{"puente_template":1,"modality":"vector","norm":5,"coords":[3,-4,0]}`))
	f.Add([]byte(`{"iris_template":{"iris_codes":"AAAA","mask_codes":"AAAA"}}`))
	f.Add(testdata(f, "orb_output_v1.9.2.json"))
	f.Add([]byte("[[1,2],[3,4]]"))
	f.Add([]byte("[{\"vector\":[1,2],\"finger\":3},\n{\"vector\":[1,2]}]"))
	f.Add([]byte("{\"vector\":[1,2],\"handle\":\"a\n{\"vector\":[1,2]}\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		all, err := Read(bytes.NewReader(b), Options{MaxBytes: 1 << 20})
		if (err == nil) != (len(all) > 0) {
			t.Fatalf("%d templates and error %v", len(all), err)
		}
		readAll(t, b, Options{MaxBytes: 1 << 20})
	})
}
