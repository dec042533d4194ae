package audit

import (
	"fmt"
	"math/bits"
	"slices"

	"github.com/puente-project/puente/protocol/transcript"
	"github.com/puente-project/puente/templates"
)

// plan is how many messages of each kind a session has, from scheme and grant alone.
type plan struct {
	layout          templates.Layout
	entries         int
	perBatch        int // entries
	shares, batches int
	levels          int // messages with prefixes, and with verdicts, of a batch
}

func newPlan(s templates.Scheme, g transcript.Grant) (plan, error) {
	if g.Entries < 1 || g.Entries > maxEntries || g.Width > degree {
		return plan{}, fmt.Errorf("1 to %d entries and blocks of at most %d are possible", maxEntries, degree)
	}
	layout, err := s.Layout(degree, int(g.Width))
	if err != nil {
		return plan{}, err
	}
	if layout.Blocks > maxBlocks {
		return plan{}, fmt.Errorf("%d blocks, at most %d are possible", layout.Blocks, maxBlocks)
	}
	n := int(g.Entries)
	low, high := s.ScoreRange()
	scoreBits, levels := comparison(low, high)
	if low >= 0 || high < 0 || max(scoreBits, levels) > maxScoreBits {
		return plan{}, fmt.Errorf("scores from %d to %d, of at most %d bits are possible", low, high, maxScoreBits)
	}
	p := plan{layout: layout, entries: n, perBatch: planesFor(scoreBits) * laneDegree / layout.Shifts, levels: levels}
	p.shares, p.batches = layout.Ciphertexts(n), (n+p.perBatch-1)/p.perBatch
	return p, nil
}

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

// batchOf is the batch of a message with prefixes or a verdict. Without a grant there is no
// plan, and levels is 0.
func (p plan) batchOf(index int) int { return index / max(1, p.levels) }

// planesOf is the number of planes of a batch: no more than it needs.
func (p plan) planesOf(batch int) int {
	entries := max(1, min(p.perBatch, p.entries-batch*p.perBatch)) // a batch behind the last is found elsewhere
	return (entries*p.layout.Shifts + laneDegree - 1) / laneDegree
}

// count is the number of messages of a kind.
func (p plan) count(kind uint8) int {
	switch kind {
	case transcript.KindOpen, transcript.KindAccept, transcript.KindKey:
		return 1
	case transcript.KindBlock:
		return p.layout.Blocks
	case transcript.KindShare:
		return p.shares
	}
	return p.batches * p.levels
}

// sharesUpTo is the number of shares that cover the batches before end.
func (p plan) sharesUpTo(end int) int { return p.layout.Ciphertexts(min(end*p.perBatch, p.entries)) }

// inShare is the number of scores in a share.
func (p plan) inShare(index int) int {
	return min(p.layout.PerCiphertext, p.entries-index*p.layout.PerCiphertext) * p.layout.Shifts
}

// order returns why a side cannot have journaled messages in this order, or "". Messages
// that a side receives come in the order of their index. Those that it sends are computed
// at the same time, so that only what they answer must come before.
func (p plan) order(records []transcript.Record, own transcript.Party) string {
	shares := make([]bool, p.shares)
	prefixes := make([]int, p.batches) // messages of the batch
	low, blocks, answers := 0, 0, 0    // shares without gap, blocks, prefixes or verdicts of the other side
	key := false
	var next [transcript.KindVerdict + 1]uint32
	for i, r := range records {
		if r.Sender != own {
			if r.Index < next[r.Kind] {
				return fmt.Sprintf("%v came after %s %d", r, transcript.KindName(r.Kind), next[r.Kind]-1)
			}
			next[r.Kind] = r.Index + 1
		}
		early := ""
		switch n := int(r.Index); r.Kind {
		case transcript.KindOpen:
			if i != 0 {
				early = "it is not the first message"
			}
		case transcript.KindAccept:
			if i != 1 {
				early = "it does not follow the open message"
			}
		case transcript.KindKey:
			if i < 2 {
				early = "the session was not accepted"
			}
			key = true
		case transcript.KindBlock:
			if i < 2 || own == transcript.Holder && !key {
				early = "the key had not passed"
			}
			blocks++
		case transcript.KindShare:
			if blocks < p.layout.Blocks || !key {
				early = fmt.Sprintf("%d of %d blocks had passed", blocks, p.layout.Blocks)
			} else if answered := p.batchOf(answers); n >= p.sharesUpTo(answered+window) {
				early = fmt.Sprintf("%d batches had been answered", answered)
			}
			shares[n] = true
			for low < len(shares) && shares[low] {
				low++
			}
		case transcript.KindPrefixes:
			batch := p.batchOf(n)
			if low < p.sharesUpTo(batch+1) {
				early = fmt.Sprintf("share %d had not passed", low)
			}
			prefixes[batch]++
		case transcript.KindVerdict:
			if passed := prefixes[p.batchOf(n)]; passed < p.levels {
				early = fmt.Sprintf("%d of the %d prefixes of its batch had passed", passed, p.levels)
			}
		}
		if early != "" {
			return fmt.Sprintf("%v stands in place %d, and %s", r, i, early)
		}
		if r.Sender != own && (r.Kind == transcript.KindPrefixes || r.Kind == transcript.KindVerdict) {
			answers++
		}
	}
	return ""
}

// held reports whether records are of verdicts of the last batch: the requester has them
// from the receipt, and the messages only if the connection lasted until their release.
func (p plan) held(records []transcript.Record) bool {
	return !slices.ContainsFunc(records, func(r transcript.Record) bool {
		return r.Kind != transcript.KindVerdict || int(r.Index) < (p.batches-1)*p.levels
	})
}

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
// a full share (0 if there is none) and of the last.
func (p plan) shareLengths(full, last uint32) bool {
	size := func(a, b, scores int) uint32 { return uint32(headerSize + degree/8*a + (scores*b+7)/8) }
	for a := 1; a <= maxBits; a++ {
		for b := 1; b <= maxBits; b++ {
			if size(a, b, p.inShare(p.shares-1)) == last && (full == 0 || size(a, b, p.inShare(0)) == full) {
				return true
			}
		}
	}
	return false
}
