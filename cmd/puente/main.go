// Command puente runs encrypted watchlist queries between two agencies: it sets up
// an agency, keeps its watchlists, serves partners and asks them.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/urfave/cli/v2"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	_ = stop // the handler stays until the process ends
	err := newApp().RunContext(ctx, os.Args)
	var found foundHits
	if err != nil && !errors.As(err, &found) {
		fmt.Fprintln(os.Stderr, "puente:", err)
	}
	os.Exit(exitCode(ctx, err))
}

func newApp() *cli.App {
	return &cli.App{
		Name:  "puente",
		Usage: "find wanted people across a border without handing over biometrics",
		Description: "The requester's probe stays encrypted, the holder's watchlist stays at home, and the\n" +
			"answer is hit or no hit. A hit is a lead for a human examiner, never a decision.",
		Version:                "0.1.0",
		HideHelpCommand:        true,
		UseShortOptionHandling: true,
		Suggest:                true,
		ExitErrHandler:         func(*cli.Context, error) {}, // main maps errors to exit codes
		OnUsageError:           func(_ *cli.Context, err error, _ bool) error { return usageError(err) },
		Flags:                  []cli.Flag{dirFlag},
		Commands: []*cli.Command{
			initCommand, agreementCommand, partnerCommand, templateCommand, watchlistCommand,
			serveCommand, queryCommand, claimCommand, logCommand, auditCommand, replayCommand, keysCommand, paramsCommand, calibrateCommand, benchCommand, demoCommand,
		},
		Action: func(c *cli.Context) error {
			if c.NArg() > 0 {
				return usagef("there is no command %q; puente --help lists them", c.Args().First())
			}
			return cli.ShowAppHelp(c)
		},
		CustomAppHelpTemplate: cli.AppHelpTemplate + exitCodeHelp,
		// The texts of schemes have commas in them; several values take several flags.
		DisableSliceFlagSeparator: true,
	}
}

// dirFlag says where the agency is. It stands before the command.
var dirFlag = &cli.PathFlag{
	Name: "dir", Aliases: []string{"C"}, Usage: "the agency's `DIRECTORY`",
	EnvVars: []string{"PUENTE_DIR"}, Value: ".",
}
