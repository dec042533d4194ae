package kernel

import (
	"fmt"
	"math/big"
	"math/bits"

	"github.com/tuneinsight/lattigo/v5/ring"
)

// Product prepares the product of different primes of one degree, below 2^50. By Chinese
// remainders a residue modulo it is one modulo each of them, and a transform modulo it is
// theirs, all at once; psi is the number that is theirs modulo each prime. It returns an
// error if the product is too large, a prime is repeated or the degrees differ.
func Product(moduli ...*Modulus) (*Modulus, error) {
	if len(moduli) == 1 {
		return moduli[0], nil
	}
	q, n := big.NewInt(1), moduli[0].n
	for _, m := range moduli {
		q.Mul(q, new(big.Int).SetUint64(m.q))
		if m.n != n || q.BitLen() > maxBits {
			return nil, fmt.Errorf("kernel: modulus %d for degree %d makes no product below 2^%d for degree %d", m.q, m.n, maxBits, n)
		}
	}
	psi := new(big.Int)
	for _, m := range moduli {
		p := new(big.Int).SetUint64(m.q)
		rest := new(big.Int).Div(q, p)
		inverse := new(big.Int).ModInverse(rest, p)
		if inverse == nil {
			return nil, fmt.Errorf("kernel: modulus %d is repeated", m.q)
		}
		psi.Add(psi, rest.Mul(rest, inverse.Mul(inverse, new(big.Int).SetUint64(m.psi))))
	}
	return composite(n, q.Uint64(), psi.Mod(psi, q).Uint64(), Name())
}

// composite fills in what Lattigo finds for primes only.
func composite(n int, q, psi uint64, path string) (*Modulus, error) {
	sub, err := ring.NewSubRing(n, q)
	if err != nil {
		return nil, fmt.Errorf("kernel: product %d for degree %d: %w", q, n, err)
	}
	p := newPortable(sub)
	radix := bits.Rem64(1, 0, q) // 2^64: Lattigo's tables are in Montgomery form
	sub.NInv = p.product(p.degreeInverse(), radix)
	sub.RootsForward, sub.RootsBackward = p.roots(psi, n), p.roots(p.rootInverse(psi), n)
	for i := range n {
		sub.RootsForward[i] = p.product(sub.RootsForward[i], radix)
		sub.RootsBackward[i] = p.product(sub.RootsBackward[i], radix)
	}
	return onPath(&Modulus{n: n, q: q, psi: psi, engine: p}, p, path), nil
}

// degreeInverse returns n^-1 for q = 1 modulo n, prime or not.
func (m *portable) degreeInverse() uint64 { return m.q - (m.q-1)/uint64(m.sub.N) }

// rootInverse returns psi^-1 for psi^(2n) = 1.
func (m *portable) rootInverse(psi uint64) uint64 { return m.power(psi, uint64(2*m.sub.N-1)) }

// roots returns psi^brv(i), i < n: what the butterflies of group i-2^s of stage s
// multiply with.
func (m *portable) roots(psi uint64, n int) []uint64 {
	r, log := make([]uint64, n), bits.Len(uint(n))-1
	power := uint64(1)
	for i := range r {
		r[bitReverse(i, log)] = power
		power = m.product(power, psi)
	}
	return r
}

// bitReverse reverses the low count bits of i.
func bitReverse(i, count int) int {
	return int(bits.Reverse64(uint64(i)) >> (64 - count))
}
