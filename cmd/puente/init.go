package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"github.com/puente-project/puente/keys"
	"github.com/puente-project/puente/keys/vault"
	"github.com/puente-project/puente/protocol"
	"github.com/puente-project/puente/protocol/transport"
)

const configComment = `Puente agency configuration. Durations like "90s" or "10m".
endpoint is what partners dial; threads = 0 uses all processors.
keep_messages keeps the bytes of all sessions for replay, as much disk as traffic.`

const cardComment = `Public card of an agency: give it to partners, who run puente partner add.
Compare the pin over a second channel, for example by telephone.`

var initCommand = &cli.Command{
	Name:      "init",
	Usage:     "create an agency: keys, configuration and the card for partners",
	ArgsUsage: " ",
	Description: "Creates the directory given by --dir with " + configFile + ", " + cardFile + " and " + keyFile + ".\n" +
		"The keys are encrypted to the passphrase in PUENTE_PASSPHRASE or the file PUENTE_PASSPHRASE_FILE, or to\n" +
		"the age identity in the file PUENTE_IDENTITY_FILE; on a terminal it asks for a passphrase.",
	Flags: []cli.Flag{
		&cli.StringFlag{Name: "name", Usage: "`NAME` of the agency: a-z, 0-9 and -"},
		&cli.StringFlag{Name: "listen", Usage: "`ADDRESS` on which serve listens", Value: "127.0.0.1:7443"},
		vaultFlag,
		&cli.StringFlag{Name: "endpoint", Usage: "`URL` that partners dial; default https:// and the listen address"},
	},
	Action: func(c *cli.Context) error {
		if err := errors.Join(noArguments(c), needs(c, "name")); err != nil {
			return err
		}
		dir := c.Path("dir")
		limit := transport.DefaultLimits()
		conf := config{
			Agency: c.String("name"), Listen: c.String("listen"), Endpoint: c.String("endpoint"),
			Limits: limits{Sessions: limit.Sessions, SessionsPerPartner: limit.SessionsPerPartner,
				SessionTimeout: duration(limit.SessionTimeout), PeerTimeout: duration(limit.PeerTimeout)},
		}
		if !protocol.ValidName(conf.Agency) {
			return usagef("--name %q is not 1 to %d characters of a-z, 0-9 and -", conf.Agency, protocol.MaxName)
		}
		if _, _, err := net.SplitHostPort(conf.Listen); err != nil {
			return usagef("--listen %q is no host:port", conf.Listen)
		}
		if conf.Endpoint == "" {
			conf.Endpoint = "https://" + conf.Listen
		}
		path := filepath.Join(dir, configFile)
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			return agencyf("%s exists already: %s is an agency", path, dir)
		}
		store, err := newStore(c, &conf)
		if err != nil {
			return err
		}
		defer func() { _ = closeStore(store) }()
		for _, name := range []string{seedSessions, seedIdentity, seedLog} {
			if err := store.Create(c.Context, name); err != nil && (conf.Vault == nil || !errors.Is(err, keys.ErrExists)) {
				return err
			}
		}
		a := &agency{dir: dir, config: conf, store: store}
		id, err := a.identity(c.Context)
		if err != nil {
			return err
		}
		pin, err := transport.IdentityPin(id)
		if err != nil {
			return err
		}
		versions, err := firstKey(c.Context, store)
		if err != nil {
			return err
		}
		_, _, log, witness, err := a.logKeys(c.Context)
		if err != nil {
			return err
		}
		public := card{Log: log.String(), Witness: witness.String(), Agency: conf.Agency, Endpoint: conf.Endpoint, Pin: pin, Keys: versions.PublicKeys()}
		if err := public.check("--endpoint"); err != nil {
			return usageError(err)
		}
		if err := writeTOML(filepath.Join(dir, cardFile), cardComment, public); err != nil {
			return err
		}
		if err := a.postKeys(versions); err != nil {
			return err
		}
		// The configuration comes last: with it the agency exists.
		if err := writeTOML(path, configComment, conf); err != nil {
			return err
		}
		fmt.Fprintf(c.App.Writer, "agency %s created in %s\ncard     %s\npin      %v\nkey 1    %v\n", conf.Agency, dir, filepath.Join(dir, cardFile), pin, public.Keys[0].ID())
		return nil
	},
}

// newStore makes the directory and the key store: Vault if a configuration of it is
// named, else a new key file.
func newStore(c *cli.Context, conf *config) (keys.Store, error) {
	dir := c.Path("dir")
	if c.IsSet("vault") {
		v, err := vaultConfig(c.Path("vault"))
		if err != nil {
			return nil, err
		}
		if v == nil {
			return nil, agencyf("%s has no section [vault]", c.Path("vault"))
		}
		conf.Vault = v
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, err
		}
		return openStore(c.Context, dir, v)
	}
	unlock, err := keys.FromEnvironment(os.Getenv, keys.Prompt(os.Stdin, os.Stderr, true))
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	return keys.Init(filepath.Join(dir, keyFile), unlock)
}

// firstKey makes version 1 of the signing key unless an operator has made it.
func firstKey(ctx context.Context, store keys.Store) (keys.SigningVersions, error) {
	versions, err := keys.ListSigning(ctx, store)
	if err != nil || len(versions) > 0 {
		return versions, err
	}
	if _, err := keys.Rotate(ctx, store); errors.Is(err, vault.ErrDenied) {
		return nil, agencyf("there is no signing key yet, and this login may not make one: let an operator run puente keys rotate: %w", err)
	} else if err != nil {
		return nil, err
	}
	return keys.ListSigning(ctx, store)
}

// needs refuses a command without its necessary flags.
func needs(c *cli.Context, flags ...string) error {
	for _, f := range flags {
		if c.String(f) == "" {
			return usagef("%s needs --%s; see --help", c.Command.FullName(), f)
		}
	}
	return nil
}

// noArguments refuses arguments that a command does not take.
func noArguments(c *cli.Context) error {
	if c.NArg() > 0 {
		return usagef("%s takes no argument, but got %q", c.Command.FullName(), c.Args().First())
	}
	return nil
}
