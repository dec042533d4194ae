package audit

import (
	_ "embed"
	"html/template"
	"io"
	"slices"
	"strings"
)

//go:embed report.html.tmpl
var pageText string

var page = template.Must(template.New("report").Funcs(template.FuncMap{
	"short":   short,
	"plural":  plural[int],
	"percent": func(part, whole uint64) uint64 { return min(100, part*100/max(1, whole)) },
	"join":    func(list []string) string { return strings.Join(list, "; ") },
	"minute":  minute,
}).Parse(pageText))

// Bounds of what the page shows; the JSON form has all.
const (
	listed  = 100 // findings of a check
	rows    = 25  // of a table
	fullest = 10  // quotas
)

// pageData is what the template shows.
type pageData struct {
	Report
	Headline string
	Period   string
	Groups   []findingGroup
	Timeline template.HTML
	Hot      []QuotaUse // the fullest quotas
	Aborts   []SessionSummary
	More     map[string]int // rows that were left out, by table
	Totals   struct{ Passed, Failed, NotChecked, Made int }
	CheckSet []checkGroup
}

// findingGroup is the findings of one check.
type findingGroup struct {
	Check
	Severity Severity
	Items    []findingItem
	More     int
}

// findingItem is one fault of one session, and all places that show it.
type findingItem struct {
	What, Session string
	Places        []Place
}

// add puts a finding beside an equal one of the same session.
func (g *findingGroup) add(f Finding) {
	for i := range g.Items {
		if it := &g.Items[i]; it.What == f.What && it.Session == f.Where.Session && f.Where.Session != "" {
			it.Places = append(it.Places, f.Where)
			return
		}
	}
	if len(g.Items) == listed {
		g.More++
		return
	}
	g.Items = append(g.Items, findingItem{f.What, f.Where.Session, []Place{f.Where}})
}

// checkGroup is the checks of one subject.
type checkGroup struct {
	Title   string
	Results []Result
}

var groupTitles = map[string]string{
	"log": "The logs", "entry": "Log entries", "time": "Times", "key": "Signing keys", "agreement": "The agreement",
	"epoch": "Watchlist states", "session": "Sessions", "records": "Messages", "aborted": "Aborted sessions",
	"evidence": "Evidence folders", "claim": "Claims of references", "canary": "The auditor's canaries", "sides": "The two sides against each other",
}

// WriteHTML writes the report as one page that needs nothing else: no script, no picture,
// no font, no network.
func (r Report) WriteHTML(w io.Writer) error {
	d := pageData{Report: r, Timeline: timeline(r), More: map[string]int{}}
	d.Headline, d.Period = r.headline(), r.period()
	for _, f := range r.Findings {
		n := len(d.Groups)
		if n == 0 || d.Groups[n-1].ID != f.Check || d.Groups[n-1].Severity != f.Severity {
			d.Groups = append(d.Groups, findingGroup{Check: checks[checkIndex[f.Check]], Severity: f.Severity})
			n++
		}
		d.Groups[n-1].add(f)
	}
	d.Hot = slices.Clone(r.Quotas)
	slices.SortStableFunc(d.Hot, func(a, b QuotaUse) int {
		return int(b.Probes*1000/max(1, b.Allowed)) - int(a.Probes*1000/max(1, a.Allowed))
	})
	d.Hot, d.More["quotas"] = cut(d.Hot, fullest)
	d.Aborts, d.More["aborted"] = cut(r.AbortedSessions(), rows)
	d.Claims, d.More["claims"] = cut(r.Claims, rows)
	d.Events, d.More["events"] = cut(r.Events, rows)
	for _, c := range r.Checks {
		title := groupTitles[c.Group()]
		if n := len(d.CheckSet); n == 0 || d.CheckSet[n-1].Title != title {
			d.CheckSet = append(d.CheckSet, checkGroup{Title: title})
		}
		g := &d.CheckSet[len(d.CheckSet)-1]
		g.Results = append(g.Results, c)
		d.Totals.Passed, d.Totals.Failed, d.Totals.NotChecked = d.Totals.Passed+c.Passed, d.Totals.Failed+c.Failed, d.Totals.NotChecked+c.NotChecked
		if c.Passed+c.Failed > 0 {
			d.Totals.Made++
		}
	}
	return page.Execute(w, d)
}

func cut[T any](list []T, most int) ([]T, int) {
	if len(list) > most {
		return list[:most], len(list) - most
	}
	return list, 0
}

// headline is the verdict for people in a hurry.
func (r Report) headline() string {
	switch {
	case r.Clean:
		return "No finding"
	case r.Warnings == 0:
		return plural(r.Violations, "violation")
	case r.Violations == 0:
		return plural(r.Warnings, "warning")
	}
	return plural(r.Violations, "violation") + ", " + plural(r.Warnings, "warning")
}

// period is from the first to the last request.
func (r Report) period() string {
	first, last := "", ""
	for _, s := range r.Sessions {
		if s.Asked == "" {
			continue
		}
		if first == "" || s.Asked < first {
			first = s.Asked
		}
		last = max(last, s.Asked)
	}
	switch {
	case first == "":
		return "no session"
	case first[:10] == last[:10]:
		return first[:10]
	}
	return first[:10] + " to " + last[:10]
}

// short is the beginning of a long digest.
func short(s string) string {
	label := ""
	if rest, ok := strings.CutPrefix(s, "request "); ok {
		label, s = "request ", rest
	}
	if len(s) > 16 {
		s = s[:16] + "…"
	}
	return label + s
}

// minute is a time without seconds, for tables.
func minute(s string) string {
	if len(s) < 16 {
		return s
	}
	return s[:10] + " " + s[11:16]
}
