package calibration

import (
	"math"
	"slices"
	"sort"

	"github.com/puente-project/puente/templates"
)

// axis lists thresholds, the strictest first: those that a scheme could have, and
// looser ones, where the rates of weak templates are equal. The bin of a pair is the
// index of the strictest threshold at which it hits, or n if there is none.
type axis struct {
	scheme templates.Scheme
	n      int
	usable int // the thresholds of a valid scheme are those below
	// For an iris: fractions, ascending, and as floating-point numbers. Two different
	// quotients of integers below 2^16 differ by more than 2^-32, and division is
	// correctly rounded, so that comparing the latter is exact.
	fractions []fraction
	quotients []float64
	overlap   int64 // m: Delta is Alpha*m
	// For others: the greatest threshold, and the step to the next.
	top, step int64
}

type fraction struct{ alpha, beta int64 }

func newAxis(s templates.Scheme) *axis {
	x := &axis{scheme: s}
	if s.Modality == templates.ModalityIris {
		x.overlap = max(1, (s.Delta+s.Alpha/2)/s.Alpha)
		x.fractions = farey(templates.MaxBeta)
		x.quotients = make([]float64, len(x.fractions))
		for i, f := range x.fractions {
			x.quotients[i] = float64(f.alpha) / float64(f.beta)
		}
		x.n = len(x.fractions)
		x.usable = x.valid()
		return x
	}
	least, best := s.ScoreRange()
	bottom := least + s.Offset()
	x.top, x.step = best+s.Offset(), 1
	if s.Eyes > 0 {
		x.top = s.Alpha * int64(s.Eyes*s.Shape.Bits()) // Delta is no more
	}
	for (x.top-bottom)/x.step >= maxCandidates {
		x.step *= 2
	}
	x.n = int((x.top-bottom)/x.step) + 1
	x.usable = x.valid()
	return x
}

// valid is the number of thresholds from the strictest on that a scheme can have: what
// is looser than a bound of Scheme.Validate is out of bounds, too.
func (x *axis) valid() int {
	return sort.Search(x.n, func(i int) bool { return x.at(i).Validate() != nil })
}

// farey lists the fractions above 0 and at most 1 in lowest terms with denominators
// of at most limit, ascending (Hardy and Wright, chapter 3).
func farey(limit int64) []fraction {
	var list []fraction
	for a, b, c, d := int64(0), int64(1), int64(1), limit; c <= d; {
		list = append(list, fraction{c, d})
		k := (limit + b) / d
		a, b, c, d = c, d, k*c-a, k*d-b
	}
	return list
}

// at is the scheme with a threshold; it is valid if i is below usable.
func (x *axis) at(i int) templates.Scheme {
	s := x.scheme
	switch {
	case x.fractions != nil:
		f := x.fractions[i]
		s.Alpha, s.Beta, s.Delta = f.alpha, f.beta, f.alpha*x.overlap
	case s.Eyes > 0:
		s.Delta = x.top - int64(i)*x.step
	default:
		s.Theta = x.top - int64(i)*x.step
	}
	return s
}

// value is the threshold as people state it: the distance hd/(o-m), or the share of
// the greatest inner product, for vectors a cosine.
func (x *axis) value(i int) float64 {
	if x.fractions != nil {
		return x.quotients[i]
	}
	return float64(x.top-int64(i)*x.step) / float64(x.top)
}

// distance is the bin of a pair at a distance.
func (x *axis) distance(d float64) int32 {
	i, _ := slices.BinarySearch(x.quotients, d)
	return int32(i)
}

// similarity is the bin of a pair with a sum over the blocks, score plus Offset.
func (x *axis) similarity(sum int64) int32 {
	if sum >= x.top {
		return 0
	}
	return int32(min((x.top-sum+x.step-1)/x.step, int64(x.n)))
}

// simplest is the index of the threshold with the smallest denominator that is at
// most as loose as threshold i, at most slack stricter and possible; the loosest of
// equals. That fraction is the first one of the interval in the Stern-Brocot tree.
// Where none is possible, slack is doubled; i is given if that does not help.
func (x *axis) simplest(i int, slack float64, possible func(templates.Scheme) error) int {
	if x.fractions == nil {
		return i
	}
	high := x.fractions[i]
	for ; slack < 1; slack *= 2 {
		for beta := int64(2); beta <= high.beta; beta++ {
			alpha := high.alpha * beta / high.beta
			if alpha < 1 || x.quotients[i]-float64(alpha)/float64(beta) > slack {
				continue
			}
			// Multiples of a fraction that was tried before are found as that one.
			j, _ := slices.BinarySearch(x.quotients, float64(alpha)/float64(beta))
			if possible == nil || possible(x.at(j)) == nil {
				return j
			}
		}
	}
	return i
}

// plotBin is the place of a value in a histogram for the eye: 0 to 1 for distances,
// -1 to 1 for similarities.
func (x *axis) plotBin(value float64) int {
	if x.fractions == nil {
		value = (value + 1) / 2
	}
	return min(max(int(math.Floor(value*plotBins)), 0), plotBins-1)
}
