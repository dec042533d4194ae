package synthetic

import (
	"math"
	"math/rand/v2"
)

// Constants of the masks, as shares of the code or of the circumference.
const (
	// small is the share that lashes and reflections take on average.
	small = 0.03
	// upperAt and lowerAt are the middles of the lids.
	upperAt = 0.75
	lowerAt = 0.25
	// widest bounds half the width of a lid.
	widest = 0.30
)

// mask draws a mask of usable bits in packed form that aims at a share. All bits of a row and column
// are usable or not together. Row 0 is at the pupil.
func (m *irisModel) mask(r *rand.ChaCha8, aim span) []uint64 {
	bits := m.shape.Bits()
	mask := make([]uint64, (bits+63)/64)
	for i := range mask {
		mask[i] = ^uint64(0)
	}
	if bits%64 != 0 {
		mask[len(mask)-1] = 1<<uint(bits%64) - 1
	}
	usable := aim.low + float64((aim.high-aim.low)*fraction(r))
	lids := 1 - usable - small
	upper := float64(lids * (0.5 + float64(0.25*fraction(r))))
	m.lid(r, mask, upperAt, upper)
	m.lid(r, mask, lowerAt, lids-upper)
	m.lashes(r, mask)
	m.reflections(r, mask)
	return mask
}

// height is how far out a row is, 0 at the pupil and 1 at the outer edge.
func (m *irisModel) height(row int) float64 { return (float64(row) + 0.5) / float64(m.shape.Rows) }

// lid covers an arc around a middle that opens outwards like a parabola and
// covers a share of the code.
func (m *irisModel) lid(r *rand.ChaCha8, mask []uint64, middle, share float64) {
	start := float64(0.4 * fraction(r))
	middle += float64(0.03 * (fraction(r) - 0.5))
	width := make([]float64, m.shape.Rows)
	sum := 0.0
	for row := range width {
		if h := (m.height(row) - start) / (1 - start); h > 0 {
			width[row] = math.Sqrt(h)
		}
		sum += width[row]
	}
	if sum == 0 {
		return
	}
	half := share * float64(m.shape.Rows) / (2 * sum)
	for row, w := range width {
		w = min(float64(half*w), widest)
		m.cover(mask, row, middle-w, middle+w)
	}
}

// lashes hang from the upper lid, each a narrow strip from some row outwards.
func (m *irisModel) lashes(r *rand.ChaCha8, mask []uint64) {
	for range 2 + r.Uint64()%4 {
		from := upperAt + float64(0.5*(fraction(r)-0.5))
		to := from + 0.01 + float64(0.01*fraction(r))
		first := int(float64(m.shape.Rows) * (0.3 + float64(0.5*fraction(r))))
		for row := first; row < m.shape.Rows; row++ {
			m.cover(mask, row, from, to)
		}
	}
}

// reflections are small patches anywhere.
func (m *irisModel) reflections(r *rand.ChaCha8, mask []uint64) {
	for range 1 + r.Uint64()%3 {
		from := fraction(r)
		to := from + 0.02 + float64(0.04*fraction(r))
		first := int(float64(m.shape.Rows) * fraction(r))
		last := first + int(float64(m.shape.Rows)*(0.05+float64(0.15*fraction(r))))
		for row := first; row <= last && row < m.shape.Rows; row++ {
			m.cover(mask, row, from, to)
		}
	}
}

// cover clears one row from one place of the circumference to another, at most
// all the way round.
func (m *irisModel) cover(mask []uint64, row int, from, to float64) {
	cols, cell := m.shape.Cols, m.shape.Filters*m.shape.Planes
	lines := m.shape.Lines()
	first, end := int(math.RoundToEven(from*float64(cols))), int(math.RoundToEven(to*float64(cols)))
	for col := first; col < min(end, first+cols); col++ {
		clearBits(mask, (col+cols)%cols*lines+row*cell, cell)
	}
}

// clearBits clears n bits from bit i on.
func clearBits(b []uint64, i, n int) {
	for n > 0 {
		w, o := i/64, uint(i%64)
		k := min(n, 64-int(o))
		b[w] &^= (1<<uint(k) - 1) << o
		i, n = i+k, n-k
	}
}
