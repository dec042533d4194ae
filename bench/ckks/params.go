package ckks

import (
	"fmt"

	"github.com/tuneinsight/lattigo/v5/he/hefloat"
)

// Sizes of the parameter set. Degree 2^14 with a ternary secret allows 438 bits of modulus
// with keys at 128 bits of security (Albrecht et al., Homomorphic Encryption Standard, 2018,
// table 1).
const (
	logDegree  = 14
	maxLogQP   = 438
	logFirst   = 41 // what is left at the end; 2^9 times the scale
	logScale   = 32
	logSpecial = 38 // two primes: at least any two of the others together
	levels     = 1 + signDepth
)

// SecurityBits is the level of that table.
const SecurityBits = 128

// newParameters builds the parameter set, the same for all layouts.
func newParameters() (hefloat.Parameters, error) {
	literal := hefloat.ParametersLiteral{LogN: logDegree, LogQ: []int{logFirst}, LogP: []int{logSpecial, logSpecial}, LogDefaultScale: logScale}
	for range levels {
		literal.LogQ = append(literal.LogQ, logScale)
	}
	p, err := hefloat.NewParametersFromLiteral(literal)
	if err != nil {
		return p, fmt.Errorf("ckks: %w", err)
	}
	if p.LogQP() > maxLogQP {
		return p, fmt.Errorf("ckks: a modulus of %.1f bits, at degree %d at most %d are secure", p.LogQP(), p.N(), maxLogQP)
	}
	return p, nil
}
