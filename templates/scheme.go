package templates

import "math"

// Scheme is all that two agencies must agree on to reach the same decision.
// It is comparable; two schemes are the same agreement exactly when they are
// equal. Fields of the other modality are zero.
type Scheme struct {
	Modality Modality

	// Shape is the geometry of an iris code.
	Shape Shape
	// Shifts is the number of rotations tried, odd, 1..MaxShifts and at most
	// Cols: 31 tries -15..+15 columns. It is 1 for vectors.
	Shifts int
	// Alpha and Beta are the threshold Alpha/Beta of the fractional Hamming
	// distance in lowest terms, below 1/2.
	Alpha, Beta int64
	// Delta is subtracted from every iris score, at least 1. With o common
	// bits the distance must be at most Alpha/Beta - Delta/(Beta*o): an overlap
	// below Delta/Alpha bits can never hit.
	Delta int64

	// Dims is the number of coordinates of a vector and Norm its scale.
	Dims, Norm int
	// Theta is the least inner product that is a hit, 1..Norm^2.
	Theta int64
}

// Validate reports a scheme that is out of bounds or has fields of the other
// modality set. Errors wrap ErrScheme.
func (s Scheme) Validate() error {
	switch s.Modality {
	case ModalityIris:
		return s.validateIris()
	case ModalityVector:
		return s.validateVector()
	}
	return fail(ErrScheme, "no such modality as %d", uint8(s.Modality))
}

func (s Scheme) validateIris() error {
	if s.Dims != 0 || s.Norm != 0 || s.Theta != 0 {
		return fail(ErrScheme, "an iris scheme has no dims, norm or theta")
	}
	if err := s.Shape.Validate(); err != nil {
		return err
	}
	if s.Shifts < 1 || s.Shifts > MaxShifts || s.Shifts%2 == 0 || s.Shifts > s.Shape.Cols {
		return fail(ErrScheme, "shifts must be odd, 1 to %d and at most the %d columns, not %d", MaxShifts, s.Shape.Cols, s.Shifts)
	}
	if s.Alpha < 1 || s.Beta > MaxBeta || 2*s.Alpha >= s.Beta {
		return fail(ErrScheme, "threshold must be a fraction above 0 and below 1/2 with a denominator of at most %d", MaxBeta)
	}
	if gcd(s.Alpha, s.Beta) != 1 {
		return fail(ErrScheme, "threshold %d/%d is not in lowest terms", s.Alpha, s.Beta)
	}
	if best := s.Alpha * int64(s.Shape.Bits()); s.Delta < 1 || s.Delta > best {
		return fail(ErrScheme, "delta must be 1 to %d (alpha times the number of bits), not %d", best, s.Delta)
	}
	return nil
}

func (s Scheme) validateVector() error {
	if s.Shape != (Shape{}) || s.Alpha != 0 || s.Beta != 0 || s.Delta != 0 {
		return fail(ErrScheme, "a vector scheme has no shape, alpha, beta or delta")
	}
	if s.Shifts != 1 {
		return fail(ErrScheme, "a vector scheme has exactly one shift, not %d", s.Shifts)
	}
	if s.Dims < 1 || s.Dims > MaxDims {
		return fail(ErrScheme, "dims must be 1 to %d, not %d", MaxDims, s.Dims)
	}
	if s.Norm < 1 || s.Norm > MaxNorm {
		return fail(ErrScheme, "norm must be 1 to %d, not %d", MaxNorm, s.Norm)
	}
	if s.Theta < 1 || s.Theta > int64(s.Norm*s.Norm) {
		return fail(ErrScheme, "theta must be 1 to the square of the norm (%d), not %d", s.Norm*s.Norm, s.Theta)
	}
	return nil
}

func gcd(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// Check reports why a template cannot be used under the scheme: another
// modality, shape, number of coordinates or norm. Errors wrap ErrInadmissible,
// or ErrTemplate for a Vector that was put together by hand and is malformed.
// Every admissible template keeps its scores within ScoreRange.
func (s Scheme) Check(t Template) error {
	switch t := t.(type) {
	case *Iris:
		if t == nil {
			break
		}
		if s.Modality != ModalityIris {
			return fail(ErrInadmissible, "an iris code was given, the scheme is %s", s)
		}
		if t.shape != s.Shape {
			return fail(ErrInadmissible, "iris code has shape %s, the scheme wants %s", t.shape, s.Shape)
		}
		return nil
	case Vector:
		if s.Modality != ModalityVector {
			return fail(ErrInadmissible, "a vector was given, the scheme is %s", s)
		}
		if len(t.Coords) != s.Dims {
			return fail(ErrInadmissible, "vector has %d coordinates, the scheme wants %d", len(t.Coords), s.Dims)
		}
		if t.Norm != s.Norm {
			return fail(ErrInadmissible, "vector has norm %d, the scheme wants %d", t.Norm, s.Norm)
		}
		return t.validate()
	}
	return fail(ErrInadmissible, "no template was given")
}

// ScoreRange gives the least and the greatest score of any two admissible
// templates. For iris codes they are attained at every bit common and
// differing, and at every bit common and equal.
func (s Scheme) ScoreRange() (min, max int64) {
	if s.Modality == ModalityVector {
		n := int64(s.Norm) * int64(s.Norm)
		return -n - s.Theta, n - s.Theta
	}
	n := int64(s.Shape.Bits())
	return -(s.Beta-s.Alpha)*n - s.Delta, s.Alpha*n - s.Delta
}

// WeightBound is the greatest sum of the absolute values of all integers in the
// entry blocks of an admissible template; noise of a probe ciphertext grows by
// at most this factor.
func (s Scheme) WeightBound() int64 {
	if s.Modality == ModalityVector {
		// |c| <= c^2 for integers, and Cauchy-Schwarz.
		n := int64(s.Norm) * int64(s.Norm)
		return min(n, isqrt(n*int64(s.Dims)))
	}
	// A usable 0 bit has weights -Beta and Alpha, a usable 1 bit Beta and
	// Alpha-Beta, an unusable bit none.
	return int64(s.Shape.Bits()) * max(s.Beta+s.Alpha, 2*s.Beta-s.Alpha)
}

// isqrt is the integer part of the square root, for n < 2^52.
func isqrt(n int64) int64 {
	r := int64(math.Sqrt(float64(n)))
	for r*r > n {
		r--
	}
	return r
}

// Threshold is the threshold as people state it: the greatest fractional
// Hamming distance that hits (before Delta) for iris codes, the least cosine
// that hits for vectors.
func (s Scheme) Threshold() float64 {
	if s.Modality == ModalityVector {
		return float64(s.Theta) / float64(s.Norm*s.Norm)
	}
	return float64(s.Alpha) / float64(s.Beta)
}

// offset is what the score subtracts from the sum over the blocks.
func (s Scheme) offset() int64 {
	if s.Modality == ModalityVector {
		return s.Theta
	}
	return s.Delta
}
