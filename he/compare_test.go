package he

import (
	"bytes"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestTargetsExhaustive takes every k to 9 bits, every h to k, every mask and every share:
// what lies inside (r, r+2^h) makes exactly one of the h tests true, what lies outside
// none. x = r and x = r+2^h are outside; for h = k they are the same.
func TestTargetsExhaustive(t *testing.T) {
	most := 9
	if underRace {
		most = 7
	}
	for k := 1; k <= most; k++ {
		for h := 1; h <= k; h++ {
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
					for level, target := range targets {
						if x>>level == target {
							found++
						}
					}
					want := 0
					if d := (x - r) & (1<<k - 1); d > 0 && d < 1<<h {
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

// compare runs both messages of a comparison and returns the hits and, for every lane,
// how many of its tests were zero.
func (s session) compare(t testing.TB, batch uint32, x, r []uint32, seed Seed) (hits []bool, zeros []int) {
	t.Helper()
	hits, zeros = make([]bool, len(x)), make([]int, s.p.lanesFor(len(x)).lanesIn())
	for _, answer := range s.collect(t, batch, x, r).answers(t, seed) {
		if err := s.owner.OpenVerdict(answer, hits); err != nil {
			t.Fatal(err)
		}
		for i, v := range s.values(t, answer, len(x)) {
			if v == 0 {
				zeros[i]++
			}
		}
	}
	return hits, zeros
}

// TestComparisonProperty draws score ranges, batch sizes and scores, most of them at
// the threshold, a step from it or at an end of the range.
func TestComparisonProperty(t *testing.T) {
	checkProperty(t, 40, func(rt *rapid.T) {
		reach := rapid.SampledFrom([]int64{1, 4, 32, 32, 1 << 12}).Draw(rt, "reach")
		need := Need{
			ScoreMin: -rapid.Int64Range(1, reach).Draw(rt, "below"),
			ScoreMax: rapid.Int64Range(0, reach).Draw(rt, "above"), WeightL1: 1000,
		}
		p := mustNew(t, need)
		s := newSession(t, p, rapid.Uint64().Draw(rt, "key"))
		sizes := []int{1, 2, LaneDegree - 1, LaneDegree, LaneDegree + 1, 2 * LaneDegree, 2*LaneDegree + 1, p.Lanes() - 1, p.Lanes()}
		count := rapid.OneOf(rapid.SampledFrom(sizes), rapid.IntRange(1, 40)).Draw(rt, "count")
		score := rapid.OneOf(rapid.SampledFrom([]int64{0, -1, min(1, need.ScoreMax), need.ScoreMin, need.ScoreMax}),
			rapid.Int64Range(need.ScoreMin, need.ScoreMax))
		few := rapid.SliceOfN(score, 1, 16).Draw(rt, "scores")
		seed := testSeed(rapid.Uint64().Draw(rt, "evaluator"))
		batch := rapid.Uint32().Draw(rt, "batch")
		r := p.Masks(seed, batch, count)
		cut := uint32(1)<<p.ScoreBits - 1
		// Masks at the ends wrap around.
		r[0] = rapid.SampledFrom([]uint32{0, 1, cut, 1 << p.HitBits & cut, 1<<p.HitBits - 1}).Draw(rt, "mask")
		x := make([]uint32, count)
		for i := range x {
			x[i] = (r[i] + 1 + uint32(few[i%len(few)])) & cut
		}
		hits, zeros := s.compare(t, batch, x, r, seed)
		for i, hit := range hits {
			v := few[i%len(few)]
			want := 0
			if v >= 0 {
				want = 1
			}
			if hit != (v >= 0) || zeros[i] != want {
				rt.Fatalf("lane %d of %d: score %d in [%d, %d], hit %v, %d zeros", i, count, v, need.ScoreMin, need.ScoreMax, hit, zeros[i])
			}
		}
	})
}

// TestBatchSizes takes the sizes at which the number of planes changes: every lane says
// what its score says, and the messages are no longer than the planes need.
func TestBatchSizes(t *testing.T) {
	p := mustNew(t, Need{ScoreMin: -4, ScoreMax: 2, WeightL1: 1000})
	s := newSession(t, p, 33)
	n := LaneDegree
	for _, c := range []struct{ count, planes, primes int }{
		{1, 1, 2}, {n - 1, 1, 2}, {n, 1, 2}, {n + 1, 2, 3}, {2 * n, 2, 3}, {2*n + 1, 3, 3}, {3 * n, 3, 3},
	} {
		q, planes := p.LaneModuli(c.count)
		if len(planes) != c.planes || len(q) != c.primes {
			t.Errorf("%d comparisons: %d planes and %d primes, expected %d and %d", c.count, len(planes), len(q), c.planes, c.primes)
		}
		r := p.Masks(testSeed(3), 0, c.count)
		x := make([]uint32, c.count)
		for i := range x {
			x[i] = (r[i] + uint32(1+i%7-4)) & (1<<p.ScoreBits - 1)
		}
		hits, zeros := s.compare(t, 9, x, r, testSeed(4))
		for i, hit := range hits {
			if want := i%7 >= 4; hit != want || hit != (zeros[i] == 1) || zeros[i] > 1 {
				t.Fatalf("lane %d of %d: hit %v, %d zeros, expected %v", i, c.count, hit, zeros[i], want)
			}
		}
	}
	for _, count := range []int{0, 3*n + 1} {
		if _, err := s.key.NewBatch(0, make([]uint32, count)); err == nil {
			t.Errorf("a batch of %d comparisons is accepted", count)
		}
	}
	if p.Lanes() != 3*n {
		t.Errorf("%d lanes, expected %d", p.Lanes(), 3*n)
	}
}

// TestSpareLanes checks that lanes behind the last comparison say nothing: over many
// seeds their tests are zero as often as those of a random score.
func TestSpareLanes(t *testing.T) {
	p := mustNew(t, Need{ScoreMin: -4, ScoreMax: 2, WeightL1: 1000}) // h = 2, k = 3: 3 of 8 x are hits
	s := newSession(t, p, 31)
	for _, count := range []int{1, LaneDegree + 1, 2*LaneDegree + 1} {
		counts := make([]int, 2)
		x, r := make([]uint32, count), make([]uint32, count)
		for i := range x {
			x[i], r[i] = 5, 1
		}
		for i := range samples(4) {
			_, zeros := s.compare(t, 0, x, r, testSeed(uint64(100+i)))
			for _, z := range zeros[count:] {
				if z > 1 {
					t.Fatal("a lane with two zeros")
				}
				counts[z]++
			}
		}
		accept(t, "spare lanes", chiSquare(counts, []float64{5, 3}))
	}
}

// TestHitsAccumulate checks that OpenVerdict leaves earlier hits as they are.
func TestHitsAccumulate(t *testing.T) {
	p := mustNew(t, testNeeds["tiny"])
	s := newSession(t, p, 32)
	r := p.Masks(testSeed(1), 0, 3)
	x := []uint32{(r[0] + 1) & 1, r[1], (r[2] + 1) & 1}
	hits := []bool{false, true, false}
	for _, answer := range s.collect(t, 0, x, r).answers(t, testSeed(1)) {
		if err := s.owner.OpenVerdict(answer, hits); err != nil {
			t.Fatal(err)
		}
	}
	if !hits[0] || !hits[1] || !hits[2] {
		t.Errorf("hits %v", hits)
	}
}

// TestBatchCollects checks that a level comes once, in any order, and none is left out.
func TestBatchCollects(t *testing.T) {
	p := mustNew(t, Need{ScoreMin: -8, ScoreMax: 6, WeightL1: 1000}) // h = 3
	s := newSession(t, p, 34)
	r, x := []uint32{3, 9}, []uint32{4, 9}
	prefixes := func(level int) []byte { return s.owner.EncryptPrefix(2, level, x) }
	b, err := s.key.NewBatch(2, r)
	if err != nil {
		t.Fatal(err)
	}
	for _, level := range []int{-1, p.HitBits, math.MaxInt, math.MinInt} {
		if err := b.SetPrefix(level, prefixes(0)); err == nil {
			t.Errorf("level %d is accepted", level)
		}
	}
	for _, level := range []int{2, 0} {
		if err := b.Close(testSeed(1)); err == nil || !strings.Contains(err.Error(), "missing") {
			t.Errorf("closed before level %d: %v", level, err)
		}
		if err := b.SetPrefix(level, prefixes(level)[1:]); !errors.Is(err, ErrTruncated) {
			t.Errorf("a short level %d: %v", level, err)
		}
		if err := b.SetPrefix(level, prefixes(level)); err != nil {
			t.Errorf("level %d after a refused one: %v", level, err)
		}
		if err := b.SetPrefix(level, prefixes(level)); err == nil || !strings.Contains(err.Error(), "repeated") {
			t.Errorf("level %d again: %v", level, err)
		}
	}
	if err := b.Close(testSeed(1)); err == nil || !strings.Contains(err.Error(), "level 1 are missing") {
		t.Errorf("closed before level 1: %v", err)
	}
	if err := b.SetPrefix(1, prefixes(1)); err != nil {
		t.Fatal(err)
	}
	want := s.collect(t, 2, x, r).answers(t, testSeed(1))
	for i, answer := range b.answers(t, testSeed(1)) {
		if !bytes.Equal(answer, want[i]) {
			t.Errorf("answer %d depends on the order of the levels", i)
		}
	}
	hits := make([]bool, 2)
	for _, answer := range want {
		if err := s.owner.OpenVerdict(answer, hits); err != nil {
			t.Fatal(err)
		}
	}
	if !hits[0] || hits[1] {
		t.Errorf("hits %v, expected the first", hits)
	}
}

// TestAnswersReplayed computes answers a second time with big integers, byte by byte, for
// every number of planes, and holds every lane against rho*(prefix - target).
func TestAnswersReplayed(t *testing.T) {
	p := mustNew(t, Need{ScoreMin: -4, ScoreMax: 2, WeightL1: 1000})
	s := newSession(t, p, 35)
	for planes := 1; planes <= 3; planes++ {
		count := (planes-1)*LaneDegree + 5
		r := p.Masks(testSeed(5), 0, count)
		x := make([]uint32, count)
		for i := range x {
			x[i] = (r[i] + uint32(i%8)) & 7
		}
		b := s.collect(t, 3, x, r)
		for number, answer := range b.answers(t, testSeed(6)) {
			replayed := s.replayAnswer(t, b, x, number)
			if !bytes.Equal(replayed.wire, answer) {
				t.Fatalf("answer %d is not the same the second time", number)
			}
			if !slices.Equal(s.values(t, answer, count), replayed.lanes) {
				t.Fatalf("%d planes, answer %d: a lane is not rho*(prefix - target)", planes, number)
			}
		}
	}
}
