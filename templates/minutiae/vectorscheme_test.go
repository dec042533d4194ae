package minutiae

import (
	"math/rand/v2"
	"testing"

	"github.com/puente-project/puente/templates"
)

// TestNamedScheme measures minutiae-10x512 with the product's own matcher, on virtual
// people of whom one, four or ten fingers are there; docs/ACCURACY.md has the rates.
func TestNamedScheme(t *testing.T) {
	s, err := templates.SchemeByName("minutiae-10x512")
	if err != nil {
		t.Fatal(err)
	}
	const pairs = 20000
	for _, c := range []struct {
		name           string
		set            [][]View
		fingers        int
		misses, falses int // at most so many of pairs
	}{
		{"fvc2000db4b", fvc(t), 10, 40, 0}, {"fvc2000db4b", fvc(t), 4, 4000, 0}, {"fvc2000db4b", fvc(t), 1, pairs, 0},
		{"sfinge-flx", sfinge(t), 10, 0, 40}, {"sfinge-flx", sfinge(t), 4, 0, 40}, {"sfinge-flx", sfinge(t), 1, 200, 40},
	} {
		prints := make([][]templates.Vector, len(c.set))
		for f, units := range unitVectors(t, c.set, s.Dims) {
			for _, unit := range units {
				v, err := templates.Quantise(unit, s.Norm)
				if err != nil {
					t.Fatal(err)
				}
				prints[f] = append(prints[f], v)
			}
		}
		misses, falses := 0, 0
		for r, n := seeded(20), 0; n < pairs; n++ {
			probe, same, other := virtual(t, r, prints, c.fingers)
			m, err := templates.NewMatcher(s, probe)
			if err != nil {
				t.Fatal(err)
			}
			if !m.Hit(same) {
				misses++
			}
			if m.Hit(other) {
				falses++
			}
		}
		t.Logf("%s, %d fingers: %.3f %% misses, %.3f %% false matches", c.name, c.fingers, 100*float64(misses)/pairs, 100*float64(falses)/pairs)
		if misses > c.misses || falses > c.falses {
			t.Errorf("%s, %d fingers: %d misses and %d false matches of %d, at most %d and %d are expected", c.name, c.fingers, misses, falses, pairs, c.misses, c.falses)
		}
	}
}

// virtual makes two captures of a person of random fingers and one of a stranger, who
// has another finger at every position.
func virtual(t *testing.T, r *rand.Rand, prints [][]templates.Vector, fingers int) (probe, same, other *templates.Fused) {
	t.Helper()
	parts := [3]map[int]templates.Vector{{}, {}, {}}
	for position := 1; position <= fingers; position++ {
		f := r.IntN(len(prints))
		g := (f + 1 + r.IntN(len(prints)-1)) % len(prints)
		i := r.IntN(len(prints[f]))
		j := (i + 1 + r.IntN(len(prints[f])-1)) % len(prints[f])
		parts[0][position], parts[1][position] = prints[f][i], prints[f][j]
		parts[2][position] = prints[g][r.IntN(len(prints[g]))]
	}
	var people [3]*templates.Fused
	for k := range people {
		var err error
		if people[k], err = templates.NewFused(nil, nil, parts[k]); err != nil {
			t.Fatal(err)
		}
	}
	return people[0], people[1], people[2]
}
