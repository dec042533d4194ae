package main

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/puente-project/puente/protocol"
	"github.com/puente-project/puente/templates"
)

const partnerComment = `A partner agency. allow lists our watchlists that it may query;
[agreed] gives the scheme of each of its watchlists that we query.`

var agreementFlags = []cli.Flag{
	&cli.StringSliceFlag{Name: "allow", Usage: "our `WATCHLIST` that the partner may query; may be repeated"},
	&cli.StringSliceFlag{Name: "agree", Usage: "`WATCHLIST=SCHEME` of the partner that we may query; may be repeated"},
}

var partnerCommand = &cli.Command{
	Name:  "partner",
	Usage: "add, list and remove partner agencies",
	Subcommands: []*cli.Command{
		{
			Name: "add", Usage: "add a partner from its card, or change what is agreed with it", ArgsUsage: "CARD",
			Description: "CARD is the partner's " + cardFile + ". Compare the printed pin with the partner over a second channel.",
			Flags:       agreementFlags,
			Action: func(c *cli.Context) error {
				a := &agency{dir: c.Path("dir")}
				var err error
				if a.config, err = readConfig(a.dir); err != nil {
					return err
				}
				if c.NArg() != 1 {
					return usagef("partner add takes one argument, the partner's card")
				}
				var p partner
				if err := readTOML(c.Args().First(), &p.card); err != nil {
					return err
				}
				if p.Agency == a.config.Agency {
					return agencyf("%s: this is the card of %s itself", c.Args().First(), p.Agency)
				}
				p.Allow = c.StringSlice("allow")
				p.Agreed = map[string]string{}
				for _, text := range c.StringSlice("agree") {
					name, scheme, ok := strings.Cut(text, "=")
					if !ok {
						return usagef("--agree %q is not WATCHLIST=SCHEME", text)
					}
					s, err := templates.SchemeByName(scheme)
					if err != nil {
						return usagef("--agree %s: %w", name, err)
					}
					p.Agreed[name] = s.String()
				}
				if err := p.check(c.Args().First()); err != nil {
					return err
				}
				if err := os.MkdirAll(filepath.Join(a.dir, partnersDir), 0o700); err != nil {
					return err
				}
				if err := writeTOML(a.partnerFile(p.Agency), partnerComment, p); err != nil {
					return err
				}
				fmt.Fprintf(c.App.Writer, "partner %s at %s\npin     %v\nCompare this pin with the partner before you serve or query it.\n", p.Agency, p.Endpoint, p.Pin)
				return nil
			},
		},
		{
			Name: "list", Usage: "list the partners and what is agreed with them", ArgsUsage: " ", Flags: []cli.Flag{jsonFlag},
			Action: func(c *cli.Context) error {
				if err := noArguments(c); err != nil {
					return err
				}
				a := &agency{dir: c.Path("dir")}
				var err error
				if a.config, err = readConfig(a.dir); err != nil {
					return err
				}
				list, err := a.partners()
				if err != nil {
					return err
				}
				return showPartners(c, list)
			},
		},
		{
			Name: "remove", Usage: "remove a partner: it can no longer query, nor be queried", ArgsUsage: "NAME",
			Action: func(c *cli.Context) error {
				if c.NArg() != 1 || !protocol.ValidName(c.Args().First()) {
					return usagef("partner remove takes one argument, the partner's name")
				}
				a := &agency{dir: c.Path("dir")}
				err := os.Remove(a.partnerFile(c.Args().First()))
				if errors.Is(err, fs.ErrNotExist) {
					return agencyf("%s is no partner", c.Args().First())
				}
				return err
			},
		},
	},
}

// partnerView is the JSON form of a partner.
type partnerView struct {
	Agency   string            `json:"agency"`
	Endpoint string            `json:"endpoint"`
	Pin      string            `json:"pin"`
	Allow    []string          `json:"allow"`
	Agreed   map[string]string `json:"agreed"`
}

func showPartners(c *cli.Context, list []partner) error {
	views := make([]partnerView, 0, len(list))
	for _, p := range list {
		views = append(views, partnerView{p.Agency, p.Endpoint, p.Pin.String(), append([]string{}, p.Allow...), p.Agreed})
	}
	if c.Bool("json") {
		return writeJSON(c, map[string]any{"partners": views})
	}
	t := newTable(c, "partner", "endpoint", "pin", "may query", "is queried")
	for _, v := range views {
		var agreed []string
		for _, name := range slices.Sorted(maps.Keys(v.Agreed)) {
			agreed = append(agreed, name+" "+v.Agreed[name])
		}
		t.AppendRow([]any{v.Agency, v.Endpoint, v.Pin[:23] + "…", strings.Join(v.Allow, ", "), strings.Join(agreed, "\n")})
	}
	t.Render()
	return nil
}
