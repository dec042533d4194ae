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

// Gallery is a watchlist ready to be matched. It is immutable and serves any number of
// sessions at once. It has one of two forms: resident, encoded and transformed, or
// compact, the templates as they are, which every session encodes anew.
type Gallery struct {
	single  plan // of a session of one probe
	epoch   uint64
	weights []*he.Weights          // resident
	compact [][]templates.Template // by ciphertext
	spare   sync.Pool              // encoders of a compact gallery
	probes  probeMemory
}

// probeMemory keeps probes that are no longer needed for the sessions to come, which then
// touch no fresh memory: those of one wave, so that a holder at rest keeps 67 MB a gallery
// at most, or one larger probe.
type probeMemory struct {
	mu   sync.Mutex
	list []*he.Probe
}

func (m *probeMemory) take() *he.Probe {
	m.mu.Lock()
	defer m.mu.Unlock()
	last := len(m.list) - 1
	if last < 0 {
		return nil
	}
	probe := m.list[last]
	m.list = m.list[:last]
	return probe
}

// giveBack keeps as many probes as there is room for.
func (m *probeMemory) giveBack(probes []*he.Probe, room int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.list = append(m.list, probes[:min(len(probes), room-len(m.list))]...)
}

// Compact reports which form the gallery has.
func (g *Gallery) Compact() bool { return g.compact != nil }

// Epoch returns the state of the watchlist from which the gallery was built.
func (g *Gallery) Epoch() uint64 { return g.epoch }

// Entries returns the number of entries.
func (g *Gallery) Entries() int { return g.single.Entries }

// Scheme returns the scheme of the watchlist.
func (g *Gallery) Scheme() templates.Scheme { return g.single.scheme }

// Layout returns the block layout.
func (g *Gallery) Layout() templates.Layout { return g.single.Layout }

// Params returns the parameter set.
func (g *Gallery) Params() *he.Params { return g.single.params }

// Bytes returns the resident memory of the gallery in bytes.
func (g *Gallery) Bytes() int {
	total := 0
	for _, w := range g.weights {
		total += w.Bytes()
	}
	if g.Compact() {
		total = g.single.Entries * g.single.scheme.BinarySize()
	}
	return total
}

// ResidentBytes returns the memory that a resident gallery of so many entries takes in the
// best layout.
func ResidentBytes(scheme templates.Scheme, entries int) int64 {
	l := scheme.BestLayout(he.Degree, entries)
	if l.PerCiphertext < 1 {
		return 0
	}
	return int64(l.Ciphertexts(entries)) * int64(l.Blocks) * he.BlockBytes
}

// garbage is by how much the heap may grow beyond resident galleries before it is
// collected: sessions then reuse memory instead of touching fresh pages, which costs
// several times the arithmetic. A collection is cheap, for galleries hold no pointers.
const garbage = 128 << 20

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
	g, err := emptyGallery(scheme, epoch, entries, width)
	if err != nil {
		return nil, err
	}
	g.weights = make([]*he.Weights, g.single.Ciphertexts())
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	jobs := make(chan encodeJob)
	var running sync.WaitGroup
	var done atomic.Int64
	for range max(1, workers) {
		running.Go(func() {
			e := newEncoder(&g.single)
			for j := range jobs {
				if err := e.fill(j.entries); err != nil {
					cancel(fmt.Errorf("slots from %d: %w", j.index*g.single.Layout.PerCiphertext, err))
					continue
				}
				g.weights[j.index] = g.single.params.NewWeights(e.blocks) // each index belongs to one job
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

// emptyGallery lays a gallery out.
func emptyGallery(scheme templates.Scheme, epoch uint64, entries, width int) (*Gallery, error) {
	if entries < 1 || entries > MaxEntries {
		return nil, fmt.Errorf("%w: a watchlist of %d entries, allowed are 1 to %d", ErrLimit, entries, MaxEntries)
	}
	if width == 0 {
		width = scheme.BestLayout(he.Degree, entries).Width
	}
	p, err := newPlan(scheme, 1, entries, width)
	if err != nil {
		return nil, err
	}
	return &Gallery{single: p, epoch: epoch}, nil
}

// NewCompactGallery is NewGallery for the compact form, which takes a tenth to a hundredth
// of the memory and costs every session the encoding. The templates are retained.
func NewCompactGallery(ctx context.Context, scheme templates.Scheme, epoch uint64, entries, width int,
	source iter.Seq2[templates.Template, error], progress func(done int)) (*Gallery, error) {
	g, err := emptyGallery(scheme, epoch, entries, width)
	if err != nil {
		return nil, err
	}
	g.compact = make([][]templates.Template, g.single.Ciphertexts())
	jobs := make(chan encodeJob)
	failed := make(chan error, 1)
	go func() {
		failed <- g.deal(ctx, source, jobs)
		close(jobs)
	}()
	done := 0
	for j := range jobs {
		g.compact[j.index] = j.entries
		if done += len(j.entries); progress != nil {
			progress(done)
		}
	}
	if err := <-failed; err != nil {
		return nil, err
	}
	return g, nil
}

// plan returns the plan of a session of so many probes.
func (g *Gallery) plan(probes int) plan {
	p := g.single
	p.Probes = probes
	return p
}

// accumulate computes the score ciphertexts from first to end-1 of each probe.
func (g *Gallery) accumulate(key *he.PublicKey, probes []*he.Probe, first, end int) ([][]he.Sum, error) {
	if !g.Compact() {
		return key.Accumulate(probes, g.weights[first:end])
	}
	e, ok := g.spare.Get().(*encoder)
	if !ok {
		e = newEncoder(&g.single)
	}
	defer g.spare.Put(e)
	sums := make([][]he.Sum, len(probes))
	for _, entries := range g.compact[first:end] {
		if err := e.fill(entries); err != nil {
			return nil, err
		}
		if e.weights == nil {
			e.weights = g.single.params.NewWeights(e.blocks)
		} else {
			e.weights.Fill(e.blocks)
		}
		column, err := key.Accumulate(probes, []*he.Weights{e.weights})
		if err != nil {
			return nil, err
		}
		for i := range sums {
			sums[i] = append(sums[i], column[i]...)
		}
	}
	return sums, nil
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
		if err == nil && slot == g.single.Entries {
			err = fmt.Errorf("%w: the source yields more than %d templates", ErrLimit, g.single.Entries)
		}
		if err == nil {
			err = g.single.scheme.Check(t)
		}
		if err != nil {
			return fmt.Errorf("slot %d: %w", slot, err)
		}
		slot++
		job.entries = append(job.entries, t)
		if len(job.entries) < g.single.Held(job.index) {
			continue
		}
		select {
		case jobs <- job:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		job = encodeJob{index: job.index + 1}
	}
	if slot < g.single.Entries {
		return fmt.Errorf("%w: the source yields %d of %d templates", ErrLimit, slot, g.single.Entries)
	}
	return nil
}

// encoder turns the entries of one ciphertext into blocks; it keeps its buffers.
type encoder struct {
	p       *plan
	entry   [][]int32
	blocks  [][]int32
	weights *he.Weights // of a compact gallery, used again
}

func newEncoder(p *plan) *encoder {
	blocks := make([][]int32, p.Layout.Blocks)
	for i := range blocks {
		blocks[i] = make([]int32, p.params.Degree())
	}
	return &encoder{p: p, entry: p.Layout.NewBlocks(), blocks: blocks}
}

// fill places the blocks of entry j from X^(j*stride) on, so that the product with the
// probe's has the score at shift s at j*stride + m-1+s.
func (e *encoder) fill(list []templates.Template) error {
	l := e.p.Layout
	for _, block := range e.blocks {
		clear(block)
	}
	for j, t := range list {
		if err := e.p.scheme.EntryBlocks(l, t, e.entry); err != nil {
			return err
		}
		for b, row := range e.entry {
			copy(e.blocks[b][j*l.Stride:], row)
		}
	}
	return nil
}
