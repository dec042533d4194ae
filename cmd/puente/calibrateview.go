package main

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/puente-project/puente/templates"
	"github.com/puente-project/puente/templates/calibration"
)

// showCalibration prints the report for people.
func showCalibration(c *cli.Context, r calibrated) {
	out := c.App.Writer
	fmt.Fprintf(out, "%d templates of %d people: %d genuine and %d impostor pairs", r.Samples, r.People, r.Genuine, r.Impostor)
	if r.LeftOut > 0 {
		fmt.Fprintf(out, "; %d pairs of different eyes or fingers left out", r.LeftOut)
	}
	fmt.Fprintln(out)
	if r.Measure == "distance" {
		fmt.Fprintf(out, "threshold: distance hd/(o-%d) of o common bits of which hd differ, best of all rotations\n", r.Overlap)
	} else {
		fmt.Fprintln(out, "threshold: inner product as a share of the greatest (a cosine for vectors)")
	}

	t := newTable(c, "", "threshold", "FMR", "95 %", "errors", "FNMR", "95 %", "errors", "model FMR*")
	row := func(name string, p *calibration.Point, model string) {
		if p == nil {
			t.AppendRow([]any{name, "data do not show", "", "", "", "", "", "", ""})
			return
		}
		t.AppendRow([]any{name, thresholdText(p), rateText(p.FMR.Value), limitsText(p.FMR), p.FMR.Errors,
			rateText(p.FNMR.Value), limitsText(p.FNMR), p.FNMR.Errors, model})
	}
	row("given", &r.Given, "")
	row(fmt.Sprintf("EER %s", rateText(r.EERValue)), &r.EER, "")
	for _, at := range r.Rows {
		model := ""
		if at.Extrapolated > 0 {
			model = rateText(at.Extrapolated)
		}
		row(fmt.Sprintf("FMR %g", at.Target), at.Point, model)
	}
	t.Render()
	fmt.Fprintf(out, "95 %%: exact binomial limits for errors/effect of pairs/effect, where effect says how much pairs that share a person\n"+
		"depend on each other (at the EER: %.3g for FMR, %.3g for FNMR). 30 errors make a rate good to about 30 %% (rule of thirty).\n",
		r.EER.FMR.Effect, r.EER.FNMR.Effect)
	fmt.Fprintf(out, "least FMR that the data can show: %s (rule of three); pairs that share no person alone: %s\n", rateText(r.LeastFMR), rateText(r.LeastIndependent))
	if m := r.Model; m != nil {
		fmt.Fprintf(out, "* extrapolation, %s: impostors at one rotation %.4f +- %.4f, %.0f degrees of freedom, best of %d",
			m.Name, m.Mean, m.Deviation, m.Freedom, m.Shifts)
		if m.Used < m.Freedom {
			fmt.Fprintf(out, "; %.0f used, so as not to be below the counts", m.Used)
		}
		fmt.Fprintln(out)
	}
	if r.Recommendation != nil {
		showRecommendation(c, r.Recommendation)
	}
	if v := r.Verified; v != nil {
		fmt.Fprintf(out, "encrypted: %d decisions of %d probes and %d entries under %s, %d pairs chosen; %d hits, %d differ from the plain matcher\n",
			v.Decisions, v.Probes, v.Entries, v.Scheme, v.Pairs, v.Hits, v.Differences)
	}
	for _, w := range r.Warnings {
		fmt.Fprintln(c.App.ErrWriter, "warning:", w)
	}
}

func showRecommendation(c *cli.Context, r *calibration.Recommendation) {
	out := c.App.Writer
	fmt.Fprintf(out, "\n%g false hits a year with %g entries and %g queries: FMR %s allowed\n",
		r.Demand.FalseHitsPerYear, r.Demand.WatchlistSize, r.Demand.QueriesPerYear, rateText(r.FMR))
	if p := r.Threshold; p != nil {
		title := "recommended"
		if !r.Supported {
			title = "NOT SHOWN to suffice; the loosest threshold without a false match"
		}
		fmt.Fprintf(out, "%s:\n  --scheme %s\n  %s\n  %.3g false hits a year expected, at most %.3g with 95 %% confidence; FNMR %s (%s), at the loosest threshold that would do %s\n",
			title, p.Scheme, costText(p.Scheme), r.Expected, r.Limit, rateText(p.FNMR.Value), limitsText(p.FNMR), rateText(r.Loosest.FNMR.Value))
	}
	if x := r.Extrapolated; x != nil {
		fmt.Fprintf(out, "EXTRAPOLATED by the model, not measured:\n  --scheme %s\n  %s\n  %.3g false hits a year; FNMR %s (%s)\n",
			x.Point.Scheme, costText(x.Point.Scheme), x.Expected, rateText(x.Point.FNMR.Value), limitsText(x.Point.FNMR))
	}
}

// costText says what a scheme costs: bits of a score and ciphertexts for comparing.
func costText(text string) string {
	s, err := templates.ParseScheme(text)
	if err != nil {
		return err.Error()
	}
	v, err := viewParams(templates.Named{Scheme: s}, calibratedEntries)
	if err != nil {
		return "not possible in the encrypted protocol: " + err.Error()
	}
	return fmt.Sprintf("threshold %s, scores of %d bits, %d levels", thresholdOf(s), v.ScoreBits, v.Levels)
}

func thresholdOf(s templates.Scheme) string {
	if s.Modality == templates.ModalityIris {
		return fmt.Sprintf("%d/%d", s.Alpha, s.Beta)
	}
	return fmt.Sprint(s.Offset())
}

func thresholdText(p *calibration.Point) string {
	if p.Scheme == "" {
		return fmt.Sprintf("%.4f (no scheme)", p.Threshold)
	}
	return fmt.Sprintf("%.4f", p.Threshold)
}

// rateText prints three digits, as a power of ten where it is small.
func rateText(x float64) string {
	switch {
	case x == 0:
		return "0"
	case x < 0.001:
		mantissa, exponent, _ := strings.Cut(fmt.Sprintf("%.2e", x), "e-")
		return mantissa + "e-" + strings.TrimLeft(exponent, "0")
	}
	return fmt.Sprintf("%.3g %%", 100*x)
}

func limitsText(r calibration.Rate) string {
	if r.Errors == 0 {
		return "up to " + rateText(r.Upper)
	}
	return rateText(r.Low) + " to " + rateText(r.High)
}
