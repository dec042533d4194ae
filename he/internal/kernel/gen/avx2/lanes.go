package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

// scale writes dst = a*w, or dst += a*w, for count vectors of words below 2^52 and a
// factor w, w'.
func scale(name string, add bool) {
	TEXT(name, NOSPLIT, "func(dst, a *uint64, factor *float64, constants *uint64, count uint64)")
	Pragma("noescape")
	dst := Load(Param("dst"), GP64())
	a := Load(Param("a"), GP64())
	by := factors(Load(Param("factor"), GP64()), 0, 1, true)[0]
	f := newField(Load(Param("constants"), GP64()))
	count := Load(Param("count"), GP64())
	w := by.load(by.w)

	eachVector(count, func() {
		x := f.fromInteger(load(Mem{Base: a}), wide)
		f.times(&x, w, by)
		r := f.residue(x)
		if add {
			r = f.add(Mem{Base: dst}, r)
		}
		VMOVUPD(r, Mem{Base: dst})
	}, cursor{dst, vector}, cursor{a, vector})
}

// fraction adds x*2^14 + floor(x*e/2^52) to each word of sum, modulo 2^64, with
// x = v*w mod q; the factor is w, w', e. The low bits of fl(x*e + 2^104), whose last place
// is 2^52, are the integer nearest to x*e/2^52, and too large by one where what is left of
// x*e is negative.
func fraction() {
	TEXT("avx2Fraction", NOSPLIT, "func(sum, v *uint64, factor *float64, constants *uint64, count uint64)")
	Pragma("noescape")
	sum := Load(Param("sum"), GP64())
	v := Load(Param("v"), GP64())
	table := Load(Param("factor"), GP64())
	f := newField(Load(Param("constants"), GP64()))
	count := Load(Param("count"), GP64())
	by := factors(table, 0, 1, true)[0]
	w, e := by.load(by.w), by.load(Mem{Base: table, Disp: 2 * word})
	large := load(f.at(constFraction))

	eachVector(count, func() {
		y := f.fromInteger(load(Mem{Base: v}), wide)
		f.times(&y, w, by)
		x, high, left, shifted := f.residue(y), YMM(), YMM(), YMM()
		VPSLLQ(Imm(14), x, shifted)
		VPADDQ(Mem{Base: sum}, shifted, shifted)
		factor := f.fromInteger(x, 1).r
		VMOVAPD(large, high)
		VFMADD231PD(factor, e, high)
		VSUBPD(high, large, left)
		VFMADD231PD(factor, e, left)
		VPSUBQ(large, high, high)
		VPSRLQ(Imm(63), left, left) // 1 where it is negative: a zero is not
		VPADDQ(high, shifted, shifted)
		VPSUBQ(left, shifted, shifted)
		VMOVUPD(shifted, Mem{Base: sum})
	}, cursor{sum, vector}, cursor{v, vector})
}

// addSmall adds signed bytes to residues.
func addSmall() {
	TEXT("avx2AddSmall", NOSPLIT, "func(dst *uint64, small *int8, constants *uint64, count uint64)")
	Pragma("noescape")
	dst := Load(Param("dst"), GP64())
	small := Load(Param("small"), GP64())
	f := field{c: Load(Param("constants"), GP64())}
	count := Load(Param("count"), GP64())

	eachVector(count, func() {
		r := YMM()
		VPMOVSXBQ(Mem{Base: small}, r)
		VMOVUPD(f.add(Mem{Base: dst}, lift(r, f.at(constIntQ))), Mem{Base: dst})
	}, cursor{dst, vector}, cursor{small, lanes})
}

// spread writes signed integers of 32 bits as residues.
func spread() {
	TEXT("avx2Spread", NOSPLIT, "func(dst *uint64, small *int32, constants *uint64, count uint64)")
	Pragma("noescape")
	dst := Load(Param("dst"), GP64())
	small := Load(Param("small"), GP64())
	f := field{c: Load(Param("constants"), GP64())}
	count := Load(Param("count"), GP64())

	eachVector(count, func() {
		r := YMM()
		VPMOVSXDQ(Mem{Base: small}, r)
		VMOVUPD(lift(r, f.at(constIntQ)), Mem{Base: dst})
	}, cursor{dst, vector}, cursor{small, vector / 2})
}
