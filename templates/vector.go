package templates

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"slices"
)

// Vector is a feature vector of fixed length with integer coordinates, the
// quantisation of a unit vector scaled by Norm. The sum of the squares of the
// coordinates is at most Norm^2, so an inner product of two vectors lies within
// +-Norm^2 and the cosine is about <p,g>/Norm^2. Make one with Quantise or
// NewVector; Coords is not to be changed afterwards.
type Vector struct {
	// Coords has 1..MaxDims coordinates.
	Coords []int8
	// Norm is the scale, 1..MaxNorm.
	Norm int
}

// NewVector makes a vector of coordinates that are already quantised to norm.
// The slice is retained. Errors wrap ErrTemplate.
func NewVector(coords []int8, norm int) (Vector, error) {
	v := Vector{Coords: coords, Norm: norm}
	return v, v.validate()
}

func (v Vector) validate() error {
	if n := len(v.Coords); n < 1 || n > MaxDims {
		return fail(ErrTemplate, "vector has %d coordinates, want 1 to %d", n, MaxDims)
	}
	if v.Norm < 1 || v.Norm > MaxNorm {
		return fail(ErrTemplate, "vector norm is %d, want 1 to %d", v.Norm, MaxNorm)
	}
	if sumSquares(v.Coords) > v.Norm*v.Norm {
		return fail(ErrTemplate, "vector is longer than its norm %d: quantise it again", v.Norm)
	}
	return nil
}

// Quantise turns a real vector of any length greater than zero into a Vector of
// the given norm: it is divided by its Euclidean length, multiplied by norm and
// rounded to nearest, ties to even. Should rounding have made it longer than
// norm, the scale is reduced by the excess and the rounding repeated until it
// fits. The result is the same on every machine. Refused, with errors wrapping
// ErrTemplate: dimensions or norm out of bounds, infinities and NaN, the zero
// vector, and vectors so flat that they round to zero at this norm.
func Quantise(unit []float64, norm int) (Vector, error) {
	if n := len(unit); n < 1 || n > MaxDims {
		return Vector{}, fail(ErrTemplate, "vector has %d coordinates, want 1 to %d", n, MaxDims)
	}
	if norm < 1 || norm > MaxNorm {
		return Vector{}, fail(ErrTemplate, "vector norm is %d, want 1 to %d", norm, MaxNorm)
	}
	largest := 0.0
	for _, x := range unit {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return Vector{}, fail(ErrTemplate, "vector has a coordinate that is not a finite number")
		}
		largest = max(largest, math.Abs(x))
	}
	if largest == 0 {
		return Vector{}, fail(ErrTemplate, "vector is zero and has no direction")
	}
	// Dividing by the largest coordinate first keeps the squares in range. The
	// conversions keep the compiler from fusing the operations on processors
	// that can, which would round differently.
	scaled := make([]float64, len(unit))
	sum := 0.0
	for i, x := range unit {
		scaled[i] = x / largest
		sum += float64(scaled[i] * scaled[i])
	}
	length := math.Sqrt(sum)
	for i := range scaled {
		scaled[i] /= length
	}
	v := Vector{Coords: make([]int8, len(unit)), Norm: norm}
	scale := float64(norm)
	for {
		for i, x := range scaled {
			v.Coords[i] = int8(math.RoundToEven(float64(x * scale)))
		}
		got := sumSquares(v.Coords)
		if got == 0 {
			return Vector{}, fail(ErrTemplate, "vector of %d coordinates rounds to zero at norm %d: use a larger norm", len(unit), norm)
		}
		if got <= norm*norm {
			return v, nil
		}
		// At least one part in 1024, so that the loop ends.
		scale = float64(scale * min(float64(norm)/math.Sqrt(float64(got)), 1-1.0/1024))
	}
}

func sumSquares(c []int8) int {
	sum := 0
	for _, x := range c {
		sum += int(x) * int(x)
	}
	return sum
}

// Equal reports whether norm and coordinates are the same. It is not
// constant-time.
func (v Vector) Equal(o Vector) bool { return v.Norm == o.Norm && slices.Equal(v.Coords, o.Coords) }

// Modality is ModalityVector.
func (Vector) Modality() Modality { return ModalityVector }

func (Vector) template() {}

// String describes the template without its values.
func (v Vector) String() string {
	return fmt.Sprintf("[vector template %d, norm %d, redacted]", len(v.Coords), v.Norm)
}

// GoString is String: %#v does not show values either.
func (v Vector) GoString() string { return v.String() }

// Format writes String for every verb.
func (v Vector) Format(f fmt.State, _ rune) { redaction(v.String()).format(f) }

// LogValue is String, for log/slog.
func (v Vector) LogValue() slog.Value { return redaction(v.String()).logValue() }

// MarshalJSON gives String as a JSON string, so that a template inside another
// structure does not leak. EncodeJSON writes the values.
func (v Vector) MarshalJSON() ([]byte, error) { return redaction(v.String()).marshalJSON() }

var _ json.Marshaler = Vector{}
