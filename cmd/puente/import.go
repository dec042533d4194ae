package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"regexp"

	"github.com/urfave/cli/v2"

	"github.com/puente-project/puente/templates"
	"github.com/puente-project/puente/templates/intake"
	"github.com/puente-project/puente/templates/minutiae"
)

const importDescription = "PATH is a file, a folder with all its files, or - for stdin. Forms are those of puente template, ISO/IEC\n" +
	"19794-2, ANSI INCITS 378 and .xyt minutiae, and with --format raw iris bits. A record gets a random handle; whose\n" +
	"it is, by \"subject\" in the record or by the file's name, goes into the mapping file and nowhere else. The\n" +
	"impressions of one finger are averaged; under a fused scheme the parts of one subject become one entry.\n" +
	"The first refused record ends the import, which then takes nothing; with --keep-going the others are taken,\n" +
	"and the exit code is 9."

// importFlags are those of both imports.
var importFlags = []cli.Flag{
	&cli.PathFlag{Name: "mapping", Usage: "new `FILE` for what each handle stands for; it stays with you"},
	&cli.BoolFlag{Name: "keep-going", Usage: "take the acceptable records when others are refused"},
	&cli.StringFlag{Name: "format", Usage: "`FORM` of the files: auto; bits: raw iris bits of --shape; masek: those of Masek and USIT, 20 x 480, mask 1 = noise", Value: "auto"},
	&cli.StringFlag{Name: "shape", Usage: "`SHAPE` of iris codes, like 16x256x2x2 (rows, columns, filters, planes); default from the scheme or their length"},
	&cli.StringFlag{Name: "mask-polarity", Usage: "what mask bit 1 of raw bits, open-iris and iris-mpc means: usable or noise; default usable, but noise for masek"},
	&cli.StringFlag{Name: "eye", Usage: "`EYE` of iris codes: left, right, from-file (all must be of the same) or both (mixed on purpose)", Value: "from-file"},
	&cli.StringFlag{Name: "label", Usage: "`REGEXP` on file names, of which the first group says whose record it is; default up to the last underscore"},
	&cli.StringFlag{Name: "match", Usage: "take only files whose names match `PATTERN`, like *.json, from folders"},
	&cli.PathFlag{Name: "centre", Usage: "`FILE` with a vector to subtract from vectors before they are normalised"},
	&cli.StringFlag{Name: "xyt", Usage: "`CONVENTION` of .xyt files: nist or ansi", Value: "nist"},
	&cli.IntFlag{Name: "min-usable-bits", Usage: "refuse iris codes with fewer usable bits than `N`; default a quarter of the shape"},
	&cli.IntFlag{Name: "min-minutiae", Usage: "refuse impressions with fewer minutiae than `N`", Value: intake.DefaultMinMinutiae},
	jsonFlag,
}

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

// fitScheme reads the flags that say what template import makes.
func fitScheme(c *cli.Context, o *intake.Options) (err error) {
	if o.Read.Norm = c.Int("norm"); o.Read.Norm < 1 || o.Read.Norm > templates.MaxNorm {
		return usagef("--norm %d: allowed are 1 to %d", o.Read.Norm, templates.MaxNorm)
	}
	o.Dims = c.Int("dims")
	if !c.IsSet("scheme") {
		return nil
	}
	if o.Scheme, err = templates.SchemeByName(c.String("scheme")); err != nil {
		return usagef("--scheme: %w", err)
	}
	if c.IsSet("norm") || c.IsSet("dims") {
		return usagef("--norm and --dims are those of the scheme: leave them out beside --scheme")
	}
	if o.Read.Shape == (templates.Shape{}) {
		o.Read.Shape = o.Scheme.Shape
	}
	o.Read.Norm, o.Dims = o.Scheme.Norm, o.Scheme.Dims
	return nil
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

// importOptions reads the flags of both imports.
func importOptions(c *cli.Context) (o intake.Options, err error) {
	if c.IsSet("shape") {
		if o.Read.Shape, err = templates.ParseShape(c.String("shape")); err != nil {
			return o, usagef("--shape: %w", err)
		}
	}
	switch c.String("format") {
	case "auto":
	case "bits":
		o.Bits = true
	case "masek":
		if c.IsSet("shape") && o.Read.Shape != templates.MasekShape {
			return o, usagef("--format masek has the shape %s; say --format bits for another one", templates.MasekShape)
		}
		o.Bits, o.Read.Noise, o.Read.Shape = true, true, templates.MasekShape
	default:
		return o, usagef("--format %q is none of auto, bits and masek", c.String("format"))
	}
	switch c.String("mask-polarity") {
	case "":
	case "usable":
		o.Read.Noise = false
	case "noise":
		o.Read.Noise = true
	default:
		return o, usagef("--mask-polarity %q is neither usable nor noise", c.String("mask-polarity"))
	}
	switch eye := c.String("eye"); eye {
	case "from-file":
	case "both":
		o.MixEyes = true
	default:
		if o.Eye, err = templates.ParseEye(eye); err != nil {
			return o, usagef("--eye %q is none of left, right, from-file and both", eye)
		}
	}
	switch c.String("xyt") {
	case "nist":
	case "ansi":
		o.XYT = minutiae.ANSI
	default:
		return o, usagef("--xyt %q is neither nist nor ansi", c.String("xyt"))
	}
	if c.IsSet("label") {
		if o.Label, err = regexp.Compile(c.String("label")); err != nil {
			return o, usagef("--label: %w", err)
		}
		if o.Label.NumSubexp() == 0 {
			return o, usagef("--label needs a group in parentheses for the part that says whose record it is")
		}
	}
	if _, err := filepath.Match(c.String("match"), ""); err != nil {
		return o, usagef("--match: %w", err)
	}
	o.Match = c.String("match")
	if c.Int("min-usable-bits") < 0 || c.Int("min-minutiae") < 1 {
		return o, usagef("--min-usable-bits must not be negative, and --min-minutiae at least 1")
	}
	o.Gate = intake.Gate{MinUsableBits: c.Int("min-usable-bits"), MinMinutiae: c.Int("min-minutiae")}
	if c.IsSet("centre") {
		in, err := openInput(c.Path("centre"))
		if err != nil {
			return o, err
		}
		defer in.Close()
		if o.Read.Centre, err = templates.ReadReal(in); err != nil {
			return o, inputf("%s: %w", c.Path("centre"), err)
		}
	}
	return o, nil
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
