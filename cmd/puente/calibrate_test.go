package main

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/puente-project/puente/protocol"
	"github.com/puente-project/puente/templates"
	"github.com/puente-project/puente/templates/calibration"
	"github.com/puente-project/puente/templates/synthetic"
)

func captures(t *testing.T, scheme templates.Scheme, people int) []calibration.Sample {
	t.Helper()
	p, err := synthetic.New(scheme, 3)
	if err != nil {
		t.Fatal(err)
	}
	var samples []calibration.Sample
	for i := range people {
		for _, tpl := range []templates.Template{p.Entry(i), p.Genuine(i, 1)} {
			samples = append(samples, calibration.Sample{Template: tpl, Person: fmt.Sprint(i)})
		}
	}
	return samples
}

// TestVerifyEncrypted: under a threshold that was found, the encrypted protocol
// decides as the plain matcher does, next to the threshold and elsewhere.
func TestVerifyEncrypted(t *testing.T) {
	for _, text := range []string{"iris:8x64x1x1:shifts=5:threshold=2/5:delta=64", "vector:64:norm=31:theta=290",
		"eyes:8x64x1x1:shifts=5:threshold=2/5:delta=64", "fingers:2,3,7:64:norm=31:theta=300+200"} {
		scheme, err := templates.SchemeByName(text)
		if err != nil {
			t.Fatal(err)
		}
		samples := captures(t, scheme, 12)
		d, err := calibration.Measure(context.Background(), scheme, samples, calibration.Options{})
		if err != nil {
			t.Fatal(err)
		}
		r, err := d.Report(&calibration.Demand{FalseHitsPerYear: 5, WatchlistSize: 10, QueriesPerYear: 10})
		if err != nil {
			t.Fatal(err)
		}
		v, err := verifyEncrypted(context.Background(), r, samples, 6, 1, newProgress())
		if err != nil {
			t.Fatal(err)
		}
		if v.Differences != 0 || v.verdict() != nil {
			t.Errorf("%s: %+v", text, v)
		}
		if v.Scheme != r.Recommendation.Threshold.Scheme || v.Pairs < 7 || v.Pairs > 12 || v.Decisions != v.Probes*v.Entries || v.Hits == 0 || v.Hits == v.Decisions {
			t.Errorf("%s: %+v says little", text, v)
		}
		again, err := verifyEncrypted(context.Background(), r, samples, 6, 1, newProgress())
		if err != nil || *again != *v {
			t.Errorf("%s: the same seed gives %+v and %+v, %v", text, v, again, err)
		}
	}
}

// TestVerifySeesDifferences: with entries that are not those of the gallery, decisions
// differ, and that has an exit code of its own.
func TestVerifySeesDifferences(t *testing.T) {
	scheme, err := templates.SchemeByName("vector:64:norm=31:theta=290")
	if err != nil {
		t.Fatal(err)
	}
	samples := captures(t, scheme, 2)
	entries := []templates.Template{samples[0].Template, samples[2].Template}
	gallery, err := protocol.NewGallery(context.Background(), scheme, 1, 2, 0, 1, templates.Sequence(entries), nil)
	if err != nil {
		t.Fatal(err)
	}
	entries[0], entries[1] = entries[1], entries[0]
	var v verification
	if err := v.compare(context.Background(), gallery, entries, samples[1].Template); err != nil {
		t.Fatal(err)
	}
	if v.Decisions != 2 || v.Hits != 1 || v.Differences != 2 {
		t.Errorf("with exchanged entries: %+v", v)
	}
	if got := exitCode(context.Background(), v.verdict()); got != exitDiffers {
		t.Errorf("exit code %d, want %d", got, exitDiffers)
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	stop := errors.New("stop")
	cancel(stop)
	if _, err := askEncrypted(ctx, gallery, samples[1].Template); !errors.Is(err, stop) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestRateText(t *testing.T) {
	for x, want := range map[float64]string{0: "0", 1: "100 %", 0.0123456: "1.23 %", 0.00012345: "1.23e-4", 1e-12: "1.00e-12"} {
		if got := rateText(x); got != want {
			t.Errorf("%g is %q, want %q", x, got, want)
		}
	}
}
