package templates

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestQuantise(t *testing.T) {
	for _, c := range []struct {
		name string
		in   []float64
		norm int
		want []int8
	}{
		{"one axis", []float64{0, -7, 0}, 63, []int8{0, -63, 0}},
		{"length is ignored", []float64{3e-300, 4e-300}, 50, []int8{30, 40}},
		{"huge", []float64{3e307, -4e307}, 50, []int8{30, -40}},
		{"subnormal", []float64{5e-324, 0}, 127, []int8{127, 0}},
		// The length is 8; 2.5 goes to 2, 1.25 to 1.
		{"ties to even", []float64{4, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2}, 5, []int8{2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}},
		// (45, 45) would be longer than 63.
		{"shrunk", []float64{1, 1}, 63, []int8{44, 44}},
	} {
		v, err := Quantise(c.in, c.norm)
		if err != nil || !slices.Equal(v.Coords, c.want) || v.Norm != c.norm {
			t.Errorf("%s: %d, %v, want %d", c.name, v.Coords, err, c.want)
		}
	}
}

func TestQuantiseRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		in   []float64
		norm int
	}{
		"nothing": {nil, 63}, "zero": {make([]float64, 4), 63}, "NaN": {[]float64{1, math.NaN()}, 63},
		"infinity": {[]float64{1, math.Inf(-1)}, 63}, "long": {make([]float64, MaxDims+1), 63},
		"norm 0": {[]float64{1}, 0}, "norm 128": {[]float64{1}, 128}, "negative norm": {[]float64{1}, -5},
		"vanishes": {slices.Repeat([]float64{1}, 4096), 20}, "vanishes when shrunk": {[]float64{1, 1}, 1},
	} {
		if v, err := Quantise(c.in, c.norm); !errors.Is(err, ErrTemplate) || v.Coords != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestQuantiseProperty: the result is admissible, nearly as long as the norm
// and points nearly where the input does; quantising is insensitive to length.
func TestQuantiseProperty(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		dims, norm := rapid.IntRange(1, 600).Draw(rt, "dims"), rapid.IntRange(30, MaxNorm).Draw(rt, "norm")
		r := seeded(rapid.Uint64().Draw(rt, "seed"))
		unit, twice := make([]float64, dims), make([]float64, dims)
		for i := range unit {
			unit[i] = r.NormFloat64()
			twice[i] = 1024 * unit[i]
		}
		v, err := Quantise(unit, norm)
		if err != nil {
			rt.Fatal(err)
		}
		var xx, xv float64
		for i, x := range unit {
			xx += x * x
			xv += x * float64(v.Coords[i])
		}
		vv := float64(sumSquares(v.Coords))
		if vv > float64(norm*norm) || vv < 0.8*float64(norm*norm) {
			rt.Fatalf("length %v at norm %d", math.Sqrt(vv), norm)
		}
		if cos := xv / math.Sqrt(xx*vv); cos < 0.93 {
			rt.Fatalf("cosine %v between a vector and its quantisation", cos)
		}
		w, err := Quantise(twice, norm)
		if err != nil || !v.Equal(w) {
			rt.Fatalf("the length changes the result: %v", err)
		}
		if _, err := NewVector(v.Coords, norm); err != nil {
			rt.Fatal(err)
		}
	})
}

// TestQuantiseIsStable accumulates a hash over many vectors: a change of the
// rounding would change templates that are already exchanged.
func TestQuantiseIsStable(t *testing.T) {
	const want = "b878a08783dbfc420c3c7e5e68141707e9e4666647d99be45cbc23fbcc8005a5"
	h := sha256.New()
	r := seeded(77)
	for range 2000 {
		dims, norm := 1+r.IntN(300), 40+r.IntN(88)
		unit := make([]float64, dims)
		for i := range unit {
			// Not NormFloat64, whose algorithm is allowed to change.
			unit[i] = float64(int64(r.Uint64()>>11)) - 1<<52
		}
		v, err := Quantise(unit, norm)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range v.Coords {
			h.Write([]byte{byte(c)})
		}
		h.Write(binary.BigEndian.AppendUint16(nil, uint16(dims)))
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != want {
		t.Errorf("hash of 2000 vectors is %s, want %s", got, want)
	}
}

func TestNewVectorRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		coords []int8
		norm   int
	}{
		"nothing": {nil, 63}, "long": {make([]int8, MaxDims+1), 63}, "norm 0": {[]int8{0}, 0},
		"norm 128": {[]int8{1}, 128}, "over the norm": {[]int8{63, 1}, 63}, "-128": {[]int8{-128}, 127},
	} {
		if _, err := NewVector(c.coords, c.norm); !errors.Is(err, ErrTemplate) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestIsqrt(t *testing.T) {
	for n := int64(0); n < 5000; n++ {
		if r := isqrt(n); r*r > n || (r+1)*(r+1) <= n {
			t.Fatalf("isqrt(%d) = %d", n, r)
		}
	}
	for r := int64(1); r < 1<<14; r += 7 {
		if isqrt(r*r) != r || isqrt(r*r-1) != r-1 {
			t.Fatalf("isqrt is wrong at %d", r*r)
		}
	}
}
