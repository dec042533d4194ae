package main

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/puente-project/puente/keys"
	"github.com/puente-project/puente/keys/vault"
)

// keysReport is what keys status prints, with --json as it is.
type keysReport struct {
	Store    string         `json:"store"` // the file, or Vault's address
	Vault    *vaultReport   `json:"vault,omitempty"`
	Seeds    []string       `json:"seeds"`
	Signing  []signingLine  `json:"signing"`
	Wrapping map[string]int `json:"wrapping,omitempty"` // seeds by version of the wrapping key
	Denied   []string       `json:"denied,omitempty"`   // what this login may not see
}

type vaultReport struct {
	Version  string   `json:"version"`
	Standby  bool     `json:"standby"`
	Policies []string `json:"policies"`
	TTL      string   `json:"ttl"`
}

var keysStatus = &cli.Command{
	Name: "status", Usage: "show where the keys are, what this login may see, and the versions", ArgsUsage: " ",
	Flags: []cli.Flag{jsonFlag},
	Action: keysAction(func(c *cli.Context, store keys.Store) error {
		if err := noArguments(c); err != nil {
			return err
		}
		r := keysReport{Store: filepath.Join(c.Path("dir"), keyFile)}
		if s, ok := store.(*vault.Store); ok {
			st, err := s.Status(c.Context)
			if err != nil {
				return err
			}
			r.Store = st.Address
			r.Vault = &vaultReport{st.Version, st.Standby, st.Policies, st.TTL.String()}
			r.Seeds, r.Signing, r.Wrapping, r.Denied = st.Seeds, signingLines(st.Signing), st.Wrapping, st.Denied
		} else {
			var err error
			if r.Seeds, err = store.Names(c.Context); err != nil {
				return err
			}
			list, err := keys.ListSigning(c.Context, store)
			if err != nil {
				return err
			}
			r.Signing = signingLines(list)
		}
		if c.Bool("json") {
			return writeJSON(c, r)
		}
		printKeys(c, r)
		return nil
	}),
}

func printKeys(c *cli.Context, r keysReport) {
	row := func(name, format string, args ...any) {
		fmt.Fprintf(c.App.Writer, "%-9s %s\n", name, fmt.Sprintf(format, args...))
	}
	row("store", "%s", r.Store)
	if v := r.Vault; v != nil {
		node := "active"
		if v.Standby {
			node = "standby"
		}
		row("vault", "%s, %s", v.Version, node)
		row("login", "policies %s; token for %s more", strings.Join(v.Policies, ", "), v.TTL)
	}
	for _, part := range r.Denied {
		row("denied", "%s", part)
	}
	row("seeds", "%d", len(r.Seeds))
	for _, version := range slices.Sorted(maps.Keys(r.Wrapping)) {
		row("", "%d under wrapping key %s", r.Wrapping[version], version)
	}
	for _, s := range r.Signing {
		row("signing", "version %d  %-8s  %s", s.Version, s.State, s.ID)
	}
	if len(r.Signing) == 0 {
		row("signing", "no key; make one with puente keys rotate")
	}
}
