package protocol

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/puente-project/puente/templates"
)

// compareAll runs a session and compares every decision with the plaintext matcher's.
func compareAll(t rapid.TB, tb testing.TB, scheme templates.Scheme, width int, probe templates.Template, list []templates.Template) []int {
	t.Helper()
	return compareMany(t, tb, scheme, width, []templates.Template{probe}, list)[0]
}

// compareMany is compareAll for several probes in one session.
func compareMany(t rapid.TB, tb testing.TB, scheme templates.Scheme, width int, probes, list []templates.Template) [][]int {
	t.Helper()
	p := meet(tb, terms(scheme), probes, gallery(tb, scheme, width, list), 1, 2)
	got := p.finish(tb)
	if len(got) != len(probes) {
		t.Fatalf("hits of %d probes, expected are those of %d", len(got), len(probes))
	}
	for i, probe := range probes {
		if want := expected(tb, scheme, probe, list); !slices.Equal(got[i], want) {
			t.Fatalf("probe %d of %d: encrypted hits %v, plaintext %v", i, len(probes), got[i], want)
		}
	}
	return got
}

// TestVectorThreshold enrols vectors whose scores are every integer from 60 below the
// threshold to 60 above it, and the extremes.
func TestVectorThreshold(t *testing.T) {
	scheme := mustScheme(t, "vector:6:norm=60:theta=700")
	vector := func(coords ...int8) templates.Template {
		v, err := templates.NewVector(coords, scheme.Norm)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	probe := vector(59, 1, 10, 0, 0, 0)
	var list []templates.Template
	var want []int
	for score := scheme.Theta - 60; score <= scheme.Theta+60; score++ {
		// score = 59*x + y + 10*z
		x := score / 59
		rest := score - 59*x
		list = append(list, vector(int8(x), int8(rest%10), int8(rest/10), 3, -3, 7))
		if score >= scheme.Theta {
			want = append(want, len(list)-1)
		}
	}
	list = append(list, probe, vector(-59, -1, -10, 0, 0, 0), vector(0, 0, 0, 60, 0, 0), vector(0, 0, 0, 0, 0, 0))
	want = append(want, len(list)-4)
	for _, width := range []int{1, 4, 6} {
		if got := compareAll(t, t, scheme, width, probe, list); !slices.Equal(got, want) {
			t.Errorf("width %d: hits %v, want %v", width, got, want)
		}
	}
}

// flipped returns a full-mask iris that differs from base in the first n bits of an order.
func flipped(t testing.TB, shape templates.Shape, base []byte, order []int, n int) templates.Template {
	code := slices.Clone(base)
	for _, bit := range order[:n] {
		code[bit/8] ^= 0x80 >> (bit % 8)
	}
	mask := make([]byte, len(code))
	for i := range mask {
		mask[i] = 0xff
	}
	iris, err := templates.NewIris(shape, code, mask)
	if err != nil {
		t.Fatal(err)
	}
	return iris
}

// TestIrisThreshold enrols codes that differ from the probe in the largest number of bits
// that hits, one less and one more, for full masks; and codes without a usable bit, equal
// to the probe, opposite to it, and with the smallest overlaps around the one that
// delta demands.
func TestIrisThreshold(t *testing.T) {
	for _, text := range []string{
		"iris:8x32x1x1:shifts=1:threshold=8/25:delta=64",
		"iris:8x32x1x1:shifts=7:threshold=1/3:delta=5",
		"iris:4x16x2x2:shifts=3:threshold=8/25:delta=1",
	} {
		t.Run(text, func(t *testing.T) {
			scheme := mustScheme(t, text)
			bits := scheme.Shape.Bits()
			rng := rand.New(rand.NewPCG(3, 3))
			base := make([]byte, bits/8)
			for i := range base {
				base[i] = byte(rng.Uint32())
			}
			order := rng.Perm(bits)
			limit := int((scheme.Alpha*int64(bits) - scheme.Delta) / scheme.Beta)
			probe := flipped(t, scheme.Shape, base, order, 0)
			var list []templates.Template
			for d := limit - 2; d <= limit+2; d++ {
				list = append(list, flipped(t, scheme.Shape, base, order, d))
			}
			list = append(list, probe, flipped(t, scheme.Shape, base, order, bits))
			overlap := int((scheme.Delta + scheme.Alpha - 1) / scheme.Alpha) // usable bits that a perfect match needs
			for _, usable := range []int{0, overlap - 1, overlap, overlap + 1} {
				mask := make([]byte, len(base))
				for _, bit := range order[:usable] {
					mask[bit/8] |= 0x80 >> (bit % 8)
				}
				iris, err := templates.NewIris(scheme.Shape, base, mask)
				if err != nil {
					t.Fatal(err)
				}
				list = append(list, iris)
			}
			for _, width := range []int{scheme.Shape.Cols, scheme.Shape.Cols/2 + 1} {
				hits := compareAll(t, t, scheme, width, probe, list)
				for slot, want := range map[int]bool{0: true, 1: true, 2: true, 3: false, 4: false, 5: true, 6: false,
					7: false, 8: false, 9: true, 10: true} {
					if scheme.Shifts > 1 && !want {
						continue // another rotation may hit; the plaintext matcher has decided
					}
					if slices.Contains(hits, slot) != want {
						t.Errorf("width %d: slot %d: hit %v, want %v", width, slot, !want, want)
					}
				}
			}
			empty, err := templates.NewIris(scheme.Shape, base, make([]byte, len(base)))
			if err != nil {
				t.Fatal(err)
			}
			if hits := compareAll(t, t, scheme, scheme.Shape.Cols, empty, list); len(hits) > 0 {
				t.Errorf("a probe without a usable bit hits %v", hits)
			}
		})
	}
}

// TestRandomSchemes draws schemes, layouts, sizes and thresholds that many scores meet.
func TestRandomSchemes(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(r, "seed"), 0))
		var text string
		var columns int
		eyes := func() string {
			columns = rapid.IntRange(8, 24).Draw(r, "columns")
			shape := templates.Shape{Rows: rapid.IntRange(1, 4).Draw(r, "rows"), Cols: columns,
				Filters: rapid.IntRange(1, 2).Draw(r, "filters"), Planes: rapid.IntRange(1, 2).Draw(r, "planes")}
			threshold := rapid.SampledFrom([]string{"1/3", "8/25", "9/20", "49/99"}).Draw(r, "threshold")
			return fmt.Sprintf("%v:shifts=%d:threshold=%s:delta=1", shape, rapid.SampledFrom([]int{1, 3, 5}).Draw(r, "shifts"), threshold)
		}
		switch rapid.SampledFrom([]string{"iris", "vector", "fingers", "eyes", "both"}).Draw(r, "kind") {
		case "iris":
			text = "iris:" + eyes()
		case "vector":
			columns = rapid.IntRange(1, 20).Draw(r, "dims")
			text = fmt.Sprintf("vector:%d:norm=20:theta=%d", columns, rapid.IntRange(1, 120).Draw(r, "theta"))
		case "fingers":
			dims := rapid.IntRange(2, 8).Draw(r, "dims")
			columns = 3 * (dims + 1)
			text = fmt.Sprintf("fingers:2,3,9:%d:norm=20:theta=%d+%d", dims, rapid.IntRange(1, 120).Draw(r, "theta"), rapid.IntRange(0, 40).Draw(r, "each"))
		case "eyes":
			text = "eyes:" + eyes()
		case "both":
			text = fmt.Sprintf("eyes:%s:fingers=4,10:%d:norm=20:weight=%d:each=%d", eyes(), rapid.IntRange(2, 8).Draw(r, "dims"),
				rapid.IntRange(1, 3).Draw(r, "weight"), rapid.IntRange(0, 40).Draw(r, "each"))
		}
		scheme, err := templates.ParseScheme(text)
		if err != nil {
			r.Fatal(err)
		}
		list := make([]templates.Template, rapid.IntRange(1, 700).Draw(r, "entries"))
		for i := range list {
			list[i] = randomTemplate(rng, scheme)
		}
		probes := make([]templates.Template, rapid.SampledFrom([]int{1, 1, 2, 3, 7}).Draw(r, "probes"))
		for i := range probes {
			probes[i] = randomTemplate(rng, scheme)
		}
		compareMany(r, t, scheme, rapid.IntRange(1, columns).Draw(r, "width"), probes, list)
	})
}
