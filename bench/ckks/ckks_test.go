package ckks

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

func wall() time.Duration { return time.Duration(time.Now().UnixNano()) }

// testGallery makes a probe of short vectors and entries at all angles to it.
func testGallery(dims, entries int) (c Config, probe []int8, gallery [][]int8) {
	r := rand.New(rand.NewPCG(1, uint64(dims)))
	vector := func(share float64, like []int8) []int8 {
		v, length := make([]float64, dims), 0.0
		for i := range v {
			v[i] = r.NormFloat64() / math.Sqrt(float64(dims)) * math.Sqrt(1-share*share)
			if like != nil {
				v[i] += share * float64(like[i]) / 127
			}
			length += v[i] * v[i]
		}
		out := make([]int8, dims)
		for i := range v {
			out[i] = int8(v[i] / math.Sqrt(length) * 126) // truncated: no longer than 127
		}
		return out
	}
	probe = vector(0, nil)
	for i := range entries {
		gallery = append(gallery, vector(float64(i)/float64(entries), probe))
	}
	return Config{Dims: dims, Norm: 127, Theta: 127 * 127 * 4 / 10}, probe, gallery
}

func dot(a, b []int8) (sum int64) {
	for i := range a {
		sum += int64(a[i]) * int64(b[i])
	}
	return sum
}

// TestDecisions holds both layouts, with plain and encrypted galleries, against integers.
func TestDecisions(t *testing.T) {
	for _, dims := range []int{16, 32} { // an even and an odd power of two
		for _, layout := range []Layout{ByDimension, Diagonal} {
			if layout == ByDimension && dims > 16 {
				continue // the same steps, more of them
			}
			c, probe, gallery := testGallery(dims, 500)
			c.Layout = layout
			m, err := New(c, gallery)
			if err != nil {
				t.Fatal(err)
			}
			for _, encrypted := range []bool{false, true} {
				t.Run(fmt.Sprint(dims, " ", layout, " ", encrypted), func(t *testing.T) {
					a, err := m.Query(probe, encrypted, wall)
					if err != nil {
						t.Fatal(err)
					}
					hits, clear := 0, 0
					for j, entry := range gallery {
						s := dot(probe, entry)
						x := (float64(s-c.Theta) + .5) / float64(127*127+c.Theta)
						if d := math.Abs(a.Scores[j] - x); d > 1e-4 {
							t.Fatalf("entry %d: score off by %g", j, d)
						}
						if d := math.Abs(a.Signs[j] - Sign(x)); d > 5e-3 {
							t.Fatalf("entry %d: sign off by %g", j, d)
						}
						if s >= c.Theta {
							hits++
						}
						if math.Abs(x) < 1e-3 {
							continue // where noise may decide
						}
						clear++
						if (a.Signs[j] > 0) != (s >= c.Theta) {
							t.Errorf("entry %d of score %d, threshold %d: sign %g", j, s, c.Theta, a.Signs[j])
						}
					}
					if hits < 50 || hits > 450 || clear < 400 {
						t.Errorf("%d hits, %d entries away from the threshold: the gallery tests nothing", hits, clear)
					}
					if a.Encrypt <= 0 || layout == Diagonal && a.Rotate <= 0 || a.Products <= 0 || a.Sign <= 0 || a.Decrypt <= 0 || a.ProbeBytes <= 0 || a.AnswerBytes <= 0 {
						t.Errorf("not all was measured: %v %v %v %v, %d bytes and %d", a.Encrypt, a.Products, a.Sign, a.Decrypt, a.ProbeBytes, a.AnswerBytes)
					}
				})
			}
		}
	}
}

// TestSign checks the composition in the clear: odd, within bounds, clear away from 0, and
// to be inverted near 0.
func TestSign(t *testing.T) {
	for i := range 20001 {
		x := float64(i-10000) / 10000
		v := Sign(x)
		if math.Abs(v+Sign(-x)) > 1e-12 {
			t.Fatalf("Sign(%g) = %g is not odd", x, v)
		}
		if math.Abs(v) > 1.0001 || math.Abs(x) > .05 && math.Abs(v) < Saturated || x*v < 0 {
			t.Fatalf("Sign(%g) = %g", x, v)
		}
		back, ok := Invert(v)
		if inside := math.Abs(x) < 1./64; inside && !ok || ok && math.Abs(x) < .05 && math.Abs(back-x) > 1e-9 {
			t.Fatalf("Invert(Sign(%g)) = %g, %v", x, back, ok)
		}
	}
}

func TestParameters(t *testing.T) {
	p, err := newParameters()
	if err != nil {
		t.Fatal(err)
	}
	if p.MaxSlots() != Slots || p.MaxLevel() != levels || p.LogQP() > maxLogQP {
		t.Errorf("%d slots, %d levels, %g bits", p.MaxSlots(), p.MaxLevel(), p.LogQP())
	}
}

func TestRefusals(t *testing.T) {
	c, probe, gallery := testGallery(16, 3)
	for want, change := range map[string]func(*Config) [][]int8{
		"layout":      func(c *Config) [][]int8 { c.Layout = 7; return gallery },
		"dimensions":  func(c *Config) [][]int8 { c.Dims = 24; return gallery },
		"norm":        func(c *Config) [][]int8 { c.Norm = 0; return gallery },
		"theta":       func(c *Config) [][]int8 { c.Theta = 1 << 20; return gallery },
		"entries":     func(c *Config) [][]int8 { return nil },
		"coordinates": func(c *Config) [][]int8 { return [][]int8{probe, probe[:7]} },
	} {
		changed := c
		list := change(&changed)
		if _, err := New(changed, list); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
	m, err := New(c, gallery)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Query(probe[:3], false, wall); err == nil {
		t.Error("a probe of another length is accepted")
	}
}

// BenchmarkQuery is for benchstat: one batch, times a stage and an entry.
//
//	go test ./bench/ckks -run - -bench . -count 10
func BenchmarkQuery(b *testing.B) {
	for _, dims := range []int{128, 512} {
		for _, layout := range []Layout{ByDimension, Diagonal} {
			c, probe, gallery := testGallery(dims, Slots)
			c.Layout = layout
			m, err := New(c, gallery)
			if err != nil {
				b.Fatal(err)
			}
			for _, name := range []string{"plain", "encrypted"} {
				b.Run(fmt.Sprintf("%s/%d/%s", strings.ReplaceAll(layout.String(), " ", "-"), dims, name), func(b *testing.B) {
					var sum Answer
					for b.Loop() {
						a, err := m.Query(probe, name == "encrypted", wall)
						if err != nil {
							b.Fatal(err)
						}
						sum.Encrypt += a.Encrypt
						sum.Rotate += a.Rotate
						sum.Products += a.Products
						sum.Sign += a.Sign
						sum.Decrypt += a.Decrypt
					}
					for stage, d := range map[string]time.Duration{"encrypt": sum.Encrypt, "rotate": sum.Rotate, "products": sum.Products, "sign": sum.Sign, "decrypt": sum.Decrypt} {
						b.ReportMetric(float64(d.Nanoseconds())/1000/float64(b.N)/Slots, stage+"-us/entry")
					}
				})
			}
		}
	}
}
