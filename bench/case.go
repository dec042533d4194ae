package bench

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/puente-project/puente/protocol"
	"github.com/puente-project/puente/templates"
	"github.com/puente-project/puente/templates/synthetic"
)

// Prepared is a watchlist ready for queries, for those who take the rounds of several in
// turn.
type Prepared struct {
	Gallery *protocol.Gallery
	Probe   templates.Template
	List    []templates.Template // by slot

	config   Config
	expected []int // slots that hit in the clear, ascending
	base     Result
	rounds   uint64
}

// Prepare enrols a watchlist as Run does and encodes it.
func Prepare(ctx context.Context, c Config) (*Prepared, error) {
	if c.Threads < 1 || c.Threads > 1024 {
		return nil, fmt.Errorf("%d threads: allowed are 1 to 1024", c.Threads)
	}
	if c.Entries < 1 || c.Entries > protocol.MaxEntries {
		return nil, fmt.Errorf("%d entries: allowed are 1 to %d", c.Entries, protocol.MaxEntries)
	}
	if c.Near < 0 || c.Near > c.Entries || c.Near > 0 && c.Scheme.Modality != templates.ModalityVector {
		return nil, fmt.Errorf("%d entries near the threshold: allowed are 0 to %d, and more than 0 for vectors only", c.Near, c.Entries)
	}
	c = c.complete()
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(c.Threads))

	people, err := synthetic.New(c.Scheme, c.Seed)
	if err != nil {
		return nil, err
	}
	p := &Prepared{Probe: people.Genuine(0, 0), config: c}
	if p.List, err = enrol(ctx, c, people); err != nil {
		return nil, err
	}
	if err := approach(c, p.Probe, p.List); err != nil {
		return nil, err
	}
	expected, plain, err := p.Plaintext()
	if err != nil {
		return nil, err
	}
	p.expected = slices.Clone(expected)

	wall, cpu := time.Now(), cpuTime(unix.CLOCK_PROCESS_CPUTIME_ID)
	progress := func(done int) { c.Progress("encode", done, c.Entries) }
	if c.Compact {
		p.Gallery, err = protocol.NewCompactGallery(ctx, c.Scheme, 1, c.Entries, 0, templates.Sequence(p.List), progress)
	} else {
		p.Gallery, err = protocol.NewGallery(ctx, c.Scheme, 1, c.Entries, 0, c.Threads, templates.Sequence(p.List), progress)
	}
	if err != nil {
		return nil, err
	}
	setupWall, setup := time.Since(wall), cpuTime(unix.CLOCK_PROCESS_CPUTIME_ID)-cpu
	p.base = result(c, p.Gallery)
	p.base.HitsExpected = len(p.expected)
	p.base.PlaintextPerEntry = plain
	p.base.SetupPerEntry, p.base.SetupWallSeconds = micros(setup)/float64(c.Entries), setupWall.Seconds()
	return p, nil
}

// Round runs one query, with GOMAXPROCS set to the threads, and compares its decisions
// with those in the clear. Fields that only a whole run has are zero: Rounds,
// RatioToPlaintext, PeakRSS.
func (p *Prepared) Round(ctx context.Context) (Result, error) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(p.config.Threads))
	r := p.base
	hits, err := query(ctx, p.config, p.Gallery, p.Probe, p.rounds, &r)
	if err != nil {
		return Result{}, err
	}
	p.rounds++
	r.judge(hits, p.expected)
	return r, nil
}

// Plaintext runs the plaintext matcher over the watchlist, at least five times and 20 ms.
// It returns the slots that hit, ascending, and the CPU time of the median pass in
// microseconds per entry.
func (p *Prepared) Plaintext() (hits []int, perEntry float64, err error) {
	hits, pass, err := matchPlain(p.config, p.Probe, p.List)
	return hits, micros(pass) / float64(p.config.Entries), err
}

// Clock reads the CPU clock of the process, all threads together.
func Clock() time.Duration { return cpuTime(unix.CLOCK_PROCESS_CPUTIME_ID) }

// PeakRSS returns the largest resident set of the process so far in bytes.
func PeakRSS() int64 { return peakRSS() }
