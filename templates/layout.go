package templates

// Layout says how templates are cut into blocks and how many entries share a
// ciphertext. Entry j's integer i of a block goes to coefficient j*Stride + i of
// the block's plaintext polynomial, the probe's integer i of the block to
// coefficient i of the block's message polynomial; summed over the blocks, the
// product carries the score of entry j at shift index s in coefficient
// ScoreCoefficient(j, s). Coefficients in between are by-products.
type Layout struct {
	// Blocks is the number of blocks, and so of probe ciphertexts.
	Blocks int
	// Width is the number of columns, or of coordinates where there is one shift,
	// in a block.
	Width int
	// Shifts is the number of rotations.
	Shifts int
	// Stride is Width+Shifts-1: the integers in a block of a probe or an entry.
	Stride int
	// PerCiphertext is the number of entries sharing a score ciphertext,
	// floor(Degree/Stride). Each reads only coefficients below
	// PerCiphertext*Stride, so neighbours and the wrap-around of
	// X^Degree = -1 never meet a score.
	PerCiphertext int
	// Degree is the ring degree.
	Degree int
}

// ScoreCoefficient is the coefficient that carries the score of entry j of a
// ciphertext (0 <= j < PerCiphertext) at shift index s (0 <= s < Shifts). Shift
// index s is open-iris shift (Shifts-1)/2 - s of the probe.
func (l Layout) ScoreCoefficient(j, s int) int { return j*l.Stride + l.Width - 1 + s }

// Ciphertexts is the number of score ciphertexts for a number of entries.
func (l Layout) Ciphertexts(entries int) int {
	return (entries + l.PerCiphertext - 1) / l.PerCiphertext
}

// NewBlocks allocates Blocks slices of Stride integers for ProbeBlocks or
// EntryBlocks.
func (l Layout) NewBlocks() [][]int32 {
	all := make([]int32, l.Blocks*l.Stride)
	blocks := make([][]int32, l.Blocks)
	for i := range blocks {
		blocks[i] = all[i*l.Stride : (i+1)*l.Stride : (i+1)*l.Stride]
	}
	return blocks
}

// Layout cuts templates into blocks of the given width: each of the Lines of an
// iris code into ceil(Cols/width) pieces, once for the code and once for the
// mask, and a vector, or the vectors of all fingers one behind the other followed
// by one integer for each finger, into pieces of floor(stride/Shifts) coordinates;
// the last piece is filled up with zeros. Width is at most the number of columns
// or, without eyes, of coordinates, and width+Shifts-1 at most degree.
// Errors wrap ErrScheme.
func (s Scheme) Layout(degree, width int) (Layout, error) {
	if err := s.Validate(); err != nil {
		return Layout{}, err
	}
	if degree < 1 || degree > MaxDegree {
		return Layout{}, fail(ErrScheme, "ring degree must be 1 to %d, not %d", MaxDegree, degree)
	}
	if width < 1 || width > s.lineLength() {
		return Layout{}, fail(ErrScheme, "block width must be 1 to %d, not %d", s.lineLength(), width)
	}
	l := s.layout(degree, width)
	if l.PerCiphertext < 1 {
		return Layout{}, fail(ErrScheme, "blocks of width %d with %d shifts do not fit ring degree %d", width, s.Shifts, degree)
	}
	return l, nil
}

// lineLength is the length of the longest line that is cut by Width.
func (s Scheme) lineLength() int {
	if s.eyes() > 0 {
		return s.Shape.Cols
	}
	return s.coordinates()
}

// coordinates is the number of integers of all vectors of a template: Dims, or for
// fingers Dims+1 each.
func (s Scheme) coordinates() int {
	if s.Modality == ModalityFused {
		return s.Fingers.Len() * (s.Dims + 1)
	}
	return s.Dims
}

func (s Scheme) layout(degree, width int) Layout {
	l := Layout{Width: width, Shifts: s.Shifts, Stride: width + s.Shifts - 1, Degree: degree}
	l.Blocks = s.eyes()*l.eyeBlocks(s.Shape) + pieces(s.coordinates(), l.spaced())
	l.PerCiphertext = degree / l.Stride
	return l
}

// eyeBlocks is the number of blocks of one eye.
func (l Layout) eyeBlocks(shape Shape) int { return 2 * shape.Lines() * pieces(shape.Cols, l.Width) }

// spaced is the number of coordinates of vectors in a block: they stand Shifts
// apart, so that their product can be had at every shift.
func (l Layout) spaced() int { return l.Stride / l.Shifts }

func pieces(length, width int) int { return (length + width - 1) / width }

// The cost model of BestLayout, in picoseconds, for one core of a current server
// and both parties together. Only ratios matter.
const (
	// costProbe: encrypt one probe block, send it, transform it.
	costProbe = 300_000_000
	// costMultiplyAdd: one product of a probe limb and a weight limb, added up;
	// 4 of them per coefficient and block (2 limbs, 2 polynomials).
	costMultiplyAdd = 200
	// costScore: re-randomise, switch down, send and decrypt one score
	// ciphertext.
	costScore = 350_000_000
	// costByte: send one byte, 130 Mbit/s.
	costByte = 60_000
	// probeBytes and scoreBytes are bytes per coefficient on the wire: one
	// polynomial of 100-bit integers, and two of at most 29 and 24 bits.
	probeBytes = 13
	scoreBytes = 7
)

// cost estimates one query against a number of entries. What does not depend on
// the layout, such as the comparisons, is left out.
func (l Layout) cost(entries int) int64 {
	degree, blocks := int64(l.Degree), int64(l.Blocks)
	probe := blocks * (costProbe + degree*probeBytes*costByte)
	score := int64(l.Ciphertexts(entries)) * (4*degree*blocks*costMultiplyAdd + costScore + degree*scoreBytes*costByte)
	return probe + score
}

// BestLayout gives the layout of least estimated cost for one query against a
// number of entries (at least 1 is assumed), over all widths; of equals, the one
// with the fewest blocks, then the narrowest. Narrow blocks cost probe ciphertexts, wide blocks cost
// score ciphertexts. The zero Layout is returned when the scheme is invalid or
// the degree is out of bounds or below Shifts, for which Layout gives the error.
func (s Scheme) BestLayout(degree, entries int) Layout {
	var best Layout
	var bestCost int64
	if s.Validate() != nil || degree < 1 || degree > MaxDegree {
		return best
	}
	// Entries beyond this change no choice and would overflow.
	entries = min(max(entries, 1), 1<<26)
	for width := s.lineLength(); width >= 1; width-- {
		l := s.layout(degree, width)
		if l.PerCiphertext < 1 {
			continue
		}
		if c := l.cost(entries); best.Blocks == 0 || c < bestCost || c == bestCost && l.Blocks <= best.Blocks {
			best, bestCost = l, c
		}
	}
	return best
}
