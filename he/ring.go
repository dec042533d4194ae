package he

import (
	"math/bits"
	"sync"

	"github.com/puente-project/puente/he/internal/kernel"
)

// ring is R_q = Z[X]/(X^n+1) modulo q, the product of a few primes. It is immutable.
type ring struct {
	n int
	q []*modulus

	fractions []kernel.Fraction // (q/q_l)^-1 mod q_l and floor(2^66 * (2^50-q_l) / q_l)
	centre    uint64            // what the fractions lack on average, rounded
	spare     *scratch
}

// newRing prepares a ring of two or three primes of 50 bits.
func newRing(n int, primes []uint64) (*ring, error) {
	r := &ring{n: n, spare: &spares[len(primes)][bits.Len(uint(n))-1], centre: uint64(len(primes)+1) / 2}
	for _, p := range primes {
		m, err := cachedModulus(n, p)
		if err != nil {
			return nil, err
		}
		r.q = append(r.q, m)
	}
	for l, m := range r.q {
		rest := uint64(1)
		for o, other := range r.q {
			if o != l {
				rest = m.slowMul(rest, other.q)
			}
		}
		short := uint64(1)<<primeBits - m.q
		f, _ := bits.Div64(short<<2, 0, m.q) // 2^66 = 2^2 * 2^64
		r.fractions = append(r.fractions, m.Fraction(m.inverse(rest), f))
	}
	return r, nil
}

// residue returns q mod t.
func (r *ring) residue(t uint64) uint64 {
	v := uint64(1) % t
	for _, m := range r.q {
		hi, lo := bits.Mul64(v, m.q%t)
		v = bits.Rem64(hi, lo, t)
	}
	return v
}

// poly is an element of a ring, one residue polynomial per prime.
type poly [][]uint64

func (r *ring) newPoly() poly {
	p := make(poly, len(r.q))
	backing := make([]uint64, len(r.q)*r.n)
	for l := range p {
		p[l] = backing[l*r.n : (l+1)*r.n]
	}
	return p
}

// front returns the first coefficients of a.
func (a poly) front(count int) poly {
	part := make(poly, len(a))
	for l := range a {
		part[l] = a[l][:count]
	}
	return part
}

// scratch lends polynomials of one ring for the length of a computation, so that the
// hot stages touch no fresh memory. What they hold is arbitrary.
type scratch struct{ pool sync.Pool }

// spares holds the scratch memory of all sessions, by number of primes and log2 of the
// degree.
var spares [4][17]scratch

func (r *ring) borrow() *poly {
	if p, ok := r.spare.pool.Get().(*poly); ok {
		return p
	}
	p := r.newPoly()
	return &p
}

func (r *ring) giveBack(polys ...*poly) {
	for _, p := range polys {
		r.spare.pool.Put(p)
	}
}

// transform replaces a polynomial by its number-theoretic transform, and inverse does
// the contrary.
func (r *ring) transform(a poly) poly {
	for l, m := range r.q {
		m.NTT(a[l])
	}
	return a
}

func (r *ring) inverseTransform(a poly) poly {
	for l, m := range r.q {
		m.INTT(a[l])
	}
	return a
}

// mul sets dst to the product of two transformed polynomials, and mulAdd adds it.
func (r *ring) mul(dst, a, b poly) {
	for l, m := range r.q {
		m.Mul(dst[l], a[l], b[l])
	}
}

func (r *ring) mulAdd(dst, a, b poly) {
	for l, m := range r.q {
		m.MulAdd(dst[l], a[l], b[l])
	}
}

// ternary fills t with uniform ternary coefficients and returns it.
func (r *ring) ternary(t poly, st *Stream) poly {
	values := make([]int8, r.n)
	st.trits(values)
	for l, m := range r.q {
		clear(t[l])
		m.AddSmall(t[l], values)
	}
	return t
}

// addErrors adds an error to every coefficient.
func (r *ring) addErrors(a poly, st *Stream) {
	var errors [512]int8
	for from := 0; from < len(a[0]); from += len(errors) {
		to := min(from+len(errors), len(a[0]))
		st.smallErrors(errors[:to-from])
		for l, m := range r.q {
			m.AddSmall(a[l][from:to], errors[:to-from])
		}
	}
}

// uniform expands the a of a ciphertext from a public seed into a, in transformed form,
// and returns it.
func (r *ring) uniform(a poly, public Seed, label string, index ...uint32) poly {
	st := NewStream(public, label, index...)
	for l, m := range r.q {
		st.uniform(a[l], m.q)
	}
	return a
}

// pack writes round(v * 2^width / q) mod 2^width for the coefficients v of a to dst, width
// below 62. The fraction v/q is that of the sum of x_l/q_l with x_l = v * (q/q_l)^-1 mod q_l
// (Chinese remainders); x_l * 2^64 / q_l is x_l * 2^14 * (1 + (2^50-q_l)/q_l), of which
// the second term is cut to an integer. The sum lacks between 0 and 5/4 of a unit of
// 2^-64 for each prime, centre less on average. sums is overwritten.
func (r *ring) pack(dst []byte, a poly, width int, sums []uint64) {
	sums = sums[:len(a[0])]
	for i := range sums {
		sums[i] = r.centre + 1<<(63-width)
	}
	for l, m := range r.q {
		m.AddFraction(sums, a[l], r.fractions[l])
	}
	shift := uint(64 - width)
	for i, v := range sums {
		sums[i] = v >> (shift & 63)
	}
	layouts[width]().Pack(dst, sums, nil)
}
