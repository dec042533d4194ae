package suite

import (
	"bytes"
	"context"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
)

// TestQuick runs everything on small sizes: all decisions are right where they have to be,
// everything is measured, and the JSON form keeps it.
func TestQuick(t *testing.T) {
	var log bytes.Buffer
	r, err := Run(context.Background(), Options{Quick: true, Seed: 1, Log: &log})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Comparisons) != len(quick.compared) || len(r.Scaling) != 6 || len(r.Manifests) != len(quick.manifests) || !strings.Contains(log.String(), "series of gallery") {
		t.Fatalf("%d comparisons, %d series, log %q", len(r.Comparisons), len(r.Scaling), log.String())
	}
	for _, c := range r.Comparisons {
		if len(c.Contenders) != 6 || c.Contenders[0].Kind != KindPlaintext || c.Contenders[1].Kind != KindProduct {
			t.Fatalf("%d contenders, %v", len(c.Contenders), c.Contenders)
		}
		for _, who := range c.Contenders {
			if who.PerEntry.Median <= 0 || who.TimesProduct.Median <= 0 || who.TimesPlaintext.Median <= 0 || who.Decisions < c.Entries {
				t.Errorf("%s %s: %+v", who.Kind, who.Layout, who)
			}
			if who.Kind != KindCKKS {
				if who.Wrong != 0 {
					t.Errorf("%s: %d decisions of %d are wrong", who.Kind, who.Wrong, who.Decisions)
				}
				continue
			}
			// Away from the threshold by more than its error, a baseline is right.
			if p := who.Precision; p.WrongAt > p.ScoreError+20 || p.ScoreError <= 0 || p.ScoreError > 5 || p.Unclear < c.Near/2 || p.Invertible == 0 {
				t.Errorf("%s, encrypted %v: %+v", who.Layout, who.Encrypted, p)
			}
			if who.KeyBytes <= 0 || who.ProbeBytes <= 0 || who.BytesDown <= 0 || who.ResidentPerEntry <= 0 {
				t.Errorf("%s: bytes are missing: %+v", who.Layout, who)
			}
		}
	}
	for _, s := range r.Scaling {
		for _, p := range s.Points {
			if p.Wrong != 0 || p.Decisions != (s.Rounds+1)*p.Entries {
				t.Errorf("series of %s: %d of %d decisions wrong", s.Name, p.Wrong, p.Decisions)
			}
			if p.PerEntry.Median <= 0 || p.Wall.Median <= 0 || p.TimesPlaintext.Median <= 0 || p.ResidentPerEntry <= 0 || len(p.Stages) != len(productStages) {
				t.Errorf("series of %s: %+v", s.Name, p)
			}
		}
	}
	for _, m := range r.Manifests {
		if m.DecisionMismatches != 0 || m.Probes != quick.probes || m.RatioBare <= 0 || m.RatioLogged <= 0 || m.RatioWall <= 0 {
			t.Errorf("sessions of several probes: %+v", m)
		}
	}
	data, err := r.Encode()
	if err != nil {
		t.Fatal(err)
	}
	back, err := Decode(data)
	if err != nil || !reflect.DeepEqual(back, r) {
		t.Errorf("the JSON form does not keep the report: %v", err)
	}
}

func TestDecodeRefuses(t *testing.T) {
	for _, text := range []string{"", "{}", `{"format": 2, "more": 2}`, `{"format": 1}`, `[]`} {
		if r, err := Decode([]byte(text)); err == nil || !strings.Contains(err.Error(), "make bench-report") {
			t.Errorf("%q: %v, %v", text, r, err)
		}
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Run(ctx, Options{Quick: true}); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled run gives %v", err)
	}
}

func TestSpread(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   Spread
	}{
		{nil, Spread{}},
		{[]float64{7}, Spread{7, 7, 7}},
		{[]float64{5, 1, 3, 2, 4}, Spread{3, 2, 4}},
		{[]float64{4, 1, 3, 2}, Spread{2.5, 1.75, 3.25}},
	} {
		if got := spread(c.values); got != c.want {
			t.Errorf("%v: %v, want %v", c.values, got, c.want)
		}
	}
}

func TestRounded(t *testing.T) {
	for v, want := range map[float64]float64{0: 0, 1.23456: 1.235, -0.00123456: -0.001235, 123456: 123500, 99999: 100000, 5: 5} {
		if got := rounded(v); math.Abs(got-want) > 1e-15*math.Abs(want) {
			t.Errorf("%g: %g, want %g", v, got, want)
		}
	}
}
