package audit

import (
	"crypto/sha256"
	"errors"
	"slices"
	"testing"

	"github.com/puente-project/puente/he"
	"github.com/puente-project/puente/protocol"
	"github.com/puente-project/puente/protocol/agreement"
	"github.com/puente-project/puente/protocol/schedule"
	"github.com/puente-project/puente/protocol/transcript"
	"github.com/puente-project/puente/templates"
)

// TestNumbersOfProtocol holds the numbers that this package writes down for itself against
// the ones of the protocol, which it must not import.
func TestNumbersOfProtocol(t *testing.T) {
	if degree != he.Degree || laneDegree != he.LaneDegree || protocolVersion != protocol.Version {
		t.Error("a number of the protocol has changed")
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
				batch := plan{schedule.New(templates.Layout{Blocks: 1, Shifts: 1, PerCiphertext: 1}, 1, n, p.Lanes(), h)}
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
		for _, c := range []struct{ probes, entries int }{{1, 1}, {1, 77}, {1, 1000}, {1, 25_000}, {2, 1}, {5, 77}, {3, 1000}} {
			probes, entries := c.probes, c.entries
			layout := named.Scheme.BestLayout(he.Degree, entries)
			params, err := protocol.Params(named.Scheme, layout)
			if err != nil {
				t.Fatal(err)
			}
			plan, err := newPlan(named.Scheme, uint64(probes), transcript.Grant{Entries: uint64(entries), Width: uint64(layout.Width)})
			if err != nil {
				t.Fatal(err)
			}
			if want := schedule.New(layout, probes, entries, params.Lanes(), params.HitBits); plan.Schedule != want {
				t.Fatalf("%s: schedule %+v, want %+v", named.Name, plan.Schedule, want)
			}
			comparisons := func(index int) int { return plan.Comparisons(index / params.HitBits) }
			request := transcript.Request{Requester: "cl", Holder: "us", Watchlist: "list", Scheme: named.Scheme.String(), Probes: uint64(probes)}
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
				t.Errorf("%s, %d probes, %d entries: %d lengths are refused", named.Name, probes, entries, n)
			}
			for i, r := range records {
				if r.Kind == transcript.KindShare && plan.Shares() == 1 {
					continue // any length is explained by some number of bits
				}
				if n, last := int(r.Index), plan.count(r.Kind)-1; n > 1 && n < last-1 && n != plan.Ciphertexts()-1 {
					continue // as the others of its kind
				}
				longer := slices.Clone(records)
				longer[i].Length++
				if failed(longer) == 0 {
					t.Fatalf("%s, %d probes, %d entries: a %v of one byte more is accepted", named.Name, probes, entries, r)
				}
			}
		}
	}
}

// TestRealOpenMessage holds length and content of an open message of several probes against
// the protocol's, and finds one of another number of probes.
func TestRealOpenMessage(t *testing.T) {
	scheme, err := templates.ParseScheme("vector:2:norm=3:theta=2")
	if err != nil {
		t.Fatal(err)
	}
	probe, err := templates.NewVector([]int8{1, 2}, 3)
	if err != nil {
		t.Fatal(err)
	}
	seed, terms := he.Seed{1}, protocol.Terms{Requester: "cl", Holder: "us", Watchlist: "wanted", Scheme: scheme}
	owner, err := protocol.NewKeyOwnerFromSeed(terms, slices.Repeat([]templates.Template{probe}, 300), seed, protocol.Nonce{2}, nil)
	if err != nil {
		t.Fatal(err)
	}
	messages, err := owner.Start()[0]()
	if err != nil {
		t.Fatal(err)
	}
	good := transcript.Request{Requester: "cl", Holder: "us", Watchlist: "wanted", Scheme: scheme.String(), Probes: 300, Seed: protocol.Commit(seed)}
	if !(plan{}).fits(transcript.RecordOf(transcript.Requester, messages[0]), good, 0) {
		t.Errorf("an open message of %d bytes is of another length than is expected", len(messages[0]))
	}
	for name, c := range map[string]struct {
		change func(*transcript.Request)
		faults int
	}{
		"as it is":       {func(*transcript.Request) {}, 0},
		"fewer probes":   {func(r *transcript.Request) { r.Probes = 299 }, 1},
		"another seed":   {func(r *transcript.Request) { r.Seed[0] ^= 1 }, 1},
		"another holder": {func(r *transcript.Request) { r.Holder = "ar" }, 1},
	} {
		p := &pair{ledger: newLedger(), asked: good}
		c.change(&p.asked)
		if p.checkOpen(messages[0], Place{}); len(p.ledger.findings) != c.faults {
			t.Errorf("%s: findings %v, want %d", name, p.ledger.findings, c.faults)
		}
	}
}

// FuzzRecords feeds any bytes as the journal of a session, complete or aborted.
func FuzzRecords(f *testing.F) {
	scheme, err := templates.NewVectorScheme(128)
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte{1, 1, 0, 0, 0, 0, 0, 0, 0, 9}, uint16(1), uint64(10), uint64(128))
	f.Add([]byte{1, 6, 0xff, 0xff, 0xff, 0xff, 0, 2, 0x58, 0x25}, uint16(3), uint64(10), uint64(128))
	f.Add([]byte{2, 5, 0, 0, 0, 9, 0, 2, 0x58, 0x25}, uint16(1024), uint64(1<<24), uint64(1))
	f.Fuzz(func(t *testing.T, b []byte, probes uint16, entries, width uint64) {
		if n := len(b) % transcript.RecordSize; n != 0 {
			b = append(b, make([]byte, transcript.RecordSize-n)...)
		}
		records, err := transcript.ParseRecords(b)
		if err != nil {
			return
		}
		r := transcript.Request{Requester: "cl", Holder: "us", Scheme: scheme.String(), Probes: uint64(probes)}
		g := transcript.Grant{Request: transcript.TextDigest(r.Text()), Entries: entries, Width: width}
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
