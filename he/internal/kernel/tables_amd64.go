package kernel

import (
	"math/bits"
	"slices"
	"unsafe"
)

// Layout of the table of an in-register block, as gen/transform.go reads it.
const (
	blockSize = 64  // coefficients of a block
	tailWords = 128 // words of its factors
	columnAt  = 16  // word where the factors of eight lanes begin
)

// routine is an assembly routine over groups of 2 or 8 parts of stride coefficients.
type routine func(p, table, constants *uint64, groups, stride uint64)

// pass is a call of a routine that covers all coefficients.
type pass struct {
	routine
	table          []uint64
	groups, stride uint64
}

// shoup returns floor(w*2^52/q).
func (m *portable) shoup(w uint64) uint64 {
	r, _ := bits.Div64(w>>12, w<<52, m.q)
	return r
}

// tables lays out the factors in the order in which the routines read them.
func (m *avx512) tables(psi uint64) {
	n := m.n
	roots, inverse := m.roots(psi, n), m.roots(m.rootInverse(psi), n)
	scale := m.degreeInverse()
	m.tail, m.head = m.blockTable(roots), m.blockTable(inverse)

	groups := 1
	for ; groups*8*blockSize <= n; groups *= 8 {
		m.forward = append(m.forward, m.radix8(forwardPass8, roots, groups))
		p := m.radix8(inversePass8, inverse, groups)
		if groups == 1 {
			p.routine = inverseLast8
			p.table[0] = m.product(inverse[1], scale)
			p.table[1] = m.shoup(p.table[0])
			p.table = append(p.table, scale, m.shoup(scale))
		}
		m.backward = append(m.backward, p)
	}
	for ; groups*2*blockSize <= n; groups *= 2 {
		m.forward = append(m.forward, m.radix2(forwardPass2, roots, groups))
		m.backward = append(m.backward, m.radix2(inversePass2, inverse, groups))
	}
	slices.Reverse(m.backward)
}

func (m *avx512) pair(table []uint64, w uint64) []uint64 { return append(table, w, m.shoup(w)) }

// step appends the seven factors of a radix-8 step for a group.
func (m *avx512) step(table, roots []uint64, groups, group int) []uint64 {
	for width := 1; width <= 4; width *= 2 {
		for i := range width {
			table = m.pair(table, roots[width*(groups+group)+i])
		}
	}
	return table
}

func (m *avx512) radix8(r routine, roots []uint64, groups int) pass {
	var table []uint64
	for g := range groups {
		table = m.step(table, roots, groups, g)
	}
	return pass{r, table, uint64(groups), uint64(m.n / (8 * groups))}
}

func (m *avx512) radix2(r routine, roots []uint64, groups int) pass {
	var table []uint64
	for g := range groups {
		table = m.pair(table, roots[groups+g])
	}
	return pass{r, table, uint64(groups), uint64(m.n / (2 * groups))}
}

// blockTable returns, for each block of 64 coefficients, the factors of the three
// stages between its eight rows as pairs, two words of padding, and those of the
// three stages between its columns: lane g for row g.
func (m *avx512) blockTable(roots []uint64) []uint64 {
	blocks := m.n / blockSize
	table := aligned(blocks * tailWords)
	for block := range blocks {
		row := table[block*tailWords : (block+1)*tailWords]
		copy(row, m.step(nil, roots, blocks, block))
		for g := range lanes {
			factors := m.step(nil, roots, blocks*lanes, block*lanes+g)
			for i, v := range factors {
				row[columnAt+i*lanes+g] = v
			}
		}
	}
	return table
}

// aligned returns words that begin at a cache line, which a vector then never
// crosses.
func aligned(words int) []uint64 {
	s := make([]uint64, words+lanes)
	skip := -int(uintptr(unsafe.Pointer(&s[0]))/8) & (lanes - 1)
	return s[skip : skip+words]
}
