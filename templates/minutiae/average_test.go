package minutiae

import (
	"errors"
	"math"
	"slices"
	"testing"
)

func TestAverage(t *testing.T) {
	// Lengths do not matter, nor do extreme ones.
	for _, c := range []struct {
		in   [][]float64
		want []float64
	}{
		{[][]float64{{3, 4}}, []float64{0.6, 0.8}},
		{[][]float64{{1, 0}, {0, 7}}, []float64{math.Sqrt2 / 2, math.Sqrt2 / 2}},
		{[][]float64{{1e300, 0}, {0, 1e-300}}, []float64{math.Sqrt2 / 2, math.Sqrt2 / 2}},
		{[][]float64{{1, 0}, {1, 0}, {0, -1}}, []float64{2 / math.Sqrt(5), -1 / math.Sqrt(5)}},
	} {
		first := slices.Clone(c.in[0])
		got, err := Average(c.in)
		if err != nil {
			t.Fatal(err)
		}
		for i := range got {
			if math.Abs(got[i]-c.want[i]) > 1e-15 {
				t.Errorf("average %v, want %v", got, c.want)
			}
		}
		if !slices.Equal(first, c.in[0]) {
			t.Error("the vectors were changed")
		}
	}
}

func TestAverageFaults(t *testing.T) {
	for name, in := range map[string][][]float64{
		"none":             nil,
		"empty":            {{}},
		"different length": {{1, 0}, {1}},
		"zero":             {{1, 0}, {0, 0}},
		"infinite":         {{1, 0}, {math.Inf(1), 0}},
		"not a number":     {{math.NaN(), 1}},
		"cancel out":       {{1, 0}, {-1, 0}},
	} {
		if _, err := Average(in); !errors.Is(err, ErrVector) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}
