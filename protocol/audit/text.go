package audit

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// WriteText writes the report for a terminal: the verdict, findings by check with the
// worst first, then what was examined and how often.
func (r Report) WriteText(w io.Writer) error {
	b := bufio.NewWriter(w)
	fmt.Fprintln(b, r.Verdict())
	for i, f := range r.Findings {
		if i == 0 || f.Check != r.Findings[i-1].Check || f.Severity != r.Findings[i-1].Severity {
			c := checks[checkIndex[f.Check]]
			fmt.Fprintf(b, "\n%s  %s\n   %s\n   Should hold: %s.\n", strings.ToUpper(string(f.Severity)), f.Check, c.Meaning, c.Title)
		}
		fmt.Fprintf(b, "   - %s\n", f.What)
		if where := f.Where.String(); where != "" {
			fmt.Fprintf(b, "     in %s\n", where)
		}
	}
	fmt.Fprintln(b)
	for _, p := range r.Parties {
		fmt.Fprintf(b, "%-4s %s: %d entries, %d cosigned by the partner", p.Agency, orNone(p.Origin, "log not believed"), p.Size, p.Witnessed)
		if p.WitnessAt != "" {
			fmt.Fprintf(b, " on %s", p.WitnessAt)
		}
		fmt.Fprintf(b, "; %d sessions completed, %d aborted, %s, %s\n", p.Completed, p.Aborted, plural(p.Probes, "probe"), plural(p.Claims, "claim"))
	}
	fmt.Fprintf(b, "\n%-26s %9s %7s %12s\n", "check", "passed", "failed", "not checked")
	for _, c := range r.Checks {
		fmt.Fprintf(b, "%-26s %9d %7d %12d", c.ID, c.Passed, c.Failed, c.NotChecked)
		if len(c.Why) > 0 {
			fmt.Fprintf(b, "  %s", strings.Join(c.Why, "; "))
		}
		fmt.Fprintln(b)
	}
	if list := r.AbortedSessions(); len(list) > 0 {
		fmt.Fprintf(b, "\naborted sessions, which count against quotas:\n")
		for _, s := range list {
			fmt.Fprintf(b, "  %s  %s asks %s, %s, %s, %s: %s\n", s.Asked, s.Requester, s.Holder, s.Watchlist, s.Purpose, plural(s.Probes, "probe"), s.Session)
		}
	}
	if len(r.Claims) > 0 {
		fmt.Fprintf(b, "\nclaims of references\n")
		for _, c := range r.Claims {
			fmt.Fprintf(b, "  %s  %s of %s, %s, %s on %s: %s in session %.16s\n", c.Claimed, c.Requester, c.Holder, c.Watchlist, c.Purpose, c.Basis, c.outcome(), c.Session)
		}
	}
	for _, c := range r.Canaries {
		fmt.Fprintf(b, "\ncanary in %s of %s from epoch %d on\n", c.Watchlist, c.Holder, c.Epoch)
		for _, s := range c.Sessions {
			fmt.Fprintf(b, "  %s  %s: %s, %s in session %.16s\n", orNone(s.Asked, "not found"), s.Probe, orNone(s.Outcome, "outcome not known"), map[bool]string{true: "as it must be", false: "NOT as it must be"}[s.OK], s.Session)
		}
	}
	return b.Flush()
}

// outcome is what both sides say, or what each says.
func (c ClaimSummary) outcome() string {
	if s := c.Status[c.Requester]; s == c.Status[c.Holder] || len(c.Status) == 1 && s != "" {
		return s
	}
	var list []string
	for _, agency := range slices.Sorted(maps.Keys(c.Status)) {
		list = append(list, agency+" "+c.Status[agency])
	}
	return strings.Join(list, ", ")
}

// Verdict is the outcome in one line.
func (r Report) Verdict() string {
	what := fmt.Sprintf("%d sessions, %d of them aborted, with %s", len(r.Sessions), len(r.AbortedSessions()), plural(r.Probes(), "probe"))
	if r.Clean {
		return fmt.Sprintf("CLEAN: no finding in %s", what)
	}
	return fmt.Sprintf("FINDINGS: %s and %s in %s", plural(r.Violations, "violation"), plural(r.Warnings, "warning"), what)
}

// Probes is the number of probes of all sessions.
func (r Report) Probes() (n uint64) {
	for _, s := range r.Sessions {
		n += s.Probes
	}
	return n
}

// AbortedSessions are the sessions that no side has completed, by time.
func (r Report) AbortedSessions() []SessionSummary {
	var list []SessionSummary
	for _, s := range r.Sessions {
		if s.Aborted {
			list = append(list, s)
		}
	}
	return list
}

func plural[N int | uint64](n N, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func orNone(s, none string) string {
	if s == "" {
		return none
	}
	return s
}
