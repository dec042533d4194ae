package main

import (
	"errors"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/puente-project/puente/he"
	"github.com/puente-project/puente/protocol"
	"github.com/puente-project/puente/templates"
	"github.com/puente-project/puente/templates/calibration"
)

var calibrateCommand = &cli.Command{
	Name: "calibrate", Usage: "measure error rates on templates of known people and find a threshold", ArgsUsage: "FILE...",
	Description: "Compares all pairs of templates and reports genuine and impostor distributions, EER, and FNMR at FMR .01\n" +
		"to .000001, each with 95 % limits. With --false-hits-per-year, --watchlist-size and --queries-per-year it also\n" +
		"gives the scheme whose threshold keeps that number, ready for watchlist create --scheme, or says what is\n" +
		"missing to show it. docs/CALIBRATION.md explains every figure.\n\n" +
		"Who is who: --labels, else the subject that records name, else the file name (--label; up to its last\n" +
		"underscore by default). Two eyes or fingers of one person are not compared where records say which they are.\n" +
		"Under a fused scheme the parts of a person in one file, or with one --capture, make one template.\n" +
		"Prints counts and rates only, no label and no score of a pair. Exit code 11 if --verify-encrypted finds a difference.",
	Flags: []cli.Flag{
		&cli.StringFlag{Name: "scheme", Usage: "`SCHEME` by name or text: shape, rotations and overlap, or dimensions and norm; its threshold is reported too"},
		&cli.PathFlag{Name: "labels", Usage: "`FILE` with a person's label a line, in the order of the records"},
		&cli.StringFlag{Name: "label", Usage: "`REGEXP` whose first group in the path of a file is the person"},
		&cli.StringFlag{Name: "capture", Usage: "`REGEXP` whose first group in the path of a file is the capture, for eyes and fingers of a fused scheme that are in files of their own"},
		fingerFlag,
		&cli.Float64Flag{Name: "false-hits-per-year", Usage: "`NUMBER` of expected false hits a year that is tolerable"},
		&cli.Float64Flag{Name: "watchlist-size", Usage: "`NUMBER` of entries of the watchlist"},
		&cli.Float64Flag{Name: "queries-per-year", Usage: "`NUMBER` of probes a year"},
		&cli.PathFlag{Name: "svg", Usage: "write distributions and DET curve to `FILE`"},
		&cli.IntFlag{Name: "verify-encrypted", Usage: "repeat the `K` pairs nearest to the threshold and K random ones with the encrypted protocol, both parties in this process"},
		&cli.Uint64Flag{Name: "seed", Usage: "seed of the random choice of pairs", Value: 1},
		jsonFlag,
	},
	Action: calibrate,
}

// calibratedEntries is the size of a watchlist for which the cost of a threshold is
// told, as params does by default.
const calibratedEntries = 100_000

// calibrated is the JSON form of the result.
type calibrated struct {
	*calibration.Report
	Verified *verification `json:"verified,omitempty"`
}

func calibrate(c *cli.Context) error {
	if err := needs(c, "scheme"); err != nil {
		return err
	}
	if c.NArg() == 0 {
		return usagef("calibrate takes at least one file")
	}
	scheme, err := templates.SchemeByName(c.String("scheme"))
	if err != nil {
		return usagef("--scheme: %w", err)
	}
	demand, err := readDemand(c)
	if err != nil {
		return err
	}
	if k := c.Int("verify-encrypted"); c.IsSet("verify-encrypted") && (k < 1 || k > maxVerified) {
		return usagef("--verify-encrypted %d: allowed are 1 to %d", k, maxVerified)
	}
	bar := newProgress()
	defer bar.done()
	samples, err := readSamples(c, scheme, bar)
	if err != nil {
		return err
	}
	options := calibration.Options{Progress: func(done, total int) { bar.update("compare", done, total) }}
	d, err := calibration.Measure(c.Context, scheme, samples, options)
	if err != nil {
		return calibrationError(err)
	}
	report, err := d.Report(demand)
	if err != nil {
		return calibrationError(err)
	}
	result := calibrated{Report: report}
	if k := c.Int("verify-encrypted"); k > 0 {
		if result.Verified, err = verifyEncrypted(c.Context, report, samples, k, c.Uint64("seed"), bar); err != nil {
			return err
		}
	}
	bar.done()
	if path := c.Path("svg"); path != "" {
		svg, err := plotReport(report)
		if err != nil {
			return err
		}
		if err := writeFile(c.App.Writer, path, svg); err != nil {
			return err
		}
	}
	if c.Bool("json") {
		if err := writeJSON(c, result); err != nil {
			return err
		}
	} else {
		showCalibration(c, result)
	}
	return result.Verified.verdict()
}

func calibrationError(err error) error {
	switch {
	case errors.Is(err, calibration.ErrSamples), errors.Is(err, calibration.ErrTooMany):
		return inputf("%w", err)
	case errors.Is(err, calibration.ErrDemand):
		return usageError(err)
	}
	return err
}

// readDemand reads the three flags that belong together.
func readDemand(c *cli.Context) (*calibration.Demand, error) {
	names := []string{"false-hits-per-year", "watchlist-size", "queries-per-year"}
	var missing []string
	for _, n := range names {
		if !c.IsSet(n) {
			missing = append(missing, "--"+n)
		}
	}
	switch len(missing) {
	case len(names):
		return nil, nil
	case 0:
		return &calibration.Demand{FalseHitsPerYear: c.Float64(names[0]), WatchlistSize: c.Float64(names[1]), QueriesPerYear: c.Float64(names[2]),
			Possible: func(s templates.Scheme) error {
				_, err := protocol.Params(s, s.BestLayout(he.Degree, calibratedEntries))
				return err
			}}, nil
	}
	return nil, usagef("a threshold is found for false hits, watchlist and queries together: %s is missing", strings.Join(missing, ", "))
}
