package templates

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// readAll reads an input past every error that is not final and checks what it
// gives: valid templates, numbered without gaps, or errors of the known classes.
func readAll(t *testing.T, b []byte, o Options) (records []Record, failed []*RecordError) {
	t.Helper()
	r := NewReader(bytes.NewReader(b), o)
	for n := 1; ; n++ {
		rec, err := r.Next()
		if err == io.EOF {
			if n == 1 {
				t.Fatal("an input without records is no error")
			}
			return records, failed
		}
		if err == nil {
			if rec.Number != n {
				t.Fatalf("record %d is numbered %d", n, rec.Number)
			}
			encoded, err := EncodeBinary(rec.Template)
			if err != nil {
				t.Fatal(err)
			}
			if back, err := DecodeBinary(encoded); err != nil || !Equal(back, rec.Template) {
				t.Fatalf("record %d is not what its binary form says: %v", n, err)
			}
			if rec.Loss < 0 || rec.Loss > 1 || math.IsNaN(rec.Loss) {
				t.Fatalf("record %d lost %v", n, rec.Loss)
			}
			records = append(records, rec)
			continue
		}
		var at *RecordError
		if !errors.As(err, &at) || at.Number != n {
			t.Fatalf("record %d: %v is not an error of this record", n, err)
		}
		if !errors.Is(err, ErrFormat) && !errors.Is(err, ErrTemplate) && !errors.Is(err, ErrTooLarge) && !errors.Is(err, ErrScheme) {
			t.Fatalf("record %d: %v is of no known class", n, err)
		}
		failed = append(failed, at)
		if at.Final {
			if _, again := r.Next(); again != err {
				t.Fatalf("after a final error: %v", again)
			}
			return records, failed
		}
	}
}

// TestReaderGoesOn: after one bad record the next is found, if it can be.
func TestReaderGoesOn(t *testing.T) {
	const good = `{"vector":[3,4]}`
	for name, c := range map[string]struct {
		in    string
		good  []int // numbers of the records that are read
		lines []int // where the others are
		final bool
	}{
		"value":                    {good + "\n{\"vector\":[0,0]}\n" + good, []int{1, 3}, []int{2}, false},
		"number in its place":      {good + "\n7\n" + good, []int{1, 3}, []int{2}, false},
		"text in its place":        {"{}\nlost words\n" + good, []int{3}, []int{1, 2}, false},
		"cut within a string":      {good + "\n{\"vec\n" + good + "\n", []int{1, 3}, []int{2}, false},
		"cut within a list":        {good + "\n{\"vector\":[3\n" + good + "\n", []int{1, 3}, []int{2}, false},
		"cut behind a comma":       {good + "\n{\"vector\":[3],\n" + good + "\n", []int{1, 3}, []int{2}, false},
		"cut behind a name":        {good + "\n{\"vector\"\n" + good + "\n", []int{1, 3}, []int{2}, false},
		"cut behind a colon":       {good + "\n{\"vector\":\n" + good + "\n" + good, []int{1, 3}, []int{2}, false},
		"bracket too many":         {good + "\n{\"vector\":[3,4]]}\n" + good, []int{1, 3}, []int{2}, false},
		"wrong bracket":            {good + "\n{\"vector\":[3,4}\n" + good, []int{1, 3}, []int{2}, false},
		"something behind it":      {good + " x\n" + good, []int{1, 3}, []int{1}, false},
		"cut at the end":           {good + "\n{\"vector\":[3", []int{1}, []int{2}, false},
		"escapes":                  {"{\"\\\\\\\"{\":1}\n" + good, []int{2}, []int{1}, false},
		"on several lines":         {"{\n \"vector\":\n [3,\n 0]\n}\n{\n \"vector\":[0]}\n" + good, []int{1, 3}, []int{6}, false},
		"value in a list":          {"[" + good + ",\n{\"vector\":[]},\n" + good + "]", []int{1, 3}, []int{2}, false},
		"number in a list":         {"[" + good + ",\n7,\n" + good + "]", []int{1}, []int{2}, true},
		"cut in a list":            {"[" + good + ",\n{\"vector\":[\n" + good + "]", []int{1}, []int{2}, true},
		"CSV":                      {"1,2\n\n3,x\n1,2,3\n# no\n5,6\n", []int{1, 4}, []int{3, 4}, false},
		"CSV, first of all":        {"1,x,3\n3,4\n", []int{2}, []int{1}, false},
		"npy":                      {string(npy(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }", []float32{1, 2, 0, 0, 3, 4})), []int{1, 3}, []int{0}, false},
		"npy, cut":                 {string(npy(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }", []float32{1, 2, 0, 0, 3})), []int{1}, []int{0, 0}, true},
		"vectors of other lengths": {"[3,4]\n[3,4,5]\n", []int{1, 2}, nil, false},
	} {
		records, failed := readAll(t, []byte(c.in), Options{})
		var good, lines []int
		for _, r := range records {
			good = append(good, r.Number)
		}
		for _, e := range failed {
			lines = append(lines, e.Line)
		}
		final := len(failed) > 0 && failed[len(failed)-1].Final
		if !slices.Equal(good, c.good) || !slices.Equal(lines, c.lines) || final != c.final {
			t.Errorf("%s: records %v, errors on lines %v, final %v, want %v, %v, %v; %v", name, good, lines, final, c.good, c.lines, c.final, failed)
		}
	}
}

// TestReaderLabels: what a record says beside its template.
func TestReaderLabels(t *testing.T) {
	orb := mustRecord(t, testdata(t, "orb_output_v1.9.2.json"))
	if orb.Eye != EyeRight || orb.Number != 1 || orb.Line != 1 {
		t.Errorf("open-iris output: eye %v, record %d, line %d", orb.Eye, orb.Number, orb.Line)
	}
	code, mask := orb.Template.(*Iris).Packed()
	line := openIrisLine(code, mask)
	for member, want := range map[string]Record{
		`"eye":"left"`:                         {Eye: EyeLeft},
		`"eye_side":"right"`:                   {Eye: EyeRight},
		`"eye_side":null`:                      {},
		`"eye":"left","eye_side":"left"`:       {Eye: EyeLeft},
		`"metadata":{"eye_side":"left"}`:       {Eye: EyeLeft},
		`"metadata":{"eye_side":null,"x":[1]}`: {},
		`"metadata":"none"`:                    {},
		`"subject":"Ana-1 \u00e9"`:             {Subject: "Ana-1 é"},
		`"handle":"0a1b","finger":10`:          {Handle: "0a1b", Finger: 10},
	} {
		got := mustRecord(t, []byte("{"+member+","+line[1:]))
		if got.Eye != want.Eye || got.Subject != want.Subject || got.Handle != want.Handle || got.Finger != want.Finger || !Equal(got.Template, orb.Template) {
			t.Errorf("%s: %v %q %q %d", member, got.Eye, got.Subject, got.Handle, got.Finger)
		}
	}
	// What EncodeRecordJSON writes is read back; the subject is left out.
	rec := Record{Template: orb.Template, Eye: EyeLeft, Finger: 3, Handle: `h"1`, Subject: "Ana"}
	text, err := EncodeRecordJSON(rec)
	if err != nil || strings.Contains(string(text), "Ana") {
		t.Fatalf("%s (%v)", text, err)
	}
	back := mustRecord(t, text)
	if back.Eye != EyeLeft || back.Finger != 3 || back.Handle != `h"1` || back.Subject != "" || !Equal(back.Template, orb.Template) {
		t.Errorf("read back: %v %d %q %q", back.Eye, back.Finger, back.Handle, back.Subject)
	}
	if _, err := EncodeRecordJSON(Record{Handle: "x"}); !errors.Is(err, ErrTemplate) {
		t.Errorf("no template: %v", err)
	}
}

func mustRecord(t *testing.T, b []byte) Record {
	t.Helper()
	records, failed := readAll(t, b, Options{})
	if len(records) != 1 || len(failed) != 0 {
		t.Fatalf("%d records, %v", len(records), failed)
	}
	return records[0]
}

// TestPlainObject: the fast path takes the same objects as encoding/json, and
// gives the same.
func TestPlainObject(t *testing.T) {
	r := seeded(31)
	pieces := []string{`{`, `}`, `"a"`, `"b"`, `"b"`, `:`, `:`, `,`, ` `, `""`, `"a\n"`, `"é"`, `"A=="`, `1`, `[]`, "\n"}
	plain := 0
	check := func(text string) {
		m, ok := plainObject([]byte(text))
		if !ok {
			return
		}
		plain++
		var want map[string]string
		if err := json.Unmarshal([]byte(text), &want); err != nil || len(want) != len(m) {
			t.Fatalf("%q is taken, but: %v", text, err)
		}
		for name := range m {
			if got, err := m.text(name); err != nil || got != want[name] {
				t.Fatalf("%q: %q is %q, want %q (%v)", text, name, got, want[name], err)
			}
		}
	}
	for range 200_000 {
		text := `{"c":"d"`
		for range r.IntN(8) {
			text += pieces[r.IntN(len(pieces))]
		}
		check(text + "}")
	}
	check(`{"iris_codes": "AAAA", "mask_codes": "BBBB"}`)
	if plain < 100 {
		t.Errorf("only %d objects were plain", plain)
	}
	for _, text := range []string{`{}`, `{"a":"b","a":"c"}`, `{"a":"\u0062"}`, "{\"a\":\"\x7f\"}", "{\"a\":\"\x00\"}", `{"a":"b"} `, `{"a":"b",}`} {
		if _, ok := plainObject([]byte(text)); ok {
			t.Errorf("%q is taken", text)
		}
	}
}

// TestReadReal: one vector, of real numbers.
func TestReadReal(t *testing.T) {
	for _, in := range []string{"0.5,-2\n", "[0.5,-2]", `{"vector":[0.5,-2]}`,
		string(npy(1, "{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }", []float64{0.5, -2}))} {
		if got, err := ReadReal(strings.NewReader(in)); err != nil || !slices.Equal(got, []float64{0.5, -2}) {
			t.Errorf("%q: %v, %v", in, got, err)
		}
	}
	code := string(testdata(t, "orb_output_v1.9.2.json"))
	for _, in := range []string{"", "1,2\n3,4\n", "1,2\n3,", "1,NaN\n", code,
		string(npy(1, "{'descr': '|i1', 'fortran_order': False, 'shape': (2,), }", []int8{63, 0}))} {
		if got, err := ReadReal(strings.NewReader(in)); err == nil || got != nil {
			t.Errorf("%.20q: %v", in, got)
		}
	}
}

// TestLoss: the loss is 1 minus the cosine, computed here in the plain way.
func TestLoss(t *testing.T) {
	r := seeded(5)
	for _, dims := range []int{8, 512, 4096} {
		real := make([]float64, dims)
		for i := range real {
			real[i] = r.NormFloat64()
		}
		v, loss, err := Options{}.Vector(real)
		if err != nil {
			t.Fatal(err)
		}
		var pq, pp, qq float64
		for i, x := range real {
			q := float64(v.Coords[i])
			pq, pp, qq = pq+x*q, pp+x*x, qq+q*q
		}
		if want := 1 - pq/math.Sqrt(pp*qq); math.Abs(loss-want) > 1e-12 || loss <= 0 || loss > 0.06 {
			t.Errorf("%d coordinates: loss %v, want %v", dims, loss, want)
		}
		t.Logf("%d coordinates at norm %d lose %.4f", dims, DefaultNorm, loss)
	}
	if _, loss, err := (Options{Norm: 5}).Vector([]float64{3e300, 4e300}); err != nil || loss > 1e-15 {
		t.Errorf("exact coordinates lose %v (%v)", loss, err)
	}
}

// TestDecodeBits: Masek's layout bit by bit, both forms, both polarities.
func TestDecodeBits(t *testing.T) {
	r := seeded(20)
	var code, noise [20][480]bool
	var codeText, noiseText strings.Builder
	for row := range 20 {
		for col := range 480 {
			code[row][col], noise[row][col] = r.IntN(2) == 1, r.IntN(4) == 0
			for b, bit := range map[*strings.Builder]bool{&codeText: code[row][col], &noiseText: noise[row][col]} {
				b.WriteByte("01"[map[bool]int{true: 1}[bit]])
				b.WriteByte(",\n"[map[bool]int{true: 1}[col == 479]])
			}
		}
	}
	pack := func(m [20][480]bool) []byte {
		out := make([]byte, 1200)
		for row := range m {
			for col, bit := range m[row] {
				if bit {
					out[(row*480+col)/8] |= 128 >> (col % 8)
				}
			}
		}
		return out
	}
	data := append(pack(code), pack(noise)...)
	c, m, ok := SplitBits(MasekShape, data)
	if !ok {
		t.Fatal("2400 bytes are not split")
	}
	packed, err := DecodeBits(MasekShape, c, m, true)
	if err != nil {
		t.Fatal(err)
	}
	for row := range 20 {
		for angle := range 240 {
			for plane := range 2 { // columns 2k-1 and 2k from 1 are 2*angle and 2*angle+1 from 0
				x, usable := packed.Bit(row*2+plane, angle)
				if want := !noise[row][2*angle+plane]; usable != want || x != (code[row][2*angle+plane] && want) {
					t.Fatalf("row %d, angle %d, plane %d is wrong", row, angle, plane)
				}
			}
		}
	}
	digits, err := DecodeBits(MasekShape, []byte(codeText.String()), []byte(noiseText.String()), true)
	if err != nil || !digits.Equal(packed) {
		t.Errorf("digits differ from packed bits: %v", err)
	}
	usable, err := DecodeBits(MasekShape, pack(code), pack(noise), false)
	if err != nil || usable.UsableBits()+packed.UsableBits() != 9600 {
		t.Errorf("the polarities do not complement each other: %v", err)
	}
	odd := Shape{3, 9, 1, 1}
	if padded, err := DecodeBits(odd, []byte{1, 2, 3, 0}, make([]byte, 4), true); err != nil || padded.UsableBits() != 27 {
		t.Errorf("padding of a mask of noise: %v", err)
	}
	for name, c := range map[string]struct{ code, mask []byte }{
		"short":           {pack(code)[:1199], pack(noise)},
		"long":            {append(pack(code), 0), pack(noise)},
		"no mask":         {pack(code), nil},
		"both in the one": {data, pack(noise)},
		"digit short":     {[]byte(codeText.String()[2:]), pack(noise)},
		"digit more":      {[]byte(codeText.String() + "0"), pack(noise)},
		"digit 2":         {[]byte("2" + codeText.String()[1:]), pack(noise)},
	} {
		if iris, err := DecodeBits(MasekShape, c.code, c.mask, true); !errors.Is(err, ErrFormat) || iris != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := DecodeBits(odd, []byte{1, 2, 3, 0}, []byte{0, 0, 0, 1}, true); !errors.Is(err, ErrTemplate) {
		t.Errorf("padding set: %v", err)
	}
	if _, err := DecodeBits(Shape{}, nil, nil, true); !errors.Is(err, ErrScheme) {
		t.Errorf("no shape: %v", err)
	}
	if _, _, ok := SplitBits(Shape{}, nil); ok {
		t.Error("nothing is split")
	}
}

// samples are inputs of every form that Reader knows.
func samples(t *testing.T) map[string][]byte {
	orb := testdata(t, "orb_output_v1.9.2.json")
	iris := mustRecord(t, orb).Template.(*Iris)
	code, mask := iris.Packed()
	small := randomIris(t, seeded(8), Shape{4, 16, 2, 2})
	smallCode, smallMask := small.Packed()
	vector := randomVector(t, seeded(9), 12, DefaultNorm)
	jsonIris, _ := EncodeRecordJSON(Record{Template: small, Handle: "a", Eye: EyeLeft})
	jsonVector, _ := EncodeJSON(vector)
	binIris, _ := EncodeBinary(small)
	binVector, _ := EncodeBinary(vector)
	person, err := NewFused(nil, small, map[int]Vector{2: vector, 7: randomVector(t, seeded(10), 12, DefaultNorm)})
	if err != nil {
		t.Fatal(err)
	}
	jsonFused, _ := EncodeJSON(person)
	binFused, _ := EncodeBinary(person)
	nested := `{"iris_template":` + openIrisLine(smallCode, smallMask) + `,"metadata":{"eye_side":"right"}}`
	floats := make([]float32, 36)
	for i := range floats {
		floats[i] = float32(math.Sin(float64(i + 1)))
	}
	all := map[string][]byte{
		"open-iris":    orb,
		"open-iris 2":  testdata(t, "orb_output_v1.9.7.json"),
		"iris-mpc":     []byte(openIrisLine(code, mask) + "\n" + openIrisLine(smallCode, smallMask) + "\n"),
		"nested lines": []byte(nested + "\n" + nested + "\n"),
		"JSON list":    []byte("[" + nested + ",\n" + nested + "]\n"),
		"puente JSON":  []byte(string(jsonIris) + "\n" + string(jsonVector) + "\n"),
		"binary iris":  binIris, "binary vector": binVector, "binary fused": binFused,
		"fused JSON":     append(jsonFused, '\n'),
		"vectors":        []byte("[0.25,-1,3e-1]\n[1,2,3]\n"),
		"vector objects": []byte(`{"vector":[0.25,-1,3],"subject":"a_1","finger":2}` + "\n" + `{"vector":[1,2,3]}` + "\n"),
		"list of lists":  []byte("[[0.25,-1,3],[1,2,3]]"),
		"CSV":            []byte("# two\n0.25,-1,3e-1\n\n1,2,3\n"),
		"npy f4":         npy(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 12), }", floats),
		"npy f8":         npy(1, "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 2), }", []float64{0.25, -1, 3, 0.5}),
		"npy i1":         npy(2, "{'descr': '|i1', 'fortran_order': False, 'shape': (2, 2), }", []int8{63, 0, 44, 44}),
	}
	// All further samples, where they are.
	for _, pattern := range []string{"open-iris/*template.json"} {
		files, _ := filepath.Glob(filepath.Join(shared, pattern))
		for _, f := range files {
			b, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			all[f] = b
		}
	}
	return all
}

var smallShape = Options{Shape: Shape{4, 16, 2, 2}}

// TestPrefixes: an input that ends early gives records of the whole input and
// nothing else, and unless it ends behind a record, an error.
func TestPrefixes(t *testing.T) {
	for name, whole := range samples(t) {
		want, failed := readAll(t, whole, smallShape)
		if len(failed) > 0 || len(want) == 0 {
			t.Fatalf("%s: %v", name, failed)
		}
		for n := range whole {
			got, failed := readAll(t, whole[:n], smallShape)
			if len(got) > len(want) || len(got) == len(want) && len(failed) == 0 && len(bytes.TrimSpace(whole[n:])) > 0 {
				t.Fatalf("%s: the first %d bytes give %d records of %d", name, n, len(got), len(want))
			}
			for i, r := range got {
				if !Equal(r.Template, want[i].Template) || r.Eye != want[i].Eye || r.Subject != want[i].Subject || r.Handle != want[i].Handle || r.Finger != want[i].Finger {
					t.Fatalf("%s: the first %d bytes change record %d", name, n, i+1)
				}
			}
		}
	}
}

// TestMutations: 10 000 random changes of every sample give valid templates or
// clean errors.
func TestMutations(t *testing.T) {
	const each = 10_000
	for name, whole := range samples(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(2026, uint64(len(whole))))
			refused := 0
			for range each {
				b := mutated(r, whole)
				if _, failed := readAll(t, b, smallShape); len(failed) > 0 {
					refused++
				}
			}
			if refused == 0 {
				t.Error("no mutation is refused")
			}
		})
	}
}

// mutated changes, removes, doubles or inserts a few bytes.
func mutated(r *rand.Rand, b []byte) []byte {
	b = slices.Clone(b)
	for range 1 + r.IntN(4) {
		if len(b) == 0 {
			break
		}
		at := r.IntN(len(b))
		end := min(len(b), at+1+r.IntN(16))
		switch r.IntN(5) {
		case 0:
			b[at] ^= 1 << r.IntN(8)
		case 1:
			b[at] = byte(r.Uint32())
		case 2:
			b = slices.Delete(b, at, end)
		case 3:
			b = slices.Insert(b, at, slices.Clone(b[at:end])...)
		case 4:
			b = slices.Insert(b, at, `{}[]":,\0-`[r.IntN(10)])
		}
	}
	return b
}
