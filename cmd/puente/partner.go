package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/puente-project/puente/protocol"
	"github.com/puente-project/puente/protocol/transcript"
)

const partnerComment = `Card of a partner agency, as it gave it. What it may query and what it is queried
for is in the agreement beside this file.`

var partnerCommand = &cli.Command{
	Name:  "partner",
	Usage: "add, list and remove partner agencies",
	Subcommands: []*cli.Command{
		{
			Name: "add", Usage: "add a partner from its card and the agreement with it, or replace both", ArgsUsage: "CARD AGREEMENT",
			Description: "CARD is the partner's " + cardFile + ", AGREEMENT the file that both signed, see puente agreement.\n" +
				"Compare the printed pin, key and digest with the partner over a second channel.",
			Action: addPartner,
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

func addPartner(c *cli.Context) error {
	a := &agency{dir: c.Path("dir")}
	var err error
	if a.config, err = readConfig(a.dir); err != nil {
		return err
	}
	if c.NArg() != 2 {
		return usagef("partner add takes two arguments, the partner's card and the agreement")
	}
	var p partner
	if err := readTOML(c.Args().Get(0), &p.card); err != nil {
		return err
	}
	if p.Agency == a.config.Agency {
		return agencyf("%s: this is the card of %s itself", c.Args().First(), p.Agency)
	}
	if err := p.check(c.Args().Get(0)); err != nil {
		return err
	}
	if p.agreement, err = readAgreement(c.Args().Get(1)); err != nil {
		return err
	}
	if err := a.fits(p); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(a.dir, partnersDir), 0o700); err != nil {
		return err
	}
	// The card comes last: with it the partner exists.
	if err := writeFile(nil, a.agreementFile(p.Agency), p.agreement.Encode()); err != nil {
		return err
	}
	if err := writeTOML(a.partnerFile(p.Agency), partnerComment, p.card); err != nil {
		return err
	}
	digest := p.agreement.Digest()
	if err := a.post(fmt.Sprintf("agreement-%s-%v", p.Agency, digest), transcript.AgreementEntry{Partner: p.Agency, Agreement: digest, Time: now()}); err != nil {
		return err
	}
	fmt.Fprintf(c.App.Writer, "partner    %s at %s\npin        %v\n", p.Agency, p.Endpoint, p.Pin)
	for _, k := range p.Keys {
		fmt.Fprintf(c.App.Writer, "key %d      %v\n", k.Version, k.ID())
	}
	fmt.Fprintf(c.App.Writer, "agreement  %v\nCompare these with the partner before you serve or query it.\n", p.agreement.Digest())
	return nil
}

// partnerView is the JSON form of a partner.
type partnerView struct {
	Agency    string   `json:"agency"`
	Endpoint  string   `json:"endpoint"`
	Pin       string   `json:"pin"`
	Keys      []string `json:"keys"` // ids
	Agreement string   `json:"agreement"`
	MayQuery  []string `json:"may_query"`  // our watchlists
	IsQueried []string `json:"is_queried"` // its watchlists
}

func showPartners(c *cli.Context, list []partner) error {
	views := make([]partnerView, 0, len(list))
	for _, p := range list {
		v := partnerView{Agency: p.Agency, Endpoint: p.Endpoint, Pin: p.Pin.String(), Keys: []string{},
			Agreement: p.agreement.Digest().String(), MayQuery: []string{}, IsQueried: []string{}}
		for _, k := range p.Keys {
			v.Keys = append(v.Keys, k.ID().String())
		}
		for _, w := range p.agreement.Watchlists {
			if w.Holder == p.Agency {
				v.IsQueried = append(v.IsQueried, w.Name)
			} else {
				v.MayQuery = append(v.MayQuery, w.Name)
			}
		}
		views = append(views, v)
	}
	if c.Bool("json") {
		return writeJSON(c, map[string]any{"partners": views})
	}
	t := newTable(c, "partner", "endpoint", "pin", "agreement", "may query", "is queried")
	for _, v := range views {
		t.AppendRow([]any{v.Agency, v.Endpoint, v.Pin[:23] + "…", v.Agreement[:16] + "…", strings.Join(v.MayQuery, ", "), strings.Join(v.IsQueried, ", ")})
	}
	t.Render()
	return nil
}
