package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// everywhere loads an argument into all lanes.
func everywhere(name string) reg.VecVirtual {
	r := ZMM()
	VPBROADCASTQ(Load(Param(name), GP64()), r)
	return r
}

// cutBelow ands words with a mask, vector by vector, up to and with the first that then
// has a word that is not below bound, and returns the number of vectors before it.
func cutBelow() {
	TEXT("cutBelow", NOSPLIT, "func(words *uint64, mask, bound, count uint64) uint64")
	Pragma("noescape")
	words := Load(Param("words"), GP64())
	mask, bound := everywhere("mask"), everywhere("bound")
	count := Load(Param("count"), GP64())
	done := GP64()
	XORQ(done, done)

	Label("vector")
	x, below := ZMM(), K()
	VPANDQ(Mem{Base: words}, mask, x)
	VMOVDQU64(x, Mem{Base: words})
	VPCMPUQ(Imm(1), bound, x, below)
	KORTESTB(below, below) // carry: all lanes
	JCC(LabelRef("done"))
	ADDQ(Imm(vector), words)
	INCQ(done)
	CMPQ(done, count)
	JNE(LabelRef("vector"))
	Label("done")
	Store(done, ReturnIndex(0))
	VZEROUPPER()
	RET()
}

// widen writes words of 32 bits, shifted right, as words of 64.
func widen() {
	TEXT("widen", NOSPLIT, "func(dst *uint64, src *uint32, shift, count uint64)")
	Pragma("noescape")
	dst := Load(Param("dst"), GP64())
	src := Load(Param("src"), GP64())
	shift := everywhere("shift")
	count := Load(Param("count"), GP64())

	eachVector(count, func() {
		x := ZMM()
		VPMOVZXDQ(Mem{Base: src}, x)
		VPSRLVQ(shift, x, x)
		VMOVDQU64(x, Mem{Base: dst})
	}, cursor{dst, vector}, cursor{src, vector / 2})
}

// join replaces low and high by the digits to base 2^50 of low + q*high, the lower one
// shifted right. The product is h*2^52 + l with l and low together below 2^53, of which
// what is above 2^50 belongs to the upper digit as h*2^2 does.
func join() {
	TEXT("join", NOSPLIT, "func(low, high *uint64, q, digit, drop, count uint64)")
	Pragma("noescape")
	low := Load(Param("low"), GP64())
	high := Load(Param("high"), GP64())
	q, digit, drop := everywhere("q"), everywhere("digit"), everywhere("drop")
	count := Load(Param("count"), GP64())

	eachVector(count, func() {
		x, l, h, carry := ZMM(), ZMM(), zero(), ZMM()
		VMOVDQU64(Mem{Base: high}, x)
		VMOVDQU64(Mem{Base: low}, l)
		VPMADD52LUQ(q, x, l)
		VPMADD52HUQ(q, x, h)
		VPSRLQ(Imm(50), l, carry)
		VPSLLQ(Imm(2), h, h)
		VPADDQ(carry, h, h)
		VPANDQ(digit, l, l)
		VPSRLVQ(drop, l, l)
		VMOVDQU64(l, Mem{Base: low})
		VMOVDQU64(h, Mem{Base: high})
	}, cursor{low, vector}, cursor{high, vector})
}

// Vectors of the tables of packBits and unpackBits; pack.go makes them.
const (
	packTerms = 4 // parts that a word on the wire may touch: an index and a shift each
	inVectors = 5 // for each list: two indices with their shifts, and a mask
)

// packBits writes groups of 16 parts, eight words each of a and of b, to 128 bytes each, of
// which the next group overwrites those from size on. step is the distance in bytes from
// group to group in a and b.
func packBits() {
	TEXT("packBits", NOSPLIT, "func(dst *byte, a, b, table *uint64, step, size, count uint64)")
	Pragma("noescape")
	dst := Load(Param("dst"), GP64())
	a := Load(Param("a"), GP64())
	b := Load(Param("b"), GP64())
	table := Load(Param("table"), GP64())
	step := Load(Param("step"), GP64())
	size := Load(Param("size"), GP64())
	count := Load(Param("count"), GP64())

	Label("group")
	x := loadVectors([]Mem{{Base: a}, {Base: b}})
	for half := range 2 {
		term := registers(packTerms)
		for i := range term {
			at := (half*packTerms + i) * 2 * vector
			VMOVDQU64(Mem{Base: table, Disp: at}, term[i])
			VPERMI2Q(x[1], x[0], term[i])
			if i == 0 {
				VPSRLVQ(Mem{Base: table, Disp: at + vector}, term[i], term[i])
			} else {
				VPSLLVQ(Mem{Base: table, Disp: at + vector}, term[i], term[i])
			}
		}
		for _, t := range term[1:] {
			VPORQ(t, term[0], term[0])
		}
		VMOVDQU64(term[0], Mem{Base: dst, Disp: half * vector})
	}
	ADDQ(step, a)
	ADDQ(step, b)
	ADDQ(size, dst)
	DECQ(count)
	JNZ(LabelRef("group"))
	VZEROUPPER()
	RET()
}

// unpackBits is the contrary of packBits: it reads 128 bytes for each group.
func unpackBits() {
	TEXT("unpackBits", NOSPLIT, "func(a, b *uint64, src *byte, table *uint64, step, size, count uint64)")
	Pragma("noescape")
	a := Load(Param("a"), GP64())
	b := Load(Param("b"), GP64())
	src := Load(Param("src"), GP64())
	table := Load(Param("table"), GP64())
	step := Load(Param("step"), GP64())
	size := Load(Param("size"), GP64())
	count := Load(Param("count"), GP64())

	Label("group")
	x := loadVectors([]Mem{{Base: src}, {Base: src, Disp: vector}})
	for i, list := range []reg.Register{a, b} {
		entry := func(k int) Mem { return Mem{Base: table, Disp: (i*inVectors + k) * vector} }
		lower, upper := ZMM(), ZMM()
		VMOVDQU64(entry(0), lower)
		VMOVDQU64(entry(2), upper)
		VPERMI2Q(x[1], x[0], lower)
		VPERMI2Q(x[1], x[0], upper)
		VPSRLVQ(entry(1), lower, lower)
		VPSLLVQ(entry(3), upper, upper)
		VPORQ(upper, lower, lower)
		VPANDQ(entry(4), lower, lower)
		VMOVDQU64(lower, Mem{Base: list})
	}
	ADDQ(step, a)
	ADDQ(step, b)
	ADDQ(size, src)
	DECQ(count)
	JNZ(LabelRef("group"))
	VZEROUPPER()
	RET()
}
