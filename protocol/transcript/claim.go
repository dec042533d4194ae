package transcript

import (
	"crypto/sha256"
	"encoding/binary"
	"time"
)

const (
	claimTitle   = "puente claim v1"
	releaseTitle = "puente release v1"
)

// Claim is the requester's statement behind a hit: that it asks for the reference of one
// slot of a session that both have sealed, and on which legal basis. The slot is a salted
// hash (SlotHash): salt and slot travel beside the claim, so that no transcript or log
// shows which position was hit.
type Claim struct {
	Session           Digest // id
	Head              Digest // SHA-256 of the text of the session's head
	Requester, Holder string
	Watchlist         string
	Slot              Digest // SlotHash
	Agreement         Digest // the agreement in force now, which may be newer than the session's
	Purpose, Basis    string // codes out of that agreement
	Case              Digest // CaseHash of the reference of the requester's case
	Time              time.Time
	Key               Digest // id of the signing key
}

// Text returns the statement that is signed.
func (s Claim) Text() string {
	w := begin(claimTitle)
	w.digest("session", s.Session)
	w.digest("head", s.Head)
	w.text("requester", s.Requester)
	w.text("holder", s.Holder)
	w.text("watchlist", s.Watchlist)
	w.digest("slot", s.Slot)
	w.digest("agreement", s.Agreement)
	w.text("purpose", s.Purpose)
	w.text("basis", s.Basis)
	w.digest("case", s.Case)
	w.time("claimed", s.Time)
	w.digest("requester-key", s.Key)
	return w.b.String()
}

// ParseClaim is the inverse of Text.
func ParseClaim(text string) (Claim, error) {
	r := open(claimTitle, text)
	s := Claim{Session: r.digest("session"), Head: r.digest("head"), Requester: r.code("requester"), Holder: r.code("holder"),
		Watchlist: r.code("watchlist"), Slot: r.digest("slot"), Agreement: r.digest("agreement"), Purpose: r.code("purpose"),
		Basis: r.code("basis"), Case: r.digest("case"), Time: r.time("claimed"), Key: r.digest("requester-key")}
	if err := r.finish(); err != nil {
		return Claim{}, err
	}
	return s, nil
}

// Outcomes of a claim that the holder has accepted. Claims that it does not accept leave
// nothing at the holder.
const (
	OutcomeReleased  = "released"  // the reference was given
	OutcomeWithdrawn = "withdrawn" // the entry was delisted since the session, and is not disclosed
)

// Release is the holder's answer to a claim.
type Release struct {
	Claim   Digest // SHA-256 of the text of the claim
	Outcome string // OutcomeReleased or OutcomeWithdrawn
	Handle  Digest // HandleHash of the reference under a fresh salt; zero unless released
	Time    time.Time
	Key     Digest // id of the signing key
}

// Text returns the statement that is signed.
func (s Release) Text() string {
	w := begin(releaseTitle)
	w.digest("claim", s.Claim)
	w.text("outcome", s.Outcome)
	w.digest("handle", s.Handle)
	w.time("decided", s.Time)
	w.digest("holder-key", s.Key)
	return w.b.String()
}

// ParseRelease is the inverse of Text.
func ParseRelease(text string) (Release, error) {
	r := open(releaseTitle, text)
	s := Release{Claim: r.digest("claim"), Outcome: r.text("outcome"), Handle: r.digest("handle"), Time: r.time("decided"), Key: r.digest("holder-key")}
	switch {
	case s.Outcome != OutcomeReleased && s.Outcome != OutcomeWithdrawn:
		r.fail("unknown outcome")
	case (s.Outcome == OutcomeReleased) != (s.Handle != Digest{}):
		r.fail("a handle stands in a release, and in nothing else")
	}
	if err := r.finish(); err != nil {
		return Release{}, err
	}
	return s, nil
}

// Released is what the holder of a watchlist reveals with a release: enough to see that
// the reference is the one of the slot under the session's root, and nothing about the
// template.
type Released struct {
	Handle string
	Salt   [32]byte // of HandleHash in the Release
	Entry  [32]byte // salt of HandleHash in the leaf
	// Template is the TemplateHash in the leaf, whose salt stays with the holder.
	Template Digest
	Path     []Digest // inclusion proof, RFC 6962 section 2.1.1, from the leaf up
}

// Leaf is the leaf of the entry.
func (r Released) Leaf() Leaf { return Leaf{r.Template, HandleHash(r.Entry[:], r.Handle)} }

// SlotHash hides a slot behind a random salt:
// SHA-256("puente slot v1\n" | length of salt (1) | salt | slot (8)).
func SlotHash(salt []byte, slot uint64) Digest {
	return salted("puente slot v1\n", salt, binary.BigEndian.AppendUint64(nil, slot))
}

// HandleHash hides a reference behind a secret or random salt, as SlotHash does, with the
// title "puente handle v1\n" and the bytes of the reference.
func HandleHash(salt []byte, handle string) Digest {
	return salted("puente handle v1\n", salt, []byte(handle))
}

// TemplateHash is the same of the canonical bytes of a template, with the title
// "puente template v1\n".
func TemplateHash(salt, template []byte) Digest {
	return salted("puente template v1\n", salt, template)
}

// CaseHash hides the reference of a case behind a random salt of at least 16 bytes, with
// the title "puente case v1\n".
func CaseHash(salt []byte, reference string) Digest {
	return salted("puente case v1\n", salt, []byte(reference))
}

// salted is SHA-256(title | length of salt (1) | salt | value).
func salted(title string, salt, value []byte) Digest {
	h := sha256.New()
	h.Write([]byte(title))
	h.Write([]byte{byte(len(salt))})
	h.Write(salt)
	h.Write(value)
	return Digest(h.Sum(nil))
}
