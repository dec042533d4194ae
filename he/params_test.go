package he

import (
	"errors"
	"math/big"
	"sync"
	"testing"
)

// TestModuli finds the primes of q again with math/big: the two largest below 2^50
// that are 1 mod 8192.
func TestModuli(t *testing.T) {
	var want []uint64
	for v := uint64(1<<50 - 1); len(want) < 2; v-- {
		if v%8192 == 1 && new(big.Int).SetUint64(v).ProbablyPrime(32) {
			want = append(want, v)
		}
	}
	for name, need := range testNeeds {
		if got := mustNew(t, need).Moduli(); got != [2]uint64{want[0], want[1]} {
			t.Errorf("%s: moduli %d, expected %d", name, got, want)
		}
	}
	if want[0] != 1125899906826241 || want[1] != 1125899906629633 {
		t.Errorf("the pinned moduli have changed: %d", want)
	}
}

// TestSlotModulus checks for every k that T' is prime, splits and is the least such
// prime that fits all values of k bits.
func TestSlotModulus(t *testing.T) {
	pinned := map[int]uint64{13: 40961, 14: 40961, 15: 40961, 16: 65537, 17: 147457, 18: 270337, 19: 557057, 20: 1073153}
	for k := 1; k <= maxScoreBits; k++ {
		m, err := slotModulus(Degree, k)
		if err != nil {
			t.Fatal(err)
		}
		if m.q <= 1<<k || m.q%8192 != 1 || !new(big.Int).SetUint64(m.q).ProbablyPrime(32) {
			t.Errorf("k = %d: %d is too small, does not split or is composite", k, m.q)
		}
		for v := uint64(1<<k) + 1; v < m.q; v++ {
			if v%8192 == 1 && new(big.Int).SetUint64(v).ProbablyPrime(32) {
				t.Errorf("k = %d: %d is smaller than %d", k, v, m.q)
			}
		}
		if want := pinned[k]; want != 0 && m.q != want {
			t.Errorf("k = %d: %d, pinned is %d", k, m.q, want)
		}
	}
}

// TestScoreBits checks k and h against their definition: the least powers of two
// that separate the scores.
func TestScoreBits(t *testing.T) {
	for _, c := range []struct {
		low, high int64
		k, h      int
	}{
		{-1, 0, 2, 1}, {-2, 1, 2, 1}, {-3, 1, 3, 1}, {-1, 1, 2, 1}, {-1, 2, 3, 2}, {-4, 3, 3, 2}, {-5, 3, 4, 2},
		{-5160, 2778, 14, 12}, {-8192, 8191, 14, 13}, {-8193, 8191, 15, 13}, {-8192, 8192, 15, 14},
	} {
		p := mustNew(t, Need{c.low, c.high, 1})
		if p.ScoreBits != c.k || p.HitBits != c.h {
			t.Errorf("[%d, %d]: k = %d, h = %d, expected %d and %d", c.low, c.high, p.ScoreBits, p.HitBits, c.k, c.h)
		}
		// Every non-hit modulo 2^k lies at or above 2^h, every hit below.
		if 1<<p.ScoreBits+c.low < 1<<p.HitBits || c.high >= 1<<p.HitBits {
			t.Errorf("[%d, %d]: a score is on the wrong side of the hit interval", c.low, c.high)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	good := Need{ScoreMin: -8192, ScoreMax: 8191, WeightL1: 1 << 20}
	if _, err := New(good); err != nil {
		t.Fatal(err)
	}
	type change func(*Need)
	for name, c := range map[string]struct {
		change change
		want   error
	}{
		"no negative score":     {func(n *Need) { n.ScoreMin = 0 }, ErrRange},
		"positive minimum":      {func(n *Need) { n.ScoreMin = 5 }, ErrRange},
		"no hit possible":       {func(n *Need) { n.ScoreMax = -1 }, ErrRange},
		"no weights":            {func(n *Need) { n.WeightL1 = 0 }, ErrRange},
		"negative weights":      {func(n *Need) { n.WeightL1 = -1 << 62 }, ErrRange},
		"weights overflow":      {func(n *Need) { n.WeightL1 = 1<<40 + 1 }, ErrRange},
		"minimum overflow":      {func(n *Need) { n.ScoreMin = -1 << 63 }, ErrRange},
		"maximum overflow":      {func(n *Need) { n.ScoreMax = 1<<63 - 1 }, ErrRange},
		"25 score bits":         {func(n *Need) { n.ScoreMin, n.ScoreMax = -1<<24, 1<<23 }, ErrRange},
		"25 hit bits":           {func(n *Need) { n.ScoreMax = 1 << 24 }, ErrRange},
		"22 score bits":         {func(n *Need) { n.ScoreMin, n.ScoreMax = -1<<21, 1<<21-1 }, ErrBudget},
		"24 score bits":         {func(n *Need) { n.ScoreMin, n.ScoreMax = -1<<23, 1<<23-1 }, ErrBudget},
		"weights eat the flood": {func(n *Need) { n.ScoreMin, n.ScoreMax, n.WeightL1 = -1<<20, 1<<20-1, 1<<36 }, ErrBudget},
	} {
		need := good
		c.change(&need)
		p, err := New(need)
		if !errors.Is(err, c.want) || p != nil {
			t.Errorf("%s: %v, expected %v and no parameters", name, err, c.want)
		}
	}
}

// TestUnsafeRingsRefused takes rings that lack security or room.
func TestUnsafeRingsRefused(t *testing.T) {
	need := Need{ScoreMin: -8192, ScoreMax: 8191, WeightL1: 1 << 20}
	for name, c := range map[string]struct {
		n    int
		size uint64
		want error
	}{
		"degree 2048":                  {2048, 50, ErrSecurity},
		"degree 1024 is in no table":   {1024, 50, ErrSecurity},
		"108 bits at degree 4096":      {4096, 54, ErrSecurity},
		"110 bits: over 2018 as well":  {4096, 55, ErrSecurity},
		"no room in 60 bits":           {4096, 30, ErrBudget},
		"no two primes below 2^16":     {4096, 16, ErrRange},
		"80 bits leave too few hidden": {4096, 40, ErrBudget},
	} {
		p, err := build(c.n, c.size, need)
		if !errors.Is(err, c.want) || p != nil {
			t.Errorf("%s: %v, expected %v and no parameters", name, err, c.want)
		}
	}
}

// TestNewConcurrently is for the race detector.
func TestNewConcurrently(t *testing.T) {
	var group sync.WaitGroup
	for i := range 24 {
		group.Add(1)
		go func() {
			defer group.Done()
			k := 4 + i%12
			p, err := New(Need{-1 << k, 1<<k - 1, 100})
			if err != nil || p.ScoreBits != k+1 {
				t.Errorf("k = %d: %v", k+1, err)
			}
		}()
	}
	group.Wait()
}
