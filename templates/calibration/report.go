package calibration

import (
	"math"
	"sort"
)

// Report is the outcome of a measurement.
type Report struct {
	// Scheme is the scheme that was given; its threshold plays no part but in Given.
	Scheme   string `json:"scheme"`
	Measure  string `json:"measure"`   // "distance" or "similarity"
	Overlap  int64  `json:"overlap"`   // m of an iris scheme, in bits; else 0
	People   int    `json:"people"`    //
	Samples  int    `json:"templates"` //
	Genuine  int64  `json:"genuine_pairs"`
	Impostor int64  `json:"impostor_pairs"`
	LeftOut  int64  `json:"pairs_left_out"` // different eyes or fingers of one person
	// Independent is the number of impostor pairs of which no two share a person.
	Independent int64 `json:"independent_impostor_pairs"`
	// LeastFMR is the least rate that the data can support, 3/pairs times the design
	// effect, and LeastIndependent what the independent pairs alone can.
	LeastFMR         float64 `json:"least_fmr_supported"`
	LeastIndependent float64 `json:"least_fmr_of_independent_pairs"`
	// EffectKnown says that 30 false matches were seen somewhere, so that the design
	// effect of the FMR is an estimate; it is 1 otherwise.
	EffectKnown bool `json:"design_effect_known"`

	// EER is the threshold at which FMR and FNMR are nearest; the rate is their mean.
	EER      Point   `json:"eer_point"`
	EERValue float64 `json:"eer"`
	// Given is the threshold of the scheme that was given.
	Given Point  `json:"given"`
	Rows  []Row  `json:"at_fmr"`
	DET   []DET  `json:"det"`
	Model *Model `json:"extrapolation_model,omitempty"`

	GenuineHistogram  Histogram `json:"genuine_histogram"`
	ImpostorHistogram Histogram `json:"impostor_histogram"`

	Recommendation *Recommendation `json:"recommendation,omitempty"`
	// Warnings are sentences for people: what the data cannot show.
	Warnings []string `json:"warnings"`
}

// Row is the loosest threshold whose FMR, as counted, is at most Target.
type Row struct {
	Target float64 `json:"target_fmr"`
	// Supported says that the impostor pairs are enough for such a rate: without any
	// error the upper limit would be below Target. Point is nil otherwise, or when the
	// strictest threshold is not strict enough.
	Supported bool   `json:"supported"`
	Needed    int64  `json:"impostor_pairs_needed"`
	Point     *Point `json:"point,omitempty"`
	// Extrapolated is what the model gives at the threshold of Point.
	Extrapolated float64 `json:"extrapolated_fmr,omitempty"`
}

// DET is a point of the detection error trade-off curve.
type DET struct {
	Threshold float64 `json:"threshold"`
	FMR       float64 `json:"fmr"`
	FNMR      float64 `json:"fnmr"`
}

// Histogram counts pairs in bins of equal width from Low to High; what is outside is
// in the first or the last.
type Histogram struct {
	Low    float64 `json:"low"`
	High   float64 `json:"high"`
	Counts []int64 `json:"counts"`
}

// Targets are the rates for which a report has rows.
var Targets = []float64{1e-2, 1e-3, 1e-4, 1e-5, 1e-6}

// Report computes the report; a recommendation is in it when there is a demand.
// Errors wrap ErrDemand.
func (d *Distribution) Report(demand *Demand) (*Report, error) {
	p, s := d.people, d.axis.scheme
	eer := d.eer()
	effect, known := d.effectAt(0)
	r := &Report{
		Scheme: s.String(), Measure: "similarity", Overlap: d.axis.overlap,
		People: len(p.samples), Samples: len(p.person), Genuine: p.total, Impostor: p.impostors(), LeftOut: p.leftOut,
		Independent: int64(len(p.samples) / 2), EffectKnown: known,
		LeastFMR:         Upper(0, float64(p.impostors())/effect),
		LeastIndependent: Upper(0, float64(len(p.samples)/2)),
		EER:              d.point(eer), EERValue: (d.fmr(eer) + d.fnmr(eer)) / 2, Given: d.point(d.given()),
		DET: d.det(), Model: d.model(),
	}
	low := -1.0
	if d.axis.fractions != nil {
		r.Measure, low = "distance", 0
	}
	r.GenuineHistogram = Histogram{low, 1, d.plot[genuine][:]}
	r.ImpostorHistogram = Histogram{low, 1, d.plot[impostor][:]}
	for _, target := range Targets {
		r.Rows = append(r.Rows, d.rowAt(target, r.Model))
	}
	if demand != nil {
		var err error
		if r.Recommendation, err = d.recommend(*demand, r.Model); err != nil {
			return nil, err
		}
	}
	r.Warnings = r.warn()
	return r, nil
}

// given is the index of the loosest candidate that is not looser than the scheme's
// threshold: itself, but for a Delta that is no multiple of Alpha.
func (d *Distribution) given() int {
	s := d.axis.scheme
	t := float64(s.Offset()) / float64(d.axis.top)
	if d.axis.fractions != nil {
		t = float64(s.Alpha) / float64(s.Beta)
	}
	n := sort.Search(d.axis.usable, func(i int) bool { return d.axis.looser(d.axis.value(i), t) })
	return max(n-1, 0)
}

// looser reports whether a threshold lets more pass than another.
func (x *axis) looser(a, b float64) bool {
	if x.fractions != nil {
		return a > b
	}
	return a < b
}

// eer is the index where FMR and FNMR differ least, the strictest of equals.
func (d *Distribution) eer() int {
	best, gap := 0, math.Inf(1)
	for i := range d.axis.n {
		if g := math.Abs(d.fmr(i) - d.fnmr(i)); g < gap {
			best, gap = i, g
		}
	}
	return best
}

// loosest is the index of the loosest threshold whose FMR is at most a rate; -1 if
// the strictest has more.
func (d *Distribution) loosest(rate float64) int {
	return sort.Search(d.axis.n, func(i int) bool { return d.fmr(i) > rate }) - 1
}

func (d *Distribution) rowAt(target float64, m *Model) Row {
	r := Row{Target: target}
	r.Supported, r.Needed = d.supports(target)
	i := d.loosest(target)
	if !r.Supported || i < 0 {
		return r
	}
	p := d.point(i)
	r.Point = &p
	if m != nil {
		r.Extrapolated = m.fmr(p.Threshold)
	}
	return r
}

// supports reports whether an FMR of 0 errors would have an upper limit of at most
// the target, and how many impostor pairs are needed for that: the rule of three,
// times the design effect.
func (d *Distribution) supports(target float64) (bool, int64) {
	effect, _ := d.effectAt(0)
	needed := math.Ceil(effect * math.Log(1-Confidence) / math.Log1p(-target))
	if target >= 1 {
		needed = 1
	}
	return float64(d.people.impostors()) >= needed, int64(min(needed, math.MaxInt64/2))
}

// det gives ten thresholds to the decade of FMR from its least to 1, each the loosest
// with that rate, without repetitions.
func (d *Distribution) det() []DET {
	var list []DET
	last := -1
	for step := math.Floor(10 * math.Log10(1/float64(d.people.impostors()))); step <= 0; step++ {
		i := d.loosest(math.Pow(10, step/10))
		if i <= last {
			continue
		}
		last = i
		list = append(list, DET{d.axis.value(i), d.fmr(i), d.fnmr(i)})
	}
	return list
}
