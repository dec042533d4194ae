package audit

import (
	"strings"
	"time"

	"github.com/puente-project/puente/protocol/transcript"
)

// checkClaims makes the checks of the session's claims.
func (p *pair) checkClaims() {
	p.claims = p.gatherClaims()
	for _, c := range p.claims {
		before := len(p.ledger.findings)
		for _, h := range c.halves {
			p.checkClaimFiles(c, h)
		}
		p.checkClaimSession(c)
		p.checkClaimTerms(c)
		p.checkClaimSides(c)
		c.summarise(p)
		for _, f := range p.ledger.findings[before:] {
			if f.Severity != Notice {
				c.summary.Findings++
			}
		}
	}
	p.checkClaimCount()
}

// checkClaimFiles checks what one side has of a claim for itself.
func (p *pair) checkClaimFiles(c *claim, h *claimHalf) {
	l := p.ledger
	if h.folder != "" {
		if h.claim != nil {
			l.check(ClaimStatements, transcript.TextDigest(h.claim.Body) == c.digest, h.at(claimFile), "the claim is not the one that its folder is named for")
		} else {
			l.fail(EvidenceMissing, h.at(claimFile), "the claim is missing or malformed")
		}
	}
	if e := h.entry; e != nil {
		switch {
		case h.folder == "":
			l.fail(EvidenceMissing, h.at(""), "there is no evidence of the claim")
		case h.release == nil:
			l.fail(EvidenceMissing, h.at(releaseFile), "the answer to the claim is missing or malformed")
		default:
			l.check(ClaimStatements, h.claim == nil || h.claim.Text() == e.notes.Claim.Text(), h.at(claimFile), "the claim is not the one in the log")
			l.check(ClaimStatements, h.release.Text() == e.notes.Release.Text(), h.at(releaseFile), "the answer is not the one in the log")
		}
		p.checkClaimNotes(h.at(""), &e.notes.Claim, &e.notes.Release, c.digest)
	}
	if h.folder != "" {
		p.checkClaimNotes(h.at(""), h.claim, h.release, c.digest)
	}
	switch {
	case h.half.side.log == nil:
		l.skip(ClaimLogged, 1, whyLog)
	case h.answered():
		l.check(ClaimLogged, h.entry != nil, h.at(releaseFile), "the claim is answered and not in the log of %s; it may have been when the folder was copied", h.half.side.Agency)
	}
}

// checkClaimNotes checks the signatures of a claim and its answer, and that they belong
// together. Either may be nil.
func (p *pair) checkClaimNotes(where Place, claim, release *transcript.Note, digest transcript.Digest) {
	if claim != nil {
		if t, err := transcript.ParseClaim(claim.Body); err == nil {
			p.checkNote(*claim, where, signer{p.asked.Requester, t.Key, t.Time})
		}
	}
	if release != nil {
		if t, err := transcript.ParseRelease(release.Body); err == nil {
			p.checkNote(*release, where, signer{p.asked.Holder, t.Key, t.Time})
			p.ledger.check(ClaimRelease, t.Claim == digest, where, "the answer is to the claim %.16s, not to this one", t.Claim)
		}
	}
}

// checkClaimSession checks the claim against its session.
func (p *pair) checkClaimSession(c *claim) {
	l, t, where := p.ledger, c.text, c.halves[0].at(claimFile)
	sealed := false
	for _, h := range p.halves {
		if h.entry != nil && h.entry.head != nil {
			sealed = sealed || transcript.TextDigest(h.entry.note.Body) == t.Head
		}
		if h.head != nil {
			sealed = sealed || transcript.TextDigest(h.head.Body) == t.Head
		}
	}
	of := t.Requester == p.asked.Requester && t.Holder == p.asked.Holder && t.Watchlist == p.asked.Watchlist
	l.check(ClaimSession, sealed && of, where, "the claim names a head that no side has, or other parties or another watchlist than the session")
	requester := p.half(p.asked.Requester)
	if requester == nil || requester.entry == nil {
		l.skip(ClaimHit, 1, "the requester's log is not at hand")
		return
	}
	outcome := requester.entry.outcome
	l.check(ClaimHit, outcome == transcript.OutcomeHit, where, "%s claims a reference out of a session whose outcome it logs as %s", t.Requester, orNone(outcome, "aborted"))
}

// checkClaimTerms checks the claim against the agreement in force.
func (p *pair) checkClaimTerms(c *claim) {
	l, t, where := p.ledger, c.text, c.halves[0].at(claimFile)
	a := p.in.agreement(t.Agreement)
	if a == nil {
		l.fail(ClaimBasis, where, "the claim is under the agreement %.16s, which was not given to the auditor", t.Agreement)
		l.skip(ClaimWindow, 1, "the agreement of a claim is not known")
		return
	}
	for _, h := range c.halves {
		if h.half.side.log != nil {
			l.check(AgreementInForce, h.half.side.history.inForce(t.Agreement, t.Time, p.in.skew()), h.at(claimFile),
				"by the log of %s the agreement %.16s was not in force on %s, when the claim was made", h.half.side.Agency, t.Agreement, utc(t.Time))
		}
	}
	err := a.CheckClaim(t)
	if !l.check(ClaimBasis, err == nil, where, "%v", err) && a.Claims == nil {
		return
	}
	skew := p.in.skew()
	for _, g := range p.grants {
		end := g.Time.Add(a.Claims.Window())
		ok := !t.Time.Before(g.Time.Add(-skew)) && !t.Time.After(end.Add(skew))
		if len(c.answers) > 0 {
			ok = ok && !c.release.Time.Before(t.Time.Add(-skew)) && !c.release.Time.After(end.Add(skew))
		}
		answered := "not answered"
		if len(c.answers) > 0 {
			answered = "answered " + utc(c.release.Time)
		}
		l.check(ClaimWindow, ok, where, "claimed %s and %s; the session was granted %s and may be claimed for %v", utc(t.Time), answered, utc(g.Time), a.Claims.Window())
	}
}

// checkClaimSides compares the two sides' accounts of the claim.
func (p *pair) checkClaimSides(c *claim) {
	l := p.ledger
	l.check(ClaimTwice, len(c.answers) < 2, c.halves[0].at(releaseFile), "the claim has %d different answers", len(c.answers))
	requester, holder := c.half(p.asked.Requester), c.half(p.asked.Holder)
	if len(p.sides) < 2 {
		l.skip(ClaimSides, 1, whyPartner)
		l.skip(ClaimLost, 1, whyPartner)
		return
	}
	switch {
	case holder.answered() && requester == nil:
		l.fail(ClaimSides, holder.at(""), "%s has answered the claim, and %s has nothing of it", p.asked.Holder, p.asked.Requester)
	case requester.answered() && !holder.answered():
		l.fail(ClaimSides, requester.at(""), "%s has an answer to the claim, and %s has not given it", p.asked.Requester, p.asked.Holder)
	default: // both, or a claim that did not arrive or was not accepted
		l.pass(ClaimSides)
	}
	if holder.answered() && requester != nil {
		l.check(ClaimLost, requester.answered(), requester.at(""), "%s has answered the claim, and the answer did not arrive; %s may ask again", p.asked.Holder, p.asked.Requester)
	}
}

// checkClaimCount checks how many claims a session has.
func (p *pair) checkClaimCount() {
	count := map[transcript.Digest]uint64{} // by agreement
	for _, c := range p.claims {
		a := p.in.agreement(c.text.Agreement)
		if len(c.answers) == 0 || a == nil || a.Claims == nil {
			continue
		}
		count[c.text.Agreement]++
		n := count[c.text.Agreement]
		if !p.ledger.check(ClaimLimit, n <= a.Claims.PerSession, c.halves[0].at(claimFile), "claim %d of a session that allows %d", n, a.Claims.PerSession) {
			c.summary.Findings++
		}
	}
}

// checkClaimTotals makes the checks that take all claims: those of no session, and how
// many a requester made on a day.
func checkClaimTotals(l *ledger, in *Input, sides []*side, list []*pair) []ClaimSummary {
	known := map[transcript.Digest]bool{}
	type key struct{ day, requester string }
	used, over := map[key]uint64{}, map[key]bool{}
	summaries := []ClaimSummary{}
	for _, p := range list {
		for _, g := range p.grants {
			known[g.Session] = true
		}
		for _, c := range p.claims {
			if a := in.agreement(c.text.Agreement); a != nil && a.Claims != nil && len(c.answers) > 0 {
				k := key{c.release.Time.UTC().Format(time.DateOnly), c.text.Requester}
				used[k]++
				if used[k] > a.Claims.Daily && !over[k] {
					over[k] = true
					c.summary.Findings++
					l.fail(ClaimLimit, c.halves[0].at(claimFile), "%s made more than the %d claims that are allowed on %s; this is the first beyond", k.requester, a.Claims.Daily, k.day)
				}
			}
			summaries = append(summaries, c.summary)
		}
	}
	for _, s := range sides {
		for session, claims := range s.claims {
			for _, c := range claims {
				if !known[session] {
					where := s.entry(c.index)
					where.Session = session.String()
					l.fail(ClaimSession, where, "the claim is on a session that nobody has")
				}
			}
		}
	}
	return summaries
}

// texts are a claim and its answer as this side has them.
func (h *claimHalf) texts() string {
	var parts []string
	for _, n := range []*transcript.Note{h.claim, h.release} {
		if n != nil {
			parts = append(parts, n.Body)
		}
	}
	if len(parts) == 0 && h.entry != nil {
		parts = []string{h.entry.notes.Claim.Body, h.entry.notes.Release.Body}
	}
	return strings.Join(parts, "")
}
