package main

import (
	"bufio"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/puente-project/puente/templates"
	"github.com/puente-project/puente/templates/calibration"
	"github.com/puente-project/puente/templates/intake"
)

// readSamples reads all files and puts a label to each record.
func readSamples(c *cli.Context, scheme templates.Scheme, bar *progress) ([]calibration.Sample, error) {
	if c.IsSet("labels") && c.IsSet("label") {
		return nil, usagef("--labels and --label exclude each other")
	}
	pattern, err := regexp.Compile(c.String("label"))
	if err != nil || c.IsSet("label") && pattern.NumSubexp() < 1 {
		return nil, usagef("--label must be a regular expression with a group, as in '/(person[0-9]+)/'")
	}
	capture, err := regexp.Compile(c.String("capture"))
	if err != nil || c.IsSet("capture") && capture.NumSubexp() < 1 {
		return nil, usagef("--capture must be a regular expression with a group, as in '_([0-9]+)_'")
	}
	o := intake.Options{Scheme: scheme, Read: scheme.ReadOptions(), Apart: true, MixEyes: true, Repeats: true}
	if o.Position, err = fingerPattern(c); err != nil {
		return nil, err
	}
	if scheme.Modality == templates.ModalityFused {
		o.Capture = func(r intake.Record) (string, error) { return captureOf(c, pattern, capture, r) }
	} else if c.IsSet("capture") {
		return nil, usagef("--capture joins eyes and fingers under a fused scheme, and %s has one part only", scheme)
	}
	var samples []calibration.Sample
	for r, err := range o.Records(c.Args().Slice()) {
		if err != nil {
			return nil, inputf("%w", err)
		}
		label, err := personOf(c, pattern, r)
		if err != nil {
			return nil, err
		}
		if samples = append(samples, calibration.Sample{Template: r.Template, Person: label, Part: partOf(r)}); len(samples) > calibration.MaxSamples {
			return nil, inputf("there are more than %d templates, as many as can be compared: leave out some people", calibration.MaxSamples)
		}
		bar.update("read", len(samples), 0)
	}
	if c.IsSet("labels") {
		return samples, giveLabels(c.Path("labels"), samples)
	}
	return samples, nil
}

// personOf is whose a record is.
func personOf(c *cli.Context, pattern *regexp.Regexp, r intake.Record) (string, error) {
	if r.Subject != "" && !c.IsSet("label") {
		return r.Subject, nil
	}
	return labelOf(c, pattern, r.Sources[0].File)
}

// captureOf says which parts are of one capture of a person: those of one file, or of
// the files in whose path --capture finds the same.
func captureOf(c *cli.Context, pattern, capture *regexp.Regexp, r intake.Record) (string, error) {
	person, err := personOf(c, pattern, r)
	if err != nil {
		return "", err
	}
	which := r.Sources[0].File
	if c.IsSet("capture") {
		m := capture.FindStringSubmatch(filepath.ToSlash(which))
		if m == nil || m[1] == "" {
			return "", fmt.Errorf("--capture finds no capture in this path")
		}
		which = m[1]
	}
	return person + "\x00" + which, nil
}

// labelOf is what the name of a file says about the person.
func labelOf(c *cli.Context, pattern *regexp.Regexp, file string) (string, error) {
	if c.IsSet("label") {
		m := pattern.FindStringSubmatch(filepath.ToSlash(file))
		if m == nil || m[1] == "" {
			return "", inputf("%s: --label finds no person in this path", file)
		}
		return m[1], nil
	}
	base := filepath.Base(file)
	if i := strings.LastIndexByte(base, '_'); i > 0 {
		return base[:i], nil
	}
	return base, nil
}

// partOf tells eyes and fingers apart, where the record does.
func partOf(r intake.Record) string {
	switch {
	case r.Eye != templates.EyeUnknown:
		return r.Eye.String()
	case r.Finger != 0:
		return fmt.Sprintf("finger %d", r.Finger)
	}
	return ""
}

// giveLabels reads one label a line.
func giveLabels(path string, samples []calibration.Sample) error {
	in, err := openInput(path)
	if err != nil {
		return err
	}
	defer in.Close()
	n := 0
	lines := bufio.NewScanner(in)
	for ; lines.Scan(); n++ {
		if n < len(samples) {
			samples[n].Person = lines.Text()
		}
	}
	if err := lines.Err(); err != nil {
		return inputf("%s: %w", path, err)
	}
	if n != len(samples) {
		return inputf("%s has %d labels for %d records", path, n, len(samples))
	}
	return nil
}
