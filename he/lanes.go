package he

import (
	"errors"
	"fmt"

	"github.com/puente-project/puente/he/internal/kernel"
)

// lanes is how comparisons are carried: the ring of degree LaneDegree, and a plaintext
// modulus T that is the product of one to three primes, the planes, each of which splits
// completely. Z_T[X]/(X^n+1) then has n lanes for each plane (Smart and Vercauteren, DCC
// 71, 2014, for one prime; Chinese remainders for several): lane i is slot i mod n of
// plane i/n. Products and sums of polynomials are those of all lanes. T is below 2^50, so
// that one transform modulo T is those of all planes.
type lanes struct {
	r      *ring
	planes []*modulus
	t      uint64          // T, their product
	whole  *modulus        // modulo T
	weight []kernel.Factor // (T/p)^-1 mod p, modulo p
	share  []kernel.Factor // T/p mod T
	minus  []kernel.Factor // -T/p mod T
	unit   []kernel.Factor // 1 modulo p and 0 modulo the other planes, mod T
	lift   kernel.Factor   // -q mod T
	tInv   []kernel.Factor // T^-1 modulo the primes of q
	budget Budget
}

// newLanes finds the fewest primes of q, two or three, that have room for a number of
// planes.
func newLanes(n int, size uint64, planes, k, h int) (*lanes, error) {
	small := planePrimes(n, k, planes)
	for limbs := 2; ; limbs++ {
		primes, err := primesFor(n, size, limbs)
		if err != nil {
			return nil, err
		}
		budget := compareDirection(n, primes, small, h).plan()
		if err := budget.check(); errors.Is(err, ErrBudget) && limbs < 3 {
			continue
		} else if err != nil {
			return nil, err
		}
		if budget.MaskBits > 61 || budget.MessageBits > 61 || budget.FloodBits < 50 {
			return nil, fmt.Errorf("%w: answers of %d and %d bits", ErrRange, budget.MaskBits, budget.MessageBits)
		}
		return lanesOf(n, primes, small, budget)
	}
}

func lanesOf(n int, primes, small []uint64, budget Budget) (*lanes, error) {
	r, err := newRing(n, primes)
	if err != nil {
		return nil, err
	}
	l := &lanes{r: r, t: 1, budget: budget}
	var planes []*kernel.Modulus
	for _, p := range small {
		m, err := cachedModulus(n, p)
		if err != nil {
			return nil, err
		}
		l.planes, planes, l.t = append(l.planes, m), append(planes, m.Modulus), l.t*p
	}
	l.whole, err = cachedOr(n, l.t, func() (*modulus, error) {
		product, err := kernel.Product(planes...)
		if err != nil {
			return nil, fmt.Errorf("he: planes: %w", err)
		}
		return wrap(product), nil
	})
	if err != nil {
		return nil, err
	}
	for _, m := range l.planes {
		share := l.t / m.q
		w := m.inverse(share)
		l.weight = append(l.weight, m.Factor(w))
		l.share = append(l.share, l.whole.Factor(share))
		l.minus = append(l.minus, l.whole.Factor(l.t-share))
		l.unit = append(l.unit, l.whole.Factor(w*share))
	}
	l.lift = l.whole.Factor(l.t - r.residue(l.t))
	for _, m := range r.q {
		l.tInv = append(l.tInv, m.Factor(m.inverse(l.t)))
	}
	return l, nil
}

// lanesFor returns the lanes of a batch of count comparisons: no more planes than it
// needs.
func (p *Params) lanesFor(count int) *lanes {
	n := p.lanes[0].r.n
	return p.lanes[min(max(count-1, 0)/n, len(p.lanes)-1)]
}

// lanesIn returns the number of lanes.
func (l *lanes) lanesIn() int { return len(l.planes) * l.r.n }

// addMessage adds floor((q*m + floor(T/2)) / T) to every coefficient of b, for the
// message m of coefficients below T, which it overwrites. With c the remainder of the
// division it is (floor(T/2) - c)/T modulo a prime of q, and floor(T/2) - c is the integer
// of [-T/2, T/2] that is congruent to -q*m modulo T.
func (l *lanes) addMessage(b poly, message []uint64) {
	lent := l.r.borrow()
	defer l.r.giveBack(lent)
	l.whole.Scale(message, message, l.lift)
	for i, q := range l.r.q {
		q.Lift((*lent)[i], message, l.t)
		q.ScaleAdd(b[i], (*lent)[i], l.tInv[i])
	}
}

// borrow lends lists of coefficients.
func (l *lanes) borrow(count int) (lists [][]uint64, giveBack func()) {
	var lent []*poly
	for len(lists) < count {
		lent = append(lent, l.r.borrow())
		lists = append(lists, *lent[len(lent)-1]...)
	}
	return lists[:count], func() { l.r.giveBack(lent...) }
}
