package templates

import "math"

// Scheme is all that two agencies must agree on to reach the same decision.
// It is comparable; two schemes are the same agreement exactly when they are
// equal. Fields that a modality does not use are zero.
//
// A score is a sum over parts, the eyes or the eye and the fingers or the vector:
//
//	Alpha*o - Beta*hd      for every eye, o common bits of which hd differ
//	Weight*<p,g> - Each    for every finger that both templates have
//	-Delta - Theta         once
//
// and an entry hits where it is zero or more. What is missing on one side adds
// nothing, so that templates of different parts can be compared, and neither side
// has to know which parts the other has.
type Scheme struct {
	Modality Modality

	// Shape is the geometry of an iris code.
	Shape Shape
	// Eyes is the number of eyes of a fused scheme, 0 or 2.
	Eyes int
	// Shifts is the number of rotations tried, odd, 1..MaxShifts and at most
	// Cols: 31 tries -15..+15 columns, for both eyes alike. It is 1 without eyes.
	Shifts int
	// Alpha and Beta are the threshold Alpha/Beta of the fractional Hamming
	// distance in lowest terms, before Delta.
	Alpha, Beta int64
	// Delta is subtracted from every score with eyes, at least 1. With o common
	// bits the distance must be at most Alpha/Beta - Delta/(Beta*o): an overlap
	// below Delta/Alpha bits can never hit, and a small one must be closer. With all
	// bits of an eye common the distance that hits is below 1/2.
	Delta int64

	// Dims is the number of coordinates of a vector and Norm its scale.
	Dims, Norm int
	// Theta is the least inner product that is a hit, 1..Norm^2, for one vector.
	// For fingers without eyes it is the part of the threshold that does not
	// depend on their number; with eyes it is 0, since Delta serves.
	Theta int64
	// Fingers is the set of fingers of a fused scheme.
	Fingers FingerSet
	// Each is what every finger that both have adds to the threshold. Impostor
	// scores grow with the square root of their number, which Theta + Each*number
	// follows within 17 % up to ten fingers when it is its tangent.
	Each int64
	// Weight multiplies the inner products of fingers beside eyes; it is 1
	// without eyes, and 0 without fingers.
	Weight int64
}

// Validate reports a scheme that is out of bounds or has fields set that its
// modality does not use. Errors wrap ErrScheme.
func (s Scheme) Validate() error {
	switch s.Modality {
	case ModalityIris:
		if s.Eyes != 0 || s.hasVectors() {
			return fail(ErrScheme, "an iris scheme has no fields of vectors or fused templates")
		}
		return s.validateEyes(1)
	case ModalityVector:
		if s.Eyes != 0 || s.hasEyes() || s.Fingers != 0 || s.Each != 0 || s.Weight != 0 {
			return fail(ErrScheme, "a vector scheme has no shape, alpha, beta, delta or fields of fused templates")
		}
		return s.validateVector()
	case ModalityFused:
		return s.validateFused()
	}
	return fail(ErrScheme, "no such modality as %d", uint8(s.Modality))
}

func (s Scheme) hasEyes() bool {
	return s.Shape != Shape{} || s.Alpha != 0 || s.Beta != 0 || s.Delta != 0
}

func (s Scheme) hasVectors() bool {
	return s.Dims != 0 || s.Norm != 0 || s.Theta != 0 || s.Fingers != 0 || s.Each != 0 || s.Weight != 0
}

func (s Scheme) validateEyes(eyes int) error {
	if err := s.Shape.Validate(); err != nil {
		return err
	}
	if s.Shifts < 1 || s.Shifts > MaxShifts || s.Shifts%2 == 0 || s.Shifts > s.Shape.Cols {
		return fail(ErrScheme, "shifts must be odd, 1 to %d and at most the %d columns, not %d", MaxShifts, s.Shape.Cols, s.Shifts)
	}
	if s.Alpha < 1 || s.Beta > MaxBeta || s.Alpha >= s.Beta {
		return fail(ErrScheme, "threshold must be a fraction above 0 and below 1 with a denominator of at most %d", MaxBeta)
	}
	if gcd(s.Alpha, s.Beta) != 1 {
		return fail(ErrScheme, "threshold %d/%d is not in lowest terms", s.Alpha, s.Beta)
	}
	if best := s.Alpha * int64(eyes*s.Shape.Bits()); s.Delta < 1 || s.Delta > best {
		return fail(ErrScheme, "delta must be 1 to %d (alpha times the number of bits), not %d", best, s.Delta)
	}
	if one := int64(s.Shape.Bits()); 2*(s.Alpha*one-s.Delta) >= s.Beta*one {
		return fail(ErrScheme, "threshold %d/%d with delta %d is a distance of 1/2 or more when all bits are common", s.Alpha, s.Beta, s.Delta)
	}
	return nil
}

func (s Scheme) validateDims() error {
	if s.Dims < 1 || s.Dims > MaxDims {
		return fail(ErrScheme, "dims must be 1 to %d, not %d", MaxDims, s.Dims)
	}
	if s.Norm < 1 || s.Norm > MaxNorm {
		return fail(ErrScheme, "norm must be 1 to %d, not %d", MaxNorm, s.Norm)
	}
	return nil
}

func (s Scheme) validateVector() error {
	if s.Shifts != 1 {
		return fail(ErrScheme, "a vector scheme has exactly one shift, not %d", s.Shifts)
	}
	if err := s.validateDims(); err != nil {
		return err
	}
	if s.Theta < 1 || s.Theta > int64(s.Norm*s.Norm) {
		return fail(ErrScheme, "theta must be 1 to the square of the norm (%d), not %d", s.Norm*s.Norm, s.Theta)
	}
	return nil
}

func (s Scheme) validateFused() error {
	switch {
	case s.Eyes != 0 && s.Eyes != 2:
		return fail(ErrScheme, "a fused scheme has no eyes or two, not %d", s.Eyes)
	case s.Eyes == 0 && s.hasEyes():
		return fail(ErrScheme, "a fused scheme without eyes has no shape, alpha, beta or delta")
	case s.Eyes == 0 && s.Shifts != 1:
		return fail(ErrScheme, "fingers have exactly one shift, not %d", s.Shifts)
	case s.Eyes == 0 && s.Fingers == 0:
		return fail(ErrScheme, "a fused scheme needs eyes or fingers")
	}
	if s.Eyes > 0 {
		if err := s.validateEyes(s.Eyes); err != nil {
			return err
		}
	}
	if s.Fingers == 0 {
		if s.hasVectors() {
			return fail(ErrScheme, "a scheme without fingers has no dims, norm, theta, each or weight")
		}
		return nil
	}
	if s.Fingers&^AllFingers != 0 {
		return fail(ErrScheme, "finger positions must be 1 to %d", Fingers)
	}
	if err := s.validateDims(); err != nil {
		return err
	}
	if s.Weight < 1 || s.Weight > MaxWeight || s.Eyes == 0 && s.Weight != 1 {
		return fail(ErrScheme, "weight must be 1 to %d beside eyes and 1 without, not %d", MaxWeight, s.Weight)
	}
	if top := s.fingerTop(); s.Each < 0 || s.Each >= top {
		return fail(ErrScheme, "the threshold of each finger must be 0 to %d, not %d", top-1, s.Each)
	}
	if best := int64(s.Fingers.Len()) * (s.fingerTop() - s.Each); s.Eyes == 0 && (s.Theta < 1 || s.Theta > best) {
		return fail(ErrScheme, "theta must be 1 to %d, not %d", best, s.Theta)
	}
	if s.Eyes > 0 && s.Theta != 0 {
		return fail(ErrScheme, "theta is 0 beside eyes, whose delta serves")
	}
	return nil
}

// fingerTop is the greatest weighted inner product of one finger.
func (s Scheme) fingerTop() int64 { return s.Weight * int64(s.Norm) * int64(s.Norm) }

// eyes is the number of eyes of a template.
func (s Scheme) eyes() int {
	if s.Modality == ModalityIris {
		return 1
	}
	return s.Eyes
}

func gcd(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// Check reports why a template cannot be used under the scheme: another
// modality, shape, number of coordinates or norm, or a finger that the scheme does
// not have. Errors wrap ErrInadmissible, or ErrTemplate for a Vector that was put
// together by hand and is malformed. Every admissible template keeps its scores
// within ScoreRange.
func (s Scheme) Check(t Template) error {
	switch t := t.(type) {
	case *Iris:
		if t == nil {
			break
		}
		if s.Modality != ModalityIris {
			return fail(ErrInadmissible, "an iris code was given, the scheme is %s", s)
		}
		return s.checkEye(t)
	case Vector:
		if s.Modality != ModalityVector {
			return fail(ErrInadmissible, "a vector was given, the scheme is %s", s)
		}
		return s.checkVector(t)
	case *Fused:
		if t == nil {
			break
		}
		if s.Modality != ModalityFused {
			return fail(ErrInadmissible, "a fused template was given, the scheme is %s", s)
		}
		return s.checkFused(t)
	}
	return fail(ErrInadmissible, "no template was given")
}

func (s Scheme) checkEye(t *Iris) error {
	if t.shape != s.Shape {
		return fail(ErrInadmissible, "iris code has shape %s, the scheme wants %s", t.shape, s.Shape)
	}
	return nil
}

func (s Scheme) checkVector(v Vector) error {
	if len(v.Coords) != s.Dims {
		return fail(ErrInadmissible, "vector has %d coordinates, the scheme wants %d", len(v.Coords), s.Dims)
	}
	if v.Norm != s.Norm {
		return fail(ErrInadmissible, "vector has norm %d, the scheme wants %d", v.Norm, s.Norm)
	}
	return v.validate()
}

func (s Scheme) checkFused(t *Fused) error {
	for _, e := range t.eyes {
		if e == nil {
			continue
		}
		if s.Eyes == 0 {
			return fail(ErrInadmissible, "the template has an eye, the scheme %s has none", s)
		}
		if err := s.checkEye(e); err != nil {
			return err
		}
	}
	for f, v := range t.fingers {
		if v.Coords == nil {
			continue
		}
		if !s.Fingers.Has(f) {
			return fail(ErrInadmissible, "the template has a finger that is not in the scheme %s", s)
		}
		if err := s.checkVector(v); err != nil {
			return err
		}
	}
	return nil
}

// ScoreRange gives the least and the greatest score of any two admissible
// templates. For iris codes they are attained at every bit common and
// differing, and at every bit common and equal.
func (s Scheme) ScoreRange() (min, max int64) {
	if s.Modality == ModalityVector {
		n := int64(s.Norm) * int64(s.Norm)
		return -n - s.Theta, n - s.Theta
	}
	bits, fingers := int64(s.eyes()*s.Shape.Bits()), int64(s.Fingers.Len())
	min = -(s.Beta-s.Alpha)*bits - fingers*(s.fingerTop()+s.Each)
	max = s.Alpha*bits + fingers*(s.fingerTop()-s.Each)
	return min - s.Offset(), max - s.Offset()
}

// WeightBound is the greatest sum of the absolute values of all integers in the
// entry blocks of an admissible template; noise of a probe ciphertext grows by
// at most this factor.
func (s Scheme) WeightBound() int64 {
	// |c| <= c^2 for integers, and Cauchy-Schwarz.
	n := int64(s.Norm) * int64(s.Norm)
	vector := min(n, isqrt(n*int64(s.Dims)))
	if s.Modality == ModalityVector {
		return vector
	}
	// A usable 0 bit has weights -Beta and Alpha, a usable 1 bit Beta and
	// Alpha-Beta, an unusable bit none.
	eyes := int64(s.eyes()*s.Shape.Bits()) * max(s.Beta+s.Alpha, 2*s.Beta-s.Alpha)
	// The weights of fingers stand at every shift.
	return eyes + int64(s.Shifts*s.Fingers.Len())*(s.Weight*vector+s.Each)
}

// isqrt is the integer part of the square root, for n < 2^52.
func isqrt(n int64) int64 {
	r := int64(math.Sqrt(float64(n)))
	for r*r > n {
		r--
	}
	return r
}

// Threshold is the threshold as people state it: for schemes with eyes the greatest
// fractional Hamming distance that hits when nine sixteenths of the bits of one eye
// are common (9216 of 16 384, a good pair of captures), else the least cosine that
// hits, for fingers the mean over all of them.
func (s Scheme) Threshold() float64 {
	switch {
	case s.eyes() > 0:
		common := float64(s.Shape.Bits()) * 9 / 16
		return (float64(s.Alpha) - float64(s.Delta)/common) / float64(s.Beta)
	case s.Modality == ModalityFused:
		n := int64(s.Fingers.Len())
		return float64(s.Theta+n*s.Each) / float64(n*s.fingerTop())
	}
	return float64(s.Theta) / float64(s.Norm*s.Norm)
}

// Offset is what the score subtracts from the sum over the blocks, Delta + Theta.
func (s Scheme) Offset() int64 { return s.Delta + s.Theta }
