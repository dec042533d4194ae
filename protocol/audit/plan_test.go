package audit

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
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
	if degree != he.Degree || laneDegree != he.LaneDegree || maxBlocks != protocol.MaxBlocks || maxEntries != protocol.MaxEntries || window != protocol.Window {
		t.Error("a limit of the protocol has changed")
	}
	if got := sha256.Sum256([]byte(sessionIDText + "\x00\x00\x00\x04open\x00\x00\x00\x06accept")); protocol.ID(got) != protocol.SessionID([]byte("open"), []byte("accept")) {
		t.Error("the session id is made in another way")
	}
}

// TestComparisons holds planes, levels and lengths of prefixes against package he, for the
// smallest and the largest range of scores of all bits and levels.
func TestComparisons(t *testing.T) {
	compare := func(scoreBits, levels int, low, high int64) {
		p, err := he.New(he.Need{ScoreMin: low, ScoreMax: high, WeightL1: 1})
		if err != nil {
			t.Fatal(err)
		}
		k, h := comparison(low, high)
		if k != scoreBits || h != levels || k != p.ScoreBits || h != p.HitBits {
			t.Fatalf("scores from %d to %d: k = %d and h = %d, want %d and %d", low, high, k, h, p.ScoreBits, p.HitBits)
		}
		if planesFor(k)*laneDegree != p.Lanes() || headerSize+p.PublicKeySize() != keySize {
			t.Fatalf("k = %d, h = %d: %d planes and a key of %d bytes, want %d lanes and %d bytes", k, h, planesFor(k), keySize, p.Lanes(), headerSize+p.PublicKeySize())
		}
		for planes := 1; planes <= planesFor(k); planes++ {
			for _, n := range []int{(planes-1)*laneDegree + 1, planes * laneDegree} {
				batch := plan{layout: templates.Layout{Shifts: 1}, entries: n, perBatch: p.Lanes(), levels: h}
				prefixes := transcript.Record{Kind: transcript.KindPrefixes, Length: uint32(headerSize + p.PrefixSize(n))}
				verdict := transcript.Record{Kind: transcript.KindVerdict, Length: uint32(headerSize + p.VerdictSize(n))}
				got := batch.planesOf(0)
				if got != planes || !batch.fits(prefixes, transcript.Request{}, got) || !batch.fits(verdict, transcript.Request{}, got) {
					t.Fatalf("k = %d, h = %d: %d comparisons have %d planes, prefixes of %d and verdicts of %d bytes", k, h, n, got, prefixes.Length, verdict.Length)
				}
			}
		}
	}
	for k := 1; k <= maxScoreBits; k++ {
		for h := 1; h <= k; h++ {
			compare(k, h, min(-1, int64(-1<<(k-1)+1<<h-2)), 1<<(h-1)-1)
			compare(k, h, -1<<k+1<<h-1, 1<<h-2)
		}
	}
	for _, scores := range [][2]int64{{-1, 1<<maxScoreBits - 1}, {-1 << maxScoreBits, 0}, {-1 << 62, 1 << 62}} {
		if k, h := comparison(scores[0], scores[1]); max(k, h) <= maxScoreBits {
			t.Errorf("scores from %d to %d are of %d bits with %d levels", scores[0], scores[1], k, h)
		}
		if _, err := he.New(he.Need{ScoreMin: scores[0], ScoreMax: scores[1], WeightL1: 1}); !errors.Is(err, he.ErrRange) {
			t.Errorf("scores from %d to %d give error %v, want %v", scores[0], scores[1], err, he.ErrRange)
		}
	}
}

// TestLengths checks messages of the real lengths of every named scheme, and that one byte
// more is found.
func TestLengths(t *testing.T) {
	for _, named := range templates.Schemes() {
		for _, entries := range []int{1, 77, 1000, 25_000} {
			layout := named.Scheme.BestLayout(he.Degree, entries)
			params, err := protocol.Params(named.Scheme, layout)
			if err != nil {
				t.Fatal(err)
			}
			plan, err := newPlan(named.Scheme, transcript.Grant{Entries: uint64(entries), Width: uint64(layout.Width)})
			if err != nil {
				t.Fatal(err)
			}
			if plan.layout != layout || plan.levels != params.HitBits || plan.perBatch != params.Lanes()/layout.Shifts {
				t.Fatalf("%s: layout %v with %d levels and %d entries in a batch, want %v with %d and %d lanes", named.Name, plan.layout, plan.levels, plan.perBatch, layout, params.HitBits, params.Lanes())
			}
			comparisons := func(index int) int {
				batch := index / params.HitBits
				return min(plan.perBatch, entries-batch*plan.perBatch) * layout.Shifts
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
					return headerSize + params.PrefixSize(comparisons(index))
				}
				return headerSize + params.VerdictSize(comparisons(index))
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
				if n := int(r.Index); n > 1 && n < plan.count(r.Kind)-2 {
					continue // as the others of its kind
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

// vectorPlan is the plan of a session of vectors.
func vectorPlan(t rapid.TB, entries, width int) plan {
	scheme, err := templates.NewVectorScheme(128)
	if err != nil {
		t.Fatal(err)
	}
	p, err := newPlan(scheme, transcript.Grant{Entries: uint64(entries), Width: uint64(width)})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestOrderOfSimulatedSessions draws journals as the two sides can write them, with tasks
// that end in any order and messages under way, and finds no fault; and that a verdict
// that stands before one of the prefixes of its batch is one.
func TestOrderOfSimulatedSessions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const perBatch = maxPlanes * laneDegree
		entries := rapid.IntRange(0, window+2).Draw(t, "batches")*perBatch + rapid.IntRange(1, perBatch).Draw(t, "entries")
		p := vectorPlan(t, entries, rapid.SampledFrom([]int{1, 16, 128}).Draw(t, "width"))
		own := rapid.SampledFrom([]transcript.Party{transcript.Requester, transcript.Holder}).Draw(t, "own")
		journal := simulate(t, p, own)
		if fault := p.order(journal, own); fault != "" {
			t.Fatal(fault)
		}
		i := slices.IndexFunc(journal, func(r transcript.Record) bool { return r.Kind == transcript.KindVerdict })
		first := journal[i]
		batch := p.batchOf(int(first.Index))
		var j int // the last prefixes of the batch
		for at, r := range journal[:i] {
			if r.Kind == transcript.KindPrefixes && p.batchOf(int(r.Index)) == batch {
				j = at
			}
		}
		journal = slices.Insert(slices.Delete(journal, i, i+1), j, first)
		if fault, want := p.order(journal, own), fmt.Sprintf("%d of the %d prefixes of its batch had passed", p.levels-1, p.levels); !strings.Contains(fault, want) {
			t.Fatalf("a verdict before the last prefixes of its batch: fault %q, want %q", fault, want)
		}
	})
}

// TestOrderOfBatches has shares at the end of the window and prefixes at the end of their
// shares, and one message further.
func TestOrderOfBatches(t *testing.T) {
	p := vectorPlan(t, (window+2)*maxPlanes*laneDegree, 128)
	for _, own := range []transcript.Party{transcript.Requester, transcript.Holder} {
		var journal []transcript.Record
		add := func(kind uint8, first, end int) {
			for i := first; i < end; i++ {
				journal = append(journal, transcript.Record{Sender: senders[kind], Kind: kind, Index: uint32(i)})
			}
		}
		// fault is that of the journal with one message more.
		fault := func(kind uint8, index int) string {
			return p.order(append(slices.Clip(journal), transcript.Record{Sender: senders[kind], Kind: kind, Index: uint32(index)}), own)
		}
		add(transcript.KindOpen, 0, 1)
		add(transcript.KindAccept, 0, 1)
		add(transcript.KindKey, 0, 1)
		add(transcript.KindBlock, 0, p.layout.Blocks)
		add(transcript.KindShare, 0, p.sharesUpTo(1)-1)
		if got, want := fault(transcript.KindPrefixes, 0), fmt.Sprintf("share %d had not passed", p.sharesUpTo(1)-1); !strings.Contains(got, want) {
			t.Errorf("%v, prefixes before the last share: fault %q, want %q", own, got, want)
		}
		add(transcript.KindShare, p.sharesUpTo(1)-1, p.sharesUpTo(window))
		add(transcript.KindPrefixes, 0, p.levels)
		if got, want := fault(transcript.KindPrefixes, window*p.levels), fmt.Sprintf("share %d had not passed", p.sharesUpTo(window)); !strings.Contains(got, want) {
			t.Errorf("%v, prefixes of a batch behind the shares: fault %q, want %q", own, got, want)
		}
		last := transcript.Record{Sender: transcript.Requester, Kind: transcript.KindPrefixes, Index: uint32(p.levels - 1)}
		if own == transcript.Requester { // who is answered by verdicts
			add(transcript.KindVerdict, 0, p.levels)
			last = transcript.Record{Sender: transcript.Holder, Kind: transcript.KindVerdict, Index: uint32(p.levels - 1)}
		}
		next := p.sharesUpTo(window)
		for n := next; n < p.sharesUpTo(window+1); n++ {
			if got := fault(transcript.KindShare, n); got != "" {
				t.Fatalf("%v, share %d of %d: %s", own, n, p.sharesUpTo(window+1), got)
			}
		}
		if got, want := fault(transcript.KindShare, p.sharesUpTo(window+1)), "1 batches had been answered"; !strings.Contains(got, want) {
			t.Errorf("%v, share behind the window: fault %q, want %q", own, got, want)
		}
		if journal[len(journal)-1] != last {
			t.Fatalf("%v: the last record is %v", own, journal[len(journal)-1])
		}
		journal = journal[:len(journal)-1]
		if got, want := fault(transcript.KindShare, next), "0 batches had been answered"; !strings.Contains(got, want) {
			t.Errorf("%v, share before the last answer of a batch: fault %q, want %q", own, got, want)
		}
	}
}

// TestHeldMessages cuts the messages of a requester whose connection broke at the release:
// those of the last batch's verdict may be missing, and none before them.
func TestHeldMessages(t *testing.T) {
	p := vectorPlan(t, maxPlanes*laneDegree+1, 128)
	if p.batches != 2 || p.levels < 2 {
		t.Fatalf("%d batches of %d levels", p.batches, p.levels)
	}
	var records []transcript.Record
	for i := range p.count(transcript.KindVerdict) {
		records = append(records, transcript.Record{Sender: transcript.Holder, Kind: transcript.KindVerdict, Index: uint32(i)})
	}
	for first := range records {
		if got, want := p.held(records[first:]), first >= p.levels; got != want {
			t.Errorf("verdicts from %d on are missing: accepted %v, want %v", first, got, want)
		}
	}
	records[p.levels+1].Kind = transcript.KindPrefixes
	if p.held(records[p.levels:]) {
		t.Error("missing prefixes are accepted")
	}
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
	for verdicts < p.batches*p.levels {
		answered := p.batchOf(verdicts)
		if own == transcript.Holder {
			answered = p.batchOf(prefixes)
		}
		var can []int
		if shares < p.sharesUpTo(answered+window) {
			can = append(can, 0)
		}
		if prefixes < p.batches*p.levels && p.sharesUpTo(p.batchOf(prefixes)+1) <= shares {
			can = append(can, 1)
		}
		if verdicts < p.batchOf(prefixes)*p.levels {
			can = append(can, 2)
		}
		// within is the end of some messages of the batch to which the next one belongs.
		within := func(next int) int {
			return min(next+rapid.IntRange(1, p.levels).Draw(t, "levels"), (p.batchOf(next)+1)*p.levels)
		}
		switch rapid.SampledFrom(can).Draw(t, "step") {
		case 0:
			end := p.sharesUpTo(answered + window)
			end = min(end, shares+rapid.IntRange(1, end-shares).Draw(t, "shares"))
			some(transcript.KindShare, shares, end)
			shares = end
		case 1:
			end := within(prefixes)
			some(transcript.KindPrefixes, prefixes, end)
			prefixes = end
		default:
			end := within(verdicts)
			some(transcript.KindVerdict, verdicts, end)
			verdicts = end
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
	f.Add([]byte{1, 6, 0xff, 0xff, 0xff, 0xff, 0, 2, 0x58, 0x25}, uint64(10), uint64(128))
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
		for _, half := range []half{{}, {grantText: &g}, {grantText: &g, headText: &transcript.Head{Request: r, Grant: g}}} {
			half.side, half.folder = &side{Party: Party{Agency: "us"}, root: root(t)}, &folder{name: "x"}
			half.records, half.recordsRead = records, true
			p := &pair{in: &Input{}, ledger: newLedger(), asked: r, request: g.Request}
			p.checkRecords(&half)
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
