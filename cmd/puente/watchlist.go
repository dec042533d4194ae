package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"github.com/puente-project/puente/keys"
	"github.com/puente-project/puente/templates"
	"github.com/puente-project/puente/templates/intake"
	"github.com/puente-project/puente/templates/watchlist"
)

var watchlistCommand = &cli.Command{
	Name: "watchlist", Usage: "create and maintain the agency's own watchlists",
	Description: "A watchlist is encrypted on disk. Its entries have opaque handles; what a handle stands for is kept elsewhere.\n" +
		"A running serve takes every change into account from the next session on.",
	Subcommands: []*cli.Command{
		{
			Name: "create", Usage: "create an empty watchlist", ArgsUsage: "NAME",
			Flags:  []cli.Flag{&cli.StringFlag{Name: "scheme", Usage: "`SCHEME` by name or text, see puente params"}},
			Action: createWatchlist,
		},
		{
			Name: "add", Usage: "enrol templates: all of them or, on any error, none", ArgsUsage: "NAME FILE...",
			Description: "The simple case of import, with its default bounds: prints the handle of each record, which is the one given\n" +
				"with --handle, the next line of --handles, the one that the record brings with it, or a random one.",
			Flags: []cli.Flag{
				&cli.StringFlag{Name: "handle", Usage: "`HANDLE` of the one record"},
				&cli.PathFlag{Name: "handles", Usage: "`FILE` with one handle a line, in the order of the records"},
				jsonFlag,
			},
			Action: addToWatchlist,
		},
		watchlistImportCommand,
		{
			Name: "remove", Usage: "delist entries: their templates are removed from disk and from running services", ArgsUsage: "NAME HANDLE...",
			Action: removeFromWatchlist,
		},
		{
			Name: "list", Usage: "list slots and handles", ArgsUsage: "NAME", Flags: []cli.Flag{jsonFlag},
			Action: listWatchlist,
		},
		{
			Name: "stats", Usage: "show the size and state of watchlists", ArgsUsage: "[NAME...]", Flags: []cli.Flag{jsonFlag},
			Action: watchlistStats,
		},
		dedupCommand,
	},
}

func createWatchlist(c *cli.Context) error {
	if err := needs(c, "scheme"); err != nil {
		return err
	}
	if c.NArg() != 1 {
		return usagef("watchlist create takes one argument, the name")
	}
	name := c.Args().First()
	scheme, err := templates.SchemeByName(c.String("scheme"))
	if err != nil {
		return usagef("--scheme: %w", err)
	}
	a, err := openAgency(c)
	if err != nil {
		return err
	}
	defer a.close()
	dir, err := a.watchlistDir(name)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
		return err
	}
	// The key may be left from a creation that was interrupted.
	if err := a.store.Create(c.Context, "watchlist/"+name); err != nil && !errors.Is(err, keys.ErrExists) {
		return err
	}
	seed, err := a.store.Seed(c.Context, "watchlist/"+name)
	if err != nil {
		return err
	}
	if _, err := watchlist.Create(dir, watchlist.Meta{Name: name, Scheme: scheme}, seed); err != nil {
		return err
	}
	fmt.Fprintf(c.App.Writer, "watchlist %s created with scheme %s\n", name, scheme)
	return nil
}

// openWatchlist opens the watchlist that the first argument names.
func openWatchlist(c *cli.Context) (*watchlist.Watchlist, error) {
	if c.NArg() == 0 {
		return nil, usagef("%s takes the name of a watchlist", c.Command.FullName())
	}
	a, err := openAgency(c)
	if err != nil {
		return nil, err
	}
	defer a.close()
	return a.watchlist(c.Context, c.Args().First())
}

// enrolled is one line of the result of add.
type enrolled struct {
	File   string `json:"file"`
	Record int    `json:"record"` // from 1
	Handle string `json:"handle"`
}

func addToWatchlist(c *cli.Context) error {
	if c.NArg() < 2 {
		return usagef("watchlist add takes the name of a watchlist and at least one file")
	}
	if c.IsSet("handle") && c.IsSet("handles") {
		return usagef("--handle and --handles exclude each other")
	}
	list, err := openWatchlist(c)
	if err != nil {
		return err
	}
	handles, err := givenHandles(c)
	if err != nil {
		return err
	}
	var lines []enrolled
	bar := newProgress()
	defer bar.done()
	o := intake.Options{Progress: readProgress(c, bar)}
	_, generation, err := o.Enrol(list, c.Args().Slice()[1:], intake.Target{Handles: handles, Accepted: func(r intake.Record) {
		lines = append(lines, enrolled{r.Sources[0].File, r.Sources[0].Record, r.Handle})
	}})
	bar.done()
	var count intake.HandlesError
	switch {
	case errors.As(err, &count) && c.IsSet("handle"):
		return usagef("--handle names one record, but there are %d: use --handles", count.Records)
	case errors.As(err, &count):
		return inputf("%s has %d handles for %d records", c.Path("handles"), count.Handles, count.Records)
	case err != nil:
		return intakeError(err)
	}
	if c.Bool("json") {
		return writeJSON(c, map[string]any{"watchlist": list.Meta().Name, "epoch": generation.Epoch, "added": lines})
	}
	if len(lines) <= 20 {
		t := newTable(c, "file", "record", "handle")
		for _, l := range lines {
			t.AppendRow([]any{l.File, l.Record, l.Handle})
		}
		t.Render()
	}
	fmt.Fprintf(c.App.Writer, "%d entries added to %s, epoch %d\n", len(lines), list.Meta().Name, generation.Epoch)
	return nil
}

// givenHandles reads the handles that the flags give, nil if they give none.
func givenHandles(c *cli.Context) ([]string, error) {
	if c.IsSet("handle") {
		return []string{c.String("handle")}, nil
	}
	if !c.IsSet("handles") {
		return nil, nil
	}
	in, err := openInput(c.Path("handles"))
	if err != nil {
		return nil, err
	}
	defer in.Close()
	handles := []string{}
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		handles = append(handles, lines.Text())
	}
	if err := lines.Err(); err != nil {
		return nil, inputf("%s: %w", c.Path("handles"), err)
	}
	return handles, nil
}

func removeFromWatchlist(c *cli.Context) error {
	if c.NArg() < 2 {
		return usagef("watchlist remove takes the name of a watchlist and at least one handle")
	}
	list, err := openWatchlist(c)
	if err != nil {
		return err
	}
	handles := c.Args().Slice()[1:]
	generation, err := list.Remove(handles)
	if err != nil {
		return err
	}
	fmt.Fprintf(c.App.Writer, "%d entries removed from %s, epoch %d; the slots behind them have moved up\n", len(handles), list.Meta().Name, generation.Epoch)
	return nil
}

func listWatchlist(c *cli.Context) error {
	if c.NArg() != 1 {
		return usagef("watchlist list takes one argument, the name")
	}
	list, err := openWatchlist(c)
	if err != nil {
		return err
	}
	handles, generation, err := list.Handles()
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return writeJSON(c, map[string]any{"watchlist": list.Meta().Name, "epoch": generation.Epoch, "handles": append([]string{}, handles...)})
	}
	t := newTable(c, "slot", "handle")
	for slot, h := range handles {
		t.AppendRow([]any{slot, h})
	}
	t.SetCaption("epoch %d", generation.Epoch)
	t.Render()
	return nil
}

// statsView is the JSON form of a watchlist's state.
type statsView struct {
	Watchlist string `json:"watchlist"`
	Scheme    string `json:"scheme"`
	Entries   int    `json:"entries"`
	Epoch     uint64 `json:"epoch"`
	Bytes     int64  `json:"bytes_on_disk"`
	Segments  int    `json:"segments"`
}

func watchlistStats(c *cli.Context) error {
	a, err := openAgency(c)
	if err != nil {
		return err
	}
	defer a.close()
	names := c.Args().Slice()
	if len(names) == 0 {
		if names, err = a.watchlists(); err != nil {
			return err
		}
	}
	views := make([]statsView, 0, len(names))
	for _, name := range names {
		list, err := a.watchlist(c.Context, name)
		if err != nil {
			return err
		}
		s, err := list.Stats()
		if err != nil {
			return err
		}
		views = append(views, statsView{name, list.Meta().Scheme.String(), s.Entries, s.Generation.Epoch, s.Bytes, s.Segments})
	}
	if c.Bool("json") {
		return writeJSON(c, map[string]any{"watchlists": views})
	}
	t := newTable(c, "watchlist", "scheme", "entries", "epoch", "on disk")
	for _, v := range views {
		t.AppendRow([]any{v.Watchlist, v.Scheme, v.Entries, v.Epoch, byteSize(v.Bytes)})
	}
	t.Render()
	return nil
}
