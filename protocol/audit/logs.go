package audit

import (
	"errors"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"github.com/puente-project/puente/protocol/transcript"
	"github.com/puente-project/puente/protocol/transparency/view"
)

const (
	whyLog     = "the log cannot be believed"
	whyPartner = "the partner's folder was not given"
	whyKeys    = "the partner's keys were not given"
)

// openLog verifies the log and what witnesses say about it.
func (s *side) openLog(l *ledger, partner *Public, other *side) {
	var witness []note.Verifier
	if partner != nil {
		witness = append(witness, partner.Witness)
	}
	v, err := openView(s, witness)
	switch {
	case err == nil:
		s.log = v
		l.pass(LogReadable)
		l.pass(LogSignature)
		l.pass(LogRoot)
		l.result(LogInclusion).Passed += int(v.Size())
		s.checkWitnessed(l, partner)
		s.checkRemembered(l, other)
		return
	case errors.Is(err, view.ErrSignature):
		l.fail(LogSignature, s.at("log/checkpoint"), "%v", err)
	case errors.Is(err, view.ErrCosignature):
		l.fail(LogCosignature, s.at("log/checkpoint"), "%v", err)
	case errors.Is(err, view.ErrRoot) && strings.Contains(err.Error(), " in tile/"):
		l.fail(LogInclusion, s.at(logDir), "proofs made from the log's hashes do not lead to its root: %v", err)
	case errors.Is(err, view.ErrRoot):
		l.fail(LogRoot, s.at(logDir), "%v", err)
	default:
		l.fail(LogReadable, s.at(logDir), "%v", err)
	}
	for _, id := range []string{LogConsistency, LogRollback, LogSplit, LogWitnessed} {
		l.skip(id, 1, whyLog)
	}
}

// openView hides the folder's path from errors: reports do not depend on where it lies.
func openView(s *side, witness []note.Verifier) (*view.View, error) {
	v, err := view.Open(s.Dir+"/"+logDir, s.public.Log, witness)
	if err != nil {
		return nil, relative{err, s.Dir + "/"}
	}
	return v, nil
}

// relative is an error without a folder's path.
type relative struct {
	error
	dir string
}

func (r relative) Error() string { return strings.ReplaceAll(r.error.Error(), r.dir, "") }
func (r relative) Unwrap() error { return r.error }

// checkWitnessed checks the checkpoint that carries the partner's cosignature.
func (s *side) checkWitnessed(l *ledger, partner *Public) {
	where := s.at(witnessCheckpoint)
	if partner == nil {
		for _, id := range []string{LogCosignature, LogConsistency, LogWitnessed} {
			l.skip(id, 1, whyKeys)
		}
		return
	}
	raw, err := s.read(witnessCheckpoint, view.MaxCheckpoint)
	if errors.Is(err, fs.ErrNotExist) {
		if s.log.Size() > 0 {
			l.warn(LogCosignature, where, "there is no checkpoint with a cosignature of %s", partner.Agency)
		}
		l.skip(LogConsistency, 1, "there is no witnessed checkpoint")
		l.skip(LogWitnessed, 1, "there is no witnessed checkpoint")
		return
	}
	var c view.Checkpoint
	if err == nil {
		c, err = s.log.Cosigned(raw)
	}
	switch {
	case err == nil:
		s.witnessed = c
		l.pass(LogCosignature)
		l.pass(LogConsistency)
		if left := s.log.Size() - c.Size; !l.check(LogWitnessed, left == 0, where, "%s has not yet cosigned the newest %d of %d entries", partner.Agency, left, s.log.Size()) {
			return
		}
	case errors.Is(err, view.ErrRollback):
		l.pass(LogCosignature)
		l.fail(LogRollback, where, "%v", err)
	case errors.Is(err, view.ErrFork):
		l.pass(LogCosignature)
		l.fail(LogConsistency, where, "%v", err)
	case errors.Is(err, view.ErrSignature):
		l.fail(LogSignature, where, "%v", err)
	default:
		l.fail(LogCosignature, where, "%v", err)
	}
}

// checkRemembered compares the log with the checkpoint that the partner remembers of it.
func (s *side) checkRemembered(l *ledger, other *side) {
	skip := func(why string) {
		l.skip(LogSplit, 1, why)
		l.skip(LogRollback, 1, why)
	}
	if other == nil {
		skip(whyPartner)
		return
	}
	where := other.at(partnerCheckpoint)
	raw, err := other.read(partnerCheckpoint, view.MaxCheckpoint)
	if errors.Is(err, fs.ErrNotExist) {
		if s.witnessed.Size > 0 {
			l.warn(LogSplit, where, "%s has cosigned %d entries of the log of %s and remembers nothing of it", other.Agency, s.witnessed.Size, s.Agency)
		} else {
			skip("the partner remembers no checkpoint")
		}
		return
	}
	if err == nil {
		err = s.log.Consistent(raw)
	}
	switch {
	case err == nil:
		l.pass(LogSplit)
		l.pass(LogRollback)
	case errors.Is(err, view.ErrRollback):
		l.fail(LogRollback, where, "what %s remembers: %v", other.Agency, err)
	case errors.Is(err, view.ErrFork):
		l.fail(LogSplit, where, "what %s remembers: %v", other.Agency, err)
	default:
		l.fail(LogSignature, where, "what %s keeps as a checkpoint of %s: %v", other.Agency, s.Agency, err)
	}
}

// readEntries parses all entries and sorts them by kind.
func (s *side) readEntries(l *ledger, in *Input) {
	s.sessions = map[transcript.Digest]*logged{}
	if s.log == nil {
		l.skip(EntryFormat, 1, whyLog)
		return
	}
	for i, text := range s.log.Entries() {
		where := s.entry(int64(i))
		e, err := transcript.ParseEntry(string(text))
		if err != nil {
			l.malformedEntry(where, err)
			continue
		}
		switch e := e.(type) {
		case transcript.SessionEntry:
			h, err := transcript.ParseHead(e.Note.Body)
			if !l.check(EntryFormat, err == nil, where, "the logged session: %v", err) {
				continue
			}
			s.addSession(l, &logged{index: int64(i), request: h.Request, head: &h, role: e.Role, outcome: e.Outcome, note: e.Note})
		case transcript.AbortedEntry:
			r, err := transcript.ParseRequest(e.Note.Body)
			if !l.check(EntryFormat, err == nil, where, "the aborted session: %v", err) {
				continue
			}
			s.addSession(l, &logged{index: int64(i), request: r, role: e.Role, aborted: &e, note: e.Note})
		case transcript.ClaimEntry:
			s.addClaim(l, where, int64(i), e)
		default:
			l.pass(EntryFormat)
			s.history.add(l, s, where, int64(i), e, in)
		}
	}
	s.leaveOut(l)
}

// leaveOut takes out the sessions and claims with agencies with which this one's log
// announces an agreement of its own: they are for the auditors of that agreement. Without
// such an entry they stay, and are violations.
func (s *side) leaveOut(l *ledger) {
	count := map[string]int{}
	for id, e := range s.sessions {
		if third := s.third(e.request.Requester, e.request.Holder); third != "" {
			count[third]++
			delete(s.sessions, id)
		}
	}
	for session, claims := range s.claims {
		claims = slices.DeleteFunc(claims, func(c *loggedClaim) bool { return s.third(c.claim.Requester, c.claim.Holder) != "" })
		if s.claims[session] = claims; len(claims) == 0 {
			delete(s.claims, session)
		}
	}
	for _, agency := range slices.Sorted(maps.Keys(count)) {
		l.fail(SessionElsewhere, s.at(logDir), "%d sessions of %s with %s, under an agreement of theirs, are not audited here", count[agency], s.Agency, agency)
	}
	if len(count) == 0 {
		l.pass(SessionElsewhere)
	}
}

// third returns the party of a session that is neither this side nor its partner and has
// an agreement with this side, or "".
func (s *side) third(requester, holder string) string {
	third := requester
	if requester == s.Agency {
		third = holder
	} else if holder != s.Agency {
		return ""
	}
	if third == s.partner || !s.history.others[third] {
		return ""
	}
	return third
}

func (s *side) addSession(l *ledger, e *logged) {
	where := s.entry(e.index)
	where.Session = e.label()
	own := e.request.Requester
	if e.role == transcript.Holder {
		own = e.request.Holder
	}
	l.check(EntryRole, own == s.Agency, where, "%s logs the session as its %v, and the %v was %s", s.Agency, e.role, e.role, own)
	id := transcript.TextDigest(e.request.Text())
	if other := s.sessions[id]; other != nil {
		l.fail(SessionDuplicate, where, "the session is already entry %d of this log", other.index)
		return
	}
	l.pass(SessionDuplicate)
	s.sessions[id] = e
}

// label names the session in reports.
func (e *logged) label() string {
	if e.head != nil {
		return e.head.Grant.Session.String()
	}
	return requestLabel(transcript.TextDigest(e.request.Text()))
}

func requestLabel(d transcript.Digest) string { return "request " + d.String() }
