package audit

import (
	"fmt"
	"slices"

	"github.com/puente-project/puente/protocol/schedule"
	"github.com/puente-project/puente/protocol/transcript"
)

// passage follows the messages of a session in the order in which a side has journaled them.
type passage struct {
	plan
	own     transcript.Party
	places  int // of records so far
	key     bool
	blocks  int
	shares  int          // without gap
	ahead   map[int]bool // shares behind a gap
	sent    map[int]int  // messages with prefixes, by batch
	answers int          // prefixes or verdicts of the other side
	next    [transcript.KindVerdict + 1]uint32
}

// order returns why a side cannot have journaled messages in this order, or "". Messages
// that a side receives come in the order of their index. Those that it sends are computed
// at the same time, so that only what they answer must come before. All indexes must be
// below the counts of the plan.
func (p plan) order(records []transcript.Record, own transcript.Party) string {
	s := passage{plan: p, own: own, ahead: map[int]bool{}, sent: map[int]int{}}
	for _, r := range records {
		if r.Sender != own {
			if r.Index < s.next[r.Kind] {
				return fmt.Sprintf("%v came after %s %d", r, transcript.KindName(r.Kind), s.next[r.Kind]-1)
			}
			s.next[r.Kind] = r.Index + 1
		}
		if early := s.early(r.Kind, int(r.Index)); early != "" {
			return fmt.Sprintf("%v stands in place %d, and %s", r, s.places, early)
		}
		s.pass(r)
	}
	return ""
}

// early returns what had to come before a message and did not, or "".
func (s *passage) early(kind uint8, n int) string {
	switch kind {
	case transcript.KindOpen:
		if s.places != 0 {
			return "it is not the first message"
		}
	case transcript.KindAccept:
		if s.places != 1 {
			return "it does not follow the open message"
		}
	case transcript.KindKey:
		if s.places < 2 {
			return "the session was not accepted"
		}
	case transcript.KindBlock:
		return s.earlyBlock(s.Wave(n / s.Layout.Blocks / s.PerWave))
	case transcript.KindShare:
		w := s.Place(n).Wave
		if need := w.First*s.Layout.Blocks + w.Blocks(); s.blocks < need || !s.key {
			return fmt.Sprintf("%d of %d blocks had passed", s.blocks, need)
		}
		if answered := s.batchOf(s.answers); n >= s.SharesUpTo(answered+schedule.Window) {
			return fmt.Sprintf("%d batches had been answered", answered)
		}
	case transcript.KindPrefixes:
		if s.shares < s.SharesUpTo(s.batchOf(n)+1) {
			return fmt.Sprintf("share %d had not passed", s.shares)
		}
	case transcript.KindVerdict:
		if passed := s.sent[s.batchOf(n)]; passed < s.Levels {
			return fmt.Sprintf("%d of the %d prefixes of its batch had passed", passed, s.Levels)
		}
	}
	return ""
}

// earlyBlock is early for a block of a wave. The requester computes blocks of a later wave at
// the same time as the last prefixes of the wave before, from when it has all shares of that
// wave; the holder receives them behind those prefixes.
func (s *passage) earlyBlock(w schedule.Wave) string {
	if s.places < 2 || s.own == transcript.Holder && !s.key {
		return "the key had not passed"
	}
	if s.shares < w.Share {
		return fmt.Sprintf("share %d, of the probes before, had not passed", s.shares)
	}
	if need := w.Batch * s.Levels; s.own == transcript.Holder && s.answers < need {
		return fmt.Sprintf("%d of the %d prefixes of the probes before had passed", s.answers, need)
	}
	return ""
}

// pass counts a message.
func (s *passage) pass(r transcript.Record) {
	s.places++
	switch n := int(r.Index); r.Kind {
	case transcript.KindKey:
		s.key = true
	case transcript.KindBlock:
		s.blocks++
	case transcript.KindShare:
		for s.ahead[n] = true; s.ahead[s.shares]; s.shares++ {
			delete(s.ahead, s.shares)
		}
	case transcript.KindPrefixes:
		s.sent[s.batchOf(n)]++
	}
	if r.Sender != s.own && (r.Kind == transcript.KindPrefixes || r.Kind == transcript.KindVerdict) {
		s.answers++
	}
}

// held reports whether records are of verdicts of the last batch: the requester has them
// from the receipt, and the messages only if the connection lasted until their release.
func (p plan) held(records []transcript.Record) bool {
	return p.known() && !slices.ContainsFunc(records, func(r transcript.Record) bool {
		return r.Kind != transcript.KindVerdict || int(r.Index) < (p.Batches()-1)*p.Levels
	})
}
