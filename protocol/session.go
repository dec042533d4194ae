package protocol

import (
	"fmt"

	"github.com/puente-project/puente/he"
	"github.com/puente-project/puente/templates"
)

// A Task is a piece of pure computation that a role hands out. Its messages are to
// be sent in the order in which tasks were handed out; tasks may run at the same time
// as each other and as the role's methods, but are begun in order: a task may wait for
// one that was handed out before it, and for nothing else but the processor.
type Task = func() ([][]byte, error)

// Role is one party of a session: a state machine without connection, clock or
// logger. Its methods are not for concurrent use. After an error the session is
// dead and every further call returns ErrDead.
type Role interface {
	// Start returns what there is to do before anything is received.
	Start() []Task
	// Receive takes one message of the peer. The role may keep the slice.
	Receive(message []byte) ([]Task, error)
	// Done reports whether the last message of the peer has been received.
	Done() bool
}

// Stage is a part of the computation, for measurements.
type Stage int

// The stages in the order of the data.
const (
	StageEncryptProbe Stage = iota
	StageLoadProbe
	StageMultiplyAccumulate
	StageRerandomise
	StageDecryptShares
	StageEncryptPrefixes
	StageCompare
	StageReadVerdicts
	Stages int = iota
)

// A Meter is told when a stage begins on the calling goroutine and returns what to
// call when it ends. A nil Meter measures nothing.
type Meter func(Stage) (end func())

func (m Meter) begin(s Stage) func() {
	if m == nil {
		return func() {}
	}
	return m(s)
}

// plan is what both parties compute alike from the terms and the evaluator's reply.
type plan struct {
	scheme   templates.Scheme
	layout   templates.Layout
	params   *he.Params
	entries  int
	perBatch int // entries of a batch: whole entries, one lane for each shift
}

// newPlan derives layout and parameters; width comes from the peer.
func newPlan(scheme templates.Scheme, entries, width int) (plan, error) {
	layout, err := scheme.Layout(he.Degree, width)
	if err != nil {
		return plan{}, fmt.Errorf("%w: %w", ErrTerms, err)
	}
	if layout.Blocks > MaxBlocks {
		return plan{}, fmt.Errorf("%w: %d blocks, at most %d", ErrLimit, layout.Blocks, MaxBlocks)
	}
	params, err := Params(scheme, layout)
	if err != nil {
		return plan{}, fmt.Errorf("%w: %w", ErrTerms, err)
	}
	return plan{scheme, layout, params, entries, params.Lanes() / layout.Shifts}, nil
}

// Params returns the parameter set of a scheme in a layout.
func Params(scheme templates.Scheme, layout templates.Layout) (*he.Params, error) {
	low, high := scheme.ScoreRange()
	return he.New(he.Need{ScoreMin: low, ScoreMax: high,
		WeightL1: int64(layout.PerCiphertext) * scheme.WeightBound()})
}

func (p *plan) shares() int  { return p.layout.Ciphertexts(p.entries) }
func (p *plan) batches() int { return (p.entries + p.perBatch - 1) / p.perBatch }

// inShare returns the number of entries of a score ciphertext.
func (p *plan) inShare(index int) int {
	return min(p.layout.PerCiphertext, p.entries-index*p.layout.PerCiphertext)
}

// inBatch returns the first entry of a batch and the entry behind its last.
func (p *plan) inBatch(batch int) (first, end int) {
	return batch * p.perBatch, min((batch+1)*p.perBatch, p.entries)
}

// comparisons returns the number of comparisons of a batch.
func (p *plan) comparisons(batch int) int {
	first, end := p.inBatch(batch)
	return (end - first) * p.layout.Shifts
}

// levels returns the number of messages with prefixes, and of those with verdicts, of a
// batch. They are numbered through: those of batch b begin at b*levels.
func (p *plan) levels() int { return p.params.HitBits }

// sharesUpTo returns the number of score ciphertexts that cover the batches before end.
func (p *plan) sharesUpTo(end int) int {
	return p.layout.Ciphertexts(min(end*p.perBatch, p.entries))
}

// positions returns the coefficients of a score ciphertext that hold scores: entry
// by entry, shift by shift.
func (p *plan) positions(entries int) []int {
	list := make([]int, 0, entries*p.layout.Shifts)
	for j := 0; j < entries; j++ {
		for s := 0; s < p.layout.Shifts; s++ {
			list = append(list, p.layout.ScoreCoefficient(j, s))
		}
	}
	return list
}

// collect returns the comparisons of a batch, in lane order, out of the score
// ciphertexts that hold them; of(i) gives the values of ciphertext i.
func (p *plan) collect(batch int, of func(share int) ([]uint32, error)) ([]uint32, error) {
	first, end := p.inBatch(batch)
	shifts, per := p.layout.Shifts, p.layout.PerCiphertext
	values := make([]uint32, 0, (end-first)*shifts)
	for entry := first; entry < end; {
		share := entry / per
		v, err := of(share)
		if err != nil {
			return nil, err
		}
		upTo := min(end, (share+1)*per)
		values = append(values, v[(entry-share*per)*shifts:(upTo-share*per)*shifts]...)
		entry = upTo
	}
	return values, nil
}
