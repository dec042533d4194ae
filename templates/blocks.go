package templates

// ProbeBlocks writes the integers of a probe into Blocks slices of Stride integers
// (see NewBlocks). For an eye these are the usable code bits of every line and
// piece, then the mask bits in the same order, all 0 or 1; integer i of piece p is
// column p*Width + i - (Shifts-1)/2, cyclically. The coordinates of vectors stand
// Shifts apart: coordinate i of block b is integer i*Shifts, 0 in between and
// beyond the end. Fused templates have the blocks of the left eye, of the right
// eye, and then those of the vectors of all fingers of the scheme in order followed
// by a 1 for every finger that is present; what is missing is 0. The layout must
// come from the same scheme. Errors wrap ErrScheme for the layout and those of
// Check for the template.
func (s Scheme) ProbeBlocks(l Layout, t Template, dst [][]int32) error {
	if err := s.checkBlocks(l, t, dst); err != nil {
		return err
	}
	s.eachPart(l, t, dst, func(eye *Iris, dst [][]int32) { s.irisProbe(l, eye, dst) }, func(coords []int32, dst [][]int32) {
		per := l.spaced()
		for b, block := range dst {
			clear(block)
			for i, c := range coords[b*per : min((b+1)*per, len(coords))] {
				block[i*l.Shifts] = c
			}
		}
	})
	return nil
}

// EntryBlocks writes the weights of a watchlist entry into Blocks slices of Stride
// integers (see NewBlocks), in such an order that the polynomial product with the
// probe's blocks, summed over the blocks, has the score at shift index s plus
// Offset at coefficient Width-1+s. For an eye the blocks that meet the probe's code
// bits hold Beta*(2x-u) and those that meet its mask bits Alpha*u - Beta*x, where x
// is the usable code bit and u the mask bit; column p*Width + i of piece p is
// integer Width-1-i, and there are zeros beyond the last column and behind Width.
// For a vector they are the coordinates; for fingers the coordinates times Weight,
// and -Each for every finger that is present. With k coordinates in a block,
// coordinate i is in the Shifts integers from Width-1 - i*Shifts.
// Errors are those of ProbeBlocks.
func (s Scheme) EntryBlocks(l Layout, t Template, dst [][]int32) error {
	if err := s.checkBlocks(l, t, dst); err != nil {
		return err
	}
	s.eachPart(l, t, dst, func(eye *Iris, dst [][]int32) { s.irisEntry(l, eye, dst) }, func(coords []int32, dst [][]int32) {
		if s.Modality == ModalityFused {
			fingers := s.Fingers.Len()
			for i := range coords[:fingers*s.Dims] {
				coords[i] *= int32(s.Weight)
			}
			for i := range coords[fingers*s.Dims:] {
				coords[fingers*s.Dims+i] *= -int32(s.Each)
			}
		}
		per := l.spaced()
		for b, block := range dst {
			clear(block)
			for i, c := range coords[b*per : min((b+1)*per, len(coords))] {
				from := l.Width - 1 - i*l.Shifts
				for t := range l.Shifts {
					block[from+t] = c
				}
			}
		}
	})
	return nil
}

// eachPart hands out the parts of a template with their blocks: every eye, and all
// coordinates in one list that the callee may change.
func (s Scheme) eachPart(l Layout, t Template, dst [][]int32, eye func(*Iris, [][]int32), vectors func([]int32, [][]int32)) {
	switch t := t.(type) {
	case *Iris:
		eye(t, dst)
	case Vector:
		vectors(widened(nil, t.Coords), dst)
	case *Fused:
		if s.Eyes > 0 {
			n := l.eyeBlocks(s.Shape)
			for _, e := range t.eyes {
				if e != nil {
					eye(e, dst[:n])
				} else {
					for _, block := range dst[:n] {
						clear(block)
					}
				}
				dst = dst[n:]
			}
		}
		if s.Fingers != 0 {
			vectors(s.handCoordinates(t), dst)
		}
	}
}

// handCoordinates lists the coordinates of all fingers of the scheme, zeros for
// those that are missing, and whether each is present.
func (s Scheme) handCoordinates(t *Fused) []int32 {
	positions := s.Fingers.Positions()
	all := make([]int32, 0, s.coordinates())
	for _, f := range positions {
		if v := t.fingers[f]; v.Coords != nil {
			all = widened(all, v.Coords)
		} else {
			all = all[:len(all)+s.Dims]
		}
	}
	for _, f := range positions {
		present := int32(0)
		if t.fingers[f].Coords != nil {
			present = 1
		}
		all = append(all, present)
	}
	return all
}

func widened(dst []int32, coords []int8) []int32 {
	for _, c := range coords {
		dst = append(dst, int32(c))
	}
	return dst
}

func (s Scheme) checkBlocks(l Layout, t Template, dst [][]int32) error {
	if l.Width < 1 || l.Width > s.lineLength() || l.Degree < 1 || l != s.layout(l.Degree, l.Width) {
		return fail(ErrScheme, "the block layout was not made for scheme %s", s)
	}
	if len(dst) != l.Blocks {
		return fail(ErrScheme, "%d blocks are needed, there is room for %d", l.Blocks, len(dst))
	}
	for _, b := range dst {
		if len(b) != l.Stride {
			return fail(ErrScheme, "blocks of %d integers are needed, there is room for %d", l.Stride, len(b))
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
			x, u := dst[b], dst[half+b][:len(dst[b])]
			pos := first*lines + line
			for i := l.Width - 1; i >= l.Width-n; i-- {
				w, o := uint(pos)>>6, uint(pos)&63
				ux := (mask[w]>>o&1)<<1 | code[w]>>o&1
				x[i] = onCode[ux]
				u[i] = onMask[ux]
				pos += lines
			}
			clear(x[:l.Width-n])
			clear(u[:l.Width-n])
			clear(x[l.Width:])
			clear(u[l.Width:])
		}
	}
}
