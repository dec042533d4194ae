package protocol

import (
	"fmt"

	"github.com/puente-project/puente/he"
	"github.com/puente-project/puente/protocol/schedule"
	"github.com/puente-project/puente/templates"
)

// plan is what both parties compute alike from the open message and the evaluator's reply.
type plan struct {
	schedule.Schedule
	scheme templates.Scheme
	params *he.Params
}

// newPlan derives layout and parameters; width comes from the peer.
func newPlan(scheme templates.Scheme, probes, entries, width int) (plan, error) {
	if err := checkPairs(probes, entries); err != nil {
		return plan{}, err
	}
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
	return plan{schedule.New(layout, probes, entries, params.Lanes(), params.HitBits), scheme, params}, nil
}

// checkPairs keeps the numbers of all messages within 32 bits.
func checkPairs(probes, entries int) error {
	if int64(probes)*int64(entries) > maxPairs {
		return fmt.Errorf("%w: %d probes and %d entries make more than %d pairs", ErrLimit, probes, entries, int64(maxPairs))
	}
	return nil
}

// Params returns the parameter set of a scheme in a layout.
func Params(scheme templates.Scheme, layout templates.Layout) (*he.Params, error) {
	low, high := scheme.ScoreRange()
	return he.New(he.Need{ScoreMin: low, ScoreMax: high,
		WeightL1: int64(layout.PerCiphertext) * scheme.WeightBound()})
}

// positions returns the coefficients of a score ciphertext that hold scores: entry
// by entry, shift by shift.
func (p *plan) positions(entries int) []int {
	list := make([]int, 0, entries*p.Layout.Shifts)
	for j := 0; j < entries; j++ {
		for s := 0; s < p.Layout.Shifts; s++ {
			list = append(list, p.Layout.ScoreCoefficient(j, s))
		}
	}
	return list
}

// collect returns the comparisons of a batch, in lane order, out of the score
// ciphertexts that hold them; of(i) gives the values of ciphertext i.
func (p *plan) collect(batch int, of func(share int) ([]uint32, error)) ([]uint32, error) {
	_, first, end := p.Batch(batch)
	shifts := p.Layout.Shifts
	values := make([]uint32, 0, (end-first)*shifts)
	for share := p.FirstShare(batch); share < p.SharesUpTo(batch+1); share++ {
		v, err := of(share)
		if err != nil {
			return nil, err
		}
		at := p.Place(share)
		from, to := max(first, at.Pair), min(end, at.Pair+p.Held(at.Ciphertext))
		values = append(values, v[(from-at.Pair)*shifts:(to-at.Pair)*shifts]...)
	}
	return values, nil
}
