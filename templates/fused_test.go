package templates

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestFusedMissing: parts that one side lacks add nothing, and templates without a
// common part never hit.
func TestFusedMissing(t *testing.T) {
	s := mustScheme(t, "eyes:4x16x2x1:shifts=5:threshold=5/12:delta=20:fingers=2,7:9:norm=30:weight=3:each=100")
	r := seeded(3)
	left, right := randomIris(t, r, s.Shape), randomIris(t, r, s.Shape)
	two, seven := randomVector(t, r, 9, 30), randomVector(t, r, 9, 30)
	made := func(l, rt *Iris, fingers map[int]Vector) *Fused {
		f, err := NewFused(l, rt, fingers)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	best := func(p, g *Fused) int64 {
		m, err := NewMatcher(s, p)
		if err != nil {
			t.Fatal(err)
		}
		scores := make([]int64, s.Shifts)
		m.Scores(g, scores)
		return slices.Max(scores)
	}
	whole := made(left, right, map[int]Vector{2: two, 7: seven})
	eye := func(e *Iris) int64 { return s.Alpha * int64(e.UsableBits()) }
	finger := func(v Vector) int64 { return 3*naiveDot(v, v) - 100 }
	for name, c := range map[string]struct {
		part *Fused
		want int64
	}{
		"whole":      {whole, eye(left) + eye(right) + finger(two) + finger(seven) - 20},
		"left eye":   {made(left, nil, nil), eye(left) - 20},
		"right eye":  {made(nil, right, nil), eye(right) - 20},
		"finger":     {made(nil, nil, map[int]Vector{7: seven}), finger(seven) - 20},
		"eye finger": {made(nil, right, map[int]Vector{2: two}), eye(right) + finger(two) - 20},
	} {
		if got := best(c.part, whole); got != c.want {
			t.Errorf("%s against the whole scores %d, want %d", name, got, c.want)
		}
		if got := best(whole, c.part); got != c.want {
			t.Errorf("the whole against %s scores %d, want %d", name, got, c.want)
		}
	}
	if got := best(made(left, nil, nil), made(nil, right, map[int]Vector{2: two})); got != -20 {
		t.Errorf("without a common part the score is %d, want -20", got)
	}
}

// TestFingerThreshold: the threshold of c fingers is nowhere below cosine*sqrt(c)
// fingers, and within 18 % of it.
func TestFingerThreshold(t *testing.T) {
	s := mustScheme(t, "fingers-10x512")
	for c := int64(1); c <= 10; c++ {
		asked := s.Theta + c*s.Each
		// Compared squared: asked against 0.3*2500*sqrt(c).
		least := 0.3 * 0.3 * 2500 * 2500 * float64(c)
		if got := float64(asked * asked); got < least || got > 1.18*1.18*least {
			t.Errorf("%d fingers ask for %d, the square of which is not just above %.0f", c, asked, least)
		}
	}
}

func TestNewFusedRefuses(t *testing.T) {
	r := seeded(4)
	a, b := randomIris(t, r, Shape{4, 16, 2, 1}), randomIris(t, r, Shape{4, 16, 1, 1})
	v, w := randomVector(t, r, 9, 30), randomVector(t, r, 8, 30)
	for name, f := range map[string]func() (*Fused, error){
		"nothing":     func() (*Fused, error) { return NewFused(nil, nil, nil) },
		"shapes":      func() (*Fused, error) { return NewFused(a, b, nil) },
		"dims":        func() (*Fused, error) { return NewFused(nil, nil, map[int]Vector{1: v, 2: w}) },
		"finger 0":    func() (*Fused, error) { return NewFused(nil, nil, map[int]Vector{0: v}) },
		"finger 11":   func() (*Fused, error) { return NewFused(a, nil, map[int]Vector{11: v}) },
		"zero vector": func() (*Fused, error) { return NewFused(a, nil, map[int]Vector{1: {}}) },
	} {
		if _, err := f(); !errors.Is(err, ErrTemplate) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestFusedRedacts: no way of printing shows values or which parts are present.
func TestFusedRedacts(t *testing.T) {
	f := randomTemplate(t, seeded(8), mustScheme(t, "fingers-4x512"))
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
		if got := fmt.Sprintf(verb, f); got != "[fused template, redacted]" {
			t.Errorf("%s prints %q", verb, got)
		}
	}
}

// TestAdapt: a template is cut to what a scheme compares, and the bits that are kept
// are those of the full code.
func TestAdapt(t *testing.T) {
	r := seeded(9)
	full := randomIris(t, r, Shape{16, 256, 2, 2})
	for _, name := range []string{"iris-8192-wavelet", "iris-8192-rows", "iris-16384"} {
		s := mustScheme(t, name)
		got, err := s.Adapt(full)
		if err != nil {
			t.Fatal(err)
		}
		small := got.(*Iris)
		step := full.shape.Rows / s.Shape.Rows
		for row := range s.Shape.Rows {
			for filter := range s.Shape.Filters {
				for plane := range s.Shape.Planes {
					for col := range s.Shape.Cols {
						b, u := small.Bit((row*s.Shape.Filters+filter)*s.Shape.Planes+plane, col)
						c, v := full.Bit((row*step*full.shape.Filters+filter)*full.shape.Planes+plane, col)
						if b != c || u != v {
							t.Fatalf("%s: bit of row %d, filter %d, plane %d, column %d is another", name, row, filter, plane, col)
						}
					}
				}
			}
		}
		if err := s.Check(small); err != nil {
			t.Error(err)
		}
	}
	if _, err := mustScheme(t, "iris-2048").Adapt(full); !errors.Is(err, ErrInadmissible) {
		t.Errorf("another number of columns: %v", err)
	}
	if _, err := mustScheme(t, "vector-512").Adapt(full); !errors.Is(err, ErrInadmissible) {
		t.Errorf("another modality: %v", err)
	}
	fingers := map[int]Vector{1: randomVector(t, r, 512, FingerNorm), 2: randomVector(t, r, 512, FingerNorm)}
	hand, err := NewFused(full, nil, fingers)
	if err != nil {
		t.Fatal(err)
	}
	got, err := mustScheme(t, "fingers-4x512").Adapt(hand)
	if err != nil || got.(*Fused).Fingers() != FingersAt(2) {
		t.Errorf("adapted to four fingers: %v, %v", got, err)
	}
	thumb, _ := NewFused(nil, nil, map[int]Vector{1: fingers[1]})
	if _, err := mustScheme(t, "fingers-4x512").Adapt(thumb); !errors.Is(err, ErrInadmissible) || !strings.Contains(err.Error(), "no part") {
		t.Errorf("a thumb only: %v", err)
	}
}

// TestSmallOverlapNeverHits: under 2000 common bits of 16 384 no pair hits under any
// named scheme of that size, at distance .05 or even 0.
func TestSmallOverlapNeverHits(t *testing.T) {
	shape := Shape{16, 256, 2, 2}
	r := seeded(10)
	tested := 0
	for _, n := range Schemes() {
		if n.Scheme.Modality != ModalityIris || n.Scheme.Shape != shape {
			continue
		}
		tested++
		for _, c := range []struct{ common, differ int }{{1999, 100}, {1999, 0}, {1500, 75}, {100, 5}, {1, 0}, {0, 0}} {
			code, mask := make([]uint64, shape.words()), make([]uint64, shape.words())
			other := make([]uint64, shape.words())
			for i, at := range r.Perm(shape.Bits())[:c.common] {
				mask[at/64] |= 1 << (at % 64)
				bit := uint64(r.IntN(2)) << (at % 64)
				code[at/64] |= bit
				other[at/64] |= bit
				if i < c.differ {
					other[at/64] ^= 1 << (at % 64)
				}
			}
			p, _ := NewIrisColumns(shape, code, mask)
			g, _ := NewIrisColumns(shape, other, mask)
			m, err := NewMatcher(n.Scheme, p)
			if err != nil {
				t.Fatal(err)
			}
			if m.Hit(g) {
				t.Errorf("%s hits with %d differing of %d common bits", n.Name, c.differ, c.common)
			}
		}
	}
	if tested < 4 {
		t.Errorf("%d schemes were tested", tested)
	}
}
