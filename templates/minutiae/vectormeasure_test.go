package minutiae

import (
	"fmt"
	"math"
	"math/rand/v2"
	"path"
	"slices"
	"testing"

	"github.com/puente-project/puente/templates"
)

// prints are quantised vectors by finger and impression.
type prints [][]templates.Vector

// readViews reads a set of fingers*impressions files by the pattern of their
// names.
func readViews(t *testing.T, pattern string, fingers, impressions, first int) [][]View {
	t.Helper()
	files := sharedFiles(t, path.Join(path.Dir(pattern), "*"))
	set := make([][]View, fingers)
	for f := range set {
		for i := range impressions {
			name := fmt.Sprintf(path.Base(pattern), f+first, i+1)
			views, err := Decode(files[name], Options{})
			if err != nil || len(views) != 1 {
				t.Fatalf("%s: %d views, %v", name, len(views), err)
			}
			set[f] = append(set[f], views[0])
		}
	}
	return set
}

func sfinge(t *testing.T) [][]View { return readViews(t, "sfinge-flx/%d_%d.ist", 10, 10, 1) }
func fvc(t *testing.T) [][]View    { return readViews(t, "fvc2000db4b/xyt/%d_%d.xyt", 10, 8, 101) }

// unitVectors makes the vectors of a set.
func unitVectors(t *testing.T, set [][]View, dims int) [][][]float64 {
	t.Helper()
	v, err := NewVectoriser(dims)
	if err != nil {
		t.Fatal(err)
	}
	out := make([][][]float64, len(set))
	for f := range set {
		for _, view := range set[f] {
			unit, err := v.Vector(view)
			if err != nil {
				t.Fatal(err)
			}
			out[f] = append(out[f], unit)
		}
	}
	return out
}

const testNorm = 63

func quantise(t *testing.T, unit []float64) templates.Vector {
	t.Helper()
	v, err := templates.Quantise(unit, testNorm)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func quantised(t *testing.T, u [][][]float64) prints {
	t.Helper()
	q := make(prints, len(u))
	for f := range u {
		for _, unit := range u[f] {
			q[f] = append(q[f], quantise(t, unit))
		}
	}
	return q
}

// score is the cosine as the product computes it, on integers.
func score(a, b templates.Vector) float64 {
	sum := 0
	for i, x := range a.Coords {
		sum += int(x) * int(b.Coords[i])
	}
	return float64(sum) / (testNorm * testNorm)
}

// table holds the score of every impression with every impression:
// [finger][finger][impression][impression].
type table [][][][]float64

func tabulate(t *testing.T, u [][][]float64) table {
	t.Helper()
	q := quantised(t, u)
	out := make(table, len(q))
	for f := range q {
		out[f] = make([][][]float64, len(q))
		for g := range q {
			for _, a := range q[f] {
				var row []float64
				for _, b := range q[g] {
					row = append(row, score(a, b))
				}
				out[f][g] = append(out[f][g], row)
			}
		}
	}
	return out
}

// pairs lists the scores of all different pairs of impressions: of the same
// finger, and of different ones. The fingers may repeat (bootstrap).
func (s table) pairs(fingers []int) (genuine, impostor []float64) {
	for n, f := range fingers {
		for i := range s[f][f] {
			genuine = append(genuine, s[f][f][i][i+1:]...)
		}
		for _, g := range fingers[:n] {
			if g == f {
				continue
			}
			for _, row := range s[f][g] {
				impostor = append(impostor, row...)
			}
		}
	}
	return genuine, impostor
}

// averaged compares the average of three consecutive impressions with each of
// the others, around the circle.
func averaged(t *testing.T, u [][][]float64) (genuine, impostor []float64) {
	t.Helper()
	n, others := len(u[0]), quantised(t, u)
	for first := range n {
		for f := range u {
			mean, err := Average([][]float64{u[f][first], u[f][(first+1)%n], u[f][(first+2)%n]})
			if err != nil {
				t.Fatal(err)
			}
			q := quantise(t, mean)
			for g := range u {
				for k := 3; k < n; k++ {
					s := score(q, others[g][(first+k)%n])
					if f == g {
						genuine = append(genuine, s)
					} else {
						impostor = append(impostor, s)
					}
				}
			}
		}
	}
	return genuine, impostor
}

// people draws n virtual people, each of so many of the given fingers with
// replacement, so that people with several weak fingers come up, and of random
// impressions; a stranger has another finger in every place. The scores of the
// fingers are added up.
func (s table) people(r *rand.Rand, from []int, fingers, n int) (genuine, impostor []float64) {
	for range n {
		same, other := 0.0, 0.0
		for range fingers {
			f, g := from[r.IntN(len(from))], from[r.IntN(len(from))]
			for g == f {
				g = from[r.IntN(len(from))]
			}
			i := r.IntN(len(s[f][f]))
			j := (i + 1 + r.IntN(len(s[f][f])-1)) % len(s[f][f])
			same += s[f][f][i][j]
			other += s[f][g][i][r.IntN(len(s[f][g][i]))]
		}
		genuine, impostor = append(genuine, same), append(impostor, other)
	}
	return genuine, impostor
}

// equalErrorRate is the mean of both error rates where they differ least.
func equalErrorRate(genuine, impostor []float64) float64 {
	g, i := slices.Sorted(slices.Values(genuine)), slices.Sorted(slices.Values(impostor))
	best, rate := math.Inf(1), 0.0
	for a, b := 0, 0; ; {
		miss, match := float64(a)/float64(len(g)), 1-float64(b)/float64(len(i))
		if d := math.Abs(miss - match); d < best {
			best, rate = d, (miss+match)/2
		}
		if a == len(g) || b == len(i) {
			return rate
		}
		threshold := min(g[a], i[b])
		for a < len(g) && g[a] == threshold {
			a++
		}
		for b < len(i) && i[b] == threshold {
			b++
		}
	}
}

func TestEqualErrorRate(t *testing.T) {
	for _, c := range []struct {
		genuine, impostor []float64
		want              float64
	}{
		{[]float64{3, 4}, []float64{1, 2}, 0},
		{[]float64{1, 2}, []float64{3, 4}, 1},
		{[]float64{1, 5, 6, 7}, []float64{5.5, 2, 0, 0}, 0.25},
		{[]float64{1, 1}, []float64{1, 1}, 0.5},
	} {
		if got := equalErrorRate(c.genuine, c.impostor); got != c.want {
			t.Errorf("%v against %v: %v, want %v", c.genuine, c.impostor, got, c.want)
		}
	}
}

// missRate is the share of genuine scores that do not reach the lowest threshold,
// in steps of the product's scores, at which at most the given share of impostors
// matches.
func missRate(genuine, impostor []float64, match float64) (rate float64, theta int) {
	i := slices.Sorted(slices.Values(impostor))
	theta = int(math.Round(i[len(i)-1-int(match*float64(len(i)))]*testNorm*testNorm)) + 1
	return share(genuine, theta, false), theta
}

// share is the share of scores that hit at a threshold, or that do not.
func share(scores []float64, theta int, hit bool) float64 {
	n := 0
	for _, s := range scores {
		if (math.Round(s*testNorm*testNorm) >= float64(theta)) == hit {
			n++
		}
	}
	return float64(n) / float64(len(scores))
}

func moments(v []float64) (mean, deviation float64) {
	for _, x := range v {
		mean += x / float64(len(v))
	}
	for _, x := range v {
		deviation += (x - mean) * (x - mean) / float64(len(v))
	}
	return mean, math.Sqrt(deviation)
}

func all(n int) (list []int) {
	for i := range n {
		list = append(list, i)
	}
	return list
}
