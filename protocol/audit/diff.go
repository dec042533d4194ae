package audit

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/puente-project/puente/protocol/transcript"
)

// Difference is a session about which two logs differ.
type Difference struct {
	Kind    string           `json:"kind"` // only, status or note
	What    string           `json:"what"`
	Session string           `json:"session"`
	Asked   string           `json:"asked"`
	Probes  uint64           `json:"probes"`
	Entries map[string]int64 `json:"entries"` // index by agency
}

// Comparison is what two logs have in common and in what they differ.
type Comparison struct {
	Format      int               `json:"puente_audit_diff"` // 1
	Sessions    map[string]int    `json:"sessions"`          // by agency
	Probes      map[string]uint64 `json:"probes"`            // of those sessions
	Common      int               `json:"common"`
	Differences []Difference      `json:"differences"` // by time
	// Findings about the logs themselves; a log with findings need not be what its agency
	// has published.
	Findings []Finding `json:"findings"`
}

// Diff compares the sessions in two logs, without evidence. Errors match ErrInput.
func Diff(in Input) (Comparison, error) {
	if len(in.Parties) != 2 {
		return Comparison{}, fmt.Errorf("%w: two parties are compared, %d were given", ErrInput, len(in.Parties))
	}
	r, err := start(in)
	if err != nil {
		return Comparison{}, err
	}
	defer r.close()
	a, b := r.sides[0], r.sides[1]
	c := Comparison{Format: 1, Sessions: map[string]int{a.Agency: len(a.sessions), b.Agency: len(b.sessions)}, Probes: map[string]uint64{}, Differences: []Difference{}}
	requests := map[transcript.Digest]bool{}
	for _, s := range r.sides {
		c.Probes[s.Agency] = s.summary().Probes
		for request := range s.sessions {
			requests[request] = true
		}
	}
	for request := range maps.Keys(requests) {
		x, y := a.sessions[request], b.sessions[request]
		if x != nil && y != nil {
			c.Common++
		}
		if d := compareEntriesOf(a, b, x, y); d != nil {
			c.Differences = append(c.Differences, *d)
		}
	}
	slices.SortFunc(c.Differences, func(a, b Difference) int {
		return cmp.Or(cmp.Compare(a.Asked, b.Asked), cmp.Compare(a.Session, b.Session))
	})
	var rep Report
	r.ledger.into(&rep)
	c.Findings = rep.Findings
	return c, nil
}

// compareEntriesOf compares the two sides' entries of a session; one may be nil.
func compareEntriesOf(a, b *side, x, y *logged) *Difference {
	one := cmp.Or(x, y)
	d := &Difference{Session: one.label(), Asked: utc(one.request.Time), Probes: one.request.Probes, Entries: map[string]int64{}}
	if y != nil && y.head != nil {
		d.Session = y.label()
	}
	for s, e := range map[*side]*logged{a: x, b: y} {
		if e != nil {
			d.Entries[s.Agency] = e.index
		}
	}
	if x == nil || y == nil {
		has, lacks := a, b
		if x == nil {
			has, lacks = b, a
		}
		if one.aborted != nil && one.aborted.Messages <= 1 && one.request.Holder == lacks.Agency {
			return nil // it never reached the holder
		}
		d.Kind, d.What = "only", fmt.Sprintf("only in the log of %s; not in that of %s", has.Agency, lacks.Agency)
		return d
	}
	if (x.aborted == nil) != (y.aborted == nil) {
		done, cut := a, b
		if x.aborted != nil {
			done, cut, x = b, a, y
		}
		if x.outcome == transcript.OutcomeUnknown {
			return nil // both had signed, and neither says that the answer arrived
		}
		d.Kind, d.What = "status", fmt.Sprintf("completed in the log of %s and aborted in that of %s", done.Agency, cut.Agency)
		return d
	}
	if what := compareNotes(x.note, y.note); what != "" {
		d.Kind, d.What = "note", "the signed notes differ "+what
		return d
	}
	return nil
}

// Clean reports whether the logs agree and are sound.
func (c Comparison) Clean() bool {
	return len(c.Differences) == 0 && !slices.ContainsFunc(c.Findings, func(f Finding) bool { return f.Severity != Notice })
}

// WriteJSON writes the comparison as one indented JSON object.
func (c Comparison) WriteJSON(w io.Writer) error {
	return writeJSON(w, c)
}

// WriteText writes the comparison for a terminal.
func (c Comparison) WriteText(w io.Writer) error {
	b := bufio.NewWriter(w)
	for _, f := range c.Findings {
		fmt.Fprintf(b, "%s: %s (%v)\n", f.Check, f.What, f.Where)
	}
	for _, d := range c.Differences {
		fmt.Fprintf(b, "%s  %s\n  %s;", d.Asked, d.Session, d.What)
		for _, agency := range slices.Sorted(maps.Keys(d.Entries)) {
			fmt.Fprintf(b, " %s: entry %d", agency, d.Entries[agency])
		}
		fmt.Fprintln(b)
	}
	for _, agency := range slices.Sorted(maps.Keys(c.Sessions)) {
		fmt.Fprintf(b, "%s: %d sessions, %s\n", agency, c.Sessions[agency], plural(c.Probes[agency], "probe"))
	}
	fmt.Fprintf(b, "%d in both logs, %s\n", c.Common, plural(len(c.Differences), "difference"))
	return b.Flush()
}
