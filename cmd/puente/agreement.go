package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/puente-project/puente/protocol/agreement"
	"github.com/puente-project/puente/templates"
)

var agreementCommand = &cli.Command{
	Name: "agreement", Usage: "write and show the policy that two agencies have signed",
	Description: "Both partners hold the same file; its SHA-256 is part of every session and of every audit.",
	Subcommands: []*cli.Command{
		{
			Name: "new", Usage: "write an agreement between this agency and a partner", ArgsUsage: "FILE",
			Flags: []cli.Flag{
				&cli.StringFlag{Name: "with", Usage: "`NAME` of the partner"},
				&cli.StringSliceFlag{Name: "watchlist", Usage: "`HOLDER/NAME=SCHEME`, searched by the other party; may be repeated"},
				&cli.StringSliceFlag{Name: "purpose", Usage: "`CODE/BASIS=DAILY`: a reason, its legal basis, probes a day of each requester; may be repeated"},
				&cli.Uint64Flag{Name: "min-entries", Usage: "smallest watchlist that is searched", Value: 1},
				&cli.Uint64Flag{Name: "clock-skew", Usage: "`SECONDS` by which clocks may differ", Value: 30},
				&cli.StringSliceFlag{Name: "claim-basis", Usage: "`BASIS` on which the reference behind a hit is released; may be repeated; without it, never"},
				&cli.Uint64Flag{Name: "claim-window", Usage: "`HOURS` after a session in which its hits may be claimed", Value: 72},
				&cli.Uint64Flag{Name: "claims-per-session", Usage: "most claims of a session", Value: 3},
				&cli.Uint64Flag{Name: "claims-per-day", Usage: "most claims of a requester in a UTC day", Value: 50},
			},
			Action: newAgreement,
		},
		{
			Name: "show", Usage: "show an agreement and its digest", ArgsUsage: "FILE", Flags: []cli.Flag{jsonFlag},
			Action: func(c *cli.Context) error {
				if c.NArg() != 1 {
					return usagef("agreement show takes one argument, the file")
				}
				a, err := readAgreement(c.Args().First())
				if err != nil {
					return err
				}
				if c.Bool("json") {
					return writeJSON(c, map[string]any{"digest": a.Digest().String(), "agreement": a})
				}
				t := newTable(c, "holder", "watchlist", "scheme", "at least")
				for _, w := range a.Watchlists {
					t.AppendRow([]any{w.Holder, w.Name, w.Scheme, w.MinEntries})
				}
				t.Render()
				t = newTable(c, "purpose", "legal basis", "probes a day")
				for _, p := range a.Purposes {
					t.AppendRow([]any{p.Code, p.Basis, p.Daily})
				}
				t.Render()
				if k := a.Claims; k == nil {
					fmt.Fprintln(c.App.Writer, "claims: none, references behind hits are not released")
				} else {
					fmt.Fprintf(c.App.Writer, "claims: within %d hours, %d a session, %d a day, on %s\n", k.WindowHours, k.PerSession, k.Daily, strings.Join(k.Bases, ", "))
				}
				fmt.Fprintf(c.App.Writer, "between %s and %s, clocks within %d s, digest %v\n", a.Parties[0], a.Parties[1], a.ClockSkew, a.Digest())
				return nil
			},
		},
	},
}

// readAgreement reads a file of the canonical form.
func readAgreement(file string) (agreement.Agreement, error) {
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return agreement.Agreement{}, inputf("%w", err)
	} else if err != nil {
		return agreement.Agreement{}, err
	}
	a, err := agreement.Parse(data)
	if err != nil {
		return a, inputf("%s: %w", file, err)
	}
	return a, nil
}

func newAgreement(c *cli.Context) error {
	if err := needs(c, "with"); err != nil {
		return err
	}
	if c.NArg() != 1 {
		return usagef("agreement new takes one argument, the file to write")
	}
	conf, err := readConfig(c.Path("dir"))
	if err != nil {
		return err
	}
	a := agreement.Agreement{Version: 1, Parties: [2]string{conf.Agency, c.String("with")}, ClockSkew: c.Uint64("clock-skew")}
	for _, text := range c.StringSlice("watchlist") {
		name, scheme, ok := strings.Cut(text, "=")
		holder, list, named := strings.Cut(name, "/")
		if !ok || !named {
			return usagef("--watchlist %q is not HOLDER/NAME=SCHEME", text)
		}
		s, err := templates.SchemeByName(scheme)
		if err != nil {
			return usagef("--watchlist %s: %w", name, err)
		}
		a.Watchlists = append(a.Watchlists, agreement.Watchlist{Holder: holder, Name: list, Scheme: s.String(), MinEntries: c.Uint64("min-entries")})
	}
	for _, text := range c.StringSlice("purpose") {
		name, daily, ok := strings.Cut(text, "=")
		code, basis, named := strings.Cut(name, "/")
		n, err := strconv.ParseUint(daily, 10, 32)
		if !ok || !named || err != nil {
			return usagef("--purpose %q is not CODE/BASIS=DAILY", text)
		}
		a.Purposes = append(a.Purposes, agreement.Purpose{Code: code, Basis: basis, Daily: n})
	}
	if bases := c.StringSlice("claim-basis"); len(bases) > 0 {
		a.Claims = &agreement.Claims{WindowHours: c.Uint64("claim-window"), PerSession: c.Uint64("claims-per-session"),
			Daily: c.Uint64("claims-per-day"), Bases: bases}
	}
	a.Normalise()
	if err := a.Validate(); err != nil {
		return usageError(err)
	}
	data := a.Encode()
	if old, err := os.ReadFile(c.Args().First()); err == nil && !bytes.Equal(old, data) {
		return inputf("%s exists and says something else; remove it first", c.Args().First())
	}
	if err := writeFile(c.App.Writer, c.Args().First(), data); err != nil {
		return err
	}
	fmt.Fprintf(c.App.ErrWriter, "agreement between %s and %s, digest %v\n", a.Parties[0], a.Parties[1], a.Digest())
	return nil
}
