package he

import (
	"fmt"
	"math"
	"math/big"
	"math/bits"
	"sync"
)

// Degree is n, the degree of the ring and the number of comparison slots of a
// ciphertext.
const Degree = 4096

// primeBits is the size of the two primes of q. Below 2^50, residues stay within
// the 52-bit multipliers of AVX-512 IFMA and 2^14 products fit 114 bits.
const primeBits = 50

// maxScoreBits bounds k, so that masks and prefixes fit 32-bit words.
const maxScoreBits = 24

// Need is what the application asks of a parameter set.
type Need struct {
	// ScoreMin and ScoreMax bound every admissible score, ScoreMin < 0 <= ScoreMax.
	ScoreMin, ScoreMax int64
	// WeightL1 bounds the sum of the absolute values of all plain coefficients
	// that meet in one score ciphertext, over all its blocks and entries.
	WeightL1 int64
}

// Params is a parameter set. It is immutable and safe for concurrent use.
//
// A score s of [ScoreMin, ScoreMax] is shared as x = s + r mod 2^ScoreBits with r
// uniform; s >= 0 exactly when x lies in the cyclic interval [r, r+2^HitBits).
type Params struct {
	need Need

	n       int
	q       [limbs]*modulus
	slots   *modulus // T', the comparison plaintext modulus
	whole   uint128  // q0*q1
	q0Inv1  uint64   // q0^-1 mod q1, Montgomery form
	q1Inv0  uint64   // q1^-1 mod q0, Montgomery form
	spare   *scratch
	scoring scale
	testing scale

	// ScoreBits is k: masks and shares are modulo 2^k.
	ScoreBits int
	// HitBits is h: a non-negative score is below 2^h; h prefixes go up and h+1
	// tests come back for each comparison.
	HitBits int
	// Score is the budget of the score shares, Compare that of the verdicts.
	Score, Compare Budget
}

// New derives the parameter set for a need. The result depends on the need
// alone, so that both parties compute the same set. Errors: ErrRange, ErrSecurity,
// ErrBudget.
func New(need Need) (*Params, error) {
	return build(Degree, primeBits, need)
}

func build(n int, size uint64, need Need) (*Params, error) {
	if need.ScoreMin >= 0 || need.ScoreMax < 0 || need.WeightL1 < 1 ||
		need.ScoreMin < -(1<<maxScoreBits) || need.ScoreMax > 1<<maxScoreBits || need.WeightL1 > 1<<40 {
		return nil, fmt.Errorf("%w: scores from %d to %d with weights of %d", ErrRange, need.ScoreMin, need.ScoreMax, need.WeightL1)
	}
	p := &Params{need: need, n: n, spare: &spares[bits.Len(uint(n))-1], HitBits: bits.Len64(uint64(need.ScoreMax))}
	p.HitBits = max(p.HitBits, 1)
	p.ScoreBits = bits.Len64(uint64(1<<p.HitBits-need.ScoreMin) - 1)
	if p.ScoreBits > maxScoreBits {
		return nil, fmt.Errorf("%w: %d score bits, at most %d", ErrRange, p.ScoreBits, maxScoreBits)
	}
	primes, err := primesFor(n, size)
	if err != nil {
		return nil, err
	}
	logQ := math.Log2(float64(primes[0])) + math.Log2(float64(primes[1]))
	if logQ > maxLogQ[n] { // before tables are made that could not be used
		return nil, fmt.Errorf("%w: log2 q = %.2f, at most %.0f allowed at degree %d", ErrSecurity, logQ, maxLogQ[n], n)
	}
	var q [limbs]*modulus
	for l := range q {
		if q[l], err = cachedModulus(n, primes[l]); err != nil {
			return nil, err
		}
	}
	p.q = q
	p.whole.hi, p.whole.lo = bits.Mul64(q[0].q, q[1].q)
	p.q0Inv1 = q[1].mont(q[1].inverse(q[0].q))
	p.q1Inv0 = q[0].mont(q[0].inverse(q[1].q))
	if p.slots, err = slotModulus(n, p.ScoreBits); err != nil {
		return nil, err
	}
	p.scoring, p.testing = newScale(q, 1<<p.ScoreBits, nil), newScale(q, p.slots.q, p.slots)

	p.Score = direction{n, float64(q[0].q), logQ, math.Exp2(float64(p.ScoreBits)), float64(need.WeightL1)}.plan()
	p.Compare = direction{n, float64(q[0].q), logQ, float64(p.slots.q), float64(n) * float64(p.slots.q) / 2}.plan()
	for _, b := range []Budget{p.Score, p.Compare} {
		if err := b.check(); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// Degree returns n, the number of coefficients and slots of a ciphertext.
func (p *Params) Degree() int { return p.n }

// SlotModulus returns T', the prime modulus of the comparison plaintexts.
func (p *Params) SlotModulus() uint64 { return p.slots.q }

// Moduli returns the two primes of q.
func (p *Params) Moduli() [2]uint64 { return [2]uint64{p.q[0].q, p.q[1].q} }

// Name is a short text that tells parameter sets apart, for people.
func (p *Params) Name() string {
	return fmt.Sprintf("n%d-q%.0f-k%d-h%d-t%d", p.n, p.Score.LogQ, p.ScoreBits, p.HitBits, p.slots.q)
}

// cached keeps the transform tables, which are the slow part of a parameter set.
var cached struct {
	sync.Mutex
	moduli map[[2]uint64]*modulus
}

func cachedModulus(n int, q uint64) (*modulus, error) {
	cached.Lock()
	defer cached.Unlock()
	key := [2]uint64{uint64(n), q}
	if m := cached.moduli[key]; m != nil {
		return m, nil
	}
	m, err := newModulus(n, q)
	if err != nil {
		return nil, err
	}
	if cached.moduli == nil {
		cached.moduli = map[[2]uint64]*modulus{}
	}
	cached.moduli[key] = m
	return m, nil
}

// primesFor returns the two largest primes below 2^size that are 1 mod 2n.
func primesFor(n int, size uint64) (q [limbs]uint64, err error) {
	found := 0
	for candidate := uint64(1)<<size + 1 - uint64(2*n); found < limbs && candidate > 1; candidate -= uint64(2 * n) {
		if isPrime(candidate) {
			q[found] = candidate
			found++
		}
	}
	if found < limbs {
		return q, fmt.Errorf("%w: no two primes below 2^%d for degree %d", ErrRange, size, n)
	}
	return q, nil
}

// isPrime is certain below 2^64, where no composite passes the Baillie-PSW test.
func isPrime(v uint64) bool { return new(big.Int).SetUint64(v).ProbablyPrime(0) }

// slotModulus returns the smallest prime above 2^k that is 1 mod 2n, so that
// Z_T'[X]/(X^n+1) splits into n slots and every k-bit value fits one.
func slotModulus(n, k int) (*modulus, error) {
	step := uint64(2 * n)
	for candidate := (uint64(1)<<k)/step*step + 1; ; candidate += step {
		if candidate > 1<<k && isPrime(candidate) {
			return cachedModulus(n, candidate)
		}
	}
}

// scale lifts messages modulo T to the most significant bits modulo q.
type scale struct {
	t, qT uint64   // T and q mod T
	prime *modulus // nil when T is a power of two
	inv   [limbs]uint64
	q     [limbs]*modulus
}

func newScale(q [limbs]*modulus, t uint64, prime *modulus) scale {
	s := scale{t: t, q: q, prime: prime}
	hi, lo := bits.Mul64(q[0].q, q[1].q)
	s.qT = bits.Rem64(hi, lo, t)
	for l, m := range q {
		s.inv[l] = m.mont(m.inverse(t))
	}
	return s
}

// lift returns the residues of floor((q*m + floor(T/2)) / T) for m in [0, T).
// Modulo a prime of q it is (floor(T/2) - c)/T with c the remainder of the division.
func (s *scale) lift(m uint64) [limbs]uint64 {
	c := s.qT*m + s.t/2
	if s.prime == nil {
		c &= s.t - 1
	} else {
		c = s.prime.remainder(c)
	}
	v := int64(s.t/2) - int64(c)
	var r [limbs]uint64
	for l, q := range s.q {
		r[l] = q.mul(q.signed(v), s.inv[l])
	}
	return r
}
