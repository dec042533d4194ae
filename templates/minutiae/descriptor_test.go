package minutiae

import (
	"math"
	"math/cmplx"
	"slices"
	"testing"
)

// TestHarmonics: the set is complete up to its energy, each is there once, and
// none is outside of the tables.
func TestHarmonics(t *testing.T) {
	hs := harmonics(MaxDims / 2)
	seen := map[harmonic]bool{}
	last := 0
	for _, h := range hs {
		if h.m < 1 || h.m >= bandwidth || h.s <= -bandwidth || h.s >= bandwidth || h.t < 0 || h.t >= bandwidth || (h.s+h.t)%2 != 0 || seen[h] {
			t.Fatalf("harmonic %+v is out of range or there twice", h)
		}
		if h.energy() < last {
			t.Fatalf("harmonic %+v is out of order", h)
		}
		seen[h], last = true, h.energy()
	}
	for m := 1; m <= 2*bandwidth; m++ {
		for s := -2 * bandwidth; s <= 2*bandwidth; s++ {
			for u := 0; u <= 2*bandwidth; u++ {
				h := harmonic{m, s, u}
				if (s+u)%2 == 0 && (s != 0 || u != 0) && h.energy() < last && !seen[h] {
					t.Fatalf("harmonic %+v is missing", h)
				}
			}
		}
	}
	for _, n := range []int{MinDims / 2, DefaultDims / 2} {
		for k, h := range harmonics(n) {
			if h != hs[k] {
				t.Fatal("fewer dimensions are not the beginning of more")
			}
		}
	}
}

// TestSpectrum compares the sums with the definition in angles, and with the
// general harmonic over both orders of a pair.
func TestSpectrum(t *testing.T) {
	view := randomView(seeded(11), 20)
	points, err := standard(view)
	if err != nil {
		t.Fatal(err)
	}
	hs := harmonics(200)
	got := spectrum(points, hs)
	for k, h := range hs {
		var want, general complex128
		for i, p := range points {
			for j, q := range points {
				d := math.Hypot(p.x-q.x, p.y-q.y)
				if i == j || d > reach {
					continue
				}
				line := math.Atan2(p.y-q.y, p.x-q.x)
				alpha := 2*math.Atan2(p.half.im, p.half.re) - line
				beta := 2*math.Atan2(q.half.im, q.half.re) - line
				z := cmplx.Rect(p.weight*q.weight, float64(h.m)*2*math.Pi*math.Sqrt(d)/period)
				a, b := float64(h.s-h.t)/2, float64(h.s+h.t)/2
				general += z * cmplx.Rect(1, a*alpha+b*beta)
				if j < i {
					f := math.Cos(float64(h.t) * (alpha - beta) / 2)
					if h.t%2 == 1 {
						f = math.Sin(float64(h.t) * (alpha - beta) / 2)
					}
					want += z * cmplx.Rect(f, float64(h.s)*(alpha+beta)/2)
				}
			}
		}
		sum := complex(got[k].re, got[k].im)
		if cmplx.Abs(sum-want) > 1e-8 {
			t.Fatalf("harmonic %+v: %v, want %v", h, sum, want)
		}
		factor := complex(2, 0)
		if h.t%2 == 1 {
			factor = -2i
		}
		if cmplx.Abs(factor*sum-general) > 1e-8 {
			t.Fatalf("harmonic %+v: %v, the general one is %v", h, factor*sum, general)
		}
	}
}

// TestSpectrumOfFewer: each sum is the same whichever other harmonics are asked
// for.
func TestSpectrumOfFewer(t *testing.T) {
	points, err := standard(randomView(seeded(12), MinVectorMinutiae))
	if err != nil {
		t.Fatal(err)
	}
	hs := harmonics(MaxDims / 2)
	want := spectrum(points, hs)
	for n := range hs {
		if !slices.Equal(spectrum(points, hs[:n]), want[:n]) {
			t.Fatalf("the sums of %d harmonics are not the beginning of those of %d", n, len(hs))
		}
	}
}

func TestCis(t *testing.T) {
	for k := -4000; k <= 4000; k++ {
		turns := float64(k) / 997
		sin, cos := math.Sincos(2 * math.Pi * turns)
		if z := cis(turns); math.Abs(z.re-cos) > 1e-14 || math.Abs(z.im-sin) > 1e-14 {
			t.Fatalf("cis(%v) = %v, want %v %v", turns, z, cos, sin)
		}
	}
}
