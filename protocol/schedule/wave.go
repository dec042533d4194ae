package schedule

// Wave is the probes that the evaluator keeps at once.
type Wave struct {
	*Schedule
	First, Probes int // the probes First .. First+Probes-1
	Share, Batch  int // numbers of its first score ciphertext and of its first batch
}

// Wave returns the wave of a number, 0..Waves-1.
func (s *Schedule) Wave(number int) Wave {
	first := number * s.PerWave
	return Wave{s, first, min(s.PerWave, s.Probes-first), first * s.Ciphertexts(), number * s.batchesOfWave()}
}

// Pairs returns the number of pairs of the wave.
func (w Wave) Pairs() int { return w.Probes * w.Entries }

// Batches returns the number of batches of the wave.
func (w Wave) Batches() int { return ceil(w.Pairs(), w.PerBatch) }

// Shares returns the number of score ciphertexts of the wave.
func (w Wave) Shares() int { return w.Probes * w.Ciphertexts() }

// Blocks returns the number of blocks of the probes of the wave.
func (w Wave) Blocks() int { return w.Probes * w.Layout.Blocks }

// tier returns the score ciphertexts of each probe in a tier, and their entries.
func (w Wave) tier(number int) (ciphertexts, entries int) {
	first := number * TierSize
	return min(TierSize, w.Ciphertexts()-first), min(TierSize*w.Layout.PerCiphertext, w.Entries-first*w.Layout.PerCiphertext)
}

// whole is the number of pairs of a tier that is not the last.
func (w Wave) whole() int { return w.Probes * TierSize * w.Layout.PerCiphertext }

// covering returns the number of score ciphertexts that hold the first pairs of the wave.
func (w Wave) covering(pairs int) int {
	number := min(pairs/w.whole(), ceil(w.Ciphertexts(), TierSize)-1)
	ciphertexts, entries := w.tier(number)
	pairs -= number * w.whole()
	return number*w.Probes*TierSize + pairs/entries*ciphertexts + ceil(pairs%entries, w.Layout.PerCiphertext)
}

// Match returns the probe of the session and the entry that meet in a pair of the wave.
func (w Wave) Match(pair int) (probe, entry int) {
	number := pair / w.whole()
	_, entries := w.tier(number)
	rest := pair - number*w.whole()
	return w.First + rest/entries, number*TierSize*w.Layout.PerCiphertext + rest%entries
}
