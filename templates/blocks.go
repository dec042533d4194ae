package templates

// ProbeBlocks writes the integers of a probe into Blocks slices of Stride
// integers (see NewProbeBlocks). For an iris code these are the usable code bits
// of every line and piece, then the mask bits in the same order, all 0 or 1;
// integer i of piece p is column p*Width + i - (Shifts-1)/2, cyclically. For a
// vector it is coordinate b*Width + i of block b, 0 beyond the end.
// The layout must come from the same scheme. Errors wrap ErrScheme for the
// layout and those of Check for the template.
func (s Scheme) ProbeBlocks(l Layout, t Template, dst [][]int32) error {
	if err := s.checkBlocks(l, t, dst, l.Stride); err != nil {
		return err
	}
	switch t := t.(type) {
	case *Iris:
		s.irisProbe(l, t, dst)
	case Vector:
		cutVector(l.Width, t.Coords, dst)
	}
	return nil
}

// EntryBlocks writes the weights of a watchlist entry into Blocks slices of
// Width integers (see NewEntryBlocks). For an iris code the blocks that meet the
// probe's code bits hold Beta*(2x-u) and those that meet its mask bits hold
// Alpha*u - Beta*x, where x is the usable code bit and u the mask bit; integer i
// of piece p is column p*Width + i, 0 beyond the last. For a vector they are the
// coordinates. The sum over all blocks b and i < Width of entry[b][i] *
// probe[b][i+s] is the score at shift index s plus Delta or Theta. Errors are
// those of ProbeBlocks.
func (s Scheme) EntryBlocks(l Layout, t Template, dst [][]int32) error {
	if err := s.checkBlocks(l, t, dst, l.Width); err != nil {
		return err
	}
	switch t := t.(type) {
	case *Iris:
		s.irisEntry(l, t, dst)
	case Vector:
		cutVector(l.Width, t.Coords, dst)
	}
	return nil
}

func (s Scheme) checkBlocks(l Layout, t Template, dst [][]int32, width int) error {
	if l.Width < 1 || l.Width > s.lineLength() || l.Degree < 1 || l != s.layout(l.Degree, l.Width) {
		return fail(ErrScheme, "the block layout was not made for scheme %s", s)
	}
	if len(dst) != l.Blocks {
		return fail(ErrScheme, "%d blocks are needed, there is room for %d", l.Blocks, len(dst))
	}
	for _, b := range dst {
		if len(b) != width {
			return fail(ErrScheme, "blocks of %d integers are needed, there is room for %d", width, len(b))
		}
	}
	return s.Check(t)
}

func (s Scheme) irisProbe(l Layout, t *Iris, dst [][]int32) {
	lines, cols, bits := s.Shape.Lines(), s.Shape.Cols, s.Shape.Bits()
	half := len(dst) / 2
	pieces := half / lines
	code, mask := t.code, t.mask[:len(t.code)]
	for line := range lines {
		for piece := range pieces {
			b := line*pieces + piece
			x, u := dst[b], dst[half+b][:len(dst[b])]
			first := (piece*l.Width - (s.Shifts-1)/2 + cols) % cols
			pos := first*lines + line
			for i := range x {
				w, o := uint(pos)>>6, uint(pos)&63
				x[i] = int32(code[w] >> o & 1)
				u[i] = int32(mask[w] >> o & 1)
				if pos += lines; pos >= bits {
					pos -= bits
				}
			}
		}
	}
}

func (s Scheme) irisEntry(l Layout, t *Iris, dst [][]int32) {
	lines, cols := s.Shape.Lines(), s.Shape.Cols
	half := len(dst) / 2
	pieces := half / lines
	code, mask := t.code, t.mask[:len(t.code)]
	// Weights by (u, x); x without u does not occur.
	alpha, beta := int32(s.Alpha), int32(s.Beta)
	onCode := [4]int32{0, 0, -beta, beta}
	onMask := [4]int32{0, 0, alpha, alpha - beta}
	for line := range lines {
		for piece := range pieces {
			b := line*pieces + piece
			first := piece * l.Width
			n := min(l.Width, cols-first)
			x, u := dst[b][:n], dst[half+b][:n]
			pos := first*lines + line
			for i := range x {
				w, o := uint(pos)>>6, uint(pos)&63
				ux := (mask[w]>>o&1)<<1 | code[w]>>o&1
				x[i] = onCode[ux]
				u[i] = onMask[ux]
				pos += lines
			}
			clear(dst[b][n:])
			clear(dst[half+b][n:])
		}
	}
}

// cutVector fills the blocks of a vector; a block of either side has the same
// width because there is one shift.
func cutVector(width int, coords []int8, dst [][]int32) {
	for b, block := range dst {
		part := coords[b*width:]
		n := min(width, len(part))
		for i, c := range part[:n] {
			block[i] = int32(c)
		}
		clear(block[n:])
	}
}
