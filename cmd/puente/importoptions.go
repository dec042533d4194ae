package main

import (
	"path/filepath"
	"regexp"

	"github.com/urfave/cli/v2"

	"github.com/puente-project/puente/templates"
	"github.com/puente-project/puente/templates/intake"
	"github.com/puente-project/puente/templates/minutiae"
)

// fingerFlag is for records that do not say which finger they are of, as .xyt.
var fingerFlag = &cli.StringFlag{Name: "finger", Usage: "`REGEXP` on file names, of which the first group is the position of the finger, 1 (right thumb) to 10 (left little finger), where records do not say it"}

// fingerPattern reads fingerFlag; nil if it is not given.
func fingerPattern(c *cli.Context) (*regexp.Regexp, error) {
	if !c.IsSet("finger") {
		return nil, nil
	}
	pattern, err := regexp.Compile(c.String("finger"))
	if err != nil || pattern.NumSubexp() < 1 {
		return nil, usagef("--finger must be a regular expression with a group, as in '_([0-9]+)_'")
	}
	return pattern, nil
}

// importFlags are those of both imports.
var importFlags = []cli.Flag{
	&cli.PathFlag{Name: "mapping", Usage: "new `FILE` for what each handle stands for; it stays with you"},
	&cli.BoolFlag{Name: "keep-going", Usage: "take the acceptable records when others are refused"},
	&cli.StringFlag{Name: "format", Usage: "`FORM` of the files: auto; bits: raw iris bits of --shape; masek: those of Masek and USIT, 20 x 480, mask 1 = noise", Value: "auto"},
	&cli.StringFlag{Name: "shape", Usage: "`SHAPE` of iris codes, like 16x256x2x2 (rows, columns, filters, planes); default from the scheme or their length"},
	&cli.StringFlag{Name: "mask-polarity", Usage: "what mask bit 1 of raw bits, open-iris and iris-mpc means: usable or noise; default usable, but noise for masek"},
	&cli.StringFlag{Name: "eye", Usage: "`EYE` of iris codes: left, right, from-file (all must be of the same) or both (mixed on purpose)", Value: "from-file"},
	&cli.StringFlag{Name: "label", Usage: "`REGEXP` on file names, of which the first group says whose record it is; default up to the last underscore"},
	fingerFlag,
	&cli.StringFlag{Name: "match", Usage: "take only files whose names match `PATTERN`, like *.json, from folders"},
	&cli.PathFlag{Name: "centre", Usage: "`FILE` with a vector to subtract from vectors before they are normalised"},
	&cli.StringFlag{Name: "xyt", Usage: "`CONVENTION` of .xyt files: nist or ansi", Value: "nist"},
	&cli.IntFlag{Name: "min-usable-bits", Usage: "refuse iris codes with fewer usable bits than `N`; default a quarter of the shape"},
	&cli.IntFlag{Name: "min-minutiae", Usage: "refuse impressions with fewer minutiae than `N`", Value: intake.DefaultMinMinutiae},
	jsonFlag,
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
	if o.Position, err = fingerPattern(c); err != nil {
		return o, err
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
