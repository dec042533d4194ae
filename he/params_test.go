package he

import (
	"errors"
	"math/big"
	"slices"
	"sync"
	"testing"
)

// TestModuli finds the primes of q again with math/big: the largest below 2^50 that are
// 1 mod 8192 for scores, 1 mod 16384 for comparisons.
func TestModuli(t *testing.T) {
	largest := func(step uint64, count int) (list []uint64) {
		for v := uint64(1<<50 - 1); len(list) < count; v-- {
			if v%step == 1 && new(big.Int).SetUint64(v).ProbablyPrime(32) {
				list = append(list, v)
			}
		}
		return list
	}
	scores, comparisons := largest(8192, 2), largest(16384, 3)
	for name, need := range testNeeds {
		p := mustNew(t, need)
		if got := p.Moduli(); !slices.Equal(got, scores) {
			t.Errorf("%s: moduli %d, expected %d", name, got, scores)
		}
		for planes := range p.lanes {
			count := planes*LaneDegree + 1
			q, small := p.LaneModuli(count)
			if !slices.Equal(q, comparisons[:len(q)]) || len(small) != planes+1 || len(q) != map[bool]int{true: 2, false: 3}[planes == 0] {
				t.Errorf("%s: %d comparisons have moduli %d and planes %d", name, count, q, small)
			}
			if got := p.LaneBudget(count); got != p.lanes[planes].budget {
				t.Errorf("%s: %d comparisons have the budget of another number of planes", name, count)
			}
		}
	}
	if scores[0] != 1125899906826241 || scores[1] != 1125899906629633 {
		t.Errorf("the pinned moduli have changed: %d", scores)
	}
}

// TestScoreBits checks k and h against their definition: the least powers of two
// that separate the scores.
func TestScoreBits(t *testing.T) {
	for _, c := range []struct {
		low, high int64
		k, h      int
	}{
		{-1, 0, 1, 1}, {-2, 0, 2, 1}, {-3, 0, 2, 1}, {-4, 0, 3, 1}, {-1, 1, 2, 2}, {-2, 1, 3, 2}, {-1, 2, 2, 2}, {-5, 2, 3, 2}, {-6, 2, 4, 2},
		{-1, 3, 3, 3}, {-5160, 2778, 14, 12}, {-8192, 8190, 14, 13}, {-8193, 8190, 14, 13}, {-8194, 8190, 15, 13}, {-8192, 8191, 15, 14},
	} {
		p := mustNew(t, Need{c.low, c.high, 1})
		if p.ScoreBits != c.k || p.HitBits != c.h {
			t.Errorf("[%d, %d]: k = %d, h = %d, expected %d and %d", c.low, c.high, p.ScoreBits, p.HitBits, c.k, c.h)
		}
		// x - r is s + 1: for hits it lies in (0, 2^h), for the others, modulo 2^k, outside.
		wrong := func(k int) (n int) {
			for score := c.low; score <= c.high; score++ {
				d := (score + 1) & (1<<k - 1)
				if inside := d > 0 && d < 1<<p.HitBits; inside != (score >= 0) {
					n++
				}
			}
			return n
		}
		if n := wrong(p.ScoreBits); n > 0 {
			t.Errorf("[%d, %d]: %d scores are on the wrong side of the hit interval", c.low, c.high, n)
		}
		if p.ScoreBits > p.HitBits && wrong(p.ScoreBits-1) == 0 || 1<<(p.HitBits-1)-2 >= c.high && p.HitBits > 1 {
			t.Errorf("[%d, %d]: k = %d or h = %d is more than is needed", c.low, c.high, c.k, c.h)
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
		"24 hit bits and more":  {func(n *Need) { n.ScoreMax = 1<<24 - 1 }, ErrRange},
		"22 bits and weights":   {func(n *Need) { n.ScoreMin, n.ScoreMax, n.WeightL1 = -1<<21, 1<<21-2, 1<<37 }, ErrBudget},
		"24 bits and weights":   {func(n *Need) { n.ScoreMin, n.ScoreMax, n.WeightL1 = -1<<23, 1<<23-2, 1<<35 }, ErrBudget},
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
	need := Need{ScoreMin: -8192, ScoreMax: 8190, WeightL1: 1 << 20}
	if _, err := build(Degree, LaneDegree, primeBits, need); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		n, laneDegree int
		size          uint64
		want          error
	}{
		"degree 2048":                     {2048, LaneDegree, 50, ErrSecurity},
		"degree 1024 is in no table":      {1024, LaneDegree, 50, ErrSecurity},
		"108 bits at degree 4096":         {4096, LaneDegree, 54, ErrSecurity},
		"110 bits: over 2018 as well":     {4096, LaneDegree, 55, ErrSecurity},
		"no room in 60 bits":              {4096, LaneDegree, 30, ErrBudget},
		"no two primes below 2^16":        {4096, LaneDegree, 16, ErrRange},
		"78 bits leave too few hidden":    {4096, LaneDegree, 39, ErrBudget},
		"lanes of degree 2048":            {4096, 2048, 50, ErrSecurity},
		"lanes of degree 1024":            {4096, 1024, 50, ErrSecurity},
		"lanes of degree 16384, no table": {4096, 16384, 50, ErrSecurity},
	} {
		p, err := build(c.n, c.laneDegree, c.size, need)
		if !errors.Is(err, c.want) || p != nil {
			t.Errorf("%s: %v, expected %v and no parameters", name, err, c.want)
		}
	}
	// At degree 4096 two primes are safe and three are not: the planes that need three are
	// left out.
	p, err := build(4096, 4096, 50, need)
	if err != nil || len(p.lanes) != 1 || len(p.lanes[0].r.q) != 2 {
		t.Errorf("lanes of degree 4096: %v", err)
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
			p, err := New(Need{-1 << k, 1<<k - 2, 100})
			if err != nil || p.ScoreBits != k+1 {
				t.Errorf("k = %d: %v", k+1, err)
			}
		}()
	}
	group.Wait()
}
