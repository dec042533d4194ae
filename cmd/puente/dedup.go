package main

import (
	"errors"
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/puente-project/puente/templates"
	"github.com/puente-project/puente/templates/calibration"
)

var dedupCommand = &cli.Command{
	Name: "dedup", Usage: "find people who are enrolled twice", ArgsUsage: "NAME",
	Description: "Compares all pairs of entries with the plain matcher, on this machine, under the watchlist's scheme, and lists\n" +
		"the pairs of handles that hit. They may also be two people who are hard to tell apart: somebody has to look.\n" +
		"Nothing is removed, and no score is printed: how alike two people are is biometric data. Exit code 0 whether\n" +
		"pairs were found or not.",
	Flags:  []cli.Flag{jsonFlag},
	Action: dedup,
}

// duplicate is a pair of entries that hit each other.
type duplicate struct {
	First      string `json:"first"` // handles
	Second     string `json:"second"`
	FirstSlot  int    `json:"first_slot"` // less than SecondSlot
	SecondSlot int    `json:"second_slot"`
}

func dedup(c *cli.Context) error {
	if c.NArg() != 1 {
		return usagef("watchlist dedup takes one argument, the name")
	}
	list, err := openWatchlist(c)
	if err != nil {
		return err
	}
	records, generation, err := list.Load()
	if err != nil {
		return err
	}
	entries := make([]templates.Template, len(records))
	for i, r := range records {
		entries[i] = r.Template
	}
	bar := newProgress()
	defer bar.done()
	found, err := calibration.Duplicates(c.Context, list.Meta().Scheme, entries, calibration.Options{
		Progress: func(done, total int) { bar.update("compare", done, total) },
	})
	bar.done()
	if errors.Is(err, calibration.ErrTooMany) {
		return inputf("watchlist %s: %w", list.Meta().Name, err)
	} else if err != nil {
		return err
	}
	pairs := make([]duplicate, 0, len(found))
	for _, p := range found {
		pairs = append(pairs, duplicate{records[p.First].Handle, records[p.Second].Handle, p.First, p.Second})
	}
	compared := len(records) * max(len(records)-1, 0) / 2
	if c.Bool("json") {
		return writeJSON(c, map[string]any{"watchlist": list.Meta().Name, "epoch": generation.Epoch,
			"entries": len(records), "pairs_compared": compared, "duplicates": pairs})
	}
	if len(pairs) > 0 {
		t := newTable(c, "slot", "handle", "slot", "handle")
		for _, p := range pairs {
			t.AppendRow([]any{p.FirstSlot, p.First, p.SecondSlot, p.Second})
		}
		t.Render()
	}
	fmt.Fprintf(c.App.Writer, "%d of %d pairs of entries of %s hit each other, epoch %d\n", len(pairs), compared, list.Meta().Name, generation.Epoch)
	return nil
}
