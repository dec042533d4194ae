package main

import (
	"fmt"
	"io"
	"time"

	"github.com/urfave/cli/v2"
)

var demoCommand = &cli.Command{
	Name: "demo", Usage: "play Chile and the United States on this machine", ArgsUsage: " ",
	Description: "Creates two agencies in a temporary directory, enrols synthetic watchlists and two real iris records of one\n" +
		"eye, starts two serve processes and queries in both directions. Needs about 2 GB of memory.",
	Flags: []cli.Flag{
		&cli.IntFlag{Name: "entries", Usage: "`NUMBER` of entries in each watchlist", Value: 2000},
		&cli.PathFlag{Name: "vaults", Usage: "`DIRECTORY` with a Vault for each agency, in cl and us: see make demo-vault"},
		&cli.PathFlag{Name: "keep", Usage: "use this new `DIRECTORY` and keep it"},
	},
	Action: func(c *cli.Context) error {
		if err := noArguments(c); err != nil {
			return err
		}
		if n := c.Int("entries"); n < 2 || n > 1_000_000 {
			return usagef("--entries %d: allowed are 2 to 1000000", n)
		}
		d, err := newDemo(c)
		if err != nil {
			return err
		}
		defer d.close()
		return d.run(c.Context)
	},
}

// demo plays two agencies, each through the same commands that a person would type.
type demo struct {
	*commands
	out     io.Writer
	vaults  string // "" for key files
	entries int
	start   time.Time
}

// side is one agency of the demonstration.
type side struct{ name, country, dir, address string }

func newDemo(c *cli.Context) (*demo, error) {
	played, err := newCommands(c.Path("keep"))
	if err != nil {
		return nil, err
	}
	return &demo{commands: played, out: c.App.Writer, entries: c.Int("entries"), vaults: c.Path("vaults"), start: time.Now()}, nil
}

func (d *demo) say(format string, args ...any) {
	fmt.Fprintf(d.out, "%6.1f s  %s\n", time.Since(d.start).Seconds(), fmt.Sprintf(format, args...))
}
