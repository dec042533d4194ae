package suite

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"github.com/puente-project/puente/bench"
)

// Format is the version of the JSON form.
const Format = 2

// Report is everything measured in one run. Names of fields in JSON are stable.
type Report struct {
	Format  int     `json:"format"`
	Quick   bool    `json:"quick"` // sizes for trying out, not for reading
	Machine Machine `json:"machine"`
	Started string  `json:"started"` // RFC 3339, UTC
	Seconds float64 `json:"seconds"` // wall time of the run
	PeakRSS int64   `json:"peak_rss_bytes"`
	Seed    uint64  `json:"seed"`
	// Comparisons have the contenders, by dimensions.
	Comparisons []Comparison `json:"comparisons"`
	Scaling     []Series     `json:"scaling"`
	// Manifests are sessions of many probes, by entries.
	Manifests []bench.ProbesResult `json:"manifests"`
}

// Spread is a figure over several rounds.
type Spread struct {
	Median float64 `json:"median"`
	Q1     float64 `json:"q1"`
	Q3     float64 `json:"q3"`
}

// Comparison is contenders that matched the same probe with the same entries.
type Comparison struct {
	Scheme  string `json:"scheme"`
	Dims    int    `json:"dims"`
	Entries int    `json:"entries"`
	Near    int    `json:"entries_near_threshold"`
	Theta   int    `json:"theta"` // least inner product that hits
	Rounds  int    `json:"rounds"`
	// Contenders begins with the plaintext matcher and the product.
	Contenders []Contender `json:"contenders"`
}

// Kinds of contenders.
const (
	KindPlaintext = "plaintext"
	KindProduct   = "puente"
	KindCKKS      = "ckks"
)

// Contender is one way to match.
type Contender struct {
	Kind       string `json:"kind"`
	Layout     string `json:"layout"` // of KindCKKS: "by dimension" or "diagonal"
	Encrypted  bool   `json:"gallery_encrypted"`
	Parameters string `json:"parameters"`

	PerEntry Spread `json:"us_per_entry"` // everything, both parties
	// PerQuery is the part of it that a longer watchlist does not repeat, in
	// milliseconds, and PerFurther the rest, microseconds per entry.
	PerQuery   Spread  `json:"ms_per_query"`
	PerFurther Spread  `json:"us_per_further_entry"`
	Stages     []Stage `json:"stages"`
	// TimesPlaintext and TimesProduct are PerEntry in relation to the others' of the
	// same round, TimesFurther is PerFurther in relation to the product's.
	TimesPlaintext Spread `json:"times_plaintext"`
	TimesProduct   Spread `json:"times_puente"`
	TimesFurther   Spread `json:"times_puente_further"`

	KeyBytes         int64   `json:"key_bytes"`          // evaluation keys, once per key
	ProbeBytes       int64   `json:"probe_bytes"`        // once per query
	BytesUpPerEntry  float64 `json:"bytes_per_entry_up"` // to the holder, beside the probe
	BytesDown        float64 `json:"bytes_per_entry_down"`
	ResidentPerEntry float64 `json:"resident_bytes_per_entry"`

	// Wrong is the number of decisions, of all rounds, that differ from those of the
	// plaintext matcher, of Decisions.
	Wrong     int        `json:"wrong_decisions"`
	Decisions int        `json:"decisions"`
	Precision *Precision `json:"precision,omitempty"` // of KindCKKS
}

// Stage is a part of the time, microseconds per entry.
type Stage struct {
	Name     string `json:"name"`
	PerEntry Spread `json:"us_per_entry"`
}

// Precision is what the answers of a CKKS contender are worth to those who need them and to
// those who are not to have more. Scores are integers.
type Precision struct {
	// ScoreError is the largest error of a decrypted inner product before the sign.
	ScoreError float64 `json:"largest_score_error"`
	// WrongAt is the largest distance from the threshold of a score that was decided
	// wrongly, 0 if none was.
	WrongAt float64 `json:"wrong_at_most_from_threshold"`
	// Unclear is the number of entries of a round whose sign is below 0.9 in size.
	Unclear int `json:"unclear_signs"`
	// Invertible is the number of entries of a round whose score follows from the
	// sign, and Recovered the median error of what follows.
	Invertible int     `json:"invertible_signs"`
	Recovered  float64 `json:"recovered_score_error"`
}

// Series is how the product's cost depends on one thing.
type Series struct {
	Name   string  `json:"name"` // entries, dims, shifts, fused, threads or gallery
	Rounds int     `json:"rounds"`
	Points []Point `json:"points"`
}

// Point is one measurement of the product.
type Point struct {
	Modality string `json:"modality"`
	Dims     int    `json:"dims"`
	Entries  int    `json:"entries"`
	Shifts   int    `json:"shifts"`
	Threads  int    `json:"threads"`
	Compact  bool   `json:"compact"`

	PerEntry       Spread  `json:"us_per_entry"`
	Stages         []Stage `json:"stages"`
	Plaintext      Spread  `json:"plaintext_us_per_entry"`
	TimesPlaintext Spread  `json:"times_plaintext"`
	Wall           Spread  `json:"wall_seconds"`

	SetupPerEntry    float64 `json:"setup_us_per_entry"`
	SetupWall        float64 `json:"setup_wall_seconds"`
	ResidentPerEntry float64 `json:"resident_bytes_per_entry"`
	BytesUpPerEntry  float64 `json:"bytes_per_entry_up"`
	BytesDown        float64 `json:"bytes_per_entry_down"`
	ProbeBytes       int64   `json:"probe_bytes"`
	Wrong            int     `json:"wrong_decisions"`
	Decisions        int     `json:"decisions"`
}

// Encode gives the JSON form, indented, with a final newline. Numbers are rounded to four
// significant digits when measured, so that it can be read.
func (r *Report) Encode() ([]byte, error) {
	b, err := json.MarshalIndent(r, "", "  ")
	return append(b, '\n'), err
}

// Decode reads what Encode wrote, without unknown fields.
func Decode(data []byte) (*Report, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	r := new(Report)
	if err := d.Decode(r); err != nil {
		return nil, fmt.Errorf("benchmark results: %w; measure again with make bench-report", err)
	}
	if r.Format != Format {
		return nil, fmt.Errorf("benchmark results of format %d, this program reads %d; measure again with make bench-report", r.Format, Format)
	}
	return r, nil
}

// spread gives median and quartiles, interpolated (Hyndman and Fan's definition 7).
func spread(values []float64) Spread {
	sorted := slices.Sorted(slices.Values(values))
	at := func(share float64) float64 {
		if len(sorted) == 0 {
			return 0
		}
		place := share * float64(len(sorted)-1)
		i := int(place)
		next := sorted[min(i+1, len(sorted)-1)]
		return rounded(sorted[i] + (place-float64(i))*(next-sorted[i]))
	}
	return Spread{Median: at(.5), Q1: at(.25), Q3: at(.75)}
}

// rounded keeps four significant digits.
func rounded(v float64) float64 {
	if v == 0 || math.IsNaN(v) || math.IsInf(v, 0) {
		return v
	}
	unit := math.Pow(10, math.Floor(math.Log10(math.Abs(v)))-3)
	if unit < 1 {
		return math.Round(v/unit) / math.Round(1/unit) // exact decimals
	}
	return math.Round(v/unit) * unit
}
