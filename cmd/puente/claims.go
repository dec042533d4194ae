package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/puente-project/puente/protocol/agreement"
	"github.com/puente-project/puente/protocol/evidence"
	"github.com/puente-project/puente/protocol/transcript"
	"github.com/puente-project/puente/protocol/transport"
)

// claimable reports whether some partner may claim references of a watchlist.
func (s *service) claimable(name string) bool {
	for _, p := range s.parties {
		if _, err := p.Agreement.Watchlist(s.config.Agency, name); err == nil && p.Agreement.Claims != nil {
			return true
		}
	}
	return false
}

// pruneSlots forgets which reference stood where once no session with that state can be
// claimed any more.
func (s *service) pruneSlots() {
	var longest time.Duration
	for _, p := range s.parties {
		if p.Agreement.Claims != nil {
			longest = max(longest, p.Agreement.Claims.Window())
		}
	}
	since := time.Now().Add(-longest - time.Hour) // a grant comes moments behind its touch
	for name, r := range s.lists {
		if r.slots == nil {
			continue
		}
		r.mu.Lock() // the current root stays what it is meanwhile
		err := r.slots.prune(r.root, since)
		r.mu.Unlock()
		if err != nil {
			s.log.Error("references that nobody can claim any more are still kept", "watchlist", name, "error", err)
		}
	}
}

// Claim implements transport.ClaimService: it answers a claim for the reference of a slot
// that hit. Whether it hit is known to the requester alone.
func (s *service) Claim(ctx context.Context, name string, message []byte) ([]byte, error) {
	claim, err := evidence.ParseClaim(message)
	if err != nil {
		return nil, transport.Refuse(transport.ClassInvalid, err.Error(), nil)
	}
	if claim.Requester != name {
		return nil, transport.Refuse(transport.ClassDenied, "the certificate is that of "+name+", the claim is from "+claim.Requester, nil)
	}
	party := s.parties[name]
	party.Context = ctx
	session := filepath.Join(party.Dir, claim.Session.String())
	head, sealed, err := s.sealed(session, name)
	if err != nil {
		return nil, err
	}
	if err := claim.Verify(head, party); err != nil {
		return nil, transport.Refuse(transport.ClassInvalid, err.Error(), nil)
	}
	s.claims.Lock()
	defer s.claims.Unlock()
	release, err := evidence.ReadRelease(claim.Dir(session))
	if errors.Is(err, fs.ErrNotExist) {
		release, err = s.decide(claim, sealed, session, party)
	} else if err == nil { // asked again: the same bytes
		err = release.Keep(claim.Dir(session))
	}
	if err != nil {
		return nil, err
	}
	s.log.Info("claim", "partner", name, "watchlist", claim.Watchlist, "session", claim.Session.String()[:16], "purpose", claim.Purpose,
		"basis", claim.Basis, "outcome", release.Outcome)
	return release.Message(), nil
}

// sealed reads the head of a session with a partner. Of sessions with others it says what
// it says of sessions that there are not.
func (s *service) sealed(session, name string) (transcript.Note, transcript.Head, error) {
	head, statement, err := readNote(filepath.Join(session, evidence.HeadFile), transcript.ParseHead)
	request := statement.Request
	if errors.Is(err, fs.ErrNotExist) {
		if _, request, err = readNote(filepath.Join(session, evidence.RequestFile), transcript.ParseRequest); err == nil && request.Requester == name {
			return head, statement, transport.Refuse(transport.ClassPrecondition, "the session has not been sealed", nil)
		}
	}
	if errors.Is(err, fs.ErrNotExist) || err == nil && (request.Requester != name || request.Holder != s.config.Agency) {
		return head, statement, transport.Refuse(transport.ClassNotFound, "you have no session with this id here", nil)
	}
	return head, statement, err
}

// decide applies the agreement to a claim that is new, and answers it. Claim and answer
// are on disk when it returns.
func (s *service) decide(claim evidence.Claim, head transcript.Head, session string, party evidence.Party) (evidence.Release, error) {
	refuse := func(class transport.Class, text string) (evidence.Release, error) {
		return evidence.Release{}, transport.Refuse(class, text, nil)
	}
	if err := party.Agreement.CheckClaim(claim.Claim); errors.Is(err, agreement.ErrNotAllowed) {
		return refuse(transport.ClassPrecondition, err.Error())
	} else if err != nil {
		return evidence.Release{}, err
	}
	terms, at := party.Agreement.Claims, party.Now()
	party.Now = func() time.Time { return at } // counted on the day that the answer bears
	if at.After(head.Grant.Time.Add(terms.Window())) {
		return refuse(transport.ClassPrecondition, "the claim window of "+terms.Window().String()+" is over")
	}
	answered, err := claimsOf(session)
	if err != nil {
		return evidence.Release{}, err
	}
	if uint64(answered) >= terms.PerSession {
		return refuse(transport.ClassPrecondition, "the session has had all claims that it allows")
	}
	day := claimDay{at.UTC().Format(time.DateOnly), claim.Requester}
	if s.quotas.claims[day] >= terms.Daily {
		return refuse(transport.ClassExhausted, claim.Requester+" has used up today's claims")
	}
	list := s.lists[claim.Watchlist]
	if list == nil || list.slots == nil {
		return refuse(transport.ClassPrecondition, "the references of this watchlist are not kept")
	}
	found, err := list.slots.find(head.Grant.Root, claim.Slot, head.Grant.Entries)
	if errors.Is(err, fs.ErrNotExist) {
		return refuse(transport.ClassPrecondition, "the references of that session are not kept any more")
	} else if err != nil {
		return evidence.Release{}, err
	}
	handles, _, err := list.list.Handles()
	if err != nil {
		return evidence.Release{}, err
	}
	released := &found
	if !slices.Contains(handles, found.Handle) {
		released = nil // delisted since: the reference is not disclosed
	}
	evidence.At("holder: claim decided")
	release, err := evidence.NewRelease(claim, released, party)
	if err != nil {
		return evidence.Release{}, err
	}
	evidence.At("holder: release signed")
	if s.ledger != nil {
		if err := s.ledger.agency.postClaim(session, claim); err != nil {
			return evidence.Release{}, err
		}
	}
	if err := claim.Keep(session); err != nil {
		return evidence.Release{}, err
	}
	evidence.At("holder: claim recorded")
	if err := release.Keep(claim.Dir(session)); err != nil {
		return evidence.Release{}, err
	}
	evidence.At("holder: release recorded")
	s.quotas.claims[day]++
	return release, nil
}

// claimsOf counts the answered claims of a session.
func claimsOf(session string) (int, error) {
	folders, err := os.ReadDir(filepath.Join(session, evidence.ClaimsDir))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	count := 0
	for _, f := range folders {
		if _, err := evidence.ReadRelease(filepath.Join(session, evidence.ClaimsDir, f.Name())); err == nil {
			count++
		} else if !errors.Is(err, fs.ErrNotExist) {
			return 0, err
		}
	}
	return count, err
}
