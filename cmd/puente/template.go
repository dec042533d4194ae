package main

import (
	"bytes"
	"fmt"
	"io"
	"iter"
	"os"

	"github.com/urfave/cli/v2"

	"github.com/puente-project/puente/keys/durable"
	"github.com/puente-project/puente/templates"
)

// readFlags are the hints for files that do not describe themselves.
var readFlags = []cli.Flag{
	&cli.StringFlag{Name: "shape", Usage: "`SHAPE` of iris codes, like 16x256x2x2 (rows, columns, filters, planes); default from their length"},
	&cli.IntFlag{Name: "norm", Usage: "`NORM` to which vectors of floats are quantised", Value: templates.DefaultNorm},
}

func readOptions(c *cli.Context) (templates.Options, error) {
	var o templates.Options
	if c.IsSet("shape") {
		var err error
		if o.Shape, err = templates.ParseShape(c.String("shape")); err != nil {
			return o, usagef("--shape: %w", err)
		}
	}
	if o.Norm = c.Int("norm"); o.Norm < 1 || o.Norm > templates.MaxNorm {
		return o, usagef("--norm %d: allowed are 1 to %d", o.Norm, templates.MaxNorm)
	}
	return o, nil
}

var templateCommand = &cli.Command{
	Name: "template", Usage: "convert and inspect iris codes and vectors",
	Description: "Files may be Puente's binary or JSON form, open-iris JSON, iris-mpc lines, JSON vectors, NumPy arrays or\n" +
		"CSV; import reads folders, minutiae and raw iris bits, too. The form is recognised by its beginning; - is stdin\n" +
		"or stdout.",
	Subcommands: []*cli.Command{
		templateImportCommand,
		{
			Name: "convert", Usage: "write templates in Puente's JSON lines or binary form", ArgsUsage: "IN OUT",
			Flags: append([]cli.Flag{
				&cli.StringFlag{Name: "to", Usage: "`FORM` of OUT: json (one object a line) or binary (one template)", Value: "json"},
			}, readFlags...),
			Action: convert,
		},
		{
			Name: "inspect", Usage: "show what files hold, without showing biometrics", ArgsUsage: "FILE...",
			Flags:  append([]cli.Flag{jsonFlag}, readFlags...),
			Action: inspect,
		},
	},
}

func convert(c *cli.Context) error {
	o, err := readOptions(c)
	if err != nil {
		return err
	}
	if c.NArg() != 2 {
		return usagef("template convert takes two arguments, IN and OUT")
	}
	list, err := readTemplates(c.Args().Get(0), o)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	switch c.String("to") {
	case "json":
		if err := writeLines(&b, templates.Sequence(list)); err != nil {
			return err
		}
	case "binary":
		if len(list) != 1 {
			return inputf("%s holds %d templates, a binary file takes one: use --to json", c.Args().Get(0), len(list))
		}
		data, err := templates.EncodeBinary(list[0])
		if err != nil {
			return err
		}
		b.Write(data)
	default:
		return usagef("--to %q is neither json nor binary", c.String("to"))
	}
	return writeFile(c.App.Writer, c.Args().Get(1), b.Bytes())
}

// writeLines writes one JSON object a line.
func writeLines(w io.Writer, list iter.Seq2[templates.Template, error]) error {
	for t, err := range list {
		if err != nil {
			return err
		}
		line, err := templates.EncodeJSON(t)
		if err != nil {
			return err
		}
		if _, err := w.Write(append(line, '\n')); err != nil {
			return err
		}
	}
	return nil
}

// writeFile writes a file that its owner alone may read, whole or not at all. "-" is
// stdout.
func writeFile(stdout io.Writer, path string, data []byte) error {
	if path == "-" {
		_, err := stdout.Write(data)
		return err
	}
	err := durable.Replace(path, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
	if err != nil {
		return inputf("cannot write %s: %w", path, err)
	}
	return nil
}

// templateView is what inspect shows of a template.
type templateView struct {
	File       string   `json:"file"`
	Record     int      `json:"record"` // from 1
	Modality   string   `json:"modality"`
	Size       string   `json:"size"` // shape, number of coordinates or of parts
	UsableBits *int     `json:"usable_bits,omitempty"`
	Usable     *float64 `json:"usable_fraction,omitempty"`
	Norm       *int     `json:"norm,omitempty"`
}

func inspect(c *cli.Context) error {
	o, err := readOptions(c)
	if err != nil {
		return err
	}
	if c.NArg() == 0 {
		return usagef("template inspect takes at least one file")
	}
	views := []templateView{}
	for _, file := range c.Args().Slice() {
		list, err := readTemplates(file, o)
		if err != nil {
			return err
		}
		for i, t := range list {
			views = append(views, viewTemplate(file, i+1, t))
		}
	}
	if c.Bool("json") {
		return writeJSON(c, map[string]any{"templates": views})
	}
	t := newTable(c, "file", "record", "modality", "size", "usable bits", "norm")
	for _, v := range views {
		usable, norm := "", ""
		if v.UsableBits != nil {
			usable = fmt.Sprintf("%d (%.0f %%)", *v.UsableBits, 100**v.Usable)
		}
		if v.Norm != nil {
			norm = fmt.Sprint(*v.Norm)
		}
		t.AppendRow([]any{v.File, v.Record, v.Modality, v.Size, usable, norm})
	}
	t.Render()
	return nil
}

func viewTemplate(file string, record int, t templates.Template) templateView {
	v := templateView{File: file, Record: record, Modality: t.Modality().String()}
	switch t := t.(type) {
	case *templates.Iris:
		bits := t.UsableBits()
		share := float64(bits) / float64(t.Shape().Bits())
		v.Size, v.UsableBits, v.Usable = t.Shape().String(), &bits, &share
	case templates.Vector:
		v.Size, v.Norm = fmt.Sprint(len(t.Coords)), &t.Norm
	case *templates.Fused:
		left, right := t.Eyes()
		parts := t.Fingers().Len()
		for _, eye := range []*templates.Iris{left, right} {
			if eye != nil {
				parts++
			}
		}
		v.Size = fmt.Sprintf("%d parts", parts)
	}
	return v
}

// openInput opens a file, or stdin for "-".
func openInput(path string) (io.ReadCloser, error) {
	if path == "-" {
		return io.NopCloser(os.Stdin), nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, inputf("%w", err)
	}
	return f, nil
}
