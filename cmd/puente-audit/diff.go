package main

import (
	"flag"
	"io"

	"github.com/puente-project/puente/protocol/audit"
)

var diffCommand = command{
	name: "diff", arguments: "--party DIR,DIR --keys FILE... --agreement FILE [--json]",
	short: "compare the sessions in two logs",
	long: `Lists sessions that are in one log only, that one side has completed and the other aborted,
and those for which the sides have signed different notes. It needs no evidence folders.`,
	register: func(f *flag.FlagSet) func(io.Writer, []string) error {
		var in inputs
		in.register(f)
		asJSON := f.Bool("json", false, "print one JSON object")
		return func(out io.Writer, rest []string) error {
			in.keys = append(in.keys, rest...)
			input, err := in.read()
			if err != nil {
				return err
			}
			if len(input.Parties) != 2 {
				return usagef("diff: --party takes two folders")
			}
			c, err := audit.Diff(input)
			if err != nil {
				return err
			}
			return print(out, c, *asJSON, c.Clean())
		}
	},
}
