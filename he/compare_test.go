package he

import (
	"testing"

	"pgregory.net/rapid"
)

// TestTargetsExhaustive takes every k to 9 bits, every h, every mask and every share: a
// hit makes exactly one of the h+1 tests true, a non-hit none.
func TestTargetsExhaustive(t *testing.T) {
	most := 9
	if underRace {
		most = 7
	}
	for k := 2; k <= most; k++ {
		for h := 1; h < k; h++ {
			p := &Params{ScoreBits: k, HitBits: h}
			for r := range uint32(1 << k) {
				targets := make([]uint32, h)
				for level := range targets {
					if targets[level] = p.target(r, level); targets[level] >= 1<<(k-level) {
						t.Fatalf("k=%d h=%d r=%d: the target of level %d has more bits than its prefix", k, h, r, level)
					}
				}
				for x := range uint32(1 << k) {
					found := 0
					if x == r {
						found++
					}
					for level, target := range targets {
						if x>>level == target {
							found++
						}
					}
					want := 0
					if (x-r)&(1<<k-1) < 1<<h {
						want = 1
					}
					if found != want {
						t.Fatalf("k=%d h=%d r=%d x=%d: %d tests are true, expected %d", k, h, r, x, found, want)
					}
				}
			}
		}
	}
}

// compare runs both messages of a comparison and returns the hits and, for every slot,
// how many of its tests were zero.
func (s session) compare(t testing.TB, batch uint32, x, r []uint32, seed Seed) (hits []bool, zeros []int) {
	t.Helper()
	verdict, err := s.key.Verdict(batch, s.owner.EncryptPrefixes(batch, x), r, seed)
	if err != nil {
		t.Fatal(err)
	}
	hits, zeros = make([]bool, len(x)), make([]int, s.p.n)
	if err := s.owner.OpenVerdict(verdict, hits); err != nil {
		t.Fatal(err)
	}
	if err := s.owner.openTests(verdict, func(slots []uint64) {
		for i, v := range slots {
			if v == 0 {
				zeros[i]++
			}
		}
	}); err != nil {
		t.Fatal(err)
	}
	return hits, zeros
}

// TestComparisonProperty draws score ranges, batch sizes and scores, most of them at
// the threshold, a step from it or at an end of the range.
func TestComparisonProperty(t *testing.T) {
	checkProperty(t, 40, func(rt *rapid.T) {
		need := Need{
			ScoreMin: -rapid.Int64Range(1, 1<<12).Draw(rt, "below"),
			ScoreMax: rapid.Int64Range(0, 1<<12).Draw(rt, "above"), WeightL1: 1000,
		}
		p := mustNew(t, need)
		s := newSession(t, p, rapid.Uint64().Draw(rt, "key"))
		count := rapid.OneOf(rapid.SampledFrom([]int{0, 1, 2, p.n - 1, p.n}), rapid.IntRange(1, 40)).Draw(rt, "count")
		score := rapid.OneOf(rapid.SampledFrom([]int64{0, -1, min(1, need.ScoreMax), need.ScoreMin, need.ScoreMax}),
			rapid.Int64Range(need.ScoreMin, need.ScoreMax))
		few := rapid.SliceOfN(score, 1, 16).Draw(rt, "scores")
		seed := testSeed(rapid.Uint64().Draw(rt, "evaluator"))
		batch := rapid.Uint32().Draw(rt, "batch")
		r := p.Masks(seed, batch, count)
		if count > 0 { // masks at the ends wrap around
			r[0] = rapid.SampledFrom([]uint32{0, 1, 1<<p.ScoreBits - 1, 1 << p.HitBits, 1<<p.HitBits - 1}).Draw(rt, "mask")
		}
		x := make([]uint32, count)
		for i := range x {
			x[i] = (r[i] + uint32(few[i%len(few)])) & (1<<p.ScoreBits - 1)
		}
		hits, zeros := s.compare(t, batch, x, r, seed)
		for i, hit := range hits {
			v := few[i%len(few)]
			want := 0
			if v >= 0 {
				want = 1
			}
			if hit != (v >= 0) || zeros[i] != want {
				rt.Fatalf("slot %d of %d: score %d in [%d, %d], hit %v, %d zeros", i, count, v, need.ScoreMin, need.ScoreMax, hit, zeros[i])
			}
		}
	})
}

// TestEmptySlots checks that slots behind the last comparison say nothing: over many
// seeds their tests are zero as often as those of a random score.
func TestEmptySlots(t *testing.T) {
	p := mustNew(t, Need{-4, 3, 1000}) // h = 2, k = 3: half of all x are hits
	s := newSession(t, p, 31)
	counts := make([]int, 2)
	for i := range samples(8) {
		_, zeros := s.compare(t, 0, []uint32{5}, []uint32{1}, testSeed(uint64(100+i)))
		for _, z := range zeros[1:] {
			if z > 1 {
				t.Fatal("a slot with two zeros")
			}
			counts[z]++
		}
	}
	accept(t, "spare slots", uniformP(counts))
}

// TestHitsAccumulate checks that OpenVerdict leaves earlier hits as they are.
func TestHitsAccumulate(t *testing.T) {
	p := mustNew(t, testNeeds["tiny"])
	s := newSession(t, p, 32)
	r := p.Masks(testSeed(1), 0, 3)
	x := []uint32{r[0], (r[1] + 3) & 3, r[2]}
	verdict, err := s.key.Verdict(0, s.owner.EncryptPrefixes(0, x), r, testSeed(1))
	if err != nil {
		t.Fatal(err)
	}
	hits := []bool{false, true, false}
	if err := s.owner.OpenVerdict(verdict, hits); err != nil || !hits[0] || !hits[1] || !hits[2] {
		t.Errorf("hits %v, %v", hits, err)
	}
	if _, err := s.key.Verdict(0, s.owner.EncryptPrefixes(0, x), make([]uint32, p.n+1), testSeed(1)); err == nil {
		t.Error("more comparisons than slots are accepted")
	}
}
