package main

import (
	"flag"
	"fmt"
	"strings"
)

const introduction = `puente-audit - examine the records of encrypted watchlist queries, offline

Each agency hands over a folder with its log, its evidence and its copy of the agreement.
What you need from elsewhere, over a channel that you trust, are both agencies' public
keys (public.json) and the agreement. Nothing in a folder is believed but what signatures,
hashes and the other agency's folder confirm.

  puente-audit verify --party cl,us --keys cl.json,us.json --agreement agreement.json \
                      --html report.html

prints a report, findings first, and writes it as one page that a browser shows and prints.

Commands:
`

const folderHelp = `
A party's folder:
  log/             transparency log: checkpoint, tile/...
  log-witness/     checkpoint          its newest checkpoint with the partner's cosignature
                   partner-checkpoint  the partner's newest checkpoint that it has cosigned
  evidence/        a folder for each session: request.txt, grant.txt, head.txt, records
  agreement.json   its copy of the agreement
  public.json      its copy of its keys, compared with those given by --keys
`

func overview() string {
	var b strings.Builder
	b.WriteString(introduction)
	for _, c := range commands {
		fmt.Fprintf(&b, "  %-8s %s\n", c.name, c.short)
	}
	b.WriteString("\npuente-audit COMMAND --help describes a command.\n")
	return b.String() + folderHelp + exitCodeHelp
}

// help describes a command and its flags.
func (c command) help(flags *flag.FlagSet) string {
	var b strings.Builder
	fmt.Fprintf(&b, "puente-audit %s %s\n\n%s\n\nFlags:\n", c.name, c.arguments, c.long)
	flags.VisitAll(func(f *flag.Flag) {
		name, text := flag.UnquoteUsage(f)
		fmt.Fprintf(&b, "  --%s %s\n      %s\n", f.Name, strings.ToUpper(name), text)
	})
	return b.String() + exitCodeHelp
}
