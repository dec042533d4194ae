package he

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"
)

// testNeeds are the shapes of need that the product meets.
var testNeeds = map[string]Need{
	"vector 512": {ScoreMin: -5160, ScoreMax: 2778, WeightL1: 512 * 1426},
	"iris 2048":  {ScoreMin: -34816 - 512, ScoreMax: 16383, WeightL1: 25 * 2048 * 42},
	"iris 16384": {ScoreMin: -278528 - 4096, ScoreMax: 131071, WeightL1: 14 * 16384 * 42},
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
			probe := pk.NewProbe(1)
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
			sums, err := probe.Accumulate([]*Weights{w})
			if err != nil {
				t.Fatal(err)
			}
			x, err := owner.OpenShare(sums[0].Mask(7, positions, offset, holder), positions)
			if err != nil {
				t.Fatal(err)
			}
			r := p.Masks(holder, 7, p.n)
			for i := range x {
				if got := (x[i] - r[i]) & (1<<p.ScoreBits - 1); got != uint32(scores[i])&(1<<p.ScoreBits-1) {
					t.Fatalf("share %d is wrong", i)
				}
			}
			verdict, err := pk.Verdict(0, owner.EncryptPrefixes(0, x), r, holder)
			if err != nil {
				t.Fatal(err)
			}
			hits := make([]bool, p.n)
			if err := owner.OpenVerdict(verdict, hits); err != nil {
				t.Fatal(err)
			}
			for i := range hits {
				if hits[i] != (scores[i] >= 0) {
					t.Fatalf("slot %d: score %d, hit %v", i, scores[i], hits[i])
				}
			}
		})
	}
}
