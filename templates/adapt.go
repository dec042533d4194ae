package templates

// Reduce gives the part of an iris code that a cheaper shape keeps: with r times
// fewer rows every r-th row from the first, with fewer filters the first ones, and
// all columns and planes. Both agencies reduce alike, so that a shape is an
// agreement on which bits are compared. The error wraps ErrInadmissible.
func (t *Iris) Reduce(to Shape) (*Iris, error) {
	if err := to.Validate(); err != nil {
		return nil, err
	}
	from := t.shape
	if from == to {
		return t, nil
	}
	if from.Cols != to.Cols || from.Planes != to.Planes || from.Filters < to.Filters || from.Rows%to.Rows != 0 {
		return nil, fail(ErrInadmissible, "an iris code of shape %s cannot be reduced to %s", from, to)
	}
	code, mask := make([]uint64, to.words()), make([]uint64, to.words())
	step := from.Rows / to.Rows
	for row := range to.Rows {
		for filter := range to.Filters {
			for plane := range to.Planes {
				source := (row*step*from.Filters+filter)*from.Planes + plane
				target := (row*to.Filters+filter)*to.Planes + plane
				for col := range to.Cols {
					i, o := col*from.Lines()+source, col*to.Lines()+target
					code[o>>6] |= t.code[i>>6] >> uint(i&63) & 1 << uint(o&63)
					mask[o>>6] |= t.mask[i>>6] >> uint(i&63) & 1 << uint(o&63)
				}
			}
		}
	}
	return &Iris{shape: to, code: code, mask: mask}, nil
}

// Adapt makes a template admissible where the scheme asks for less than it has:
// iris codes are reduced to the scheme's shape, eyes and fingers that the scheme
// does not compare are left out of fused templates. All else is left to Check, whose
// errors come back, beside those of Reduce.
func (s Scheme) Adapt(t Template) (Template, error) {
	switch p := t.(type) {
	case *Iris:
		if p == nil || s.Modality != ModalityIris {
			break
		}
		reduced, err := p.Reduce(s.Shape)
		if err != nil {
			return nil, err
		}
		return reduced, nil
	case *Fused:
		if p == nil || s.Modality != ModalityFused {
			break
		}
		return s.adaptFused(p)
	}
	return t, s.Check(t)
}

func (s Scheme) adaptFused(p *Fused) (Template, error) {
	kept := &Fused{}
	some := false
	for i, e := range p.eyes {
		if e == nil || s.Eyes == 0 {
			continue
		}
		reduced, err := e.Reduce(s.Shape)
		if err != nil {
			return nil, err
		}
		kept.eyes[i], some = reduced, true
	}
	for f, v := range p.fingers {
		if v.Coords != nil && s.Fingers.Has(f) {
			kept.fingers[f], some = v, true
		}
	}
	if !some {
		return nil, fail(ErrInadmissible, "the template has no part that the scheme %s compares", s)
	}
	return kept, s.Check(kept)
}
