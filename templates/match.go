package templates

import (
	"fmt"
	"math/bits"
)

// Matcher makes the plain decision for one probe. It is what the encrypted
// decision has to equal, and the speed it is compared with: plain Go, whole
// words, no assembly. A Matcher may be used by several goroutines.
type Matcher struct {
	scheme Scheme
	// For shift index s, the rotated probe; entries are never rotated.
	code, mask [][]uint64
	// The probe's coordinates, widened once.
	coords []int32
}

// NewMatcher prepares a probe, for iris codes at all rotations. Errors wrap
// ErrScheme or those of Scheme.Check.
func NewMatcher(s Scheme, probe Template) (*Matcher, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	if err := s.Check(probe); err != nil {
		return nil, err
	}
	m := &Matcher{scheme: s}
	switch p := probe.(type) {
	case *Iris:
		m.code = rotations(p.code, p.shape, s.Shifts)
		m.mask = rotations(p.mask, p.shape, s.Shifts)
	case Vector:
		m.coords = make([]int32, len(p.Coords))
		for i, c := range p.Coords {
			m.coords[i] = int32(c)
		}
	}
	return m, nil
}

// rotations gives the bit string rolled by (shifts-1)/2 - s columns for every
// shift index s. Where a column is a whole number of words they overlap in one
// array, which stays in the cache.
func rotations(b []uint64, shape Shape, shifts int) [][]uint64 {
	half, lines := (shifts-1)/2, shape.Lines()
	out := make([][]uint64, shifts)
	if lines%64 != 0 {
		for s := range out {
			k := (half - s + shape.Cols) % shape.Cols * lines
			out[s] = rotated(b, shape.Bits(), k)
		}
		return out
	}
	words := lines / 64
	turned := make([]uint64, 0, len(b)+(shifts-1)*words)
	turned = append(turned, b[len(b)-half*words:]...)
	turned = append(turned, b...)
	turned = append(turned, b[:half*words]...)
	for s := range out {
		out[s] = turned[s*words : s*words+len(b)]
	}
	return out
}

// Scores writes the score of an entry at each shift index to dst, which has
// Shifts elements; a score of zero or more is a hit. Shift index s is open-iris
// shift (Shifts-1)/2 - s. The entry must be admissible (Scheme.Check); one of
// another modality or size makes Scores panic.
func (m *Matcher) Scores(entry Template, dst []int64) {
	if len(dst) != m.scheme.Shifts {
		panic(fmt.Sprintf("templates: %d scores are needed, there is room for %d", m.scheme.Shifts, len(dst)))
	}
	if m.coords != nil {
		dst[0] = m.vectorScore(entry)
		return
	}
	g := m.iris(entry)
	for s := range dst {
		dst[s] = m.irisScore(g, s)
	}
}

// Hit reports whether an entry hits at any shift. It panics as Scores does.
func (m *Matcher) Hit(entry Template) bool {
	if m.coords != nil {
		return m.vectorScore(entry) >= 0
	}
	g := m.iris(entry)
	for s := range m.code {
		if m.irisScore(g, s) >= 0 {
			return true
		}
	}
	return false
}

func (m *Matcher) iris(entry Template) *Iris {
	g, ok := entry.(*Iris)
	if !ok || g.shape != m.scheme.Shape {
		panic(fmt.Sprintf("templates: %v does not fit scheme %s", entry, m.scheme))
	}
	return g
}

func (m *Matcher) irisScore(g *Iris, s int) int64 {
	hd, common := hamming(m.code[s], m.mask[s], g.code, g.mask)
	return m.scheme.Alpha*int64(common) - m.scheme.Beta*int64(hd) - m.scheme.Delta
}

func (m *Matcher) vectorScore(entry Template) int64 {
	g, ok := entry.(Vector)
	if !ok || len(g.Coords) != len(m.coords) {
		panic(fmt.Sprintf("templates: %v does not fit scheme %s", entry, m.scheme))
	}
	return int64(dot(m.coords, g.Coords)) - m.scheme.Theta
}

// hamming counts the bits that both masks have in common and those of them in
// which the codes differ.
func hamming(pcode, pmask, gcode, gmask []uint64) (hd, common int) {
	n := len(gcode)
	pcode, pmask, gmask = pcode[:n], pmask[:n], gmask[:n]
	for i, g := range gcode {
		c := pmask[i] & gmask[i]
		common += bits.OnesCount64(c)
		hd += bits.OnesCount64((pcode[i] ^ g) & c)
	}
	return hd, common
}

// dot is the inner product of two vectors of the same length. It cannot
// overflow: MaxDims * 128^2 is 2^26. Unrolling or packing pairs gains nothing
// with the Go compiler.
func dot(p []int32, g []int8) int32 {
	p = p[:len(g)]
	var sum int32
	for i, x := range g {
		sum += p[i] * int32(x)
	}
	return sum
}

// Distance finds the rotation of the probe, of at most (shifts-1)/2 columns
// either way, with the least fractional Hamming distance hd/common, and gives
// the differing and the common bits there. Of equal distances the smallest
// rotation wins, then the negative one; this is the order in which open-iris
// tries them. When no rotation has a common bit, all three are zero. The shapes
// must be the same and shifts odd, positive and at most the number of columns;
// errors wrap ErrInadmissible.
func Distance(p, g *Iris, shifts int) (hd, common, shift int, err error) {
	if p.shape != g.shape {
		return 0, 0, 0, fail(ErrInadmissible, "iris codes of shapes %s and %s cannot be compared", p.shape, g.shape)
	}
	if shifts < 1 || shifts%2 == 0 || shifts > p.shape.Cols {
		return 0, 0, 0, fail(ErrInadmissible, "shifts must be odd, positive and at most the %d columns, not %d", p.shape.Cols, shifts)
	}
	half := (shifts - 1) / 2
	codes, masks := rotations(p.code, p.shape, shifts), rotations(p.mask, p.shape, shifts)
	for i := range shifts {
		// 0, -1, +1, -2, +2, ...
		r := (i + 1) / 2
		if i%2 == 1 {
			r = -r
		}
		h, c := hamming(codes[half-r], masks[half-r], g.code, g.mask)
		if c > 0 && (common == 0 || h*common < hd*c) {
			hd, common, shift = h, c, r
		}
	}
	return hd, common, shift, nil
}
