package he

import (
	"fmt"
	"math/big"
	"math/bits"
	"sync"

	"github.com/puente-project/puente/he/internal/kernel"
)

// Degree is the degree of the ring of scores, and LaneDegree that of the ring of
// comparisons.
const (
	Degree     = 4096
	LaneDegree = 8192
)

// primeBits is the size of the primes of q. Below 2^50, residues stay within the
// 52-bit multipliers of AVX-512 IFMA and 2^14 products fit 114 bits.
const primeBits = 50

// scoreLimbs is the number of primes in q of the ring of scores.
const scoreLimbs = 2

// maxPlanes is the largest number of planes of lanes in a comparison ciphertext. Three
// of 16 bits make a plaintext modulus just within the budget of three primes.
const maxPlanes = 3

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
// A score s of [ScoreMin, ScoreMax] is shared as x = s + 1 + r mod 2^ScoreBits with r
// uniform; s >= 0 exactly when x lies in the cyclic interval (r, r+2^HitBits).
type Params struct {
	need Need

	n       int // Degree
	score   *ring
	whole   uint128          // q of the ring of scores
	q0Inv1  [2]kernel.Factor // q0^-1 mod q1, and less that
	uploads map[int]*upload  // by dropped bits
	scoring powerScale
	lanes   []*lanes // by number of planes, from 1

	// ScoreBits is k: masks and shares are modulo 2^k.
	ScoreBits int
	// HitBits is h: a non-negative score is below 2^h - 1; h prefixes go up and h
	// tests come back for each comparison.
	HitBits int
	// Score is the budget of the score shares, Compare that of the verdicts of whole
	// batches.
	Score, Compare Budget
}

// New derives the parameter set for a need. The result depends on the need
// alone, so that both parties compute the same set. Errors: ErrRange, ErrSecurity,
// ErrBudget.
func New(need Need) (*Params, error) {
	return build(Degree, LaneDegree, primeBits, need)
}

func build(n, laneDegree int, size uint64, need Need) (*Params, error) {
	if need.ScoreMin >= 0 || need.ScoreMax < 0 || need.WeightL1 < 1 ||
		need.ScoreMin < -(1<<maxScoreBits) || need.ScoreMax > 1<<maxScoreBits || need.WeightL1 > 1<<40 {
		return nil, fmt.Errorf("%w: scores from %d to %d with weights of %d", ErrRange, need.ScoreMin, need.ScoreMax, need.WeightL1)
	}
	p := &Params{need: need, n: n, HitBits: bits.Len64(uint64(need.ScoreMax + 1))}
	// x - r goes from ScoreMin + 1 to ScoreMax + 1.
	p.ScoreBits = bits.Len64(uint64(1<<p.HitBits-need.ScoreMin-1) - 1)
	if p.ScoreBits > maxScoreBits {
		return nil, fmt.Errorf("%w: %d score bits, at most %d", ErrRange, p.ScoreBits, maxScoreBits)
	}
	primes, err := primesFor(n, size, scoreLimbs)
	if err != nil {
		return nil, err
	}
	// Budgets come before tables that could not be used.
	p.Score = scoreDirection(n, primes, p.ScoreBits, need.WeightL1).plan()
	if err := p.Score.check(); err != nil {
		return nil, err
	}
	if p.score, err = newRing(n, primes); err != nil {
		return nil, err
	}
	q := p.score.q
	p.whole.hi, p.whole.lo = bits.Mul64(q[0].q, q[1].q)
	inverse := q[1].inverse(q[0].q)
	p.q0Inv1 = [2]kernel.Factor{q[1].Factor(inverse), q[1].Factor(q[1].q - inverse)}
	p.uploads = map[int]*upload{}
	for _, budget := range []Budget{p.Score, p.keyBudget()} {
		p.uploads[budget.DroppedBits] = p.newUpload(uint(budget.DroppedBits))
	}
	p.scoring = newPowerScale(p.score, p.ScoreBits)
	for planes := 1; planes <= maxPlanes; planes++ {
		l, err := newLanes(laneDegree, size, planes, p.ScoreBits, p.HitBits)
		if err != nil && planes == 1 {
			return nil, err
		} else if err != nil {
			break
		}
		p.lanes = append(p.lanes, l)
	}
	p.Compare = p.lanes[len(p.lanes)-1].budget
	return p, nil
}

// Degree returns the number of coefficients of a score ciphertext.
func (p *Params) Degree() int { return p.n }

// Lanes returns the number of comparisons of a whole batch.
func (p *Params) Lanes() int { return len(p.lanes) * p.lanes[0].r.n }

// Moduli returns the primes of q of the ring of scores.
func (p *Params) Moduli() []uint64 {
	var list []uint64
	for _, m := range p.score.q {
		list = append(list, m.q)
	}
	return list
}

// LaneModuli returns the primes of q of the ring of comparisons and the moduli of the
// planes, for a batch of count comparisons.
func (p *Params) LaneModuli(count int) (q, planes []uint64) {
	l := p.lanesFor(count)
	for _, m := range l.r.q {
		q = append(q, m.q)
	}
	for _, m := range l.planes {
		planes = append(planes, m.q)
	}
	return q, planes
}

// LaneBudget returns the budget of the verdicts of a batch of count comparisons.
func (p *Params) LaneBudget(count int) Budget { return p.lanesFor(count).budget }

// Name is a short text that tells parameter sets apart, for people.
func (p *Params) Name() string {
	return fmt.Sprintf("k%d-h%d-n%d-q%.0f-n%d-q%.0f-planes%d", p.ScoreBits, p.HitBits, p.n, p.Score.LogQ,
		p.lanes[0].r.n, p.Compare.LogQ, len(p.lanes))
}

// cached keeps the transform tables, which are the slow part of a parameter set.
var cached struct {
	sync.Mutex
	moduli map[[2]uint64]*modulus
}

func cachedModulus(n int, q uint64) (*modulus, error) {
	return cachedOr(n, q, func() (*modulus, error) { return newModulus(n, q) })
}

func cachedOr(n int, q uint64, build func() (*modulus, error)) (*modulus, error) {
	cached.Lock()
	defer cached.Unlock()
	key := [2]uint64{uint64(n), q}
	if m := cached.moduli[key]; m != nil {
		return m, nil
	}
	m, err := build()
	if err != nil {
		return nil, err
	}
	if cached.moduli == nil {
		cached.moduli = map[[2]uint64]*modulus{}
	}
	cached.moduli[key] = m
	return m, nil
}

// primesFor returns the largest primes below 2^size that are 1 mod 2n.
func primesFor(n int, size uint64, count int) (q []uint64, err error) {
	for candidate := uint64(1)<<size + 1 - uint64(2*n); len(q) < count && candidate > 1; candidate -= uint64(2 * n) {
		if isPrime(candidate) {
			q = append(q, candidate)
		}
	}
	if len(q) < count {
		return q, fmt.Errorf("%w: no %d primes below 2^%d for degree %d", ErrRange, count, size, n)
	}
	return q, nil
}

// isPrime is certain below 2^64, where no composite passes the Baillie-PSW test. Every
// session asks about the same few candidates.
func isPrime(v uint64) bool {
	if known, ok := primality.Load(v); ok {
		return known.(bool)
	}
	prime := new(big.Int).SetUint64(v).ProbablyPrime(0)
	primality.Store(v, prime)
	return prime
}

var primality sync.Map // uint64 to bool

// planePrimes returns the smallest primes above 2^k that are 1 mod 2n, so that
// Z_t[X]/(X^n+1) splits into n lanes for each of them and every k-bit value fits one.
func planePrimes(n, k, count int) []uint64 {
	var list []uint64
	step := uint64(2 * n)
	for candidate := (uint64(1)<<k)/step*step + 1; len(list) < count; candidate += step {
		if candidate > 1<<k && isPrime(candidate) {
			list = append(list, candidate)
		}
	}
	return list
}

// powerScale lifts messages modulo 2^bits to the most significant bits modulo q.
type powerScale struct {
	r       *ring
	t, qT   uint64
	inverse []kernel.Factor // 2^-bits mod q_l
}

func newPowerScale(r *ring, bits int) powerScale {
	s := powerScale{r: r, t: 1 << bits, qT: r.residue(1 << bits)}
	for _, m := range r.q {
		s.inverse = append(s.inverse, m.Factor(m.inverse(s.t)))
	}
	return s
}

// add adds floor((q*m + t/2) / t) for the message m(i) in [0, t) to coefficient i. Modulo
// a prime of q it is (t/2 - c)/t with c the remainder of the division.
func (s *powerScale) add(b poly, m func(i int) uint64) {
	lent := s.r.borrow()
	defer s.r.giveBack(lent)
	for i := range b[0] {
		v := int64(s.t/2) - int64((s.qT*m(i)+s.t/2)&(s.t-1))
		for l, q := range s.r.q {
			(*lent)[l][i] = q.signed(v)
		}
	}
	for l, q := range s.r.q {
		q.ScaleAdd(b[l], (*lent)[l][:len(b[l])], s.inverse[l])
	}
}
