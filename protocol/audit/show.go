package audit

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/puente-project/puente/protocol/transcript"
)

// minPrefix is how much of a session's id must be given.
const minPrefix = 8

// SessionView is all that is known of one session.
type SessionView struct {
	Format   int            `json:"puente_audit_session"` // 1
	Summary  SessionSummary `json:"summary"`
	Sides    []SideView     `json:"sides"`
	Checks   []Result       `json:"checks"` // those that this session allows
	Findings []Finding      `json:"findings"`
}

// SideView is a session as one side has it.
type SideView struct {
	Agency   string             `json:"agency"`
	Entry    *int64             `json:"log_entry"` // nil: not in the log
	Evidence string             `json:"evidence"`  // folder, "" for none
	Outcome  string             `json:"outcome"`
	Request  string             `json:"request"` // texts as signed
	Grant    string             `json:"grant"`
	Head     string             `json:"head"`
	Claims   []string           `json:"claims"` // with their answers
	Signers  []string           `json:"head_signed_by"`
	Traffic  map[string]Traffic `json:"traffic"` // by kind of message
}

// Show audits the parties and returns one session. Its id, or the digest of its request,
// is given by its first 8 to 64 hexadecimal digits. Errors match ErrInput.
func Show(in Input, id string) (SessionView, error) {
	id = strings.TrimPrefix(id, "request ")
	if len(id) < minPrefix || strings.Trim(id, "0123456789abcdef") != "" {
		return SessionView{}, fmt.Errorf("%w: %q is not %d or more hexadecimal digits of a session's id", ErrInput, id, minPrefix)
	}
	r, err := start(in)
	if err != nil {
		return SessionView{}, err
	}
	defer r.close()
	r.sessions()
	var found []*pair
	for _, p := range r.list {
		if strings.HasPrefix(p.summary.Session, id) || strings.HasPrefix(p.summary.Request, id) {
			found = append(found, p)
		}
	}
	if len(found) != 1 {
		return SessionView{}, fmt.Errorf("%w: %d sessions begin with %s, give one that exists and enough of it", ErrInput, len(found), id)
	}
	return r.view(found[0]), nil
}

func (r *run) view(p *pair) SessionView {
	rep := r.report()
	v := SessionView{Format: 1, Summary: p.summary, Findings: []Finding{}}
	labels := []string{p.summary.Session, requestLabel(p.request)}
	for _, f := range rep.Findings {
		if slices.Contains(labels, f.Where.Session) {
			v.Findings = append(v.Findings, f)
		}
	}
	for _, c := range checks {
		if got := p.ledger.results[c.ID]; got != nil {
			v.Checks = append(v.Checks, *got)
		}
	}
	for _, h := range p.halves {
		side := h.view(p.summary.Status[h.side.Agency])
		side.Claims = []string{}
		for _, c := range p.claims {
			if ch := c.half(h.side.Agency); ch != nil {
				side.Claims = append(side.Claims, ch.texts())
			}
		}
		v.Sides = append(v.Sides, side)
	}
	return v
}

func (h *half) view(status string) SideView {
	v := SideView{Agency: h.side.Agency, Outcome: status, Traffic: map[string]Traffic{}, Signers: []string{}}
	head := h.head
	if h.entry != nil {
		v.Entry = &h.entry.index
		v.Request = h.entry.request.Text()
		if h.entry.head != nil {
			head, v.Grant = &h.entry.note, h.entry.head.Grant.Text()
		}
	}
	if h.folder != nil {
		v.Evidence = h.folder.name
	}
	if h.request != nil {
		v.Request = h.request.Body
	}
	if h.grant != nil {
		v.Grant = h.grant.Body
	}
	if head != nil {
		v.Head = head.Body
		for _, s := range head.Signatures {
			v.Signers = append(v.Signers, s.Name)
		}
	}
	for kind, t := range h.traffic {
		if t.Messages > 0 {
			v.Traffic[transcript.KindName(uint8(kind))] = t
		}
	}
	return v
}

// Clean reports whether no check of the session failed.
func (v SessionView) Clean() bool {
	return !slices.ContainsFunc(v.Findings, func(f Finding) bool { return f.Severity != Notice })
}

// WriteJSON writes the session as one indented JSON object.
func (v SessionView) WriteJSON(w io.Writer) error {
	return writeJSON(w, v)
}

// WriteText writes the session for a person. What both sides have alike is shown once.
func (v SessionView) WriteText(w io.Writer) error {
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "session %s, %s\n", v.Summary.Session, plural(v.Summary.Probes, "probe"))
	for _, f := range v.Findings {
		fmt.Fprintf(b, "%s %s: %s (%v)\n", strings.ToUpper(string(f.Severity)), f.Check, f.What, f.Where)
	}
	for _, s := range v.Sides {
		place := "not in its log"
		if s.Entry != nil {
			place = fmt.Sprintf("log entry %d", *s.Entry)
		}
		fmt.Fprintf(b, "%s: %s; %s; %s\n", s.Agency, s.Outcome, place, orNone(s.Evidence, "no evidence"))
	}
	for _, t := range []struct {
		name string
		text func(SideView) string
	}{
		{"request", func(s SideView) string { return s.Request }},
		{"grant", func(s SideView) string { return s.Grant }},
		{"head", func(s SideView) string { return tail(s) }},
		{"claims", func(s SideView) string { return strings.Join(s.Claims, "") }},
		{"messages", func(s SideView) string { return s.traffic() }},
	} {
		v.writeTexts(b, t.name, t.text)
	}
	fmt.Fprintf(b, "\nchecks\n")
	for _, c := range v.Checks {
		mark := "passed"
		if c.Failed > 0 {
			mark = "FAILED"
		} else if c.Passed == 0 {
			mark = "not checked: " + strings.Join(c.Why, "; ")
		}
		fmt.Fprintf(b, "  %-26s %s\n", c.ID, mark)
	}
	return b.Flush()
}

// tail is what the head adds to request and grant, and who has signed it.
func tail(s SideView) string {
	i := strings.Index(s.Head, "\nmessages ")
	if i < 0 {
		return s.Head
	}
	return s.Head[i+1:] + "signed by " + orNone(strings.Join(s.Signers, " and "), "nobody") + "\n"
}

func (s SideView) traffic() string {
	var b strings.Builder
	for kind := uint8(transcript.KindOpen); kind <= transcript.KindVerdict; kind++ {
		name := transcript.KindName(kind)
		if t, ok := s.Traffic[name]; ok {
			fmt.Fprintf(&b, "%-9s %6d of %12d bytes in all\n", name, t.Messages, t.Bytes)
		}
	}
	return b.String()
}

func (v SessionView) writeTexts(b *bufio.Writer, name string, text func(SideView) string) {
	byText := map[string][]string{}
	for _, s := range v.Sides {
		if t := text(s); t != "" {
			byText[t] = append(byText[t], s.Agency)
		}
	}
	texts := slices.SortedFunc(maps.Keys(byText), func(x, y string) int { return cmp.Compare(byText[x][0], byText[y][0]) })
	for _, t := range texts {
		verb := "has"
		if len(byText[t]) > 1 {
			verb = "have"
		}
		fmt.Fprintf(b, "\n%s, as %s %s it\n", name, strings.Join(byText[t], " and "), verb)
		for line := range strings.Lines(t) {
			fmt.Fprint(b, "  ", line)
		}
	}
}
