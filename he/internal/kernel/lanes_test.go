package kernel

import (
	"fmt"
	"math"
	"math/big"
	"math/bits"
	"math/rand/v2"
	"slices"
	"testing"
)

// onEachPath runs a test of functions that have no modulus on every path.
func onEachPath(t *testing.T, test func(t *testing.T)) {
	before := chosen
	defer func() { chosen = before }()
	for _, path := range paths(t) {
		chosen = path
		t.Run(path, test)
	}
}

// lengths are and are not whole registers.
var lengths = []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 64, 203}

// TestScaleIsExact compares Scale, ScaleAdd, AddFraction and AddSmall with integers of
// any size.
func TestScaleIsExact(t *testing.T) {
	for _, q := range append(primes(4096), primes(64)...) {
		for _, path := range paths(t) {
			m := mustBuild(t, 64, q, path)
			rnd := rand.New(rand.NewPCG(13, q))
			for _, length := range lengths {
				for _, fill := range fills {
					name := fmt.Sprintf("%s, q %d, %d words, %s", path, q, length, fill.name)
					a, d := words(rnd, length, q, fill.next), words(rnd, length, q, fill.next)
					w, e := fill.next(rnd, q), rnd.Uint64N(1<<52)
					small := make([]int8, length)
					product, sum, fractions, shifted := make([]uint64, length), make([]uint64, length), make([]uint64, length), make([]uint64, length)
					base := make([]uint64, length)
					for i := range product {
						product[i] = bigSum(q, a[i:i+1], []uint64{w})
						sum[i] = bigSum(q, []uint64{a[i], d[i]}, []uint64{w, 1})
						base[i] = rnd.Uint64()
						part := new(big.Int).Mul(new(big.Int).SetUint64(product[i]), new(big.Int).SetUint64(e))
						fractions[i] = base[i] + product[i]<<14 + part.Rsh(part, 52).Uint64()
						small[i] = int8(rnd.Uint32())
						v := new(big.Int).Add(new(big.Int).SetUint64(d[i]), big.NewInt(int64(small[i])))
						shifted[i] = v.Mod(v, new(big.Int).SetUint64(q)).Uint64()
					}
					if q > 1<<8 {
						moved := clone(d)
						m.AddSmall(moved, small)
						equal(t, "AddSmall, "+name, moved, shifted)
					}
					integers, spread := make([]int32, length), make([]uint64, length)
					for i := range integers {
						integers[i] = int32(rnd.Int64N(int64(min(2*q-1, 1<<32)))) - int32(min(q-1, 1<<31-1))
						if i < 2 && q > 1<<31 {
							integers[i] = []int32{math.MinInt32, math.MaxInt32}[i]
						}
						v := new(big.Int).Mod(big.NewInt(int64(integers[i])), new(big.Int).SetUint64(q))
						spread[i] = v.Uint64()
					}
					residues := words(rnd, length, q, fill.next)
					m.Spread(residues, integers)
					equal(t, "Spread, "+name, residues, spread)
					checkCanaries(t, residues)
					m.AddFraction(base, a, m.Fraction(w, e))
					equal(t, "AddFraction, "+name, base, fractions)
					m.ScaleAdd(d, a, m.Factor(w))
					equal(t, "ScaleAdd, "+name, d, sum)
					m.Scale(d, a, m.Factor(w))
					equal(t, "Scale, "+name, d, product)
					m.Scale(a, a, m.Factor(w))
					equal(t, "Scale in place, "+name, a, product)
					checkCanaries(t, a, d)
				}
			}
		}
	}
}

// TestScaleOfWords: the operand of Scale, ScaleAdd and AddFraction need only be below 2^52.
func TestScaleOfWords(t *testing.T) {
	const limit = 1 << 52
	for _, q := range append(primes(4096), primes(64)...) {
		for _, path := range paths(t) {
			m := mustBuild(t, 64, q, path)
			for _, w := range []uint64{1, q / 2, q/2 + 1, q - 1, q / 3} {
				for _, fill := range fills {
					rnd := rand.New(rand.NewPCG(17, q))
					a, d := words(rnd, 203, limit, fill.next), words(rnd, 203, q, fill.next)
					e := fill.next(rnd, limit)
					product, sum, fractions := make([]uint64, len(a)), make([]uint64, len(a)), make([]uint64, len(a))
					for i, v := range a {
						product[i] = bigSum(q, []uint64{v}, []uint64{w})
						sum[i] = (product[i] + d[i]) % q
						hi, lo := bits.Mul64(product[i], e)
						fractions[i] = product[i]<<14 + hi<<12 + lo>>52
					}
					name := fmt.Sprintf("%s, q %d, w %d, %s", path, q, w, fill.name)
					m.ScaleAdd(d, a, m.Factor(w))
					equal(t, "ScaleAdd, "+name, d, sum)
					clear(d)
					m.AddFraction(d, a, m.Fraction(w, e))
					equal(t, "AddFraction, "+name, d, fractions)
					m.Scale(d, a, m.Factor(w))
					equal(t, "Scale, "+name, d, product)
				}
			}
		}
	}
}

func TestBinomial(t *testing.T) {
	onEachPath(t, func(t *testing.T) {
		rnd := rand.New(rand.NewPCG(14, 1))
		for _, length := range lengths {
			src, counts := make([]uint64, length), make([]int8, length)
			for i := range src {
				src[i] = rnd.Uint64()
			}
			CentredBinomial(counts, src)
			for i, w := range src {
				if want := bits.OnesCount64(w<<43) - bits.OnesCount64(w>>21<<43); int(counts[i]) != want {
					t.Fatalf("word %x: %d, expected %d", w, counts[i], want)
				}
			}
		}
		extremes := []uint64{1<<21 - 1, 1<<42 - 1<<21, ^uint64(0), 0, 1<<21 - 1, 1 << 63, 1, 1 << 21}
		counts := make([]int8, len(extremes))
		if CentredBinomial(counts, extremes); !slices.Equal(counts, []int8{21, -21, 0, 0, 21, 0, 1, -1}) {
			t.Errorf("%v", counts)
		}
	})
}

// FuzzLanes compares the paths of what the comparisons are made of.
func FuzzLanes(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, selector byte, data []byte) {
		p, s := pairOf(t, 64, selector)
		const length = 203
		all := expand(data, 2*length+2, p.q)
		a, x := all[:length], all[length:2*length]
		w, e := all[2*length], all[2*length+1]
		y := clone(x)
		p.ScaleAdd(x, a, p.Factor(w))
		s.ScaleAdd(y, a, s.Factor(w))
		equal(t, "ScaleAdd", y, x)
		p.Scale(x, x, p.Factor(w))
		s.Scale(y, y, s.Factor(w))
		equal(t, "Scale", y, x)
		p.AddFraction(x, a, p.Fraction(w, e))
		s.AddFraction(y, a, s.Fraction(w, e))
		equal(t, "AddFraction", y, x)
	})
}
