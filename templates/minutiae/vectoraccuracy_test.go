package minutiae

import (
	"slices"
	"testing"
)

// measured is what is measured, with bounds of the equal error rates at DefaultDims.
type measured struct {
	name                       string
	views                      [][]View
	single, average, four, ten float64
}

// both joins the sets, with the same number of impressions of every finger: the
// threshold is then common, and impostors come from either set.
func both(a, b [][]View) (joined [][]View) {
	for _, finger := range slices.Concat(a, b) {
		joined = append(joined, finger[:8])
	}
	return joined
}

// TestAccuracy measures what docs/ACCURACY.md reports; run it with -v.
func TestAccuracy(t *testing.T) {
	clean, noisy := sfinge(t), fvc(t)
	for _, set := range []measured{
		{"sfinge-flx", clean, 0.005, 0.005, 0.001, 0.001},
		{"fvc2000db4b", noisy, 0.09, 0.03, 0.01, 0.001},
		{"both", both(clean, noisy), 0.07, 0.03, 0.01, 0.001},
	} {
		for _, dims := range []int{MinDims, 256, DefaultDims, 1024, MaxDims} {
			if testing.Short() && dims != DefaultDims {
				continue
			}
			u := unitVectors(t, set.views, dims)
			s := tabulate(t, u)
			g, i := s.pairs(all(len(s)))
			ga, ia := averaged(t, u)
			g4, i4 := s.people(seeded(4), all(len(s)), 4, 20000)
			g10, i10 := s.people(seeded(10), all(len(s)), 10, 20000)
			rate, average, four, ten := equalErrorRate(g, i), equalErrorRate(ga, ia), equalErrorRate(g4, i4), equalErrorRate(g10, i10)
			gm, gd := moments(g)
			im, id := moments(i)
			t.Logf("%s %4d: genuine %d %.3f+-%.3f, impostor %d %.3f+-%.3f, EER %.2f %%, averaged %.2f %%, four %.3f %%, ten %.4f %%",
				set.name, dims, len(g), gm, gd, len(i), im, id, 100*rate, 100*average, 100*four, 100*ten)
			if dims != DefaultDims {
				continue
			}
			if rate > set.single || average > set.average || four > set.four || ten > set.ten {
				t.Errorf("%s: equal error rates %.4f, averaged %.4f, four fingers %.5f, ten fingers %.5f", set.name, rate, average, four, ten)
			}
			s.logSpread(t)
			for _, c := range []struct {
				name string
				g, i []float64
				// strict is the threshold at which 0.1 % of the impostors match
				// in sfinge-flx, where they score highest.
				strict int
			}{{"one finger", g, i, 1678}, {"averaged", ga, ia, 1706}, {"four fingers", g4, i4, 4298}, {"ten fingers", g10, i10, 7873}} {
				m2, theta2 := missRate(c.g, c.i, 0.01)
				m3, theta3 := missRate(c.g, c.i, 0.001)
				t.Logf("  %s: false matches 1 %%: misses %.2f %%, threshold %d; 0.1 %%: misses %.2f %%, threshold %d; genuine from %.3f, impostors to %.3f",
					c.name, 100*m2, theta2, 100*m3, theta3, slices.Min(c.g), slices.Max(c.i))
				t.Logf("    threshold %d: misses %.3f %%, false matches %.3f %%", c.strict, 100*share(c.g, c.strict, false), 100*share(c.i, c.strict, true))
			}
		}
	}
}

// logSpread tells how far the rates depend on which fingers are in the set, by
// drawing as many fingers with replacement 200 times.
func (s table) logSpread(t *testing.T) {
	t.Helper()
	var one, four, ten []float64
	r := seeded(1)
	for range 200 {
		var fingers []int
		for range s {
			fingers = append(fingers, r.IntN(len(s)))
		}
		one = append(one, equalErrorRate(s.pairs(fingers)))
		four = append(four, equalErrorRate(s.people(r, fingers, 4, 2000)))
		ten = append(ten, equalErrorRate(s.people(r, fingers, 10, 2000)))
	}
	for _, c := range []struct {
		name  string
		rates []float64
	}{{"one", one}, {"four", four}, {"ten", ten}} {
		slices.Sort(c.rates)
		t.Logf("  %s: 95 %% of resampled rates within %.2f to %.2f %%", c.name, 100*c.rates[5], 100*c.rates[194])
	}
}

// TestTenFingers takes each set for one person with ten fingers: no two of the
// sums mix fingers of different sets, so that they are what two real people would
// give. Every impression of all ten fingers is compared with every other.
func TestTenFingers(t *testing.T) {
	people := []table{tabulate(t, unitVectors(t, sfinge(t), DefaultDims)), tabulate(t, unitVectors(t, fvc(t), DefaultDims))}
	strangers := tabulate(t, slices.Concat(unitVectors(t, sfinge(t), DefaultDims), unitVectors(t, fvc(t), DefaultDims)))
	var genuine, impostor []float64
	for _, s := range people {
		for i := range s[0][0] {
			for j := range i {
				sum := 0.0
				for f := range s {
					sum += s[f][f][i][j]
				}
				genuine = append(genuine, sum)
			}
		}
	}
	for i := range 10 {
		for j := range 8 {
			sum := 0.0
			for f := range 10 {
				sum += strangers[f][10+f][i][j]
			}
			impostor = append(impostor, sum)
		}
	}
	t.Logf("genuine %d from %.3f, impostor %d to %.3f", len(genuine), slices.Min(genuine), len(impostor), slices.Max(impostor))
	if slices.Min(genuine) < 2*slices.Max(impostor) {
		t.Errorf("two people with ten fingers: genuine from %.3f, impostors to %.3f", slices.Min(genuine), slices.Max(impostor))
	}
}
