package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Bounds of all values between the routines of a transform: what a radix-8 step of the
// forward transform makes of such values is within them again.
const (
	forwardBound = 2.625
	inverseBound = 1
)

const (
	block    = 16                      // coefficients that the in-register routines take
	columnAt = 8                       // word of a block's table where the factors of four lanes begin
	tail     = columnAt + lanes*2*pair // words of a block's table
	pair     = 3                       // factors of a radix-4 step
)

// stage applies do to the butterflies of a step that are width values apart. The factors
// of a step are numbered through: one, two, four.
func stage(x []value, w []factor, width int, do func(x, y *value, w reg.VecVirtual, by factor)) {
	groups := len(x) / (2 * width)
	for g := range groups {
		by := w[groups-1+g]
		factor := by.load(by.w)
		for i := range width {
			do(&x[2*width*g+i], &x[2*width*g+i+width], factor, by)
		}
	}
}

// forwardStep does log2 len(x) stages. Only the first value is always on the side of a
// butterfly that is not multiplied, so that to reduce it is enough.
func (f field) forwardStep(x []value, w []factor) {
	f.reduce(&x[0])
	for width := len(x) / 2; width > 0; width /= 2 {
		stage(x, w, width, f.forward)
	}
}

func (f field) inverseStep(x []value, w []factor) {
	for width := 1; width < len(x); width *= 2 {
		stage(x, w, width, f.inverse)
	}
}

// settle reduces what is not within the bound.
func (f field) settle(x []value, bound float64) {
	for i := range x {
		if x[i].bound > bound {
			f.reduce(&x[i])
		}
	}
}

func loadValues(at []Mem, bound float64) []value {
	x := make([]value, len(at))
	for i := range x {
		x[i] = value{load(at[i]), bound}
	}
	return x
}

func storeValues(x []value, at []Mem, bound float64) {
	for i := range x {
		if x[i].bound > bound {
			panic("a value leaves the bound between routines")
		}
		VMOVUPD(x[i].r, at[i])
	}
}

// integers takes residues in place to doubles, and residues takes values to residues.
func (f field) integers(x []value) {
	for i := range x {
		x[i] = f.fromInteger(x[i].r, 1)
	}
}

func (f field) residues(x []value) {
	for i := range x {
		x[i] = value{f.residue(x[i]), 1}
	}
}

// pass is the frame of a routine over groups of radix*stride coefficients with count
// factors each. body runs for each four neighbouring coefficients of each of the radix
// parts.
func pass(name string, radix, count int, body func(f field, at []Mem, w []factor)) {
	TEXT(name, NOSPLIT, "func(p, table *float64, constants *uint64, groups, stride uint64)")
	Pragma("noescape")
	p := Load(Param("p"), GP64())
	table := Load(Param("table"), GP64())
	f := newField(Load(Param("constants"), GP64()))
	groups := Load(Param("groups"), GP64())
	stride := Load(Param("stride"), GP64())
	SHLQ(Imm(3), stride)
	stride3, upper, left := GP64(), GP64(), GP64()
	LEAQ(Mem{Base: stride, Index: stride, Scale: 2}, stride3)

	Label("group")
	LEAQ(Mem{Base: p, Index: stride, Scale: 4}, upper)
	MOVQ(stride, left)
	Label("column")
	var at []Mem
	for _, base := range []reg.Register{p, upper} {
		at = append(at, Mem{Base: base}, Mem{Base: base, Index: stride, Scale: 1},
			Mem{Base: base, Index: stride, Scale: 2}, Mem{Base: base, Index: stride3, Scale: 1})
	}
	body(f, at[:radix], factors(table, 0, count, true))
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

// forwardPass does the first log2 radix stages that are left, the very first ones if it
// starts from residues.
func forwardPass(name string, radix int, first bool) {
	pass(name, radix, radix-1, func(f field, at []Mem, w []factor) {
		x := loadValues(at, forwardBound)
		if first {
			f.integers(x)
		}
		f.forwardStep(x, w)
		storeValues(x, at, forwardBound)
	})
}

// inversePass does as many stages of the inverse transform, the very last ones if it ends
// with residues. Then the factor of the last stage already contains n^-1, and the pair
// behind the factors is n^-1.
func inversePass(name string, radix int, last bool) {
	count := radix - 1
	if last {
		count++
	}
	pass(name, radix, count, func(f field, at []Mem, w []factor) {
		x := loadValues(at, inverseBound)
		if !last {
			f.inverseStep(x, w)
			f.settle(x, inverseBound)
			storeValues(x, at, inverseBound)
			return
		}
		for width := 1; width < radix/2; width *= 2 {
			stage(x, w, width, f.inverse)
		}
		scale := w[radix-1]
		for i := range radix / 2 {
			f.inverse(&x[i], &x[i+radix/2], w[0].load(w[0].w), w[0])
			f.times(&x[i], scale.load(scale.w), scale)
		}
		f.residues(x)
		storeValues(x, at, 1)
	})
}

// turn is a part of a routine over blocks.
type turn func(f field, x []value, rows, columns []factor)

// inRegisters is the frame of a routine over pairs of blocks of 16 coefficients. The two
// take turns, so that the processor need not wait for the results of one. A turn gets the
// four rows of a block, the factors of the stages between them and, of four lanes, of
// those between columns.
func inRegisters(name string, from, to float64, turns ...turn) {
	TEXT(name, NOSPLIT, "func(p, table *float64, constants *uint64, pairs uint64)")
	Pragma("noescape")
	p := Load(Param("p"), GP64())
	table := Load(Param("table"), GP64())
	f := newField(Load(Param("constants"), GP64()))
	pairs := Load(Param("pairs"), GP64())
	var at [2][]Mem
	for i := range 2 * lanes {
		at[i/lanes] = append(at[i/lanes], Mem{Base: p, Disp: i * vector})
	}

	Label("pair")
	var x [2][]value
	for i := range x {
		x[i] = loadValues(at[i], from)
	}
	for _, do := range turns {
		for i := range x {
			first := i * tail * word
			do(f, x[i], factors(table, first, pair, true), factors(table, first+columnAt*word, pair, false))
		}
	}
	for i := range x {
		storeValues(x[i], at[i], to)
	}
	ADDQ(U32(2*block*word), p)
	ADDQ(U32(2*tail*word), table)
	DECQ(pairs)
	JNZ(LabelRef("pair"))
	VZEROUPPER()
	RET()
}

// forwardTail does the last four stages: two between rows and, transposed, two between
// columns, and ends with residues.
func forwardTail() {
	inRegisters("avx2ForwardTail", forwardBound, 1,
		func(f field, x []value, rows, _ []factor) { f.forwardStep(x, rows) },
		func(f field, x []value, _, columns []factor) { transpose(x); f.forwardStep(x, columns) },
		func(f field, x []value, _, _ []factor) { f.residues(x); transpose(x) })
}

// inverseHead does the first four stages of the inverse transform, from residues.
func inverseHead() {
	inRegisters("avx2InverseHead", 1, inverseBound,
		func(f field, x []value, _, _ []factor) { f.integers(x); transpose(x) },
		func(f field, x []value, _, columns []factor) { f.inverseStep(x, columns); f.settle(x, inverseBound) },
		func(f field, x []value, rows, _ []factor) {
			transpose(x)
			f.inverseStep(x, rows)
			f.settle(x, inverseBound)
		})
}
