package suite

import (
	"context"
	"runtime"
	"runtime/debug"

	"github.com/puente-project/puente/bench"
	"github.com/puente-project/puente/protocol"
)

// samples are the rounds of the product on one watchlist.
type samples struct {
	prepared         *bench.Prepared
	rounds           []bench.Result
	plain, ratio     []float64
	wrong, decisions int
}

// round runs the plaintext matcher and a query; a round that warms up is not counted but
// for its decisions.
func (s *samples) round(ctx context.Context, counted bool) error {
	_, plain, err := s.prepared.Plaintext()
	if err != nil {
		return err
	}
	r, err := s.prepared.Round(ctx)
	if err != nil {
		return err
	}
	s.wrong, s.decisions = s.wrong+r.DecisionMismatches, s.decisions+r.Entries
	if counted {
		s.rounds = append(s.rounds, r)
		s.plain, s.ratio = append(s.plain, plain), append(s.ratio, r.TotalPerEntry/plain)
	}
	return nil
}

// over gives the spread of a figure over the rounds.
func (s *samples) over(figure func(bench.Result) float64) Spread {
	var list []float64
	for _, r := range s.rounds {
		list = append(list, figure(r))
	}
	return spread(list)
}

// productStages are the stages of the product in the order of the data.
var productStages = []struct {
	name   string
	figure func(bench.Result) float64
}{
	{"probe", func(r bench.Result) float64 { return r.ProbeMicros / float64(r.Entries) }},
	{"multiply and accumulate", func(r bench.Result) float64 { return r.PerEntry.MultiplyAccumulate }},
	{"re-randomise", func(r bench.Result) float64 { return r.PerEntry.Rerandomise }},
	{"decrypt shares", func(r bench.Result) float64 { return r.PerEntry.DecryptShares }},
	{"encrypt prefixes", func(r bench.Result) float64 { return r.PerEntry.EncryptPrefixes }},
	{"compare", func(r bench.Result) float64 { return r.PerEntry.Compare }},
	{"read verdicts", func(r bench.Result) float64 { return r.PerEntry.ReadVerdicts }},
	{"other", other},
}

// other is what no stage has: keys, hashing, transport, garbage collection.
func other(r bench.Result) float64 {
	p := r.PerEntry
	return max(0, r.TotalPerEntry-r.ProbeMicros/float64(r.Entries)-p.MultiplyAccumulate-p.Rerandomise-p.DecryptShares-
		p.EncryptPrefixes-p.Compare-p.ReadVerdicts)
}

func (s *samples) stages() (list []Stage) {
	for _, stage := range productStages {
		list = append(list, Stage{stage.name, s.over(stage.figure)})
	}
	return list
}

// run measures a series. All its watchlists are in memory at once.
func (p seriesPlan) run(ctx context.Context, rounds int) (Series, error) {
	list, resident := make([]samples, len(p.points)), 0
	for i, c := range p.points {
		prepared, err := bench.Prepare(ctx, c)
		if err != nil {
			return Series{}, err
		}
		list[i].prepared = prepared
		resident += prepared.Gallery.Bytes()
	}
	defer debug.SetGCPercent(protocol.LimitGarbage(resident))
	runtime.GC()
	for round := range rounds + 1 {
		for i := range list {
			if err := list[i].round(ctx, round > 0); err != nil {
				return Series{}, err
			}
		}
	}
	s := Series{Name: p.name, Rounds: rounds}
	for i := range list {
		s.Points = append(s.Points, list[i].point(p.points[i]))
	}
	return s, nil
}

func (s *samples) point(c bench.Config) Point {
	r := s.rounds[0]
	return Point{Modality: r.Modality, Dims: r.Dims, Entries: r.Entries, Shifts: r.Shifts, Threads: c.Threads, Compact: c.Compact,
		PerEntry: s.over(func(r bench.Result) float64 { return r.TotalPerEntry }), Stages: s.stages(),
		Plaintext: spread(s.plain), TimesPlaintext: spread(s.ratio),
		Wall:          s.over(func(r bench.Result) float64 { return r.WallSeconds }),
		SetupPerEntry: rounded(r.SetupPerEntry), SetupWall: rounded(r.SetupWallSeconds), ResidentPerEntry: rounded(r.ResidentPerEntry),
		BytesUpPerEntry: rounded(r.BytesUpPerEntry), BytesDown: rounded(r.BytesDownPerEntry), ProbeBytes: r.ProbeBytes,
		Wrong: s.wrong, Decisions: s.decisions}
}
