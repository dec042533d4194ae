package audit

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/puente-project/puente/protocol/transcript"
)

// checkSides compares the two sides' accounts of the session.
func (p *pair) checkSides() {
	l := p.ledger
	if len(p.sides) < 2 {
		for _, id := range []string{SidesMissing, SidesNote, SidesRecords, SidesStatus, SidesLost} {
			l.skip(id, 1, whyPartner)
		}
		return
	}
	for _, s := range p.sides {
		p.checkPresent(s)
	}
	requester, holder := p.half(p.asked.Requester), p.half(p.asked.Holder)
	if requester == nil || holder == nil || requester == holder {
		return
	}
	p.compareRecords(requester, holder)
	if requester.entry == nil || holder.entry == nil {
		return
	}
	asked, answered := requester.entry.head, holder.entry.head
	where := requester.inLog()
	switch {
	case asked != nil && answered == nil && requester.entry.outcome == transcript.OutcomeUnknown:
		// Both had signed, the holder broke off before the last answer and the requester says so.
		l.pass(SidesStatus)
	case asked != nil && answered == nil:
		l.fail(SidesStatus, holder.inLog(), "%s logs the session as aborted, %s has a result", holder.side.Agency, requester.side.Agency)
	case asked == nil && answered != nil:
		l.pass(SidesStatus)
		l.fail(SidesLost, where, "%s has answered, and the answer did not arrive", holder.side.Agency)
	case asked != nil:
		l.pass(SidesStatus)
		l.check(SidesLost, requester.entry.outcome != transcript.OutcomeUnknown, where, "%s has answered, and %s did not read the answer", holder.side.Agency, requester.side.Agency)
		difference := compareNotes(requester.entry.note, holder.entry.note)
		l.check(SidesNote, difference == "", where, "%s and %s (log entry %d) have signed different heads: %s",
			requester.side.Agency, holder.side.Agency, holder.entry.index, difference)
	}
}

// checkPresent names a session that a side lacks.
func (p *pair) checkPresent(s *side) {
	l, h := p.ledger, p.half(s.Agency)
	if s.log == nil {
		l.skip(SidesMissing, 1, whyLog)
		return
	}
	if h != nil && h.entry != nil {
		l.pass(SidesMissing)
		return
	}
	var other *half
	for _, o := range p.halves {
		if o.side != s && (o.entry != nil || o.folder != nil) {
			other = o
		}
	}
	switch {
	case other == nil:
		return // no one else has it: evidence.unlogged
	case s.Agency == p.asked.Holder && h == nil && len(other.allGrants(p.request)) == 0:
		l.pass(SidesMissing) // the request never reached the holder
	case other.entry == nil:
		return // neither log has it
	default:
		l.fail(SidesMissing, other.anywhere(), "the session is in the log of %s and not in that of %s", other.side.Agency, s.Agency)
	}
}

// compareRecords compares what both have recorded of each message. Messages of an aborted
// session may be on one side only.
func (p *pair) compareRecords(a, b *half) {
	l := p.ledger
	if !a.recordsRead || !b.recordsRead {
		l.skip(SidesRecords, 1, "a session's records cannot be read")
		return
	}
	differ := differing(a.records, b.records)
	const most = 4
	text := strings.Join(differ[:min(most, len(differ))], ", ")
	if len(differ) > most {
		text += fmt.Sprintf(" and %d more", len(differ)-most)
	}
	l.check(SidesRecords, len(differ) == 0, a.at(recordsFile), "%s and %s have recorded different messages: %s", a.side.Agency, b.side.Agency, text)
}

// differing names the messages that both have recorded, differently.
func differing(a, b []transcript.Record) (names []string) {
	a, b = slices.Clone(a), slices.Clone(b)
	transcript.Sort(a)
	transcript.Sort(b)
	for i, j := 0, 0; i < len(a) && j < len(b); {
		x, y := a[i], b[j]
		switch order := cmp.Or(cmp.Compare(x.Kind, y.Kind), cmp.Compare(x.Index, y.Index)); {
		case order < 0:
			i++
		case order > 0:
			j++
		default:
			if x != y {
				names = append(names, x.String())
			}
			i, j = i+1, j+1
		}
	}
	return names
}

// compareNotes says in what two notes differ, or "".
func compareNotes(a, b transcript.Note) string {
	if a.Body != b.Body {
		x, y := strings.Split(a.Body, "\n"), strings.Split(b.Body, "\n")
		for i := range x {
			if i >= len(y) || x[i] != y[i] {
				name, _, _ := strings.Cut(x[i], " ")
				return "in the line " + name
			}
		}
		return "in their length"
	}
	if a.Text() != b.Text() {
		return "in their signatures"
	}
	return ""
}
