package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/puente-project/puente/keys"
	"github.com/puente-project/puente/keys/durable"
	"github.com/puente-project/puente/protocol/audit"
	"github.com/puente-project/puente/protocol/evidence"
	"github.com/puente-project/puente/protocol/transcript"
	"github.com/puente-project/puente/protocol/transparency"
	"github.com/puente-project/puente/protocol/transport"
)

var logCommand = &cli.Command{
	Name: "log", Usage: "the agency's transparency log: append, have it cosigned",
	Description: "Every session, key, agreement and state of a watchlist is an entry of an append-only log (C2SP tiles).\n" +
		"Partners cosign each other's checkpoints, so that rewriting history takes both. serve does all this by itself.",
	Subcommands: []*cli.Command{
		{
			Name: "sync", Usage: "append what is not in the log yet", ArgsUsage: " ",
			Action: func(c *cli.Context) error {
				if err := noArguments(c); err != nil {
					return err
				}
				return withLedger(c, func(_ *agency, l *ledger) error {
					if err := l.sync(c.Context); err != nil {
						return err
					}
					fmt.Fprintf(c.App.Writer, "%d entries\n", l.log.Size())
					return nil
				})
			},
		},
		{
			Name: "witness", Usage: "have a partner cosign the newest checkpoint, and cosign the partner's", ArgsUsage: "PARTNER",
			Action: func(c *cli.Context) error {
				if c.NArg() != 1 {
					return usagef("log witness takes one argument, the partner")
				}
				return withLedger(c, func(a *agency, l *ledger) error {
					p, err := a.partner(c.Args().First())
					if err != nil {
						return err
					}
					client, err := a.client(c.Context, p)
					if err != nil {
						return err
					}
					defer client.Close()
					if err := errors.Join(l.sync(c.Context), l.exchange(c.Context, p.Agency, client)); err != nil {
						return err
					}
					fmt.Fprintf(c.App.Writer, "%s has cosigned %d entries\n", p.Agency, l.log.Size())
					return nil
				})
			},
		},
	},
}

// withLedger runs a command on the log, which no other process may have open.
func withLedger(c *cli.Context, f func(*agency, *ledger) error) error {
	a, err := openAgency(c)
	if err != nil {
		return err
	}
	defer a.close()
	l, err := a.openLedger(c.Context, slog.New(slog.DiscardHandler))
	if errors.Is(err, transparency.ErrLocked) {
		return agencyf("the log is in use: puente serve keeps it up to date while it runs")
	} else if err != nil {
		return err
	}
	return errors.Join(f(a, l), l.close(context.WithoutCancel(c.Context)))
}

// client connects to a partner.
func (a *agency) client(ctx context.Context, p partner) (*transport.Client, error) {
	if p.Endpoint == "" {
		return nil, agencyf("%s: partner %s has no endpoint", a.partnerFile(p.Agency), p.Agency)
	}
	identity, err := a.identity(ctx)
	if err != nil {
		return nil, err
	}
	tls, err := transport.ClientConfig(identity, p.Pin)
	if err != nil {
		return nil, err
	}
	client, err := transport.NewClient(p.Endpoint, tls, a.limits())
	if err != nil {
		return nil, agencyf("%s: %w", a.partnerFile(p.Agency), err)
	}
	return client, nil
}

var auditCommand = &cli.Command{
	Name: "audit", Usage: "hand over to auditors what they need",
	Subcommands: []*cli.Command{
		auditOpen, auditKeygen, auditPlant,
		{
			Name: "export", Usage: "write log, cosignatures and transcripts of a partner into a new folder", ArgsUsage: "PARTNER DIRECTORY",
			Description: "The folder is what puente-audit verify reads. It holds no message, no case reference and no key.\n" +
				"public.json in it is for convenience: auditors take the keys from a channel that they trust.",
			Action: func(c *cli.Context) error {
				if c.NArg() != 2 {
					return usagef("audit export takes two arguments, the partner and the folder to write")
				}
				a, err := openAgency(c)
				if err != nil {
					return err
				}
				defer a.close()
				return a.export(c, c.Args().Get(0), c.Args().Get(1))
			},
		},
	},
}

// export copies what an auditor needs. It does not lock: a log only grows.
func (a *agency) export(c *cli.Context, partnerName, dir string) error {
	p, err := a.partner(partnerName)
	if err != nil {
		return err
	}
	versions, err := keys.ListSigning(c.Context, a.store)
	if err != nil {
		return err
	}
	public := audit.Public{Agency: a.config.Agency}
	for _, v := range versions {
		public.Keys = append(public.Keys, v.Public)
	}
	if _, _, public.Log, public.Witness, err = a.logKeys(c.Context); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		return inputf("%w", err)
	}
	// The checkpoint is copied first: what it covers is in the tiles that are copied next.
	checkpoint, err := os.ReadFile(filepath.Join(a.dir, logDir, "checkpoint"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := copyTree(filepath.Join(a.dir, logDir), filepath.Join(dir, logDir), nil); err != nil {
		return err
	}
	if err := copyTree(filepath.Join(a.dir, logWitnessDir, p.Agency), filepath.Join(dir, logWitnessDir), nil); err != nil {
		return err
	}
	statements := []string{evidence.RequestFile, evidence.GrantFile, evidence.HeadFile, evidence.RecordsFile,
		evidence.ClaimFile, evidence.ReleaseFile}
	for _, below := range []string{".", evidence.Unanswered} {
		if err := copySessions(filepath.Join(a.evidenceDir(), below), filepath.Join(dir, "evidence", below), p.Agency, statements); err != nil {
			return err
		}
	}
	for name, data := range map[string][]byte{"public.json": public.Encode(), "agreement.json": p.agreement.Encode(), logDir + "/checkpoint": checkpoint} {
		if len(data) == 0 {
			continue
		}
		if err := writeFile(nil, filepath.Join(dir, name), data); err != nil {
			return err
		}
	}
	fmt.Fprintf(c.App.Writer, "written to %s\n", dir)
	return nil
}

// copySessions copies the files of the given names of the sessions with a partner.
func copySessions(from, to, partner string, names []string) error {
	if err := os.MkdirAll(to, 0o700); err != nil {
		return err
	}
	folders, err := os.ReadDir(from)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	for _, f := range folders {
		dir := filepath.Join(from, f.Name())
		_, request, err := readNote(filepath.Join(dir, evidence.RequestFile), transcript.ParseRequest)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue // no session
		case err == nil && request.Requester != partner && request.Holder != partner:
			continue
		} // what cannot be read is for the auditor to see
		if err := copyTree(dir, filepath.Join(to, f.Name()), names); err != nil {
			return err
		}
	}
	return nil
}

// copyTree copies the regular files of a folder, those with the given names or, with
// none given, all that are not hidden.
func copyTree(from, to string, names []string) error {
	if err := os.MkdirAll(to, 0o700); err != nil {
		return err
	}
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		} else if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if d.IsDir() {
			if rel != "." && d.Name()[0] == '.' {
				return fs.SkipDir
			}
			return nil
		}
		if !d.Type().IsRegular() || d.Name()[0] == '.' || names != nil && !slices.Contains(names, d.Name()) {
			return nil
		}
		in, err := os.Open(path)
		if err != nil {
			return err
		}
		defer in.Close()
		target := filepath.Join(to, rel)
		if err := os.MkdirAll(filepath.Dir(target), 0o700); err != nil {
			return err
		}
		return durable.Replace(target, func(w io.Writer) error {
			_, err := io.Copy(w, in)
			return err
		})
	})
}
