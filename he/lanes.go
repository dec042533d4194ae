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
// plane i/n. Products and sums of polynomials are those of all lanes.
type lanes struct {
	r      *ring
	planes []*modulus
	t      uint64 // their product
	merge  *kernel.Planes
	weight []uint64        // (t/p)^-1 mod p
	lift   []kernel.Factor // -q * weight modulo each plane
	tInv   []kernel.Factor // t^-1 modulo the primes of q
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
	for _, p := range small {
		m, err := cachedModulus(n, p)
		if err != nil {
			return nil, err
		}
		l.planes = append(l.planes, m)
		l.t *= p
	}
	for _, m := range l.planes {
		w := m.inverse(l.t / m.q)
		l.weight = append(l.weight, w)
		l.lift = append(l.lift, m.Factor(m.q-m.remainder(r.residue(m.q)*w)))
	}
	for _, m := range r.q {
		l.tInv = append(l.tInv, m.Factor(m.inverse(l.t)))
	}
	l.merge = kernel.NewPlanes(small, primes)
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

// addMessage adds floor((q*m + floor(t/2)) / t) to every coefficient of b, for the
// message m that has the coefficients of a plane in each list, which it overwrites. With c
// the remainder of the division it is (floor(t/2) - c)/t modulo a prime of q, and
// floor(t/2) - c is the integer of [-t/2, t/2] that is congruent to -q*m modulo t.
func (l *lanes) addMessage(b poly, message [][]uint64) {
	lent := l.r.borrow()
	defer l.r.giveBack(lent)
	for p, m := range l.planes {
		m.Scale(message[p], message[p], l.lift[p])
	}
	l.merge.Recombine(*lent, message)
	for i, q := range l.r.q {
		q.ScaleAdd(b[i], (*lent)[i], l.tInv[i])
	}
}

// borrow lends one list of coefficients for each plane.
func (l *lanes) borrow() (planes [][]uint64, giveBack func()) {
	lent := l.r.borrow()
	var more *poly
	planes = append(planes, *lent...)
	if len(planes) < len(l.planes) {
		more = l.r.borrow()
		planes = append(planes, *more...)
	}
	return planes[:len(l.planes)], func() {
		l.r.giveBack(lent)
		if more != nil {
			l.r.giveBack(more)
		}
	}
}
