package replay

import (
	"fmt"
	"slices"

	"github.com/puente-project/puente/protocol/transcript"
)

// finish counts what was not reached, settles what the head proves and draws the
// conclusion.
func (p *player) finish() *Report {
	r := p.report
	for _, list := range p.folder.byIndex {
		for _, position := range list {
			record := p.folder.records[position]
			switch {
			case p.seen[position]:
			case r.Stopped == "":
				d := p.difference(Unexpected, record.Kind, record.Index, position)
				if record.Sender == p.own {
					p.found(record.Kind, d)
				} else {
					r.find(d)
				}
			case record.Sender == p.own:
				r.Unchecked++
			}
		}
	}
	for _, e := range p.folder.extra {
		r.find(Difference{Class: Unexpected, Sender: e.sender.String(), Kind: transcript.KindName(e.kind), Offset: -1,
			Field: "message", Body: -1, File: e.offset, FirstSlot: -1, LastSlot: -1})
	}
	if r.RecordsAltered {
		p.settle()
	}
	r.Equal = r.Finding == Equal && r.Stopped == ""
	if r.Detail == "" {
		r.Detail = p.detail()
	}
	return r
}

// settle puts the replay's records in the place of those that differ. If the head chains
// to them, both parties signed what the replay gives.
func (p *player) settle() {
	r := p.report
	records := slices.Clone(p.folder.records)
	for position, record := range p.made {
		records[position] = record
	}
	if len(p.made) > 0 && p.folder.chains(records) {
		for i := range r.Differences {
			if d := &r.Differences[i]; d.Class == Inputs || d.Class == Departure {
				d.Class = Altered
			}
		}
		if r.Finding == Inputs || r.Finding == Departure {
			r.Finding = Altered
		}
		return
	}
	if r.Finding == Equal {
		r.Finding = Altered
	}
}

// detail says for people what was found.
func (p *player) detail() string {
	r := p.report
	first := r.First()
	switch r.Finding {
	case Equal:
		if r.Stopped != "" {
			return r.Stopped
		}
		return fmt.Sprintf("all messages of the %s are what its seed and inputs give", r.Role)
	case Seed:
		return r.Stopped
	case Inputs:
		return p.inputs(first)
	case Departure:
		return fmt.Sprintf("the %s sent what does not follow from its seed and the messages it received", r.Role)
	case Missing:
		if first.Field == "record" {
			return fmt.Sprintf("the %s had to send it, but it is not among the signed records", r.Role)
		}
		if p.unreleased(first) {
			return "the last verdict, or the end of it, is signed but not in the file: it was removed, or the connection broke before it was released"
		}
		return "its record is there, the message is not"
	case Refused:
		return "the replayed party must have ended the session there"
	case Unexpected:
		return "nothing in the protocol gives it"
	case Altered:
		switch {
		case first == nil:
			return "the records are not those of the head that both parties signed"
		case first.Field == "record":
			return "the message is right, its record is not: the records were changed after they had been written"
		case first.Field == "frame":
			return "the message is intact, sender or length before it are not: the file was changed after it had been written"
		case first.Field == "order":
			return "the message is intact, its place in the file is not: the file was changed after it had been written"
		}
		return "it is not what was recorded: the file was changed after it had been written"
	}
	return ""
}

// unreleased reports whether nothing but the end of the last batch's verdict is missing,
// of which the records come with the receipt and the messages behind the seal.
func (p *player) unreleased(first *Difference) bool {
	list := p.folder.byIndex[transcript.KindVerdict]
	from := len(list) // of the messages at the end that are lost
	for from > 0 && p.folder.places[list[from-1]].state == lost {
		from--
	}
	missing := len(list) - from
	if missing == 0 || missing > p.params.HitBits || first.Kind != transcript.KindName(transcript.KindVerdict) || first.Index != p.folder.records[list[from]].Index {
		return false
	}
	if p.own == transcript.Requester { // whose replay stops at the first
		missing = 1
	}
	return p.report.Different == missing
}

// inputs says which inputs must have been others.
func (p *player) inputs(first *Difference) string {
	kind := ""
	if first != nil {
		kind = first.Kind
	}
	switch kind {
	case transcript.KindName(transcript.KindBlock):
		which := "the probe"
		if p.report.Probes > 1 {
			which = fmt.Sprintf("probe %d of %d", first.FirstProbe, p.report.Probes)
		}
		return which + " that is given is not the one that was sent, or the requester altered its message before it was recorded"
	case transcript.KindName(transcript.KindShare):
		if n := p.report.count(transcript.KindShare); p.scores == n.Different && n.Equal == 0 && n.Different > 0 {
			return "every share has the right watchlist but other scores: the holder moved the threshold"
		}
		return fmt.Sprintf("entries in slots %d to %d are not those that are given, or the holder altered its message before it was recorded", first.FirstSlot, first.LastSlot)
	}
	return "the inputs that are given are not those that the grant names"
}
