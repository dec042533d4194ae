package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/puente-project/puente/protocol/audit"
	"github.com/puente-project/puente/protocol/transparency/view"
)

var followCommand = command{
	name: "follow", arguments: "--party DIR --keys FILE --state FILE [--every DURATION] [--json]",
	short: "remember a log and insist that it only grows",
	long: `Verifies the log, and that it extends the checkpoint kept in the state file, which is then
replaced by the new one. The first time there is no state file, and any log is accepted. A log
that was rolled back or rewritten ends the command with exit code 1, and the state is kept.`,
	register: func(f *flag.FlagSet) func(io.Writer, []string) error {
		var parties, keys list
		f.Var(&parties, "party", "`DIR` of the party whose log is followed")
		f.Var(&keys, "keys", "`FILE` public.json of the agency, from a channel that you trust")
		state := f.String("state", "", "`FILE` with the last checkpoint")
		every := f.Duration("every", 0, "`DURATION` after which to look again, as 10m; once if it is not given")
		asJSON := f.Bool("json", false, "print one JSON object for each look")
		return func(out io.Writer, rest []string) error {
			switch {
			case len(parties) != 1 || len(keys) == 0 || *state == "" || len(rest) > 0:
				return usagef("follow takes one --party, its --keys and a --state file")
			case *every < 0:
				return usagef("follow: --every must not be negative")
			}
			public, err := readKeys(keys)
			if err != nil {
				return err
			}
			p, err := party(parties[0], public)
			if err != nil {
				return err
			}
			for {
				if err := look(out, p, public, *state, *asJSON); err != nil || *every == 0 {
					return err
				}
				time.Sleep(*every)
			}
		}
	},
}

// look follows the log one step and keeps its checkpoint.
func look(out io.Writer, p audit.Party, public []audit.Public, state string, asJSON bool) error {
	for _, keys := range public {
		if keys.Agency != p.Agency {
			continue
		}
		last, err := readFile(state, view.MaxCheckpoint)
		if errors.Is(err, fs.ErrNotExist) {
			last = nil
		} else if err != nil {
			return err
		}
		step, err := audit.Follow(p, keys, last)
		if err != nil {
			return err
		}
		if err := replace(state, func(w io.Writer) error { _, err := w.Write(step.Checkpoint); return err }); err != nil {
			return err
		}
		if asJSON {
			return json.NewEncoder(out).Encode(step)
		}
		since := fmt.Sprintf("%d more than the last time", step.Size-step.Before)
		if last == nil {
			since = "seen for the first time"
		}
		_, err = fmt.Fprintf(out, "%s: %d entries, %s, root %s\n", step.Origin, step.Size, since, step.Root)
		return err
	}
	return fmt.Errorf("%w: %s: no keys of %s", audit.ErrInput, os.Args[0], p.Agency)
}
