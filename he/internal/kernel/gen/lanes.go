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

// scale writes dst = a*w, or dst += a*w, for count vectors and a factor w, w'.
func scale(name string, add bool) {
	TEXT(name, NOSPLIT, "func(dst, a, factor, constants *uint64, count uint64)")
	Pragma("noescape")
	dst := Load(Param("dst"), GP64())
	a := Load(Param("a"), GP64())
	w := Load(Param("factor"), GP64())
	c := Load(Param("constants"), GP64())
	count := Load(Param("count"), GP64())
	f := newField(c)
	q := constant(c, constQ)
	by := factors(w, 0, 1, true)

	eachVector(count, func() {
		x := ZMM()
		VMOVDQU64(Mem{Base: a}, x)
		r := f.times([]reg.VecVirtual{x}, by)[0]
		if add { // below 2q + q
			VPADDQ(Mem{Base: dst}, r, r)
			reduce(f.q2, r)
		}
		reduce(q, r)
		VMOVDQU64(r, Mem{Base: dst})
	}, cursor{dst, vector}, cursor{a, vector})
}

// fraction adds x*2^14 + floor(x*e/2^52) to each word of sum, modulo 2^64, with
// x = v*w mod q; the factor is w, w', e.
func fraction() {
	TEXT("fraction", NOSPLIT, "func(sum, v, factor, constants *uint64, count uint64)")
	Pragma("noescape")
	sum := Load(Param("sum"), GP64())
	v := Load(Param("v"), GP64())
	w := Load(Param("factor"), GP64())
	c := Load(Param("constants"), GP64())
	count := Load(Param("count"), GP64())
	f := newField(c)
	q := constant(c, constQ)
	e := constant(w, 2)
	by := factors(w, 0, 1, true)

	eachVector(count, func() {
		y, t := ZMM(), ZMM()
		VMOVDQU64(Mem{Base: v}, y)
		x := f.times([]reg.VecVirtual{y}, by)[0]
		reduce(q, x)
		VPSLLQ(Imm(14), x, t)
		VPADDQ(Mem{Base: sum}, t, t)
		VPMADD52HUQ(e, x, t)
		VMOVDQU64(t, Mem{Base: sum})
	}, cursor{sum, vector}, cursor{v, vector})
}

// addSmall adds signed bytes to residues.
func addSmall() {
	TEXT("addSmall", NOSPLIT, "func(dst *uint64, small *int8, constants *uint64, count uint64)")
	Pragma("noescape")
	dst := Load(Param("dst"), GP64())
	small := Load(Param("small"), GP64())
	c := Load(Param("constants"), GP64())
	count := Load(Param("count"), GP64())
	q := constant(c, constQ)

	eachVector(count, func() {
		r := ZMM()
		VPMOVSXBQ(Mem{Base: small}, r)
		VPADDQ(Mem{Base: dst}, r, r)
		VPADDQ(q, r, r) // from q - 128 to 2q + 127
		reduce(q, r)
		reduce(q, r)
		VMOVDQU64(r, Mem{Base: dst})
	}, cursor{dst, vector}, cursor{small, 8})
}

// spread writes signed integers of 32 bits as residues.
func spread() {
	TEXT("spread", NOSPLIT, "func(dst *uint64, small *int32, constants *uint64, count uint64)")
	Pragma("noescape")
	dst := Load(Param("dst"), GP64())
	small := Load(Param("small"), GP64())
	c := Load(Param("constants"), GP64())
	count := Load(Param("count"), GP64())
	q := constant(c, constQ)

	eachVector(count, func() {
		r := ZMM()
		minus := K()
		VPMOVSXDQ(Mem{Base: small}, r)
		VPMOVQ2M(r, minus)
		VPADDQ(q, r, minus, r)
		VMOVDQU64(r, Mem{Base: dst})
	}, cursor{dst, vector}, cursor{small, vector / 2})
}

// centredBinomial writes, for each word, the number of ones among its bits 0..20 less
// that among its bits 21..41, as a signed byte.
func centredBinomial() {
	TEXT("centredBinomial", NOSPLIT, "func(dst *int8, words *uint64, mask, count uint64)")
	Pragma("noescape")
	dst := Load(Param("dst"), GP64())
	words := Load(Param("words"), GP64())
	mask := ZMM()
	m := Load(Param("mask"), GP64())
	VPBROADCASTQ(m, mask)
	count := Load(Param("count"), GP64())

	eachVector(count, func() {
		low, high := ZMM(), ZMM()
		VMOVDQU64(Mem{Base: words}, low)
		VPSRLQ(Imm(21), low, high)
		VPANDQ(mask, low, low)
		VPANDQ(mask, high, high)
		VPOPCNTQ(low, low)
		VPOPCNTQ(high, high)
		VPSUBQ(high, low, low)
		VPMOVQB(low, Mem{Base: dst})
	}, cursor{dst, 8}, cursor{words, vector})
}
