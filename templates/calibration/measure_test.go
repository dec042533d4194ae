package calibration

import (
	"context"
	"errors"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/puente-project/puente/templates"
)

const (
	smallEye    = "iris:4x16x1x2:shifts=5:threshold=1/3:delta=7"
	oddEye      = "iris:3x13x1x1:shifts=3:threshold=2/5:delta=4"
	smallVector = "vector:12:norm=15:theta=60"
)

// TestCountsAreExact: at every threshold that is tried, pairs are counted as the
// plain matcher decides under the scheme with that threshold.
func TestCountsAreExact(t *testing.T) {
	for _, text := range []string{smallEye, oddEye, smallVector} {
		s := scheme(t, text)
		var samples []Sample
		if s.Modality == templates.ModalityIris {
			samples = eyes(t, s, 3, 14, 3)
		} else {
			samples = vectors(t, s, 3, 14, 3, 0.8)
		}
		d := measure(t, s, samples, Options{})
		step := max(1, d.axis.usable/211)
		for i := 0; i < d.axis.usable; i += step {
			at := d.axis.at(i)
			if err := at.Validate(); err != nil {
				t.Fatalf("%s: %v", at, err)
			}
			if got, want := [2]int64{d.hits[0][i], d.hits[1][i]}, matches(t, at, samples); got != want {
				t.Errorf("%s: %v pairs hit, the matcher says %v", at, got, want)
			}
		}
		// And where it matters, just at and just below the distance of a pair.
		for i := 1; i < d.axis.usable; i++ {
			if d.hits[genuine][i] == d.hits[genuine][i-1] || i%7 != 0 {
				continue
			}
			for _, k := range []int{i - 1, i} {
				if got, want := d.hits[genuine][k], matches(t, d.axis.at(k), samples)[genuine]; got != want {
					t.Errorf("%s: %d genuine pairs hit, the matcher says %d", d.axis.at(k), got, want)
				}
			}
		}
		if given := d.point(d.given()); given.Scheme != s.String() {
			t.Errorf("the given scheme %s is not among the candidates, but %s", s, given.Scheme)
		}
	}
}

// TestLooseThresholds: beyond what a scheme may have, pairs are counted as the score
// says that is solved for the two numbers of bits, or the inner product.
func TestLooseThresholds(t *testing.T) {
	eye, vector := scheme(t, oddEye), scheme(t, smallVector)
	samples := eyes(t, eye, 6, 9, 3)
	d := measure(t, eye, samples, Options{})
	third, fourth := eye, eye
	third.Alpha, third.Beta, third.Delta = 1, 3, 1
	fourth.Alpha, fourth.Beta, fourth.Delta = 1, 4, 1
	scores := func(s templates.Scheme, p, g Sample) []int64 {
		m, err := templates.NewMatcher(s, p.Template)
		if err != nil {
			t.Fatal(err)
		}
		dst := make([]int64, s.Shifts)
		m.Scores(g.Template, dst)
		return dst
	}
	count := func(samples []Sample, hit func(p, g Sample) bool) (n [2]int64) {
		for i, p := range samples {
			for _, g := range samples[i+1:] {
				if class := impostor; hit(p, g) {
					if p.Person == g.Person {
						class = genuine
					}
					n[class]++
				}
			}
		}
		return n
	}
	last := [2]int64{}
	for i := 0; i < d.axis.n; i += d.axis.n / 101 {
		f := d.axis.fractions[i]
		want := count(samples, func(p, g Sample) bool {
			a, b := scores(third, p, g), scores(fourth, p, g)
			return slices.ContainsFunc([]int{0, 1, 2}, func(s int) bool {
				hd := a[s] - b[s]
				o := a[s] + 1 + 3*hd
				return f.alpha*(o-d.axis.overlap)-f.beta*hd >= 0
			})
		})
		last = [2]int64{d.hits[0][i], d.hits[1][i]}
		if last != want {
			t.Errorf("at %v: %v pairs hit, want %v", f, last, want)
		}
	}
	if last[impostor] < 100 {
		t.Errorf("at the loosest threshold only %d false matches", last[impostor])
	}

	samples = vectors(t, vector, 6, 9, 3, 1)
	d = measure(t, vector, samples, Options{})
	if d.axis.n != 2*225+1 || d.axis.usable != 225 || d.point(225).Scheme != "" || d.point(224).Scheme == "" {
		t.Fatalf("%d thresholds, %d usable", d.axis.n, d.axis.usable)
	}
	for i := range d.axis.n {
		want := count(samples, func(p, g Sample) bool { return scores(vector, p, g)[0]+vector.Theta >= 225-int64(i) })
		if got := [2]int64{d.hits[0][i], d.hits[1][i]}; got != want {
			t.Errorf("at theta %d: %v pairs hit, want %v", 225-i, got, want)
		}
	}
}

// TestFused: the threshold of a sum over fingers is found as that of one vector.
func TestFused(t *testing.T) {
	s := templates.Scheme{Modality: templates.ModalityFused, Shifts: 1, Dims: 12, Norm: 15, Theta: 60,
		Fingers: templates.FingersAt(1, 2), Each: 20, Weight: 1}
	single := scheme(t, smallVector)
	first, second := vectors(t, single, 1, 12, 2, 0.8), vectors(t, single, 2, 12, 2, 0.8)
	var samples []Sample
	for i := range first {
		fingers := map[int]templates.Vector{1: first[i].Template.(templates.Vector)}
		if i%3 > 0 {
			fingers[2] = second[i].Template.(templates.Vector)
		}
		f, err := templates.NewFused(nil, nil, fingers)
		if err != nil {
			t.Fatal(err)
		}
		samples = append(samples, Sample{Template: f, Person: first[i].Person})
	}
	d := measure(t, s, samples, Options{})
	for i := range d.axis.usable {
		if i%5 > 0 {
			continue
		}
		at := d.axis.at(i)
		if err := at.Validate(); err != nil {
			t.Fatal(err)
		}
		if got, want := [2]int64{d.hits[0][i], d.hits[1][i]}, matches(t, at, samples); got != want {
			t.Errorf("%s: %v pairs hit, the matcher says %v", at, got, want)
		}
	}
}

// TestWideScores: with more possible thresholds than are kept, those that are kept
// are still exact.
func TestWideScores(t *testing.T) {
	s := templates.Scheme{Modality: templates.ModalityFused, Shifts: 3, Shape: templates.Shape{Rows: 16, Cols: 128, Filters: 1, Planes: 1},
		Eyes: 2, Alpha: 100, Beta: 301, Delta: 6400}
	if err := s.Validate(); err != nil {
		t.Fatal(err)
	}
	one := scheme(t, "iris:16x128x1x1:shifts=3:threshold=1/3:delta=64")
	left, right := eyes(t, one, 1, 8, 2), eyes(t, one, 2, 8, 2)
	var samples []Sample
	for i := range left {
		f, err := templates.NewFused(left[i].Template.(*templates.Iris), right[i].Template.(*templates.Iris), nil)
		if err != nil {
			t.Fatal(err)
		}
		samples = append(samples, Sample{Template: f, Person: left[i].Person})
	}
	d := measure(t, s, samples, Options{})
	if d.axis.step == 1 || d.axis.n > maxCandidates {
		t.Fatalf("%d candidates in steps of %d", d.axis.usable, d.axis.step)
	}
	for i := 0; i < d.axis.usable; i += d.axis.usable / 50 {
		at := d.axis.at(i)
		if got, want := [2]int64{d.hits[0][i], d.hits[1][i]}, matches(t, at, samples); got != want {
			t.Errorf("%s: %v pairs hit, the matcher says %v", at, got, want)
		}
	}
}

// TestEqualErrorRate compares with every threshold of a vector in turn.
func TestEqualErrorRate(t *testing.T) {
	s := scheme(t, smallVector)
	samples := vectors(t, s, 5, 20, 3, 1)
	d := measure(t, s, samples, Options{})
	n := int64(len(samples))
	totals := [2]float64{20 * 3, float64(n*(n-1)/2 - 20*3)}
	best, rate := math.Inf(1), 0.0
	for theta := int64(225); theta >= 1; theta-- { // the rates are equal above 0
		s.Theta = theta
		hits := matches(t, s, samples)
		fmr, fnmr := float64(hits[impostor])/totals[impostor], 1-float64(hits[genuine])/totals[genuine]
		if gap := math.Abs(fmr - fnmr); gap < best {
			best, rate = gap, (fmr+fnmr)/2
		}
	}
	r, err := d.Report(nil)
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(r.EERValue-rate) > 1e-12 || rate == 0 {
		t.Errorf("EER is %g, trying all thresholds gives %g", r.EERValue, rate)
	}
	if !(r.EER.FMR.Low <= rate && rate <= r.EER.FNMR.High) {
		t.Errorf("EER %g is outside of its limits", rate)
	}
	for _, p := range r.DET {
		if p.Threshold <= 0 {
			continue // beyond schemes: TestLooseThresholds
		}
		s.Theta = int64(math.Round(p.Threshold * 225))
		hits := matches(t, s, samples)
		if fmr, fnmr := float64(hits[impostor])/totals[impostor], 1-float64(hits[genuine])/totals[genuine]; math.Abs(fmr-p.FMR) > 1e-12 || math.Abs(fnmr-p.FNMR) > 1e-12 {
			t.Errorf("DET at %g: %g %g, the matcher says %g %g", p.Threshold, p.FMR, p.FNMR, fmr, fnmr)
		}
	}
	if len(r.DET) < 10 {
		t.Errorf("the DET curve has %d points", len(r.DET))
	}
}

// TestSpread: mean and deviation at one rotation are those of templates.Distance.
func TestSpread(t *testing.T) {
	s := scheme(t, smallEye)
	samples := eyes(t, s, 9, 12, 2)
	d := measure(t, s, samples, Options{})
	var all []float64
	for i, p := range samples {
		for _, g := range samples[i+1:] {
			if p.Person == g.Person {
				continue
			}
			hd, common, _, err := templates.Distance(p.Template.(*templates.Iris), g.Template.(*templates.Iris), 1)
			if err != nil {
				t.Fatal(err)
			}
			if common > 0 {
				all = append(all, float64(hd)/float64(common))
			}
		}
	}
	mean, square := 0.0, 0.0
	for _, x := range all {
		mean += x / float64(len(all))
	}
	for _, x := range all {
		square += (x - mean) * (x - mean)
	}
	deviation := math.Sqrt(square / float64(len(all)-1))
	m := d.model()
	if m == nil || math.Abs(m.Mean-mean) > 1e-12 || math.Abs(m.Deviation-deviation) > 1e-12 || math.Abs(m.Freedom-mean*(1-mean)/deviation/deviation) > 1e-9 {
		t.Errorf("model is %+v, want mean %g and deviation %g", m, mean, deviation)
	}
}

// TestWorkers: the report is the same for any number of goroutines.
func TestWorkers(t *testing.T) {
	s := scheme(t, smallEye)
	samples := eyes(t, s, 4, 20, 3)
	demand := &Demand{FalseHitsPerYear: 10, WatchlistSize: 10, QueriesPerYear: 1000}
	var reports []*Report
	for _, n := range []int{1, 2, 7} {
		r, err := measure(t, s, samples, Options{Workers: n}).Report(demand)
		if err != nil {
			t.Fatal(err)
		}
		reports = append(reports, r)
	}
	if !reflect.DeepEqual(reports[0], reports[1]) || !reflect.DeepEqual(reports[0], reports[2]) {
		t.Error("the report depends on the number of workers")
	}
}

// TestParts: two eyes of one person are neither genuine nor impostor.
func TestParts(t *testing.T) {
	s := scheme(t, smallEye)
	samples := eyes(t, s, 4, 6, 4)
	for i := range samples {
		samples[i].Part = []string{"left", "right"}[i%2]
	}
	var last [2]int
	d := measure(t, s, samples, Options{Progress: func(done, total int) {
		last = [2]int{max(last[0], done), total}
	}, Workers: 1})
	r, err := d.Report(nil)
	if err != nil {
		t.Fatal(err)
	}
	if r.Genuine != 6*2 || r.LeftOut != 6*4 || r.Impostor != 24*23/2-12-24 || r.People != 6 || r.Samples != 24 || r.Independent != 3 {
		t.Errorf("%d genuine, %d impostor pairs, %d left out of %d people", r.Genuine, r.Impostor, r.LeftOut, r.People)
	}
	if i := d.axis.usable / 2; [2]int64{d.hits[0][i], d.hits[1][i]} != matches(t, d.axis.at(i), samples) {
		t.Error("pairs of two eyes of a person were counted")
	}
	if want := 24 * 23 / 2; last != [2]int{want, want} {
		t.Errorf("progress ends at %v, want %d", last, want)
	}
}

func TestRefusals(t *testing.T) {
	s := scheme(t, smallEye)
	good := eyes(t, s, 1, 3, 2)
	with := func(change func(list []Sample) []Sample) []Sample { return change(slices.Clone(good)) }
	for name, c := range map[string]struct {
		samples []Sample
		class   error
		text    string
	}{
		"nothing":    {nil, ErrSamples, "two people"},
		"one person": {good[:2], ErrSamples, "two people"},
		"no second capture": {with(func(l []Sample) []Sample { return []Sample{l[0], l[2], l[4]} }),
			ErrSamples, "no genuine pair"},
		"no label":     {with(func(l []Sample) []Sample { l[1].Person = ""; return l }), ErrSamples, "template 2"},
		"long label":   {with(func(l []Sample) []Sample { l[1].Part = strings.Repeat("x", MaxLabel+1); return l }), ErrSamples, "template 2"},
		"other scheme": {with(func(l []Sample) []Sample { l[5].Template = templates.Vector{}; return l }), templates.ErrInadmissible, "template 6"},
		"no template":  {with(func(l []Sample) []Sample { l[0].Template = nil; return l }), templates.ErrInadmissible, "template 1"},
		"too many":     {make([]Sample, MaxSamples+1), ErrTooMany, "20000"},
	} {
		if _, err := Measure(context.Background(), s, c.samples, Options{}); !errors.Is(err, c.class) || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: %v", name, err)
		}
	}
	many := make([]Sample, 2900)
	for i := range many {
		many[i] = Sample{Template: good[0].Template, Person: "somebody"}
	}
	many[0].Person = "somebody else"
	if _, err := Measure(context.Background(), s, many, Options{}); !errors.Is(err, ErrTooMany) {
		t.Errorf("4 million genuine pairs: %v", err)
	}
	if _, err := Measure(context.Background(), templates.Scheme{}, good, Options{}); !errors.Is(err, templates.ErrScheme) {
		t.Errorf("no scheme: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Measure(ctx, s, good, Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// TestClosest: however the closest pairs were collected, all below the limit are
// there.
func TestClosest(t *testing.T) {
	s := scheme(t, smallVector)
	d := &Distribution{axis: newAxis(s), people: &people{}}
	all := map[int32]int{}
	var parts []*part
	for w := range 3 {
		p := &part{d: d, limit: int32(d.axis.n)}
		p.bins = [2][]int64{make([]int64, d.axis.n+1), make([]int64, d.axis.n+1)}
		for i := range 3 * maxClosest / 2 {
			bin := int32((i*7 + w) % d.axis.n)
			all[bin]++
			if bin < p.limit {
				p.keep(impostorPair{bin, int32(i), int32(w)})
			}
		}
		parts = append(parts, p)
	}
	d.merge(parts)
	if d.covered < 20 || d.covered >= d.axis.n || len(d.closest) > maxClosest {
		t.Fatalf("%d pairs are kept, of bins below %d", len(d.closest), d.covered)
	}
	got := map[int32]int{}
	for _, p := range d.closest {
		got[p.bin]++
	}
	for bin := range int32(d.covered) {
		if got[bin] != all[bin] {
			t.Errorf("bin %d: %d pairs are kept, there were %d", bin, got[bin], all[bin])
		}
	}
}
