// Package kernel is the arithmetic that dominates the running time of package he:
// transforms and products modulo one prime or a product of several, the multiply-accumulate
// of a plain operand with an encrypted one, and what comparisons draw and pick.
//
//	m, err := kernel.New(4096, q)
//	m.NTT(p)                // coefficients -> values at the roots of X^n+1
//	m.Mul(dst, p, w)        // product of polynomials, value by value
//	m.INTT(dst)             // values -> coefficients
//
// There are three implementations with equal results, to the bit: assembly for
// AVX-512 IFMA and for AVX2 with FMA, and a portable one in Go. The fastest that the
// processor has runs, or the one that the environment variable PUENTE_KERNEL names
// (Variable, All, Paths, Name); gen and gen/avx2 derive the assembly. Every residue that
// goes in must be fully reduced, in [0, q), unless a function says otherwise; every residue
// that comes out is. The assembly is branch-free in the data; the portable reductions are
// not constant-time.
//
// The order of a transform is bit-reversed: position i holds the value at
// psi^(2*brv(i)+1), brv reversing log2 n bits, as the decimation-in-time
// transform of Longa and Naehrig leaves it ("Speeding up the number theoretic
// transform for faster ideal lattice-based cryptography", 2016). It is the order,
// and psi the root, of SubRing.NTT in the ring package of Lattigo v5.
package kernel

import (
	"fmt"

	"github.com/tuneinsight/lattigo/v5/ring"
)

// Tile is the number of neighbouring coefficients that Accumulate keeps together:
// eight 64-bit words, a cache line and a 512-bit register.
const Tile = 8

// MaxBlocks is the largest number of products that Accumulate sums.
const MaxBlocks = 1 << 13

// Limits of New. Moduli below 2^50 leave the two bits that lazy reduction needs
// within the 52-bit multipliers and below the 2^53 of doubles; the smallest degree is one
// in-register block.
const (
	minDegree = 64
	maxDegree = 1 << 16
	maxBits   = 50
)

// Modulus is one prime, or a Product of several, with transforms over X^n+1. It is immutable and safe for
// concurrent use.
type Modulus struct {
	n   int
	q   uint64
	psi uint64
	engine
}

// engine is what the implementations provide. Lengths have been checked.
type engine interface {
	ntt(p []uint64)
	intt(p []uint64)
	mul(dst, a, b []uint64)
	mulAdd(dst, a, b []uint64)
	accumulate(weights, rows, a, b []uint64, blocks int)
	scale(dst, a []uint64, w *Factor)
	scaleAdd(dst, a []uint64, w *Factor)
	addFraction(sum, v []uint64, f *Fraction)
	addSmall(dst []uint64, small []int8)
	spread(dst []uint64, small []int32)
	pick(dst []uint64, lists [][]uint64, keys []uint8, want uint8)
	lift(dst, src []uint64, t uint64)
	liftNTT(dst, src []uint64, t uint64)
	addProducts(a, b []uint64, x, ya, yb [][]uint64)
}

// New prepares a prime q < 2^50 that is 1 modulo 2n, for a degree n that is a
// power of two from 64 to 65536.
func New(n int, q uint64) (*Modulus, error) { return build(n, q, Name()) }

func build(n int, q uint64, path string) (*Modulus, error) {
	if n < minDegree || n > maxDegree || n&(n-1) != 0 {
		return nil, fmt.Errorf("kernel: degree %d is not a power of two from %d to %d", n, minDegree, maxDegree)
	}
	if q>>maxBits != 0 || q%uint64(2*n) != 1 {
		return nil, fmt.Errorf("kernel: modulus %d is not below 2^%d and 1 modulo %d", q, maxBits, 2*n)
	}
	r, err := ring.NewRing(n, []uint64{q})
	if err != nil {
		return nil, fmt.Errorf("kernel: modulus %d for degree %d: %w", q, n, err)
	}
	p := newPortable(r.SubRings[0])
	return onPath(&Modulus{n: n, q: q, psi: p.power(p.sub.PrimitiveRoot, (q-1)/uint64(2*n)), engine: p}, p, path), nil
}

func onPath(m *Modulus, p *portable, path string) *Modulus {
	switch path {
	case pathIFMA:
		m.engine = accelerate(p, m.psi)
	case pathAVX2:
		m.engine = accelerateAVX2(p, m.psi)
	}
	return m
}

// Q returns the prime or product.
func (m *Modulus) Q() uint64 { return m.q }

// Psi returns the primitive 2n-th root of unity of the transforms.
func (m *Modulus) Psi() uint64 { return m.psi }

// NTT transforms the n coefficients of p to values, in place. It panics if p is
// of another length.
func (m *Modulus) NTT(p []uint64) {
	same("NTT", m.n, p)
	m.ntt(p)
}

// INTT transforms n values back to coefficients, in place. It panics if p is of
// another length.
func (m *Modulus) INTT(p []uint64) {
	same("INTT", m.n, p)
	m.intt(p)
}

// Mul sets dst[i] = a[i]*b[i] mod q. dst may be a or b, but not overlap them
// otherwise. It panics if the lengths differ.
func (m *Modulus) Mul(dst, a, b []uint64) {
	same("Mul", len(dst), a, b)
	m.mul(dst, a, b)
}

// MulAdd sets dst[i] = dst[i] + a[i]*b[i] mod q. Aliasing and lengths as for Mul.
func (m *Modulus) MulAdd(dst, a, b []uint64) {
	same("MulAdd", len(dst), a, b)
	m.mulAdd(dst, a, b)
}

// Accumulate multiplies and accumulates a run of tiles of Tile coefficients:
//
//	a[t*8+i] = sum over block of weights[t][block][i] * rows[t][block].a[i] mod q
//	b[t*8+i] = sum over block of weights[t][block][i] * rows[t][block].b[i] mod q
//
// weights holds, for each tile and each block, 8 words; rows, for each tile and
// each block, 8 words of a and then 8 words of b. a and b are overwritten; they
// must not overlap the operands. It panics if blocks is not from 1 to MaxBlocks or
// a length does not fit: len(a) = len(b), a multiple of 8, len(weights) =
// blocks*len(a) and len(rows) = 2*blocks*len(a).
func (m *Modulus) Accumulate(weights, rows, a, b []uint64, blocks int) {
	if blocks < 1 || blocks > MaxBlocks {
		panic(fmt.Sprintf("kernel: Accumulate of %d blocks", blocks))
	}
	if len(a)%Tile != 0 {
		panic(fmt.Sprintf("kernel: Accumulate into %d words, not whole tiles", len(a)))
	}
	same("Accumulate", len(a), b)
	same("Accumulate", blocks*len(a), weights)
	same("Accumulate", 2*blocks*len(a), rows)
	m.accumulate(weights, rows, a, b, blocks)
}

// same guards the assembly, which checks nothing.
func same(what string, want int, operands ...[]uint64) {
	for _, o := range operands {
		if len(o) != want {
			panic(fmt.Sprintf("kernel: %s with an operand of %d words instead of %d", what, len(o), want))
		}
	}
}
