package calibration

import (
	"math"
	"sort"

	"github.com/puente-project/puente/templates"
)

// Demand is what a threshold is to achieve.
type Demand struct {
	// FalseHitsPerYear is the expected number that is tolerable, above 0.
	FalseHitsPerYear float64 `json:"false_hits_per_year"`
	// WatchlistSize is the number of entries and QueriesPerYear that of probes, each
	// of which is compared with every entry: 1 to 10^12.
	WatchlistSize  float64 `json:"watchlist_size"`
	QueriesPerYear float64 `json:"queries_per_year"`
	// Possible, if not nil, gives an error for schemes that cannot be run, so that
	// they are not recommended: the encryption has a limit on Beta times the bits.
	Possible func(templates.Scheme) error `json:"-"`
}

func (d Demand) comparisons() float64 { return d.WatchlistSize * d.QueriesPerYear }

func (d Demand) validate() error {
	const most = 1e12
	for _, f := range []struct {
		name string
		v    float64
	}{{"watchlist size", d.WatchlistSize}, {"number of queries per year", d.QueriesPerYear}} {
		if !(f.v >= 1 && f.v <= most) {
			return fail(ErrDemand, "the %s must be 1 to 10^12, not %g", f.name, f.v)
		}
	}
	if !(d.FalseHitsPerYear > 0 && d.FalseHitsPerYear <= d.comparisons()) {
		return fail(ErrDemand, "the false hits per year must be above 0 and at most the %g comparisons per year, not %g", d.comparisons(), d.FalseHitsPerYear)
	}
	return nil
}

// slack is how much stricter a recommended iris threshold may be than necessary, as a
// distance, for a smaller denominator: every bit of Beta is a bit of every score. It is
// more where there is no possible one so near.
const slack = 0.002

// Recommendation answers a Demand. The expected number of false hits in a year is the
// sum of the probabilities over all comparisons, FMR * WatchlistSize *
// QueriesPerYear, whether they are independent or not.
type Recommendation struct {
	Demand Demand `json:"demand"`
	// FMR is what the demand allows.
	FMR float64 `json:"fmr_allowed"`
	// Supported says that the data show it: there is a threshold whose one-sided 95 %
	// upper limit of the FMR is at most what is allowed. Threshold is then the loosest
	// such, made simpler; else the strictest about which the data say anything, the
	// loosest without a false match. It is nil if every threshold has false matches.
	Supported bool   `json:"supported"`
	Needed    int64  `json:"impostor_pairs_needed"`
	Threshold *Point `json:"threshold,omitempty"`
	// Expected is the number of false hits per year at the rate counted, and Limit at
	// its upper limit. Without false matches Expected is 0, which says little.
	Expected float64 `json:"expected_false_hits_per_year"`
	Limit    float64 `json:"upper_limit_false_hits_per_year"`
	// Loosest is the threshold before it was made simpler, to show what that costs.
	Loosest *Point `json:"loosest,omitempty"`
	// Extrapolated is the loosest threshold, made simpler, at which the model, and the
	// data as far as they go, allow no more. It is given when the data do not support
	// the demand and there is a model. It is not a measurement.
	Extrapolated *Extrapolation `json:"extrapolated,omitempty"`
}

// Extrapolation is a threshold found with a Model.
type Extrapolation struct {
	Point    Point   `json:"point"`
	FMR      float64 `json:"model_fmr"`
	Expected float64 `json:"model_false_hits_per_year"`
}

func (d *Distribution) recommend(demand Demand, m *Model) (*Recommendation, error) {
	if err := demand.validate(); err != nil {
		return nil, err
	}
	r := &Recommendation{Demand: demand, FMR: demand.FalseHitsPerYear / demand.comparisons()}
	_, r.Needed = d.supports(r.FMR)
	// The upper limit grows with the errors; what the design effect adds is the same
	// at all thresholds with few.
	i := sort.Search(d.axis.usable, func(i int) bool { return d.upper(i) > r.FMR }) - 1
	r.Supported = i >= 0
	if !r.Supported {
		i = min(d.loosest(0), d.axis.usable-1)
	}
	if i >= 0 {
		loosest, simple := d.point(i), d.point(d.axis.simplest(i, slack, demand.Possible))
		r.Loosest, r.Threshold = &loosest, &simple
		r.Expected = simple.FMR.Value * demand.comparisons()
		r.Limit = simple.FMR.Upper * demand.comparisons()
	}
	if !r.Supported && m != nil && i >= 0 {
		r.Extrapolated = d.extrapolate(i, r.FMR, demand, m)
	}
	return r, nil
}

// extrapolate looks for a threshold not looser than i; nil if the strictest is too
// loose.
func (d *Distribution) extrapolate(i int, rate float64, demand Demand, m *Model) *Extrapolation {
	j := min(i, sort.Search(d.axis.usable, func(k int) bool { return m.fmr(d.axis.value(k)) > rate })-1)
	if j < 0 {
		return nil
	}
	p := d.point(d.axis.simplest(j, slack, demand.Possible))
	fmr := m.fmr(p.Threshold)
	return &Extrapolation{Point: p, FMR: fmr, Expected: math.Min(fmr, 1) * demand.comparisons()}
}

// upper is the upper limit of the FMR at threshold i.
func (d *Distribution) upper(i int) float64 {
	effect, _ := d.effectAt(i)
	return newRate(d.hits[impostor][i], d.people.impostors(), effect).Upper
}
