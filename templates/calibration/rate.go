package calibration

// Rate is a share of errors with its limits.
type Rate struct {
	Errors int64   `json:"errors"`
	Pairs  int64   `json:"pairs"`
	Value  float64 `json:"rate"` // Errors/Pairs
	// Low and High are the two-sided 95 % confidence interval, Upper the one-sided
	// upper limit, all after division by the design effect.
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
	Upper float64 `json:"upper_one_sided"`
	// Effect is the design effect, at least 1: Pairs/Effect independent pairs would
	// say as much.
	Effect float64 `json:"design_effect"`
	// Thirty says that there are 30 errors: the rule of thirty.
	Thirty bool `json:"rule_of_thirty"`
}

func newRate(errors, pairs int64, effect float64) Rate {
	r := Rate{Errors: errors, Pairs: pairs, Value: float64(errors) / float64(pairs), Effect: effect, Thirty: errors >= enough}
	e, n := float64(errors)/effect, float64(pairs)/effect
	r.Low, r.High = Interval(e, n)
	r.Upper = Upper(e, n)
	return r
}

// Point is what is known of one threshold.
type Point struct {
	// Threshold is Alpha/Beta, a distance, for an iris; else the share of the greatest
	// inner product, which is a cosine for vectors.
	Threshold float64 `json:"threshold"`
	// Scheme is the text of the scheme with this threshold; empty if no scheme is
	// valid with it: if it lets distances of 1/2 hit, or inner products of 0.
	Scheme string `json:"scheme"`
	FMR    Rate   `json:"fmr"`
	FNMR   Rate   `json:"fnmr"`
}

func (d *Distribution) point(i int) Point {
	effect, _ := d.effectAt(i)
	pairs := d.people.total
	p := Point{
		Threshold: d.axis.value(i),
		FMR:       newRate(d.hits[impostor][i], d.people.impostors(), effect),
		FNMR:      newRate(pairs-d.hits[genuine][i], pairs, d.genuineEffect(i)),
	}
	if i < d.axis.usable {
		p.Scheme = d.axis.at(i).String()
	}
	return p
}

func (d *Distribution) fmr(i int) float64 {
	return float64(d.hits[impostor][i]) / float64(d.people.impostors())
}

func (d *Distribution) fnmr(i int) float64 {
	return 1 - float64(d.hits[genuine][i])/float64(d.people.total)
}
