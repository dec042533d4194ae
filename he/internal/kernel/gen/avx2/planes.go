package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// pick copies the words whose byte equals the wanted one and clears the others.
func pick() {
	TEXT("avx2Pick", NOSPLIT, "func(dst, src *uint64, bytes *uint8, want *uint64, count uint64)")
	Pragma("noescape")
	dst := Load(Param("dst"), GP64())
	src := Load(Param("src"), GP64())
	bytes := Load(Param("bytes"), GP64())
	want := YMM()
	VPBROADCASTQ(Mem{Base: Load(Param("want"), GP64())}, want)
	count := Load(Param("count"), GP64())

	eachVector(count, func() {
		r := YMM()
		VPMOVZXBQ(Mem{Base: bytes}, r)
		VPCMPEQQ(want, r, r)
		VPAND(Mem{Base: src}, r, r)
		VMOVUPD(r, Mem{Base: dst})
	}, cursor{dst, vector}, cursor{src, vector}, cursor{bytes, lanes})
}

// Vectors of the constants of recombine: those of a field, modulo t in place of q, then
// three for each of three planes and three primes of q.
const (
	planeP        = iota // p
	planeHalf            // floor(p/2)
	planeCofactor        // t/p, 0 for a plane that is not there
	planeVectors
	constPlanes = constMagic + 1
	constLimbs  = constPlanes + 3*planeVectors // integers
)

// recombine writes the centred integer with the given residues in three planes to
// three lists, as residues modulo the primes of q: see Planes.Recombine. Each term is at
// most t/2 < 2^50, so that their sum is exact and can be reduced modulo t.
func recombine() {
	TEXT("avx2Recombine", NOSPLIT, "func(d0, d1, d2, s0, s1, s2, constants *uint64, count uint64)")
	Pragma("noescape")
	var d, s [3]reg.Register
	for i, name := range []string{"d0", "d1", "d2"} {
		d[i] = Load(Param(name), GP64())
	}
	for i, name := range []string{"s0", "s1", "s2"} {
		s[i] = Load(Param(name), GP64())
	}
	f := newField(Load(Param("constants"), GP64()))
	count := Load(Param("count"), GP64())
	offset := GP64()
	XORQ(offset, offset)

	eachVector(count, func() {
		sum := YMM()
		for i := range 3 {
			at := func(index int) Mem { return f.at(constPlanes + i*planeVectors + index) }
			x, above := f.fromInteger(load(Mem{Base: s[i], Index: offset, Scale: 1}), wide).r, YMM()
			VCMPPD(Imm(greater), at(planeHalf), x, above)
			VANDPD(at(planeP), above, above)
			VSUBPD(above, x, x)
			if i == 0 {
				VMULPD(at(planeCofactor), x, sum)
			} else {
				VFMADD231PD(at(planeCofactor), x, sum)
			}
		}
		v := value{sum, wide}
		f.reduce(&v)
		VADDPD(f.round, v.r, v.r) // from here on integers
		VPSUBQ(f.round, v.r, v.r)
		for i := range 3 {
			VMOVUPD(lift(v.r, f.at(constLimbs+i)), Mem{Base: d[i], Index: offset, Scale: 1})
		}
	}, cursor{offset, vector})
}

// greater is the predicate of a comparison of doubles: GT_OQ.
const greater = 0x1e
