package calibration

import (
	"fmt"
	"testing"

	"github.com/puente-project/puente/templates/synthetic"
)

// TestPopulation: the artificial population of hard captures has the equal error rate
// that its documentation gives, 4.5 %, within the limits of 250 genuine pairs; at the
// given threshold pairs are counted as the matcher decides.
func TestPopulation(t *testing.T) {
	s := scheme(t, "iris-16384")
	p, err := synthetic.New(s, 2)
	if err != nil {
		t.Fatal(err)
	}
	p.Quality = synthetic.Hard
	var samples []Sample
	for i := range 250 {
		samples = append(samples, Sample{Template: p.Entry(i), Person: fmt.Sprint(i)}, Sample{Template: p.Genuine(i, 0), Person: fmt.Sprint(i)})
	}
	d := measure(t, s, samples, Options{})
	r, err := d.Report(nil)
	if err != nil {
		t.Fatal(err)
	}
	if low, high := r.EER.FNMR.Low, r.EER.FNMR.High; low > 0.045 || high < 0.045 || high > 0.09 {
		t.Errorf("EER is %.4f, FNMR %.4f to %.4f, want .045", r.EERValue, low, high)
	}
	want := int64(0)
	for i := 0; i < len(samples); i += 2 {
		want += matches(t, s, samples[i:i+2])[genuine]
	}
	if got := d.hits[genuine][d.given()]; r.Given.Scheme != s.String() || got != want {
		t.Errorf("%s: %d genuine pairs hit, the matcher says %d", r.Given.Scheme, got, want)
	}
}
