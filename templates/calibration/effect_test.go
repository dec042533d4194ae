package calibration

import (
	"math"
	"testing"

	"github.com/puente-project/puente/templates"
)

// TestEffects compares with the sum over all products of two pairs that share a
// person, written out.
func TestEffects(t *testing.T) {
	s := scheme(t, smallVector)
	samples := vectors(t, s, 8, 18, 3, 0.9)
	samples = append(samples, vectors(t, s, 9, 7, 1, 1)...) // people 0 to 6 have a fourth, of somebody else
	d := measure(t, s, samples, Options{})
	type pair struct {
		a, b string
		x    float64
	}
	tried := 0
	for _, target := range []float64{0.02, 0.05, 0.2} {
		i := d.loosest(target)
		at := d.axis.at(i)
		var classes [2][]pair
		for k, p := range samples {
			for _, g := range samples[k+1:] {
				class := impostor
				if p.Person == g.Person {
					class = genuine
				}
				x := 0.0
				if hit := matches(t, at, []Sample{p, g}) != [2]int64{}; hit == (class == impostor) {
					x = 1
				}
				classes[class] = append(classes[class], pair{p.Person, g.Person, x})
			}
		}
		for class, list := range classes {
			rate, errors := 0.0, 0.0
			for _, p := range list {
				rate += p.x / float64(len(list))
				errors += p.x
			}
			variance := 0.0
			for _, p := range list {
				for _, q := range list {
					if p.a == q.a || p.a == q.b || p.b == q.a || p.b == q.b {
						variance += (p.x - rate) * (q.x - rate)
					}
				}
			}
			want := variance / (float64(len(list)) * rate * (1 - rate))
			got := d.impostorEffect(i)
			if class == genuine {
				got = d.genuineEffect(i)
				want *= 18. / 17
			}
			if errors < enough {
				if class == genuine && got != float64(len(list))/18 {
					t.Errorf("%s: effect %g with %g errors, want one pair for each person", at, got, errors)
				}
				continue
			}
			tried++
			if math.Abs(got-max(1, want)) > 1e-9*want {
				t.Errorf("%s, class %d: effect %g, want %g", at, class, got, want)
			}
		}
	}
	if tried < 4 {
		t.Errorf("only %d effects were compared", tried)
	}
}

// TestWolf: one person who resembles everybody makes errors dependent, so that the
// limits are wide.
func TestWolf(t *testing.T) {
	s := scheme(t, smallVector)
	samples := vectors(t, s, 8, 60, 2, 0.3)
	mean := make([]float64, s.Dims)
	for _, p := range samples {
		for i, c := range p.Template.(templates.Vector).Coords {
			mean[i] += float64(c)
		}
	}
	wolf, err := templates.Quantise(mean, s.Norm)
	if err != nil {
		t.Fatal(err)
	}
	effect := func(samples []Sample) float64 {
		d := measure(t, s, samples, Options{})
		i := d.loosest(0.03)
		if d.hits[impostor][i] < enough {
			t.Fatal("there are too few errors")
		}
		return d.impostorEffect(i)
	}
	before := effect(samples)
	for range 4 {
		samples = append(samples, Sample{Template: wolf, Person: "wolf"})
	}
	if after := effect(samples); after < 1.5*before {
		t.Errorf("design effect is %.2f without and %.2f with somebody who resembles everybody", before, after)
	}
}

func TestLimitsWithEffect(t *testing.T) {
	r, plain := newRate(30, 10_000, 3), newRate(30, 10_000, 1)
	if !(r.Low < plain.Low && r.High > plain.High && r.Upper > plain.Upper && r.Value == plain.Value) {
		t.Errorf("limits with an effect of 3: %+v, without: %+v", r, plain)
	}
}
