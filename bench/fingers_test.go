package bench

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/puente-project/puente/protocol"
	"github.com/puente-project/puente/templates"
	"github.com/puente-project/puente/templates/minutiae"
)

// sharedPrints is a folder of further sample data which is not part of the source.
const sharedPrints = "../../shared/data"

// printVectors makes the vectors of a set of files, by finger and impression, or skips
// the test where they are not there.
func printVectors(t *testing.T, pattern string, fingers, impressions, first, norm int) [][]templates.Vector {
	t.Helper()
	v, err := minutiae.NewVectoriser(minutiae.DefaultDims)
	if err != nil {
		t.Fatal(err)
	}
	set := make([][]templates.Vector, fingers)
	for f := range set {
		for i := range impressions {
			name := fmt.Sprintf(pattern, f+first, i+1)
			data, err := os.ReadFile(filepath.Join(sharedPrints, name))
			if err != nil {
				t.Skipf("sample data %s is not on this machine", name)
			}
			views, err := minutiae.Decode(data, minutiae.Options{})
			if err != nil || len(views) != 1 {
				t.Fatalf("%s: %d views, %v", name, len(views), err)
			}
			unit, err := v.Vector(views[0])
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			q, err := templates.Quantise(unit, norm)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			set[f] = append(set[f], q)
		}
	}
	return set
}

// printSets are the two sets, that of clean prints and that of noisy ones.
func printSets(t *testing.T, norm int) (clean, noisy [][]templates.Vector) {
	t.Helper()
	return printVectors(t, "sfinge-flx/%d_%d.ist", 10, 10, 1, norm), printVectors(t, "fvc2000db4b/xyt/%d_%d.xyt", 10, 8, 101, norm)
}

// tally is what a comparison of all decisions found.
type tally struct{ decisions, hits, near int }

// decideAll asks for every template of a list against the whole list, encrypted, and
// reports each decision that is not the plain matcher's. Near counts the scores that
// are within a hundredth of the greatest score from the threshold.
func decideAll(t *testing.T, scheme templates.Scheme, list []templates.Template) (n tally) {
	t.Helper()
	ctx := context.Background()
	c := Config{Scheme: scheme, Entries: len(list), Threads: 2}
	c.Progress = func(string, int, int) {}
	gallery, err := protocol.NewGallery(ctx, scheme, 1, len(list), 0, c.Threads, templates.Sequence(list), nil)
	if err != nil {
		t.Fatal(err)
	}
	_, best := scheme.ScoreRange()
	margin := (best + scheme.Offset()) / 100
	var score [1]int64
	for i, probe := range list {
		hits, err := query(ctx, c, gallery, probe, uint64(i), new(Result))
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(hits)
		m, err := templates.NewMatcher(scheme, probe)
		if err != nil {
			t.Fatal(err)
		}
		for slot, entry := range list {
			m.Scores(entry, score[:])
			_, encrypted := slices.BinarySearch(hits, slot)
			if plain := m.Hit(entry); plain != encrypted {
				t.Errorf("%v: probe %d, slot %d: encrypted %v, plain %v", scheme, i, slot, encrypted, plain)
			}
			n.decisions++
			if encrypted {
				n.hits++
			}
			if score[0] > -margin && score[0] < margin {
				n.near++
			}
		}
	}
	t.Logf("%v: %d decisions, %d hits, %d scores within %d of the threshold", scheme, n.decisions, n.hits, n.near, margin)
	return n
}

// TestFingerDecisions compares all impressions of both sets with all, at the threshold
// of equal errors and at the one nearest to which the most strangers are.
func TestFingerDecisions(t *testing.T) {
	clean, noisy := printSets(t, templates.DefaultNorm)
	var list []templates.Template
	var same, other []int64 // inner products of a finger with itself and with others
	fingers := slices.Concat(clean, noisy)
	for f := range fingers {
		for i, v := range fingers[f] {
			list = append(list, v)
			for g := range f + 1 {
				for j, w := range fingers[g] {
					if p := product(v, w); g < f {
						other = append(other, p)
					} else if j < i {
						same = append(same, p)
					}
				}
			}
		}
	}
	for _, theta := range []int64{equalErrors(same, other), crowd(other)} {
		s := templates.Scheme{Modality: templates.ModalityVector, Shifts: 1, Dims: minutiae.DefaultDims, Norm: templates.DefaultNorm, Theta: theta}
		n := decideAll(t, s, list)
		if n.decisions != 180*180 || n.hits < 1260 || n.hits == n.decisions || n.near < 100 {
			t.Errorf("theta %d: %+v says little", theta, n)
		}
	}
}

func product(v, w templates.Vector) (sum int64) {
	for i, x := range v.Coords {
		sum += int64(x) * int64(w.Coords[i])
	}
	return sum
}

// equalErrors is the threshold, above 0, at which the rates of misses and of false
// matches differ least.
func equalErrors(same, other []int64) (theta int64) {
	slices.Sort(same)
	slices.Sort(other)
	least := 2.0
	for at := int64(1); at < templates.DefaultNorm*templates.DefaultNorm; at++ {
		misses, _ := slices.BinarySearch(same, at)
		right, _ := slices.BinarySearch(other, at)
		if gap := math.Abs(float64(misses)/float64(len(same)) + float64(right)/float64(len(other)) - 1); gap < least {
			least, theta = gap, at
		}
	}
	return theta
}

// crowd is the threshold, above 0, that the most of the scores equal or miss by one.
func crowd(scores []int64) (theta int64) {
	count := map[int64]int{}
	for _, s := range scores {
		count[s]++
	}
	most := 0
	for at := int64(1); at < templates.DefaultNorm*templates.DefaultNorm; at++ {
		if n := count[at] + count[at-1]; n > most {
			most, theta = n, at
		}
	}
	return theta
}

// TestFusedFingerDecisions does the same with people of up to ten fingers, of whom
// some lack a few. The fingers of a set are ten people: person r has finger f at
// position f+r, so that two of them have different fingers everywhere.
func TestFusedFingerDecisions(t *testing.T) {
	clean, noisy := printSets(t, templates.FingerNorm)
	r := rand.New(rand.NewPCG(1, 1))
	var list []templates.Template
	for _, set := range [][][]templates.Vector{clean, noisy} {
		for turn := range 10 {
			for i := range 4 {
				fingers := map[int]templates.Vector{}
				missing := r.IntN(10) // how many
				for _, f := range r.Perm(10)[missing:] {
					fingers[(f+turn)%10+1] = set[f][i]
				}
				person, err := templates.NewFused(nil, nil, fingers)
				if err != nil {
					t.Fatal(err)
				}
				list = append(list, person)
			}
		}
	}
	named, err := templates.SchemeByName("minutiae-10x512")
	if err != nil {
		t.Fatal(err)
	}
	crowded := named
	crowded.Theta, crowded.Each = 100, 0
	for _, s := range []templates.Scheme{named, crowded} {
		n := decideAll(t, s, list)
		if n.decisions != 80*80 || n.hits < 80 || n.hits == n.decisions || n.near < 20 {
			t.Errorf("%v: %+v says little", s, n)
		}
	}
}
