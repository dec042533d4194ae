package synthetic

import (
	"math/bits"
	"math/rand/v2"

	"github.com/puente-project/puente/templates"
)

// Constants of the texture, fitted as the package comment says.
const (
	// manyBands is the number of bands from the pupil to the edge, for even and for odd
	// filters where there are several; loneBands that of a single filter, planeBands
	// that of a single plane.
	manyBands, loneBands, planeBands = 4, 6, 7
	// coarse and fine are the quarter turns of the phase of even and of odd filters on
	// the way round, and most the most of them per column.
	coarse, fine, most = 56, 144, 9.0 / 16
	// held is the share of quarter turns that are left out at the favoured phase.
	held = 0.4375
	// disturbed is the share of bits in which a line departs from its band.
	disturbed = 1.0 / 64
)

// irisModel is what is the same for all irises of a shape. Bit strings of the
// model have whole words for every column.
type irisModel struct {
	shape templates.Shape
	// width is the number of words in a column.
	width int
	// last masks the lines in the last word of a column.
	last uint64
	// first and second have for each band the lines that carry the first and the
	// second bit of its phase.
	first, second [][]uint64
	// all marks the bands, fine those of odd filters, favoured those that favour the
	// phase 11.
	all, fine, favoured uint64
	// turnCoarse and turnFine are the probabilities of a quarter turn per column.
	turnCoarse, turnFine int
}

// bands gives the number of bands of even filters, and of odd ones.
func bands(shape templates.Shape) int {
	n := manyBands
	switch {
	case shape.Planes == 1:
		n = planeBands
	case shape.Filters == 1:
		n = loneBands
	}
	return min(n, shape.Rows)
}

// newIrisModel divides the lines into bands: those of neighbouring rows, of filters
// that are both even or odd, and of the same pair of planes, of which further ones
// repeat the first two pairs.
func newIrisModel(shape templates.Shape) *irisModel {
	lines := shape.Lines()
	m := &irisModel{shape: shape, width: (lines + 63) / 64, last: ^uint64(0) >> uint(-lines&63)}
	bands, pairs := bands(shape), min((shape.Planes+1)/2, 2)
	count := bands * min(shape.Filters, 2) * pairs
	m.first, m.second = make([][]uint64, count), make([][]uint64, count)
	for b := range count {
		m.first[b], m.second[b] = make([]uint64, m.width), make([]uint64, m.width)
	}
	for line := range lines {
		plane, cell := line%shape.Planes, line/shape.Planes
		row, filter := cell/shape.Filters, cell%shape.Filters
		band := row*bands/shape.Rows + filter%2*bands
		b := band*pairs + plane/2%2
		of := m.first
		if plane%2 == 1 {
			of = m.second
		}
		of[b][line/64] |= 1 << uint(line%64)
		m.favoured |= uint64(band%2) << uint(b)
	}
	m.all = 1<<uint(count) - 1
	m.fine = m.all &^ (1<<uint(bands*pairs) - 1)
	m.turnCoarse = probability(min(coarse/float64(shape.Cols), most))
	m.turnFine = probability(min(fine/float64(shape.Cols), most))
	return m
}

// code draws the code of an eye, width words per column. The phases of all bands
// are turned at once, bit b of every word being about band b.
func (m *irisModel) code(r *rand.ChaCha8) []uint64 {
	code := make([]uint64, m.shape.Cols*m.width)
	state := make([]uint64, m.width)
	hold, noise := probability(held), probability(disturbed)
	first, second := r.Uint64(), r.Uint64() // the phases of the first column
	flipFirst, flipSecond := first, second
	for col := range m.shape.Cols {
		toggle(state, m.first, flipFirst&m.all)
		toggle(state, m.second, flipSecond&m.all)
		out := code[col*m.width : (col+1)*m.width]
		for i, s := range state {
			out[i] = s ^ bernoulli(r, noise)
		}
		out[m.width-1] &= m.last
		turn := bernoulli(r, m.turnCoarse)
		if m.fine != 0 {
			turn = turn&^m.fine | bernoulli(r, m.turnFine)&m.fine
		}
		turn &^= ^(first ^ m.favoured | second ^ m.favoured) & bernoulli(r, hold)
		// 11, 10, 00, 01: which bit changes depends on whether they are equal.
		flipFirst = turn & (first ^ second)
		flipSecond = turn &^ (first ^ second)
		first, second = first^flipFirst, second^flipSecond
	}
	return code
}

// toggle inverts the lines of the bands in a set.
func toggle(state []uint64, lines [][]uint64, bands uint64) {
	for ; bands != 0; bands &= bands - 1 {
		for i, l := range lines[bits.TrailingZeros64(bands)] {
			state[i] ^= l
		}
	}
}

// pack removes the unused bits at the end of every column.
func (m *irisModel) pack(columns []uint64) []uint64 {
	lines := m.shape.Lines()
	if lines%64 == 0 {
		return columns
	}
	packed := make([]uint64, (m.shape.Bits()+63)/64)
	for col := range m.shape.Cols {
		pos := col * lines
		for _, w := range columns[col*m.width : (col+1)*m.width] {
			i, o := pos/64, uint(pos%64)
			packed[i] |= w << o
			if over := w >> (64 - o); over != 0 {
				packed[i+1] |= over
			}
			pos += 64
		}
	}
	return packed
}
