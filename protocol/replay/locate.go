package replay

import (
	"github.com/puente-project/puente/protocol"
	"github.com/puente-project/puente/protocol/schedule"
	"github.com/puente-project/puente/protocol/transcript"
)

// The offsets of the fields, as in the specification of the protocol.
const (
	nonceAt       = 2
	nonceEnd      = nonceAt + len(protocol.Nonce{})
	commitmentEnd = nonceEnd + 32
	probesEnd     = commitmentEnd + 2 // of open
	epochEnd      = commitmentEnd + 8 // of accept
	entriesEnd    = epochEnd + 4

	sessionAt  = 1
	indexAt    = sessionAt + len(protocol.ID{})
	headerSize = indexAt + 4
)

// difference describes a message; position is that of its record, -1 for none.
func (p *player) difference(class Class, kind uint8, index uint32, position int) Difference {
	d := Difference{Class: class, Sender: senderOf(kind).String(), Kind: transcript.KindName(kind), Index: index,
		Offset: -1, Field: "message", Body: -1, File: -1, FirstSlot: -1, LastSlot: -1}
	if position >= 0 && p.folder.places[position].state != lost {
		d.File = p.folder.places[position].offset
	}
	if p.params == nil {
		return d // there is no plan yet
	}
	n, batch := int(index), int(index)/p.plan.Levels
	switch {
	case kind == transcript.KindBlock && n < p.plan.Blocks():
		d.FirstProbe = n/p.plan.Layout.Blocks + 1
		d.LastProbe = d.FirstProbe
	case kind == transcript.KindShare && n < p.plan.Shares():
		at := p.plan.Place(n)
		d.cover(&p.plan, at, at.Pair, at.Wave.Pairs())
	case (kind == transcript.KindPrefixes || kind == transcript.KindVerdict) && batch < p.plan.Batches():
		_, first, end := p.plan.Batch(batch)
		for share := p.plan.FirstShare(batch); share < p.plan.SharesUpTo(batch+1); share++ {
			d.cover(&p.plan, p.plan.Place(share), first, end)
		}
	}
	return d
}

// cover makes the ranges of probes and slots cover those pairs of a score ciphertext that
// are among the pairs from first to end-1 of its wave.
func (d *Difference) cover(plan *schedule.Schedule, at schedule.Place, first, end int) {
	slot := at.Ciphertext*plan.Layout.PerCiphertext - at.Pair // a pair and this are its slot
	from, to := slot+max(first, at.Pair), slot+min(end, at.Pair+plan.Held(at.Ciphertext))-1
	if d.FirstProbe == 0 {
		d.FirstProbe, d.LastProbe, d.FirstSlot, d.LastSlot = at.Probe+1, at.Probe+1, from, to
		return
	}
	d.FirstProbe, d.LastProbe = min(d.FirstProbe, at.Probe+1), max(d.LastProbe, at.Probe+1)
	d.FirstSlot, d.LastSlot = min(d.FirstSlot, from), max(d.LastSlot, to)
}

// locate compares what is in the file with what should be there.
func (d *Difference) locate(got, want []byte) {
	d.Bytes = max(len(got), len(want)) - min(len(got), len(want))
	for i := range min(len(got), len(want)) {
		if got[i] == want[i] {
			continue
		}
		if d.Offset < 0 {
			d.Offset = i
		}
		d.Bytes++
	}
	if d.Offset < 0 { // one is the beginning of the other
		d.Offset = min(len(got), len(want))
		d.Field = "length"
		return
	}
	d.Field = field(d.Kind, d.Offset)
	if d.Field == "body" {
		d.Body = d.Offset - headerSize
	}
}

// field names what is at an offset of a message.
func field(kind string, offset int) string {
	type part struct {
		end  int
		name string
	}
	parts := []part{{sessionAt, "kind"}, {indexAt, "session"}, {headerSize, "index"}}
	last := "body"
	switch kind {
	case transcript.KindName(transcript.KindOpen):
		parts, last = []part{{1, "kind"}, {nonceAt, "version"}, {nonceEnd, "nonce"}, {commitmentEnd, "commitment"}, {probesEnd, "probes"}}, "terms"
	case transcript.KindName(transcript.KindAccept):
		parts, last = []part{{1, "kind"}, {nonceAt, "version"}, {nonceEnd, "nonce"}, {commitmentEnd, "commitment"},
			{epochEnd, "epoch"}, {entriesEnd, "entries"}}, "width"
	}
	for _, p := range parts {
		if offset < p.end {
			return p.name
		}
	}
	return last
}
