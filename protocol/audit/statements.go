package audit

import (
	"cmp"
	"errors"
	"path"
	"slices"
	"time"

	"github.com/puente-project/puente/protocol/agreement"
	"github.com/puente-project/puente/protocol/signature"
	"github.com/puente-project/puente/protocol/transcript"
	"github.com/puente-project/puente/templates"
)

// malformed reports a statement that cannot be read, as a stripped signature if exactly
// that is the reason.
func (l *ledger) malformed(where Place, err error) { l.unreadable(SessionFormat, where, err) }

// malformedEntry is malformed for an entry of the log.
func (l *ledger) malformedEntry(where Place, err error) { l.unreadable(EntryFormat, where, err) }

func (l *ledger) unreadable(id string, where Place, err error) {
	switch {
	case errors.Is(err, signature.ErrEd25519):
		id = SessionEd25519
	case errors.Is(err, signature.ErrMLDSA):
		id = SessionMLDSA
	}
	l.fail(id, where, "%v", err)
}

// checkRequest checks what was asked against the agreement.
func (p *pair) checkRequest() {
	l, r, where := p.ledger, p.asked, p.halves[0].anywhere()
	parties := p.in.Agreements[0].Parties
	ok := l.check(SessionParties, r.Requester != r.Holder && slices.Contains(parties[:], r.Requester) && slices.Contains(parties[:], r.Holder),
		where, "%s asks %s; the agreement is between %s and %s", r.Requester, r.Holder, parties[0], parties[1])
	a := p.in.agreement(r.Agreement)
	if !l.check(SessionAgreement, a != nil, where, "the request is under the agreement %.16s, which was not given to the auditor", r.Agreement) {
		for _, id := range []string{SessionWatchlist, SessionScheme, SessionThreshold, SessionPurpose, SessionMinEntries, SessionQuota, AgreementInForce} {
			l.skip(id, 1, "the agreement of a session is not known")
		}
		return
	}
	for _, h := range p.halves {
		if h.side.log == nil {
			l.skip(AgreementInForce, 1, whyLog)
			continue
		}
		l.check(AgreementInForce, h.side.history.inForce(r.Agreement, r.Time, p.in.skew()), where,
			"by the log of %s the agreement %.16s was not in force on %s", h.side.Agency, r.Agreement, utc(r.Time))
	}
	if ok {
		ok = p.checkTerms(a, r, where)
	}
	if _, err := a.Purpose(r.Purpose, r.Basis); !l.check(SessionPurpose, err == nil, where, "%v", err) {
		ok = false
	}
	if err := a.Check(r); ok && err != nil {
		l.fail(SessionAgreement, where, "%v", err)
	}
}

// checkTerms checks watchlist, scheme and threshold.
func (p *pair) checkTerms(a *agreement.Agreement, r transcript.Request, where Place) bool {
	l := p.ledger
	w, err := a.Watchlist(r.Holder, r.Watchlist)
	if !l.check(SessionWatchlist, err == nil, where, "%v", err) {
		return false
	}
	agreed, err := templates.ParseScheme(w.Scheme)
	if err != nil {
		l.fail(SessionScheme, where, "the agreed scheme: %v", err)
		return false
	}
	used, err := templates.ParseScheme(r.Scheme)
	if !l.check(SessionScheme, err == nil && withoutThreshold(used) == withoutThreshold(agreed), where,
		"watchlist %s was searched with scheme %s, agreed is %s", w.Name, r.Scheme, w.Scheme) {
		return false
	}
	return l.check(SessionThreshold, used == agreed, where, "watchlist %s was searched with the threshold of %s, agreed is %s: %s",
		w.Name, r.Scheme, w.Scheme, direction(used, agreed))
}

// withoutThreshold is the scheme but for what decides how similar a hit must be.
func withoutThreshold(s templates.Scheme) templates.Scheme {
	s.Alpha, s.Beta, s.Delta, s.Theta, s.Each, s.Weight = 0, 0, 0, 0, 0, 0
	return s
}

// direction says whom another threshold serves.
func direction(used, agreed templates.Scheme) string {
	order := cmp.Or(
		cmp.Compare(used.Alpha*agreed.Beta, agreed.Alpha*used.Beta),
		cmp.Compare(agreed.Delta, used.Delta),
		cmp.Compare(agreed.Theta, used.Theta),
		cmp.Compare(agreed.Each, used.Each),
		cmp.Compare(used.Weight, agreed.Weight))
	if order > 0 {
		return "people hit who should not"
	}
	return "people do not hit who should"
}

// checkGrant checks what was granted: the state of the watchlist and the times.
func (p *pair) checkGrant(h *half, g transcript.Grant) {
	l, r, where := p.ledger, p.asked, h.anywhere()
	skew := p.in.skew()
	apart := g.Time.Sub(r.Time)
	l.check(TimeGrant, apart <= skew+travel && apart >= -skew-travel, where,
		"asked %s and granted %s; both clocks agree within %v and an answer takes at most %v", utc(r.Time), utc(g.Time), skew, travel)
	if s, err := templates.ParseScheme(r.Scheme); err == nil {
		_, err := newPlan(s, r.Probes, g)
		l.check(SessionLayout, err == nil, where, "%d probes against %d entries in blocks of width %d: %v", r.Probes, g.Entries, g.Width, err)
	}
	if a := p.in.agreement(r.Agreement); a != nil {
		if w, err := a.Watchlist(r.Holder, r.Watchlist); err == nil {
			l.check(SessionMinEntries, g.Entries >= w.MinEntries, where, "watchlist %s had %d entries, agreed are at least %d", w.Name, g.Entries, w.MinEntries)
		}
	}
	history := p.history(r.Holder)
	if history == nil {
		for _, id := range []string{EpochLogged, EpochRoot, EpochSize, EpochStale} {
			l.skip(id, 1, "the holder's log is not at hand")
		}
		return
	}
	epochs := history.epochs[r.Watchlist]
	i := slices.IndexFunc(epochs, func(e epochEvent) bool { return e.Epoch == g.Epoch })
	if i < 0 {
		l.fail(EpochLogged, where, "the grant is for epoch %d of watchlist %s, of which the log of %s says nothing", g.Epoch, r.Watchlist, r.Holder)
		return
	}
	e := epochs[i]
	before := !e.Time.After(g.Time.Add(skew))
	if holder := p.half(r.Holder); holder != nil && holder.entry != nil {
		before = before && e.index < holder.entry.index
	}
	l.check(EpochLogged, before, where, "epoch %d of watchlist %s was logged only in entry %d, from %s, and granted on %s", g.Epoch, r.Watchlist, e.index, utc(e.Time), utc(g.Time))
	l.check(EpochRoot, e.Root == g.Root, where, "the grant names the root %.16s for epoch %d of watchlist %s, entry %d of the log of %s has %.16s",
		g.Root, g.Epoch, r.Watchlist, e.index, r.Holder, e.Root)
	l.check(EpochSize, e.Entries == g.Entries, where, "the grant names %d entries for epoch %d of watchlist %s, entry %d of the log of %s has %d",
		g.Entries, g.Epoch, r.Watchlist, e.index, r.Holder, e.Entries)
	stale := i+1 < len(epochs) && epochs[i+1].Time.Add(staleAfter+skew).Before(g.Time)
	l.check(EpochStale, !stale, where, "granted on %s for epoch %d of watchlist %s, which epoch %d had superseded more than a day before", utc(g.Time), g.Epoch, r.Watchlist, g.Epoch+1)
}

// checkStatements checks that the statements of a side are of one session, and are there.
func (p *pair) checkStatements(h *half) {
	l := p.ledger
	if h.folder == nil {
		l.fail(EvidenceMissing, h.inLog(), "there is no evidence of the session")
	} else {
		p.checkFiles(h)
	}
	switch {
	case h.side.log == nil:
		l.skip(EvidenceUnlogged, 1, whyLog)
	case h.entry != nil:
		l.pass(EvidenceUnlogged)
		p.checkOutcome(h)
	case h.head != nil:
		l.fail(EvidenceUnlogged, h.at(headFile), "the session was completed and is not in the log")
	default:
		l.warn(EvidenceUnlogged, h.at(""), "the session is not in the log; it may have been running when the folder was copied")
	}
}

func (p *pair) checkFiles(h *half) {
	l := p.ledger
	need := []struct {
		file  string
		there bool
	}{{requestFile, h.request != nil}, {recordsFile, h.recordsRead}}
	if h.complete() {
		need = append(need, struct {
			file  string
			there bool
		}{grantFile, h.grant != nil}, struct {
			file  string
			there bool
		}{headFile, h.head != nil})
	}
	for _, n := range need {
		if n.there {
			l.pass(EvidenceMissing)
		} else if _, err := h.side.root.Lstat(path.Join(h.folder.name, n.file)); err != nil {
			l.fail(EvidenceMissing, h.at(n.file), "the file is missing")
		}
	}
	same := func(ok bool, file, what string) { l.check(SessionStatements, ok, h.at(file), "%s", what) }
	if h.request != nil {
		same(transcript.TextDigest(h.request.Body) == p.request, requestFile, "the request is not the one of the session")
	}
	if h.grantText != nil {
		same(h.grantText.Request == p.request, grantFile, "the grant is for another request")
		l.check(EvidenceName, path.Base(h.folder.name) == h.grantText.Session.String(), h.at(grantFile), "the folder of a session holds the grant of the session %s", h.grantText.Session)
	} else if path.Dir(h.folder.name) != evidenceDir {
		l.check(EvidenceName, path.Base(h.folder.name) == p.request.String(), h.at(requestFile), "the folder is not named after the request in it")
	}
	if h.headText != nil && h.grantText != nil {
		same(h.headText.Grant == *h.grantText, headFile, "the head names another grant than grant.txt")
	}
	if h.headText != nil {
		same(transcript.TextDigest(h.headText.Request.Text()) == p.request, headFile, "the head names another request than request.txt")
	}
	if h.entry != nil && h.head != nil && h.entry.head != nil {
		same(h.entry.note.Text() == h.head.Text(), headFile, "the head is not the one in the log")
	}
	if h.entry != nil && h.request != nil && h.entry.aborted != nil {
		same(h.entry.note.Text() == h.request.Text(), requestFile, "the request is not the one in the log")
	}
}

// checkOutcome checks what the log entry says about the end.
func (p *pair) checkOutcome(h *half) {
	l, e := p.ledger, h.entry
	if e.aborted != nil {
		end := e.aborted.Time
		l.check(TimeGrant, !end.Before(p.asked.Time.Add(-p.in.skew())), h.inLog(), "asked %s and ended before, %s", utc(p.asked.Time), utc(end))
		sealed := e.role == transcript.Holder && h.head != nil && len(h.head.Signatures) > 1
		l.check(AbortedSealed, !sealed, h.inLog(), "logged as aborted, and both have signed %s", path.Join(evidenceDir, h.label, headFile))
		return
	}
	fits := e.outcome == transcript.OutcomeAnswered
	if e.role == transcript.Requester {
		fits = e.outcome == transcript.OutcomeHit || e.outcome == transcript.OutcomeNoHit || e.outcome == transcript.OutcomeUnknown
	}
	l.check(SessionOutcome, fits, h.inLog(), "the outcome %s is none that a %v knows", e.outcome, e.role)
}

// checkSignatures verifies all signatures of a side's statements.
func (p *pair) checkSignatures(h *half) {
	r := p.asked
	asks := signer{r.Requester, r.Key, r.Time}
	if h.request != nil {
		p.checkNote(*h.request, h.at(requestFile), asks)
	}
	if h.grant != nil && h.grantText != nil {
		p.checkNote(*h.grant, h.at(grantFile), signer{r.Holder, h.grantText.Key, h.grantText.Time})
	}
	if h.head != nil && h.headText != nil {
		t := h.headText
		p.checkNote(*h.head, h.at(headFile), signer{t.Request.Requester, t.Request.Key, t.Request.Time}, signer{t.Request.Holder, t.Grant.Key, t.Grant.Time})
	}
	if h.entry != nil {
		signers := []signer{asks}
		if t := h.entry.head; t != nil {
			signers = append(signers, signer{r.Holder, t.Grant.Key, t.Grant.Time})
		}
		p.checkNote(h.entry.note, h.inLog(), signers...)
	}
}

// signer is who must have signed, with which key and when.
type signer struct {
	agency string
	key    transcript.Digest
	at     time.Time
}

func (p *pair) checkNote(n transcript.Note, where Place, signers ...signer) {
	l := p.ledger
	for _, s := range n.Signatures {
		expected := slices.ContainsFunc(signers, func(w signer) bool { return w.agency == s.Name })
		l.check(SessionSigner, expected, where, "%s has signed, whose signature does not belong here", s.Name)
	}
	for _, s := range signers {
		i := slices.IndexFunc(n.Signatures, func(n transcript.NamedSignature) bool { return n.Name == s.agency })
		if i < 0 {
			l.fail(SessionSigner, where, "%s has not signed", s.agency)
			continue
		}
		public := p.in.public(s.agency)
		if public == nil {
			for _, id := range []string{KeyKnown, SessionEd25519, SessionMLDSA} {
				l.skip(id, 1, "the keys of "+s.agency+" were not given")
			}
			continue
		}
		k := slices.IndexFunc(public.Keys, func(k signature.PublicKey) bool { return transcript.Digest(k.ID()) == s.key })
		if !l.check(KeyKnown, k >= 0, where, "%s signs with the key %.16s, which is not among its trusted keys", s.agency, s.key) {
			continue
		}
		p.checkSignature(public.Keys[k], n, i, where)
		p.checkKey(s, where)
	}
}

func (p *pair) checkSignature(key signature.PublicKey, n transcript.Note, i int, where Place) {
	l, name := p.ledger, n.Signatures[i].Name
	err := p.verify(key, transcript.Digest(key.ID()), n.Body, n.Signatures[i].Signature)
	classical, quantum := errors.Is(err, signature.ErrEd25519), errors.Is(err, signature.ErrMLDSA)
	if err != nil && !classical && !quantum {
		l.fail(SessionSigner, where, "%s: %v", name, err)
		return
	}
	l.check(SessionEd25519, !classical, where, "%s: %v", name, err)
	l.check(SessionMLDSA, !quantum, where, "%s: %v", name, err)
}

// checkKey checks that the signer's own log had the key active at the time.
func (p *pair) checkKey(s signer, where Place) {
	l := p.ledger
	h := p.history(s.agency)
	if h == nil {
		for _, id := range []string{KeyLogged, KeyRetired, KeyRevoked} {
			l.skip(id, 1, "the signer's log is not at hand")
		}
		return
	}
	status := h.key(s.key, s.at, p.in.skew())
	if !l.check(KeyLogged, status != "", where, "the log of %s announces the key %.16s not before %s, when it signed", s.agency, s.key, utc(s.at)) {
		return
	}
	l.check(KeyRetired, status != "retired", where, "%s signed on %s with the key %.16s, which it had retired", s.agency, utc(s.at), s.key)
	l.check(KeyRevoked, status != "revoked", where, "%s signed on %s with the key %.16s, which it had revoked", s.agency, utc(s.at), s.key)
}
