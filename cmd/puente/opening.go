package main

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/puente-project/puente/he"
	"github.com/puente-project/puente/protocol/audit"
	"github.com/puente-project/puente/protocol/canary"
	"github.com/puente-project/puente/protocol/evidence"
	"github.com/puente-project/puente/protocol/opening"
	"github.com/puente-project/puente/protocol/replay"
	"github.com/puente-project/puente/protocol/transcript"
	"github.com/puente-project/puente/templates"
	"github.com/puente-project/puente/templates/watchlist"
)

var auditKeygen = &cli.Command{
	Name: "keygen", Usage: "make an auditor's key pair for openings", ArgsUsage: "FILE",
	Description: "FILE takes the secret key. The public key is printed: give it to the agencies.",
	Action: func(c *cli.Context) error {
		if c.NArg() != 1 {
			return usagef("audit keygen takes one argument, the file for the secret key")
		}
		file := c.Args().First()
		if _, err := os.Lstat(file); err == nil {
			return inputf("%s exists", file)
		}
		key, err := opening.GenerateKey()
		if err != nil {
			return err
		}
		if err := writeFile(nil, file, []byte(key.Secret()+"\n")); err != nil {
			return err
		}
		fmt.Fprintln(c.App.Writer, key.Public())
		return nil
	},
}

var auditOpen = &cli.Command{
	Name: "open", Usage: "seal the seed of one of this agency's sessions to auditors", ArgsUsage: "SESSION FILE",
	Description: "With the seed an auditor can replay this side of the session byte for byte. SESSION is the id, 64 digits or\n" +
		"the beginning of it. --to names a file with the public key of an auditor; with --split both of two are needed.",
	Flags: []cli.Flag{
		&cli.StringSliceFlag{Name: "to", Usage: "`FILE` with an auditor's public key; may be repeated"},
		&cli.BoolFlag{Name: "split", Usage: "two auditors, and both must agree"},
	},
	Action: func(c *cli.Context) error {
		if c.NArg() != 2 {
			return usagef("audit open takes two arguments, the session and the file to write")
		}
		var auditors []opening.PublicKey
		for _, file := range c.StringSlice("to") {
			text, err := os.ReadFile(file)
			if err != nil {
				return inputf("%w", err)
			}
			key, err := opening.ParsePublicKey(strings.TrimSpace(string(text)))
			if err != nil {
				return inputf("%s: %w", file, err)
			}
			auditors = append(auditors, key)
		}
		if len(auditors) == 0 || c.Bool("split") && len(auditors) != 2 {
			return usagef("audit open needs --to, and exactly two of them with --split")
		}
		a, err := openAgency(c)
		if err != nil {
			return err
		}
		defer a.close()
		dir, err := a.sessionDir(c.Args().Get(0))
		if err != nil {
			return err
		}
		_, request, err := readNote(filepath.Join(dir, evidence.RequestFile), transcript.ParseRequest)
		if err != nil {
			return err
		}
		role := transcript.Holder
		if request.Requester == a.config.Agency {
			role = transcript.Requester
		}
		root, err := a.root(c.Context)
		if err != nil {
			return err
		}
		subject, seed, err := replay.SessionSeed(dir, role, root)
		if err != nil {
			return inputf("%w", err)
		}
		var sealed opening.Opening
		if c.Bool("split") {
			sealed, err = opening.SealSplit(subject, seed, [2]opening.PublicKey(auditors))
		} else {
			sealed, err = opening.Seal(subject, seed, auditors...)
		}
		if err != nil {
			return err
		}
		return writeFile(c.App.Writer, c.Args().Get(1), sealed.Encode())
	},
}

// sessionDir returns the evidence of a session whose id begins with a text.
func (a *agency) sessionDir(id string) (string, error) {
	if len(id) < 8 || strings.Trim(id, "0123456789abcdef") != "" {
		return "", usagef("session %q is not 8 to 64 hexadecimal digits", id)
	}
	found, err := filepath.Glob(filepath.Join(a.evidenceDir(), id+"*"))
	if err != nil {
		return "", err
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return "", inputf("there is no session %s in %s", id, a.evidenceDir())
	}
	return "", usagef("%d sessions begin with %s", len(found), id)
}

var replayCommand = &cli.Command{
	Name: "replay", Usage: "make one side's messages of a session again and compare them byte for byte", ArgsUsage: "SESSION-DIRECTORY",
	Description: "For auditors with an opening. SESSION-DIRECTORY is the evidence of the session, with all messages\n" +
		"(keep_messages) and after puente-audit verify. --probe replays the requester: what query was\n" +
		"given, in the same order. --watchlist replays the holder: a file with the templates in slot order. Exit code 8 if any byte differs.",
	Flags: []cli.Flag{
		&cli.PathFlag{Name: "opening", Usage: "`FILE` with the sealed seed"},
		&cli.StringSliceFlag{Name: "key", Usage: "`FILE` with an auditor's secret key; two for a split opening"},
		&cli.StringSliceFlag{Name: "probe", Usage: "`FILE` or folder with probes; for several in the order of the query, repeat it"},
		fingerFlag,
		&cli.PathFlag{Name: "watchlist", Usage: "`FILE` with the watchlist's templates"},
		jsonFlag,
	},
	Action: runReplay,
}

func runReplay(c *cli.Context) error {
	if c.NArg() != 1 {
		return usagef("replay takes one argument, the folder of the session")
	}
	if err := needs(c, "opening"); err != nil {
		return err
	}
	if (len(c.StringSlice("probe")) == 0) == (c.Path("watchlist") == "") || len(c.StringSlice("key")) == 0 {
		return usagef("replay needs --key, and either --probe or --watchlist")
	}
	dir := c.Args().First()
	_, request, err := readNote(filepath.Join(dir, evidence.RequestFile), transcript.ParseRequest)
	if err != nil {
		return inputf("%w", err)
	}
	_, grant, err := readNote(filepath.Join(dir, evidence.GrantFile), transcript.ParseGrant)
	if err != nil {
		return inputf("%w", err)
	}
	data, err := os.ReadFile(c.Path("opening"))
	if err != nil {
		return inputf("%w", err)
	}
	sealed, err := opening.Parse(data)
	if err != nil {
		return inputf("%s: %w", c.Path("opening"), err)
	}
	var keys []*opening.PrivateKey
	for _, file := range c.StringSlice("key") {
		text, err := os.ReadFile(file)
		if err != nil {
			return inputf("%w", err)
		}
		key, err := opening.ParsePrivateKey(strings.TrimSpace(string(text)))
		if err != nil {
			return inputf("%s: %w", file, err)
		}
		keys = append(keys, key)
	}
	role := transcript.Requester
	if c.Path("watchlist") != "" {
		role = transcript.Holder
	}
	seed, err := sealed.Open(opening.SubjectOf(request, grant, role), keys...)
	if err != nil {
		return inputf("%s: %w", c.Path("opening"), err)
	}
	scheme, err := templates.ParseScheme(request.Scheme)
	if err != nil {
		return inputf("%w", err)
	}
	list, err := replayed(c, role, scheme)
	if err != nil {
		return err
	}
	bar := newProgress()
	options := replay.Options{Workers: 2, Encoded: func(done int) { bar.update("encode", done, len(list)) }}
	var report *replay.Report
	if role == transcript.Requester {
		if uint64(len(list)) != request.Probes {
			return inputf("%d probes are given, the session has %d: give those of its query, in the same order", len(list), request.Probes)
		}
		report, err = replay.Requester(c.Context, dir, seed, list, options)
	} else {
		report, err = replay.Holder(c.Context, dir, seed, replay.Watchlist{Scheme: scheme, Epoch: grant.Epoch, Entries: len(list), Templates: templates.Sequence(list)}, options)
	}
	bar.done()
	if err != nil {
		return inputf("%w", err)
	}
	if c.Bool("json") {
		if err := writeJSON(c, report); err != nil {
			return err
		}
	} else {
		t := newTable(c, "message", "compared", "different")
		for _, k := range report.Kinds {
			t.AppendRow([]any{k.Kind, k.Equal + k.Different, k.Different})
		}
		t.Render()
		fmt.Fprintf(c.App.Writer, "session %s, the %s's messages: %s\n", report.Session, report.Role,
			map[bool]string{true: "equal to the last byte", false: report.Detail}[report.Equal])
	}
	if err := report.Err(); err != nil {
		return classified{exitPeer, err}
	}
	return nil
}

// replayed reads what a side's messages depend on: the probes as query reads them, or the
// templates of the watchlist.
func replayed(c *cli.Context, role transcript.Party, scheme templates.Scheme) ([]templates.Template, error) {
	if role == transcript.Holder {
		return readTemplates(c.Path("watchlist"), scheme.ReadOptions())
	}
	probes, err := readProbes(c, c.StringSlice("probe"), scheme, true) // they were good enough once
	list := make([]templates.Template, len(probes))
	for i, p := range probes {
		list[i] = p.template
	}
	return list, err
}

var auditPlant = &cli.Command{
	Name: "plant", Usage: "enrol a canary in a watchlist, and write the probe that must find it", ArgsUsage: "WATCHLIST PROBE BLANK",
	Description: "The auditor keeps PROBE, which must hit in every later query, BLANK, which must never hit, and the file of\n" +
		"--canary, into which puente-audit canary writes the sessions in which they were asked, for puente-audit\n" +
		"verify --canary. Removing the handle that is printed ends it.",
	Flags: []cli.Flag{
		&cli.PathFlag{Name: "canary", Usage: "`FILE` for the auditor's notes; PROBE with .notes behind it if not given"},
	},
	Action: func(c *cli.Context) error {
		if c.NArg() != 3 {
			return usagef("audit plant takes three arguments: the watchlist, and the files for the probe and the blank")
		}
		a, err := openAgency(c)
		if err != nil {
			return err
		}
		defer a.close()
		files := []string{c.Args().Get(1), c.Args().Get(2), cmp.Or(c.Path("canary"), c.Args().Get(1)+".notes")}
		for i, file := range files {
			if _, err := os.Lstat(file); err == nil || slices.Contains(files[:i], file) {
				return inputf("%s exists, or is named twice", file)
			}
		}
		list, err := a.watchlist(c.Context, c.Args().First())
		if err != nil {
			return err
		}
		planted, err := canary.New(list.Meta().Scheme, he.Seed(newNonce()))
		if err != nil {
			return err
		}
		for i, t := range []templates.Template{planted.Probe, planted.Blank} {
			line, err := templates.EncodeJSON(t)
			if err != nil {
				return err
			}
			if err := writeFile(nil, files[i], append(line, '\n')); err != nil {
				return err
			}
		}
		generation, err := list.Add([]watchlist.Record{{Handle: planted.Handle, Template: planted.Record}})
		if err != nil {
			return err
		}
		notes := audit.Canary{Holder: a.config.Agency, Watchlist: list.Meta().Name, Epoch: generation.Epoch, Handle: planted.Handle}
		if err := writeFile(nil, files[2], notes.Encode()); err != nil {
			return err
		}
		fmt.Fprintf(c.App.Writer, "canary %s is enrolled in %s, epoch %d\n", planted.Handle, list.Meta().Name, generation.Epoch)
		return nil
	},
}
