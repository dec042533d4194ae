package synthetic

import (
	"math/bits"
	"math/rand/v2"

	"github.com/puente-project/puente/templates"
)

// Constants of the model; the package comment says what they are for.
const (
	// maxBands bounds the number of bands, each with a texture of its own.
	maxBands = 8
	// planesApart planes have bands of their own, further ones share them.
	planesApart = 4
	// changes is the expected number of changes along a band, all the way round.
	changes = 15.0
	// disturbed is the share of bits in which a line departs from its band.
	disturbed = 0.05

	// A capture differs from the entry in a share of bits drawn from a normal
	// distribution within bounds; weak bits flip weakness times as often.
	genuineDistance  = 0.15
	genuineDeviation = 0.05
	genuineLow       = 0.03
	genuineHigh      = 0.25
	weakness         = 4

	// Probabilities are multiples of 1/probabilityOne.
	probabilityBits = 12
	probabilityOne  = 1 << probabilityBits
)

// irisModel is what is the same for all irises of a shape. Bit strings of the
// model have whole words for every column.
type irisModel struct {
	shape templates.Shape
	// width is the number of words in a column.
	width int
	// bands has for each band the lines that follow it.
	bands [][]uint64
	// last masks the lines in the last word of a column.
	last uint64
	// change is the probability of a change from one column to the next.
	change int
}

func newIrisModel(shape templates.Shape) *irisModel {
	lines := shape.Lines()
	m := &irisModel{shape: shape, width: (lines + 63) / 64, last: ^uint64(0)}
	if lines%64 != 0 {
		m.last = 1<<uint(lines%64) - 1
	}
	planes := min(shape.Planes, planesApart)
	perBand := (shape.Rows*planes + maxBands - 1) / maxBands
	m.bands = make([][]uint64, (shape.Rows+perBand-1)/perBand*planes)
	for b := range m.bands {
		m.bands[b] = make([]uint64, m.width)
	}
	for line := range lines {
		row, plane := line/(shape.Filters*shape.Planes), line%shape.Planes
		band := row/perBand*planes + plane%planes
		m.bands[band][line/64] |= 1 << uint(line%64)
	}
	m.change = probability(changes / float64(shape.Cols))
	return m
}

// probability converts a probability for bernoulli; it is cut at one half.
func probability(p float64) int { return int(min(p, 0.5)*probabilityOne + 0.5) }

// bernoulli draws 64 bits that are each one with probability p/probabilityOne:
// it compares the binary fraction p with 64 random ones at once, from the lowest
// digit up.
func bernoulli(r *rand.ChaCha8, p int) uint64 {
	if p == 0 {
		return 0
	}
	var w uint64
	for i := bits.TrailingZeros(uint(p)); i < probabilityBits; i++ {
		if p>>uint(i)&1 == 1 {
			w |= r.Uint64()
		} else {
			w &= r.Uint64()
		}
	}
	return w
}

// code draws the code of an eye, width words per column.
func (m *irisModel) code(r *rand.ChaCha8) []uint64 {
	code := make([]uint64, m.shape.Cols*m.width)
	state := make([]uint64, m.width)
	noise := probability(disturbed)
	flips := r.Uint64() // at the beginning every band is 0 or 1
	for col := range m.shape.Cols {
		for flips &= 1<<uint(len(m.bands)) - 1; flips != 0; flips &= flips - 1 {
			for i, lines := range m.bands[bits.TrailingZeros64(flips)] {
				state[i] ^= lines
			}
		}
		out := code[col*m.width : (col+1)*m.width]
		for i, s := range state {
			out[i] = s ^ bernoulli(r, noise)
		}
		out[m.width-1] &= m.last
		flips = bernoulli(r, m.change)
	}
	return code
}

// weak gives the bits that differ from the one before or after in their line.
func (m *irisModel) weak(code []uint64) []uint64 {
	n := len(code)
	weak := make([]uint64, n)
	for i, w := range code {
		before, after := i-m.width, i+m.width
		if before < 0 {
			before += n
		}
		if after >= n {
			after -= n
		}
		weak[i] = (w ^ code[before]) | (w ^ code[after])
	}
	return weak
}

// disturb flips bits of a code so that about the given share of all differs.
func (m *irisModel) disturb(r *rand.ChaCha8, code []uint64, share float64) {
	weak := m.weak(code)
	n := 0
	for _, w := range weak {
		n += bits.OnesCount64(w)
	}
	weakShare := float64(n) / float64(m.shape.Bits())
	strong := share / (1 + float64((weakness-1)*weakShare))
	onStrong, onWeak := probability(strong), probability(weakness*strong)
	for i, w := range weak {
		code[i] ^= bernoulli(r, onStrong)&^w | bernoulli(r, onWeak)&w
	}
	for i := m.width - 1; i < len(code); i += m.width {
		code[i] &= m.last
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

// finish makes the template.
func (m *irisModel) finish(code, mask []uint64) *templates.Iris {
	t, err := templates.NewIrisColumns(m.shape, m.pack(code), mask)
	if err != nil {
		// The model makes nothing but words of the right number and place.
		panic(err)
	}
	return t
}

// irisOf draws code and mask from the streams of two kinds.
func (p *Population) irisOf(code, mask kind, i int) *templates.Iris {
	return p.iris.finish(p.iris.code(p.stream(code, i, 0)), p.iris.mask(p.stream(mask, i, 0)))
}

func (p *Population) genuineIris(i, k int) *templates.Iris {
	code := p.iris.code(p.stream(kindPerson, i, 0))
	r := p.stream(kindCapture, i, k)
	share := genuineDistance + float64(genuineDeviation*normal(r))
	p.iris.disturb(r, code, min(max(share, genuineLow), genuineHigh))
	t := p.iris.finish(code, p.iris.mask(r))
	// The difference of two uniform numbers: small angles are more likely. The
	// bias of the remainder is far below anything that could be noticed.
	n := uint64(max(p.MaxRoll, 0) + 1)
	left := r.Uint64() % n
	return t.Rotate(int(left) - int(r.Uint64()%n))
}
