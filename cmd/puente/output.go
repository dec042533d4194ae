package main

import (
	"encoding/json"
	"os"
	"sync"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/schollz/progressbar/v3"
	"github.com/urfave/cli/v2"
	"golang.org/x/term"
)

// Rules of output: stdout is the result, in one format; stderr is for people. Progress
// is shown on a terminal only.

var jsonFlag = &cli.BoolFlag{Name: "json", Usage: "print one JSON object instead of a table"}

// writeJSON prints a result for machines, indented, with a final newline.
func writeJSON(c *cli.Context, v any) error {
	e := json.NewEncoder(c.App.Writer)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// newTable returns a table on stdout.
func newTable(c *cli.Context, header ...any) table.Writer {
	t := table.NewWriter()
	t.SetOutputMirror(c.App.Writer)
	style := table.StyleLight
	style.Format.Header = text.FormatDefault
	t.SetStyle(style)
	t.AppendHeader(header)
	return t
}

// progress shows how far a piece of long work is, on a terminal. The zero total
// makes a spinner. It is safe for concurrent use.
type progress struct {
	mu   sync.Mutex
	bar  *progressbar.ProgressBar
	what string
	show bool
}

func newProgress() *progress {
	return &progress{show: term.IsTerminal(int(os.Stderr.Fd()))}
}

// update shows done of total of what; a new what begins a new bar.
func (p *progress) update(what string, done, total int) {
	if !p.show {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar == nil || p.what != what {
		p.finishLocked()
		if total == 0 {
			total = -1
		}
		p.what = what
		p.bar = progressbar.NewOptions(total,
			progressbar.OptionSetWriter(os.Stderr), progressbar.OptionSetDescription(what),
			progressbar.OptionSetWidth(30), progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionShowCount(), progressbar.OptionClearOnFinish(), progressbar.OptionSetPredictTime(true))
	}
	_ = p.bar.Set(done)
}

// done removes the bar.
func (p *progress) done() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.finishLocked()
}

func (p *progress) finishLocked() {
	if p.bar != nil {
		_ = p.bar.Finish()
		_ = p.bar.Clear()
		p.bar = nil
	}
}
