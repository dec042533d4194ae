// Package schedule says which messages a session has and what each of them holds, from
// what the opening messages say. Both parties compute it alike, and so does an auditor, who
// has no homomorphic code.
//
//	s := schedule.New(layout, probes, entries, lanes, levels)
//	for share := range s.Shares() { at := s.Place(share); ... } // at.Probe, at.Ciphertext
//	w, first, end := s.Batch(0)                                 // its pairs
//	w.Match(first)                                              // which probe, which entry
//
// The probes of a session come in waves of as many as the evaluator keeps at once. In a
// wave every probe meets every entry; such a meeting, with one comparison for each rotation
// shift, is a pair. The pairs of a wave are numbered tier by tier, a tier being the entries
// of TierSize score ciphertexts; in a tier probe by probe; and then entry by entry. So the
// weights of a tier can be read from memory once for several probes. Score ciphertexts have
// the order of the pairs that they hold. Batches are pairs that follow each other, and end
// with their wave. Blocks, score ciphertexts and batches are numbered through the session
// (protocol/SPEC.md, section 3.2).
package schedule

import "github.com/puente-project/puente/templates"

// Limits of sessions, and the sizes that decide about the order of messages.
const (
	// MaxProbes bounds the probes of a session: the largest aircraft carry fewer people.
	MaxProbes = 1024
	// MaxEntries bounds a watchlist: 2^24 entries of 512 dimensions would take
	// 128 GB resident, more than one service is meant for.
	MaxEntries = 1 << 24
	// MaxBlocks bounds the blocks of a probe, which the holder's layout decides
	// and the requester pays for: 2048 blocks are at most 105 MB on the wire and
	// 268 MB in memory.
	MaxBlocks = 2048
	// WaveBlocks bounds the blocks of a wave of several probes, which the holder
	// keeps: 512 are 67 MB. Larger waves cost more in fresh memory than they save.
	WaveBlocks = 512
	// Window is the number of batches whose shares may be under way before their
	// verdicts: the memory of both parties is bounded by it, and 4 batches, of 2 MB
	// of prefixes each, keep a link of 50 ms and 1 Gbit/s busy.
	Window = 4
	// TierSize is the number of score ciphertexts computed together, so that the
	// probe is read from memory once for all of them.
	TierSize = 8
)

// Schedule is the shape of a session. It is immutable.
type Schedule struct {
	Layout   templates.Layout
	Probes   int // 1..MaxProbes
	Entries  int // of the watchlist, 1..MaxEntries
	Levels   int // messages with prefixes, and messages with verdicts, of a batch
	PerWave  int // probes of a wave
	PerBatch int // pairs of a batch: whole pairs, one lane for each shift
}

// New makes the schedule of a layout of at most MaxBlocks blocks; lanes is the number of
// comparisons for which a batch has room, at least layout.Shifts.
func New(layout templates.Layout, probes, entries, lanes, levels int) Schedule {
	return Schedule{layout, probes, entries, levels, max(1, WaveBlocks/layout.Blocks), lanes / layout.Shifts}
}

func ceil(a, b int) int { return (a + b - 1) / b }

// Ciphertexts returns the number of score ciphertexts of a probe.
func (s *Schedule) Ciphertexts() int { return s.Layout.Ciphertexts(s.Entries) }

// Held returns the number of entries of a score ciphertext of a probe.
func (s *Schedule) Held(ciphertext int) int {
	return min(s.Layout.PerCiphertext, s.Entries-ciphertext*s.Layout.PerCiphertext)
}

// InShare returns the number of pairs of a score ciphertext of the session.
func (s *Schedule) InShare(share int) int { return s.Held(s.Place(share).Ciphertext) }

// Pairs returns the number of meetings of a probe and an entry.
func (s *Schedule) Pairs() int { return s.Probes * s.Entries }

// Blocks returns the number of blocks of all probes.
func (s *Schedule) Blocks() int { return s.Probes * s.Layout.Blocks }

// Shares returns the number of score ciphertexts of all probes.
func (s *Schedule) Shares() int { return s.Probes * s.Ciphertexts() }

// Waves returns the number of waves.
func (s *Schedule) Waves() int { return ceil(s.Probes, s.PerWave) }

// Batches returns the number of batches.
func (s *Schedule) Batches() int {
	last := s.Wave(s.Waves() - 1)
	return last.Batch + last.Batches()
}

// Batch returns the wave of a batch, its first pair in the wave and the pair behind its
// last.
func (s *Schedule) Batch(batch int) (w Wave, first, end int) {
	w = s.Wave(min(batch/s.batchesOfWave(), s.Waves()-1))
	first = (batch - w.Batch) * s.PerBatch
	return w, first, min(first+s.PerBatch, w.Pairs())
}

func (s *Schedule) batchesOfWave() int { return ceil(s.PerWave*s.Entries, s.PerBatch) }

// Comparisons returns the number of comparisons of a batch.
func (s *Schedule) Comparisons(batch int) int {
	_, first, end := s.Batch(batch)
	return (end - first) * s.Layout.Shifts
}

// SharesUpTo returns the number of score ciphertexts that cover the batches before end;
// there may be fewer batches.
func (s *Schedule) SharesUpTo(end int) int {
	if end <= 0 {
		return 0
	}
	w, _, pairs := s.Batch(min(end, s.Batches()) - 1)
	return w.Share + w.covering(pairs)
}

// FirstShare returns the score ciphertext that holds the first pair of a batch.
func (s *Schedule) FirstShare(batch int) int {
	w, first, _ := s.Batch(batch)
	return w.Share + w.covering(first+1) - 1
}

// Place is where a score ciphertext belongs.
type Place struct {
	Wave       Wave
	Probe      int // of the session
	Ciphertext int // of the probe
	Left       int // score ciphertexts of the probe in the tier from this one on
	Pair       int // its first, in the wave
}

// Place returns where a score ciphertext belongs.
func (s *Schedule) Place(share int) Place {
	w := s.Wave(share / (s.PerWave * s.Ciphertexts()))
	number := (share - w.Share) / (w.Probes * TierSize)
	rest := share - w.Share - number*w.Probes*TierSize
	ciphertexts, entries := w.tier(number)
	probe, rest := rest/ciphertexts, rest%ciphertexts
	per := s.Layout.PerCiphertext
	return Place{Wave: w, Probe: w.First + probe, Ciphertext: number*TierSize + rest, Left: ciphertexts - rest,
		Pair: number*w.Probes*TierSize*per + probe*entries + rest*per}
}
