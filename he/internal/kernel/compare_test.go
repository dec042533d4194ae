package kernel

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"
)

// products are sets of primes for degree 512: planes of all sizes, a product just below
// 2^50 and the smallest.
var products = [][]uint64{{65537}, {65537, 114689, 147457}, {557057, 638977}, {16957441, 17006593}, {12289, 13313, 15361}}

// mustProduct builds the product of primes for a path as Product does.
func mustProduct(t testing.TB, n int, moduli []uint64, path string) (product *Modulus, parts []*Modulus) {
	t.Helper()
	for _, q := range moduli {
		parts = append(parts, mustBuild(t, n, q, path))
	}
	product, err := Product(parts...)
	if err != nil {
		t.Fatal(err)
	}
	if len(moduli) > 1 {
		if product, err = composite(n, product.q, product.psi, path); err != nil {
			t.Fatal(err)
		}
	}
	return product, parts
}

// TestProductTransforms: both transforms modulo a product are those modulo its primes.
func TestProductTransforms(t *testing.T) {
	for _, moduli := range products {
		for _, path := range paths(t) {
			for _, n := range []int{64, 512} {
				m, parts := mustProduct(t, n, moduli, path)
				rnd := rand.New(rand.NewPCG(31, m.q))
				for _, fill := range fills {
					x := words(rnd, n, m.q, fill.next)
					for name, transforms := range map[string]func(*Modulus, []uint64){"NTT": (*Modulus).NTT, "INTT": (*Modulus).INTT} {
						y := clone(x)
						transforms(m, y)
						checkCanaries(t, y)
						for _, p := range parts {
							want, got := clone(x), clone(y)
							for i := range want {
								want[i], got[i] = x[i]%p.q, y[i]%p.q
							}
							transforms(p, want)
							equal(t, fmt.Sprintf("%s, %s of degree %d modulo %d of %d, %s", path, name, n, p.q, m.q, fill.name), got, want)
						}
					}
				}
			}
		}
	}
}

func TestProductRejects(t *testing.T) {
	of := func(n int, q uint64) *Modulus { return mustBuild(t, n, q, pathPortable) }
	for name, moduli := range map[string][]*Modulus{
		"a prime twice":        {of(512, 12289), of(512, 12289)},
		"51 bits":              {of(512, 557057), of(512, prime(1<<31+1, 1024))},
		"two degrees":          {of(512, 12289), of(64, 65537)},
		"128 bits":             {of(512, primes(512)[0]), of(512, primes(512)[1])},
		"a word, wrapped over": {of(64, primes(64)[0]), of(64, 257), of(64, 12289), of(64, 40961)},
	} {
		if m, err := Product(moduli...); err == nil || m != nil {
			t.Errorf("%s: %v, %v", name, m, err)
		}
	}
}

// TestNonzero takes words at and around the limits of rejection.
func TestNonzero(t *testing.T) {
	onEachPath(t, func(t *testing.T) {
		rnd := rand.New(rand.NewPCG(32, 1))
		for _, p := range []uint64{2, 3, 257, 65537, 147457, 17252353, 1<<31 + 2, 1<<32 - 1, 1 << 32} {
			for _, length := range lengths {
				x := words(rnd, length, p, func(*rand.Rand, uint64) uint64 { return rnd.Uint64() })
				var want []uint64
				for i := range x {
					if i%3 == 0 { // low halves whose products wrap to little
						x[i] = x[i]>>32<<32 | (rnd.Uint64N(p)<<32/(p-1)+rnd.Uint64N(3))&(1<<32-1)
					}
					product := new(big.Int).Mul(big.NewInt(int64(x[i]&(1<<32-1))), new(big.Int).SetUint64(p-1))
					high, low := new(big.Int).DivMod(product, big.NewInt(1<<32), new(big.Int))
					if low.Uint64() >= (1<<32)%(p-1) {
						want = append(want, 1+high.Uint64())
					}
				}
				kept := Nonzero(x, p)
				equal(t, fmt.Sprintf("%d words modulo %d", length, p), x[:kept], want)
				checkCanaries(t, x)
			}
		}
	})
}

// TestTargets holds levels and targets against the rule, written out.
func TestTargets(t *testing.T) {
	onEachPath(t, func(t *testing.T) {
		rnd := rand.New(rand.NewPCG(33, 1))
		for _, size := range [][2]int{{1, 1}, {1, 2}, {2, 3}, {7, 7}, {12, 13}, {24, 24}, {3, 32}, {32, 32}} {
			h, k := size[0], size[1]
			for _, length := range lengths {
				masks, turns, levels := make([]uint32, length), make([]uint8, length), make([]uint8, length+1)
				targets, number := words(rnd, length, 2, fills[1].next), rnd.IntN(h)
				for i := range masks {
					masks[i], turns[i] = uint32(rnd.Uint64N(1<<k)), uint8(rnd.IntN(h))
				}
				levels[length] = 0xa5
				Targets(targets, levels[:length], masks, turns, number, h, k)
				checkCanaries(t, targets)
				for i, r := range masks {
					level := (int(turns[i]) + number) % h
					want := uint64(r)>>level + 1
					if want%2 == 0 {
						want = (want - 2 + 1<<(h-level)) % (1 << (k - level))
					}
					if int(levels[i]) != level || targets[i] != want || levels[length] != 0xa5 {
						t.Fatalf("h=%d k=%d, lane %d of %d: level %d and target %d, expected %d and %d", h, k, i, length, levels[i], targets[i], level, want)
					}
				}
			}
		}
	})
}

func TestPickAndLift(t *testing.T) {
	for _, q := range []uint64{primes(64)[0], 257, 65537} {
		for _, path := range paths(t) {
			m := mustBuild(t, 64, q, path)
			rnd := rand.New(rand.NewPCG(34, q))
			for _, length := range lengths {
				for _, fill := range fills {
					for count := 1; count <= 3; count++ {
						name := fmt.Sprintf("%s, q %d, %d lists of %d words, %s", path, q, count, length, fill.name)
						lists, keys := make([][]uint64, count), make([]uint8, count*length)
						for l := range lists {
							lists[l] = words(rnd, length, q, fill.next)
						}
						for i := range keys {
							keys[i] = uint8(rnd.IntN(3) * 127)
						}
						for _, want := range []uint8{0, 127, 254, 5} {
							sum, dst := make([]uint64, length), words(rnd, length, q, fill.next)
							for i, key := range keys {
								if key == want {
									sum[i%length] = (sum[i%length] + lists[i/length][i%length]) % q
								}
							}
							m.Pick(dst, lists, keys, want)
							equal(t, "Pick, "+name, dst, sum)
							checkCanaries(t, dst)
						}
					}
					for _, odd := range []uint64{1, 3, q, 2*q - 1} {
						src, dst, want := words(rnd, length, odd, fill.next), words(rnd, length, q, fill.next), make([]uint64, length)
						for i, v := range src {
							if i == 3 {
								src[i], v = odd/2, odd/2
							}
							if want[i] = v; v > odd/2 {
								want[i] = q - (odd - v)
							}
						}
						m.Lift(dst, src, odd)
						equal(t, fmt.Sprintf("Lift from %d", odd), dst, want)
						m.Lift(src, src, odd)
						equal(t, fmt.Sprintf("Lift in place from %d", odd), src, want)
						checkCanaries(t, src, dst)
					}
				}
			}
		}
	}
}

// TestLiftNTT compares with Lift and NTT, in place and not.
func TestLiftNTT(t *testing.T) {
	const odd = 65537 * 114689 * 147457
	for _, n := range []int{64, 512, 8192} {
		for _, q := range primes(8192)[:2] {
			for _, path := range paths(t) {
				m := mustBuild(t, n, q, path)
				rnd := rand.New(rand.NewPCG(36, q))
				for _, fill := range fills {
					src, dst := words(rnd, n, odd, fill.next), words(rnd, n, q, fill.next)
					want := clone(src)
					m.Lift(want, src, odd)
					m.NTT(want)
					m.LiftNTT(dst, src, odd)
					equal(t, fmt.Sprintf("%s, degree %d, q %d, %s", path, n, q, fill.name), dst, want)
					m.LiftNTT(src, src, odd)
					equal(t, "in place", src, want)
					checkCanaries(t, src, dst)
				}
			}
		}
	}
}

// TestAddProductsIsExact takes lengths that are and are not whole runs of vectors, and the
// largest number of lists.
func TestAddProductsIsExact(t *testing.T) {
	for _, q := range primes(4096) {
		for _, path := range paths(t) {
			m := mustBuild(t, 64, q, path)
			for _, size := range [][2]int{{0, 32}, {1, 0}, {1, 32}, {2, 64}, {4, 96}, {12, 7}, {24, 33}, {1 << 10, 32}} {
				for _, fill := range fills {
					rnd := rand.New(rand.NewPCG(35, q))
					count, length := size[0], size[1]
					name := fmt.Sprintf("%s, q %d, %d lists of %d words, %s", path, q, count, length, fill.name)
					a, b := words(rnd, length, q, fill.next), words(rnd, length, q, fill.next)
					x, ya, yb := make([][]uint64, count), make([][]uint64, count), make([][]uint64, count)
					for l := range x {
						x[l], ya[l], yb[l] = words(rnd, length, q, fill.next), words(rnd, length, q, fill.next), words(rnd, length, q, fill.next)
					}
					wantA, wantB := clone(a), clone(b)
					for i := range a {
						at := func(lists [][]uint64, first uint64) (column []uint64) {
							for _, list := range lists {
								column = append(column, list[i])
							}
							return append(column, first)
						}
						wantA[i] = bigSum(q, at(x, 1), at(ya, a[i]))
						wantB[i] = bigSum(q, at(x, 1), at(yb, b[i]))
					}
					m.AddProducts(a, b, x, ya, yb)
					equal(t, "a, "+name, a, wantA)
					equal(t, "b, "+name, b, wantB)
					checkCanaries(t, a, b)
				}
			}
		}
	}
}

// TestRunOfEveryWidth holds lists of integers of every width against one big integer.
func TestRunOfEveryWidth(t *testing.T) {
	onEachPath(t, func(t *testing.T) {
		rnd := rand.New(rand.NewPCG(37, 1))
		for width := uint(1); width <= maxWidth; width++ {
			layout := Run(width)
			for _, length := range []int{0, 1, 2, 15, 16, 17, 64, 203} {
				list := words(rnd, length, 1<<width, fills[rnd.IntN(len(fills))].next)
				got, want := words(rnd, length, 1<<width, fills[0].next), new(big.Int)
				for i := length - 1; i >= 0; i-- {
					want.Or(want.Lsh(want, width), new(big.Int).SetUint64(list[i]))
				}
				wire := make([]byte, layout.Size(length)+1)
				wire[len(wire)-1] = 0xa5
				layout.Pack(wire[:len(wire)-1], list, nil)
				layout.Unpack(wire[:len(wire)-1], got, nil)
				equal(t, fmt.Sprintf("%d integers of %d bits", length, width), got, list)
				checkCanaries(t, got, list)
				wire[len(wire)-1] ^= 0xa5
				slices.Reverse(wire)
				if new(big.Int).SetBytes(wire).Cmp(want) != 0 {
					t.Fatalf("%d integers of %d bits: other bytes", length, width)
				}
			}
		}
	})
}

func TestComparePanics(t *testing.T) {
	m := mustBuild(t, 64, 257, pathPortable)
	list := func(n int) [][]uint64 { return [][]uint64{make([]uint64, n)} }
	for name, call := range map[string]func(){
		"Nonzero modulo 1":            func() { Nonzero(nil, 1) },
		"Nonzero modulo 2^32 + 1":     func() { Nonzero(nil, 1<<32+1) },
		"Targets of another length":   func() { Targets(make([]uint64, 8), make([]uint8, 8), make([]uint32, 7), make([]uint8, 8), 0, 1, 1) },
		"Pick from no list":           func() { m.Pick(nil, nil, nil, 0) },
		"Pick from four lists":        func() { m.Pick(nil, make([][]uint64, 4), nil, 0) },
		"Pick with a key too few":     func() { m.Pick(make([]uint64, 8), list(8), make([]uint8, 7), 0) },
		"Lift of another length":      func() { m.Lift(make([]uint64, 8), make([]uint64, 7), 3) },
		"AddProducts of other counts": func() { m.AddProducts(make([]uint64, 32), make([]uint64, 32), list(32), list(32), nil) },
		"AddProducts of other lengths": func() {
			m.AddProducts(make([]uint64, 32), make([]uint64, 32), list(32), list(32), list(31))
		},
		"AddProducts of too many lists": func() {
			many := slices.Repeat(list(0), 1<<10+1)
			m.AddProducts(nil, nil, many, many, many)
		},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			call()
		})
	}
}

// FuzzCompare compares the two paths of what answers are made of.
func FuzzCompare(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, selector byte, data []byte) {
		p, s := pairOf(t, 64, selector)
		const length = 64
		all := expand(data, 11*length, p.q)
		var lists [11][]uint64
		keys := make([]uint8, 3*length)
		for i := range lists {
			lists[i] = all[i*length : (i+1)*length]
		}
		for i := range keys {
			keys[i] = uint8(all[i] % 3)
		}
		a, b, c, d := clone(lists[0]), clone(lists[1]), clone(lists[0]), clone(lists[1])
		p.AddProducts(a, b, lists[2:5], lists[5:8], lists[8:11])
		s.AddProducts(c, d, lists[2:5], lists[5:8], lists[8:11])
		equal(t, "AddProducts, a", c, a)
		equal(t, "AddProducts, b", d, b)
		p.Pick(a, lists[2:5], keys, 1)
		s.Pick(c, lists[2:5], keys, 1)
		equal(t, "Pick", c, a)
		p.Lift(a, lists[0], p.q)
		s.Lift(c, lists[0], p.q)
		equal(t, "Lift", c, a)

		defer func(before string) { chosen = before }(chosen)
		var drawn [2][]uint64
		var targets [2][length]uint64
		var levels [2][length]uint8
		masks, turns := make([]uint32, length), make([]uint8, length)
		const h, k = 12, 13
		for i := range masks {
			masks[i], turns[i] = uint32(all[i]%(1<<k)), uint8(all[length+i]%h)
		}
		for i, path := range []string{pathPortable, pathIFMA} {
			chosen = path
			words := clone(lists[0])
			drawn[i] = words[:Nonzero(words, 2+p.q%(1<<32-1))]
			Targets(targets[i][:], levels[i][:], masks, turns, int(selector)%h, h, k)
		}
		equal(t, "Nonzero", drawn[1], drawn[0])
		if levels[0] != levels[1] || targets[0] != targets[1] {
			t.Fatalf("Targets: %v and %v", targets[0], targets[1])
		}
	})
}
