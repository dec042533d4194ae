package ckks

import (
	"github.com/tuneinsight/lattigo/v5/he/hefloat"
	"github.com/tuneinsight/lattigo/v5/utils/bignum"
)

// g3 is steep at 0, f3 is flat at 1: Cheon, Kim and Kim, ePrint 2019/1234, sections 3.2
// and 4.1. Coefficients by power of x.
var (
	g3 = []float64{0, 4589. / 1024, 0, -16577. / 1024, 0, 25614. / 1024, 0, -12860. / 1024}
	f3 = []float64{0, 35. / 16, 0, -35. / 16, 0, 21. / 16, 0, -5. / 16}
	// composition is applied from left to right.
	composition = [][]float64{g3, g3, f3}
)

// signDepth is the number of levels of the composition, three for each degree 7.
const signDepth = 9

// Saturated is the least absolute value that this package calls a clear answer.
const Saturated = 0.9

// Sign is the composition in the clear, of x in [-1, 1]. It increases where |x| < 1/64.
func Sign(x float64) float64 {
	for _, c := range composition {
		sum := 0.0
		for i := len(c) - 1; i >= 0; i-- {
			sum = sum*x + c[i]
		}
		x = sum
	}
	return x
}

// Invert gives the x with |x| < 1/64 of which v is the sign, and whether there is one. It
// is what the reader of an answer can do.
func Invert(v float64) (x float64, ok bool) {
	low, high := -1./64, 1./64
	if v <= Sign(low) || v >= Sign(high) {
		return 0, false
	}
	for range 60 {
		if x = (low + high) / 2; Sign(x) < v {
			low = x
		} else {
			high = x
		}
	}
	return x, true
}

// polynomials are those of the composition for Lattigo's evaluator.
func polynomials() (list []hefloat.Polynomial) {
	for _, c := range composition {
		list = append(list, hefloat.NewPolynomial(bignum.NewPolynomial(bignum.Monomial, c, nil)))
	}
	return list
}
