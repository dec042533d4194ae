package main

import (
	"flag"
	"io"

	"github.com/puente-project/puente/protocol/audit"
)

var verifyCommand = command{
	name: "verify", arguments: "--party DIR[,DIR] --keys FILE... --agreement FILE [--canary FILE] [--json] [--html FILE]",
	short: "make all checks and report, findings first",
	long: `Checks logs, signatures, records, times, keys, watchlist states, quotas, claims and the two
sides against each other, and your canaries. With one party's folder the checks that need the partner's are counted as
not made. A finding names the check, the folder, file or log entry, and the session.`,
	register: func(f *flag.FlagSet) func(io.Writer, []string) error {
		var in inputs
		in.register(f)
		var canaries list
		f.Var(&canaries, "canary", "`FILE`[,FILE] of your canaries, see canary; may be repeated")
		asJSON := f.Bool("json", false, "print the report as one JSON object")
		page := f.String("html", "", "`FILE` to which the report is also written, as one page without scripts")
		return func(out io.Writer, rest []string) error {
			in.keys = append(in.keys, rest...)
			input, err := in.read()
			if err != nil {
				return err
			}
			for _, name := range canaries {
				c, err := readCanary(name)
				if err != nil {
					return err
				}
				input.Canaries = append(input.Canaries, c)
			}
			r, err := audit.Verify(input)
			if err != nil {
				return err
			}
			if *page != "" {
				if err := replace(*page, r.WriteHTML); err != nil {
					return err
				}
			}
			return print(out, r, *asJSON, r.Clean)
		}
	},
}
