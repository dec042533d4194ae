package main

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"
)

// answer is what was found for a probe, and its JSON form.
type answer struct {
	Probe   string `json:"probe"`  // file and, when it has several, number of the record
	Number  int    `json:"number"` // in its session, from 1
	Hit     bool   `json:"hit"`
	Slots   []int  `json:"slots"`   // positions in the watchlist at the session's epoch
	Session string `json:"session"` // of all probes that were asked together
}

// querySession is what a session was and cost, and its JSON form.
type querySession struct {
	Session   string  `json:"session"`
	Probes    int     `json:"probes"`
	Entries   int     `json:"entries"`
	Epoch     uint64  `json:"epoch"`
	BytesUp   int64   `json:"bytes_up"`
	BytesDown int64   `json:"bytes_down"`
	Seconds   float64 `json:"seconds"`
}

// queried is the result of a session.
type queried struct {
	session querySession
	answers []answer // by probe
}

func countHits(results []queried) (probes int) {
	for _, r := range results {
		for _, a := range r.answers {
			if a.Hit {
				probes++
			}
		}
	}
	return probes
}

// show prints what was found for each probe, and the sessions.
func (q *querier) show(c *cli.Context, results []queried) error {
	sessions, answers := []querySession{}, []answer{}
	for _, r := range results {
		sessions, answers = append(sessions, r.session), append(answers, r.answers...)
	}
	if c.Bool("json") {
		return writeJSON(c, map[string]any{"requester": q.terms.Requester, "holder": q.terms.Holder,
			"watchlist": q.terms.Watchlist, "scheme": q.terms.Scheme.String(), "sessions": sessions, "answers": answers})
	}
	if len(results) == 0 {
		return nil
	}
	t := newTable(c, "probe", "number", "result", "slots", "session")
	for _, a := range answers {
		result := "no hit"
		if a.Hit {
			result = "HIT"
		}
		t.AppendRow([]any{a.Probe, a.Number, result, slotList(a.Slots), a.Session})
	}
	t.Render()
	t = newTable(c, "session", "probes", "entries", "epoch", "up", "down", "time")
	for _, s := range sessions {
		t.AppendRow([]any{s.Session, s.Probes, s.Entries, s.Epoch, byteSize(s.BytesUp), byteSize(s.BytesDown), fmt.Sprintf("%.2f s", s.Seconds)})
	}
	t.Render()
	return nil
}

// slotList shows at most eight slots.
func slotList(slots []int) string {
	var b strings.Builder
	for i, s := range slots {
		if i == 8 {
			fmt.Fprintf(&b, " and %d more", len(slots)-i)
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprint(&b, s)
	}
	return b.String()
}

// byteSize shows a number of bytes with three digits.
func byteSize(n int64) string {
	units := []string{"B", "kB", "MB", "GB", "TB"}
	v, u := float64(n), 0
	for v >= 999.5 && u < len(units)-1 {
		v, u = v/1000, u+1
	}
	if u == 0 {
		return fmt.Sprintf("%d B", n)
	}
	return fmt.Sprintf("%.3g %s", v, units[u])
}
