package audit

import (
	"cmp"
	"path"
	"slices"

	"github.com/puente-project/puente/protocol/transcript"
)

// loggedClaim is a claim's entry in a log.
type loggedClaim struct {
	index   int64
	role    transcript.Party
	claim   transcript.Claim
	release transcript.Release
	notes   transcript.ClaimEntry
}

// addClaim takes over the entry of a claim.
func (s *side) addClaim(l *ledger, where Place, index int64, e transcript.ClaimEntry) {
	claim, err := transcript.ParseClaim(e.Claim.Body)
	var release transcript.Release
	if err == nil {
		release, err = transcript.ParseRelease(e.Release.Body)
	}
	if !l.check(EntryFormat, err == nil && release.Outcome == e.Outcome, where, "the logged claim: its statements cannot be read or do not fit the entry: %v", err) {
		return
	}
	where.Session = claim.Session.String()
	own := claim.Requester
	if e.Role == transcript.Holder {
		own = claim.Holder
	}
	l.check(EntryRole, own == s.Agency, where, "%s logs the claim as its %v, and the %v was %s", s.Agency, e.Role, e.Role, own)
	if s.claims == nil {
		s.claims = map[transcript.Digest][]*loggedClaim{}
	}
	s.claims[claim.Session] = append(s.claims[claim.Session], &loggedClaim{index, e.Role, claim, release, e})
}

// claim is a claim as the sides have it.
type claim struct {
	digest  transcript.Digest
	halves  []*claimHalf
	text    transcript.Claim
	answers []string // texts of the releases, each once
	release transcript.Release
	summary ClaimSummary
}

// claimHalf is what one side has of a claim.
type claimHalf struct {
	half           *half
	entry          *loggedClaim // nil if it is not in the log
	folder         string       // below the party's folder, "" if there is no evidence
	claim, release *transcript.Note
}

// answered reports whether the side has an answer.
func (h *claimHalf) answered() bool { return h != nil && (h.entry != nil || h.release != nil) }

// at is a file of the claim's evidence, or its entry if there is none.
func (h *claimHalf) at(file string) Place {
	p := Place{Party: h.half.side.Agency, Session: h.half.label}
	switch {
	case h.folder != "":
		p.File = path.Join(h.folder, file)
	case h.entry != nil:
		p.File, p.Entry = logDir, &h.entry.index
	}
	return p
}

// gatherClaims finds the claims of the session on all sides, by time.
func (p *pair) gatherClaims() []*claim {
	all := map[transcript.Digest]*claim{}
	get := func(d transcript.Digest, h *half) *claimHalf {
		c := all[d]
		if c == nil {
			c = &claim{digest: d}
			all[d] = c
		}
		for _, x := range c.halves {
			if x.half == h {
				return x
			}
		}
		c.halves = append(c.halves, &claimHalf{half: h})
		return c.halves[len(c.halves)-1]
	}
	for _, h := range p.halves {
		for _, g := range p.grants {
			for _, e := range h.side.claims[g.Session] {
				ch := get(transcript.TextDigest(e.notes.Claim.Body), h)
				if ch.entry != nil {
					p.ledger.fail(ClaimTwice, ch.at(""), "the claim is in the log of %s twice, in entries %d and %d", h.side.Agency, ch.entry.index, e.index)
					continue
				}
				ch.entry = e
			}
		}
		if h.folder == nil {
			continue
		}
		dir := path.Join(h.folder.name, claimsDir)
		for _, name := range h.side.list(p.ledger, dir) {
			digest, ok := parseDigest(name)
			if !p.ledger.check(EvidenceName, ok, h.at(path.Join(claimsDir, name)), "the folder's name is no digest of a claim") {
				continue
			}
			ch := get(digest, h)
			ch.folder = path.Join(dir, name)
			ch.claim = h.side.note(p.ledger, path.Join(ch.folder, claimFile), h.label)
			ch.release = h.side.note(p.ledger, path.Join(ch.folder, releaseFile), h.label)
		}
	}
	list := []*claim{}
	for _, c := range all {
		if c.read(p.ledger) {
			list = append(list, c)
		}
	}
	slices.SortFunc(list, func(a, b *claim) int {
		return cmp.Or(a.text.Time.Compare(b.text.Time), slices.Compare(a.digest[:], b.digest[:]))
	})
	return list
}

// read takes over what the claim and its answer say, from the logs first. It reports
// whether there is a claim.
func (c *claim) read(l *ledger) bool {
	answer := func(text string, r transcript.Release) {
		if len(c.answers) == 0 {
			c.release = r
		}
		if !slices.Contains(c.answers, text) {
			c.answers = append(c.answers, text)
		}
	}
	found := false
	for _, h := range c.halves {
		if h.entry != nil {
			c.text, found = h.entry.claim, true
			answer(h.entry.notes.Release.Body, h.entry.release)
		}
	}
	for _, h := range c.halves {
		if h.claim != nil {
			text, err := transcript.ParseClaim(h.claim.Body)
			if !l.check(SessionFormat, err == nil, h.at(claimFile), "%v", err) {
				h.claim = nil
			} else if !found {
				c.text, found = text, true
			}
		}
		if h.release != nil {
			r, err := transcript.ParseRelease(h.release.Body)
			if l.check(SessionFormat, err == nil, h.at(releaseFile), "%v", err) {
				answer(h.release.Body, r)
			} else {
				h.release = nil
			}
		}
	}
	return found
}

// half returns the half of an agency, or nil.
func (c *claim) half(agency string) *claimHalf {
	for _, h := range c.halves {
		if h.half.side.Agency == agency {
			return h
		}
	}
	return nil
}

// summarise fills the row of the report.
func (c *claim) summarise(p *pair) {
	c.summary = ClaimSummary{Claim: c.digest.String(), Session: p.halves[0].label, Claimed: utc(c.text.Time), Requester: c.text.Requester,
		Holder: c.text.Holder, Watchlist: c.text.Watchlist, Purpose: c.text.Purpose, Basis: c.text.Basis, Status: map[string]string{}}
	if len(c.answers) > 0 {
		c.summary.Decided = utc(c.release.Time)
	}
	for _, s := range p.sides {
		status := "missing"
		switch h := c.half(s.Agency); {
		case h == nil:
			if s.Agency == c.text.Holder && len(c.answers) == 0 {
				status = "not answered"
			}
		case h.entry != nil:
			status = h.entry.release.Outcome
		case h.release != nil:
			status = "unlogged"
		default:
			status = "not answered"
		}
		c.summary.Status[s.Agency] = status
	}
}
