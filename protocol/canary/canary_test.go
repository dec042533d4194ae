package canary

import (
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/puente-project/puente/he"
	"github.com/puente-project/puente/templates"
	"github.com/puente-project/puente/templates/synthetic"
)

func hits(t interface{ Fatal(...any) }, s templates.Scheme, probe, entry templates.Template) bool {
	m, err := templates.NewMatcher(s, probe)
	if err != nil {
		t.Fatal(err)
	}
	return m.Hit(entry)
}

func TestNamedSchemes(t *testing.T) {
	for _, n := range templates.Schemes() {
		c, err := New(n.Scheme, he.Seed{1})
		if err != nil {
			t.Fatal(err)
		}
		population, err := synthetic.New(n.Scheme, 1)
		if err != nil {
			t.Fatal(err)
		}
		other, err := New(n.Scheme, he.Seed{2})
		if err != nil {
			t.Fatal(err)
		}
		if !hits(t, n.Scheme, c.Probe, c.Record) || hits(t, n.Scheme, c.Blank, c.Record) {
			t.Errorf("%s: the probe hits %v, the blank %v", n.Name, hits(t, n.Scheme, c.Probe, c.Record), hits(t, n.Scheme, c.Blank, c.Record))
		}
		if hits(t, n.Scheme, c.Probe, other.Record) || c.Handle == other.Handle {
			t.Errorf("%s: two canaries are alike", n.Name)
		}
		for i := range 200 { // canaries and people do not meet
			if e := population.Entry(i); hits(t, n.Scheme, c.Probe, e) || hits(t, n.Scheme, e, c.Record) || hits(t, n.Scheme, c.Blank, e) {
				t.Errorf("%s: entry %d hits", n.Name, i)
			}
		}
		again, err := New(n.Scheme, he.Seed{1})
		if err != nil || again.Handle != c.Handle || !templates.Equal(again.Record, c.Record) {
			t.Errorf("%s: a second time another canary, error %v", n.Name, err)
		}
	}
}

// TestEveryScheme draws schemes at their bounds: thresholds near the square of the norm,
// overlaps of all bits, codes that end within a word.
func TestEveryScheme(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s templates.Scheme
		kind := rapid.SampledFrom([]string{"iris", "vector", "fingers", "eyes"}).Draw(t, "kind")
		if kind == "iris" || kind == "eyes" {
			shape := templates.Shape{Rows: rapid.IntRange(1, 5).Draw(t, "rows"), Cols: rapid.IntRange(8, 40).Draw(t, "cols"),
				Filters: rapid.IntRange(1, 2).Draw(t, "filters"), Planes: rapid.IntRange(1, 2).Draw(t, "planes")}
			s = templates.Scheme{Modality: templates.ModalityIris, Shape: shape, Shifts: 1 + 2*rapid.IntRange(0, 3).Draw(t, "half"), Alpha: 8, Beta: 25}
			s.Delta = rapid.Int64Range(1, s.Alpha*int64(shape.Bits())).Draw(t, "delta")
			if kind == "eyes" {
				s.Modality, s.Eyes, s.Delta = templates.ModalityFused, 2, s.Delta*2
			}
		}
		if kind == "vector" {
			norm := rapid.IntRange(1, templates.MaxNorm).Draw(t, "norm")
			s = templates.Scheme{Modality: templates.ModalityVector, Shifts: 1, Dims: rapid.IntRange(1, 300).Draw(t, "dims"), Norm: norm,
				Theta: rapid.Int64Range(1, int64(norm*norm)).Draw(t, "theta")}
		}
		if kind == "fingers" || kind == "eyes" && rapid.Bool().Draw(t, "with fingers") {
			if kind == "fingers" {
				s = templates.Scheme{Modality: templates.ModalityFused, Shifts: 1}
			}
			s.Dims, s.Norm, s.Weight = rapid.IntRange(1, 100).Draw(t, "dims"), rapid.IntRange(1, templates.MaxNorm).Draw(t, "norm"), 1
			s.Fingers = templates.FingerSet(rapid.Uint16Range(1, uint16(templates.AllFingers)>>1).Draw(t, "fingers")) << 1
			if kind == "eyes" {
				s.Weight = rapid.Int64Range(1, templates.MaxWeight).Draw(t, "weight")
			}
			top := s.Weight * int64(s.Norm*s.Norm)
			s.Each = rapid.Int64Range(0, top-1).Draw(t, "each")
			if kind == "fingers" {
				s.Theta = rapid.Int64Range(1, int64(s.Fingers.Len())*(top-s.Each)).Draw(t, "theta")
			}
		}
		seed := he.Seed(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "seed"))
		c, err := New(s, seed)
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range []templates.Template{c.Record, c.Probe, c.Blank} {
			if err := s.Check(x); err != nil {
				t.Fatal(err)
			}
		}
		if !hits(t, s, c.Probe, c.Record) || hits(t, s, c.Blank, c.Record) || hits(t, s, c.Probe, c.Blank) || hits(t, s, c.Blank, c.Blank) {
			t.Errorf("scheme %s: hits are wrong", s)
		}
	})
	if _, err := New(templates.Scheme{}, he.Seed{}); !errors.Is(err, templates.ErrScheme) {
		t.Errorf("no scheme: error %v", err)
	}
}

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		hits, blank   []int
		missed, wrong bool
	}{
		{[]int{3, 7}, nil, false, false},
		{[]int{3}, nil, true, false},
		{nil, []int{0}, true, true},
		{[]int{7}, []int{7}, false, true},
	} {
		err := Check(7, c.hits, c.blank)
		if errors.Is(err, ErrMissed) != c.missed || errors.Is(err, ErrFalse) != c.wrong || (err == nil) != (!c.missed && !c.wrong) {
			t.Errorf("%+v: error %v", c, err)
		}
		if c.missed && !strings.Contains(err.Error(), "slot 7") {
			t.Errorf("error %v does not name the slot", err)
		}
	}
}
