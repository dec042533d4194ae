package minutiae

import (
	"cmp"
	"errors"
	"math"
	"slices"
)

// ErrVector is the class of error of what does not give a vector, for errors.Is.
var ErrVector = errors.New("no vector of these minutiae")

// Vectoriser makes vectors of fixed length of fingerprints, such that the inner
// product of two vectors tells how alike the fingers are. It is immutable and
// safe for concurrent use.
//
//	v, err := minutiae.NewVectoriser(minutiae.DefaultDims)
//	unit, err := v.Vector(view)
//	template, err := templates.Quantise(unit, 63)
//
// Nothing is aligned and nothing is trained. A pair of minutiae is described by
// what does not change when the finger is moved or turned: the distance, and
// both directions against the line that joins them. The vector is the
// characteristic function of the distribution of the pairs at a fixed set of
// frequencies (descriptor.go), which makes the inner product of two vectors a
// count of pairs that both fingers have, with a tolerance (Stanko and Škorić,
// "Minutia-pair spectral representations for fingerprint template protection",
// WIFS 2017, after Xu et al., "Fingerprint verification using spectral minutiae
// representations", IEEE TIFS 4(3), 2009; the three numbers of a pair are those
// of Wang and Hu, "Alignment-free cancelable fingerprint template design",
// Pattern Recognition 45, 2012). Here
//
//   - distances enter as their square roots: skin stretches, so that the error
//     of a distance grows with the distance, and that of its root does not;
//   - pairs count by the root of the product of their qualities;
//   - in the end each frequency's modulus is replaced by its root, so that the
//     few frequencies that are strong in all fingers, from the common flow of
//     ridges, do not outweigh the others (power normalisation: Perronnin,
//     Sánchez and Mensink, "Improving the Fisher kernel", ECCV 2010).
//
// What accuracy to expect of one finger and of several is in docs/ACCURACY.md. A
// vector is biometric data as much as the minutiae are: it does not hide them.
type Vectoriser struct {
	harmonics []harmonic
}

// NewVectoriser makes a Vectoriser for vectors of dims coordinates, an even
// number from MinDims to MaxDims. Vectors with different dims cannot be
// compared. Errors wrap ErrVector.
func NewVectoriser(dims int) (*Vectoriser, error) {
	if dims < MinDims || dims > MaxDims || dims%2 != 0 {
		return nil, fail(ErrVector, "%d dimensions: want an even number from %d to %d", dims, MinDims, MaxDims)
	}
	return &Vectoriser{harmonics: harmonics(dims / 2)}, nil
}

// Vector gives the vector of a view: as many coordinates as the Vectoriser has
// dimensions, of Euclidean length 1. It does not depend on the order of the
// minutiae nor on their kinds, and is the same to the last bit on every machine.
// Of more than MaxVectorMinutiae minutiae those of the best quality are used.
//
// Errors wrap ErrVector: too few minutiae, no resolution, values out of the
// bounds that the types promise (a View of Decode has none).
func (v *Vectoriser) Vector(view View) ([]float64, error) {
	points, err := standard(view)
	if err != nil {
		return nil, err
	}
	sums := spectrum(points, v.harmonics)
	out := make([]float64, 0, 2*len(sums))
	for _, z := range sums {
		// Dividing by the root of the modulus leaves the root of the modulus.
		if root := math.Sqrt(math.Sqrt(float64(z.re*z.re) + float64(z.im*z.im))); root > 0 {
			z = wave{z.re / root, z.im / root}
		}
		out = append(out, z.re, z.im)
	}
	if !toUnit(out) {
		return nil, fail(ErrVector, "no two minutiae are at different places within %d pixels at 500 dpi of each other", reach)
	}
	return out, nil
}

// standard checks a view and brings its minutiae to 500 dpi and in an order that
// depends on nothing but themselves.
func standard(view View) ([]point, error) {
	if n := len(view.Minutiae); n < MinVectorMinutiae || n > MaxMinutiae {
		return nil, fail(ErrVector, "the view has %d minutiae, want %d to %d: take another impression", n, MinVectorMinutiae, MaxMinutiae)
	}
	for _, r := range []int{view.ResX, view.ResY} {
		if r < minResolution || r > maxResolution {
			return nil, fail(ErrVector, "the resolution is %d pixels per centimetre, want %d to %d", r, minResolution, maxResolution)
		}
	}
	sorted := slices.Clone(view.Minutiae)
	for i, m := range sorted {
		// The negated comparison also catches NaN.
		if m.X < 0 || m.X >= maxSide || m.Y < 0 || m.Y >= maxSide || !(m.Angle >= 0 && m.Angle < 2*math.Pi) || m.Quality > maxQuality {
			return nil, fail(ErrVector, "minutia %d of the view has a coordinate, angle or quality out of range", i+1)
		}
		if m.Quality == 0 {
			sorted[i].Quality = unreported
		}
	}
	slices.SortFunc(sorted, func(a, b Minutia) int {
		return cmp.Or(cmp.Compare(b.Quality, a.Quality), cmp.Compare(a.X, b.X), cmp.Compare(a.Y, b.Y), cmp.Compare(a.Angle, b.Angle))
	})
	sorted = sorted[:min(len(sorted), MaxVectorMinutiae)]
	points := make([]point, len(sorted))
	for i, m := range sorted {
		points[i] = point{
			// ISO counts y downwards but angles counter-clockwise.
			x:      float64(m.X*dpi500) / float64(view.ResX),
			y:      -float64(m.Y*dpi500) / float64(view.ResY),
			half:   cis(m.Angle / (4 * math.Pi)),
			weight: math.Sqrt(float64(m.Quality)),
		}
	}
	return points, nil
}

// toUnit scales a vector to length 1, and tells whether it could.
func toUnit(v []float64) bool {
	largest := 0.0
	for _, x := range v {
		largest = max(largest, math.Abs(x))
	}
	if !(largest > 0) || math.IsInf(largest, 0) {
		return false
	}
	// First by the largest, so that the squares stay in range.
	sum := 0.0
	for i := range v {
		v[i] /= largest
		sum += float64(v[i] * v[i])
	}
	length := math.Sqrt(sum)
	for i := range v {
		v[i] /= length
	}
	return true
}
