package main

import (
	"flag"
	"io"

	"github.com/puente-project/puente/protocol/audit"
)

var showCommand = command{
	name: "show", arguments: "SESSION --party DIR[,DIR] --keys FILE,FILE --agreement FILE [--json]",
	short: "show one session: its statements, messages and checks",
	long: `SESSION is a session id, or the digest of the request for one that was never granted; its
first 8 hexadecimal digits suffice if they are unique.`,
	register: func(f *flag.FlagSet) func(io.Writer, []string) error {
		var in inputs
		in.register(f)
		asJSON := f.Bool("json", false, "print one JSON object")
		return func(out io.Writer, rest []string) error {
			if len(rest) != 1 {
				return usagef("show takes one argument, the session; several keys are separated by commas")
			}
			input, err := in.read()
			if err != nil {
				return err
			}
			v, err := audit.Show(input, rest[0])
			if err != nil {
				return err
			}
			return print(out, v, *asJSON, v.Clean())
		}
	},
}
