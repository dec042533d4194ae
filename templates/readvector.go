package templates

import (
	"io"
	"math"
)

// Vector centres, normalises and quantises a vector of real numbers of any
// length: Options.Centre is subtracted, and Quantise does the rest. It also gives
// the loss, 1 minus the cosine between the centred vector and the integers that
// stand for it. Errors wrap ErrTemplate.
func (o Options) Vector(real []float64) (v Vector, loss float64, err error) {
	if o.Centre != nil {
		if len(o.Centre) != len(real) {
			return Vector{}, 0, fail(ErrTemplate, "vector has %d coordinates, the centring vector %d", len(real), len(o.Centre))
		}
		centred := make([]float64, len(real))
		for i, x := range real {
			centred[i] = float64(x - o.Centre[i])
		}
		real = centred
	}
	norm := o.Norm
	if norm == 0 {
		norm = DefaultNorm
	}
	if v, err = Quantise(real, norm); err != nil {
		return Vector{}, 0, err
	}
	return v, cosineLoss(real, v.Coords), nil
}

// cosineLoss is 1 minus the cosine of a vector that Quantise has accepted and its
// integers. Dividing by the largest coordinate keeps the squares in range.
func cosineLoss(real []float64, coords []int8) float64 {
	largest := 0.0
	for _, x := range real {
		largest = max(largest, math.Abs(x))
	}
	var product, length float64
	for i, x := range real {
		x /= largest
		product += float64(x * float64(coords[i]))
		length += float64(x * x)
	}
	return max(0, 1-product/math.Sqrt(length*float64(sumSquares(coords))))
}

// fill makes the template of a record from a vector of real numbers.
func (o Options) fill(rec *Record, real []float64) error {
	if o.keepReal {
		rec.real = real
		return nil
	}
	v, loss, err := o.Vector(real)
	if err != nil {
		return err
	}
	rec.Template, rec.Loss = v, loss
	return nil
}

// ReadReal reads the one vector of real numbers of an input that Reader knows
// (.npy of f4 or f8, CSV, JSON), without quantising it: the centring vector of
// Options.Centre. Errors wrap ErrFormat, ErrTemplate or ErrTooLarge.
func ReadReal(r io.Reader) ([]float64, error) {
	in := NewReader(r, Options{keepReal: true})
	rec, err := in.Next()
	if err == nil && rec.real == nil {
		err = fail(ErrFormat, "the input holds a template, not a vector of real numbers")
	}
	if err != nil {
		return nil, err
	}
	for _, x := range rec.real {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return nil, fail(ErrTemplate, "vector has a coordinate that is not a finite number")
		}
	}
	if _, err := in.Next(); err != io.EOF {
		if err == nil {
			err = fail(ErrFormat, "the input holds several vectors, one is wanted")
		}
		return nil, err
	}
	return rec.real, nil
}
