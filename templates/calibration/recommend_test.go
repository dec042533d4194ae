package calibration

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/puente-project/puente/templates"
)

// TestSupported: with a modest demand the data show the threshold, and the limit
// keeps what is promised.
func TestSupported(t *testing.T) {
	for _, text := range []string{smallEye, smallVector} {
		s := scheme(t, text)
		var samples []Sample
		if s.Modality == templates.ModalityIris {
			samples = eyes(t, s, 11, 60, 2)
		} else {
			samples = vectors(t, s, 11, 60, 2, 0.5)
		}
		d := measure(t, s, samples, Options{})
		r, err := d.Report(&Demand{FalseHitsPerYear: 30, WatchlistSize: 10, QueriesPerYear: 100})
		if err != nil {
			t.Fatal(err)
		}
		rec := r.Recommendation
		if !rec.Supported || rec.FMR != 0.03 || rec.Extrapolated != nil {
			t.Fatalf("%s: %+v", text, rec)
		}
		if rec.Limit > 30 || rec.Expected > rec.Limit || rec.Loosest.FMR.Upper > 0.03 {
			t.Errorf("%s: %g expected, at most %g false hits a year, 30 are allowed", text, rec.Expected, rec.Limit)
		}
		chosen, err := templates.ParseScheme(rec.Threshold.Scheme)
		if err != nil {
			t.Fatalf("the recommended scheme is no scheme: %v", err)
		}
		if got := matches(t, chosen, samples)[impostor]; got != rec.Threshold.FMR.Errors {
			t.Errorf("%s: %d false matches, the report says %d", chosen, got, rec.Threshold.FMR.Errors)
		}
		// The next looser threshold would promise too much.
		i := d.loosest(rec.Loosest.FMR.Value)
		if i+1 < d.axis.usable && d.upper(i+1) <= 0.03 {
			t.Errorf("%s: a looser threshold than %s would do", text, rec.Loosest.Scheme)
		}
	}
}

// TestUnsupported: few pairs say nothing about small rates, and the report says so.
func TestUnsupported(t *testing.T) {
	s := scheme(t, smallVector)
	d := measure(t, s, vectors(t, s, 11, 30, 2, 0.4), Options{})
	r, err := d.Report(&Demand{FalseHitsPerYear: 1, WatchlistSize: 1000, QueriesPerYear: 10_000})
	if err != nil {
		t.Fatal(err)
	}
	rec := r.Recommendation
	if rec.Supported || rec.Needed < 29_000_000 || rec.Threshold == nil || rec.Threshold.FMR.Errors != 0 || rec.Expected != 0 || rec.Limit < 1000 {
		t.Errorf("one false hit in 10^7 comparisons from %d pairs: %+v", r.Impostor, rec)
	}
	x := rec.Extrapolated
	if x == nil || x.FMR > rec.FMR || x.Point.Threshold < rec.Threshold.Threshold || x.Expected > 1 {
		t.Errorf("extrapolation: %+v", x)
	}
	for _, row := range r.Rows {
		if row.Supported != (row.Target*float64(r.Impostor) >= 3*r.EER.FMR.Effect) {
			t.Errorf("FMR %g from %d pairs: supported is %v", row.Target, r.Impostor, row.Supported)
		}
		if row.Point != nil && row.Point.FMR.Value > row.Target {
			t.Errorf("FMR %g: the threshold has %g", row.Target, row.Point.FMR.Value)
		}
		if !row.Supported && row.Point != nil {
			t.Errorf("FMR %g: a threshold without support", row.Target)
		}
	}
}

func TestDemands(t *testing.T) {
	s := scheme(t, smallVector)
	d := measure(t, s, vectors(t, s, 11, 5, 2, 0.4), Options{})
	for _, bad := range []Demand{
		{}, {1, 0, 1, nil}, {0, 10, 10, nil}, {101, 10, 10, nil}, {1, math.NaN(), 10, nil}, {math.NaN(), 10, 10, nil},
		{1, 1e13, 10, nil}, {-1, 10, 10, nil}, {math.Inf(1), 10, 10, nil},
	} {
		if _, err := d.Report(&bad); !errors.Is(err, ErrDemand) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	if _, err := d.Report(&Demand{100, 10, 10, nil}); err != nil {
		t.Errorf("every comparison a hit: %v", err)
	}
}

// TestSimplest tries all fractions.
func TestSimplest(t *testing.T) {
	x := newAxis(scheme(t, "iris-2048"))
	for i := 0; i < x.usable; i += 371 {
		want := x.fractions[i]
		for _, f := range x.fractions[:i+1] {
			if x.quotients[i]-float64(f.alpha)/float64(f.beta) <= slack && f.beta <= want.beta {
				want = f // later ones are looser
			}
		}
		if got := x.fractions[x.simplest(i, slack, nil)]; got != want {
			t.Errorf("simplest below %v is %v, want %v", x.fractions[i], got, want)
		}
		// With a bound on the denominator, the nearest doubling of slack that helps.
		bounded := x.fractions[x.simplest(i, slack, func(s templates.Scheme) error {
			if s.Beta > 7 {
				return errors.New("too large")
			}
			return nil
		})]
		gap := x.quotients[i] - float64(bounded.alpha)/float64(bounded.beta)
		switch {
		case x.quotients[i] < 1./7 && bounded != x.fractions[i]:
			t.Errorf("below %v nothing is possible, not %v", x.fractions[i], bounded)
		case x.quotients[i] >= 1./7 && (bounded.beta > 7 || gap < 0):
			t.Errorf("below %v with a denominator of at most 7: %v", x.fractions[i], bounded)
		}
	}
}

// TestLoosestScheme: with an eighth of the bits as m the fractions below 4/7 make
// schemes, those from there on do not, and so for other m.
func TestLoosestScheme(t *testing.T) {
	for _, c := range []struct {
		text  string
		limit fraction // (1/2) / (1 - m/bits)
	}{{"iris:16x128x1x1:shifts=1:threshold=5/12:delta=1280", fraction{4, 7}}, {"iris:16x128x1x1:shifts=1:threshold=1/4:delta=512", fraction{2, 3}}, {"iris:16x128x1x1:shifts=1:threshold=1/4:delta=1200", fraction{1, 1}}, {"iris:16x128x1x1:shifts=1:threshold=1/4:delta=171", fraction{2048, 3754}}} {
		x := newAxis(scheme(t, c.text))
		below := func(f fraction) bool { return f.alpha*c.limit.beta < c.limit.alpha*f.beta }
		if last, next := x.fractions[x.usable-1], x.fractions[x.usable]; !below(last) || below(next) {
			t.Errorf("%s: the loosest scheme has %v, the next fraction is %v, the limit %v", c.text, last, next, c.limit)
		}
		if err := x.at(x.usable - 1).Validate(); err != nil {
			t.Errorf("%s: %v", c.text, err)
		}
		if err := x.at(x.usable).Validate(); !errors.Is(err, templates.ErrScheme) {
			t.Errorf("%s: the threshold after the loosest gives %v", c.text, err)
		}
	}
}

// TestSmallOverlapWarns: a Delta of eyes that lets small overlaps hit is not given
// without a word.
func TestSmallOverlapWarns(t *testing.T) {
	for delta, want := range map[int]bool{255: true, 256: false} {
		point := &Point{Scheme: fmt.Sprintf("eyes:16x128x1x1:shifts=3:threshold=1/3:delta=%d", delta)}
		r := Report{EffectKnown: true, Recommendation: &Recommendation{Supported: true, Threshold: point}}
		warned := slices.ContainsFunc(r.warn(), func(w string) bool { return strings.Contains(w, "255 common bits can hit") })
		if warned != want {
			t.Errorf("delta %d of 2048 bits: warned is %v", delta, warned)
		}
	}
}

func TestFarey(t *testing.T) {
	var want []fraction
	for b := int64(1); b <= 40; b++ {
		for a := int64(1); a <= b; a++ {
			if g := func(a, b int64) int64 {
				for b != 0 {
					a, b = b, a%b
				}
				return a
			}(a, b); g == 1 {
				want = append(want, fraction{a, b})
			}
		}
	}
	slices.SortFunc(want, func(f, g fraction) int { return int(f.alpha*g.beta - g.alpha*f.beta) })
	if !slices.Equal(farey(40), want) {
		t.Error("the fractions are not those with denominators up to 40")
	}
}

// TestBinomialModel: at whole numbers of degrees the model is the sum of a binomial
// distribution.
func TestBinomialModel(t *testing.T) {
	m := &Model{Name: "binomial", Mean: 0.5, Used: 249, Shifts: 1}
	for _, k := range []int{40, 70, 80, 100, 124} {
		want := tail(k, 249, 0.5)
		if got := m.fmr(float64(k) / 249); math.Abs(got-want) > 1e-9*want {
			t.Errorf("P(X <= %d of 249) is %g, want %g", k, got, want)
		}
	}
	// Daugman 2004, table 1, has .32 with 249 degrees of freedom at 1 in 26 million,
	// the least of seven rotations, and .35 at 1 in 133 000. He sums densities of a
	// continuous curve, so that a factor of two is what can be asked.
	m.Shifts = 7
	for threshold, odds := range map[float64]float64{0.32: 26e6, 0.35: 133e3, 0.29: 13e9} {
		if got := m.fmr(threshold) * odds; got < 0.4 || got > 2.5 {
			t.Errorf("at %g the model has %g times the published rate", threshold, got)
		}
	}
}

// TestDirections: the cosine of directions in three dimensions is uniform, and in
// two that of a uniform angle.
func TestDirections(t *testing.T) {
	for c := -0.9; c < 1; c += 0.3 {
		if got, want := (&Model{Used: 3, Shifts: 1}).fmr(c), (1-c)/2; math.Abs(got-want) > 1e-12 {
			t.Errorf("three dimensions, cosine %.1f: %g, want %g", c, got, want)
		}
		if got, want := (&Model{Used: 2, Shifts: 1}).fmr(c), math.Acos(c)/math.Pi; math.Abs(got-want) > 1e-12 {
			t.Errorf("two dimensions, cosine %.1f: %g, want %g", c, got, want)
		}
	}
}

// TestModelOfVectors: random vectors have about as many degrees of freedom as
// coordinates, and the model predicts what is counted.
func TestModelOfVectors(t *testing.T) {
	s := scheme(t, "vector-128")
	d := measure(t, s, enrolled(t, s, 300, 2), Options{})
	r, err := d.Report(nil)
	if err != nil {
		t.Fatal(err)
	}
	if m := r.Model; m == nil || m.Freedom < 115 || m.Freedom > 141 || math.Abs(m.Mean) > 0.005 {
		t.Fatalf("model of 128 coordinates: %+v", m)
	}
	for _, row := range r.Rows[:3] {
		if ratio := row.Extrapolated / row.Point.FMR.Value; ratio < 0.6 || ratio > 1.7 {
			t.Errorf("at FMR %g the model has %g times as much", row.Target, ratio)
		}
	}
}

// TestModelOfEyes: where the curve of the measured degrees is below what was counted,
// it is made to go through it.
func TestModelOfEyes(t *testing.T) {
	s := scheme(t, "iris-2048")
	d := measure(t, s, enrolled(t, s, 150, 2), Options{})
	m := d.model()
	i := d.firstThirty()
	if m == nil || d.hits[impostor][i] < 30 || d.hits[impostor][i-1] >= 30 {
		t.Fatalf("model %+v from threshold %d", m, i)
	}
	got := m.fmr(d.axis.value(i)) / d.fmr(i)
	if m.Used > m.Freedom || got < 1-1e-9 || m.Used < m.Freedom && got > 1+1e-9 {
		t.Errorf("model %+v has %g times the FMR counted at threshold %g", m, got, d.axis.value(i))
	}
	measured := *m
	if rate := m.fmr(0.4); rate <= 0 {
		t.Fatalf("FMR %g at .4", rate)
	}
	m.passAbove(0.4, 0.5*m.fmr(0.4))
	if *m != measured {
		t.Errorf("a curve that is above was changed: %+v", m)
	}
	want := 20 * m.fmr(0.4)
	m.passAbove(0.4, want)
	if m.Used >= m.Freedom || math.Abs(m.fmr(0.4)-want) > 1e-9*want {
		t.Errorf("FMR %g at .4, want %g: %+v", m.fmr(0.4), want, m)
	}
}

func TestDuplicates(t *testing.T) {
	for _, text := range []string{"iris-2048", "vector-128"} {
		s := scheme(t, text)
		samples := enrolled(t, s, 30, 1)
		list := make([]templates.Template, len(samples))
		for i := range samples {
			list[i] = samples[i].Template
		}
		again := enrolled(t, s, 30, 2) // captures at 1, 3, 5, ...
		list = append(list, again[9].Template, again[41].Template)
		want := []Pair{{4, 30}, {20, 31}}
		for _, workers := range []int{1, 3} {
			got, err := Duplicates(context.Background(), s, list, Options{Workers: workers})
			if err != nil || !slices.Equal(got, want) {
				t.Errorf("%s: %v, %v, want %v", text, got, err, want)
			}
		}
		for name, bad := range map[string][]templates.Template{
			"last": append(slices.Clone(list), nil), "first": append([]templates.Template{nil}, list...),
		} {
			if _, err := Duplicates(context.Background(), s, bad, Options{}); !errors.Is(err, templates.ErrInadmissible) {
				t.Errorf("%s: %v", name, err)
			}
		}
		same := make([]templates.Template, 500)
		for i := range same {
			same[i] = list[0]
		}
		if _, err := Duplicates(context.Background(), s, same, Options{}); !errors.Is(err, ErrTooMany) {
			t.Errorf("%d copies: %v", len(same), err)
		}
		if got, err := Duplicates(context.Background(), s, nil, Options{}); err != nil || len(got) > 0 {
			t.Errorf("empty list: %v, %v", got, err)
		}
	}
}

// TestNearest compares with all scores, sorted.
func TestNearest(t *testing.T) {
	s := scheme(t, smallEye)
	samples := eyes(t, s, 2, 10, 2)
	list := make([]templates.Template, len(samples))
	for i := range samples {
		list[i] = samples[i].Template
	}
	gap := func(p Pair) int64 {
		m, err := templates.NewMatcher(s, list[p.First])
		if err != nil {
			t.Fatal(err)
		}
		scores := make([]int64, s.Shifts)
		m.Scores(list[p.Second], scores)
		best := slices.Max(scores)
		return max(best, -best)
	}
	var all []Pair
	for i := range list {
		for j := i + 1; j < len(list); j++ {
			all = append(all, Pair{i, j})
		}
	}
	slices.SortStableFunc(all, func(p, q Pair) int { return int(gap(p) - gap(q)) })
	for _, k := range []int{0, 1, 7, 100, 1000} {
		got, err := Nearest(context.Background(), s, list, k, Options{Workers: 2})
		if err != nil || !slices.Equal(got, all[:min(k, len(all))]) {
			t.Errorf("%d nearest: %v, %v", k, got, err)
		}
	}
	if _, err := Nearest(context.Background(), s, list, MaxNearest+1, Options{}); !errors.Is(err, ErrTooMany) {
		t.Errorf("too many: %v", err)
	}
}
