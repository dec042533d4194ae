package main

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/puente-project/puente/keys"
	"github.com/puente-project/puente/keys/vault"
)

var keysCommand = &cli.Command{
	Name:  "keys",
	Usage: "set up, inspect, rotate and revoke the agency's keys",
	Description: "The keys are in " + keyFile + ", or in the Vault of the section [vault] of " + configFile + ".\n" +
		"The signing key has versions: the newest signs, all stay known, so that old transcripts verify.\n" +
		"An operator or auditor, whose login is another than the service's, names it with --vault.",
	Flags:       []cli.Flag{vaultFlag},
	Subcommands: []*cli.Command{keysProvision, keysStatus, keysRotate, keysRevoke, keysExport},
}

var keysProvision = &cli.Command{
	Name: "provision", Usage: "set up Vault: engines, keys, policies for operator, service and auditor", ArgsUsage: " ",
	Description: "Needs an administrator's token, in a file. It may be repeated: what is there stays, policies are\n" +
		"written anew. It does not touch seeds. Switch an audit device on as well (vault audit enable).",
	Flags: []cli.Flag{
		&cli.BoolFlag{Name: "dry-run", Usage: "print the steps as commands for vault and do nothing"},
		&cli.PathFlag{Name: "token-file", Usage: "`FILE` with the administrator's token"},
		&cli.BoolFlag{Name: "approle", Usage: "make an AppRole login for each role too"},
	},
	Action: func(c *cli.Context) error {
		if err := noArguments(c); err != nil {
			return err
		}
		conf, err := vaultConfig(keysConfig(c))
		if err != nil {
			return err
		}
		if conf == nil {
			return agencyf("%s has no section [vault]: there is nothing to provision", keysConfig(c))
		}
		steps := vault.Plan(*conf, c.Bool("approle"))
		if c.Bool("dry-run") {
			for _, step := range steps {
				fmt.Fprintln(c.App.Writer, step)
			}
			return nil
		}
		if c.Path("token-file") == "" {
			return usagef("keys provision needs --token-file with an administrator's token, or --dry-run")
		}
		admin := *conf
		admin.Auth, admin.TokenFile = vault.AuthToken, c.Path("token-file")
		return vault.Provision(c.Context, admin, steps, func(s vault.Step, present bool) {
			done := "written"
			if present {
				done = "present"
			}
			fmt.Fprintf(c.App.Writer, "%s  %-45s  %s\n", done, s.Path, s.Purpose)
		})
	},
}

// vaultFlag names a configuration of Vault other than the agency's.
var vaultFlag = &cli.PathFlag{Name: "vault", Usage: "`FILE` whose section [vault] is used", EnvVars: []string{"PUENTE_VAULT_CONFIG"}}

// keysConfig returns the file with the section [vault].
func keysConfig(c *cli.Context) string {
	return cmp.Or(c.Path("vault"), filepath.Join(c.Path("dir"), configFile))
}

// keysAction runs a command on the opened key store.
func keysAction(f func(*cli.Context, keys.Store) error) cli.ActionFunc {
	return func(c *cli.Context) (err error) {
		conf, err := vaultConfig(keysConfig(c))
		if err != nil {
			return err
		}
		store, err := openStore(c.Context, c.Path("dir"), conf)
		if err != nil {
			return err
		}
		defer func() { err = cmp.Or(err, closeStore(store)) }()
		return f(c, store)
	}
}

// signingLine is one version of the signing key in the output.
type signingLine struct {
	Version uint32 `json:"version"`
	ID      string `json:"id"`
	State   string `json:"state"` // active, retired or revoked, as in the log
}

func signingLines(list keys.SigningVersions) []signingLine {
	lines := make([]signingLine, len(list))
	for i, v := range list {
		lines[i] = signingLine{v.Public.Version, v.Public.ID().String(), keyState(v, list.Newest())}
	}
	return lines
}

// keyState is the state of a version of the signing key: the newest is active and signs,
// older ones are retired, what they signed verifies.
func keyState(v keys.SigningVersion, newest uint32) string {
	switch {
	case v.Revoked:
		return "revoked"
	case v.Public.Version == newest:
		return "active"
	}
	return "retired"
}

var keysRotate = &cli.Command{
	Name: "rotate", Usage: "make a new version of the signing key; bring data keys under a new wrapping key", ArgsUsage: " ",
	Description: "Signatures of older versions stay valid. Partners refuse the new version until they have it: give it to\n" +
		"them and to auditors (card.toml, or puente keys export-public). A service that runs signs with the old\n" +
		"version until it is started again; commands sign with the new one at once.\n" +
		"In Vault the key that wraps data keys gets a new version too, and every data key is rewrapped;\n" +
		"services go on reading meanwhile.",
	Flags: []cli.Flag{
		&cli.StringFlag{Name: "only", Usage: "`WHICH` one: signing or wrapping; default both"},
	},
	Action: keysAction(func(c *cli.Context, store keys.Store) error {
		if err := noArguments(c); err != nil {
			return err
		}
		only := c.String("only")
		if !slices.Contains([]string{"", "signing", "wrapping"}, only) {
			return usagef("--only %q is neither signing nor wrapping", only)
		}
		if only != "wrapping" {
			version, err := keys.Rotate(c.Context, store)
			if err != nil {
				return err
			}
			list, err := keys.ListSigning(c.Context, store)
			if err != nil {
				return err
			}
			for _, v := range list {
				if v.Public.Version == version {
					fmt.Fprintf(c.App.Writer, "signing key   version %d, id %s\n", version, v.Public.ID())
				}
			}
			if err := announceKeys(c.Context, c.Path("dir"), store); err != nil {
				return err
			}
		}
		wrapper, ok := store.(keys.Rewrapper)
		switch {
		case ok && only != "signing":
			n, err := wrapper.Rewrap(c.Context)
			if err != nil {
				return err
			}
			fmt.Fprintf(c.App.Writer, "wrapping key  new version, %d data keys rewrapped\n", n)
		case only == "wrapping":
			return agencyf("%s has no wrapping key; that is for Vault", keyFile)
		}
		return nil
	}),
}

var keysRevoke = &cli.Command{
	Name: "revoke", Usage: "revoke a version of the signing key, or old versions of the wrapping key", ArgsUsage: "VERSION | --wrapping",
	Description: "A revoked version signs nothing any more; with Vault this holds for all versions before it too. Start\n" +
		"services again before it: they sign with the version that was the newest when they started.\n" +
		"What it signed before still verifies: tell partners and auditors from when on it must not count.\n" +
		"The newest version cannot be revoked: rotate first. --wrapping makes old copies of the encrypted\n" +
		"seeds unreadable; run keys rotate before.",
	Flags: []cli.Flag{
		&cli.BoolFlag{Name: "wrapping", Usage: "disable the versions of the wrapping key that no data key needs"},
	},
	Action: keysAction(func(c *cli.Context, store keys.Store) error {
		if c.Bool("wrapping") {
			if err := noArguments(c); err != nil {
				return err
			}
			s, ok := store.(*vault.Store)
			if !ok {
				return agencyf("%s has no wrapping key; that is for Vault", keyFile)
			}
			least, err := s.RetireWrapping(c.Context)
			if err != nil {
				return err
			}
			fmt.Fprintf(c.App.Writer, "wrapping key  versions before %d are disabled\n", least)
			return nil
		}
		if c.NArg() != 1 {
			return usagef("keys revoke takes one argument, the version")
		}
		n, err := strconv.ParseUint(c.Args().First(), 10, 32)
		if err != nil || n == 0 {
			return usagef("%q is no version of a signing key", c.Args().First())
		}
		if err := keys.Revoke(c.Context, store, uint32(n)); errors.Is(err, keys.ErrNewest) || errors.Is(err, keys.ErrNotFound) {
			return usageError(err)
		} else if err != nil {
			return err
		}
		fmt.Fprintf(c.App.Writer, "signing key   version %d is revoked\n", n)
		return announceKeys(c.Context, c.Path("dir"), store)
	}),
}

var keysExport = &cli.Command{
	Name: "export-public", Usage: "print the public keys with which this agency's signatures verify", ArgsUsage: " ",
	Description: "One line for each version, behind a comment with its id and state. Give them to partners and auditors\n" +
		"and compare the ids over a second channel.",
	Flags: []cli.Flag{
		&cli.UintFlag{Name: "version", Usage: "only `VERSION`"},
	},
	Action: keysAction(func(c *cli.Context, store keys.Store) error {
		if err := noArguments(c); err != nil {
			return err
		}
		list, err := keys.ListSigning(c.Context, store)
		if err != nil {
			return err
		}
		var text strings.Builder
		for i, line := range signingLines(list) {
			if only := c.Uint("version"); only != 0 && only != uint(line.Version) {
				continue
			}
			fmt.Fprintf(&text, "# version %d, %s, id %s\n%s\n", line.Version, line.State, line.ID, list[i].Public)
		}
		if text.Len() == 0 {
			return agencyf("there is no such signing key; puente keys status shows the versions")
		}
		fmt.Fprint(c.App.Writer, text.String())
		return nil
	}),
}
