package he

import (
	"math"
	"math/big"
	"math/bits"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestTransformConvention evaluates polynomials directly: position i holds the value at
// psi^(2*brv(i)+1).
func TestTransformConvention(t *testing.T) {
	p := mustNew(t, testNeeds["iris 2048"])
	rng := rand.New(rand.NewPCG(11, 12))
	wide := p.widest()
	for _, c := range []struct {
		n      int
		moduli []*modulus
	}{{Degree, p.score.q}, {LaneDegree, wide.r.q}, {LaneDegree, wide.planes}} {
		for _, m := range c.moduli {
			checkTransform(t, rng, c.n, m)
		}
	}
}

func checkTransform(t *testing.T, rng *rand.Rand, n int, m *modulus) {
	t.Helper()
	q, psi := bigOf(m.q), bigOf(m.Psi())
	if new(big.Int).Exp(psi, bigOf(uint64(n)), q).Cmp(new(big.Int).Sub(q, big.NewInt(1))) != 0 {
		t.Fatalf("psi^n is not -1 modulo %d", m.q)
	}
	a := make([]uint64, n)
	for i := range a {
		a[i] = rng.Uint64N(m.q)
	}
	b := slices.Clone(a)
	m.NTT(b)
	for _, i := range []int{0, 1, 2, 3, 64, 1000, n/2 - 1, n / 2, n - 2, n - 1} {
		reversed := bits.Reverse64(uint64(i)) >> (65 - bits.Len(uint(n)))
		x := new(big.Int).Exp(psi, bigOf(2*reversed+1), q)
		v := new(big.Int)
		for c := n - 1; c >= 0; c-- {
			v.Mul(v, x).Add(v, bigOf(a[c])).Mod(v, q)
		}
		if v.Uint64() != b[i] {
			t.Errorf("modulo %d, position %d holds another value", m.q, i)
		}
	}
	m.INTT(b)
	if !slices.Equal(a, b) {
		t.Fatalf("modulo %d: the inverse transform gives another polynomial", m.q)
	}
}

// extremes draws residues, most of them at an end of the range.
func extremes(q uint64) *rapid.Generator[uint64] {
	return rapid.OneOf(rapid.SampledFrom([]uint64{0, 1, 2, q / 2, q/2 + 1, q - 2, q - 1}), rapid.Uint64Range(0, q-1))
}

// drawPoly draws one coefficient modulo the primes of a ring.
func (r *ring) drawPoly(rt *rapid.T) poly {
	v := make(poly, len(r.q))
	for l, q := range r.q {
		v[l] = []uint64{extremes(q.q).Draw(rt, "v")}
	}
	return v
}

// TestArithmetic holds the word arithmetic against math/big.
func TestArithmetic(t *testing.T) {
	for _, need := range testNeeds {
		p := mustNew(t, need)
		whole := p.score.bigQ()
		if p.whole.big().Cmp(whole) != 0 {
			t.Fatal("whole is not q0*q1")
		}
		moduli := slices.Concat(p.score.q, p.widest().r.q, p.widest().planes)
		checkProperty(t, 1000, func(rt *rapid.T) {
			v := p.score.drawPoly(rt)
			for _, m := range moduli {
				q := bigOf(m.q)
				a, b := extremes(m.q).Draw(rt, "a"), extremes(m.q).Draw(rt, "b")
				for what, c := range map[string][2]*big.Int{
					"slowMul": {bigOf(m.slowMul(a, b)), new(big.Int).Mul(bigOf(a), bigOf(b))},
					"signed":  {bigOf(m.signed(-int64(a))), new(big.Int).Neg(bigOf(a))},
				} {
					if c[0].Cmp(c[1].Mod(c[1], q)) != 0 {
						rt.Fatalf("%s of %d and %d modulo %d", what, a, b, m.q)
					}
				}
				if got, want := int64(m.centred(a)), centre(bigOf(a), q); got != want.Int64() {
					rt.Fatalf("%d centred modulo %d is %d", a, m.q, got)
				}
				if a != 0 && m.slowMul(a, m.inverse(a)) != 1 {
					rt.Fatalf("inverse of %d modulo %d", a, m.q)
				}
			}

			m := extremes(p.scoring.t).Draw(rt, "m")
			got := copyPoly(v)
			p.scoring.add(got, func(int) uint64 { return m })
			p.score.addBig(v, 0, p.score.bigLift(m, p.scoring.t))
			if got[0][0] != v[0][0] || got[1][0] != v[1][0] {
				rt.Fatalf("lift of %d of %d", m, p.scoring.t)
			}
		})
	}
}

// bigDown returns round(v*2^width/q) mod 2^width, halves up, of the first coefficient, and
// whether v*2^width/q is further than 4 units of 2^(width-64) from a half.
func (r *ring) bigDown(v poly, width int) (rounded uint64, far bool) {
	q := r.bigQ()
	x := new(big.Int).Lsh(r.bigCRT(v)[0], uint(width))
	x.Add(x, new(big.Int).Rsh(q, 1)) // q is odd: there are no halves
	whole, rest := new(big.Int).DivMod(x, q, new(big.Int))
	distance := centre(rest, q)
	distance.Lsh(distance, uint(64-width))
	mask := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), uint(width)), big.NewInt(1))
	return whole.And(whole, mask).Uint64(), distance.CmpAbs(new(big.Int).Lsh(q, 2)) > 0
}

// TestDown holds the switch from q to powers of two against math/big. Of v*2^64/q the sum
// in ring.pack lacks between 0 and 5/4 of a unit for each prime, of which centre is given
// back; what remains on average is at most half a unit, as the budget says.
func TestDown(t *testing.T) {
	p := mustNew(t, testNeeds["iris 2048"])
	for _, r := range []*ring{p.score, p.lanes[0].r, p.widest().r} {
		q, limbs := r.bigQ(), len(r.q)
		limit := new(big.Int).Mul(q, big.NewInt(int64(5*limbs)))
		// lacks returns what the sum lacks, times 4*q.
		lacks := func(fatal func(string, ...any), v poly) *big.Int {
			sum := bigOf(r.sum(v, 0) - r.centre)
			lack := new(big.Int).Lsh(r.bigCRT(v)[0], 64)
			lack.Sub(lack, sum.Mul(sum, q)).Lsh(lack, 2)
			lack = centre(lack, new(big.Int).Lsh(q, 66))
			if lack.Sign() < 0 || lack.Cmp(limit) >= 0 {
				fatal("%d primes: the sum for %d lacks %v quarters of 2^-64/q, expected [0, %v)", limbs, v, lack, limit)
			}
			return lack
		}
		checkProperty(t, 1000, func(rt *rapid.T) {
			v := r.drawPoly(rt)
			lacks(rt.Fatalf, v)
			width := rapid.IntRange(1, 61).Draw(rt, "width")
			got := r.down(v, uint(width))[0]
			if got != (r.sum(v, 0)+1<<(63-width))>>(64-width) {
				rt.Fatalf("down(%d, %d) is not its sum rounded", v, width)
			}
			if want, far := r.bigDown(v, width); far && got != want {
				rt.Fatalf("down(%d, %d) = %d, expected %d", v, width, got, want)
			}
		})
		rng := rand.New(rand.NewPCG(17, uint64(limbs)))
		v := make(poly, limbs)
		for l := range v {
			v[l] = make([]uint64, 1)
		}
		n, total, near := samples(1<<13), new(big.Int), 0
		for range n {
			for l, m := range r.q {
				v[l][0] = rng.Uint64N(m.q)
			}
			total.Add(total, lacks(t.Fatalf, v))
			const width = 32
			if want, far := r.bigDown(v, width); !far {
				near++
			} else if got := r.down(v, width)[0]; got != want {
				t.Fatalf("down(%d, %d) = %d, expected %d", v, width, got, want)
			}
		}
		if near > 1 { // each with probability 2^-29
			t.Errorf("%d primes: %d of %d random values lie at a half", limbs, near, n)
		}
		many := make(poly, limbs) // the lengths at which vectors end
		for length := range 20 {
			for l, m := range r.q {
				many[l] = append(many[l][:0:0], make([]uint64, length)...)
				for i := range many[l] {
					many[l][i] = rng.Uint64N(m.q)
				}
			}
			for i, got := range r.down(many, 49) {
				if want := (r.sum(many, i) + 1<<14) >> 15; got != want {
					t.Errorf("%d primes: value %d of %d is %d, expected %d", limbs, i, length, got, want)
				}
			}
		}
		mean, _ := new(big.Float).Quo(new(big.Float).SetInt(total), new(big.Float).SetInt(new(big.Int).Lsh(q, 2))).Float64()
		if mean = mean/float64(n) - float64(r.centre); math.Abs(mean) > 0.5 {
			t.Errorf("%d primes: %.3f units are lacking on average, the budget allows half a unit", limbs, mean)
		}
	}
}

func TestUint128(t *testing.T) {
	mod := new(big.Int).Lsh(big.NewInt(1), 128)
	word := rapid.OneOf(rapid.SampledFrom([]uint64{0, 1, 1 << 63, math.MaxUint64}), rapid.Uint64())
	checkProperty(t, 2000, func(rt *rapid.T) {
		x := uint128{word.Draw(rt, "hi"), word.Draw(rt, "lo")}
		n := rapid.UintRange(0, 127).Draw(rt, "n")
		for what, c := range map[string][2]*big.Int{
			"right": {x.shiftRight(n).big(), new(big.Int).Rsh(x.big(), n)},
		} {
			if c[0].Cmp(c[1].Mod(c[1], mod)) != 0 {
				rt.Fatalf("%s of %v by %d", what, x, n)
			}
		}
		if x.bitLen() != x.big().BitLen() || uint128Of(x.big()) != x {
			rt.Fatalf("length of %v", x)
		}
	})
}
