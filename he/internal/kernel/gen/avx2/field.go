package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Vectors of the constants argument, each of four equal words; avx2_amd64.go fills
// them in this order.
const (
	constQ        = iota // q
	constInvQ            // fl(1/q)
	constRound           // 1.5*2^52
	constMagic           // 2^52
	constIntQ            // q, an integer
	const50              // 2^50 mod q, centred
	const50Q             // its w'
	const100             // 2^100 mod q, centred
	const100Q            // its w'
	constMask50          // 2^50 - 1, an integer
	constHigh            // 2^102
	constLow             // 2^102 + 1.5*2^52
	constFraction        // 2^104
)

const (
	vector = 32 // bytes of a register
	word   = 8  // bytes of a lane
	lanes  = 4
)

// limit keeps values below 2^52, as q < 2^50.
const limit = 4

// value is a register of integers as doubles, at most bound*q in magnitude. The bounds
// are followed while a routine is written: one that could leave the limit is not.
type value struct {
	r     reg.VecVirtual
	bound float64
}

// wide marks what is below 2^52 but perhaps not below any multiple of q: for times
// and reduce, which do not ask for more.
const wide = limit

func (v value) check() value {
	if v.bound > limit {
		panic(fmt.Sprintf("a value may reach %.3f*q, more than %d*q", v.bound, limit))
	}
	return v
}

// field holds the constants that all routines keep in registers, and the address of the
// others.
type field struct {
	c        reg.Register
	q, round reg.VecVirtual
}

func newField(c reg.Register) field {
	f := field{c: c}
	f.q, f.round = load(f.at(constQ)), load(f.at(constRound))
	return f
}

func (f field) at(index int) Mem { return Mem{Base: f.c, Disp: index * vector} }

func load(at Op) reg.VecVirtual {
	r := YMM()
	VMOVUPD(at, r)
	return r
}

// factor is a constant w with its w' in memory: one word each for all lanes
// (broadcast) or four words each, one for each lane.
type factor struct {
	w, wq     Mem
	broadcast bool
}

func (f factor) load(at Mem) reg.VecVirtual {
	if !f.broadcast {
		return load(at)
	}
	r := YMM()
	VBROADCASTSD(at, r)
	return r
}

// factors returns count factors that lie as pairs w, w' from a byte of a table on.
func factors(table reg.Register, first, count int, broadcast bool) []factor {
	size := vector
	if broadcast {
		size = word
	}
	f := make([]factor, count)
	for i := range f {
		at := first + 2*i*size
		f[i] = factor{Mem{Base: table, Disp: at}, Mem{Base: table, Disp: at + size}, broadcast}
	}
	return f
}

// constant returns the factor that two vectors of the constants are.
func (f field) constant(index int) factor { return factor{f.at(index), f.at(index + 1), false} }

// fromInteger takes words below 2^52, at most bound*q, to doubles: below the exponent of
// 2^52 they are the low bits of 2^52 more.
func (f field) fromInteger(x reg.VecVirtual, bound float64) value {
	magic := load(f.at(constMagic))
	VPOR(magic, x, x)
	VSUBPD(magic, x, x)
	return value{x, bound}
}

// residue returns the word of [0, q) that is congruent to x.
func (f field) residue(x value) reg.VecVirtual {
	if x.bound >= 1 {
		f.reduce(&x)
	}
	VADDPD(f.round, x.r, x.r) // from here on integers
	VPSUBQ(f.round, x.r, x.r)
	return lift(x.r, f.at(constIntQ))
}

// lift returns the signed integer r with q added where it is negative.
func lift(r reg.VecVirtual, q Op) reg.VecVirtual {
	lifted := YMM()
	VPADDQ(q, r, lifted)
	VBLENDVPD(r, lifted, r, lifted)
	return lifted
}

// add returns r + what is at an address modulo q, for residues.
func (f field) add(at Op, r reg.VecVirtual) reg.VecVirtual {
	less := YMM()
	VPADDQ(at, r, r)
	VPSUBQ(f.at(constIntQ), r, less)
	VBLENDVPD(less, r, less, less) // r where less is negative
	return less
}

// nearest replaces w' by the integer nearest to w'*y.
func (f field) nearest(wq, y reg.VecVirtual) reg.VecVirtual {
	VFMADD213PD(f.round, y, wq)
	VSUBPD(f.round, wq, wq)
	return wq
}

// reduce centres x modulo q.
func (f field) reduce(x *value) {
	x.check()
	c := f.nearest(load(f.at(constInvQ)), x.r)
	VFNMADD231PD(f.q, c, x.r)
	x.bound = 0.5
}

// times replaces y by w*y. w is what by.w loads.
func (f field) times(y *value, w reg.VecVirtual, by factor) {
	y.check()
	h := YMM()
	c := f.nearest(by.load(by.wq), y.r)
	VMULPD(w, y.r, h)
	VFMSUB213PD(h, w, y.r)
	VFNMADD231PD(f.q, c, h)
	VADDPD(h, y.r, y.r)
	y.bound = 0.5 + y.bound/16
}

// sumAndDifference replaces (x, y) by (x + y, x - y).
func sumAndDifference(x, y *value) {
	d := YMM()
	VSUBPD(y.r, x.r, d)
	VADDPD(y.r, x.r, x.r)
	y.r, x.bound = d, x.bound+y.bound
	y.bound = x.check().bound
}

// forward replaces (x, y) by (x + w*y, x - w*y).
func (f field) forward(x, y *value, w reg.VecVirtual, by factor) {
	f.times(y, w, by)
	sumAndDifference(x, y)
}

// inverse replaces (x, y) by (x + y, (x - y)*w), reducing them before if they are large.
func (f field) inverse(x, y *value, w reg.VecVirtual, by factor) {
	if x.bound+y.bound > limit {
		f.reduce(x)
		f.reduce(y)
	}
	sumAndDifference(x, y)
	f.times(y, w, by)
}

// transpose exchanges rows and columns of four registers.
func transpose(x []value) {
	var t [4]reg.VecVirtual
	for i := 0; i < 4; i += 2 {
		t[i], t[i+1] = YMM(), YMM()
		VUNPCKLPD(x[i+1].r, x[i].r, t[i])
		VUNPCKHPD(x[i+1].r, x[i].r, t[i+1])
	}
	bound := max(x[0].bound, x[1].bound, x[2].bound, x[3].bound)
	for i := range 2 {
		x[i], x[i+2] = value{YMM(), bound}, value{YMM(), bound}
		VPERM2F128(Imm(0x20), t[i+2], t[i], x[i].r)
		VPERM2F128(Imm(0x31), t[i+2], t[i], x[i+2].r)
	}
}
