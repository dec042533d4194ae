package he

import (
	"errors"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestAccumulateAgainstIntegers multiplies a few sparse blocks the schoolbook way, with
// big integers and the ciphertexts as they are: no keys, no rounding, exact.
func TestAccumulateAgainstIntegers(t *testing.T) {
	p := mustNew(t, testNeeds["vector 512"])
	s := newSession(t, p, 53)
	q := p.score.bigQ()
	rng := rand.New(rand.NewPCG(13, 14))
	const blocks, operands = 3, 2
	pr := s.key.NewProbe(0, blocks)
	var a, b [blocks][]*big.Int
	for i := range blocks {
		if _, err := pr.accumulate(nil); err == nil {
			t.Fatal("a probe with missing blocks is used")
		}
		wire := s.owner.EncryptBlock(uint32(i), []int32{int32(i), -5, 100})
		if err := pr.SetBlock(i, wire); err != nil {
			t.Fatal(err)
		}
		if err := pr.SetBlock(i, wire); err == nil {
			t.Fatal("a block is accepted twice")
		}
		plain := p.score.newPoly()
		if err := p.unpackUpload("block", wire, p.Score, plain); err != nil {
			t.Fatal(err)
		}
		b[i] = p.score.bigCRT(plain)
		a[i] = p.score.bigCRT(p.score.coefficients(p.score.uniform(p.score.newPoly(), s.owner.public, labelBlockA, uint32(i))))
	}
	for _, i := range []int{-1, blocks} {
		if err := pr.SetBlock(i, s.owner.EncryptBlock(0, nil)); err == nil {
			t.Errorf("block %d is accepted", i)
		}
	}
	group, sparse := make([]*Weights, operands), [operands][blocks][]int32{}
	for g := range group {
		for i := range blocks {
			short := make([]int32, []int{p.n, 3000, 9}[i]) // shorter operands end in zeros
			for range 4 {
				short[rng.IntN(len(short))] = []int32{1, -1, 127, -128, math.MaxInt32, math.MinInt32}[rng.IntN(6)]
			}
			sparse[g][i] = short
		}
		group[g] = p.NewWeights(sparse[g][:])
	}
	if _, err := pr.accumulate(group); !errors.Is(err, ErrBudget) {
		t.Errorf("weights over the budget give error %v, want %v", err, ErrBudget)
	}
	p.need.WeightL1 = math.MaxInt64 // only the arithmetic matters here
	sums, err := pr.accumulate(group)
	if err != nil {
		t.Fatal(err)
	}
	multiply := func(into []*big.Int, w []int32, x []*big.Int) {
		for i, v := range w {
			if v == 0 {
				continue
			}
			for j, c := range x {
				product := new(big.Int).Mul(c, big.NewInt(int64(v)))
				if i+j < p.n {
					into[i+j].Add(into[i+j], product)
				} else {
					into[i+j-p.n].Sub(into[i+j-p.n], product)
				}
			}
		}
	}
	for g := range group {
		for part, x := range [2][blocks][]*big.Int{a, b} {
			want := make([]*big.Int, p.n)
			for i := range want {
				want[i] = new(big.Int)
			}
			for i := range blocks {
				multiply(want, sparse[g][i], x[i])
			}
			for i, got := range p.score.bigCRT(p.score.coefficients([]poly{*sums[g].a, *sums[g].b}[part])) {
				if got.Cmp(want[i].Mod(want[i], q)) != 0 {
					t.Fatalf("operand %d, part %d, coefficient %d differs", g, part, i)
				}
			}
		}
	}
	if _, err := pr.accumulate([]*Weights{p.NewWeights(make([][]int32, blocks+1))}); err == nil {
		t.Error("weights of another number of blocks are accepted")
	}
	if got, want := group[0].Bytes(), 16*blocks*p.n; got != want {
		t.Errorf("weights of %d bytes, expected %d", got, want)
	}
}

// TestAccumulateOfSeveralProbes expects of each probe what it gives alone, and refuses a
// block that belongs to another.
func TestAccumulateOfSeveralProbes(t *testing.T) {
	p := mustNew(t, testNeeds["tiny"])
	p.need.WeightL1 = math.MaxInt64 // only the arithmetic matters here
	s := newSession(t, p, 54)
	const blocks = 2
	group := []*Weights{p.NewWeights([][]int32{{1, -1}, {2}}), p.NewWeights([][]int32{{0, 1}, {-1}})}
	var probes []*Probe
	for i := range 3 {
		pr := s.key.NewProbe(i*blocks, blocks)
		for j := range blocks {
			number := i*blocks + j
			if err := pr.SetBlock(number, s.owner.EncryptBlock(uint32(number), []int32{int32(number), 1})); err != nil {
				t.Fatal(err)
			}
		}
		if err := pr.SetBlock((i+1)*blocks, s.owner.EncryptBlock(0, nil)); err == nil {
			t.Error("a block of the next probe is accepted")
		}
		probes = append(probes, pr)
	}
	all, err := s.key.Accumulate(probes, group)
	if err != nil || len(all) != len(probes) {
		t.Fatalf("sums of %d probes, error %v", len(all), err)
	}
	for i, pr := range probes {
		alone, err := pr.accumulate(group)
		if err != nil {
			t.Fatal(err)
		}
		for j := range group {
			for l := range p.score.q {
				if !slices.Equal((*all[i][j].a)[l], (*alone[j].a)[l]) || !slices.Equal((*all[i][j].b)[l], (*alone[j].b)[l]) {
					t.Errorf("probe %d, weights %d: the sum is not the one of the probe alone", i, j)
				}
			}
		}
	}
}

// TestAccumulatorsDoNotOverflow takes MaxBlocks blocks of the largest residues.
func TestAccumulatorsDoNotOverflow(t *testing.T) {
	p := mustNew(t, testNeeds["tiny"])
	for _, m := range p.score.q {
		weights, rows := make([]uint64, MaxBlocks*tile), make([]uint64, 2*MaxBlocks*tile)
		for i := range weights {
			weights[i] = m.q - 1
		}
		for i := range rows {
			rows[i] = m.q - 1
		}
		var a, b [tile]uint64
		m.Accumulate(weights, rows, a[:], b[:], MaxBlocks)
		want := big.NewInt(MaxBlocks) // (q-1)^2 is 1
		for i := range a {
			if a[i] != want.Uint64() || b[i] != want.Uint64() {
				t.Fatalf("coefficient %d: %d and %d, expected %v", i, a[i], b[i], want)
			}
		}
	}
}
