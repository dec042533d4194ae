package he

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"
)

// testNeeds are the shapes of need that the product meets.
var testNeeds = map[string]Need{
	"vector 512": {ScoreMin: -5160, ScoreMax: 2778, WeightL1: 1086426},
	"iris 2048":  {ScoreMin: -15616, ScoreMax: 8960, WeightL1: 2568192},
	"iris 16384": {ScoreMin: -124928, ScoreMax: 71680, WeightL1: 10895360},
	"tiny":       {ScoreMin: -1, ScoreMax: 0, WeightL1: 1},
}

func testSeed(n uint64) Seed {
	var s Seed
	binary.LittleEndian.PutUint64(s[:], n)
	return s
}

func mustNew(t testing.TB, need Need) *Params {
	t.Helper()
	p, err := New(need)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestSessionMatchesIntegers runs the whole way for every need and compares each
// decision with the sign of the integer score, with scores at, around and far from
// the threshold and at both ends of the range.
func TestSessionMatchesIntegers(t *testing.T) {
	for name, need := range testNeeds {
		t.Run(name, func(t *testing.T) {
			need.WeightL1 = 1 << 31 // a whole block of large scores
			p := mustNew(t, need)
			rng := rand.New(rand.NewPCG(1, 2))
			owner, holder := p.NewKeyOwner(testSeed(1)), testSeed(2)
			pk, err := p.ParsePublicKey(owner.PublicKey())
			if err != nil {
				t.Fatal(err)
			}
			// One block, one coefficient of the probe is 1: the score is the weight.
			probe := pk.NewProbe(0, 1)
			if err := probe.SetBlock(0, owner.EncryptBlock(0, []int32{1})); err != nil {
				t.Fatal(err)
			}
			scores := make([]int32, p.n)
			special := []int64{need.ScoreMin, need.ScoreMin + 1, -1, 0, 1, need.ScoreMax, need.ScoreMax - 1}
			for i := range scores {
				v := special[i%len(special)]
				if i%3 == 0 || v < need.ScoreMin || v > need.ScoreMax {
					v = need.ScoreMin + rng.Int64N(need.ScoreMax-need.ScoreMin+1)
				}
				scores[i] = int32(v)
			}
			const offset = 3
			shifted := make([]int32, p.n)
			positions := make([]int, p.n)
			for i := range scores {
				shifted[i], positions[i] = scores[i]-offset, i
			}
			w := p.NewWeights([][]int32{shifted})
			sums, err := probe.accumulate([]*Weights{w})
			if err != nil {
				t.Fatal(err)
			}
			x, err := owner.OpenShare(sums[0].Mask(7, positions, offset, holder), positions)
			if err != nil {
				t.Fatal(err)
			}
			r := p.Masks(holder, 7, p.n)
			for i := range x {
				if got := (x[i] - r[i] - 1) & (1<<p.ScoreBits - 1); got != uint32(scores[i])&(1<<p.ScoreBits-1) {
					t.Fatalf("share %d is wrong", i)
				}
			}
			s := session{p, owner, pk}
			hits := make([]bool, p.n)
			for _, answer := range s.collect(t, 0, x, r).answers(t, holder) {
				if err := owner.OpenVerdict(answer, hits); err != nil {
					t.Fatal(err)
				}
			}
			for i := range hits {
				if hits[i] != (scores[i] >= 0) {
					t.Fatalf("lane %d: score %d, hit %v", i, scores[i], hits[i])
				}
			}
		})
	}
}

// TestAnswerPositions replays shares of a part of the coefficients with messages at them,
// byte by byte, and opens them.
func TestAnswerPositions(t *testing.T) {
	p := mustNew(t, testNeeds["iris 2048"])
	s := newSession(t, p, 3)
	probe := []int32{3, 0, -1}
	operand := make([]int32, p.n)
	for i := range operand {
		operand[i] = int32(i%23 - 11)
	}
	plain := negacyclic(probe, operand)
	sum := s.sums(t, probe, operand)[0]
	every := func(first, step, count int) (list []int) {
		for i := range count {
			list = append(list, first+i*step)
		}
		return list
	}
	for _, positions := range [][]int{{}, {0}, {17}, {p.n - 1}, {0, p.n - 1}, every(1, 1, p.n-1), every(127, 128, 32), every(30, 1, 31)} {
		r := s.key.score.replay(t, *sum.a, *sum.b, positions, p.scoring.t,
			func() *Stream { return NewStream(testSeed(4), labelShareNoise, 5) }, p.Score, func(i int) uint64 { return uint64(i) & (p.scoring.t - 1) })
		x, err := s.owner.OpenShare(r.wire, positions)
		if err != nil {
			t.Fatal(err)
		}
		for c, i := range positions {
			if want := uint64(plain[i]+int64(i)) & (p.scoring.t - 1); uint64(x[c]) != want {
				t.Errorf("%d positions: coefficient %d is %d, expected %d", len(positions), i, x[c], want)
			}
		}
	}
}
