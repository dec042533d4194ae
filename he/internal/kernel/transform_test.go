package kernel

import (
	"fmt"
	"math/bits"
	"math/rand/v2"
	"testing"

	"github.com/tuneinsight/lattigo/v5/ring"
)

func mulMod(x, y, q uint64) uint64 {
	hi, lo := bits.Mul64(x, y)
	return bits.Rem64(hi, lo, q)
}

// TestTransformIsLattigo compares all paths with SubRing.NTT and INTT, and the
// round trip with its beginning.
func TestTransformIsLattigo(t *testing.T) {
	for n := 64; n <= 16384; n *= 2 {
		for _, q := range primes(n) {
			r, err := ring.NewRing(n, []uint64{q})
			if err != nil {
				t.Fatal(err)
			}
			for _, path := range paths(t) {
				m := mustBuild(t, n, q, path)
				rnd := rand.New(rand.NewPCG(uint64(n), q))
				for _, fill := range fills {
					name := fmt.Sprintf("%s, n %d, q %d, %s", path, n, q, fill.name)
					p := words(rnd, n, q, fill.next)
					start, want := clone(p), make([]uint64, n)

					r.SubRings[0].NTT(p, want)
					m.NTT(p)
					equal(t, "NTT, "+name, p, want)
					m.INTT(p)
					equal(t, "round trip, "+name, p, start)

					r.SubRings[0].INTT(p, want)
					m.INTT(p)
					equal(t, "INTT, "+name, p, want)
					m.NTT(p)
					equal(t, "round trip back, "+name, p, start)
					checkCanaries(t, p)
				}
			}
		}
	}
}

// TestTransformIsEvaluation checks the definition in the package comment without
// the help of another transform.
func TestTransformIsEvaluation(t *testing.T) {
	for _, n := range []int{64, 512} {
		q := primes(n)[0]
		for _, path := range paths(t) {
			m := mustBuild(t, n, q, path)
			if m.Q() != q || power(m.Psi(), uint64(n), q) != q-1 {
				t.Fatalf("%s: Psi() = %d is no primitive root of order %d modulo %d", path, m.Psi(), 2*n, m.Q())
			}
			p := words(rand.New(rand.NewPCG(1, uint64(n))), n, q, fills[0].next)
			want := make([]uint64, n)
			for i := range want {
				brv := bits.Reverse64(uint64(i)) >> (65 - bits.Len(uint(n)))
				x := power(m.Psi(), 2*brv+1, q)
				for j := n - 1; j >= 0; j-- { // Horner
					want[i] = (mulMod(want[i], x, q) + p[j]) % q
				}
			}
			m.NTT(p)
			equal(t, path, p, want)
		}
	}
}

// power returns x^e mod q for small e.
func power(x, e, q uint64) uint64 {
	result := uint64(1)
	for ; e > 0; e-- {
		result = mulMod(result, x, q)
	}
	return result
}

// TestProductOfPolynomials multiplies modulo X^n+1 by way of the transforms and
// compares with the schoolbook.
func TestProductOfPolynomials(t *testing.T) {
	const n = 512
	for _, q := range primes(n) {
		for _, path := range paths(t) {
			m := mustBuild(t, n, q, path)
			rnd := rand.New(rand.NewPCG(2, q))
			a, b := words(rnd, n, q, fills[0].next), words(rnd, n, q, fills[0].next)
			want := make([]uint64, n)
			for i, x := range a {
				for j, y := range b {
					v := mulMod(x, y, q)
					if i+j >= n && v > 0 {
						v = q - v
					}
					want[(i+j)%n] = (want[(i+j)%n] + v) % q
				}
			}
			m.NTT(a)
			m.NTT(b)
			m.Mul(a, a, b)
			m.INTT(a)
			equal(t, fmt.Sprintf("%s, q %d", path, q), a, want)
		}
	}
}
