// Command puente-audit examines afterwards what two agencies have recorded about their
// encrypted watchlist queries. It works on copies of their folders, offline, and holds no
// secret.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// command is a subcommand.
type command struct {
	name, arguments, short, long string
	// register declares the flags and returns what to do with the other arguments.
	register func(*flag.FlagSet) func(out io.Writer, arguments []string) error
}

var commands = []command{verifyCommand, diffCommand, showCommand, followCommand, canaryCommand}

// run executes a command line and returns its exit code.
func run(arguments []string, out, people io.Writer) int {
	err := dispatch(arguments, out)
	if err != nil && !isFinding(err) {
		fmt.Fprintln(people, "puente-audit:", err)
	}
	return exitCode(err)
}

func dispatch(arguments []string, out io.Writer) error {
	if len(arguments) == 0 || isHelp(arguments[0]) {
		fmt.Fprint(out, overview())
		return nil
	}
	for _, c := range commands {
		if c.name != arguments[0] {
			continue
		}
		flags := flag.NewFlagSet(c.name, flag.ContinueOnError)
		flags.SetOutput(io.Discard)
		do := c.register(flags)
		rest, err := parse(flags, arguments[1:])
		if errors.Is(err, flag.ErrHelp) {
			fmt.Fprint(out, c.help(flags))
			return nil
		}
		if err != nil {
			return usagef("%s: %w; puente-audit %s --help lists the flags", c.name, err, c.name)
		}
		return do(out, rest)
	}
	return usagef("there is no command %q; puente-audit --help lists them", arguments[0])
}

func isHelp(s string) bool {
	return s == "help" || s == "-h" || s == "-help" || s == "--help"
}

// parse reads flags before, between and behind the other arguments.
func parse(flags *flag.FlagSet, arguments []string) (rest []string, err error) {
	for {
		if err := flags.Parse(arguments); err != nil {
			return nil, err
		}
		if flags.NArg() == 0 {
			return rest, nil
		}
		rest = append(rest, flags.Arg(0))
		arguments = flags.Args()[1:]
	}
}

// list is a flag that may be repeated and takes several values separated by commas.
type list []string

func (l *list) String() string { return strings.Join(*l, ",") }

func (l *list) Set(s string) error {
	*l = append(*l, strings.Split(s, ",")...)
	return nil
}
