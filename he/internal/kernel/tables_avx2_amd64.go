package kernel

import "slices"

// Layout of the table of an in-register block, as gen/avx2/transform.go reads it.
const (
	blockAVX2  = 16 // coefficients of a block
	tailAVX2   = 32 // words of its factors
	columnAVX2 = 8  // word where the factors of four lanes begin
)

// passAVX2 is a call of a routine over groups of 4 or 8 parts of stride coefficients that
// covers all of them.
type passAVX2 struct {
	routine        func(p, table *float64, constants *uint64, groups, stride uint64)
	table          []float64
	groups, stride uint64
}

// tables lays out the factors in the order in which the routines read them: after a first
// radix-8 pass as many more as leave an even number of stages to radix-4 passes and the
// four in registers.
func (m *avx2) tables(psi uint64) {
	roots, inverse := m.roots(psi, m.n), m.roots(m.rootInverse(psi), m.n)
	scale := m.degreeInverse()
	m.tail, m.head = m.blockTable(roots), m.blockTable(inverse)

	for groups := 1; groups*blockAVX2 < m.n; {
		radix := 8
		if left := m.n / (groups * blockAVX2); left == 4 || left == 16 {
			radix = 4
		}
		forward, backward := avx2Forward8, avx2Inverse8
		switch {
		case groups == 1:
			forward, backward = avx2ForwardFirst8, avx2InverseLast8
		case radix == 4:
			forward, backward = avx2Forward4, avx2Inverse4
		}
		f, b := passAVX2{routine: forward}, passAVX2{routine: backward}
		for g := range groups {
			f.table = m.step(f.table, roots, radix, groups, g)
			b.table = m.step(b.table, inverse, radix, groups, g)
		}
		if groups == 1 {
			last, factor := m.quotient(m.product(inverse[1], scale)), m.quotient(scale)
			copy(b.table, last[:])
			b.table = append(b.table, factor[:]...)
		}
		f.groups, f.stride = uint64(groups), uint64(m.n/(radix*groups))
		b.groups, b.stride = f.groups, f.stride
		m.forward, m.backward = append(m.forward, f), append(m.backward, b)
		groups *= radix
	}
	slices.Reverse(m.backward)
}

// step appends the radix-1 factors of a step for a group.
func (m *avx2) step(table []float64, roots []uint64, radix, groups, group int) []float64 {
	for width := 1; width < radix; width *= 2 {
		for i := range width {
			f := m.quotient(roots[width*(groups+group)+i])
			table = append(table, f[:]...)
		}
	}
	return table
}

// blockTable returns, for each block of 16 coefficients, the factors of the two stages
// between its four rows as pairs, two words of padding, and those of the two stages
// between its columns: lane g for row g.
func (m *avx2) blockTable(roots []uint64) []float64 {
	blocks := m.n / blockAVX2
	table := make([]float64, blocks*tailAVX2)
	for block := range blocks {
		row := table[block*tailAVX2 : (block+1)*tailAVX2]
		copy(row, m.step(nil, roots, 4, blocks, block))
		for g := range lanesAVX2 {
			for i, v := range m.step(nil, roots, 4, blocks*lanesAVX2, block*lanesAVX2+g) {
				row[columnAVX2+i*lanesAVX2+g] = v
			}
		}
	}
	return table
}
