package calibration

import (
	"math"

	"github.com/puente-project/puente/templates"
)

// Model extrapolates the FMR beyond what was counted. It is a curve with a few
// measured numbers, not a measurement.
type Model struct {
	// Name says which: "binomial" for an iris, "random directions" for a vector.
	Name string `json:"name"`
	// Mean and Deviation are those of impostor pairs without rotation: of hd/o, or of
	// the cosine.
	Mean      float64 `json:"impostor_mean"`
	Deviation float64 `json:"impostor_deviation"`
	// Freedom is Mean*(1-Mean)/Deviation^2 for an iris, 1/Deviation^2 for a vector.
	Freedom float64 `json:"degrees_of_freedom"`
	// Used is Freedom, or less: where the curve would be below the FMR that was
	// counted at the strictest threshold with 30 false matches, it is made to go
	// through it. Overlaps differ from pair to pair, and so tails are heavier than
	// those of one binomial distribution.
	Used float64 `json:"degrees_of_freedom_used"`
	// Shifts is the number of rotations, of which the best counts.
	Shifts int `json:"shifts"`

	lost float64 // mean of m/o: the threshold of hd/o is lower by this share
}

// model is nil for fused schemes, of whose scores no law is known, and where the
// impostor pairs do not vary.
func (d *Distribution) model() *Model {
	mean, deviation := d.spread()
	if !(deviation > 0) {
		return nil
	}
	m := &Model{Mean: mean, Deviation: deviation, Shifts: d.axis.scheme.Shifts}
	switch d.axis.scheme.Modality {
	case templates.ModalityIris:
		m.Name, m.Freedom = "binomial", mean*(1-mean)/(deviation*deviation)
		m.lost = d.impostor.lost / d.impostor.n
	case templates.ModalityVector:
		m.Name, m.Freedom = "random directions", 1/(deviation*deviation)
	default:
		return nil
	}
	if m.Freedom <= 1 {
		return nil // two values only, or one direction
	}
	m.Used = m.Freedom
	if i := d.firstThirty(); i < d.axis.n {
		m.passAbove(d.axis.value(i), d.fmr(i))
	}
	return m
}

// passAbove lowers the degrees of freedom until the curve is not below a rate, by
// halving: fewer degrees have heavier tails.
func (m *Model) passAbove(threshold, rate float64) {
	if m.fmr(threshold) >= rate {
		return
	}
	low, high := 1.0, m.Freedom
	for range 60 {
		if m.Used = (low + high) / 2; m.fmr(threshold) >= rate {
			low = m.Used
		} else {
			high = m.Used
		}
	}
	m.Used = low
}

// fmr is the FMR at a threshold, as Point has it.
func (m *Model) fmr(threshold float64) float64 {
	if m.Name == "binomial" {
		// P(X <= k) of a binomial distribution of n is I_{1-p}(n-k, k+1), also
		// between whole numbers.
		k := threshold * max(0, 1-m.lost) * m.Used
		if k >= m.Used {
			return 1
		}
		one := regularisedBeta(m.Used-k, k+1, 1-m.Mean)
		return -math.Expm1(float64(m.Shifts) * math.Log1p(-min(one, 1-1e-16)))
	}
	// The square of the cosine of random directions is distributed as
	// beta(1/2, (n-1)/2).
	cosine := min(max(threshold-m.Mean, -1), 1)
	tail := regularisedBeta((m.Used-1)/2, 0.5, 1-cosine*cosine) / 2
	if cosine < 0 {
		return 1 - tail
	}
	return tail
}
