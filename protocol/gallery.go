package protocol

import (
	"context"
	"fmt"
	"iter"
	"os"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"github.com/puente-project/puente/he"
	"github.com/puente-project/puente/templates"
)

// Gallery is a watchlist ready to be matched: encoded, transformed and resident. It
// is immutable and serves any number of sessions at once.
type Gallery struct {
	plan
	epoch   uint64
	weights []*he.Weights
}

// Epoch returns the state of the watchlist from which the gallery was built.
func (g *Gallery) Epoch() uint64 { return g.epoch }

// Entries returns the number of entries.
func (g *Gallery) Entries() int { return g.entries }

// Scheme returns the scheme of the watchlist.
func (g *Gallery) Scheme() templates.Scheme { return g.scheme }

// Layout returns the block layout.
func (g *Gallery) Layout() templates.Layout { return g.layout }

// Params returns the parameter set.
func (g *Gallery) Params() *he.Params { return g.params }

// Bytes returns the resident memory of the gallery in bytes.
func (g *Gallery) Bytes() int {
	total := 0
	for _, w := range g.weights {
		total += w.Bytes()
	}
	return total
}

// garbage is by how much the heap may grow beyond resident galleries before it is
// collected: sessions then reuse memory instead of touching fresh pages, which costs
// several times the arithmetic. A collection is cheap, for galleries hold no pointers.
const garbage = 64 << 20

// LimitGarbage sets the garbage collector's target for a process that keeps resident
// bytes of galleries, and returns the target before. An operator's GOGC is respected.
func LimitGarbage(resident int) (before int) {
	percent := min(100, max(2, 100*garbage/max(resident, 1)))
	if os.Getenv("GOGC") != "" {
		percent = debug.SetGCPercent(percent)
	}
	return debug.SetGCPercent(percent)
}

// NewGallery encodes a watchlist of 1..MaxEntries templates that the scheme admits,
// as many as source yields, in slot order. width 0 chooses the best layout. workers
// goroutines encode; progress, if not nil, is told the number of finished entries.
func NewGallery(ctx context.Context, scheme templates.Scheme, epoch uint64, entries, width, workers int,
	source iter.Seq2[templates.Template, error], progress func(done int)) (*Gallery, error) {
	if entries < 1 || entries > MaxEntries {
		return nil, fmt.Errorf("%w: a watchlist of %d entries, allowed are 1 to %d", ErrLimit, entries, MaxEntries)
	}
	if width == 0 {
		width = scheme.BestLayout(he.Degree, entries).Width
	}
	p, err := newPlan(scheme, entries, width)
	if err != nil {
		return nil, err
	}
	g := &Gallery{plan: p, epoch: epoch, weights: make([]*he.Weights, p.shares())}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	jobs := make(chan encodeJob)
	var running sync.WaitGroup
	var done atomic.Int64
	for range max(1, workers) {
		running.Go(func() {
			e := newEncoder(&g.plan)
			for j := range jobs {
				w, err := e.encode(j.entries)
				if err != nil {
					cancel(fmt.Errorf("slots from %d: %w", j.index*p.layout.PerCiphertext, err))
					continue
				}
				g.weights[j.index] = w // each index belongs to one job
				n := done.Add(int64(len(j.entries)))
				if progress != nil {
					progress(int(n))
				}
			}
		})
	}
	err = g.deal(ctx, source, jobs)
	close(jobs)
	running.Wait()
	if err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		return nil, err
	}
	return g, nil
}

// encodeJob is the entries of one score ciphertext.
type encodeJob struct {
	index   int
	entries []templates.Template
}

// deal cuts the source into ciphertexts.
func (g *Gallery) deal(ctx context.Context, source iter.Seq2[templates.Template, error], jobs chan<- encodeJob) error {
	slot := 0
	var job encodeJob
	for t, err := range source {
		if err == nil && slot == g.entries {
			err = fmt.Errorf("%w: the source yields more than %d templates", ErrLimit, g.entries)
		}
		if err == nil {
			err = g.scheme.Check(t)
		}
		if err != nil {
			return fmt.Errorf("slot %d: %w", slot, err)
		}
		slot++
		job.entries = append(job.entries, t)
		if len(job.entries) < g.inShare(job.index) {
			continue
		}
		select {
		case jobs <- job:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		job = encodeJob{index: job.index + 1}
	}
	if slot < g.entries {
		return fmt.Errorf("%w: the source yields %d of %d templates", ErrLimit, slot, g.entries)
	}
	return nil
}

// encoder turns the entries of one ciphertext into weights; it keeps its buffers.
type encoder struct {
	p      *plan
	entry  [][]int32
	blocks [][]int32
}

func newEncoder(p *plan) *encoder {
	blocks := make([][]int32, p.layout.Blocks)
	for i := range blocks {
		blocks[i] = make([]int32, p.params.Degree())
	}
	return &encoder{p, p.layout.NewEntryBlocks(), blocks}
}

// encode places weight i of entry j at X^(j*stride + m-1-i), so that the product with
// a probe block has the inner product with the probe shifted by s at j*stride + m-1 + s.
func (e *encoder) encode(list []templates.Template) (*he.Weights, error) {
	l := e.p.layout
	for _, block := range e.blocks {
		clear(block)
	}
	for j, t := range list {
		if err := e.p.scheme.EntryBlocks(l, t, e.entry); err != nil {
			return nil, err
		}
		top := l.ScoreCoefficient(j, 0)
		for b, row := range e.entry {
			for i, v := range row {
				e.blocks[b][top-i] = v
			}
		}
	}
	return e.p.params.NewWeights(e.blocks), nil
}
