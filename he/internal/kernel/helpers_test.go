package kernel

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"

	"github.com/tuneinsight/lattigo/v5/ring"
)

// paths are the implementations that this machine can run, the portable one first. A test
// over them checks all or says which it could not.
func paths(t testing.TB) []string {
	able := Paths()
	for _, path := range All() {
		if !slices.Contains(able, path) {
			t.Logf("this processor cannot run the %s path, which is not tested", path)
		}
	}
	slices.Reverse(able)
	return able
}

func mustBuild(t testing.TB, n int, q uint64, path string) *Modulus {
	t.Helper()
	m, err := build(n, q, path)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// prime returns the first prime in steps of 2n from a candidate that is 1 mod 2n.
func prime(candidate uint64, step int64) uint64 {
	for !ring.IsPrime(candidate) {
		candidate += uint64(step)
	}
	return candidate
}

// primes returns moduli for degree n: the two largest below 2^50, the smallest above
// 2^49, one of 17 bits or more, those for which the estimates of a quotient are
// worst, and usual small ones.
func primes(n int) []uint64 {
	step := int64(2 * n)
	first := prime(1<<50+1-uint64(step), -step)
	// 2^100/q and, for the other, 2^52/q and (2^52 mod q)*2^52/q are just below an
	// integer, so that rounding them down loses almost one.
	barrett := prime(1<<50-1<<25+1, step)
	fifth := uint64(1<<52) / 5
	fold := prime((fifth+uint64(math.Sqrt(float64(fifth)))/5)/uint64(step)*uint64(step)+1, -step)
	qs := []uint64{first, prime(first-uint64(step), -step), barrett, fold, prime(1<<49+1, step), prime(uint64(step)<<16+1, step)}
	for _, q := range []uint64{257, 12289, 40961, 65537, 557057} {
		if q%uint64(step) == 1 {
			qs = append(qs, q)
		}
	}
	return qs
}

// fills are the ways to choose residues: random ones and the extremes.
var fills = []struct {
	name string
	next func(r *rand.Rand, q uint64) uint64
}{
	{"random", func(r *rand.Rand, q uint64) uint64 { return r.Uint64N(q) }},
	{"zero", func(*rand.Rand, uint64) uint64 { return 0 }},
	{"one", func(*rand.Rand, uint64) uint64 { return 1 }},
	{"largest", func(_ *rand.Rand, q uint64) uint64 { return q - 1 }},
	{"large", func(r *rand.Rand, q uint64) uint64 { return q - 1 - r.Uint64N(1+q/16) }},
	{"extremes", func(r *rand.Rand, q uint64) uint64 { return (q - 1) * (r.Uint64() & 1) }},
}

const canary = 0xdeadbeefdeadbeef

// words returns count residues, not aligned to a register, with a canary on each
// side.
func words(r *rand.Rand, count int, q uint64, next func(*rand.Rand, uint64) uint64) []uint64 {
	s := make([]uint64, count+2)
	s[0], s[count+1] = canary, canary
	for i := range count {
		s[i+1] = next(r, q)
	}
	return s[1 : count+1 : count+2]
}

func clone(s []uint64) []uint64 {
	c := make([]uint64, len(s)+2)
	c[0], c[len(s)+1] = canary, canary
	copy(c[1:], s)
	return c[1 : len(s)+1 : len(s)+2]
}

// checkCanaries fails if a word beside one of the buffers was overwritten.
func checkCanaries(t testing.TB, buffers ...[]uint64) {
	t.Helper()
	for _, b := range buffers {
		start := unsafe.SliceData(b[:1:1])
		before := *(*uint64)(unsafe.Add(unsafe.Pointer(start), -8))
		if before != canary || b[:len(b)+1][len(b)] != canary {
			t.Fatal("wrote beside an operand")
		}
	}
}

// equal fails at the first difference.
func equal(t testing.TB, what string, got, want []uint64) {
	t.Helper()
	if slices.Equal(got, want) {
		return
	}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("%s: word %d of %d is %d, want %d", what, i, len(want), got[i], want[i])
		}
	}
	t.Fatalf("%s: %d words, want %d", what, len(got), len(want))
}
