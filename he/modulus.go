package he

import (
	"fmt"
	"math/bits"

	"github.com/puente-project/puente/he/internal/kernel"
)

// modulus is one prime with its number-theoretic transform over X^n+1.
//
// Position i of a transform holds the value at psi^(2*brv(i)+1), where psi is a
// primitive 2n-th root of unity (kernel.Modulus.Psi) and brv reverses log2 n bits.
type modulus struct {
	*kernel.Modulus // vectors
	q               uint64
	whole           uint64 // floor(2^64 / q)
}

// newModulus prepares a prime q = 1 mod 2n for degree n.
func newModulus(n int, q uint64) (*modulus, error) {
	k, err := kernel.New(n, q)
	if err != nil {
		return nil, fmt.Errorf("he: %d is no modulus for degree %d: %w", q, n, err)
	}
	return wrap(k), nil
}

// wrap prepares the arithmetic of words.
func wrap(k *kernel.Modulus) *modulus {
	return &modulus{Modulus: k, q: k.Q(), whole: ^uint64(0) / k.Q()} // q is no power of two
}

func (m *modulus) slowMul(x, y uint64) uint64 {
	hi, lo := bits.Mul64(x%m.q, y%m.q)
	return bits.Rem64(hi, lo, m.q)
}

// inverse returns x^-1 mod q by Fermat.
func (m *modulus) inverse(x uint64) uint64 {
	result, base := uint64(1), x%m.q
	for e := m.q - 2; e > 0; e >>= 1 {
		if e&1 == 1 {
			result = m.slowMul(result, base)
		}
		base = m.slowMul(base, base)
	}
	return result
}

// signed returns v mod q for |v| < q.
func (m *modulus) signed(v int64) uint64 { return uint64(v) + uint64(v>>63)&m.q }

// uint128 is an integer below 2^128.
type uint128 struct{ hi, lo uint64 }

func (x uint128) shiftRight(n uint) uint128 {
	if n == 0 {
		return x
	}
	if n >= 64 {
		return uint128{0, x.hi >> (n - 64)}
	}
	return uint128{x.hi >> n, x.lo>>n | x.hi<<(64-n)}
}

func (x uint128) bitLen() int {
	if x.hi != 0 {
		return 64 + bits.Len64(x.hi)
	}
	return bits.Len64(x.lo)
}
