package audit

import (
	"fmt"
	"math/bits"

	"github.com/puente-project/puente/protocol/schedule"
	"github.com/puente-project/puente/protocol/transcript"
	"github.com/puente-project/puente/templates"
)

// plan says which messages a session has, from request and grant alone. The zero plan, of a
// session without a grant, has the opening messages and the key only.
type plan struct{ schedule.Schedule }

func newPlan(s templates.Scheme, probes uint64, g transcript.Grant) (plan, error) {
	if probes < 1 || probes > schedule.MaxProbes {
		return plan{}, fmt.Errorf("1 to %d probes are possible", schedule.MaxProbes)
	}
	if g.Entries < 1 || g.Entries > schedule.MaxEntries || g.Width > degree {
		return plan{}, fmt.Errorf("1 to %d entries and blocks of at most %d are possible", schedule.MaxEntries, degree)
	}
	layout, err := s.Layout(degree, int(g.Width))
	if err != nil {
		return plan{}, err
	}
	if layout.Blocks > schedule.MaxBlocks {
		return plan{}, fmt.Errorf("%d blocks, at most %d are possible", layout.Blocks, schedule.MaxBlocks)
	}
	low, high := s.ScoreRange()
	scoreBits, levels := comparison(low, high)
	if low >= 0 || high < 0 || max(scoreBits, levels) > maxScoreBits {
		return plan{}, fmt.Errorf("scores from %d to %d, of at most %d bits are possible", low, high, maxScoreBits)
	}
	return plan{schedule.New(layout, int(probes), int(g.Entries), planesFor(scoreBits)*laneDegree, levels)}, nil
}

// known reports whether there is a grant to plan from.
func (p plan) known() bool { return p.Probes > 0 }

// comparison is what the protocol's specification derives from a range of scores: the
// bits of a masked score, k, and the levels of a comparison, h.
func comparison(low, high int64) (scoreBits, levels int) {
	levels = bits.Len64(uint64(high + 1))
	return bits.Len64(uint64(1<<levels-low-1) - 1), levels
}

// planesFor is the number of planes of laneDegree comparisons in a whole batch. Three
// moduli of more than scoreBits bits leave room for the noise up to threePlanes.
func planesFor(scoreBits int) int {
	if scoreBits <= threePlanes {
		return 3
	}
	return 2
}

// batchOf is the batch of a message with prefixes or a verdict.
func (p plan) batchOf(index int) int { return index / p.Levels }

// planesOf is the number of planes of a batch: no more than it needs.
func (p plan) planesOf(batch int) int { return (p.Comparisons(batch) + laneDegree - 1) / laneDegree }

// count is the number of messages of a kind.
func (p plan) count(kind uint8) int {
	switch {
	case kind <= transcript.KindKey:
		return 1
	case !p.known():
		return 0
	case kind == transcript.KindBlock:
		return p.Blocks()
	case kind == transcript.KindShare:
		return p.Shares()
	}
	return p.Batches() * p.Levels
}

// inShare is the number of scores in a share.
func (p plan) inShare(share int) int { return p.Held(p.Place(share).Ciphertext) * p.Layout.Shifts }

// whole is the number of scores in a share that is full, and rest that in the last share of
// each probe.
func (p plan) whole() int { return p.Layout.PerCiphertext * p.Layout.Shifts }
func (p plan) rest() int  { return p.Held(p.Ciphertexts()-1) * p.Layout.Shifts }

// fits reports whether a message has a length that its kind can have.
func (p plan) fits(m transcript.Record, r transcript.Request, planes int) bool {
	n := int(m.Length)
	bitsOf := func(coefficients, most int) bool { // 1 to most bits of every coefficient
		rest, unit := n-headerSize, coefficients/8
		return rest > 0 && rest%unit == 0 && rest/unit <= most
	}
	switch m.Kind {
	case transcript.KindOpen:
		return n == openSize+len(r.Requester)+len(r.Holder)+len(r.Watchlist)+len(r.Scheme)
	case transcript.KindAccept:
		return n == acceptSize
	case transcript.KindKey:
		return n == keySize
	case transcript.KindBlock:
		return bitsOf(degree, maxBits)
	case transcript.KindPrefixes:
		if planes == 1 {
			return n == headerSize+2*primeSize
		}
		return n == headerSize+3*primeSize
	case transcript.KindVerdict:
		return bitsOf(laneDegree, maxVerdictBits)
	}
	return true // a share; see shareLengths
}

// shareLengths reports whether some number of bits for a and for b explains the lengths of
// a full share, and of one with the rest of a probe's scores; 0 stands for none.
func (p plan) shareLengths(full, short uint32) bool {
	fits := func(a, b, scores int, length uint32) bool {
		return length == 0 || length == uint32(headerSize+degree/8*a+(scores*b+7)/8)
	}
	for a := 1; a <= maxBits; a++ {
		for b := 1; b <= maxBits; b++ {
			if fits(a, b, p.whole(), full) && fits(a, b, p.rest(), short) {
				return true
			}
		}
	}
	return false
}
