package suite

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"runtime/debug"
	"slices"
	"time"

	"github.com/puente-project/puente/bench"
	"github.com/puente-project/puente/bench/ckks"
	"github.com/puente-project/puente/protocol"
	"github.com/puente-project/puente/templates"
)

// compare runs all contenders at one number of dimensions, on one thread.
func compare(ctx context.Context, o Options, s sizes, dims int) (Comparison, error) {
	scheme, err := templates.NewVectorScheme(dims)
	if err != nil {
		return Comparison{}, err
	}
	prepared, err := bench.Prepare(ctx, bench.Config{Scheme: scheme, Entries: s.contenders, Threads: 1, Seed: o.Seed, Near: s.near})
	if err != nil {
		return Comparison{}, err
	}
	gallery := make([][]int8, s.contenders)
	for slot, t := range prepared.List {
		gallery[slot] = t.(templates.Vector).Coords
	}
	var rivals []*rival
	resident := int64(prepared.Gallery.Bytes())
	for _, layout := range []ckks.Layout{ckks.ByDimension, ckks.Diagonal} {
		fmt.Fprintf(o.Log, "  keys and gallery, %v\n", layout)
		m, err := ckks.New(ckks.Config{Layout: layout, Dims: dims, Norm: scheme.Norm, Theta: scheme.Theta}, gallery)
		if err != nil {
			return Comparison{}, err
		}
		resident += m.GalleryBytes(false) + m.KeyBytes()
		for _, encrypted := range []bool{false, true} {
			rivals = append(rivals, &rival{matcher: m, layout: layout, encrypted: encrypted, scheme: scheme,
				probe: prepared.Probe.(templates.Vector).Coords, gallery: gallery})
		}
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	defer debug.SetGCPercent(protocol.LimitGarbage(int(resident)))
	runtime.GC()
	product := &samples{prepared: prepared}
	if err := product.round(ctx, false); err != nil { // warms up
		return Comparison{}, err
	}
	for round := range s.contenderRounds {
		fmt.Fprintf(o.Log, "  round %d of %d\n", round+1, s.contenderRounds)
		if err := product.round(ctx, true); err != nil {
			return Comparison{}, err
		}
		for _, r := range rivals {
			if ctx.Err() != nil {
				return Comparison{}, context.Cause(ctx)
			}
			if err := r.round(); err != nil {
				return Comparison{}, err
			}
		}
	}
	c := Comparison{Scheme: scheme.String(), Dims: dims, Entries: s.contenders, Near: s.near, Theta: int(scheme.Theta), Rounds: s.contenderRounds,
		Contenders: product.contenders()}
	for _, r := range rivals {
		c.Contenders = append(c.Contenders, r.contender(product))
	}
	return c, nil
}

// further is what an entry costs without what is once per query.
func further(r bench.Result) float64 { return r.TotalPerEntry - r.ProbeMicros/float64(r.Entries) }

// contenders gives the plaintext matcher and the product.
func (s *samples) contenders() []Contender {
	r, total := s.rounds[0], func(r bench.Result) float64 { return r.TotalPerEntry }
	var inverse, inverseFurther []float64
	for i, plain := range s.plain {
		inverse = append(inverse, plain/s.rounds[i].TotalPerEntry)
		inverseFurther = append(inverseFurther, plain/further(s.rounds[i]))
	}
	one := spread([]float64{1})
	plain := Contender{Kind: KindPlaintext, PerEntry: spread(s.plain), PerFurther: spread(s.plain),
		TimesPlaintext: one, TimesProduct: spread(inverse), TimesFurther: spread(inverseFurther),
		ResidentPerEntry: float64(r.Dims), Decisions: s.decisions}
	return []Contender{plain, {
		Kind: KindProduct, Parameters: r.Parameters, PerEntry: s.over(total),
		PerQuery: s.over(func(r bench.Result) float64 { return r.ProbeMicros / 1000 }), PerFurther: s.over(further),
		Stages: s.stages(), TimesPlaintext: spread(s.ratio), TimesProduct: one, TimesFurther: one,
		ProbeBytes: r.ProbeBytes, BytesUpPerEntry: rounded(r.BytesUpPerEntry), BytesDown: rounded(r.BytesDownPerEntry),
		ResidentPerEntry: rounded(r.ResidentPerEntry), Wrong: s.wrong, Decisions: s.decisions}}
}

// rival is a CKKS contender.
type rival struct {
	matcher   *ckks.Matcher
	layout    ckks.Layout
	encrypted bool
	scheme    templates.Scheme
	probe     []int8
	gallery   [][]int8

	answers   []ckks.Answer // values of the last one only
	wrong     int
	precision Precision
}

func (r *rival) round() error {
	if n := len(r.answers); n > 0 {
		r.answers[n-1].Signs, r.answers[n-1].Scores = nil, nil
	}
	a, err := r.matcher.Query(r.probe, r.encrypted, bench.Clock)
	if err != nil {
		return err
	}
	r.answers = append(r.answers, a)
	r.judge(a)
	return nil
}

// judge compares answers with integers. A score is the inner product less theta, and a
// sign is that of score + 1/2.
func (r *rival) judge(a ckks.Answer) {
	span := float64(r.scheme.Norm*r.scheme.Norm) + float64(r.scheme.Theta)
	r.precision.Unclear, r.precision.Invertible = 0, 0
	var recovered []float64
	for slot, entry := range r.gallery {
		score := -float64(r.scheme.Theta)
		for i, x := range r.probe {
			score += float64(x) * float64(entry[i])
		}
		r.precision.ScoreError = max(r.precision.ScoreError, math.Abs(a.Scores[slot]*span-0.5-score))
		if (a.Signs[slot] > 0) != (score >= 0) {
			r.wrong++
			r.precision.WrongAt = max(r.precision.WrongAt, math.Abs(score))
		}
		if math.Abs(a.Signs[slot]) < ckks.Saturated {
			r.precision.Unclear++
		}
		if x, ok := ckks.Invert(a.Signs[slot]); ok {
			r.precision.Invertible++
			recovered = append(recovered, math.Abs(x*span-0.5-score))
		}
	}
	slices.Sort(recovered)
	if len(recovered) > 0 {
		r.precision.Recovered = rounded(recovered[len(recovered)/2])
	}
	r.precision.ScoreError = rounded(r.precision.ScoreError)
}

func (r *rival) contender(product *samples) Contender {
	entries := float64(len(r.gallery))
	perEntry := func(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 / entries }
	over := func(figure func(ckks.Answer) time.Duration) Spread {
		var list []float64
		for _, a := range r.answers {
			list = append(list, perEntry(figure(a)))
		}
		return spread(list)
	}
	var plain, ours, oursFurther, once []float64
	rest := func(a ckks.Answer) time.Duration { return a.Total() - a.PerQuery() }
	for i, a := range r.answers {
		plain = append(plain, perEntry(a.Total())/product.plain[i])
		ours = append(ours, perEntry(a.Total())/product.rounds[i].TotalPerEntry)
		oursFurther = append(oursFurther, perEntry(rest(a))/further(product.rounds[i]))
		once = append(once, a.PerQuery().Seconds()*1000)
	}
	stages := []Stage{{"probe", over(func(a ckks.Answer) time.Duration { return a.Encrypt })}}
	if r.layout == ckks.Diagonal {
		stages = append(stages, Stage{"rotate the probe", over(func(a ckks.Answer) time.Duration { return a.Rotate })})
	}
	stages = append(stages, Stage{"inner products", over(func(a ckks.Answer) time.Duration { return a.Products })},
		Stage{"sign", over(func(a ckks.Answer) time.Duration { return a.Sign })},
		Stage{"decrypt", over(func(a ckks.Answer) time.Duration { return a.Decrypt })})
	last := r.answers[len(r.answers)-1]
	precision := r.precision
	return Contender{Kind: KindCKKS, Layout: r.layout.String(), Encrypted: r.encrypted, Parameters: r.matcher.Parameters(),
		PerEntry: over(ckks.Answer.Total), PerQuery: spread(once), PerFurther: over(rest),
		Stages:         stages,
		TimesPlaintext: spread(plain), TimesProduct: spread(ours), TimesFurther: spread(oursFurther),
		KeyBytes: r.matcher.KeyBytes(), ProbeBytes: last.ProbeBytes, BytesDown: rounded(float64(last.AnswerBytes) / entries),
		ResidentPerEntry: rounded(float64(r.matcher.GalleryBytes(r.encrypted)) / ckks.Slots),
		Wrong:            r.wrong, Decisions: len(r.gallery) * len(r.answers), Precision: &precision}
}
