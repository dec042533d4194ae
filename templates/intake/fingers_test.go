package intake

import (
	"fmt"
	"maps"
	"math"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/puente-project/puente/templates"
	"github.com/puente-project/puente/templates/minutiae"
)

// TestAverage: impressions of one finger, wherever they are, make one entry, which
// is the quantised average of their vectors.
func TestAverage(t *testing.T) {
	files := map[string]string{}
	for finger := range 3 {
		for capture := range 3 {
			files[fmt.Sprintf("%d/p%d_%d.xyt", capture, finger, capture)] = xyt(20+finger, uint64(10*finger+capture))
		}
	}
	files["3/p0_copy.xyt"] = files["0/p0_0.xyt"]
	records, refused := collect(t, Options{Dims: 256}, folder(t, files))
	if classes(refused) != "p0_copy.xyt:1:duplicate" || len(records) != 3 {
		t.Fatalf("%d records, %s", len(records), classes(refused))
	}
	v, err := minutiae.NewVectoriser(256)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range records {
		if r.Subject != fmt.Sprintf("p%d", i) || r.Impressions != 3 || len(r.Sources) != 3 || filepath.Base(r.Sources[2].File) != fmt.Sprintf("p%d_2.xyt", i) {
			t.Errorf("record %d: %+v", i, r)
		}
		var vectors [][]float64
		for capture := range 3 {
			views, err := minutiae.Decode([]byte(files[fmt.Sprintf("%d/p%d_%d.xyt", capture, i, capture)]), minutiae.Options{})
			if err != nil {
				t.Fatal(err)
			}
			vector, err := v.Vector(views[0])
			if err != nil {
				t.Fatal(err)
			}
			vectors = append(vectors, vector)
		}
		average, err := minutiae.Average(vectors)
		if err != nil {
			t.Fatal(err)
		}
		want, err := templates.Quantise(average, templates.DefaultNorm)
		if err != nil || !templates.Equal(r.Template, want) {
			t.Errorf("record %d is not the quantised average (%v)", i, err)
		}
	}
	// Without a label nobody knows which impressions belong together.
	o := Options{Dims: 256, Stdin: strings.NewReader(sample(t, "fingerprintio/iso19794p2v2005-sample.dat"))}
	if records, refused := collect(t, o, Stdin); len(records) != 2 || len(refused) != 0 {
		t.Errorf("stdin: %d records, %v", len(records), refused)
	}
	// The dimensions are the scheme's.
	o = Options{Scheme: mustScheme(t, "vector-512")}
	records, refused = collect(t, o, folder(t, map[string]string{"a_1.xyt": xyt(20, 1)}))
	if len(records) != 1 || len(records[0].Template.(templates.Vector).Coords) != 512 {
		t.Errorf("%v, %v", records, refused)
	}
}

// TestFingersRefused: what cannot become a vector says why.
func TestFingersRefused(t *testing.T) {
	dir := folder(t, map[string]string{"a.xyt": xyt(20, 1), "b.iso": "FMR\x00 20\x00\x00\x00", "c.xyt": xyt(20, 2)[:70], "d.fir": "FIR\x00010\x00"})
	for name, c := range map[string]struct {
		o    Options
		want string
	}{
		"iris scheme": {Options{Scheme: mustScheme(t, smallScheme)}, "a.xyt:0:misfit b.iso:0:unreadable c.xyt:0:unreadable d.fir:0:unreadable"},
		"gate":        {Options{Gate: Gate{MinMinutiae: 21}}, "a.xyt:1:quality b.iso:0:unreadable c.xyt:0:unreadable d.fir:0:unreadable"},
		"dims":        {Options{Dims: math.MaxInt32}, "a.xyt:0:misfit b.iso:0:unreadable c.xyt:0:unreadable d.fir:0:unreadable"},
		"convention":  {Options{XYT: 9}, "a.xyt:0:unreadable b.iso:0:unreadable c.xyt:0:unreadable d.fir:0:unreadable"},
	} {
		if records, refused := collect(t, c.o, dir); len(records) != 0 || classes(refused) != c.want {
			t.Errorf("%s: %d records, %s", name, len(records), classes(refused))
		}
	}
}

// fusedScheme compares two small eyes and two fingers.
func fusedScheme(t *testing.T) templates.Scheme {
	t.Helper()
	s := templates.Scheme{Modality: templates.ModalityFused, Shape: smallShape, Eyes: 2, Shifts: 31, Alpha: 8, Beta: 25, Delta: 512,
		Dims: 16, Norm: 63, Fingers: templates.FingersAt(2, 7), Weight: 1, Each: 100}
	if err := s.Validate(); err != nil {
		t.Fatal(err)
	}
	return s
}

// TestJoin: under a fused scheme the parts of a person become one entry.
func TestJoin(t *testing.T) {
	vector := func(subject string, finger int, seed int) string {
		v := make([]string, 16)
		for i := range v {
			v[i] = fmt.Sprintf("%.3f", math.Sin(float64(seed*100+i*i)))
		}
		return fmt.Sprintf(`{"vector":[%s],"subject":"%s","finger":%d}`+"\n", strings.Join(v, ","), subject, finger)
	}
	dir := folder(t, map[string]string{
		"1.ndjson": line(t, 1, `,"subject":"ana","eye":"left"`) + line(t, 2, `,"subject":"bob","eye":"right"`) + vector("ana", 7, 1),
		"2.ndjson": line(t, 3, `,"subject":"ana","eye":"right"`) + vector("bob", 2, 2) + vector("ana", 3, 3) + vector("cleo", 3, 4),
		"3.ndjson": line(t, 4, `,"subject":"ana","eye":"left"`) + line(t, 5, `,"subject":"ana"`) + line(t, 6, `,"eye":"left"`) + vector("bob", 2, 5) + vector("bob", 0, 6),
	})
	records, refused := collect(t, Options{Scheme: fusedScheme(t), Read: templates.Options{Norm: 63}}, dir)
	want := "3.ndjson:1:duplicate 3.ndjson:2:label 3.ndjson:3:label 3.ndjson:4:duplicate 3.ndjson:5:label 2.ndjson:4:misfit"
	if classes(refused) != want {
		t.Errorf("refused %s\nwant    %s", classes(refused), want)
	}
	if len(records) != 2 {
		t.Fatalf("%d records", len(records))
	}
	for i, c := range []struct {
		subject     string
		left, right uint64
		fingers     string
		sources     int
	}{{"ana", 1, 3, "7", 4}, {"bob", 0, 2, "2", 2}} {
		f := records[i].Template.(*templates.Fused)
		left, right := f.Eyes()
		if records[i].Subject != c.subject || f.Fingers().String() != c.fingers || len(records[i].Sources) != c.sources ||
			(left != nil) != (c.left != 0) || left != nil && !left.Equal(irisOf(t, c.left, smallShape)) || !right.Equal(irisOf(t, c.right, smallShape)) {
			t.Errorf("record %d: %+v, fingers %v", i, records[i], f.Fingers())
		}
	}
}

// TestCaptures: people who were captured several times give a record for each
// capture, and a part that comes again begins the next one.
func TestCaptures(t *testing.T) {
	eye := func(seed uint64, subject, which string) string {
		return line(t, seed, fmt.Sprintf(`,"subject":"%s","eye":"%s"`, subject, which))
	}
	dir := folder(t, map[string]string{
		"1.ndjson": eye(1, "ana", "left") + eye(2, "ana", "right") + eye(3, "bob", "left"),
		"2.ndjson": eye(4, "ana", "right") + eye(5, "bob", "right") + eye(6, "bob", "left") + eye(7, "bob", "left") + eye(8, "bob", "right"),
		"3.ndjson": eye(9, "cleo", "left"),
	})
	o := Options{Scheme: fusedScheme(t), Apart: true, Repeats: true, Capture: func(r Record) (string, error) {
		if r.Subject == "cleo" {
			return "", errNoLabel
		}
		return r.Subject + r.Sources[0].File, nil
	}}
	records, refused := collect(t, o, dir)
	if want := "3.ndjson:1:label"; classes(refused) != want {
		t.Errorf("refused %s, want %s", classes(refused), want)
	}
	want := []struct {
		subject     string
		left, right uint64
	}{{"ana", 1, 2}, {"bob", 3, 0}, {"ana", 0, 4}, {"bob", 6, 5}, {"bob", 7, 8}}
	if len(records) != len(want) {
		t.Fatalf("%d records, want %d", len(records), len(want))
	}
	same := func(got *templates.Iris, seed uint64) bool {
		return (got == nil) == (seed == 0) && (got == nil || got.Equal(irisOf(t, seed, smallShape)))
	}
	for i, w := range want {
		left, right := records[i].Template.(*templates.Fused).Eyes()
		if records[i].Subject != w.subject || !same(left, w.left) || !same(right, w.right) {
			t.Errorf("record %d is not the capture of %s with eyes %d and %d", i, w.subject, w.left, w.right)
		}
	}
}

// TestPosition: the name of a file says which finger it is of where its record does
// not, for minutiae and for vectors, and only then.
func TestPosition(t *testing.T) {
	o := Options{Apart: true, Position: regexp.MustCompile(`_f([0-9]+)\.`), Read: templates.Options{Norm: 63}}
	dir := folder(t, map[string]string{
		"a_f3.fmr":  sample(t, "sourceafis/iso-probe.dat"),
		"b_f10.csv": "1,2,3,4\n",
		"c_f4.json": `{"vector":[1,2,3,5],"finger":7}`,
		"d_f11.csv": "1,2,3,6\n",
		"e_f0.csv":  "1,2,3,7\n",
		"g.csv":     "1,2,3,8\n",
	})
	records, refused := collect(t, o, dir)
	if want := "d_f11.csv:1:label e_f0.csv:1:label g.csv:1:label"; classes(refused) != want {
		t.Errorf("refused %s, want %s", classes(refused), want)
	}
	got := map[string]int{}
	for _, r := range records {
		got[filepath.Base(r.Sources[0].File)] = int(r.Finger)
	}
	if want := map[string]int{"a_f3.fmr": 3, "b_f10.csv": 10, "c_f4.json": 7}; !maps.Equal(got, want) {
		t.Errorf("positions %v, want %v", got, want)
	}
}
