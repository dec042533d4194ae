package audit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/puente-project/puente/protocol/transcript"
)

// Canary is what an auditor writes down of a canary: an entry that he had enrolled, a
// probe that must find it, and a blank that must find nothing; and the sessions in which
// he had them asked. That a session carried the probe is his own knowledge, since nothing
// in a session shows what was asked: he stands by, or asks for a replay of the requester.
type Canary struct {
	Version   int    `json:"puente_canary"` // 1
	Holder    string `json:"holder"`
	Watchlist string `json:"watchlist"`
	// Epoch is the first state of the watchlist with the canary in it.
	Epoch  uint64 `json:"epoch"`
	Handle string `json:"handle"` // with which it is removed again
	// Probes and Blanks are the ids of sessions, 16 to 64 hexadecimal digits of each.
	Probes []string `json:"probe_sessions"`
	Blanks []string `json:"blank_sessions"`
}

// maxCanary bounds a canary's file in bytes: ten thousand sessions.
const maxCanary = 1 << 20

// ParseCanary reads a canary's file. Errors match ErrInput.
func ParseCanary(data []byte) (Canary, error) {
	bad := func(format string, args ...any) (Canary, error) {
		return Canary{}, fmt.Errorf("canary: %w: %s", ErrInput, fmt.Sprintf(format, args...))
	}
	if len(data) > maxCanary {
		return bad("%d bytes, at most %d", len(data), maxCanary)
	}
	var c Canary
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&c); err != nil {
		return bad("%v", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return bad("more than one JSON value")
	}
	switch {
	case c.Version != 1:
		return bad("puente_canary is %d, this program knows 1", c.Version)
	case !transcript.ValidCode(c.Holder) || !transcript.ValidCode(c.Watchlist):
		return bad("holder and watchlist must be 1 to 64 characters of a-z, 0-9 and -")
	case c.Epoch == 0:
		return bad("the epoch is missing")
	}
	for _, id := range append(append([]string{}, c.Probes...), c.Blanks...) {
		if len(id) < 16 || len(id) > 64 || strings.Trim(id, "0123456789abcdef") != "" {
			return bad("session %q is not 16 to 64 hexadecimal digits", id)
		}
	}
	return c, nil
}

// Encode returns the form that ParseCanary reads: JSON with a final newline.
func (c Canary) Encode() []byte {
	c.Version = 1
	c.Probes, c.Blanks = append([]string{}, c.Probes...), append([]string{}, c.Blanks...) // [], not null
	b, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		panic(fmt.Sprintf("audit: strings always encode: %v", err))
	}
	return append(b, '\n')
}

// CanarySummary is what became of a canary.
type CanarySummary struct {
	Holder    string          `json:"holder"`
	Watchlist string          `json:"watchlist"`
	Epoch     uint64          `json:"epoch"`
	Sessions  []CanarySession `json:"sessions"`
}

// CanarySession is a session that the auditor had run.
type CanarySession struct {
	Session string `json:"session"`
	Asked   string `json:"asked,omitempty"`
	// Probe is probe or blank, Outcome the requester's, "" if it is not known.
	Probe   string `json:"probe"`
	Outcome string `json:"outcome"`
	OK      bool   `json:"ok"`
}

// checkCanaries holds the outcomes of the auditor's sessions against what they must be.
func checkCanaries(l *ledger, in *Input, list []*pair) []CanarySummary {
	summaries := []CanarySummary{}
	if len(in.Canaries) == 0 {
		for _, id := range []string{CanarySessions, CanaryFound, CanaryBlank} {
			l.skip(id, 1, "no canary was given")
		}
	}
	for _, c := range in.Canaries {
		s := CanarySummary{Holder: c.Holder, Watchlist: c.Watchlist, Epoch: c.Epoch, Sessions: []CanarySession{}}
		for _, id := range c.Probes {
			s.Sessions = append(s.Sessions, c.check(l, list, id, "probe", CanaryFound, transcript.OutcomeHit))
		}
		for _, id := range c.Blanks {
			s.Sessions = append(s.Sessions, c.check(l, list, id, "blank", CanaryBlank, transcript.OutcomeNoHit))
		}
		summaries = append(summaries, s)
	}
	return summaries
}

func (c Canary) check(l *ledger, list []*pair, id, probe, check, want string) CanarySession {
	result := CanarySession{Session: id, Probe: probe}
	var found []*pair
	for _, p := range list {
		if strings.HasPrefix(p.summary.Session, id) {
			found = append(found, p)
		}
	}
	if len(found) != 1 {
		l.fail(CanarySessions, Place{Session: id}, "%d sessions begin with this id, of one that the auditor had run with a %s", len(found), probe)
		return result
	}
	p := found[0]
	where := p.halves[0].anywhere()
	where.Session = p.summary.Session
	result.Session, result.Asked = p.summary.Session, p.summary.Asked
	if !l.check(CanarySessions, p.asked.Holder == c.Holder && p.asked.Watchlist == c.Watchlist && p.summary.Epoch >= c.Epoch, where,
		"a session with a %s of the canary was on watchlist %s of %s at epoch %d; the canary is on %s of %s from epoch %d on",
		probe, p.asked.Watchlist, p.asked.Holder, p.summary.Epoch, c.Watchlist, c.Holder, c.Epoch) {
		p.summary.Findings++
		return result
	}
	if p.asked.Probes != 1 {
		l.warn(CanarySessions, where, "the session has %d probes, and its outcome is that of all of them; a %s of a canary is asked alone, with puente query --each", p.asked.Probes, probe)
		p.summary.Findings++
		return result
	}
	requester := p.half(p.asked.Requester)
	if requester == nil || requester.entry == nil {
		l.skip(check, 1, "the requester's log is not at hand")
		return result
	}
	result.Outcome = orNone(requester.entry.outcome, "aborted")
	result.OK = l.check(check, result.Outcome == want, where, "%s asked the canary's %s and logs %s, expected is %s", p.asked.Requester, probe, result.Outcome, want)
	if !result.OK {
		p.summary.Findings++
	}
	return result
}
