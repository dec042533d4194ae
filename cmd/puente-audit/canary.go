package main

import (
	"flag"
	"fmt"
	"io"

	"github.com/puente-project/puente/protocol/audit"
)

// maxCanaryFile is the bound of audit.ParseCanary.
const maxCanaryFile = 1 << 20

var canaryCommand = command{
	name: "canary", arguments: "--probe SESSION... --blank SESSION... FILE",
	short: "note the sessions in which a canary's probe and blank were asked",
	long: `FILE is what puente audit plant has written for you. A session is given by 16 to 64 digits of
its id, as puente query prints it when you have the requester ask. What you note is your own
knowledge: nothing in a session shows what was asked. verify --canary FILE then compares.`,
	register: func(f *flag.FlagSet) func(io.Writer, []string) error {
		var probes, blanks list
		f.Var(&probes, "probe", "`SESSION`[,SESSION] in which the probe was asked; may be repeated")
		f.Var(&blanks, "blank", "`SESSION`[,SESSION] in which the blank was asked; may be repeated")
		return func(out io.Writer, rest []string) error {
			if len(rest) != 1 || len(probes)+len(blanks) == 0 {
				return usagef("canary takes one file, and --probe or --blank")
			}
			c, err := readCanary(rest[0])
			if err != nil {
				return err
			}
			c.Probes, c.Blanks = append(c.Probes, probes...), append(c.Blanks, blanks...)
			if _, err := audit.ParseCanary(c.Encode()); err != nil {
				return err
			}
			if err := replace(rest[0], func(w io.Writer) error { _, err := w.Write(c.Encode()); return err }); err != nil {
				return err
			}
			fmt.Fprintf(out, "%s: %d sessions with the probe, %d with the blank\n", rest[0], len(c.Probes), len(c.Blanks))
			return nil
		}
	},
}

func readCanary(name string) (audit.Canary, error) {
	data, err := readFile(name, maxCanaryFile)
	if err != nil {
		return audit.Canary{}, err
	}
	c, err := audit.ParseCanary(data)
	if err != nil {
		return c, fmt.Errorf("%s: %w", name, err)
	}
	return c, nil
}
