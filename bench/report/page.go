package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"text/template"

	"github.com/puente-project/puente/bench/ckks"
	"github.com/puente-project/puente/bench/suite"
)

//go:embed page.md.tmpl
var pageText string

// pages makes the page and its plots from the JSON form of a report, by name in the folder
// of the documents.
func pages(data []byte) (map[string][]byte, error) {
	r, err := suite.Decode(data)
	if err != nil {
		return nil, err
	}
	if err := complete(r); err != nil {
		return nil, err
	}
	files, err := plots(r)
	if err != nil {
		return nil, err
	}
	t, err := template.New("page").Funcs(functions).Option("missingkey=error").Parse(pageText)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := t.Execute(&b, r); err != nil {
		return nil, err
	}
	files["BENCHMARKS.md"] = b.Bytes()
	return files, nil
}

// complete refuses results that lack what the page is about.
func complete(r *suite.Report) error {
	if len(r.Comparisons) == 0 || len(r.Scaling) != len(seriesNames) || len(r.Manifests) == 0 {
		return fmt.Errorf("results with %d comparisons, %d series and %d sessions of many probes; measure again with make bench-report",
			len(r.Comparisons), len(r.Scaling), len(r.Manifests))
	}
	for i, s := range r.Scaling {
		if s.Name != seriesNames[i] || len(s.Points) == 0 {
			return fmt.Errorf("results have %d points in a series of %q where %q is expected; measure again with make bench-report",
				len(s.Points), s.Name, seriesNames[i])
		}
	}
	for _, c := range r.Comparisons {
		if len(c.Contenders) < 2 || c.Contenders[0].Kind != suite.KindPlaintext || c.Contenders[1].Kind != suite.KindProduct {
			return fmt.Errorf("results at %d dimensions do not begin with the plaintext matcher and the product; measure again with make bench-report", c.Dims)
		}
		for _, who := range c.Contenders {
			if who.Kind == suite.KindCKKS && who.Precision == nil {
				return fmt.Errorf("results at %d dimensions lack the precision of a baseline; measure again with make bench-report", c.Dims)
			}
		}
	}
	return nil
}

var seriesNames = []string{"entries", "dims", "shifts", "fused", "threads", "gallery"}

var functions = template.FuncMap{
	"number": number, "size": size, "spread": spreadText, "times": timesText, "name": contenderName, "count": count,
	"security":  func() string { return count(ckks.SecurityBits) },
	"saturated": func() string { return number(ckks.Saturated) },
	"ckks":      func(c suite.Contender) bool { return c.Kind == suite.KindCKKS },
	"series": func(r *suite.Report, name string) (suite.Series, error) {
		for _, s := range r.Scaling {
			if s.Name == name {
				return s, nil
			}
		}
		return suite.Series{}, fmt.Errorf("no series of %s", name)
	},
	"what": what, "form": form, "seconds": func(s suite.Spread) string { return number(s.Median) },
	"parameters": func(list []suite.Contender) (names []string) {
		for _, c := range list {
			if text := strings.TrimSpace(kindName[c.Kind] + " " + c.Parameters); c.Parameters != "" && !slices.Contains(names, text) {
				names = append(names, text)
			}
		}
		return names
	},
}

// number writes three significant digits.
func number(v float64) string {
	if v == 0 || math.IsNaN(v) || math.IsInf(v, 0) {
		return strconv.FormatFloat(v, 'g', -1, 64)
	}
	if digits := 2 - int(math.Floor(math.Log10(math.Abs(v)))); digits > 0 {
		text := strconv.FormatFloat(v, 'f', digits, 64)
		return strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
	}
	return count(int(math.Round(v)))
}

// count groups the digits of a whole number by thousands.
func count(v int) string {
	text := strconv.Itoa(v)
	for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + " " + text[i:]
	}
	return text
}

// size writes bytes in decimal units.
func size(v any) (string, error) {
	var n float64
	switch v := v.(type) {
	case int64:
		n = float64(v)
	case float64:
		n = v
	default:
		return "", fmt.Errorf("%T is no size", v)
	}
	for _, unit := range []struct {
		name string
		of   float64
	}{{"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}} {
		if n >= unit.of {
			return number(n/unit.of) + " " + unit.name, nil
		}
	}
	return number(n) + " B", nil
}

// spreadText is the median with the quartiles.
func spreadText(s suite.Spread) string {
	return fmt.Sprintf("%s (%s to %s)", number(s.Median), number(s.Q1), number(s.Q3))
}

// kindName names kinds that have parameters.
var kindName = map[string]string{suite.KindProduct: "Puente", suite.KindCKKS: "CKKS"}

func timesText(s suite.Spread) string { return number(s.Median) }

func contenderName(c suite.Contender) string {
	switch c.Kind {
	case suite.KindPlaintext:
		return "plaintext matcher"
	case suite.KindProduct:
		return "Puente"
	}
	gallery := "plain gallery"
	if c.Encrypted {
		gallery = "encrypted gallery"
	}
	return fmt.Sprintf("CKKS %s, %s", c.Layout, gallery)
}

// what names the templates of a point.
func what(p suite.Point) string {
	if p.Modality == "iris" {
		return fmt.Sprintf("iris of %s bits, %s", count(p.Dims), plural(p.Shifts, "rotation"))
	}
	if p.Modality == "fused" {
		return "fused vectors of " + count(p.Dims)
	}
	return "vector of " + count(p.Dims)
}

func form(p suite.Point) string {
	if p.Compact {
		return "compact"
	}
	return "resident"
}

func plural(n int, noun string) string {
	if n == 1 {
		return count(n) + " " + noun
	}
	return count(n) + " " + noun + "s"
}
