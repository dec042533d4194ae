package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// multiply writes dst = a*b, or dst += a*b, for count vectors.
//
// Barrett's reduction: with q of L bits and s = 52-L, the high half of
// (a<<s)*(b<<s) is floor(a*b / 2^(2L-52)), below 2^52; its product with
// floor(2^(2L)/q) has a high half that is floor(a*b/q), or one or two less. So
// the remainder is below 3q and its low 52 bits are all of it.
func multiply(name string, add bool) {
	TEXT(name, NOSPLIT, "func(dst, a, b, constants *uint64, count uint64)")
	Pragma("noescape")
	dst := Load(Param("dst"), GP64())
	a := Load(Param("a"), GP64())
	b := Load(Param("b"), GP64())
	c := Load(Param("constants"), GP64())
	count := Load(Param("count"), GP64())
	f := newField(c)
	q := constant(c, constQ)
	barrett := constant(c, constBarrett)
	shift := constant(c, constShift)

	Label("vector")
	x, y, xs, ys := ZMM(), ZMM(), ZMM(), ZMM()
	VMOVDQU64(Mem{Base: a}, x)
	VMOVDQU64(Mem{Base: b}, y)
	VPSLLVQ(shift, x, xs)
	VPSLLVQ(shift, y, ys)
	high, quotient, r := zero(), zero(), zero()
	VPMADD52HUQ(xs, ys, high)
	VPMADD52LUQ(x, y, r)
	VPMADD52HUQ(barrett, high, quotient)
	VPMADD52LUQ(f.negQ, quotient, r)
	VPANDQ(f.mask, r, r)
	reduce(f.q2, r)
	if add { // below 2q + q
		VPADDQ(Mem{Base: dst}, r, r)
		reduce(f.q2, r)
	}
	reduce(q, r)
	VMOVDQU64(r, Mem{Base: dst})
	for _, p := range []reg.Register{dst, a, b} {
		ADDQ(Imm(vector), p)
	}
	DECQ(count)
	JNZ(LabelRef("vector"))
	VZEROUPPER()
	RET()
}

// sum is a running sum of products: the low and the high halves apart.
type sum struct{ low, high reg.VecVirtual }

func newSum() sum { return sum{zero(), zero()} }

func (s sum) add(w, x Op) {
	VPMADD52LUQ(x, w, s.low)
	VPMADD52HUQ(x, w, s.high)
}

// sets is the number of sums that take turns, so that an addition need not wait
// for the one before it.
const sets = 2

// ahead is the distance in bytes at which weights are fetched from memory: half a
// page, since the processor's own prefetching stops at page borders. Fetching
// behind the last weight is harmless. The rows of a probe stay in cache.
const ahead = 2048

// accumulate writes a run of tiles. Each of the sets sums at most 2^12 low halves
// below 2^52, which fit 64 bits; the high halves, below 2^48, always do.
func accumulate() {
	TEXT("accumulate", NOSPLIT, "func(weights, rows, a, b, constants *uint64, blocks, tiles uint64)")
	Pragma("noescape")
	weights := Load(Param("weights"), GP64())
	rows := Load(Param("rows"), GP64())
	a := Load(Param("a"), GP64())
	b := Load(Param("b"), GP64())
	c := Load(Param("constants"), GP64())
	blocks := Load(Param("blocks"), GP64())
	tiles := Load(Param("tiles"), GP64())
	left := GP64()

	step := func(sa, sb sum, block int) {
		w := ZMM()
		VMOVDQU64(Mem{Base: weights, Disp: block * vector}, w)
		PREFETCHT0(Mem{Base: weights, Disp: block*vector + ahead})
		sa.add(w, Mem{Base: rows, Disp: 2 * block * vector})
		sb.add(w, Mem{Base: rows, Disp: (2*block + 1) * vector})
	}
	advance := func(n int) {
		ADDQ(U32(n*vector), weights)
		ADDQ(U32(2*n*vector), rows)
	}

	Label("tile")
	var sa, sb [sets]sum
	for i := range sets {
		sa[i], sb[i] = newSum(), newSum()
	}
	MOVQ(blocks, left)
	SUBQ(Imm(sets), left)
	JB(LabelRef("rest"))
	Label("blocks")
	for i := range sets {
		step(sa[i], sb[i], i)
	}
	advance(sets)
	SUBQ(Imm(sets), left)
	JAE(LabelRef("blocks"))
	Label("rest")
	ADDQ(Imm(sets), left)
	JZ(LabelRef("done"))
	step(sa[0], sb[0], 0)
	advance(1)
	Label("done")
	VMOVDQU64(total(c, sa[:]...), Mem{Base: a})
	VMOVDQU64(total(c, sb[:]...), Mem{Base: b})
	ADDQ(Imm(vector), a)
	ADDQ(Imm(vector), b)
	DECQ(tiles)
	JNZ(LabelRef("tile"))
	VZEROUPPER()
	RET()
}

// total adds the sets and reduces h*2^52 + l, h < 2^62. With l < 2^52 and
// h = h1*2^50 + h0 it is h1*2^102 + h0*2^52 + l; the first two products with
// constants come out below q*(1+2^-40) + q*(1+1/4), l mod q below 2q.
func total(c reg.Register, s ...sum) reg.VecVirtual {
	mask := constant(c, constMask52)
	negQ := constant(c, constNegQ)
	high, low := s[0].high, s[0].low
	carry := ZMM()
	VPSRLQ(Imm(52), low, carry)
	VPANDQ(mask, low, low)
	VPADDQ(carry, high, high)
	for i := 1; i < len(s); i++ {
		carry = ZMM()
		VPSRLQ(Imm(52), s[i].low, carry)
		VPANDQ(mask, s[i].low, s[i].low)
		VPADDQ(s[i].low, low, low)
		VPADDQ(s[i].high, high, high)
		VPADDQ(carry, high, high)
	}
	if len(s) > 1 {
		carry = ZMM()
		VPSRLQ(Imm(52), low, carry)
		VPANDQ(mask, low, low)
		VPADDQ(carry, high, high)
	}

	h0, h1 := ZMM(), ZMM()
	VPSRLQ(Imm(50), high, h1)
	VPANDQ_BCST(Mem{Base: c, Disp: constMask50 * word}, high, h0)
	quotient, quotientLow, r := zero(), zero(), zero()
	at := func(index int) Mem { return Mem{Base: c, Disp: index * word} }
	VPMADD52HUQ_BCST(at(const52Q), h0, quotient)
	VPMADD52HUQ_BCST(at(const102Q), h1, quotient)
	VPMADD52HUQ_BCST(at(constOneQ), low, quotientLow)
	VPMADD52LUQ_BCST(at(const52), h0, r)
	VPMADD52LUQ_BCST(at(const102), h1, r)
	VPMADD52LUQ(negQ, quotient, r)
	VPMADD52LUQ(negQ, quotientLow, low)
	VPANDQ(mask, r, r)
	VPANDQ(mask, low, low)
	VPADDQ(low, r, r)
	for _, m := range []int{const4Q, const2Q, constQ} {
		reduce(constant(c, m), r)
	}
	return r
}
