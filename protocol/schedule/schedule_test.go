package schedule

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/puente-project/puente/templates"
)

// meeting is a probe and an entry.
type meeting struct{ probe, entry int }

// listed is a schedule written out: the pairs of every score ciphertext and of every batch.
type listed struct {
	shares, batches [][]meeting
	wave            []int // of a batch
}

// list writes a schedule out the way the specification tells it.
func list(s Schedule) (l listed) {
	tier := TierSize * s.Layout.PerCiphertext
	for first := 0; first < s.Probes; first += s.PerWave {
		var wave []meeting
		for entry := 0; entry < s.Entries; entry += tier {
			for probe := first; probe < min(first+s.PerWave, s.Probes); probe++ {
				for from := entry; from < min(entry+tier, s.Entries); from += s.Layout.PerCiphertext {
					var share []meeting
					for e := from; e < min(from+s.Layout.PerCiphertext, s.Entries); e++ {
						share = append(share, meeting{probe, e})
					}
					l.shares = append(l.shares, share)
					wave = append(wave, share...)
				}
			}
		}
		for batch := range slices.Chunk(wave, s.PerBatch) {
			l.batches = append(l.batches, batch)
			l.wave = append(l.wave, first/s.PerWave)
		}
	}
	return l
}

func TestScheduleIsTheListed(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		per := rapid.IntRange(1, 12).Draw(r, "per ciphertext")
		s := Schedule{Layout: templates.Layout{PerCiphertext: per, Shifts: rapid.IntRange(1, 3).Draw(r, "shifts"), Blocks: 3},
			Probes: rapid.IntRange(1, 30).Draw(r, "probes"), Entries: rapid.IntRange(1, 400).Draw(r, "entries"),
			Levels: 2, PerWave: rapid.IntRange(1, 12).Draw(r, "per wave"), PerBatch: rapid.IntRange(per, 300).Draw(r, "per batch")}
		want := list(s)
		if s.Shares() != len(want.shares) || s.Batches() != len(want.batches) || s.Pairs() != s.Probes*s.Entries {
			r.Fatalf("%d shares, %d batches, %d pairs, listed are %d and %d", s.Shares(), s.Batches(), s.Pairs(), len(want.shares), len(want.batches))
		}
		of := map[meeting]int{} // share
		for i, share := range want.shares {
			at := s.Place(i)
			first := share[0]
			if at.Probe != first.probe || at.Ciphertext*per != first.entry || s.Held(at.Ciphertext) != len(share) {
				r.Fatalf("share %d: %+v, listed are %v", i, at, share)
			}
			if probe, entry := at.Wave.Match(at.Pair); probe != first.probe || entry != first.entry {
				r.Fatalf("share %d begins with pair %d: probe %d, entry %d, listed is %v", i, at.Pair, probe, entry, first)
			}
			left := 0
			for next := i; next < len(want.shares) && want.shares[next][0].probe == first.probe &&
				want.shares[next][0].entry/(TierSize*per) == first.entry/(TierSize*per); next++ {
				left++
			}
			if at.Left != left {
				r.Fatalf("share %d: %d are left of its tier, listed are %d", i, at.Left, left)
			}
			for _, m := range share {
				of[m] = i
			}
		}
		for b, batch := range want.batches {
			w, first, end := s.Batch(b)
			if w.First != want.wave[b]*s.PerWave || end-first != len(batch) || s.Comparisons(b) != len(batch)*s.Layout.Shifts {
				r.Fatalf("batch %d: pairs %d to %d of the wave from %d, listed are %d of wave %d", b, first, end, w.First, len(batch), want.wave[b])
			}
			for i, m := range batch {
				if probe, entry := w.Match(first + i); probe != m.probe || entry != m.entry {
					r.Fatalf("batch %d, pair %d: probe %d, entry %d, listed is %v", b, i, probe, entry, m)
				}
			}
			if got, from := s.SharesUpTo(b+1), s.FirstShare(b); got != of[batch[len(batch)-1]]+1 || from != of[batch[0]] {
				r.Fatalf("batch %d: shares %d to %d, listed are %d to %d", b, from, got-1, of[batch[0]], of[batch[len(batch)-1]])
			}
		}
		if s.SharesUpTo(0) != 0 || s.SharesUpTo(s.Batches()+7) != s.Shares() {
			r.Fatal("no batches or more than there are are not covered as they should be")
		}
		shares, batches, blocks := 0, 0, 0
		for i := range s.Waves() {
			w := s.Wave(i)
			if w.Share != shares || w.Batch != batches {
				r.Fatalf("wave %d begins with share %d and batch %d, counted are %d and %d", i, w.Share, w.Batch, shares, batches)
			}
			shares, batches, blocks = shares+w.Shares(), batches+w.Batches(), blocks+w.Blocks()
		}
		if shares != s.Shares() || batches != s.Batches() || blocks != s.Blocks() {
			r.Fatal("the waves do not add up")
		}
	})
}
