package synthetic

import (
	"fmt"
	"math"
	"testing"

	"github.com/puente-project/puente/templates"
)

func cosine(a, b templates.Vector) float64 {
	var ab, aa, bb float64
	for i, x := range a.Coords {
		y := b.Coords[i]
		ab += float64(x) * float64(y)
		aa += float64(x) * float64(x)
		bb += float64(y) * float64(y)
	}
	return ab / math.Sqrt(aa*bb)
}

var dimensions = []struct {
	name string
	dims float64
}{{"vector-128", 128}, {"vector-512", 512}, {"vector-640", 640}}

// TestVectors: cosines of different people have mean 0 and deviation
// 1/sqrt(dims), of one person .7 +- .05 and the same on top.
func TestVectors(t *testing.T) {
	for _, c := range dimensions {
		p := population(t, c.name, 6)
		var impostor, genuine moments
		for i := range 2000 {
			e := p.Entry(i).(templates.Vector)
			impostor.add(cosine(e, p.Stranger(i).(templates.Vector)))
			genuine.add(cosine(e, p.Genuine(i, i%2).(templates.Vector)))
		}
		chance := 1 / math.Sqrt(c.dims)
		within(t, c.name+": mean impostor cosine", impostor.mean(), -0.1*chance, 0.1*chance)
		within(t, c.name+": deviation of the impostor cosine", impostor.deviation(), 0.94*chance, 1.06*chance)
		within(t, c.name+": mean genuine cosine", genuine.mean(), 0.68, 0.71)
		within(t, c.name+": deviation of the genuine cosine", genuine.deviation(), 0.04, 0.10)
		within(t, c.name+": least genuine cosine", genuine.least, 0.34, 0.60)
	}
}

// TestFingers: captures of a finger, enrolled or not, are equally alike, and fingers of
// one person no more than those of two. 2000 pairs determine a mean to a standard error
// of a 45th of the deviation, and a deviation to 1.6 %.
func TestFingers(t *testing.T) {
	for _, c := range dimensions {
		p := population(t, c.name, 7)
		chance := 1 / math.Sqrt(c.dims)
		for _, e := range []struct {
			embedding            Embedding
			mean, deviation      float64
			slack, deviatesSlack float64
		}{
			// Quantised to the norm of the scheme, cosines are up to 2 % smaller.
			{Learned, 0.69, math.Sqrt(0.0025 + 0.51/c.dims), 0.012, 0.25},
			{Minutiae, 0.20, 0.13, 0.010, 0.05},
		} {
			p.Embedding = e.embedding
			var enrolled, captures, fingers, people moments
			for i := range 2000 {
				f := i % 10
				a, b := p.Finger(i, f, 1), p.Finger(i, f, 2)
				enrolled.add(cosine(p.Finger(i, f, 0), a))
				captures.add(cosine(a, b))
				fingers.add(cosine(a, p.Finger(i, f+1, 1)))
				people.add(cosine(b, p.Finger(i+1, f, 2)))
			}
			for what, m := range map[string]*moments{"enrolled finger": &enrolled, "captures": &captures} {
				what = fmt.Sprintf("%s, %s: %s", c.name, e.embedding, what)
				within(t, what+", mean cosine", m.mean(), e.mean-e.slack, e.mean+e.slack)
				within(t, what+", deviation", m.deviation(), e.deviation*(1-e.deviatesSlack), e.deviation*(1+e.deviatesSlack))
				t.Logf("%s: %.4f +- %.4f", what, m.mean(), m.deviation())
			}
			for what, m := range map[string]*moments{"other finger": &fingers, "other person": &people} {
				what = fmt.Sprintf("%s, %s: %s", c.name, e.embedding, what)
				within(t, what+", mean cosine", m.mean(), -0.1*chance, 0.1*chance)
				within(t, what+", deviation", m.deviation(), 0.94*chance, 1.06*chance)
			}
		}
	}
}

// TestFingerNumbers: Entry and Genuine are made of what Finger gives, and a scheme
// without vectors has no fingers.
func TestFingerNumbers(t *testing.T) {
	p := population(t, "vector-128", 8)
	if !templates.Equal(p.Entry(3), p.Finger(3, 0, 0)) || !templates.Equal(p.Genuine(3, 1), p.Finger(3, 0, 2)) {
		t.Error("vectors are not those of finger 0")
	}
	fused := population(t, "fingers-4x512", 8)
	for _, f := range fused.Scheme().Fingers.Positions() {
		for what, pair := range map[string][2]templates.Template{
			"entry":   {fused.Entry(3), fused.Finger(3, f, 0)},
			"capture": {fused.Genuine(3, 1), fused.Finger(3, f, 2)},
		} {
			if v, ok := pair[0].(*templates.Fused).Finger(f); !ok || !templates.Equal(v, pair[1]) {
				t.Errorf("%s: finger %d is not that of Finger", what, f)
			}
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("an iris scheme has fingers")
		}
	}()
	population(t, "iris-2048", 8).Finger(0, 0, 0)
}
