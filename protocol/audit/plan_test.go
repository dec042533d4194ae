package audit

import (
	"crypto/sha256"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/puente-project/puente/he"
	"github.com/puente-project/puente/protocol"
	"github.com/puente-project/puente/protocol/agreement"
	"github.com/puente-project/puente/protocol/transcript"
	"github.com/puente-project/puente/templates"
)

// TestNumbersOfProtocol holds the numbers that this package writes down for itself against
// the ones of the protocol, which it must not import.
func TestNumbersOfProtocol(t *testing.T) {
	if slots != he.Degree || maxBlocks != protocol.MaxBlocks || maxEntries != protocol.MaxEntries || window != protocol.Window {
		t.Error("a limit of the protocol has changed")
	}
	if got := sha256.Sum256([]byte(sessionIDText + "\x00\x00\x00\x04open\x00\x00\x00\x06accept")); protocol.ID(got) != protocol.SessionID([]byte("open"), []byte("accept")) {
		t.Error("the session id is made in another way")
	}
}

// TestLengths checks messages of the real lengths of every named scheme, and that one byte
// more is found.
func TestLengths(t *testing.T) {
	for _, named := range templates.Schemes() {
		for _, entries := range []int{1, 77, 1000} {
			layout := named.Scheme.BestLayout(he.Degree, entries)
			params, err := protocol.Params(named.Scheme, layout)
			if err != nil {
				t.Fatal(err)
			}
			plan, err := newPlan(named.Scheme, transcript.Grant{Entries: uint64(entries), Width: uint64(layout.Width)})
			if err != nil {
				t.Fatal(err)
			}
			if plan.layout != layout || plan.hitBits != params.HitBits {
				t.Fatalf("%s: layout %v with %d levels, want %v with %d", named.Name, plan.layout, plan.hitBits, layout, params.HitBits)
			}
			request := transcript.Request{Requester: "cl", Holder: "us", Watchlist: "list", Scheme: named.Scheme.String()}
			size := func(kind uint8, index int) int {
				switch kind {
				case transcript.KindOpen:
					return openSize + len("cl"+"us"+"list") + len(request.Scheme)
				case transcript.KindAccept:
					return acceptSize
				case transcript.KindKey:
					return headerSize + params.PublicKeySize()
				case transcript.KindBlock:
					return headerSize + params.BlockSize()
				case transcript.KindShare:
					return headerSize + params.ShareSize(plan.inShare(index))
				case transcript.KindPrefixes:
					return headerSize + params.PrefixesSize()
				}
				return headerSize + params.VerdictSize()
			}
			var records []transcript.Record
			for kind := uint8(transcript.KindOpen); kind <= transcript.KindVerdict; kind++ {
				for i := range plan.count(kind) {
					records = append(records, transcript.Record{Sender: senders[kind], Kind: kind, Index: uint32(i), Length: uint32(size(kind, i))})
				}
			}
			failed := func(records []transcript.Record) int {
				p := &pair{ledger: newLedger(), asked: request}
				p.checkLengths(&half{records: records}, plan, Place{})
				return len(p.ledger.findings)
			}
			if n := failed(records); n != 0 {
				t.Errorf("%s, %d entries: %d lengths are refused", named.Name, entries, n)
			}
			for i, r := range records {
				if r.Kind == transcript.KindShare && plan.shares == 1 {
					continue // any length is explained by some number of bits
				}
				longer := slices.Clone(records)
				longer[i].Length++
				if failed(longer) == 0 {
					t.Fatalf("%s, %d entries: a %v of one byte more is accepted", named.Name, entries, r)
				}
			}
		}
	}
}

// TestOrderOfSimulatedSessions draws journals as the two sides can write them, with tasks
// that end in any order and messages under way, and finds no fault; and that a message
// that stands before what it answers is one.
func TestOrderOfSimulatedSessions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		scheme, err := templates.NewVectorScheme(128)
		if err != nil {
			t.Fatal(err)
		}
		entries := rapid.IntRange(1, 40*slots).Draw(t, "entries")
		p, err := newPlan(scheme, transcript.Grant{Entries: uint64(entries), Width: uint64(rapid.SampledFrom([]int{1, 16, 128}).Draw(t, "width"))})
		if err != nil {
			t.Fatal(err)
		}
		own := rapid.SampledFrom([]transcript.Party{transcript.Requester, transcript.Holder}).Draw(t, "own")
		journal := simulate(t, p, own)
		if fault := p.order(journal, own); fault != "" {
			t.Fatal(fault)
		}
		i := slices.IndexFunc(journal, func(r transcript.Record) bool { return r.Kind == transcript.KindVerdict })
		first := journal[i]
		journal = slices.Delete(journal, i, i+1)
		j := slices.IndexFunc(journal, func(r transcript.Record) bool { return r.Kind == transcript.KindPrefixes && r.Index == first.Index })
		if p.order(slices.Insert(journal, j, first), own) == "" {
			t.Fatal("a verdict before its prefixes is accepted")
		}
	})
}

// simulate lets one side send what it may, in any order, and receive what the other side
// may send.
func simulate(t *rapid.T, p plan, own transcript.Party) []transcript.Record {
	var journal []transcript.Record
	add := func(kind uint8, index int) {
		journal = append(journal, transcript.Record{Sender: senders[kind], Kind: kind, Index: uint32(index)})
	}
	swap := func() bool { return rapid.IntRange(0, 3).Draw(t, "swap") == 0 }
	// some journals messages from first to end in a possible order.
	some := func(kind uint8, first, end int) {
		from := len(journal)
		for i := first; i < end; i++ {
			add(kind, i)
		}
		if senders[kind] == own && len(journal)-from > 1 && swap() {
			journal[from], journal[from+1] = journal[from+1], journal[from]
		}
	}
	add(transcript.KindOpen, 0)
	add(transcript.KindAccept, 0)
	add(transcript.KindKey, 0)
	some(transcript.KindBlock, 0, p.layout.Blocks)
	shares, prefixes, verdicts := 0, 0, 0
	for verdicts < p.batches {
		answered := verdicts
		if own == transcript.Holder {
			answered = prefixes
		}
		var can []int
		if shares < p.sharesUpTo(answered+window) {
			can = append(can, 0)
		}
		if prefixes < p.batches && p.sharesUpTo(prefixes+1) <= shares {
			can = append(can, 1)
		}
		if verdicts < prefixes {
			can = append(can, 2)
		}
		switch rapid.SampledFrom(can).Draw(t, "step") {
		case 0:
			end := p.sharesUpTo(answered + window)
			end = min(end, shares+rapid.IntRange(1, end-shares).Draw(t, "shares"))
			some(transcript.KindShare, shares, end)
			shares = end
		case 1:
			add(transcript.KindPrefixes, prefixes)
			prefixes++
		default:
			add(transcript.KindVerdict, verdicts)
			verdicts++
		}
	}
	return journal
}

// FuzzRecords feeds any bytes as the journal of a session, complete or aborted.
func FuzzRecords(f *testing.F) {
	scheme, err := templates.NewVectorScheme(128)
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte{1, 1, 0, 0, 0, 0, 0, 0, 0, 9}, uint64(10), uint64(128))
	f.Fuzz(func(t *testing.T, b []byte, entries, width uint64) {
		if n := len(b) % transcript.RecordSize; n != 0 {
			b = append(b, make([]byte, transcript.RecordSize-n)...)
		}
		records, err := transcript.ParseRecords(b)
		if err != nil {
			return
		}
		r := transcript.Request{Requester: "cl", Holder: "us", Scheme: scheme.String()}
		g := transcript.Grant{Request: transcript.TextDigest(r.Text()), Entries: entries % 100_000, Width: width}
		for _, head := range []*transcript.Head{nil, {Request: r, Grant: g}} {
			p := &pair{in: &Input{}, ledger: newLedger(), asked: r, request: g.Request}
			p.checkRecords(&half{side: &side{Party: Party{Agency: "us"}, root: root(t)}, folder: &folder{name: "x"}, records: records, recordsRead: true, grantText: &g, headText: head})
		}
	})
}

// FuzzParsePublic checks that what is accepted encodes to something that is accepted
// alike.
func FuzzParsePublic(f *testing.F) {
	f.Add([]byte(`{"puente_public":1,"agency":"cl","keys":[],"log_key":"","witness_key":""}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := ParsePublic(b)
		if err != nil {
			return
		}
		again, err := ParsePublic(p.Encode())
		if err != nil || string(again.Encode()) != string(p.Encode()) {
			t.Fatalf("%v", err)
		}
	})
}

// TestInputCheck lists what no report can be made of.
func TestInputCheck(t *testing.T) {
	agreed := agreement.Agreement{Parties: [2]string{"cl", "us"}}
	other := agreement.Agreement{Parties: [2]string{"ar", "us"}}
	cl, us := Party{"cl", "."}, Party{"us", "."}
	keys := []Public{{Agency: "cl"}, {Agency: "us"}}
	for name, in := range map[string]Input{
		"no party":          {Public: keys, Agreements: []agreement.Agreement{agreed}},
		"no agreement":      {Parties: []Party{cl}, Public: keys},
		"two agreements":    {Parties: []Party{cl}, Public: keys, Agreements: []agreement.Agreement{agreed, other}},
		"stranger":          {Parties: []Party{{"ar", "."}}, Public: keys, Agreements: []agreement.Agreement{agreed}},
		"one party twice":   {Parties: []Party{us, us}, Public: keys, Agreements: []agreement.Agreement{agreed}},
		"no keys":           {Parties: []Party{cl}, Public: keys[1:], Agreements: []agreement.Agreement{agreed}},
		"keys given twice":  {Parties: []Party{cl}, Public: append(keys, keys[0]), Agreements: []agreement.Agreement{agreed}},
		"folder is missing": {Parties: []Party{{"cl", "nowhere"}}, Public: keys, Agreements: []agreement.Agreement{agreed}},
	} {
		if _, err := Verify(in); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
