package calibration

import (
	"fmt"

	"github.com/puente-project/puente/templates"
)

// warn says in sentences what the data cannot show.
func (r *Report) warn() []string {
	w := []string{}
	add := func(format string, args ...any) { w = append(w, fmt.Sprintf(format, args...)) }
	if !r.EffectKnown {
		add("there are fewer than %d false matches even at the loosest threshold: all %d impostor pairs were taken to be independent, though only %d of them share no person",
			enough, r.Impostor, r.Independent)
	}
	for _, row := range r.Rows {
		if !row.Supported {
			add("an FMR of %g cannot be shown with these data: that needs %d impostor pairs, there are %d; the least that can be shown is %.2g",
				row.Target, row.Needed, r.Impostor, r.LeastFMR)
			break // so much more for those that are stricter
		}
	}
	rec := r.Recommendation
	if rec == nil {
		return w
	}
	switch {
	case !rec.Supported && rec.Threshold == nil:
		add("the demand allows an FMR of %.2g, but there are false matches at every threshold: no threshold can be recommended", rec.FMR)
	case !rec.Supported:
		add("the demand allows an FMR of %.2g, which these data cannot show: that needs %d impostor pairs, there are %d; "+
			"at the threshold given the number of false hits per year is at most %.3g with 95 %% confidence, and that is not what was demanded",
			rec.FMR, rec.Needed, r.Impostor, rec.Limit)
	case rec.Threshold.FNMR.Value > 0.5:
		add("at the threshold for this demand more than half of the genuine pairs are missed")
	}
	if rec.Threshold != nil {
		// Only an agreed Delta bounds the overlap, and of eyes it is what is looked for.
		if s, err := templates.ParseScheme(rec.Threshold.Scheme); err == nil && s.Eyes > 0 && 8*s.Delta < s.Alpha*int64(s.Shape.Bits()) {
			add("under the threshold given a pair with %d common bits can hit, less than an eighth of an eye: "+
				"give a scheme with a smaller ratio of alpha to beta, which makes delta larger", (s.Delta+s.Alpha-1)/s.Alpha)
		}
	}
	if rec.Extrapolated != nil {
		add("the extrapolated threshold rests on a model of impostors, not on pairs that were counted")
	}
	if rec.Threshold != nil && !rec.Threshold.FNMR.Thirty {
		add("fewer than %d genuine pairs are missed at the threshold given: its FNMR is known within the limits stated and no better (rule of thirty)", enough)
	}
	return w
}
