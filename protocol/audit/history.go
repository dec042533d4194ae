package audit

import (
	"fmt"
	"time"

	"github.com/puente-project/puente/protocol/agreement"
	"github.com/puente-project/puente/protocol/transcript"
)

// history is what an agency's log says about its keys, watchlists and agreements.
type history struct {
	keys       []keyEvent
	epochs     map[string][]epochEvent // by watchlist
	agreements []agreementEvent
	others     map[string]bool // agencies with which there is an agreement that is not audited here
}

// events lists what changed, by time and then by place in the log.
func (s *side) events() []Event {
	var list []Event
	add := func(at time.Time, index int64, format string, args ...any) {
		list = append(list, Event{utc(at), s.Agency, index, fmt.Sprintf(format, args...)})
	}
	for _, e := range s.history.keys {
		add(e.from, e.index, "key %.16s of version %d is %s", e.id, e.version, e.status)
	}
	for _, e := range s.history.agreements {
		add(e.from, e.index, "agreement %.16s with %s is in force", e.digest, s.partner)
	}
	for _, epochs := range s.history.epochs {
		for _, e := range epochs {
			add(e.Time, e.index, "epoch %d of watchlist %s, %d entries", e.Epoch, e.Watchlist, e.Entries)
		}
	}
	return list
}

type keyEvent struct {
	index   int64
	id      transcript.Digest
	version uint32
	status  string
	from    time.Time
}

type epochEvent struct {
	index int64
	transcript.EpochEntry
}

type agreementEvent struct {
	index  int64
	digest transcript.Digest
	from   time.Time
}

// add takes over an entry of the log that is no session.
func (h *history) add(l *ledger, s *side, where Place, index int64, entry transcript.Entry, in *Input) {
	switch e := entry.(type) {
	case transcript.KeyEntry:
		id := transcript.Digest(e.Key.ID())
		l.check(KeyKnown, s.public.has(id), where, "the key %.16s of version %d is %s in the log and not among the trusted keys of %s", id, e.Key.Version, e.Status, s.Agency)
		h.keys = append(h.keys, keyEvent{index, id, e.Key.Version, e.Status, e.Time})
	case transcript.EpochEntry:
		h.addEpoch(l, s, where, index, e, in)
	case transcript.AgreementEntry:
		if e.Partner != s.partner { // its sessions are not audited here
			h.elsewhere(e.Partner)
			return
		}
		l.check(AgreementKnown, in.agreement(e.Agreement) != nil, where, "the agreement %.16s, in force from %s, was not given to the auditor", e.Agreement, utc(e.Time))
		h.agreements = append(h.agreements, agreementEvent{index, e.Agreement, e.Time})
	}
}

func (h *history) elsewhere(agency string) {
	if h.others == nil {
		h.others = map[string]bool{}
	}
	h.others[agency] = true
}

func (h *history) addEpoch(l *ledger, s *side, where Place, index int64, e transcript.EpochEntry, in *Input) {
	if h.epochs == nil {
		h.epochs = map[string][]epochEvent{}
	}
	ok := true
	if list := h.epochs[e.Watchlist]; len(list) > 0 {
		last := list[len(list)-1]
		ok = l.check(EpochOrder, e.Epoch > last.Epoch, where, "epoch %d of watchlist %s follows epoch %d in entry %d", e.Epoch, e.Watchlist, last.Epoch, last.index)
	} else {
		l.pass(EpochOrder)
	}
	agreed, schemes := false, false
	for _, a := range in.Agreements {
		if w, err := a.Watchlist(s.Agency, e.Watchlist); err == nil {
			agreed, schemes = true, schemes || w.Scheme == e.Scheme
		}
	}
	if agreed {
		l.check(EpochScheme, schemes, where, "epoch %d of watchlist %s is for the scheme %s, which is not agreed", e.Epoch, e.Watchlist, e.Scheme)
	}
	if ok {
		h.epochs[e.Watchlist] = append(h.epochs[e.Watchlist], epochEvent{index, e})
	}
}

// key returns the status of a key at a time, "" before it was announced. Of what changed
// within the clock skew the better one counts.
func (h *history) key(id transcript.Digest, at time.Time, skew time.Duration) string {
	rank := map[string]int{"": 0, "revoked": 1, "retired": 2, "active": 3}
	best := ""
	status := func(t time.Time) (last string) {
		for _, e := range h.keys {
			if e.id == id && !e.from.After(t) {
				last = e.status
			}
		}
		return last
	}
	for _, d := range []time.Duration{-skew, 0, skew} {
		if s := status(at.Add(d)); rank[s] > rank[best] {
			best = s
		}
	}
	return best
}

// inForce reports whether an agreement was in force at a time, give or take the skew.
func (h *history) inForce(digest transcript.Digest, at time.Time, skew time.Duration) bool {
	current := func(t time.Time) (last transcript.Digest) {
		for _, e := range h.agreements {
			if !e.from.After(t) {
				last = e.digest
			}
		}
		return last
	}
	return current(at) == digest || current(at.Add(skew)) == digest || current(at.Add(-skew)) == digest
}

// checkOrder checks that the times in a log ascend. Entries that are logged when they
// happen may not be older than anything before them; a session bears the time of its
// beginning, and is logged at its end.
func (s *side) checkOrder(l *ledger, in *Input) {
	if s.log == nil {
		l.skip(TimeOrder, 1, whyLog)
		l.skip(TimeFuture, 1, whyLog)
		return
	}
	type dated struct {
		from, until time.Time // when it can have been logged
		label       string
	}
	times := map[int64]dated{}
	exact := func(index int64, t time.Time) { times[index] = dated{from: t, until: t} }
	for _, e := range s.history.keys {
		exact(e.index, e.from)
	}
	for _, e := range s.history.agreements {
		exact(e.index, e.from)
	}
	for _, list := range s.history.epochs {
		for _, e := range list {
			exact(e.index, e.Time)
		}
	}
	for _, e := range s.sessions {
		switch {
		case e.aborted != nil:
			// The last message that passed; that no other follows shows only later.
			times[e.index] = dated{e.aborted.Time, later(e.aborted.Time, e.request.Time.Add(maxSession)), e.label()}
		case e.role == transcript.Holder:
			times[e.index] = dated{e.head.Grant.Time, e.head.Grant.Time.Add(maxSession), e.label()}
		default:
			times[e.index] = dated{e.request.Time, e.request.Time.Add(maxSession), e.label()}
		}
	}
	for _, list := range s.claims {
		for _, c := range list {
			until := c.release.Time.Add(maxSession)
			if c.role == transcript.Requester { // it may have asked again for an answer that was lost
				until = endOfTime
			}
			times[c.index] = dated{c.release.Time, until, c.claim.Session.String()}
		}
	}
	skew := in.skew()
	var latest time.Time
	var latestIndex int64
	var seen time.Time
	if len(s.witnessed.Cosignatures) > 0 {
		seen = s.witnessed.Cosignatures[0].Time
	}
	for i := range int64(s.log.Size()) {
		t, ok := times[i]
		if !ok {
			continue // malformed, and found so
		}
		where := s.entry(i)
		where.Session = t.label
		l.check(TimeOrder, !t.until.Add(skew).Before(latest), where, "dated %s, after entry %d of %s", utc(t.from), latestIndex, utc(latest))
		switch {
		case !in.Now.IsZero() && t.from.After(in.Now.Add(skew)):
			l.fail(TimeFuture, where, "dated %s, after this audit", utc(t.from))
			continue // it would make everything after it look dated back
		case !seen.IsZero() && uint64(i) < s.witnessed.Size && t.from.After(seen.Add(skew)):
			l.fail(TimeFuture, where, "dated %s, and %s has cosigned it on %s", utc(t.from), s.partner, utc(seen))
			continue
		}
		l.pass(TimeFuture)
		if t.from.After(latest) {
			latest, latestIndex = t.from, i
		}
	}
}

// endOfTime is after everything, and far enough from the last time that can be written.
var endOfTime = time.Date(9000, 1, 1, 0, 0, 0, 0, time.UTC)

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// has reports whether the agency has published a key.
func (p *Public) has(id transcript.Digest) bool {
	for _, k := range p.Keys {
		if transcript.Digest(k.ID()) == id {
			return true
		}
	}
	return false
}

// agreement returns the agreement of a digest, or nil.
func (in *Input) agreement(d transcript.Digest) *agreement.Agreement {
	for i := range in.Agreements {
		if in.Agreements[i].Digest() == d {
			return &in.Agreements[i]
		}
	}
	return nil
}

// skew is the greatest clock skew that was agreed.
func (in *Input) skew() time.Duration {
	var most uint64
	for _, a := range in.Agreements {
		most = max(most, a.ClockSkew)
	}
	return time.Duration(most) * time.Second
}
