package evidence

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/puente-project/puente/protocol"
	"github.com/puente-project/puente/protocol/transcript"
	"github.com/puente-project/puente/templates/watchlist"
)

// maxPath bounds an inclusion proof: a watchlist has at most 2^24 entries.
const maxPath = 24

// Release is a signed answer to a claim with what travels beside it.
type Release struct {
	transcript.Release
	Released transcript.Released // zero if the entry is withdrawn
	note     transcript.Note
	message  []byte
}

// NewRelease signs the answer to a claim: released holds the reference and the proof that
// it belongs to the slot; nil says that the entry is withdrawn. The salt of the reference
// is drawn here.
func NewRelease(claim Claim, released *transcript.Released, party Party) (Release, error) {
	r := Release{Release: transcript.Release{Claim: claim.Digest(), Outcome: transcript.OutcomeWithdrawn,
		Time: party.Now().UTC().Truncate(time.Second), Key: transcript.Digest(party.Signer.Public().ID())}}
	r.message = seal(kindRelease, nil)
	if released != nil {
		r.Outcome, r.Released = transcript.OutcomeReleased, *released
		_, _ = rand.Read(r.Released.Salt[:]) // never fails since Go 1.24
		r.Handle = transcript.HandleHash(r.Released.Salt[:], r.Released.Handle)
		if err := watchlist.CheckHandle(r.Released.Handle); err != nil || len(r.Released.Path) > maxPath {
			return Release{}, fmt.Errorf("release: %w: a handle or proof that cannot be sent", ErrStatement)
		}
		r.message = append(r.message, byte(len(r.Released.Handle)))
		r.message = append(r.message, r.Released.Handle...)
		r.message = append(r.message, r.Released.Salt[:]...)
		r.message = append(r.message, r.Released.Entry[:]...)
		r.message = append(r.message, r.Released.Template[:]...)
		r.message = append(r.message, byte(len(r.Released.Path)))
		for _, d := range r.Released.Path {
			r.message = append(r.message, d[:]...)
		}
	} else {
		r.message = append(r.message, 0)
	}
	r.note.Body = r.Text()
	if err := r.note.Sign(party.Context, party.Agency, party.Signer); err != nil {
		return Release{}, fmt.Errorf("sign the release: %w", err)
	}
	r.message = append(r.message, r.note.Text()...)
	return r, nil
}

// ParseRelease reads a release as it was sent. Nothing in it is to be believed before
// Verify.
func ParseRelease(message []byte) (Release, error) {
	b, err := body(message, kindRelease, "release")
	if err != nil {
		return Release{}, err
	}
	r := Release{message: bytes.Clone(message)}
	short := false
	take := func(n int) []byte {
		if short = short || n > len(b); short {
			return make([]byte, n)
		}
		part := b[:n]
		b = b[n:]
		return part
	}
	if n := int(take(1)[0]); n > 0 {
		r.Released.Handle = string(take(n))
		copy(r.Released.Salt[:], take(saltSize))
		copy(r.Released.Entry[:], take(saltSize))
		copy(r.Released.Template[:], take(len(r.Released.Template)))
		steps := int(take(1)[0])
		if steps > maxPath {
			return Release{}, fmt.Errorf("release: %w: a proof of %d hashes, at most %d", ErrStatement, steps, maxPath)
		}
		for range steps {
			r.Released.Path = append(r.Released.Path, transcript.Digest(take(len(transcript.Digest{}))))
		}
	}
	if short {
		return Release{}, fmt.Errorf("release: %w", protocol.ErrTruncated)
	}
	if r.note, err = transcript.ParseNote(string(b)); err != nil {
		return Release{}, fmt.Errorf("release: %w", err)
	}
	if r.Release, err = transcript.ParseRelease(r.note.Body); err != nil {
		return Release{}, err
	}
	if len(r.note.Signatures) != 1 {
		return Release{}, fmt.Errorf("release: %w: %d signatures, one is expected", transcript.ErrSignature, len(r.note.Signatures))
	}
	return r, r.consistent()
}

// consistent checks what is beside the statement against it.
func (r Release) consistent() error {
	if r.Outcome != transcript.OutcomeReleased {
		if r.Released.Handle != "" {
			return fmt.Errorf("release: %w: a reference beside a refusal", ErrStatement)
		}
		return nil
	}
	if err := watchlist.CheckHandle(r.Released.Handle); err != nil {
		return fmt.Errorf("release: %w: the reference cannot be printed or is missing", ErrStatement)
	}
	if r.Handle != transcript.HandleHash(r.Released.Salt[:], r.Released.Handle) {
		return fmt.Errorf("release: %w: reference and salt are not those that it hides", ErrStatement)
	}
	return nil
}

// Verify checks, for the requester, the signature, and that the release is the answer to
// the claim; and if a reference is released, that it is the one that the session's root
// commits to for the slot. head is the note of the session's HeadFile.
func (r Release) Verify(claim Claim, head transcript.Note, party Party) error {
	if err := r.note.Verify(claim.Holder, party.PartnerKeys, r.Key); err != nil {
		return fmt.Errorf("release: %w", err)
	}
	if r.Claim != claim.Digest() {
		return fmt.Errorf("release: %w: it is for another claim", ErrStatement)
	}
	session, err := transcript.ParseHead(head.Body)
	if err != nil || r.Outcome != transcript.OutcomeReleased {
		return err
	}
	if err := transcript.CheckLeaf(session.Grant.Root, claim.Slot, session.Grant.Entries, r.Released.Leaf(), r.Released.Path); err != nil {
		return fmt.Errorf("release: %w: %w", ErrStatement, err)
	}
	return nil
}

// Message returns the bytes to be sent.
func (r Release) Message() []byte { return r.message }

// Note returns the signed statement.
func (r Release) Note() transcript.Note { return r.note }

// Keep writes the release into the folder of its claim. It is on disk when it returns, and
// from then on the answer to the claim. The message comes first: the note follows from it.
func (r Release) Keep(dir string) error {
	err := keep(dir, releaseMessage, r.message)
	if err == nil {
		err = keep(dir, ReleaseFile, []byte(r.note.Text()))
	}
	if err != nil {
		return fmt.Errorf("evidence: %w", err)
	}
	return nil
}

// ReadRelease reads the release of a claim's folder; the error is fs.ErrNotExist while
// there is none.
func ReadRelease(dir string) (Release, error) {
	message, err := readMessage(dir, releaseMessage)
	if err != nil {
		return Release{}, err
	}
	return ParseRelease(message)
}

// ClaimEntry is what both sides log of an answered claim.
func ClaimEntry(role transcript.Party, claim Claim, release Release) transcript.ClaimEntry {
	return transcript.ClaimEntry{Role: role, Outcome: release.Outcome, Claim: claim.note, Release: release.note}
}
