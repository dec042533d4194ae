package synthetic

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/puente-project/puente/templates"
)

func population(t testing.TB, scheme string, seed uint64) *Population {
	t.Helper()
	s, err := templates.SchemeByName(scheme)
	if err != nil {
		t.Fatal(err)
	}
	p, err := New(s, seed)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// moments collects mean, standard deviation and range.
type moments struct{ n, sum, squares, least, most float64 }

func (m *moments) add(x float64) {
	if m.n == 0 {
		m.least, m.most = x, x
	}
	m.n++
	m.sum += x
	m.squares += x * x
	m.least, m.most = min(m.least, x), max(m.most, x)
}

func (m *moments) mean() float64 { return m.sum / m.n }

func (m *moments) deviation() float64 { return math.Sqrt(m.squares/m.n - m.mean()*m.mean()) }

// within reports a figure outside its tolerance.
func within(t *testing.T, what string, got, low, high float64) {
	t.Helper()
	if !(got >= low && got <= high) {
		t.Errorf("%s is %.4f, want %.4f to %.4f", what, got, low, high)
	}
}

// TestIndependence: a template depends on seed, person and capture alone.
func TestIndependence(t *testing.T) {
	for _, name := range []string{"iris-2048", "vector-128", "eyes-16384", "fingers-4x512"} {
		p, q, other := population(t, name, 1), population(t, name, 1), population(t, name, 2)
		seen := map[string]string{}
		note := func(what string, tpl templates.Template) {
			b, err := templates.EncodeBinary(tpl)
			if err != nil {
				t.Fatal(err)
			}
			if earlier, ok := seen[string(b)]; ok {
				t.Errorf("%s: %s is %s", name, what, earlier)
			}
			seen[string(b)] = what
		}
		_ = p.Entry(3) // no effect on what follows
		for _, i := range []int{7, 0, -1, math.MaxInt} {
			for what, pair := range map[string][2]templates.Template{
				"entry":          {p.Entry(i), q.Entry(i)},
				"stranger":       {p.Stranger(i), q.Stranger(i)},
				"capture":        {p.Genuine(i, 0), q.Genuine(i, 0)},
				"second capture": {p.Genuine(i, 1), q.Genuine(i, 1)},
				"other seed":     {other.Entry(i), other.Entry(i)},
			} {
				if !templates.Equal(pair[0], pair[1]) {
					t.Errorf("%s: %s %d is not always the same", name, what, i)
				}
				note(what, pair[0])
			}
		}
	}
}

// TestAnyScheme: every valid shape and every vector scheme that New accepts
// gives admissible templates.
func TestAnyScheme(t *testing.T) {
	try := func(t testing.TB, s templates.Scheme, seed uint64) {
		t.Helper()
		p, err := New(s, seed)
		if err != nil {
			t.Fatalf("%s: %v", s, err)
		}
		p.Quality, p.Embedding = Quality(seed%5), Embedding(seed%3) // one more than there are
		for i := range 3 {
			for _, tpl := range []templates.Template{p.Entry(i), p.Stranger(i), p.Genuine(i, 1)} {
				if err := s.Check(tpl); err != nil {
					t.Fatalf("%s: %v", s, err)
				}
			}
		}
	}
	for _, shape := range []templates.Shape{
		{Rows: 1, Cols: 8, Filters: 1, Planes: 1}, {Rows: 1024, Cols: 64, Filters: 1, Planes: 1}, {Rows: 1, Cols: 64, Filters: 1, Planes: 1024},
		{Rows: 1, Cols: 64, Filters: 1024, Planes: 1}, {Rows: 65, Cols: 1008, Filters: 1, Planes: 1}, {Rows: 5, Cols: 1024, Filters: 3, Planes: 4},
	} {
		s, err := templates.NewIrisScheme(shape, 1)
		if err != nil {
			t.Fatal(err)
		}
		try(t, s, 1)
	}
	rapid.Check(t, func(rt *rapid.T) {
		seed := rapid.Uint64().Draw(rt, "seed")
		shape := templates.Shape{
			Rows: rapid.IntRange(1, 20).Draw(rt, "rows"), Cols: rapid.IntRange(templates.MinCols, 130).Draw(rt, "cols"),
			Filters: rapid.IntRange(1, 3).Draw(rt, "filters"), Planes: rapid.IntRange(1, 5).Draw(rt, "planes"),
		}
		s, err := templates.NewIrisScheme(shape, 2*rapid.IntRange(0, 3).Draw(rt, "half")+1)
		if err != nil {
			rt.Fatal(err)
		}
		try(t, s, seed)
		norm := rapid.IntRange(8, templates.MaxNorm).Draw(rt, "norm")
		dims := rapid.IntRange(1, min(templates.MaxDims, 2*norm*norm)).Draw(rt, "dims")
		try(t, templates.Scheme{Modality: templates.ModalityVector, Shifts: 1, Dims: dims, Norm: norm, Theta: 1}, seed)
		s.Modality, s.Eyes, s.Dims, s.Norm, s.Weight = templates.ModalityFused, 2, dims, norm, 1
		s.Fingers = templates.FingersAt(rapid.SliceOfNDistinct(rapid.IntRange(1, templates.Fingers), 1, 3, rapid.ID).Draw(rt, "fingers")...)
		try(t, s, seed)
	})
}

func TestNewRefuses(t *testing.T) {
	for name, s := range map[string]templates.Scheme{
		"zero scheme":     {},
		"tiny norm":       {Modality: templates.ModalityVector, Shifts: 1, Dims: 4, Norm: 7, Theta: 1},
		"too many coords": {Modality: templates.ModalityVector, Shifts: 1, Dims: 4096, Norm: 45, Theta: 1},
	} {
		if _, err := New(s, 1); !errors.Is(err, templates.ErrScheme) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestTogether: the eyes of one capture are turned by the same angle, so that they are
// found at the same shift, and are no more alike than those of two people.
func TestTogether(t *testing.T) {
	p := population(t, "eyes-16384", 9)
	var alike moments
	same := 0
	for i := range 200 {
		var shifts [2]int
		left, right := p.Entry(i).(*templates.Fused).Eyes()
		capturedLeft, capturedRight := p.Genuine(i, 0).(*templates.Fused).Eyes()
		for j, pair := range [][2]*templates.Iris{{capturedLeft, left}, {capturedRight, right}} {
			_, _, shift, err := templates.Distance(pair[0], pair[1], 31)
			if err != nil {
				t.Fatal(err)
			}
			shifts[j] = shift
		}
		switch d := shifts[0] - shifts[1]; {
		case d == 0:
			same++
		case d*d > 1:
			// Neighbouring columns agree so often that one off may be best.
			t.Errorf("person %d: the eyes are turned by %d and %d columns", i, -shifts[0], -shifts[1])
		}
		alike.add(least(t, left, right, 31))
	}
	if same < 180 {
		t.Errorf("the eyes of only %d people of 200 are found at one shift", same)
	}
	within(t, "least distance of two eyes of one person", alike.least, 0.38, 0.46)
}

// TestNamedSchemes: captures hit under all of them, and strangers do not.
func TestNamedSchemes(t *testing.T) {
	for _, n := range templates.Schemes() {
		p := population(t, n.Name, 10)
		for i := range 150 {
			for what, probe := range map[string]templates.Template{"capture": p.Genuine(i, 1), "stranger": p.Stranger(i)} {
				m, err := templates.NewMatcher(n.Scheme, probe)
				if err != nil {
					t.Fatal(err)
				}
				if m.Hit(p.Entry(i)) != (what == "capture") {
					t.Errorf("%s: %s %d has the wrong outcome", n.Name, what, i)
				}
			}
		}
	}
}

// TestEntriesStay: the quality of captures leaves entries as they are.
func TestEntriesStay(t *testing.T) {
	p, q := population(t, "iris-2048", 1), population(t, "iris-2048", 1)
	q.Quality = Hard
	if !templates.Equal(p.Entry(1), q.Entry(1)) {
		t.Error("the entry depends on the quality of captures")
	}
	if templates.Equal(p.Genuine(1, 0), q.Genuine(1, 0)) || templates.Equal(p.Stranger(1), q.Stranger(1)) {
		t.Error("captures do not depend on their quality")
	}
}

func TestNames(t *testing.T) {
	for got, want := range map[string]string{
		Controlled.String(): "controlled", Good.String(): "good", Average.String(): "average", Hard.String(): "hard", Quality(9).String(): "quality 9",
		Learned.String(): "learned", Minutiae.String(): "minutiae", Embedding(9).String(): "embedding 9",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestStable accumulates a hash over templates of every kind: populations that
// people refer to by seed must not change.
func TestStable(t *testing.T) {
	const want = "f7dd3095c0544faaab2c5f5eac96236a384596941798c796143d2af1cd6b3674"
	h := sha256.New()
	for _, name := range append(slices.Clone(irisNames), "vector-128", "vector-640", "eyes-16384", "fingers-4x512") {
		p := population(t, name, 2026)
		for i := range 32 {
			p.Quality, p.Embedding = Quality(i%4), Embedding(i%2)
			for _, tpl := range []templates.Template{p.Entry(i), p.Stranger(i), p.Genuine(i, 0), p.Genuine(i, 1)} {
				b, err := templates.EncodeBinary(tpl)
				if err != nil {
					t.Fatal(err)
				}
				h.Write(b)
			}
		}
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != want {
		t.Errorf("hash of the populations is %s, want %s", got, want)
	}
}

// TestBernoulli: each bit is one with the given probability.
func TestBernoulli(t *testing.T) {
	p := population(t, "iris-2048", 1)
	r := p.stream(kindCapture, 0)
	for _, chance := range []int{0, 1, 7, 64, 205, 1024, 2047, 2048, 3000, 4095, 4096} {
		var ones [64]float64
		total := 0.0
		const n = 4000
		for range n {
			w := bernoulli(r, chance)
			for i := range ones {
				ones[i] += float64(w >> i & 1)
				total += float64(w >> i & 1)
			}
		}
		want := float64(chance) / probabilityOne
		deviation := math.Sqrt(want * (1 - want))
		within(t, "share of ones", total/(64*n), want-5*deviation/math.Sqrt(64*n), want+5*deviation/math.Sqrt(64*n))
		for i := range ones {
			within(t, "share of ones of one bit", ones[i]/n, want-5*deviation/math.Sqrt(n), want+5*deviation/math.Sqrt(n))
		}
	}
}

func BenchmarkEntry(b *testing.B) {
	for _, name := range []string{"iris-2048", "iris-16384", "vector-512", "fingers-10x512"} {
		p := population(b, name, 1)
		b.Run(name, func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				p.Entry(i)
			}
		})
	}
}

func BenchmarkGenuine(b *testing.B) {
	for _, name := range []string{"iris-2048", "iris-16384", "vector-512", "fingers-10x512"} {
		p := population(b, name, 1)
		b.Run(name, func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				p.Genuine(i, 1)
			}
		})
	}
}
