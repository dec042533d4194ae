package templates

import (
	"errors"
	"math"
	"math/bits"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestNamedSchemes pins what the names stand for: changing one would change
// decisions between agencies that only agreed on the name.
func TestNamedSchemes(t *testing.T) {
	want := map[string]struct {
		scheme    string
		threshold float64
		scoreBits int // of the range of scores
	}{
		"iris-2048":         {"iris:16x128x1x1:shifts=31:threshold=1/2:delta=358", 0.3446, 13},
		"iris-2048-8":       {"iris:8x128x1x2:shifts=31:threshold=1/2:delta=358", 0.3446, 13},
		"iris-9600":         {"iris:20x240x1x2:shifts=31:threshold=1/2:delta=1680", 0.3444, 15},
		"iris-12800":        {"iris:16x200x2x2:shifts=31:threshold=1/2:delta=2240", 0.3444, 15},
		"iris-16384":        {"iris:16x256x2x2:shifts=31:threshold=1/2:delta=2867", 0.3445, 16},
		"iris-16384-strict": {"iris:16x256x2x2:shifts=31:threshold=1/2:delta=3276", 0.3223, 16},
		"iris-16384-s21":    {"iris:16x256x2x2:shifts=21:threshold=1/2:delta=2867", 0.3445, 16},
		"iris-16384-s11":    {"iris:16x256x2x2:shifts=11:threshold=1/2:delta=2867", 0.3445, 16},
		"iris-8192-wavelet": {"iris:16x256x1x2:shifts=11:threshold=1/2:delta=1433", 0.3445, 15},
		"iris-8192-rows":    {"iris:8x256x2x2:shifts=11:threshold=1/2:delta=1433", 0.3445, 15},
		"eyes-16384":        {"eyes:16x256x2x2:shifts=31:threshold=1/2:delta=2867", 0.3445, 17},
		"vector-128":        {"vector:128:norm=63:theta=1191", .3001, 13},
		"vector-512":        {"vector:512:norm=63:theta=1191", .3001, 13},
		"vector-640":        {"vector:640:norm=63:theta=1191", .3001, 13},
		"fingers-4x512":     {"fingers:2,3,7,8:512:norm=50:theta=667+211", .1511, 15},
		"fingers-10x512":    {"fingers:1,2,3,4,5,6,7,8,9,10:512:norm=50:theta=667+211", .1111, 16},
		"minutiae-10x512":   {"fingers:1,2,3,4,5,6,7,8,9,10:512:norm=50:theta=1201+380", .2000, 16},
	}
	all := Schemes()
	if len(all) != len(want) {
		t.Errorf("%d named schemes, want %d", len(all), len(want))
	}
	for _, n := range all {
		want := want[n.Name]
		if got := n.Scheme.String(); got != want.scheme {
			t.Errorf("%s is %s, want %s", n.Name, got, want.scheme)
		}
		low, high := n.Scheme.ScoreRange()
		if got := bits.Len64(uint64(high - low)); got != want.scoreBits {
			t.Errorf("%s has scores of %d bits, want %d", n.Name, got, want.scoreBits)
		}
		if n.Note == "" {
			t.Errorf("%s has no note", n.Name)
		}
		for _, text := range []string{n.Name, n.Scheme.String()} {
			if s, err := SchemeByName(text); err != nil || s != n.Scheme {
				t.Errorf("%s is not found: %v", text, err)
			}
		}
		if got := n.Scheme.Threshold(); math.Abs(got-want.threshold) > 1e-4 {
			t.Errorf("%s has threshold %v, want %v", n.Name, got, want.threshold)
		}
	}
	if _, err := SchemeByName("iris-1"); !errors.Is(err, ErrScheme) || !strings.Contains(err.Error(), "iris-2048") {
		t.Errorf("an unknown name gives %v", err)
	}
}

func TestScoreRange(t *testing.T) {
	for text, want := range map[string][3]int64{
		// least score, greatest score, weight bound
		"iris-2048":  {-2048 - 358, 2048 - 358, 3 * 2048},
		"iris-16384": {-16384 - 2867, 16384 - 2867, 3 * 16384},
		"eyes-16384": {-2*16384 - 2867, 2*16384 - 2867, 3 * 2 * 16384},
		"fingers:2,3,7,8:512:norm=63:theta=1059+335": {-4*(3969+335) - 1059, 4*(3969-335) - 1059, 4 * (1425 + 335)},
		"eyes:2x16x1x1:shifts=5:threshold=1/3:delta=2:fingers=3,4:512:norm=63:weight=2:each=7": {
			-2*64 - 2*(2*3969+7) - 2, 64 + 2*(2*3969-7) - 2, 2*32*5 + 5*2*(2*1425+7)},
		"vector-512": {-3969 - 1191, 3969 - 1191, 1425}, // 63*sqrt(512) = 1425.5
		"iris:16x128x1x1:shifts=1:threshold=49/100:delta=1": {-51*2048 - 1, 49*2048 - 1, 151 * 2048},
		"vector:4096:norm=63:theta=1":                       {-3970, 3968, 3969},
	} {
		s := mustScheme(t, text)
		lo, hi := s.ScoreRange()
		if lo != want[0] || hi != want[1] || s.WeightBound() != want[2] {
			t.Errorf("%s: scores %d..%d, weights %d, want %v", text, lo, hi, s.WeightBound(), want)
		}
	}
}

// TestParseSchemeRefuses: one fault per text.
func TestParseSchemeRefuses(t *testing.T) {
	for _, text := range []string{
		"", "iris", "iris:", "face:512:norm=63:theta=1191", "vector-512",
		"iris:16x128x1x1:shifts=30:threshold=8/25:delta=512",
		"iris:16x128x1x1:shifts=65:threshold=8/25:delta=512",
		"iris:16x128x1x1:shifts=0:threshold=8/25:delta=512",
		"iris:16x128x1x1:shifts=-1:threshold=8/25:delta=512",
		"iris:16x9x1x1:shifts=11:threshold=8/25:delta=5",
		"iris:16x128x1x1:shifts=31:threshold=16/50:delta=512",
		"iris:16x128x1x1:shifts=31:threshold=3/4:delta=1024", "iris:16x128x1x1:shifts=31:threshold=3/4:delta=512", "iris:16x128x1x1:shifts=31:threshold=1/1:delta=2000",
		"iris:16x128x1x1:shifts=31:threshold=0/25:delta=512",
		"iris:16x128x1x1:shifts=31:threshold=-8/25:delta=512",
		"iris:16x128x1x1:shifts=31:threshold=8/-25:delta=512",
		"iris:16x128x1x1:shifts=31:threshold=320/1001:delta=512",
		"iris:16x128x1x1:shifts=31:threshold=8/25:delta=0",
		"iris:16x128x1x1:shifts=31:threshold=8/25:delta=16385",
		"iris:16x128x1x1:shifts=31:threshold=8/25:delta=9223372036854775808",
		"iris:16x128x1x1:shifts=31:threshold=8/25",
		"iris:16x128x1x1:shifts=31:threshold=8/25:delta=512 ",
		"iris:16x128x1x1:shifts=31:threshold=8/25:delta=512:more",
		"iris:16x128x1x1:shifts=31:threshold=8/25:delta=0512",
		"iris:16x128x1x1:shifts=31:threshold=8/25:delta=+512",
		" iris:16x128x1x1:shifts=31:threshold=8/25:delta=512",
		"iris:16x128:shifts=31:threshold=8/25:delta=512",
		"iris:16x7x1x1:shifts=1:threshold=8/25:delta=1",
		"iris:16x1025x1x1:shifts=1:threshold=8/25:delta=1",
		"iris:0x128x1x1:shifts=1:threshold=8/25:delta=1",
		"iris:1025x8x1x1:shifts=1:threshold=8/25:delta=1",
		"iris:16x16x16x16:shifts=1:threshold=8/25:delta=1",
		"iris:128x1024x1x1:shifts=1:threshold=8/25:delta=1",
		"vector:0:norm=63:theta=1191", "vector:4097:norm=63:theta=1191",
		"vector:512:norm=0:theta=1191", "vector:512:norm=128:theta=1191",
		"vector:512:norm=63:theta=0", "vector:512:norm=63:theta=3970",
		"vector:512:norm=63:theta=1191\n", "vector:512:theta=1191:norm=63", "vector:512:norm=63:theta=0x10",
		"vector:" + strings.Repeat("5", 1000),
		"fingers:2,3:512:norm=63:theta=1059", "fingers::512:norm=63:theta=1059+335", "fingers:3,2:512:norm=63:theta=1059+335",
		"fingers:0:512:norm=63:theta=1059+335", "fingers:11:512:norm=63:theta=1059+335", "fingers:2,2:512:norm=63:theta=1059+335",
		"fingers:2:512:norm=63:theta=0+335", "fingers:2:512:norm=63:theta=3635+335", "fingers:2:512:norm=63:theta=1+3969",
		"fingers:2:512:norm=63:theta=1059+-1", "fingers:2:4097:norm=63:theta=1059+335", "fingers:2:512:norm=128:theta=1059+335",
		"eyes:16x128x1x1:shifts=31:threshold=5/12:delta=20481", "eyes:16x128x1x1:shifts=31:threshold=5/12:delta=10:fingers=",
		"eyes:16x128x1x1:shifts=31:threshold=5/12:delta=10:fingers=2:512:norm=63:weight=0:each=3",
		"eyes:16x128x1x1:shifts=31:threshold=5/12:delta=10:fingers=2:512:norm=63:weight=65:each=3",
		"eyes:16x128x1x1:shifts=31:threshold=5/12:delta=10:fingers=2:512:norm=63:weight=2:each=7938",
		"iris:16x128x1x1:shifts=31:threshold=5/12:delta=10:fingers=2:512:norm=63:weight=2:each=3",
	} {
		if s, err := ParseScheme(text); !errors.Is(err, ErrScheme) || s != (Scheme{}) {
			t.Errorf("%q: %v, %v", text, s, err)
		}
	}
}

// TestValidateMixture: fields of the other modality are refused, so that equal
// agreements are equal values.
func TestValidateMixture(t *testing.T) {
	iris, vector := mustScheme(t, "iris-2048"), mustScheme(t, "vector-512")
	eyes, fingers := mustScheme(t, "eyes-16384"), mustScheme(t, "fingers-4x512")
	for name, s := range map[string]Scheme{
		"iris with dims":     func() Scheme { s := iris; s.Dims = 3; return s }(),
		"iris with norm":     func() Scheme { s := iris; s.Norm = 3; return s }(),
		"iris with theta":    func() Scheme { s := iris; s.Theta = 3; return s }(),
		"vector with shape":  func() Scheme { s := vector; s.Shape.Rows = 3; return s }(),
		"vector with alpha":  func() Scheme { s := vector; s.Alpha = 3; return s }(),
		"vector with delta":  func() Scheme { s := vector; s.Delta = 3; return s }(),
		"vector with shifts": func() Scheme { s := vector; s.Shifts = 3; return s }(),
		"iris with eyes":     func() Scheme { s := iris; s.Eyes = 2; return s }(),
		"iris with fingers":  func() Scheme { s := iris; s.Fingers = AllFingers; return s }(),
		"vector with weight": func() Scheme { s := vector; s.Weight = 1; return s }(),
		"vector with each":   func() Scheme { s := vector; s.Each = 1; return s }(),
		"eyes with theta":    func() Scheme { s := eyes; s.Theta = 1; return s }(),
		"eyes with weight":   func() Scheme { s := eyes; s.Weight = 1; return s }(),
		"one eye":            func() Scheme { s := eyes; s.Eyes = 1; return s }(),
		"fingers with shape": func() Scheme { s := fingers; s.Shape.Rows = 3; return s }(),
		"fingers shifted":    func() Scheme { s := fingers; s.Shifts = 3; return s }(),
		"fingers weighted":   func() Scheme { s := fingers; s.Weight = 2; return s }(),
		"finger 0":           func() Scheme { s := fingers; s.Fingers |= 1; return s }(),
		"nothing fused":      {Modality: ModalityFused, Shifts: 1},
		"zero":               {},
	} {
		if err := s.Validate(); !errors.Is(err, ErrScheme) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCheck(t *testing.T) {
	r := seeded(1)
	iris, vector := mustScheme(t, "iris-2048"), mustScheme(t, "vector-512")
	good := randomVector(t, r, 512, 63)
	long := Vector{Coords: make([]int8, 512), Norm: 63}
	for i := range long.Coords {
		long.Coords[i] = 3
	}
	for name, c := range map[string]struct {
		s    Scheme
		t    Template
		want error
	}{
		"iris":              {iris, randomIris(t, r, iris.Shape), nil},
		"vector":            {vector, good, nil},
		"vector for iris":   {iris, good, ErrInadmissible},
		"iris for vector":   {vector, randomIris(t, r, iris.Shape), ErrInadmissible},
		"other shape":       {iris, randomIris(t, r, Shape{8, 128, 1, 2}), ErrInadmissible},
		"other dims":        {vector, randomVector(t, r, 511, 63), ErrInadmissible},
		"other norm":        {vector, randomVector(t, r, 512, 64), ErrInadmissible},
		"too long":          {vector, long, ErrTemplate},
		"nothing":           {vector, nil, ErrInadmissible},
		"nil iris":          {iris, (*Iris)(nil), ErrInadmissible},
		"zero vector value": {vector, Vector{}, ErrInadmissible},
	} {
		if err := c.s.Check(c.t); !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func TestParseShape(t *testing.T) {
	for text, want := range map[string]Shape{
		"16x256x2x2": {16, 256, 2, 2}, "16x128": {16, 128, 1, 1}, "8x128x2": {8, 128, 1, 2},
	} {
		if got, err := ParseShape(text); err != nil || got != want {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "16", "16x", "x16", "16x256x2x2x1", "16X256", "-1x256", "+1x256", "016x256", "16x256x0", "16 x 256", "99999999999x9"} {
		if _, err := ParseShape(text); !errors.Is(err, ErrScheme) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestSchemeTextProperty(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := drawScheme(rt)
		if got, err := ParseScheme(s.String()); err != nil || got != s {
			rt.Fatalf("%s is read as %s, %v", s, got, err)
		}
	})
}

// FuzzParseScheme: what is accepted is valid and written back as it was.
func FuzzParseScheme(f *testing.F) {
	for _, text := range someSchemes {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseScheme(text)
		if err != nil {
			return
		}
		if s.String() != text || s.Validate() != nil {
			t.Fatalf("%q is accepted as %q", text, s)
		}
	})
}
