package main

import (
	"errors"
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/puente-project/puente/templates"
	"github.com/puente-project/puente/templates/intake"
	"github.com/puente-project/puente/templates/minutiae"
)

const importDescription = "PATH is a file, a folder with all its files, or - for stdin. Forms are those of puente template; ISO/IEC\n" +
	"19794-2, ANSI INCITS 378, ANSI/NIST Type-9 and .xyt minutiae; and with --format raw iris bits. A record gets\n" +
	"a random handle; whose it is, by \"subject\" in the record or by the file's name, goes into the mapping file and\n" +
	"nowhere else. The impressions of one finger are averaged; under a fused scheme the parts of one subject become\n" +
	"one entry. The first refused record ends the import, which then takes nothing; with --keep-going the others are\n" +
	"taken, and the exit code is 9."

var templateImportCommand = &cli.Command{
	Name: "import", Usage: "check and convert an agency's files into Puente's JSON lines", ArgsUsage: "PATH...",
	Description: importDescription,
	Flags: append([]cli.Flag{
		&cli.PathFlag{Name: "out", Usage: "`FILE` to write, which watchlist import, add and query read"},
		&cli.StringFlag{Name: "scheme", Usage: "`SCHEME` by name or text that the templates are to fit: iris codes are reduced to it, and under a fused one the parts of one subject are joined"},
		&cli.IntFlag{Name: "norm", Usage: "`NORM` to which vectors of reals are quantised", Value: templates.DefaultNorm},
		&cli.IntFlag{Name: "dims", Usage: "`N` coordinates of vectors made of minutiae", Value: minutiae.DefaultDims},
	}, importFlags...),
	Action: func(c *cli.Context) error {
		if err := needs(c, "out", "mapping"); err != nil {
			return err
		}
		if c.NArg() == 0 {
			return usagef("template import takes at least one file or folder, or - for stdin")
		}
		o, err := importOptions(c)
		if err != nil {
			return err
		}
		if err := fitScheme(c, &o); err != nil {
			return err
		}
		o.MixEyes = o.MixEyes || c.String("eye") == "from-file" // a file of templates says of each which eye it is
		bar := newProgress()
		defer bar.done()
		o.Progress = readProgress(c, bar)
		report, err := o.Write(c.Path("out"), c.Args().Slice(), importTarget(c))
		bar.done()
		return showImport(c, importView{Out: c.Path("out"), Report: report}, err)
	},
}

var watchlistImportCommand = &cli.Command{
	Name: "import", Usage: "enrol an agency's files, with a report of what is refused", ArgsUsage: "NAME PATH...",
	Description: importDescription,
	Flags:       importFlags,
	Action: func(c *cli.Context) error {
		if err := needs(c, "mapping"); err != nil {
			return err
		}
		if c.NArg() < 2 {
			return usagef("watchlist import takes the name of a watchlist and at least one file or folder, or - for stdin")
		}
		o, err := importOptions(c)
		if err != nil {
			return err
		}
		list, err := openWatchlist(c)
		if err != nil {
			return err
		}
		bar := newProgress()
		defer bar.done()
		o.Progress = readProgress(c, bar)
		report, generation, err := o.Enrol(list, c.Args().Slice()[1:], importTarget(c))
		bar.done()
		return showImport(c, importView{Watchlist: list.Meta().Name, Epoch: generation.Epoch, Report: report}, err)
	},
}

func importTarget(c *cli.Context) intake.Target {
	return intake.Target{Mapping: c.Path("mapping"), KeepGoing: c.Bool("keep-going")}
}

// readProgress shows the number of records read, and ends an import that is
// interrupted.
func readProgress(c *cli.Context, bar *progress) func(int) error {
	return func(n int) error {
		bar.update("read", n, 0)
		if err := c.Context.Err(); err != nil {
			return fmt.Errorf("interrupted while reading, nothing is changed: %w", err)
		}
		return nil
	}
}

// importView is the JSON form of the result of an import.
type importView struct {
	Watchlist string `json:"watchlist,omitempty"`
	Epoch     uint64 `json:"epoch,omitempty"`
	Out       string `json:"out,omitempty"`
	// Done is false if nothing was written: after an error, or if nothing was
	// accepted.
	Done bool `json:"done"`
	intake.Report
}

// showImport prints the report, also of an import that failed.
func showImport(c *cli.Context, v importView, err error) error {
	v.Done = err == nil && v.Accepted > 0
	if c.Bool("json") {
		if err := writeJSON(c, v); err != nil {
			return err
		}
	} else {
		showReport(c, v)
	}
	if err != nil {
		return intakeError(err)
	}
	if n := len(v.Refused); n > 0 {
		return classified{exitPartly, fmt.Errorf("%d records were refused", n)}
	}
	return nil
}

// showReport prints a report for people; the whole of it takes --json.
func showReport(c *cli.Context, v importView) {
	const most = 20
	if len(v.Refused) > 0 {
		t := newTable(c, "file", "record", "line", "class", "reason")
		for i, r := range v.Refused {
			if i == most {
				t.SetCaption("and %d more: --json lists all", len(v.Refused)-most)
				break
			}
			line := ""
			if r.Line > 0 {
				line = fmt.Sprint(r.Line)
			}
			t.AppendRow([]any{r.File, r.Record, line, r.Class, r.Reason})
		}
		t.Render()
	}
	if l := v.Loss; l.Vectors > 0 {
		fmt.Fprintf(c.App.Writer, "quantising cost %.4f of the cosine on average, %.4f at most\n", l.Mean, l.Max)
	}
	if e := v.Eyes; e.Left+e.Right > 0 {
		fmt.Fprintf(c.App.Writer, "eyes: %d left, %d right, %d unknown\n", e.Left, e.Right, e.Unknown)
	}
	if v.Impressions > 0 {
		fmt.Fprintf(c.App.Writer, "%d impressions of fingers went into the entries\n", v.Impressions)
	}
	switch {
	case !v.Done:
		fmt.Fprintf(c.App.Writer, "nothing is imported, %d records refused\n", len(v.Refused))
	case v.Out != "":
		fmt.Fprintf(c.App.Writer, "%d templates written to %s, %d records refused\n", v.Accepted, v.Out, len(v.Refused))
	default:
		fmt.Fprintf(c.App.Writer, "%d entries added to %s, epoch %d, %d records refused\n", v.Accepted, v.Watchlist, v.Epoch, len(v.Refused))
	}
}

// intakeError gives an error of package intake its exit code: what is wrong with
// files is input.
func intakeError(err error) error {
	var refusal *intake.Refusal
	if errors.As(err, &refusal) || errors.Is(err, intake.ErrMapping) {
		return classified{exitInput, err}
	}
	return err
}
