package replay

import (
	"github.com/puente-project/puente/protocol"
	"github.com/puente-project/puente/protocol/transcript"
)

// The offsets of the fields, as in the specification of the protocol.
const (
	nonceAt       = 2
	nonceEnd      = nonceAt + len(protocol.Nonce{})
	commitmentEnd = nonceEnd + 32
	epochEnd      = commitmentEnd + 8
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
	per, part := 0, int(index) // entries of a ciphertext or a batch, and which
	switch kind {
	case transcript.KindShare:
		per = p.layout.PerCiphertext
	case transcript.KindPrefixes, transcript.KindVerdict:
		if p.params != nil {
			per, part = p.params.Lanes()/p.layout.Shifts, part/p.params.HitBits
		}
	}
	entries := int(p.folder.grant.Entries)
	if first := part * per; per > 0 && first < entries {
		d.FirstSlot, d.LastSlot = first, min(first+per, entries)-1
	}
	return d
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
		parts, last = []part{{1, "kind"}, {nonceAt, "version"}, {nonceEnd, "nonce"}, {commitmentEnd, "commitment"}}, "terms"
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
