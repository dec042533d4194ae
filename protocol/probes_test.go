package protocol

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/puente-project/puente/templates"
)

// TestManyProbes asks about several people in one session: watchlists around a whole score
// ciphertext, a whole tier and a whole batch, and more probes than a wave has room for.
func TestManyProbes(t *testing.T) {
	for _, c := range []struct {
		scheme          string
		width           int
		entries, probes []int
		waves           []int
	}{
		{"vector:16:norm=20:theta=20", 16, []int{1, 255, 256, 257, 2047, 2048, 2049, 4097}, []int{2, 5}, []int{1, 1}},
		{"vector:16:norm=20:theta=20", 16, []int{8192, 8193}, []int{3, 4}, []int{1, 1}},
		{"vector:200:norm=20:theta=20", 1, []int{9}, []int{2, 5}, []int{1, 3}}, // two probes a wave
		{"vector:513:norm=20:theta=20", 1, []int{9}, []int{2}, []int{2}},       // a probe larger than a wave of several
		{"iris:64x16x4x2:shifts=5:threshold=12/25:delta=8", 16, []int{1, 205, 1640}, []int{1, 2}, []int{1, 2}},
		{"iris:1x64x1x1:shifts=63:threshold=8/25:delta=60", 64, []int{1, 33, 129, 131, 264, 265}, []int{2, 6}, []int{1, 1}},
	} {
		scheme := mustScheme(t, c.scheme)
		rng := rand.New(rand.NewPCG(6, 7))
		for i, count := range c.probes {
			for _, n := range c.entries {
				t.Run(fmt.Sprintf("%s, %d probes, %d entries", c.scheme, count, n), func(t *testing.T) {
					list, probes := make([]templates.Template, n), make([]templates.Template, count)
					for i := range list {
						list[i] = randomTemplate(rng, scheme)
					}
					for i := range probes {
						probes[i] = randomTemplate(rng, scheme)
					}
					list[n-1] = probes[count-1] // the last pair hits
					list[rng.IntN(n)] = probes[rng.IntN(count)]
					compareMany(t, t, scheme, c.width, probes, list)
					plan, err := newPlan(scheme, count, n, c.width)
					if err != nil || plan.Waves() != c.waves[i] {
						t.Errorf("%d waves, expected are %d; error %v", plan.Waves(), c.waves[i], err)
					}
				})
			}
		}
	}
}

// TestMasksOfWaves compares the masks of the waves of a session: those of the second
// depend on its probes, those of the first do not.
func TestMasksOfWaves(t *testing.T) {
	scheme := mustScheme(t, "vector:300:norm=20:theta=20")
	rng := rand.New(rand.NewPCG(6, 8))
	people := []templates.Template{randomTemplate(rng, scheme), randomTemplate(rng, scheme), randomTemplate(rng, scheme)}
	g := gallery(t, scheme, 1, people[:1])
	var down [2][][]byte
	for i, second := range people[1:] {
		p := meet(t, terms(scheme), []templates.Template{people[0], second}, g, 1, 2)
		if p.eval.plan.Waves() != 2 {
			t.Fatalf("%d waves", p.eval.plan.Waves())
		}
		p.finish(t)
		down[i] = p.down
	}
	half := 1 + (len(down[0])-1)/2
	for i := range down[0] {
		if same := string(down[0][i]) == string(down[1][i]); same != (i < half) {
			t.Errorf("answer %d of %d is the same for another second probe: %v", i, len(down[0]), same)
		}
	}
}
