package kernel

import (
	"fmt"
	"math/big"
	"math/bits"
	"math/rand/v2"
	"testing"
)

// bigSum returns sum x[i]*y[i] mod q.
func bigSum(q uint64, x, y []uint64) uint64 {
	sum, f, g := new(big.Int), new(big.Int), new(big.Int)
	for i := range x {
		sum.Add(sum, f.Mul(f.SetUint64(x[i]), g.SetUint64(y[i])))
	}
	return sum.Mod(sum, f.SetUint64(q)).Uint64()
}

// TestMulIsExact compares Mul and MulAdd with integers of any size, for lengths
// that are and are not whole registers and with aliased operands.
func TestMulIsExact(t *testing.T) {
	for _, q := range append(primes(4096), primes(64)...) {
		for _, path := range paths(t) {
			m := mustBuild(t, 64, q, path)
			rnd := rand.New(rand.NewPCG(3, q))
			for _, length := range lengths {
				for _, fill := range fills {
					name := fmt.Sprintf("%s, q %d, %d words, %s", path, q, length, fill.name)
					a, b, d := words(rnd, length, q, fill.next), words(rnd, length, q, fill.next), words(rnd, length, q, fill.next)
					product, sum := make([]uint64, length), make([]uint64, length)
					for i := range product {
						product[i] = bigSum(q, a[i:i+1], b[i:i+1])
						sum[i] = bigSum(q, []uint64{a[i], d[i]}, []uint64{b[i], 1})
					}
					m.MulAdd(d, a, b)
					equal(t, "MulAdd, "+name, d, sum)
					m.Mul(d, a, b)
					equal(t, "Mul, "+name, d, product)
					x, y := clone(a), clone(b)
					m.Mul(x, x, b)
					equal(t, "Mul into a, "+name, x, product)
					m.Mul(y, a, y)
					equal(t, "Mul into b, "+name, y, product)
					checkCanaries(t, a, b, d, x, y)
				}
			}
		}
	}
}

// TestAccumulateIsExact covers the numbers of blocks around those where a sum of
// halves would overflow, and runs that are split between calls.
func TestAccumulateIsExact(t *testing.T) {
	for _, size := range []struct{ blocks, tiles int }{
		{1, 1}, {2, 1}, {3, 2}, {4, 5}, {16, 3}, {64, 2}, {65, 1}, {128, 2},
		{4095, 1}, {4096, 1}, {4097, 1}, {MaxBlocks - 1, 1}, {MaxBlocks, 3}, {64, 300}, {1, 0},
	} {
		for _, q := range primes(4096) {
			if size.tiles > 3 && q < 1<<50-1<<20 {
				continue
			}
			for _, fill := range fills {
				rnd := rand.New(rand.NewPCG(4, q))
				count := size.blocks * size.tiles * Tile
				weights, rows := words(rnd, count, q, fill.next), words(rnd, 2*count, q, fill.next)
				wantA, wantB := sums(q, weights, rows, size.blocks, size.tiles)
				for _, path := range paths(t) {
					name := fmt.Sprintf("%s, q %d, %d blocks, %d tiles, %s", path, q, size.blocks, size.tiles, fill.name)
					a, b := words(rnd, size.tiles*Tile, q, fill.next), words(rnd, size.tiles*Tile, q, fill.next)
					mustBuild(t, 64, q, path).Accumulate(weights, rows, a, b, size.blocks)
					equal(t, "a, "+name, a, wantA)
					equal(t, "b, "+name, b, wantB)
					checkCanaries(t, weights, rows, a, b)
				}
			}
		}
	}
}

// TestLowHalvesDoNotOverflow sums as many products as allowed of which each has the
// largest low half, 2^52-1: more than 2^12 of them do not fit a word.
func TestLowHalvesDoNotOverflow(t *testing.T) {
	const mask = 1<<52 - 1
	q := primes(4096)[0]
	w, x := q|1, q
	for x >= q {
		w -= 2
		inverse := w // Newton: each step doubles the correct bits, of which 3 are there
		for range 5 {
			inverse *= 2 - w*inverse
		}
		x = -inverse & mask
	}
	if w*x&mask != mask {
		t.Fatalf("%d * %d does not end in ones", w, x)
	}
	const size = MaxBlocks * Tile
	weights, rows := make([]uint64, size), make([]uint64, 2*size)
	for i := range weights {
		weights[i], rows[i], rows[size+i] = w, x, x
	}
	wantA, wantB := sums(q, weights, rows, MaxBlocks, 1)
	for _, path := range paths(t) {
		var a, b [Tile]uint64
		mustBuild(t, 64, q, path).Accumulate(weights, rows, a[:], b[:], MaxBlocks)
		equal(t, path, a[:], wantA)
		equal(t, path, b[:], wantB)
	}
}

// TestAccumulateWorstSum makes the last reduction meet a value above 4q, which random
// sums hardly ever do. The assembly writes a sum as h1*2^102 + h0*2^52 + l and takes
// each part to a remainder that may be somewhat above q, if h0 and l are large.
func TestAccumulateWorstSum(t *testing.T) {
	q := primes(4096)[3]
	remainder := func(y, w uint64) uint64 { // as Shoup's multiplication leaves it
		wq, _ := bits.Div64(w>>12, w<<52, q)
		qh, ql := bits.Mul64(y, wq)
		return y*w - (qh<<12|ql>>52)*q
	}
	w52, w102 := power(2, 52, q), power(2, 102, q)
	worst := func(from, to, w uint64) (y uint64) {
		for v := from; v < to; v++ {
			if remainder(v, w) > remainder(y, w) {
				y = v
			}
		}
		return y
	}
	l := worst(1<<52-1000, 1<<52, 1)
	h0 := worst(1<<50-2_000_000, 1<<50, w52)
	h1 := worst(0, 1200, w102)
	if sum := remainder(l, 1) + remainder(h0, w52) + remainder(h1, w102); sum < 4*q {
		t.Fatalf("the sum is only %.2f times q", float64(sum)/float64(q))
	}

	// The sum is (q-1)*x + y with x spread over the blocks.
	total := new(big.Int).Lsh(new(big.Int).SetUint64(h1<<50|h0), 52)
	total.Add(total, new(big.Int).SetUint64(l))
	left, y := new(big.Int).DivMod(total, new(big.Int).SetUint64(q-1), new(big.Int))
	var weights, rows []uint64
	put := func(w, v uint64) {
		for range Tile {
			weights = append(weights, w)
		}
		for range 2 * Tile {
			rows = append(rows, v)
		}
	}
	put(1, y.Uint64())
	for left.Sign() > 0 {
		v := q - 1
		if left.IsUint64() {
			v = min(v, left.Uint64())
		}
		put(q-1, v)
		left.Sub(left, new(big.Int).SetUint64(v))
	}
	blocks := len(weights) / Tile
	wantA, wantB := sums(q, weights, rows, blocks, 1)
	for _, path := range paths(t) {
		var a, b [Tile]uint64
		mustBuild(t, 64, q, path).Accumulate(weights, rows, a[:], b[:], blocks)
		equal(t, path, a[:], wantA)
		equal(t, path, b[:], wantB)
	}
}

// sums is the formula in the comment of Accumulate.
func sums(q uint64, weights, rows []uint64, blocks, tiles int) (a, b []uint64) {
	w, x, y := make([]uint64, blocks), make([]uint64, blocks), make([]uint64, blocks)
	for t := range tiles {
		for i := range Tile {
			for block := range blocks {
				at := t*blocks + block
				w[block] = weights[at*Tile+i]
				x[block], y[block] = rows[2*at*Tile+i], rows[(2*at+1)*Tile+i]
			}
			a, b = append(a, bigSum(q, w, x)), append(b, bigSum(q, w, y))
		}
	}
	return a, b
}

// TestWrongLengthsPanic: the assembly checks nothing, so that the methods must.
func TestWrongLengthsPanic(t *testing.T) {
	const n = 512
	buffer := func(words int) []uint64 { return make([]uint64, words) }
	for _, path := range paths(t) {
		m := mustBuild(t, n, primes(n)[0], path)
		for name, call := range map[string]func(){
			"NTT short":             func() { m.NTT(buffer(n - 1)) },
			"NTT long":              func() { m.NTT(buffer(n + 1)) },
			"NTT nil":               func() { m.NTT(nil) },
			"INTT short":            func() { m.INTT(buffer(n - 8)) },
			"Mul a short":           func() { m.Mul(buffer(16), buffer(8), buffer(16)) },
			"Mul b short":           func() { m.Mul(buffer(16), buffer(16), buffer(8)) },
			"MulAdd b nil":          func() { m.MulAdd(buffer(16), buffer(16), nil) },
			"Accumulate no blocks":  func() { m.Accumulate(nil, nil, buffer(8), buffer(8), 0) },
			"Accumulate negative":   func() { m.Accumulate(nil, nil, buffer(8), buffer(8), -1) },
			"Accumulate too many":   func() { m.Accumulate(nil, nil, nil, nil, MaxBlocks+1) },
			"Accumulate half tile":  func() { m.Accumulate(buffer(4), buffer(8), buffer(4), buffer(4), 1) },
			"Accumulate b short":    func() { m.Accumulate(buffer(16), buffer(32), buffer(16), buffer(8), 1) },
			"Accumulate weights":    func() { m.Accumulate(buffer(8), buffer(32), buffer(8), buffer(8), 2) },
			"Accumulate rows":       func() { m.Accumulate(buffer(16), buffer(16), buffer(8), buffer(8), 2) },
			"Accumulate rows added": func() { m.Accumulate(buffer(16), buffer(48), buffer(8), buffer(8), 2) },
		} {
			func() {
				defer func() {
					if recover() == nil {
						t.Errorf("%s, %s: no panic", path, name)
					}
				}()
				call()
			}()
		}
	}
}
