package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
	"github.com/mmcloughlin/avo/x86"
)

// Words of the constants argument; avx512_amd64.go fills them in this order.
const (
	constQ       = iota // q
	const2Q             // 2q
	const4Q             // 4q
	constNegQ           // 2^52 - q
	constMask52         // 2^52 - 1
	constMask50         // 2^50 - 1
	constShift          // 52 - L, with L the bit length of q
	constBarrett        // floor(2^(2L) / q)
	constOneQ           // floor(2^52 / q), the w' of w = 1
	const52             // 2^52 mod q
	const52Q            // its w'
	const102            // 2^102 mod q
	const102Q           // its w'
)

const (
	vector = 64 // bytes of a register
	word   = 8  // bytes of a lane
)

// field holds the constants that a routine keeps in registers.
type field struct{ q2, negQ, mask reg.VecVirtual }

func constant(c reg.Register, index int) reg.VecVirtual {
	r := ZMM()
	VPBROADCASTQ(Mem{Base: c, Disp: index * word}, r)
	return r
}

func newField(c reg.Register) field {
	return field{
		q2:   constant(c, const2Q),
		negQ: constant(c, constNegQ),
		mask: constant(c, constMask52),
	}
}

// zero returns a cleared register. avo has to be told that the exclusive or does
// not read it, else it would be live from the start of the routine.
func zero() reg.VecVirtual {
	r := ZMM()
	i, err := x86.VPXORQ(r, r, r)
	if err != nil {
		panic(err)
	}
	i.CancellingInputs = true
	Instruction(i)
	return r
}

func registers(n int) []reg.VecVirtual {
	r := make([]reg.VecVirtual, n)
	for i := range r {
		r[i] = ZMM()
	}
	return r
}

func zeros(n int) []reg.VecVirtual {
	r := make([]reg.VecVirtual, n)
	for i := range r {
		r[i] = zero()
	}
	return r
}

// factor is a constant w with its w' in memory: one word each for all lanes
// (broadcast) or eight words each, one for each lane.
type factor struct {
	w, wq     Mem
	broadcast bool
}

func (f factor) low(y, sum Op) {
	if f.broadcast {
		VPMADD52LUQ_BCST(f.w, y, sum)
	} else {
		VPMADD52LUQ(f.w, y, sum)
	}
}

func (f factor) high(y, sum Op) {
	if f.broadcast {
		VPMADD52HUQ_BCST(f.wq, y, sum)
	} else {
		VPMADD52HUQ(f.wq, y, sum)
	}
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

// The operations below take several registers at once and are written out step
// by step, so that neighbouring instructions do not wait for each other.

// times returns w*y in [0, 2q) for y < 2^52.
func (f field) times(y []reg.VecVirtual, w []factor) []reg.VecVirtual {
	quotient, t := zeros(len(y)), zeros(len(y))
	for i := range y {
		w[i].high(y[i], quotient[i])
	}
	for i := range y {
		w[i].low(y[i], t[i])
	}
	for i := range y {
		VPMADD52LUQ(f.negQ, quotient[i], t[i])
	}
	for i := range y {
		VPANDQ(f.mask, t[i], t[i])
	}
	return t
}

// reduce takes x < 2m to x mod m.
func reduce(m Op, x ...reg.VecVirtual) {
	d := registers(len(x))
	for i := range x {
		VPSUBQ(m, x[i], d[i])
	}
	for i := range x {
		VPMINUQ(d[i], x[i], x[i])
	}
}

// forward replaces (x, y) by (x + w*y, x - w*y): all below 4q before and after.
func (f field) forward(x, y []reg.VecVirtual, w []factor) {
	t := f.times(y, w)
	reduce(f.q2, x...)
	for i := range x {
		VPADDQ(f.q2, x[i], y[i])
	}
	for i := range x {
		VPADDQ(t[i], x[i], x[i])
	}
	for i := range x {
		VPSUBQ(t[i], y[i], y[i])
	}
}

// sumAndDifference replaces x by x + y and returns x - y + 2q, for x, y < 2q.
func (f field) sumAndDifference(x, y []reg.VecVirtual) []reg.VecVirtual {
	d := registers(len(x))
	for i := range x {
		VPADDQ(f.q2, x[i], d[i])
	}
	for i := range x {
		VPADDQ(y[i], x[i], x[i])
	}
	for i := range x {
		VPSUBQ(y[i], d[i], d[i])
	}
	return d
}

// inverse replaces (x, y) by (x + y, (x - y)*w): all below 2q before and after.
func (f field) inverse(x, y []reg.VecVirtual, w []factor) {
	d := f.sumAndDifference(x, y)
	copy(y, f.times(d, w))
	reduce(f.q2, x...)
}

// inverseScaled is inverse with the sum multiplied too.
func (f field) inverseScaled(x, y []reg.VecVirtual, w, scale []factor) {
	d := f.sumAndDifference(x, y)
	copy(y, f.times(d, w))
	copy(x, f.times(x, scale))
}

// transpose exchanges rows and columns of eight registers of eight lanes.
func transpose(r []reg.VecVirtual) {
	var t, u [8]reg.VecVirtual
	for i := 0; i < 8; i += 2 {
		t[i], t[i+1] = ZMM(), ZMM()
		VPUNPCKLQDQ(r[i+1], r[i], t[i])
		VPUNPCKHQDQ(r[i+1], r[i], t[i+1])
	}
	// The pairs of lanes now form a 4x4 matrix for the even and one for the odd
	// columns; 0x88 picks the pairs 0 and 2 of both operands, 0xdd 1 and 3.
	for odd := range 2 {
		for i := odd; i < 8; i += 4 {
			u[i], u[i+2] = ZMM(), ZMM()
			VSHUFI64X2(Imm(0x88), t[i+2], t[i], u[i])
			VSHUFI64X2(Imm(0xdd), t[i+2], t[i], u[i+2])
		}
		for i := odd; i < 4; i += 2 {
			VSHUFI64X2(Imm(0x88), u[i+4], u[i], r[i])
			VSHUFI64X2(Imm(0xdd), u[i+4], u[i], r[i+4])
		}
	}
}
