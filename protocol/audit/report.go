package audit

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"
)

// Place says where something was found. Empty fields do not apply.
type Place struct {
	Party   string `json:"party,omitempty"`   // whose folder
	File    string `json:"file,omitempty"`    // below that folder
	Entry   *int64 `json:"entry,omitempty"`   // index in the log
	Session string `json:"session,omitempty"` // id, or "request " and the digest of the request
}

// String is for people.
func (p Place) String() string {
	var s string
	add := func(format string, args ...any) {
		if s != "" {
			s += ", "
		}
		s += fmt.Sprintf(format, args...)
	}
	if p.Party != "" {
		add("%s", p.Party)
	}
	if p.File != "" {
		add("%s", p.File)
	}
	if p.Entry != nil {
		add("log entry %d", *p.Entry)
	}
	if p.Session != "" {
		add("session %s", p.Session)
	}
	return s
}

// Finding is a check that failed.
type Finding struct {
	Check    string   `json:"check"`
	Severity Severity `json:"severity"`
	// What says in a sentence what is wrong; it holds no personal data but what the
	// statements hold.
	What  string `json:"what"`
	Where Place  `json:"where"`
}

// Result counts how often a check was made.
type Result struct {
	Check
	Passed     int `json:"passed"`
	Failed     int `json:"failed"`
	NotChecked int `json:"not_checked"`
	// Why says what kept the check from being made.
	Why []string `json:"why_not_checked,omitempty"`
}

// Report is the outcome of an audit. It depends on the Input alone.
type Report struct {
	Format  int    `json:"puente_audit"` // 1
	Clean   bool   `json:"clean"`        // no violation and no warning
	Audited string `json:"audited,omitempty"`

	Violations int `json:"violations"`
	Warnings   int `json:"warnings"`
	Notices    int `json:"notices"`

	Agreements []AgreementSummary `json:"agreements"`
	Parties    []PartySummary     `json:"parties"`
	Findings   []Finding          `json:"findings"` // worst first
	Checks     []Result           `json:"checks"`   // in the order of Checks
	Sessions   []SessionSummary   `json:"sessions"` // by time
	Claims     []ClaimSummary     `json:"claims"`   // by session
	Canaries   []CanarySummary    `json:"canaries"` // as given
	Quotas     []QuotaUse         `json:"quotas"`   // by day
	Events     []Event            `json:"events"`   // by time
}

// AgreementSummary names an agreement that was applied.
type AgreementSummary struct {
	Digest  string    `json:"digest"`
	Parties [2]string `json:"parties"`
	Skew    uint64    `json:"clock_skew_seconds"`
}

// PartySummary is what was found of a party.
type PartySummary struct {
	Agency    string `json:"agency"`
	Dir       string `json:"dir"`
	Origin    string `json:"log_origin,omitempty"`
	Size      uint64 `json:"log_entries"`
	Root      string `json:"log_root,omitempty"`
	Witnessed uint64 `json:"log_entries_witnessed"`
	WitnessAt string `json:"witnessed_at,omitempty"`
	Completed int    `json:"sessions_completed"`
	Aborted   int    `json:"sessions_aborted"`
	Probes    uint64 `json:"probes"` // of all its sessions
	Claims    int    `json:"claims"`
	Epochs    int    `json:"epochs"`
	Keys      int    `json:"keys"`
}

// SessionSummary is a session as both sides together have it.
type SessionSummary struct {
	Session   string `json:"session"`
	Request   string `json:"request"` // digest of the request
	Asked     string `json:"asked"`
	Requester string `json:"requester"`
	Holder    string `json:"holder"`
	Watchlist string `json:"watchlist"`
	Purpose   string `json:"purpose"`
	Basis     string `json:"basis"`
	Probes    uint64 `json:"probes"` // of the request
	Entries   uint64 `json:"entries,omitempty"`
	Epoch     uint64 `json:"epoch,omitempty"`
	// Status by agency: answered, hit, no-hit, aborted and its stage, unlogged or missing.
	Status map[string]string `json:"status"`
	// Aborted is set if no side has it complete.
	Aborted  bool `json:"aborted,omitempty"`
	Findings int  `json:"findings"`
}

// ClaimSummary is a claim as both sides together have it.
type ClaimSummary struct {
	Claim     string `json:"claim"` // digest
	Session   string `json:"session"`
	Claimed   string `json:"claimed"`
	Decided   string `json:"decided,omitempty"`
	Requester string `json:"requester"`
	Holder    string `json:"holder"`
	Watchlist string `json:"watchlist"`
	Purpose   string `json:"purpose"`
	Basis     string `json:"basis"`
	// Status by agency: released, withdrawn, unlogged, not answered or missing.
	Status   map[string]string `json:"status"`
	Findings int               `json:"findings"`
}

// Event is an entry of a log that is no session.
type Event struct {
	Time  string `json:"time"`
	Party string `json:"party"`
	Entry int64  `json:"entry"`
	What  string `json:"what"`
}

// QuotaUse counts the sessions that a requester opened on a day for a purpose, and their
// probes, those of aborted sessions included.
type QuotaUse struct {
	Day       string `json:"day"`
	Requester string `json:"requester"`
	Purpose   string `json:"purpose"`
	Basis     string `json:"basis"`
	Completed int    `json:"completed"`
	Aborted   int    `json:"aborted"`
	Probes    uint64 `json:"probes"`
	Allowed   uint64 `json:"allowed"` // probes
}

// WriteJSON writes the report as one indented JSON object; its form is stable.
func (r Report) WriteJSON(w io.Writer) error {
	return writeJSON(w, r)
}

func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// ledger collects the outcomes of checks. Each goroutine has its own.
type ledger struct {
	results  map[string]*Result
	findings []Finding
}

func newLedger() *ledger { return &ledger{results: map[string]*Result{}} }

func (l *ledger) result(id string) *Result {
	r := l.results[id]
	if r == nil {
		i, ok := checkIndex[id]
		if !ok {
			panic("audit: no check " + id)
		}
		r = &Result{Check: checks[i]}
		l.results[id] = r
	}
	return r
}

// pass counts a check that passed.
func (l *ledger) pass(id string) { l.result(id).Passed++ }

// skip counts a check that could not be made.
func (l *ledger) skip(id string, count int, why string) {
	if count == 0 {
		return
	}
	r := l.result(id)
	r.NotChecked += count
	if !slices.Contains(r.Why, why) {
		r.Why = append(r.Why, why)
	}
}

// fail counts a check that failed.
func (l *ledger) fail(id string, where Place, format string, args ...any) {
	r := l.result(id)
	r.Failed++
	l.findings = append(l.findings, Finding{id, r.Severity, fmt.Sprintf(format, args...), where})
}

// check counts a check and returns whether it passed.
func (l *ledger) check(id string, ok bool, where Place, format string, args ...any) bool {
	if ok {
		l.pass(id)
	} else {
		l.fail(id, where, format, args...)
	}
	return ok
}

// merge adds what another ledger has collected.
func (l *ledger) merge(o *ledger) {
	for id, r := range o.results {
		to := l.result(id)
		to.Passed, to.Failed = to.Passed+r.Passed, to.Failed+r.Failed
		for i, why := range r.Why {
			n := 0
			if i == 0 {
				n = r.NotChecked
			}
			if n > 0 {
				l.skip(id, n, why)
			} else if !slices.Contains(to.Why, why) {
				to.Why = append(to.Why, why)
			}
		}
	}
	l.findings = append(l.findings, o.findings...)
}

var severityOrder = map[Severity]int{Violation: 0, Warning: 1, Notice: 2}

func compareEntries(a, b *int64) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return -1
	case b == nil:
		return 1
	}
	return cmp.Compare(*a, *b)
}

// into fills the report's counts.
func (l *ledger) into(r *Report) {
	r.Findings = slices.Clone(l.findings)
	slices.SortStableFunc(r.Findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(severityOrder[a.Severity], severityOrder[b.Severity]),
			cmp.Compare(checkIndex[a.Check], checkIndex[b.Check]),
			cmp.Compare(a.Where.Party, b.Where.Party), compareEntries(a.Where.Entry, b.Where.Entry),
			cmp.Compare(a.Where.Session, b.Where.Session), cmp.Compare(a.Where.File, b.Where.File), cmp.Compare(a.What, b.What))
	})
	for _, f := range r.Findings {
		switch f.Severity {
		case Violation:
			r.Violations++
		case Warning:
			r.Warnings++
		default:
			r.Notices++
		}
	}
	r.Clean = r.Violations+r.Warnings == 0
	for _, c := range checks {
		res := Result{Check: c}
		if got := l.results[c.ID]; got != nil {
			res = *got
			slices.Sort(res.Why)
		}
		r.Checks = append(r.Checks, res)
	}
	if r.Findings == nil {
		r.Findings = []Finding{}
	}
}

// FindingIDs returns the ids of all failed checks of a severity that makes the report not
// clean, sorted, each once.
func (r Report) FindingIDs() []string {
	ids := map[string]bool{}
	for _, f := range r.Findings {
		if f.Severity != Notice {
			ids[f.Check] = true
		}
	}
	return slices.Sorted(maps.Keys(ids))
}

// utc is the form of times in reports and texts.
func utc(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// warn counts a check that failed with an innocent explanation.
func (l *ledger) warn(id string, where Place, format string, args ...any) {
	l.fail(id, where, format, args...)
	l.findings[len(l.findings)-1].Severity = Warning
}
