package calibration

import (
	"math"
	"math/big"
	"testing"
)

// tail is P(X <= k) of a binomial distribution, summed exactly enough in 400 bits.
func tail(k, n int, p float64) float64 {
	x := new(big.Float).SetPrec(400).SetFloat64(p)
	y := new(big.Float).SetPrec(400).Sub(big.NewFloat(1).SetPrec(400), x)
	power := func(b *big.Float, n int) *big.Float {
		r := new(big.Float).SetPrec(400).SetInt64(1)
		for range n {
			r.Mul(r, b)
		}
		return r
	}
	sum := new(big.Float).SetPrec(400)
	for i := 0; i <= k; i++ {
		term := new(big.Float).SetPrec(400).SetInt(new(big.Int).Binomial(int64(n), int64(i)))
		term.Mul(term, power(x, i)).Mul(term, power(y, n-i))
		sum.Add(sum, term)
	}
	f, _ := sum.Float64()
	return f
}

// TestInterval: the limits are where the exact tails are 2.5 %, or 5 %.
func TestInterval(t *testing.T) {
	for _, n := range []int{1, 2, 10, 37, 100, 500} {
		for _, k := range []int{0, 1, 2, 5, n / 3, n / 2, n - 1, n} {
			if k < 0 || k > n {
				continue
			}
			low, high := Interval(float64(k), float64(n))
			for what, got := range map[string]float64{
				"below":     1 - tail(k-1, n, low) - 0.025,
				"above":     tail(k, n, high) - 0.025,
				"one-sided": tail(k, n, Upper(float64(k), float64(n))) - 0.05,
			} {
				end := what == "below" && k == 0 && low == 0 || what != "below" && k == n && high == 1
				if !end && math.Abs(got) > 1e-10 {
					t.Errorf("%d of %d: tail %s is off by %g", k, n, what, got)
				}
			}
		}
	}
}

// TestPublished: values of R's binom.test, as in its documentation and in textbooks.
func TestPublished(t *testing.T) {
	for _, c := range []struct{ k, n, low, high float64 }{
		{0, 10, 0, 0.3085}, {1, 10, 0.0025, 0.4450}, {5, 10, 0.1871, 0.8129}, {10, 100, 0.0490, 0.1762},
		{682, 925, 0.7076683, 0.7654066},
	} {
		low, high := Interval(c.k, c.n)
		if math.Abs(low-c.low) > 5e-5 || math.Abs(high-c.high) > 5e-5 {
			t.Errorf("%g of %g: %.5f to %.5f, want %.5f to %.5f", c.k, c.n, low, high, c.low, c.high)
		}
	}
}

func TestRuleOfThree(t *testing.T) {
	for _, n := range []float64{1000, 1e6, 5e7, 2e8} {
		if got := Upper(0, n) * n; got < 2.98 || got > 3 {
			t.Errorf("no error in %g pairs: upper limit is %.4f/n, want 3/n", n, got)
		}
	}
}

// TestLargeCounts: with many pairs the interval is that of a Poisson distribution,
// for 30 errors 20.24 to 42.83 (Ulm 1990, table of exact limits).
func TestLargeCounts(t *testing.T) {
	const n = 2e8
	low, high := Interval(30, n)
	if math.Abs(low*n-20.24) > 0.01 || math.Abs(high*n-42.83) > 0.01 {
		t.Errorf("30 of %g: %.3f to %.3f errors, want 20.24 to 42.83", n, low*n, high*n)
	}
	low, high = Interval(n/2, n)
	if want := 1.96 * math.Sqrt(0.25/n); math.Abs(high-0.5-want) > 1e-3*want || math.Abs(0.5-low-want) > 1e-3*want {
		t.Errorf("half of %g: %.9f to %.9f, want .5 +- %.9f", n, low, high, want)
	}
}

// TestFractional: limits of counts that are not whole lie between their neighbours'.
func TestFractional(t *testing.T) {
	a, b, c := Upper(3, 100), Upper(3.4, 100), Upper(4, 100)
	if !(a < b && b < c) {
		t.Errorf("upper limits of 3, 3.4 and 4 errors: %g, %g, %g", a, b, c)
	}
}
