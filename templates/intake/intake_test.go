package intake

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/puente-project/puente/templates"
	"github.com/puente-project/puente/templates/minutiae"
)

// TestForms: files of every form in one folder, in the order of their names.
func TestForms(t *testing.T) {
	shape := templates.MasekShape
	iris := irisOf(t, 1, shape)
	code, mask := iris.Packed()
	bin, err := templates.EncodeBinary(irisOf(t, 2, shape))
	if err != nil {
		t.Fatal(err)
	}
	dir := folder(t, map[string]string{
		"a_1.json":        sample(t, "open-iris/orb_output_v1.9.2.json"),
		"b/left.bin":      string(bin),
		"c.csv":           "1,2,3\n4,5,6\n",
		"d.iso":           sample(t, "fingerprintio/iso19794p2v2005-sample.dat"),
		".hidden":         "not read",
		".git/config":     "not read",
		"e_7_x.ndjson":    "{\"vector\":[1,2,9],\"subject\":\"Ana\"}\n[7,1,2]\n",
		"f.an2":           "1.001:57\x1d",
		"g.png":           "\x89PNG\r\n",
		"h.txt":           "hello\n",
		"i.json":          "",
		"j/k/l_2.xyt":     xyt(20, 1),
		"m.json":          "[" + strings.TrimSpace(line(t, 3, `,"eye":"left"`)) + "]",
		"few_minutiae.xy": xyt(9, 2),
	})
	records, refused := collect(t, Options{MixEyes: true}, dir)
	if got, want := classes(refused), "f.an2:0:unreadable few_minutiae.xy:1:quality g.png:0:unreadable h.txt:1:unreadable i.json:1:unreadable"; got != want {
		t.Errorf("refused: %s\nwant     %s", got, want)
	}
	type key struct {
		file, subject string
		record        int
		eye           templates.Eye
		finger        minutiae.Finger
		vector        bool
	}
	var got []key
	for _, r := range records {
		rel, err := filepath.Rel(dir, r.Sources[0].File)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, key{rel, r.Subject, r.Sources[0].Record, r.Eye, r.Finger, r.Template.Modality() == templates.ModalityVector})
	}
	want := []key{
		{"a_1.json", "a", 1, templates.EyeRight, 0, false},
		{"b/left.bin", "left", 1, 0, 0, false},
		{"c.csv", "", 1, 0, 0, true},
		{"c.csv", "", 2, 0, 0, true},
		{"e_7_x.ndjson", "Ana", 1, 0, 0, true},
		{"e_7_x.ndjson", "", 2, 0, 0, true},
		{"m.json", "m", 1, templates.EyeLeft, 0, false},
		{"d.iso", "d", 1, 0, 7, true},
		{"d.iso", "d", 2, 0, 2, true},
		{"j/k/l_2.xyt", "l", 1, 0, 0, true},
	}
	if len(got) != len(want) {
		t.Fatalf("%d records, want %d: %v", len(got), len(want), got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("record %d is %+v, want %+v", i, got[i], want[i])
		}
	}
	// Raw bits: code and mask in one file, and in two.
	inverse := make([]byte, len(mask))
	for i := range mask {
		inverse[i] = ^mask[i]
	}
	dir = folder(t, map[string]string{
		"p_1.bits": string(code) + string(inverse), "q_1.code": string(codeOf(t, 5)), "q_1.mask": string(inverse),
		"r.code": string(code), "s.mask": string(mask), "t.code": "01", "t.mask": string(mask),
	})
	bits := Options{Bits: true, Read: templates.Options{Shape: shape, Noise: true}}
	records, refused = collect(t, bits, dir)
	if got, want := classes(refused), "r.code:0:file s.mask:0:unreadable t.code:0:unreadable"; got != want {
		t.Errorf("refused: %s\nwant     %s", got, want)
	}
	if len(records) != 2 || !templates.Equal(records[0].Template, iris) || records[0].Subject != "p" || records[1].Subject != "q" {
		t.Errorf("raw bits: %+v", records)
	}
	bits.Stdin = strings.NewReader(string(code))
	if _, refused = collect(t, bits, Stdin); classes(refused) != "-:0:unreadable" {
		t.Errorf("a code alone on stdin: %s", classes(refused))
	}
	for _, err := range (Options{Bits: true}).Records([]string{dir}) {
		if !errors.Is(err, templates.ErrScheme) {
			t.Errorf("raw bits without a shape: %v", err)
		}
	}
}

func codeOf(t *testing.T, seed uint64) []byte {
	code, _ := irisOf(t, seed, templates.MasekShape).Packed()
	return code
}

// TestStdin: a stream has no label of its own.
func TestStdin(t *testing.T) {
	o := Options{Stdin: strings.NewReader(line(t, 1, "")), Label: regexp.MustCompile("(x)")}
	records, refused := collect(t, o, Stdin)
	if len(records) != 1 || len(refused) != 0 || records[0].Subject != "" || records[0].Sources[0].File != "-" {
		t.Errorf("%+v, %v", records, refused)
	}
}

// TestFiles: what folders and paths may hold.
func TestFiles(t *testing.T) {
	dir := folder(t, map[string]string{"a.json": line(t, 1, ""), "b.json": line(t, 2, ""), "c.txt": "no", "sub/d.json": line(t, 3, "")})
	if err := os.Symlink(filepath.Join(dir, "a.json"), filepath.Join(dir, "link.json")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(dir, "sub"), filepath.Join(dir, "sub2.json")); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		match   string
		paths   []string
		records int
		refused string
	}{
		"pattern":          {"*.json", []string{dir}, 3, "link.json:0:file sub2.json:0:file"},
		"other pattern":    {"a*", []string{dir}, 1, ""},
		"no file":          {"z*", []string{dir}, 0, filepath.Base(dir) + ":0:file"},
		"link by name":     {"", []string{filepath.Join(dir, "link.json")}, 1, ""},
		"link to a folder": {"", []string{filepath.Join(dir, "sub2.json")}, 0, "sub2.json:0:file"},
		"missing":          {"", []string{filepath.Join(dir, "a.json"), filepath.Join(dir, "nobody")}, 1, "nobody:0:file"},
		"file, no pattern": {"z*", []string{filepath.Join(dir, "a.json")}, 1, ""},
		"the same twice":   {"", []string{filepath.Join(dir, "a.json"), filepath.Join(dir, "a.json")}, 1, "a.json:1:duplicate"},
		"nothing":          {"", nil, 0, ".:0:file"},
	} {
		records, refused := collect(t, Options{Match: c.match}, c.paths...)
		if len(records) != c.records || classes(refused) != c.refused {
			t.Errorf("%s: %d records, refused %q, want %d, %q", name, len(records), classes(refused), c.records, c.refused)
		}
	}
	n := 0
	for range (Options{}).Records([]string{dir}) {
		if n++; n == 2 {
			break // the sequence stands it
		}
	}
}

// TestLabels: whose a file is, by its name.
func TestLabels(t *testing.T) {
	for _, c := range []struct{ file, pattern, want string }{
		{"/x/anna_1.json", "", "anna"}, {"anna_left_2.json", "", "anna_left"}, {"anna.json", "", "anna"}, {"_1.json", "", "_1"},
		{"1_2.ist", "", "1"}, {"anna", "", "anna"}, {"p17-R3.iso", `^p(\d+)-`, "17"}, {"q17.iso", `^p(\d+)-`, ""}, {"x.iso", `(y?)`, ""},
	} {
		var pattern *regexp.Regexp
		if c.pattern != "" {
			pattern = regexp.MustCompile(c.pattern)
		}
		got, err := labelOf(c.file, pattern)
		if got != c.want || (err != nil) != (c.want == "") {
			t.Errorf("%s by %s is %q (%v), want %q", c.file, c.pattern, got, err, c.want)
		}
	}
	dir := folder(t, map[string]string{"p1.json": line(t, 1, ""), "x.json": line(t, 2, "") + line(t, 3, `,"subject":"named"`)})
	records, refused := collect(t, Options{Label: regexp.MustCompile(`^p(.)`)}, dir)
	if len(records) != 2 || records[0].Subject != "1" || records[1].Subject != "named" || classes(refused) != "x.json:1:label" {
		t.Errorf("%+v, %s", records, classes(refused))
	}
}

// TestEyes: which eyes are taken, and as what.
func TestEyes(t *testing.T) {
	stream := func(eyes ...string) string {
		var b strings.Builder
		for i, e := range eyes {
			if e != "" {
				e = `,"eye":"` + e + `"`
			}
			b.WriteString(line(t, uint64(100+i), e))
		}
		return b.String()
	}
	for name, c := range map[string]struct {
		o       Options
		in      string
		eyes    string
		refused string
	}{
		"one eye":            {Options{}, stream("left", "left"), "left left", ""},
		"two eyes":           {Options{}, stream("left", "right", "left"), "left left", "-:2:eye"},
		"first does not say": {Options{}, stream("", "right"), "unknown", "-:2:eye"},
		"second does not":    {Options{}, stream("right", ""), "right", "-:2:eye"},
		"mixed on purpose":   {Options{MixEyes: true}, stream("left", "", "right"), "left unknown right", ""},
		"left only":          {Options{Eye: templates.EyeLeft}, stream("", "right", "left"), "left left", "-:2:eye"},
		"vectors":            {Options{}, "[1,2]\n[2,1]\n", "unknown unknown", ""},
		"refused first":      {Options{}, "{}\n" + stream("right"), "right", "-:1:unreadable"},
	} {
		c.o.Stdin = strings.NewReader(c.in)
		records, refused := collect(t, c.o, Stdin)
		var eyes []string
		for _, r := range records {
			eyes = append(eyes, r.Eye.String())
		}
		if strings.Join(eyes, " ") != c.eyes || classes(refused) != c.refused {
			t.Errorf("%s: %q, refused %q", name, eyes, classes(refused))
		}
	}
}

// TestProgress: every record counts once, and an error ends the import.
func TestProgress(t *testing.T) {
	dir := folder(t, map[string]string{"a.ndjson": line(t, 1, "") + "{}\n" + line(t, 1, ""), "b.iso": sample(t, "fingerprintio/iso19794p2v2005-sample.dat"), "c.fir": "FIR\x00"})
	last := 0
	o := Options{Progress: func(n int) error {
		if n != last+1 {
			t.Errorf("%d after %d", n, last)
		}
		last = n
		return nil
	}}
	collect(t, o, dir)
	if last != 6 { // three lines, two impressions, one file that is none
		t.Errorf("%d records counted", last)
	}
	broken := errors.New("interrupted")
	for stop := 1; stop <= last; stop++ {
		o.Progress = func(n int) error {
			if n == stop {
				return broken
			}
			return nil
		}
		var got error
		for _, err := range o.Records([]string{dir}) {
			if got != nil {
				t.Fatalf("%v after the error", err)
			}
			if errors.Is(err, broken) {
				got = err
			}
		}
		if got == nil {
			t.Errorf("not ended at record %d", stop)
		}
	}
}

// TestCentre: centring reaches the vectors, and the loss is reported.
func TestCentre(t *testing.T) {
	o := Options{Stdin: strings.NewReader("[4,6]\n"), Read: templates.Options{Norm: 100, Centre: []float64{1, 2}}}
	records, _ := collect(t, o, Stdin)
	if v := records[0].Template.(templates.Vector); v.Coords[0] != 60 || v.Coords[1] != 80 || records[0].Loss > 1e-12 {
		t.Errorf("3,4 is quantised to other coordinates, loss %v", records[0].Loss)
	}
	// 4096 equal coordinates at norm 127 are 1.98 each; at norm 40 all 0.6; and
	// one large among many small ones loses all of them.
	flat := "[8" + strings.Repeat(",0.6", 4095) + "]\n"
	records, refused := collect(t, Options{Stdin: strings.NewReader(flat), Read: templates.Options{Norm: 40}}, Stdin)
	if len(records) != 0 || classes(refused) != "-:1:quality" || !strings.Contains(refused[0].Reason, "larger norm") {
		t.Errorf("%d records, %v", len(records), refused)
	}
}

// TestRefusalsSayWhy: texts name place and reason, wrap their cause and never hold
// values.
func TestRefusalsSayWhy(t *testing.T) {
	_, refused := collect(t, Options{Stdin: strings.NewReader("[98765]\n[98765,\"x\"]\n")}, Stdin)
	if len(refused) != 1 {
		t.Fatal(refused)
	}
	r := refused[0]
	if !strings.HasPrefix(r.Error(), "-, record 2, line 2: ") || !errors.Is(r, templates.ErrFormat) || strings.Contains(r.Error(), "98765") {
		t.Errorf("%v", r)
	}
	_, refused = collect(t, Options{Stdin: strings.NewReader("[[1,2],")}, Stdin)
	if len(refused) != 1 || !strings.Contains(refused[0].Reason, "rest of the file is not read") {
		t.Errorf("%v", refused)
	}
}

// xyt makes an impression with n minutiae that depend on a seed.
func xyt(n int, seed uint64) string {
	var b strings.Builder
	for i := range n {
		f := float64(i) + float64(seed)*1000
		b.WriteString(strings.Join([]string{itoa(100 + int(90*math.Sin(f*f))), itoa(100 + int(90*math.Cos(3*f*f))), itoa(int(180 + 179*math.Sin(7*f))), "50"}, " ") + "\n")
	}
	return b.String()
}

func itoa(n int) string {
	if n < 10 {
		return string(rune('0' + n))
	}
	return itoa(n/10) + string(rune('0'+n%10))
}
