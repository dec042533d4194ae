package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// butterfly is one of a radix-8 step: positions x and y, and the factor's number.
type butterfly struct{ x, y, factor int }

// stages are the three stages of a radix-8 step in forward order. The factors of
// a step are numbered through: one, two, four.
var stages = [3][4]butterfly{
	{{0, 4, 0}, {1, 5, 0}, {2, 6, 0}, {3, 7, 0}},
	{{0, 2, 1}, {1, 3, 1}, {4, 6, 2}, {5, 7, 2}},
	{{0, 1, 3}, {2, 3, 4}, {4, 5, 5}, {6, 7, 6}},
}

const (
	pairs    = 7                    // factors of a radix-8 step
	block    = 64                   // coefficients that the in-register routines take
	columnAt = 16                   // word of a block's table where the factors of eight lanes begin
	tail     = columnAt + 8*2*pairs // words of a block's table
)

// stage applies do to the four butterflies of a stage together.
func stage(s int, x []reg.VecVirtual, w []factor, do func(lo, hi []reg.VecVirtual, w []factor)) {
	var lo, hi []reg.VecVirtual
	var f []factor
	for _, b := range stages[s] {
		lo, hi, f = append(lo, x[b.x]), append(hi, x[b.y]), append(f, w[b.factor])
	}
	do(lo, hi, f)
	for i, b := range stages[s] {
		x[b.x], x[b.y] = lo[i], hi[i]
	}
}

func (f field) forward8(x []reg.VecVirtual, w []factor) {
	for s := range stages {
		stage(s, x, w, f.forward)
	}
}

func (f field) inverse8(x []reg.VecVirtual, w []factor) {
	for s := 2; s >= 0; s-- {
		stage(s, x, w, f.inverse)
	}
}

func loadVectors(at []Mem) []reg.VecVirtual {
	x := registers(len(at))
	for i := range x {
		VMOVDQU64(at[i], x[i])
	}
	return x
}

func storeVectors(x []reg.VecVirtual, at []Mem) {
	for i := range x {
		VMOVDQU64(x[i], at[i])
	}
}

// parts returns where the eight parts of a group lie, of which the fifth begins at upper.
func parts(p, upper, stride, stride3 reg.Register) (at []Mem) {
	for _, base := range []reg.Register{p, upper} {
		at = append(at, Mem{Base: base}, Mem{Base: base, Index: stride, Scale: 1},
			Mem{Base: base, Index: stride, Scale: 2}, Mem{Base: base, Index: stride3, Scale: 1})
	}
	return at
}

// pass is the frame of a routine over groups of radix*stride coefficients with
// count factors each. body runs for each eight neighbouring coefficients of each
// of the radix parts; q is loaded for it if it reduces.
func pass(name string, radix, count int, reduces bool, body func(f field, q reg.VecVirtual, x []reg.VecVirtual, w []factor)) {
	TEXT(name, NOSPLIT, "func(p, table, constants *uint64, groups, stride uint64)")
	Pragma("noescape")
	p := Load(Param("p"), GP64())
	table := Load(Param("table"), GP64())
	c := Load(Param("constants"), GP64())
	f := newField(c)
	var q reg.VecVirtual
	if reduces {
		q = constant(c, constQ)
	}
	groups := Load(Param("groups"), GP64())
	stride := Load(Param("stride"), GP64())
	SHLQ(Imm(3), stride)
	stride3, upper, left := GP64(), GP64(), GP64()
	LEAQ(Mem{Base: stride, Index: stride, Scale: 2}, stride3)

	Label("group")
	LEAQ(Mem{Base: p, Index: stride, Scale: 4}, upper)
	MOVQ(stride, left)
	Label("column")
	at := parts(p, upper, stride, stride3)[:radix]
	x := loadVectors(at)
	body(f, q, x, factors(table, 0, count, true))
	storeVectors(x, at)
	ADDQ(Imm(vector), p)
	ADDQ(Imm(vector), upper)
	SUBQ(Imm(vector), left)
	JNZ(LabelRef("column"))
	// p stands at the second part of the group: skip the others.
	for i := 1; i < radix; i++ {
		ADDQ(stride, p)
	}
	ADDQ(U32(2*count*word), table)
	DECQ(groups)
	JNZ(LabelRef("group"))
	VZEROUPPER()
	RET()
}

func forwardPass8() {
	pass("forwardPass8", 8, pairs, false, func(f field, _ reg.VecVirtual, x []reg.VecVirtual, w []factor) { f.forward8(x, w) })
}

func forwardPass2() {
	pass("forwardPass2", 2, 1, false, func(f field, _ reg.VecVirtual, x []reg.VecVirtual, w []factor) { f.forward(x[:1], x[1:], w) })
}

func inversePass2() {
	pass("inversePass2", 2, 1, false, func(f field, _ reg.VecVirtual, x []reg.VecVirtual, w []factor) { f.inverse(x[:1], x[1:], w) })
}

func inversePass8() {
	pass("inversePass8", 8, pairs, false, func(f field, _ reg.VecVirtual, x []reg.VecVirtual, w []factor) { f.inverse8(x, w) })
}

// inverseLast8 does the last three stages of the inverse transform. The factor of
// the last stage already contains n^-1, and the pair behind the factors is n^-1.
func inverseLast8() {
	pass("inverseLast8", 8, pairs+1, true, func(f field, q reg.VecVirtual, x []reg.VecVirtual, w []factor) {
		stage(2, x, w, f.inverse)
		stage(1, x, w, f.inverse)
		stage(0, x, w, func(lo, hi []reg.VecVirtual, w4 []factor) {
			f.inverseScaled(lo, hi, w4, []factor{w[pairs], w[pairs], w[pairs], w[pairs]})
		})
		reduce(q, x...)
	})
}

// inRegisters is the frame of a routine over blocks of 64 coefficients. body gets
// them as rows of eight, with the factors of the stages between rows and, of eight
// lanes, of those between columns.
func inRegisters(name string, body func(f field, c reg.Register, x []reg.VecVirtual, rows, columns []factor)) {
	TEXT(name, NOSPLIT, "func(p, table, constants *uint64, blocks uint64)")
	Pragma("noescape")
	p := Load(Param("p"), GP64())
	table := Load(Param("table"), GP64())
	c := Load(Param("constants"), GP64())
	f := newField(c)
	blocks := Load(Param("blocks"), GP64())
	at := make([]Mem, 8)
	for i := range at {
		at[i] = Mem{Base: p, Disp: i * vector}
	}

	Label("block")
	x := loadVectors(at)
	body(f, c, x, factors(table, 0, pairs, true), factors(table, columnAt*word, pairs, false))
	storeVectors(x, at)
	ADDQ(U32(block*word), p)
	ADDQ(U32(tail*word), table)
	DECQ(blocks)
	JNZ(LabelRef("block"))
	VZEROUPPER()
	RET()
}

// forwardTail does the last six stages: three between rows and, transposed, three
// between columns, after which the values are fully reduced.
func forwardTail() {
	inRegisters("forwardTail", func(f field, c reg.Register, x []reg.VecVirtual, rows, columns []factor) {
		f.forward8(x, rows)
		transpose(x)
		f.forward8(x, columns)
		reduce(f.q2, x...)
		reduce(constant(c, constQ), x...)
		transpose(x)
	})
}

// inverseHead does the first six stages of the inverse transform.
func inverseHead() {
	inRegisters("inverseHead", func(f field, _ reg.Register, x []reg.VecVirtual, rows, columns []factor) {
		transpose(x)
		f.inverse8(x, columns)
		transpose(x)
		f.inverse8(x, rows)
	})
}
