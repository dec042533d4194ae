package audit

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/puente-project/puente/protocol/schedule"
	"github.com/puente-project/puente/protocol/transcript"
	"github.com/puente-project/puente/templates"
)

// vectorPlan is the plan of a session of vectors.
func vectorPlan(t rapid.TB, probes, entries, width int) plan {
	scheme, err := templates.NewVectorScheme(128)
	if err != nil {
		t.Fatal(err)
	}
	p, err := newPlan(scheme, uint64(probes), transcript.Grant{Entries: uint64(entries), Width: uint64(width)})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// drawPlan draws sessions of one probe and many batches, and of probes in several waves.
func drawPlan(t *rapid.T) plan {
	const perBatch = maxPlanes * laneDegree
	probes := rapid.IntRange(1, 4).Draw(t, "probes")
	batches := rapid.IntRange(0, (schedule.Window+2)/probes).Draw(t, "batches")
	p := vectorPlan(t, probes, batches*perBatch+rapid.IntRange(1, perBatch).Draw(t, "entries"), rapid.SampledFrom([]int{1, 16, 128}).Draw(t, "width"))
	p.PerWave = rapid.IntRange(1, probes).Draw(t, "probes of a wave")
	return p
}

// moved returns a journal with the record at from put before the one at to.
func moved(journal []transcript.Record, from, to int) []transcript.Record {
	r := journal[from]
	return slices.Insert(slices.Delete(slices.Clone(journal), from, from+1), to, r)
}

// last is the place of the last record of a kind with an index below end.
func last(journal []transcript.Record, kind uint8, end int) (place int) {
	for i, r := range journal {
		if r.Kind == kind && int(r.Index) < end {
			place = i
		}
	}
	return place
}

// TestOrderOfSimulatedSessions draws journals as the two sides can write them, with tasks
// that end in any order and messages under way, and finds no fault; and finds one if a
// verdict stands before one of the prefixes of its batch, or a block of a later wave before
// what it had to wait for.
func TestOrderOfSimulatedSessions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPlan(t)
		own := rapid.SampledFrom([]transcript.Party{transcript.Requester, transcript.Holder}).Draw(t, "own")
		journal := simulate(t, p, own)
		if fault := p.order(journal, own); fault != "" {
			t.Fatal(fault)
		}
		expect := func(journal []transcript.Record, want string) {
			if fault := p.order(journal, own); !strings.Contains(fault, want) {
				t.Fatalf("fault %q, want %q", fault, want)
			}
		}
		i := slices.IndexFunc(journal, func(r transcript.Record) bool { return r.Kind == transcript.KindVerdict })
		batch := p.batchOf(int(journal[i].Index))
		expect(moved(journal, i, last(journal[:i], transcript.KindPrefixes, (batch+1)*p.Levels)),
			fmt.Sprintf("%d of the %d prefixes of its batch had passed", p.Levels-1, p.Levels))
		if p.Waves() == 1 {
			return
		}
		w := p.Wave(rapid.IntRange(1, p.Waves()-1).Draw(t, "wave"))
		i = slices.IndexFunc(journal, func(r transcript.Record) bool {
			return r.Kind == transcript.KindBlock && int(r.Index) >= w.First*p.Layout.Blocks
		})
		expect(moved(journal, i, last(journal, transcript.KindShare, w.Share)), "of the probes before, had not passed")
		if own == transcript.Holder {
			expect(moved(journal, i, last(journal, transcript.KindPrefixes, w.Batch*p.Levels)), "prefixes of the probes before had passed")
		}
		i = slices.IndexFunc(journal, func(r transcript.Record) bool { return r.Kind == transcript.KindShare && int(r.Index) >= w.Share })
		expect(moved(journal, i, last(journal, transcript.KindBlock, w.First*p.Layout.Blocks+w.Blocks())), "blocks had passed")
	})
}

// TestOrderOfBatches has shares at the end of the window and prefixes at the end of their
// shares, and one message further.
func TestOrderOfBatches(t *testing.T) {
	p := vectorPlan(t, 1, (schedule.Window+2)*maxPlanes*laneDegree, 128)
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
		add(transcript.KindBlock, 0, p.Layout.Blocks)
		add(transcript.KindShare, 0, p.SharesUpTo(1)-1)
		if got, want := fault(transcript.KindPrefixes, 0), fmt.Sprintf("share %d had not passed", p.SharesUpTo(1)-1); !strings.Contains(got, want) {
			t.Errorf("%v, prefixes before the last share: fault %q, want %q", own, got, want)
		}
		add(transcript.KindShare, p.SharesUpTo(1)-1, p.SharesUpTo(schedule.Window))
		add(transcript.KindPrefixes, 0, p.Levels)
		if got, want := fault(transcript.KindPrefixes, schedule.Window*p.Levels), fmt.Sprintf("share %d had not passed", p.SharesUpTo(schedule.Window)); !strings.Contains(got, want) {
			t.Errorf("%v, prefixes of a batch behind the shares: fault %q, want %q", own, got, want)
		}
		end := transcript.Record{Sender: transcript.Requester, Kind: transcript.KindPrefixes, Index: uint32(p.Levels - 1)}
		if own == transcript.Requester { // who is answered by verdicts
			add(transcript.KindVerdict, 0, p.Levels)
			end = transcript.Record{Sender: transcript.Holder, Kind: transcript.KindVerdict, Index: uint32(p.Levels - 1)}
		}
		next := p.SharesUpTo(schedule.Window)
		for n := next; n < p.SharesUpTo(schedule.Window+1); n++ {
			if got := fault(transcript.KindShare, n); got != "" {
				t.Fatalf("%v, share %d of %d: %s", own, n, p.SharesUpTo(schedule.Window+1), got)
			}
		}
		if got, want := fault(transcript.KindShare, p.SharesUpTo(schedule.Window+1)), "1 batches had been answered"; !strings.Contains(got, want) {
			t.Errorf("%v, share behind the window: fault %q, want %q", own, got, want)
		}
		if journal[len(journal)-1] != end {
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
	p := vectorPlan(t, 1, maxPlanes*laneDegree+1, 128)
	if p.Batches() != 2 || p.Levels < 2 {
		t.Fatalf("%d batches of %d levels", p.Batches(), p.Levels)
	}
	var records []transcript.Record
	for i := range p.count(transcript.KindVerdict) {
		records = append(records, transcript.Record{Sender: transcript.Holder, Kind: transcript.KindVerdict, Index: uint32(i)})
	}
	for first := range records {
		if got, want := p.held(records[first:]), first >= p.Levels; got != want {
			t.Errorf("verdicts from %d on are missing: accepted %v, want %v", first, got, want)
		}
	}
	records[p.Levels+1].Kind = transcript.KindPrefixes
	if p.held(records[p.Levels:]) {
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
	// some journals messages from first to end in a possible order.
	some := func(kind uint8, first, end int) int {
		from := len(journal)
		for i := first; i < end; i++ {
			add(kind, i)
		}
		if senders[kind] == own && len(journal)-from > 1 && rapid.IntRange(0, 3).Draw(t, "swap") == 0 {
			journal[from], journal[from+1] = journal[from+1], journal[from]
		}
		return end
	}
	add(transcript.KindOpen, 0)
	add(transcript.KindAccept, 0)
	add(transcript.KindKey, 0)
	blocks, shares, prefixes, verdicts := 0, 0, 0, 0
	// within is the end of some messages of the batch to which the next one belongs.
	within := func(next int) int {
		return min(next+rapid.IntRange(1, p.Levels).Draw(t, "levels"), (p.batchOf(next)+1)*p.Levels)
	}
	for verdicts < p.Batches()*p.Levels {
		answered, complete := p.batchOf(verdicts), blocks/(p.PerWave*p.Layout.Blocks) // batches, waves
		if own == transcript.Holder {
			answered = p.batchOf(prefixes)
		}
		end := p.SharesUpTo(answered + schedule.Window)
		if blocks < p.Blocks() {
			end = min(end, p.Wave(complete).Share)
		}
		var can []uint8
		if w := p.Wave(complete); blocks < p.Blocks() && shares >= w.Share && (own == transcript.Requester || prefixes >= w.Batch*p.Levels) {
			can = append(can, transcript.KindBlock)
		}
		if shares < end {
			can = append(can, transcript.KindShare)
		}
		if prefixes < p.Batches()*p.Levels && p.SharesUpTo(p.batchOf(prefixes)+1) <= shares {
			can = append(can, transcript.KindPrefixes)
		}
		if verdicts < p.batchOf(prefixes)*p.Levels {
			can = append(can, transcript.KindVerdict)
		}
		switch rapid.SampledFrom(can).Draw(t, "step") {
		case transcript.KindBlock:
			w := p.Wave(complete)
			left := w.First*p.Layout.Blocks + w.Blocks() - blocks
			blocks = some(transcript.KindBlock, blocks, blocks+rapid.IntRange((left+1)/2, left).Draw(t, "blocks"))
		case transcript.KindShare:
			shares = some(transcript.KindShare, shares, shares+rapid.IntRange(1, end-shares).Draw(t, "shares"))
		case transcript.KindPrefixes:
			prefixes = some(transcript.KindPrefixes, prefixes, within(prefixes))
		default:
			verdicts = some(transcript.KindVerdict, verdicts, within(verdicts))
		}
	}
	return journal
}
