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

// pick copies the words whose byte equals the wanted one and clears the others.
func pick() {
	TEXT("pick", NOSPLIT, "func(dst, src *uint64, bytes *uint8, want, count uint64)")
	Pragma("noescape")
	dst := Load(Param("dst"), GP64())
	src := Load(Param("src"), GP64())
	bytes := Load(Param("bytes"), GP64())
	want := ZMM()
	w := Load(Param("want"), GP64())
	VPBROADCASTQ(w, want)
	count := Load(Param("count"), GP64())

	eachVector(count, func() {
		b, r := ZMM(), ZMM()
		k := K()
		VPMOVZXBQ(Mem{Base: bytes}, b)
		VPCMPEQQ(b, want, k)
		VMOVDQU64_Z(Mem{Base: src}, k, r)
		VMOVDQU64(r, Mem{Base: dst})
	}, cursor{dst, vector}, cursor{src, vector}, cursor{bytes, 8})
}

// Words of the constants of recombine: four for each of three planes, then five.
const (
	planeP        = iota // p
	planeHalf            // floor(p/2)
	planeCofactor        // t/p, 0 for a plane that is not there
	planeShare           // floor(2^40/p), 0 for one that is not there
	planeWords
	constT     = 3 * planeWords // t
	constHalfT = constT + 1     // floor(t/2)
	constNegT  = constT + 2     // -floor(t/2)
	constRound = constT + 3     // 2^39
	constLimb  = constT + 4     // three primes of q
)

// recombine writes the centred integer with the given residues in three planes to
// three lists, as residues modulo the primes of q: see Planes.Recombine.
func recombine() {
	TEXT("recombine", NOSPLIT, "func(d0, d1, d2, s0, s1, s2, constants *uint64, count uint64)")
	Pragma("noescape")
	var d, s [3]reg.Register
	for i, name := range []string{"d0", "d1", "d2"} {
		d[i] = Load(Param(name), GP64())
	}
	for i, name := range []string{"s0", "s1", "s2"} {
		s[i] = Load(Param(name), GP64())
	}
	c := Load(Param("constants"), GP64())
	count := Load(Param("count"), GP64())
	t, half, negative := constant(c, constT), constant(c, constHalfT), constant(c, constNegT)
	round := constant(c, constRound)
	var p, halfP, cofactor, share, q [3]reg.VecVirtual
	for i := range 3 {
		p[i], halfP[i] = constant(c, i*planeWords+planeP), constant(c, i*planeWords+planeHalf)
		cofactor[i], share[i] = constant(c, i*planeWords+planeCofactor), constant(c, i*planeWords+planeShare)
		q[i] = constant(c, constLimb+i)
	}
	offset := GP64()
	XORQ(offset, offset)

	eachVector(count, func() {
		v, turns := zero(), ZMM()
		VMOVDQA64(round, turns)
		for i := range 3 {
			x, y := ZMM(), ZMM()
			k := K()
			VMOVDQU64(Mem{Base: s[i], Index: offset, Scale: 1}, x)
			VPCMPGTQ(halfP[i], x, k)
			VPSUBQ(p[i], x, k, x)
			VPMULLQ(cofactor[i], x, y)
			VPADDQ(y, v, v)
			VPMULLQ(share[i], x, x)
			VPADDQ(x, turns, turns)
		}
		VPSRAQ(Imm(40), turns, turns)
		VPMULLQ(t, turns, turns)
		VPSUBQ(turns, v, v)
		above, below := K(), K()
		VPCMPGTQ(half, v, above)
		VPSUBQ(t, v, above, v)
		VPCMPGTQ(v, negative, below)
		VPADDQ(t, v, below, v)
		minus := K()
		VPMOVQ2M(v, minus)
		for i := range 3 {
			r := ZMM()
			VMOVDQA64(v, r)
			VPADDQ(q[i], v, minus, r)
			VMOVDQU64(r, Mem{Base: d[i], Index: offset, Scale: 1})
		}
	}, cursor{offset, vector})
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
