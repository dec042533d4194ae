package transcript

import (
	"fmt"
	"strings"
	"time"

	"github.com/puente-project/puente/protocol/signature"
)

// An Entry is a leaf of an agency's transparency log.
type Entry interface {
	// Text returns the canonical form, the bytes of the leaf.
	Text() string
}

const (
	sessionTitle   = "puente log v1 session"
	abortedTitle   = "puente log v1 aborted"
	epochTitle     = "puente log v1 epoch"
	keyTitle       = "puente log v1 key"
	agreementTitle = "puente log v1 agreement"
	claimLogTitle  = "puente log v1 claim"
)

// SessionEntry is a completed session: the head with both signatures, and what this side
// knows of the outcome.
type SessionEntry struct {
	Role Party
	// Outcome is answered for a holder; no-hit or hit for a requester, or unknown if it
	// ended before it had read the last answer.
	Outcome string
	Note    Note // of the head
}

// Outcomes of a session.
const (
	OutcomeAnswered = "answered"
	OutcomeNoHit    = "no-hit"
	OutcomeHit      = "hit"
	OutcomeUnknown  = "unknown"
)

// Text implements Entry.
func (e SessionEntry) Text() string {
	w := begin(sessionTitle)
	w.text("role", e.Role.String())
	w.text("outcome", e.Outcome)
	return w.b.String() + "\n" + e.Note.Text()
}

// AbortedEntry is a session that ended before both had signed its head, with the
// requester's signed request. It counts against quotas.
type AbortedEntry struct {
	Role     Party
	Stage    string // kind of the last message that was sent or received
	Messages uint64
	Bytes    uint64
	Records  Digest // Chain of the messages that passed
	Time     time.Time
	Note     Note // of the request
}

// Text implements Entry.
func (e AbortedEntry) Text() string {
	w := begin(abortedTitle)
	w.text("role", e.Role.String())
	w.text("stage", e.Stage)
	w.number("messages", e.Messages)
	w.number("bytes", e.Bytes)
	w.digest("records", e.Records)
	w.time("ended", e.Time)
	return w.b.String() + "\n" + e.Note.Text()
}

// ClaimEntry is a claim that the holder has accepted, with its answer, as both sides log
// it.
type ClaimEntry struct {
	Role    Party
	Outcome string // that of the release
	Claim   Note   // signed by the requester
	Release Note   // signed by the holder
}

// Text implements Entry.
func (e ClaimEntry) Text() string {
	w := begin(claimLogTitle)
	w.text("role", e.Role.String())
	w.text("outcome", e.Outcome)
	return w.b.String() + "\n" + e.Claim.Text() + "\n" + e.Release.Text()
}

// EpochEntry is a state of one of the agency's watchlists.
type EpochEntry struct {
	Watchlist, Scheme string
	Epoch, Entries    uint64
	Root              Digest // WatchlistRoot
	Time              time.Time
}

// Text implements Entry.
func (e EpochEntry) Text() string {
	w := begin(epochTitle)
	w.text("watchlist", e.Watchlist)
	w.text("scheme", e.Scheme)
	w.number("epoch", e.Epoch)
	w.number("entries", e.Entries)
	w.digest("root", e.Root)
	w.time("from", e.Time)
	return w.b.String()
}

// KeyEntry is a change of the agency's signing keys.
type KeyEntry struct {
	Status string // active, retired or revoked
	Key    signature.PublicKey
	Time   time.Time
}

// Text implements Entry.
func (e KeyEntry) Text() string {
	w := begin(keyTitle)
	w.text("status", e.Status)
	w.text("key", e.Key.String())
	w.time("from", e.Time)
	return w.b.String()
}

// AgreementEntry is a change of the agreement with a partner.
type AgreementEntry struct {
	Partner   string
	Agreement Digest
	Time      time.Time
}

// Text implements Entry.
func (e AgreementEntry) Text() string {
	w := begin(agreementTitle)
	w.text("partner", e.Partner)
	w.digest("agreement", e.Agreement)
	w.time("from", e.Time)
	return w.b.String()
}

// ParseEntry is the inverse of Text for all kinds of entries.
func ParseEntry(text string) (Entry, error) {
	title, _, _ := strings.Cut(text, "\n")
	switch title {
	case sessionTitle, abortedTitle:
		return parseNoteEntry(title, text)
	case claimLogTitle:
		return parseClaimEntry(text)
	case epochTitle:
		r := open(title, text)
		e := EpochEntry{Watchlist: r.code("watchlist"), Scheme: r.text("scheme"), Epoch: r.number("epoch"),
			Entries: r.number("entries"), Root: r.digest("root"), Time: r.time("from")}
		return e, r.finish()
	case keyTitle:
		r := open(title, text)
		e := KeyEntry{Status: r.text("status")}
		key, err := signature.ParsePublicKeyText(r.text("key"))
		if e.Key = key; err != nil {
			r.fail("%v", err)
		}
		if e.Time = r.time("from"); e.Status != "active" && e.Status != "retired" && e.Status != "revoked" {
			r.fail("unknown status")
		}
		return e, r.finish()
	case agreementTitle:
		r := open(title, text)
		e := AgreementEntry{Partner: r.code("partner"), Agreement: r.digest("agreement"), Time: r.time("from")}
		return e, r.finish()
	}
	return nil, fmt.Errorf("log entry: %w: unknown title %.40q", ErrFormat, title)
}

func parseNoteEntry(title, text string) (Entry, error) {
	own, rest, ok := strings.Cut(text, "\n\n")
	if !ok {
		return nil, fmt.Errorf("%s: %w: no note", title, ErrFormat)
	}
	note, err := ParseNote(rest)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", title, err)
	}
	r := open(title, own+"\n")
	role := r.role()
	if title == sessionTitle {
		e := SessionEntry{Role: role, Outcome: r.text("outcome"), Note: note}
		if e.Outcome != OutcomeAnswered && e.Outcome != OutcomeHit && e.Outcome != OutcomeNoHit && e.Outcome != OutcomeUnknown {
			r.fail("unknown outcome")
		}
		return e, r.finish()
	}
	e := AbortedEntry{Role: role, Stage: r.text("stage"), Messages: r.number("messages"), Bytes: r.number("bytes"),
		Records: r.digest("records"), Time: r.time("ended"), Note: note}
	return e, r.finish()
}

// role reads the field role.
func (r *reader) role() Party {
	switch r.text("role") {
	case Holder.String():
		return Holder
	case Requester.String():
	default:
		r.fail("unknown role")
	}
	return Requester
}

// parseClaimEntry takes own fields, claim and release apart: each note has one empty line
// in it, and one stands before each.
func parseClaimEntry(text string) (Entry, error) {
	bad := func(err error) (Entry, error) { return nil, fmt.Errorf("%s: %w", claimLogTitle, err) }
	parts := strings.Split(text, "\n\n")
	if len(parts) != 5 {
		return bad(fmt.Errorf("%w: two notes are expected", ErrFormat))
	}
	claim, err := ParseNote(parts[1] + "\n\n" + parts[2] + "\n")
	if err != nil {
		return bad(err)
	}
	release, err := ParseNote(parts[3] + "\n\n" + parts[4])
	if err != nil {
		return bad(err)
	}
	r := open(claimLogTitle, parts[0]+"\n")
	e := ClaimEntry{Role: r.role(), Outcome: r.text("outcome"), Claim: claim, Release: release}
	if e.Outcome != OutcomeReleased && e.Outcome != OutcomeWithdrawn {
		r.fail("unknown outcome")
	}
	return e, r.finish()
}
