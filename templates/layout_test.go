package templates

import (
	"errors"
	"math"
	"testing"
)

func TestLayout(t *testing.T) {
	for _, c := range []struct {
		scheme string
		width  int
		want   Layout
	}{
		{"iris-2048", 128, Layout{Blocks: 32, Width: 128, Shifts: 31, Stride: 158, PerCiphertext: 25, Degree: 4096}},
		{"iris-2048", 50, Layout{Blocks: 96, Width: 50, Shifts: 31, Stride: 80, PerCiphertext: 51, Degree: 4096}},
		{"iris-16384", 256, Layout{Blocks: 128, Width: 256, Shifts: 31, Stride: 286, PerCiphertext: 14, Degree: 4096}},
		{"vector-512", 8, Layout{Blocks: 64, Width: 8, Shifts: 1, Stride: 8, PerCiphertext: 512, Degree: 4096}},
		{"vector-512", 100, Layout{Blocks: 6, Width: 100, Shifts: 1, Stride: 100, PerCiphertext: 40, Degree: 4096}},
	} {
		if got, err := mustScheme(t, c.scheme).Layout(4096, c.width); err != nil || got != c.want {
			t.Errorf("%s, width %d: %+v, %v, want %+v", c.scheme, c.width, got, err, c.want)
		}
	}
	iris := mustScheme(t, "iris-2048")
	for name, f := range map[string]func() (Layout, error){
		"no width":       func() (Layout, error) { return iris.Layout(4096, 0) },
		"wide":           func() (Layout, error) { return iris.Layout(4096, 129) },
		"no degree":      func() (Layout, error) { return iris.Layout(0, 128) },
		"huge degree":    func() (Layout, error) { return iris.Layout(MaxDegree+1, 128) },
		"small degree":   func() (Layout, error) { return iris.Layout(157, 128) },
		"invalid scheme": func() (Layout, error) { return Scheme{}.Layout(4096, 1) },
	} {
		if l, err := f(); !errors.Is(err, ErrScheme) || l != (Layout{}) {
			t.Errorf("%s: %v, %v", name, l, err)
		}
	}
}

// TestScoreCoefficients multiplies the polynomials modulo X^degree + 1 and finds
// the scores of all entries of a ciphertext at the coefficients promised.
func TestScoreCoefficients(t *testing.T) {
	for _, c := range []struct {
		scheme        string
		degree, width int
	}{
		{"iris:2x16x1x1:shifts=5:threshold=1/3:delta=2", 64, 12},
		{"iris:2x16x1x1:shifts=5:threshold=1/3:delta=2", 60, 16}, // strides fill the degree
		{"iris:3x9x1x2:shifts=9:threshold=8/25:delta=2", 16, 8},  // one entry
		{"vector:20:norm=40:theta=2", 32, 8},
		{"vector:20:norm=40:theta=2", 30, 7},
		{"fingers:1,9:20:norm=40:theta=2+3", 30, 7},
		{"eyes:2x16x1x1:shifts=5:threshold=1/3:delta=2:fingers=3,4:9:norm=20:weight=2:each=7", 60, 16},
		{"eyes:2x16x1x1:shifts=5:threshold=1/3:delta=2:fingers=3,4:9:norm=20:weight=2:each=7", 61, 11},
	} {
		s := mustScheme(t, c.scheme)
		l, err := s.Layout(c.degree, c.width)
		if err != nil {
			t.Fatal(err)
		}
		r := seeded(5)
		probe := randomTemplate(t, r, s)
		pb := l.NewBlocks()
		if err := s.ProbeBlocks(l, probe, pb); err != nil {
			t.Fatal(err)
		}
		product := make([]int64, l.Degree)
		entries := make([]Template, l.PerCiphertext)
		for j := range entries {
			entries[j] = randomTemplate(t, r, s)
			gb := l.NewBlocks()
			if err := s.EntryBlocks(l, entries[j], gb); err != nil {
				t.Fatal(err)
			}
			for b := range gb {
				for i, w := range gb[b] {
					for k, a := range pb[b] {
						at, sign := j*l.Stride+i+k, int64(1)
						if at >= l.Degree {
							at, sign = at-l.Degree, -1
						}
						product[at] += sign * int64(w) * int64(a)
					}
				}
			}
		}
		for j, g := range entries {
			for i := range s.Shifts {
				if got, want := product[l.ScoreCoefficient(j, i)]-s.Offset(), naiveScore(s, probe, g, i); got != want {
					t.Errorf("%s in degree %d: entry %d, shift index %d scores %d, want %d", c.scheme, c.degree, j, i, got, want)
				}
			}
		}
	}
}

// TestBestLayout: the choice is valid, costs no more than any other width, and
// moves to narrower blocks as the watchlist grows.
func TestBestLayout(t *testing.T) {
	for _, n := range Schemes() {
		last := Layout{}
		for _, entries := range []int{-1, 1, 10, 100, 1000, 10_000, 100_000, 10_000_000, math.MaxInt} {
			l := n.Scheme.BestLayout(4096, entries)
			if again, err := n.Scheme.Layout(4096, l.Width); err != nil || again != l {
				t.Fatalf("%s: best layout %+v is not that of its width: %v", n.Name, l, err)
			}
			for width := 1; width <= n.Scheme.lineLength(); width++ {
				other, err := n.Scheme.Layout(4096, width)
				if err != nil {
					continue
				}
				if e := min(max(entries, 1), 1<<26); other.cost(e) < l.cost(e) {
					t.Errorf("%s, %d entries: width %d costs less than %d", n.Name, entries, width, l.Width)
				}
			}
			if l.Blocks < last.Blocks {
				t.Errorf("%s: fewer blocks for %d entries than for fewer entries", n.Name, entries)
			}
			last = l
		}
	}
	if l := (Scheme{}).BestLayout(4096, 10); l != (Layout{}) {
		t.Error("an invalid scheme has a layout")
	}
	if l := mustScheme(t, "iris-2048").BestLayout(30, 10); l != (Layout{}) {
		t.Error("31 shifts fit into degree 30")
	}
	if l := mustScheme(t, "iris-2048").BestLayout(31, 10); l.Width != 1 || l.PerCiphertext != 1 {
		t.Errorf("degree 31 has layout %+v", l)
	}
}

func TestCiphertexts(t *testing.T) {
	l := Layout{PerCiphertext: 25}
	for entries, want := range map[int]int{0: 0, 1: 1, 25: 1, 26: 2, 50: 2} {
		if got := l.Ciphertexts(entries); got != want {
			t.Errorf("%d entries take %d ciphertexts, want %d", entries, got, want)
		}
	}
}
