package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// cursor is a pointer that moves on by so many bytes with every vector.
type cursor struct {
	at   reg.Register
	step int
}

// eachVector repeats a body count times and ends the routine.
func eachVector(count reg.Register, body func(), cursors ...cursor) {
	Label("vector")
	body()
	for _, c := range cursors {
		ADDQ(Imm(uint64(c.step)), c.at)
	}
	DECQ(count)
	JNZ(LabelRef("vector"))
	VZEROUPPER()
	RET()
}

// multiply writes dst = a*b, or dst += a*b, for count vectors. It is as for a constant
// factor, but that the quotient is that of fl(a*b): with three roundings c differs
// from a*b/q < 2^50 by up to 1/2 + 2^50 * 2^-52.
func multiply(name string, add bool) {
	TEXT(name, NOSPLIT, "func(dst, a, b, constants *uint64, count uint64)")
	Pragma("noescape")
	dst := Load(Param("dst"), GP64())
	a := Load(Param("a"), GP64())
	b := Load(Param("b"), GP64())
	f := newField(Load(Param("constants"), GP64()))
	count := Load(Param("count"), GP64())

	eachVector(count, func() {
		x := f.fromInteger(load(Mem{Base: a}), 1).r
		y := f.fromInteger(load(Mem{Base: b}), 1).r
		h := YMM()
		VMULPD(y, x, h)
		c := f.nearest(load(f.at(constInvQ)), h)
		VFMSUB213PD(h, y, x)
		VFNMADD231PD(f.q, c, h)
		VADDPD(h, x, x)
		r := f.residue(value{x, 0.75})
		if add {
			r = f.add(Mem{Base: dst}, r)
		}
		VMOVUPD(r, Mem{Base: dst})
	}, cursor{dst, vector}, cursor{a, vector}, cursor{b, vector})
}

// ahead is the distance in bytes at which weights are fetched from memory: half a
// page, since the processor's own prefetching stops at page borders. Fetching
// behind the last weight is harmless. The rows of a probe stay in cache.
const ahead = 2048

// tile is the number of vectors of a tile.
const tile = 2

// accumulate writes a run of tiles. A product w*x is split at 2^50: the low bits of
// fl(w*x + 2^102), whose last place is 2^50, are the integer H nearest to w*x/2^50, and
// with 2^102 + 1.5*2^52 less that, the low bits of fl(w*x + 1.5*2^52 - H*2^50) are w*x -
// H*2^50, from -2^49 to 2^49. Both are added up as bits of doubles. start holds, for
// both sums, what makes up for the other bits, and an offset: 2^62, a 2^12 of H, which
// keeps the sum of 2^13 low parts positive.
func accumulate() {
	TEXT("avx2Accumulate", NOSPLIT, "func(weights, rows, a, b, constants, start *uint64, blocks, tiles uint64)")
	Pragma("noescape")
	weights := Load(Param("weights"), GP64())
	rows := Load(Param("rows"), GP64())
	a := Load(Param("a"), GP64())
	b := Load(Param("b"), GP64())
	c := Load(Param("constants"), GP64())
	start := Load(Param("start"), GP64())
	blocks := Load(Param("blocks"), GP64())
	tiles := Load(Param("tiles"), GP64())
	left := GP64()
	f := field{c: c}

	Label("tile")
	magic, high, low := load(f.at(constMagic)), load(f.at(constHigh)), load(f.at(constLow))
	double := func(at Mem) reg.VecVirtual {
		x := YMM()
		VPOR(at, magic, x)
		VSUBPD(magic, x, x)
		return x
	}
	var sums [tile][2]struct{ high, low reg.VecVirtual }
	for i := range sums {
		for j := range sums[i] {
			s := &sums[i][j]
			s.high, s.low = YMM(), YMM()
			VPBROADCASTQ(Mem{Base: start}, s.high)
			VPBROADCASTQ(Mem{Base: start, Disp: word}, s.low)
		}
	}
	MOVQ(blocks, left)
	Label("blocks")
	PREFETCHT0(Mem{Base: weights, Disp: ahead})
	for i := range sums {
		w := double(Mem{Base: weights, Disp: i * vector})
		for j, s := range sums[i] {
			x, h, l := double(Mem{Base: rows, Disp: (j*tile + i) * vector}), YMM(), YMM()
			VMOVAPD(high, h)
			VFMADD231PD(x, w, h)
			VPADDQ(h, s.high, s.high)
			VSUBPD(h, low, l)
			VFMADD231PD(x, w, l)
			VPADDQ(l, s.low, s.low)
		}
	}
	ADDQ(Imm(tile*vector), weights)
	ADDQ(U32(2*tile*vector), rows)
	DECQ(left)
	JNZ(LabelRef("blocks"))
	whole := newField(c)
	for i := range sums {
		for j, to := range []reg.Register{a, b} {
			VMOVUPD(whole.total(sums[i][j].high, sums[i][j].low), Mem{Base: to, Disp: i * vector})
		}
	}
	ADDQ(Imm(tile*vector), a)
	ADDQ(Imm(tile*vector), b)
	DECQ(tiles)
	JNZ(LabelRef("tile"))
	VZEROUPPER()
	RET()
}

// total reduces high*2^50 + low, high <= 2^63 and low < 2^63: with the carry it is
// h1*2^100 + h0*2^50 + l, all three below 2^50. The products with constants are below
// q*(1/2+1/16), so that the sum is below 2^52.
func (f field) total(high, low reg.VecVirtual) reg.VecVirtual {
	carry, h1 := YMM(), YMM()
	VPSRLQ(Imm(50), low, carry)
	VPAND(f.at(constMask50), low, low)
	VPADDQ(carry, high, high)
	VPSRLQ(Imm(50), high, h1)
	VPAND(f.at(constMask50), high, high)
	sum := f.fromInteger(low, wide)
	for _, part := range []struct {
		r     reg.VecVirtual
		index int
	}{{high, const50}, {h1, const100}} {
		y, by := f.fromInteger(part.r, wide), f.constant(part.index)
		f.times(&y, by.load(by.w), by)
		VADDPD(y.r, sum.r, sum.r)
	}
	return f.residue(sum)
}
