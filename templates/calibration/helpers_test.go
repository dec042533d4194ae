package calibration

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/puente-project/puente/templates"
	"github.com/puente-project/puente/templates/synthetic"
)

func scheme(t testing.TB, text string) templates.Scheme {
	t.Helper()
	s, err := templates.SchemeByName(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// eyes is a set of small iris codes: each person has a random code, each capture
// bits of it flipped, a mask of its own and a rotation. Distances spread so widely
// that false matches are frequent.
func eyes(t testing.TB, s templates.Scheme, seed uint64, people, captures int) []Sample {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 1))
	var samples []Sample
	n := s.Shape.Bits()
	for person := range people {
		code := make([]uint64, (n+63)/64)
		for i := range code {
			code[i] = r.Uint64()
		}
		for range captures {
			c, m := make([]uint64, len(code)), make([]uint64, len(code))
			usable := r.IntN(n)
			for i := range n {
				bit := code[i/64] >> (i % 64) & 1
				if r.IntN(4) == 0 {
					bit ^= 1
				}
				c[i/64] |= bit << (i % 64)
				if r.IntN(n) < usable {
					m[i/64] |= 1 << (i % 64)
				}
			}
			iris, err := templates.NewIrisColumns(s.Shape, c, m)
			if err != nil {
				t.Fatal(err)
			}
			samples = append(samples, Sample{Template: iris.Rotate(r.IntN(3) - 1), Person: fmt.Sprint(person)})
		}
	}
	return samples
}

// vectors is a set of noisy vectors.
func vectors(t testing.TB, s templates.Scheme, seed uint64, people, captures int, noise float64) []Sample {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 2))
	var samples []Sample
	for person := range people {
		mean := make([]float64, s.Dims)
		for i := range mean {
			mean[i] = r.NormFloat64()
		}
		for range captures {
			v := make([]float64, s.Dims)
			for i := range v {
				v[i] = mean[i] + noise*r.NormFloat64()
			}
			q, err := templates.Quantise(v, s.Norm)
			if err != nil {
				t.Fatal(err)
			}
			samples = append(samples, Sample{Template: q, Person: fmt.Sprint(person)})
		}
	}
	return samples
}

// enrolled is a synthetic population with a number of captures of everybody.
func enrolled(t testing.TB, s templates.Scheme, people, captures int) []Sample {
	t.Helper()
	p, err := synthetic.New(s, 1)
	if err != nil {
		t.Fatal(err)
	}
	var samples []Sample
	for i := range people {
		samples = append(samples, Sample{Template: p.Entry(i), Person: fmt.Sprint(i)})
		for k := 1; k < captures; k++ {
			samples = append(samples, Sample{Template: p.Genuine(i, k), Person: fmt.Sprint(i)})
		}
	}
	return samples
}

func measure(t testing.TB, s templates.Scheme, samples []Sample, o Options) *Distribution {
	t.Helper()
	d, err := Measure(context.Background(), s, samples, o)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// matches counts the genuine and impostor pairs that the plain matcher hits.
func matches(t testing.TB, s templates.Scheme, samples []Sample) (hits [2]int64) {
	t.Helper()
	for i, p := range samples {
		m, err := templates.NewMatcher(s, p.Template)
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range samples[i+1:] {
			if !m.Hit(g.Template) {
				continue
			}
			switch {
			case p.Person != g.Person:
				hits[impostor]++
			case p.Part == g.Part:
				hits[genuine]++
			}
		}
	}
	return hits
}
