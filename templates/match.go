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
	// The eyes of the probe: one for an iris scheme, left and right for a fused one.
	eyes [2]*rolled
	// Coordinates of the probe, widened once: those of a vector at 0, of fingers
	// at their position.
	coords [Fingers + 1][]int32
}

// rolled is an eye at all rotations; entries are never rotated.
type rolled struct{ code, mask [][]uint64 }

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
		m.eyes[0] = p.roll(s.Shifts)
	case Vector:
		m.coords[0] = widened(nil, p.Coords)
	case *Fused:
		for i, e := range p.eyes {
			if e != nil {
				m.eyes[i] = e.roll(s.Shifts)
			}
		}
		for f, v := range p.fingers {
			if v.Coords != nil {
				m.coords[f] = widened(nil, v.Coords)
			}
		}
	}
	return m, nil
}

func (t *Iris) roll(shifts int) *rolled {
	return &rolled{rotations(t.code, t.shape, shifts), rotations(t.mask, t.shape, shifts)}
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
	switch g := entry.(type) {
	case *Iris:
		m.fits(entry, m.scheme.Modality == ModalityIris)
		for s := range dst {
			dst[s] = m.eye(0, g, s) - m.scheme.Delta
		}
	case Vector:
		m.fits(entry, m.scheme.Modality == ModalityVector)
		dst[0] = m.vector(0, g) - m.scheme.Theta
	case *Fused:
		base := m.fingers(g) - m.scheme.Offset()
		for s := range dst {
			dst[s] = base + m.bothEyes(g, s)
		}
	default:
		m.fits(entry, false)
	}
}

// Hit reports whether an entry hits at any shift. It panics as Scores does.
func (m *Matcher) Hit(entry Template) bool {
	switch g := entry.(type) {
	case *Iris:
		m.fits(entry, m.scheme.Modality == ModalityIris)
		for s := range m.scheme.Shifts {
			if m.eye(0, g, s) >= m.scheme.Delta {
				return true
			}
		}
	case Vector:
		m.fits(entry, m.scheme.Modality == ModalityVector)
		return m.vector(0, g) >= m.scheme.Theta
	case *Fused:
		base := m.fingers(g) - m.scheme.Offset()
		for s := range m.scheme.Shifts {
			if base+m.bothEyes(g, s) >= 0 {
				return true
			}
		}
	default:
		m.fits(entry, false)
	}
	return false
}

// fits panics for an entry that the scheme does not admit.
func (m *Matcher) fits(entry Template, ok bool) {
	if !ok {
		panic(fmt.Sprintf("templates: %v does not fit scheme %s", entry, m.scheme))
	}
}

// eye is what an eye of the entry adds to the score at a shift index.
func (m *Matcher) eye(which int, g *Iris, s int) int64 {
	p := m.eyes[which]
	m.fits(g, g.shape == m.scheme.Shape)
	hd, common := hamming(p.code[s], p.mask[s], g.code, g.mask)
	return m.scheme.Alpha*int64(common) - m.scheme.Beta*int64(hd)
}

func (m *Matcher) bothEyes(g *Fused, s int) int64 {
	var sum int64
	for i, e := range g.eyes {
		if e != nil && m.eyes[i] != nil {
			sum += m.eye(i, e, s)
		}
	}
	return sum
}

// vector is the inner product of a vector of the entry with that of the probe.
func (m *Matcher) vector(which int, g Vector) int64 {
	p := m.coords[which]
	m.fits(g, len(g.Coords) == len(p))
	return int64(dot(p, g.Coords))
}

// fingers is what the fingers that both have add to the score.
func (m *Matcher) fingers(g *Fused) int64 {
	m.fits(g, m.scheme.Modality == ModalityFused)
	var sum int64
	for f, v := range g.fingers {
		if v.Coords != nil && m.coords[f] != nil {
			sum += m.scheme.Weight*m.vector(f, v) - m.scheme.Each
		}
	}
	return sum
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
