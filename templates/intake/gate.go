package intake

import (
	"fmt"
	"math/bits"

	"github.com/puente-project/puente/templates"
	"github.com/puente-project/puente/templates/minutiae"
)

// Gate refuses templates that are too poor to be compared, at enrolment and
// before a query alike. The zero value has the default bounds.
type Gate struct {
	// MinUsableBits is the least number of usable bits of an iris code; 0 means
	// a quarter of its bits, DefaultUsableShare.
	MinUsableBits int
	// MinMinutiae is the least number of minutiae of an impression; 0 means
	// DefaultMinMinutiae.
	MinMinutiae int
	// Open lets everything through that is well-formed: an auditor's blank canary is
	// as poor as can be.
	Open bool
}

// Check reports a template that is too poor, wrapping ErrQuality and saying what
// is missing, how much of it there is and how much is wanted:
//
//   - an iris code with too few usable bits: the fewer two codes have in common,
//     the likelier they agree by chance;
//   - an iris code whose usable bits are nearly all equal, which is the picture of
//     a lid, a reflection or a failed segmentation, and would be close to every
//     other such code (of real codes about half of the bits are set);
//   - a vector that is much shorter than its norm, which loses its hits without
//     anybody noticing;
//   - a fused template with such a part.
func (g Gate) Check(t templates.Template) error {
	if g.Open {
		return nil
	}
	switch t := t.(type) {
	case *templates.Iris:
		if t != nil {
			return g.checkIris(t)
		}
	case templates.Vector:
		return checkVector(t)
	case *templates.Fused:
		if t != nil {
			return g.checkFused(t)
		}
	}
	return fmt.Errorf("%w: there is no template", ErrQuality)
}

func (g Gate) checkIris(t *templates.Iris) error {
	all, usable := t.Shape().Bits(), t.UsableBits()
	least := g.MinUsableBits
	if least == 0 {
		least = all / DefaultUsableShare
	}
	if usable < least {
		return fmt.Errorf("%w: %d of %d bits are usable, at least %d are wanted: capture the eye again, more widely open", ErrQuality, usable, all, least)
	}
	encoded, err := templates.EncodeBinary(t)
	if err != nil {
		return err
	}
	// The binary form ends with code and mask of equal length.
	packed := (all + 7) / 8
	set := 0
	for _, b := range encoded[len(encoded)-2*packed : len(encoded)-packed] {
		set += bits.OnesCount8(b)
	}
	if 100*set < minSetPercent*usable || 100*set > (100-minSetPercent)*usable {
		return fmt.Errorf("%w: nearly all usable bits are equal (%d %% are set), as no eye gives: check the segmentation", ErrQuality, 100*set/max(usable, 1))
	}
	return nil
}

func (g Gate) checkFused(t *templates.Fused) error {
	left, right := t.Eyes()
	for i, eye := range []*templates.Iris{left, right} {
		if eye == nil {
			continue
		}
		if err := g.checkIris(eye); err != nil {
			return fmt.Errorf("%s eye: %w", []string{"left", "right"}[i], err)
		}
	}
	for _, f := range t.Fingers().Positions() {
		v, _ := t.Finger(f)
		if err := checkVector(v); err != nil {
			return fmt.Errorf("finger %d: %w", f, err)
		}
	}
	return nil
}

func checkVector(v templates.Vector) error {
	length := 0
	for _, c := range v.Coords {
		length += int(c) * int(c)
	}
	if want := v.Norm * v.Norm; want == 0 || 100*length < minLengthPercent*want {
		return fmt.Errorf("%w: the vector is much shorter than its norm %d (square of its length %d %% of what it should be): quantise it to that norm, or take a larger norm",
			ErrQuality, v.Norm, 100*length/max(want, 1))
	}
	return nil
}

// CheckView reports an impression with too few minutiae, wrapping ErrQuality.
func (g Gate) CheckView(v minutiae.View) error {
	least := g.MinMinutiae
	if least == 0 {
		least = DefaultMinMinutiae
	}
	if n := len(v.Minutiae); n < least {
		return fmt.Errorf("%w: the impression has %d minutiae, at least %d are wanted: capture the finger again", ErrQuality, n, least)
	}
	return nil
}

// checkLoss reports a vector that did not survive quantisation.
func checkLoss(loss float64) error {
	if loss > maxLoss {
		return fmt.Errorf("%w: quantising costs %.3f of the cosine, at most %.2f is accepted: take a larger norm or fewer coordinates", ErrQuality, loss, maxLoss)
	}
	return nil
}
