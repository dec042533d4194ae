package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/puente-project/puente/bench"
	"github.com/puente-project/puente/templates"
	"github.com/puente-project/puente/templates/synthetic"
)

// benchedProcesses is the JSON of bench --processes.
type benchedProcesses struct {
	Scheme  string `json:"scheme"`
	Entries int    `json:"entries"`
	Threads int    `json:"threads"` // of each process
	Queries int    `json:"queries"`
	// StartSeconds is from the start of serve until it listens, the watchlist read and encoded.
	StartSeconds float64 `json:"start_seconds"`
	// WallSeconds is a session at the requester, median and largest.
	WallSeconds    float64 `json:"wall_seconds"`
	WallSecondsMax float64 `json:"wall_seconds_max"`
	// Peaks are resident memory in bytes: of serve from its start, of the largest query.
	HolderPeak    int64 `json:"holder_peak_rss_bytes"`
	RequesterPeak int64 `json:"requester_peak_rss_bytes"`
	BytesUp       int64 `json:"bytes_up"`
	BytesDown     int64 `json:"bytes_down"`

	HitsExpected       int `json:"hits_expected"`
	DecisionMismatches int `json:"decision_mismatches"`
}

// benchedQueries is how many queries bench --processes runs; the first also fills caches.
const benchedQueries = 5

func benchProcesses(c *cli.Context, config bench.Config, bar *progress) error {
	r, err := runProcesses(c.Context, config)
	err = showResult(c, bar, err, r, func() {
		t := newTable(c, fmt.Sprintf("%s, %d entries", r.Scheme, r.Entries), fmt.Sprintf("two processes over loopback, %d threads each", r.Threads))
		t.AppendRow([]any{"a query, signed and logged", fmt.Sprintf("%.2f s (median of %d, largest %.2f)", r.WallSeconds, r.Queries, r.WallSecondsMax)})
		t.AppendRow([]any{"start of serve", fmt.Sprintf("%.1f s", r.StartSeconds)})
		t.AppendRow([]any{"wire", byteSize(r.BytesUp) + " up, " + byteSize(r.BytesDown) + " down"})
		t.AppendRow([]any{"peak memory", byteSize(r.HolderPeak) + " holder, " + byteSize(r.RequesterPeak) + " requester"})
		t.AppendRow([]any{"decisions", fmt.Sprintf("%d hits expected in each query, %d mismatches", r.HitsExpected, r.DecisionMismatches)})
		t.Render()
	})
	if err != nil {
		return err
	}
	return mismatches(r.DecisionMismatches, r.Queries*r.Entries)
}

// runProcesses plays a holder, who serves, and a requester, who asks, through the commands
// of this program. Probe and watchlist are as in bench.Run.
func runProcesses(ctx context.Context, config bench.Config) (benchedProcesses, error) {
	r := benchedProcesses{Scheme: config.Scheme.String(), Entries: config.Entries, Threads: config.Threads, Queries: benchedQueries}
	d, err := newCommands("")
	if err != nil {
		return r, err
	}
	defer d.close()
	d.env = append(d.env, "GOMAXPROCS="+strconv.Itoa(config.Threads))
	in := func(name string) string { return filepath.Join(d.dir, name) }
	expected, err := writeWatchlist(ctx, config, in("list.json"), in("probe.json"))
	if err != nil {
		return r, err
	}
	r.HitsExpected = len(expected)
	holder, requester := side{name: "us", dir: in("us")}, side{name: "cl", dir: in("cl")}
	if holder.address, err = freeAddress(); err != nil {
		return r, err
	}
	steps := [][]string{
		{"--dir", holder.dir, "init", "--name", "us", "--listen", holder.address},
		{"--dir", requester.dir, "init", "--name", "cl", "--listen", "127.0.0.1:1"}, // it asks only
		{"--dir", holder.dir, "watchlist", "create", "--scheme", r.Scheme, "bench"},
		{"--dir", holder.dir, "watchlist", "add", "bench", in("list.json")},
		{"--dir", requester.dir, "agreement", "new", "--with", "us", "--purpose", "border/benchmark=100", "--watchlist", "us/bench=" + r.Scheme, in("agreement.json")},
		{"--dir", holder.dir, "partner", "add", filepath.Join(requester.dir, cardFile), in("agreement.json")},
		{"--dir", requester.dir, "partner", "add", filepath.Join(holder.dir, cardFile), in("agreement.json")},
	}
	for i, args := range steps {
		config.Progress("prepare", i, len(steps))
		if _, err := d.puente(ctx, args...); err != nil {
			return r, err
		}
	}
	if err := os.Remove(in("list.json")); err != nil {
		return r, err
	}
	start := time.Now()
	config.Progress("start", 0, 1)
	if err := d.serve(holder); err != nil {
		return r, err
	}
	r.StartSeconds = time.Since(start).Seconds()
	var walls []float64
	for i := range benchedQueries {
		config.Progress("query", i, benchedQueries)
		outcome, err := d.query(ctx, requester, holder, "bench", in("probe.json"))
		if err != nil {
			return r, err
		}
		walls = append(walls, outcome.session.Seconds)
		r.BytesUp, r.BytesDown = outcome.session.BytesUp, outcome.session.BytesDown
		r.DecisionMismatches += bench.Differing(outcome.answer.Slots, expected)
		// After exec the kernel counts on from the peak of the process that forked, this
		// one; it is small.
		r.RequesterPeak = max(r.RequesterPeak, outcome.process.SysUsage().(*syscall.Rusage).Maxrss<<10)
	}
	slices.Sort(walls)
	r.WallSeconds, r.WallSecondsMax = walls[len(walls)/2], walls[len(walls)-1]
	r.HolderPeak = d.stop()[0].SysUsage().(*syscall.Rusage).Maxrss << 10
	return r, nil
}

// writeWatchlist writes the watchlist and the probe of bench.Run, and returns the slots that
// hit in the clear. It holds one entry at a time.
func writeWatchlist(ctx context.Context, config bench.Config, list, probe string) (expected []int, err error) {
	people, err := synthetic.New(config.Scheme, config.Seed)
	if err != nil {
		return nil, err
	}
	person := people.Genuine(0, 0)
	if err := writeTemplates(probe, templates.Sequence([]templates.Template{person})); err != nil {
		return nil, err
	}
	matcher, err := templates.NewMatcher(config.Scheme, person)
	if err != nil {
		return nil, err
	}
	err = writeTemplates(list, func(yield func(templates.Template, error) bool) {
		for slot := range config.Entries {
			entry := bench.Entry(people, config.Entries, slot)
			if matcher.Hit(entry) {
				expected = append(expected, slot)
			}
			if slot%1024 == 0 {
				config.Progress("enrol", slot, config.Entries)
			}
			if !yield(entry, context.Cause(ctx)) {
				return
			}
		}
	})
	return expected, err
}
