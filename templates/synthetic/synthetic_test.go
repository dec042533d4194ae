package synthetic

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"math"
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

var irisNames = []string{"iris-2048", "iris-2048-8", "iris-12800", "iris-16384"}

// TestImpostors: distances of different people at one rotation have mean .5
// and about 249 degrees of freedom, within 15 % (Daugman 2006). 3000 disjoint
// pairs determine the deviation to 1.3 % and so the degrees to 2.6 %.
func TestImpostors(t *testing.T) {
	for _, name := range irisNames {
		p := population(t, name, 11)
		var m moments
		for i := range 3000 {
			hd, common, _, err := templates.Distance(p.Stranger(i).(*templates.Iris), p.Entry(i).(*templates.Iris), 1)
			if err != nil {
				t.Fatal(err)
			}
			m.add(float64(hd) / float64(common))
		}
		within(t, name+": mean impostor distance", m.mean(), 0.497, 0.503)
		within(t, name+": degrees of freedom", 0.25/math.Pow(m.deviation(), 2), 249*0.85, 249*1.15)
		t.Logf("%s: %.4f +- %.4f, %.0f degrees of freedom, %.3f to %.3f", name, m.mean(), m.deviation(), 0.25/math.Pow(m.deviation(), 2), m.least, m.most)
	}
}

// TestNeighbours: neighbouring columns and rows are correlated, and a code has
// as many ones as zeros.
func TestNeighbours(t *testing.T) {
	p := population(t, "iris-16384", 2)
	shape := p.Scheme().Shape
	var ones, bits, sameCol, cols, sameRow, rows float64
	cell := shape.Filters * shape.Planes
	for i := range 100 {
		e := p.Entry(i).(*templates.Iris)
		for line := range shape.Lines() {
			for col := range shape.Cols {
				x, u := e.Bit(line, col)
				if !u {
					continue
				}
				bits++
				if x {
					ones++
				}
				if y, v := e.Bit(line, (col+1)%shape.Cols); v {
					cols++
					if x == y {
						sameCol++
					}
				}
				if line+cell < shape.Lines() {
					if y, v := e.Bit(line+cell, col); v {
						rows++
						if x == y {
							sameRow++
						}
					}
				}
			}
		}
	}
	within(t, "share of ones", ones/bits, 0.48, 0.52)
	within(t, "agreement of neighbouring columns", sameCol/cols, 0.80, 0.90)
	within(t, "agreement of neighbouring rows", sameRow/rows, 0.75, 0.85)
}

// TestMasks: 50 to 80 % of the bits are usable, in the whole population and not
// on average only.
func TestMasks(t *testing.T) {
	for _, name := range irisNames {
		p := population(t, name, 3)
		var m moments
		for i := range 2000 {
			m.add(float64(p.Entry(i).(*templates.Iris).UsableBits()) / float64(p.Scheme().Shape.Bits()))
		}
		within(t, name+": mean usable share", m.mean(), 0.62, 0.69)
		within(t, name+": least usable share", m.least, 0.50, 0.57)
		within(t, name+": greatest usable share", m.most, 0.74, 0.80)
	}
}

// TestGenuine: captures of one person are at .15 +- .05, under .32 and all hit,
// at any of the rotations.
func TestGenuine(t *testing.T) {
	for _, name := range irisNames {
		p := population(t, name, 4)
		var m moments
		shifts := map[int]bool{}
		for i := range 1000 {
			e, g := p.Entry(i), p.Genuine(i, i%3)
			hd, common, shift, err := templates.Distance(g.(*templates.Iris), e.(*templates.Iris), p.Scheme().Shifts)
			if err != nil {
				t.Fatal(err)
			}
			m.add(float64(hd) / float64(common))
			shifts[shift] = true
			matcher, err := templates.NewMatcher(p.Scheme(), g)
			if err != nil {
				t.Fatal(err)
			}
			if !matcher.Hit(e) {
				t.Errorf("%s: capture of person %d does not hit", name, i)
			}
			if matcher.Hit(p.Entry(i + 1)) {
				t.Errorf("%s: capture of person %d hits person %d", name, i, i+1)
			}
		}
		within(t, name+": mean genuine distance", m.mean(), 0.14, 0.16)
		within(t, name+": deviation of the genuine distance", m.deviation(), 0.04, 0.055)
		within(t, name+": greatest genuine distance", m.most, 0.20, 0.30)
		if len(shifts) < 25 {
			t.Errorf("%s: only %d of 31 rotations occur", name, len(shifts))
		}

		p.MaxRoll = 0
		for i := range 50 {
			if _, _, shift, _ := templates.Distance(p.Genuine(i, 0).(*templates.Iris), p.Entry(i).(*templates.Iris), 31); max(shift, -shift) > 1 {
				// Neighbouring columns agree so often that one off may be best.
				t.Errorf("%s: without roll, person %d is best at shift %d", name, i, shift)
			}
		}
	}
}

// TestWeakBits: flips gather where a line changes.
func TestWeakBits(t *testing.T) {
	p := population(t, "iris-16384", 5)
	p.MaxRoll = 0
	shape := p.Scheme().Shape
	var flips, bits [2]float64 // strong, weak
	for i := range 50 {
		e, g := p.Entry(i).(*templates.Iris), p.Genuine(i, 0).(*templates.Iris)
		for line := range shape.Lines() {
			for col := range shape.Cols {
				before, a := e.Bit(line, (col+shape.Cols-1)%shape.Cols)
				x, b := e.Bit(line, col)
				after, c := e.Bit(line, (col+1)%shape.Cols)
				y, d := g.Bit(line, col)
				if !a || !b || !c || !d {
					continue
				}
				weak := 0
				if x != before || x != after {
					weak = 1
				}
				bits[weak]++
				if x != y {
					flips[weak]++
				}
			}
		}
	}
	within(t, "odds of a weak bit to flip", flips[1]/bits[1]/(flips[0]/bits[0]), 3.5, 4.5)
}

// TestVectors: cosines of different people have mean 0 and deviation
// 1/sqrt(dims), of one person .7 +- .05 and the same on top.
func TestVectors(t *testing.T) {
	for _, c := range []struct {
		name string
		dims float64
	}{{"vector-128", 128}, {"vector-512", 512}, {"vector-640", 640}} {
		p := population(t, c.name, 6)
		cosine := func(a, b templates.Template) float64 {
			var ab, aa, bb float64
			for i, x := range a.(templates.Vector).Coords {
				y := b.(templates.Vector).Coords[i]
				ab += float64(x) * float64(y)
				aa += float64(x) * float64(x)
				bb += float64(y) * float64(y)
			}
			return ab / math.Sqrt(aa*bb)
		}
		var impostor, genuine moments
		for i := range 2000 {
			impostor.add(cosine(p.Entry(i), p.Stranger(i)))
			genuine.add(cosine(p.Entry(i), p.Genuine(i, i%2)))
		}
		chance := 1 / math.Sqrt(c.dims)
		within(t, c.name+": mean impostor cosine", impostor.mean(), -0.1*chance, 0.1*chance)
		within(t, c.name+": deviation of the impostor cosine", impostor.deviation(), 0.94*chance, 1.06*chance)
		within(t, c.name+": mean genuine cosine", genuine.mean(), 0.68, 0.71)
		within(t, c.name+": deviation of the genuine cosine", genuine.deviation(), 0.04, 0.10)
		within(t, c.name+": least genuine cosine", genuine.least, 0.34, 0.60)
	}
}

// TestIndependence: a template depends on seed, person and capture alone.
func TestIndependence(t *testing.T) {
	for _, name := range []string{"iris-2048", "vector-128"} {
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

// TestStable accumulates a hash over templates of every kind: populations that
// people refer to by seed must not change.
func TestStable(t *testing.T) {
	const want = "ee2af66e5c6bd9ebd6e30a1240fa02430cb270017d1500deb4bc0c35b854242d"
	h := sha256.New()
	for _, name := range append(irisNames, "vector-128", "vector-640") {
		p := population(t, name, 2026)
		for i := range 50 {
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
	r := p.stream(kindCapture, 0, 0)
	for _, chance := range []int{0, 1, 7, 64, 205, 1024, 2047, 2048} {
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
	for _, name := range []string{"iris-2048", "iris-16384", "vector-512"} {
		p := population(b, name, 1)
		b.Run(name, func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				p.Entry(i)
			}
		})
	}
}

func BenchmarkGenuine(b *testing.B) {
	for _, name := range []string{"iris-2048", "iris-16384", "vector-512"} {
		p := population(b, name, 1)
		b.Run(name, func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				p.Genuine(i, 1)
			}
		})
	}
}
