package suite

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/puente-project/puente/bench"
	"github.com/puente-project/puente/templates"
)

// Options of a run.
type Options struct {
	// Quick takes small sizes, for tests; figures are then not worth reading.
	Quick bool
	Seed  uint64    // of the synthetic people
	Log   io.Writer // what is being done, a line each; nil for nowhere
}

// sizes are what a run goes through.
type sizes struct {
	contenders, contenderRounds, points int // entries, rounds, rounds
	near                                int
	compared                            []int // dimensions, powers of two
	entries                             []int
	dims                                []int
	shifts                              []int
	vectors, irises                     int    // entries of the other series
	seriesDims, rows                    int    // of the other series; an iris has 128 columns
	hand                                string // scheme of the series of fused templates
	fused                               []int  // its entries
	probes                              int
	manifests                           []int // entries for sessions of so many probes
}

var (
	full = sizes{contenders: 8192, contenderRounds: 5, points: 9, near: 2048, compared: []int{128, 512},
		entries: []int{1000, 4096, 24576, 100_000}, dims: []int{128, 256, 512, 1024}, shifts: []int{1, 11, 21, 31},
		vectors: 24576, irises: 4096, seriesDims: 512, rows: 16,
		hand: "fingers-10x512", fused: []int{8192, 24576}, probes: 300, manifests: []int{4096, 24576}}
	quick = sizes{contenders: 256, contenderRounds: 2, points: 2, near: 64, compared: []int{16},
		entries: []int{10, 100}, dims: []int{16, 32}, shifts: []int{1, 3},
		vectors: 100, irises: 20, seriesDims: 32, rows: 4,
		hand: "fingers:1,2,3,4,5,6,7,8,9,10:16:norm=20:theta=60+20", fused: []int{20}, probes: 9, manifests: []int{20}}
)

// threads of the series of threads.
var threads = []int{1, 2}

// Run measures everything. Errors are those of the parts, and context.Canceled.
func Run(ctx context.Context, o Options) (*Report, error) {
	s, start := full, time.Now()
	if o.Quick {
		s = quick
	}
	if o.Log == nil {
		o.Log = io.Discard
	}
	r := &Report{Format: Format, Quick: o.Quick, Machine: thisMachine(), Seed: o.Seed, Started: start.UTC().Format(time.RFC3339)}
	for _, dims := range s.compared {
		fmt.Fprintf(o.Log, "contenders at %d dimensions\n", dims)
		c, err := compare(ctx, o, s, dims)
		if err != nil {
			return nil, fmt.Errorf("contenders at %d dimensions: %w", dims, err)
		}
		r.Comparisons = append(r.Comparisons, c)
	}
	list, err := s.series(o.Seed)
	if err != nil {
		return nil, err
	}
	for _, plan := range list {
		fmt.Fprintf(o.Log, "series of %s\n", plan.name)
		measured, err := plan.run(ctx, s.points)
		if err != nil {
			return nil, fmt.Errorf("series of %s: %w", plan.name, err)
		}
		r.Scaling = append(r.Scaling, measured)
	}
	for _, entries := range s.manifests {
		fmt.Fprintf(o.Log, "sessions of %d probes against %d entries\n", s.probes, entries)
		measured, err := s.manifest(ctx, entries, o.Seed)
		if err != nil {
			return nil, fmt.Errorf("sessions of %d probes against %d entries: %w", s.probes, entries, err)
		}
		r.Manifests = append(r.Manifests, measured)
	}
	r.Seconds, r.PeakRSS = rounded(time.Since(start).Seconds()), bench.PeakRSS()
	return r, nil
}

// manifest measures a session of many probes on one thread.
func (s sizes) manifest(ctx context.Context, entries int, seed uint64) (bench.ProbesResult, error) {
	scheme, err := templates.NewVectorScheme(s.seriesDims)
	if err != nil {
		return bench.ProbesResult{}, err
	}
	r, err := bench.Probes(ctx, bench.Config{Scheme: scheme, Entries: entries, Threads: 1, Seed: seed}, s.probes)
	for _, p := range []*bench.Pass{&r.SingleBare, &r.TogetherBare, &r.SingleLogged, &r.TogetherLogged} {
		p.Micros, p.Wall = rounded(p.Micros), rounded(p.Wall)
	}
	r.RatioBare, r.RatioLogged, r.RatioWall = rounded(r.RatioBare), rounded(r.RatioLogged), rounded(r.RatioWall)
	return r, err
}

// seriesPlan is a series to be measured.
type seriesPlan struct {
	name   string
	points []bench.Config
}

// series lists the series in the order of the report.
func (s sizes) series(seed uint64) ([]seriesPlan, error) {
	var failed error
	vector := func(dims int) templates.Scheme {
		v, err := templates.NewVectorScheme(dims)
		if err != nil {
			failed = err
		}
		return v
	}
	iris := func(shifts int) templates.Scheme {
		v, err := templates.NewIrisScheme(templates.Shape{Rows: s.rows, Cols: 128, Filters: 1, Planes: 1}, shifts)
		if err != nil {
			failed = err
		}
		return v
	}
	entries, dims, shifts := seriesPlan{name: "entries"}, seriesPlan{name: "dims"}, seriesPlan{name: "shifts"}
	fused, parallel, gallery := seriesPlan{name: "fused"}, seriesPlan{name: "threads"}, seriesPlan{name: "gallery"}
	hand, err := templates.SchemeByName(s.hand)
	if err != nil {
		return nil, err
	}
	one := bench.Config{Threads: 1, Seed: seed}
	add := func(p *seriesPlan, scheme templates.Scheme, entries int, change func(*bench.Config)) {
		c := one
		c.Scheme, c.Entries = scheme, entries
		if change != nil {
			change(&c)
		}
		p.points = append(p.points, c)
	}
	for _, n := range s.entries {
		add(&entries, vector(s.seriesDims), n, nil)
	}
	for _, d := range s.dims {
		add(&dims, vector(d), s.vectors, nil)
	}
	for _, n := range s.shifts {
		add(&shifts, iris(n), s.irises, nil)
	}
	widest := s.shifts[len(s.shifts)-1]
	for _, n := range s.fused {
		add(&fused, hand, n, nil)
	}
	longest := s.entries[len(s.entries)-1]
	for _, n := range threads {
		add(&parallel, vector(s.seriesDims), longest, func(c *bench.Config) { c.Threads = n })
	}
	for _, n := range threads {
		add(&parallel, iris(widest), s.irises, func(c *bench.Config) { c.Threads = n })
	}
	for _, compact := range []bool{false, true} {
		add(&gallery, vector(s.seriesDims), s.vectors, func(c *bench.Config) { c.Compact = compact })
	}
	for _, compact := range []bool{false, true} {
		add(&gallery, iris(widest), s.irises, func(c *bench.Config) { c.Compact = compact })
	}
	return []seriesPlan{entries, dims, shifts, fused, parallel, gallery}, failed
}
