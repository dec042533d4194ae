package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/puente-project/puente/protocol/agreement"
	"github.com/puente-project/puente/templates"
	"github.com/puente-project/puente/templates/intake"
)

var queryCommand = &cli.Command{
	Name: "query", Usage: "ask a partner whether probes are on one of its watchlists", ArgsUsage: "PROBE...",
	Description: "PROBE is a file or a folder with templates in any form that puente template import knows, or - for stdin.\n" +
		"Impressions of one finger, and for fused schemes the eyes and fingers of one person, make one probe.\n" +
		"All probes are asked in one session, under one purpose, legal basis and case: a flight's manifest. Beyond\n" +
		"1024 they are split evenly. With --each every probe is a session of its own: for an auditor's canaries, and\n" +
		"for people who have nothing to do with each other. Exit code 10 if any probe hits, 0 if none does.\n" +
		"A hit is a lead for a human examiner; puente claim asks for the reference behind a slot.",
	Flags: []cli.Flag{
		&cli.StringFlag{Name: "partner", Aliases: []string{"p"}, Usage: "`NAME` of the holder"},
		&cli.StringFlag{Name: "watchlist", Aliases: []string{"w"}, Usage: "`NAME` of its watchlist"},
		&cli.StringFlag{Name: "purpose", Usage: "`CODE` of the purpose; needed if the agreement has several"},
		&cli.StringFlag{Name: "basis", Usage: "`CODE` of the legal basis, likewise"},
		&cli.StringFlag{Name: "case", Usage: "`REFERENCE` of the case; only a salted hash leaves this machine"},
		fingerFlag,
		&cli.BoolFlag{Name: "any-quality", Usage: "ask about probes that are too poor to be enrolled, as an auditor's blank is"},
		&cli.BoolFlag{Name: "each", Usage: "a session for each probe"},
		&cli.DurationFlag{Name: "timeout", Usage: "give up a session after this `DURATION`", DefaultText: "10m, and 30s for each further probe"},
		jsonFlag,
	},
	Action: func(c *cli.Context) error {
		if err := needs(c, "partner", "watchlist"); err != nil {
			return err
		}
		if c.NArg() == 0 {
			return usagef("query takes at least one probe file, or - for stdin")
		}
		if c.IsSet("timeout") && c.Duration("timeout") <= 0 {
			return usagef("--timeout must be positive")
		}
		a, err := openAgency(c)
		if err != nil {
			return err
		}
		defer a.close()
		p, err := a.partner(c.String("partner"))
		if err != nil {
			return err
		}
		agreed, err := p.agreement.Watchlist(p.Agency, c.String("watchlist"))
		if err != nil {
			return agencyf("%w", err)
		}
		scheme, err := templates.ParseScheme(agreed.Scheme)
		if err != nil {
			return err
		}
		purpose, err := choosePurpose(c, p.agreement)
		if err != nil {
			return err
		}
		probes, err := readProbes(c, c.Args().Slice(), scheme, c.Bool("any-quality"))
		if err != nil {
			return err
		}
		q, err := a.newQuerier(c.Context, p, c.String("watchlist"), scheme)
		if err == nil {
			q.purpose, q.caseReference = purpose, c.String("case")
		}
		if err != nil {
			return err
		}
		defer q.client.Close()
		return q.run(c, probes)
	},
}

// probe is one template to ask about.
type probe struct {
	name     string // file and, when it has several, number of the record
	template templates.Template
}

// readProbes reads all probes before anything is sent: they are made to fit the scheme,
// and refused if they are no good, unless any quality will do. The impressions of a finger
// and the parts of a person make one probe.
func readProbes(c *cli.Context, files []string, scheme templates.Scheme, anyQuality bool) ([]probe, error) {
	o := intake.Options{Scheme: scheme, Read: scheme.ReadOptions(), Gate: intake.Gate{Open: anyQuality}, MixEyes: true, Repeats: true}
	var err error
	if o.Position, err = fingerPattern(c); err != nil {
		return nil, err
	}
	var probes []probe
	var origins []intake.Origin
	of := map[string]int{} // records of a file
	for r, err := range o.Records(files) {
		if err != nil {
			return nil, inputf("%w", err)
		}
		probes, origins = append(probes, probe{template: r.Template}), append(origins, r.Sources[0])
		of[r.Sources[0].File]++
	}
	for i, at := range origins {
		if probes[i].name = at.File; of[at.File] > 1 {
			probes[i].name = fmt.Sprintf("%s#%d", at.File, at.Record)
		}
	}
	return probes, nil
}

// readTemplates reads all templates of a file, or of stdin for "-".
func readTemplates(file string, o templates.Options) ([]templates.Template, error) {
	in, err := openInput(file)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	list, err := templates.Read(in, o)
	if err != nil {
		return nil, inputf("%s: %w", file, err)
	}
	return list, nil
}

// choosePurpose returns the purpose that the flags name, or the only one there is.
func choosePurpose(c *cli.Context, a agreement.Agreement) (agreement.Purpose, error) {
	var found []agreement.Purpose
	for _, p := range a.Purposes {
		if (c.String("purpose") == "" || p.Code == c.String("purpose")) && (c.String("basis") == "" || p.Basis == c.String("basis")) {
			found = append(found, p)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return agreement.Purpose{}, usagef("the agreement has no such purpose; puente agreement show lists them")
	}
	return agreement.Purpose{}, usagef("the agreement has %d purposes that fit: name one with --purpose and --basis", len(found))
}
