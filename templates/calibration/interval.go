package calibration

import "math"

// Confidence is the level of all limits.
const Confidence = 0.95

// Interval gives the exact two-sided confidence interval of Clopper and Pearson for
// a rate of errors in pairs, 0 <= errors <= pairs. Neither need be whole: after
// division by a design effect they are not.
func Interval(errors, pairs float64) (low, high float64) {
	const tail = (1 - Confidence) / 2
	if errors > 0 {
		low = betaQuantile(errors, pairs-errors+1, tail)
	}
	return low, upper(errors, pairs, tail)
}

// Upper gives the exact one-sided upper confidence limit: without errors
// 1-0.05^(1/pairs), which is 3/pairs, the rule of three.
func Upper(errors, pairs float64) float64 { return upper(errors, pairs, 1-Confidence) }

func upper(errors, pairs, tail float64) float64 {
	switch {
	case errors >= pairs:
		return 1
	case errors == 0:
		return -math.Expm1(math.Log(tail) / pairs)
	}
	return betaQuantile(errors+1, pairs-errors, 1-tail)
}

// betaQuantile inverts regularisedBeta by halving: a hundred steps leave 2^-100.
func betaQuantile(a, b, p float64) float64 {
	low, high := 0.0, 1.0
	for range 100 {
		if mid := (low + high) / 2; regularisedBeta(a, b, mid) < p {
			low = mid
		} else {
			high = mid
		}
	}
	return high
}

// regularisedBeta is the regularised incomplete beta function I_x(a,b) for positive
// a and b: the continued fraction of NIST DLMF 8.17.22, evaluated as Lentz does. It
// converges in about sqrt(max(a,b)) steps on the side where it is used.
func regularisedBeta(a, b, x float64) float64 {
	switch {
	case x <= 0:
		return 0
	case x >= 1:
		return 1
	case x > (a+1)/(a+b+2):
		return 1 - regularisedBeta(b, a, 1-x)
	}
	la, _ := math.Lgamma(a)
	lb, _ := math.Lgamma(b)
	lab, _ := math.Lgamma(a + b)
	front := math.Exp(lab-la-lb+a*math.Log(x)+b*math.Log1p(-x)) / a
	const tiny = 1e-300 // stands for a zero denominator
	nonzero := func(v float64) float64 {
		if math.Abs(v) < tiny {
			return tiny
		}
		return v
	}
	c, d := 1.0, 1/nonzero(1-(a+b)*x/(a+1))
	sum := d
	for m := 1.0; m < 1e6; m++ {
		even := m * (b - m) * x / ((a + 2*m - 1) * (a + 2*m))
		d, c = 1/nonzero(1+even*d), nonzero(1+even/c)
		sum *= d * c
		odd := -(a + m) * (a + b + m) * x / ((a + 2*m) * (a + 2*m + 1))
		d, c = 1/nonzero(1+odd*d), nonzero(1+odd/c)
		sum *= d * c
		if math.Abs(d*c-1) < 1e-14 {
			break
		}
	}
	return front * sum
}
