// Command report measures what docs/BENCHMARKS.md tells and writes it.
//
//	go run ./bench/report                  # measure: docs/benchmarks.json, page and plots
//	go run ./bench/report -render          # page and plots from docs/benchmarks.json
//	go run ./bench/report -quick -docs DIR # small sizes, to try it out
//
// The page is made of the JSON alone: whoever doubts a figure finds it there. This program
// is apart from puente because the baselines need Lattigo's CKKS, which the product does
// not link.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"

	"github.com/puente-project/puente/bench/suite"
)

// resultsFile is the JSON in the folder of the documents.
const resultsFile = "benchmarks.json"

func main() {
	docs := flag.String("docs", "docs", "`folder` to write to")
	quick := flag.Bool("quick", false, "small sizes, for trying out; needs another folder than docs")
	render := flag.Bool("render", false, "do not measure, use the folder's "+resultsFile)
	seed := flag.Uint64("seed", 1, "seed of the synthetic people")
	flag.Parse()
	if err := run(*docs, *quick, *render, *seed); err != nil {
		fmt.Fprintln(os.Stderr, "report:", err)
		os.Exit(1)
	}
}

func run(docs string, quick, render bool, seed uint64) error {
	if flag.NArg() > 0 {
		return fmt.Errorf("argument %q is not expected; see -help", flag.Arg(0))
	}
	if quick && !render && filepath.Base(docs) == "docs" {
		return fmt.Errorf("-quick would replace the figures in %s by worthless ones; name another folder with -docs", docs)
	}
	results := filepath.Join(docs, resultsFile)
	var data []byte
	if render {
		var err error
		if data, err = os.ReadFile(results); err != nil {
			return fmt.Errorf("read results to render: %w; run without -render first", err)
		}
	} else {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
		defer stop()
		r, err := suite.Run(ctx, suite.Options{Quick: quick, Seed: seed, Log: os.Stderr})
		if err != nil {
			return err
		}
		if data, err = r.Encode(); err != nil {
			return err
		}
	}
	files, err := pages(data)
	if err != nil {
		return err
	}
	files[resultsFile] = data
	for name, content := range files {
		name = filepath.Join(docs, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(name, content, 0o644); err != nil {
			return err
		}
	}
	return nil
}
