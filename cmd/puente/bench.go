package main

import (
	"fmt"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/puente-project/puente/bench"
	"github.com/puente-project/puente/protocol"
	"github.com/puente-project/puente/templates"
)

var benchCommand = &cli.Command{
	Name: "bench", Usage: "measure a query of synthetic data, both parties in one process", ArgsUsage: " ",
	Description: "Enrols a synthetic watchlist, runs one query through the real message bytes and compares every decision\n" +
		"with the plaintext matcher. Times are CPU microseconds summed over threads. Exit code 1 on any mismatch.",
	Flags: []cli.Flag{
		&cli.StringFlag{Name: "modality", Usage: "`iris` or vector", Value: "vector"},
		&cli.IntFlag{Name: "dims", Usage: "coordinates of a vector", Value: 512},
		&cli.IntFlag{Name: "rows", Usage: "rows of an iris code", Value: 16},
		&cli.IntFlag{Name: "cols", Usage: "columns of an iris code", Value: 128},
		&cli.IntFlag{Name: "planes", Usage: "bits of an iris code per row and column: filters times real and imaginary parts", Value: 1},
		&cli.StringFlag{Name: "scheme", Usage: "`SCHEME` by name or text, in place of modality and dimensions"},
		&cli.IntFlag{Name: "entries", Usage: "watchlist entries", Value: 4096},
		&cli.IntFlag{Name: "shifts", Usage: "rotation shifts of an iris, odd; 1 for a vector", DefaultText: "31 for an iris, 1 for a vector"},
		&cli.IntFlag{Name: "threads", Usage: "threads for both parties together; with --processes for each", Value: 1},
		&cli.IntFlag{Name: "sessions", Usage: "measure what signing and logging add, over this `NUMBER` of sessions"},
		&cli.IntFlag{Name: "probes", Usage: "compare one session of this `NUMBER` of probes with as many sessions of one"},
		&cli.BoolFlag{Name: "processes", Usage: "measure queries as agencies run them: serve and query, over loopback"},
		&cli.Uint64Flag{Name: "seed", Usage: "seed of the synthetic people", Value: 1},
		jsonFlag,
	},
	Action: func(c *cli.Context) error {
		if err := noArguments(c); err != nil {
			return err
		}
		scheme, err := benchScheme(c)
		if err != nil {
			return usageError(err)
		}
		if n := c.Int("entries"); n < 1 || n > protocol.MaxEntries {
			return usagef("--entries %d: allowed are 1 to %d", n, protocol.MaxEntries)
		}
		if n := c.Int("threads"); n < 1 || n > 1024 {
			return usagef("--threads %d: allowed are 1 to 1024", n)
		}
		if err := atMostOne(c, "sessions", "probes", "processes"); err != nil {
			return err
		}
		bar := newProgress()
		config := bench.Config{Scheme: scheme, Entries: c.Int("entries"),
			Threads: c.Int("threads"), Seed: c.Uint64("seed"), Progress: bar.update}
		if n := c.Int("sessions"); c.IsSet("sessions") {
			if n < 1 || n > 10_000 {
				return usagef("--sessions %d: allowed are 1 to 10000", n)
			}
			return benchSessions(c, config, bar)
		}
		if n := c.Int("probes"); c.IsSet("probes") {
			if n < 2 || n > protocol.MaxProbes {
				return usagef("--probes %d: allowed are 2 to %d", n, protocol.MaxProbes)
			}
			return benchProbes(c, config, bar)
		}
		if c.Bool("processes") {
			return benchProcesses(c, config, bar)
		}
		r, err := bench.Run(c.Context, config)
		if err := showResult(c, bar, err, r, func() { showBench(c, r) }); err != nil {
			return err
		}
		return mismatches(r.DecisionMismatches, r.Entries)
	},
}

// atMostOne refuses flags that ask for different measurements.
func atMostOne(c *cli.Context, names ...string) error {
	given := slices.DeleteFunc(names, func(name string) bool { return !c.IsSet(name) })
	if len(given) > 1 {
		return usagef("--%s and --%s measure different things; give one of them", given[0], given[1])
	}
	return nil
}

// showResult ends a measurement: with its error, or r as JSON or as show writes it.
func showResult(c *cli.Context, bar *progress, err error, r any, show func()) error {
	bar.done()
	switch {
	case err != nil:
		return err
	case c.Bool("json"):
		return writeJSON(c, r)
	}
	show()
	return nil
}

func benchSessions(c *cli.Context, config bench.Config, bar *progress) error {
	r, err := bench.Sessions(c.Context, config, c.Int("sessions"))
	return showResult(c, bar, err, r, func() {
		t := newTable(c, fmt.Sprintf("%s, %d entries", r.Scheme, r.Entries), fmt.Sprintf("ms, median of %d", r.Sessions))
		t.AppendRow([]any{"the matching protocol alone", fmt.Sprintf("%.1f", r.Bare)})
		t.AppendRow([]any{"signed by both, journals on disk", fmt.Sprintf("%.1f", r.Signed)})
		t.AppendRow([]any{"and in both logs, under a checkpoint", fmt.Sprintf("%.1f", r.Logged)})
		t.AppendSeparator()
		t.AppendRow([]any{"added", fmt.Sprintf("%.1f", r.Added)})
		t.Render()
	})
}

func benchProbes(c *cli.Context, config bench.Config, bar *progress) error {
	r, err := bench.Probes(c.Context, config, c.Int("probes"))
	err = showResult(c, bar, err, r, func() {
		t := newTable(c, fmt.Sprintf("%s, %d entries, %d probes", r.Scheme, r.Entries, r.Probes), "CPU us per probe and entry", "ms wall per probe")
		for _, row := range []struct {
			what string
			pass bench.Pass
		}{
			{"the matching protocol alone, a session each", r.SingleBare},
			{"the matching protocol alone, one session", r.TogetherBare},
			{"signed and logged, a session each", r.SingleLogged},
			{"signed and logged, one session", r.TogetherLogged},
		} {
			t.AppendRow([]any{row.what, fmt.Sprintf("%.2f", row.pass.Micros), fmt.Sprintf("%.1f", row.pass.Wall)})
		}
		t.AppendSeparator()
		t.AppendRow([]any{"one session over a session each, alone", fmt.Sprintf("%.2f", r.RatioBare), ""})
		t.AppendRow([]any{"signed and logged", fmt.Sprintf("%.2f", r.RatioLogged), fmt.Sprintf("%.2f", r.RatioWall)})
		t.Render()
		fmt.Fprintf(c.App.Writer, "decisions   %d hits expected in each pass, %d mismatches\n", r.HitsExpected, r.DecisionMismatches)
	})
	if err != nil {
		return err
	}
	return mismatches(r.DecisionMismatches, 4*r.Probes*r.Entries)
}

// mismatches is the error of a benchmark in which encrypted decisions were wrong.
func mismatches(wrong, of int) error {
	if wrong == 0 {
		return nil
	}
	return fmt.Errorf("%d of %d encrypted decisions differ from the plaintext: please report this", wrong, of)
}

func benchScheme(c *cli.Context) (templates.Scheme, error) {
	if c.IsSet("scheme") {
		for _, name := range []string{"modality", "dims", "rows", "cols", "planes", "shifts"} {
			if c.IsSet(name) {
				return templates.Scheme{}, fmt.Errorf("--scheme already says what --%s would", name)
			}
		}
		return templates.SchemeByName(c.String("scheme"))
	}
	switch c.String("modality") {
	case "vector":
		if c.IsSet("shifts") && c.Int("shifts") != 1 {
			return templates.Scheme{}, fmt.Errorf("--shifts %d: a vector is not rotated, only 1 is possible", c.Int("shifts"))
		}
		return templates.NewVectorScheme(c.Int("dims"))
	case "iris":
		shifts := 31
		if c.IsSet("shifts") {
			shifts = c.Int("shifts")
		}
		// Planes are filters times parts; how they divide does not matter to the matcher.
		return templates.NewIrisScheme(templates.Shape{Rows: c.Int("rows"), Cols: c.Int("cols"), Filters: 1, Planes: c.Int("planes")}, shifts)
	}
	return templates.Scheme{}, fmt.Errorf("--modality %q is neither iris nor vector", c.String("modality"))
}

func showBench(c *cli.Context, r bench.Result) {
	t := newTable(c, r.Scheme, "CPU us per entry")
	for _, row := range []struct {
		what string
		us   float64
	}{
		{"holder: multiply and accumulate", r.PerEntry.MultiplyAccumulate},
		{"holder: re-randomise, mask, switch down", r.PerEntry.Rerandomise},
		{"requester: decrypt shares", r.PerEntry.DecryptShares},
		{"requester: encrypt prefixes", r.PerEntry.EncryptPrefixes},
		{"holder: compare", r.PerEntry.Compare},
		{"requester: read verdicts", r.PerEntry.ReadVerdicts},
		{"both: encrypt and load the probe", r.ProbeMicros / float64(r.Entries)},
	} {
		t.AppendRow([]any{row.what, fmt.Sprintf("%.2f", row.us)})
	}
	t.AppendSeparator()
	t.AppendRow([]any{"whole query, both parties", fmt.Sprintf("%.2f", r.TotalPerEntry)})
	t.AppendRow([]any{"plaintext matcher", fmt.Sprintf("%.3f (ratio %.1f)", r.PlaintextPerEntry, r.RatioToPlaintext)})
	t.Render()
	fmt.Fprintf(c.App.Writer, "decisions   %d hits of %d expected, %d mismatches in %d entries x %d shifts\n"+
		"wall time   %.2f s for the query on %d threads (median of %d), %.2f s to encode the watchlist (%.1f us CPU per entry)\n"+
		"wire        %.0f bytes per entry up, %.0f down; %s once for the probe\n"+
		"memory      %.0f bytes resident per entry; peak %s\n",
		r.HitsFound, r.HitsExpected, r.DecisionMismatches, r.Entries, r.Shifts,
		r.WallSeconds, r.Threads, r.Rounds, r.SetupWallSeconds, r.SetupPerEntry,
		r.BytesUpPerEntry, r.BytesDownPerEntry, byteSize(r.ProbeBytes), r.ResidentPerEntry, byteSize(r.PeakRSS))
}
