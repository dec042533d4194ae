package evidence

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/puente-project/puente/keys/durable"
	"github.com/puente-project/puente/protocol"
	"github.com/puente-project/puente/protocol/transcript"
)

// The files of a claim, in <evidence>/<session id>/claims/<digest of the claim>/. The
// notes are for auditors; the messages hold slot, reference and salts besides, and who
// deletes them has erased these.
const (
	ClaimsDir      = "claims"
	ClaimFile      = "claim.txt"   // Note of the Claim
	ReleaseFile    = "release.txt" // Note of the Release
	claimMessage   = "claim"       // as sent by the requester
	releaseMessage = "release"     // as sent by the holder; with it the claim is answered
)

// Claim is a signed claim with what travels beside it.
type Claim struct {
	transcript.Claim
	Slot    uint64
	note    transcript.Note
	message []byte
}

// NewClaim signs a claim of one slot of a session that both have sealed. head is the note
// of its HeadFile. The error wraps agreement.ErrNotAllowed if the agreement does not allow it.
func NewClaim(head transcript.Note, slot uint64, purpose, basis string, caseHash transcript.Digest, party Party) (Claim, error) {
	session, err := transcript.ParseHead(head.Body)
	if err != nil {
		return Claim{}, err
	}
	salt := make([]byte, saltSize)
	_, _ = rand.Read(salt) // never fails since Go 1.24
	c := Claim{Slot: slot, Claim: transcript.Claim{
		Session: session.Grant.Session, Head: transcript.TextDigest(head.Body), Requester: party.Agency, Holder: session.Request.Holder,
		Watchlist: session.Request.Watchlist, Slot: transcript.SlotHash(salt, slot), Agreement: party.Agreement.Digest(),
		Purpose: purpose, Basis: basis, Case: caseHash, Time: party.Now().UTC().Truncate(time.Second),
		Key: transcript.Digest(party.Signer.Public().ID()),
	}}
	if err := party.Agreement.CheckClaim(c.Claim); err != nil {
		return Claim{}, err
	}
	c.note.Body = c.Text()
	if err := c.note.Sign(party.Context, party.Agency, party.Signer); err != nil {
		return Claim{}, fmt.Errorf("sign the claim: %w", err)
	}
	c.message = binary.BigEndian.AppendUint64(seal(kindClaim, nil), slot)
	c.message = append(c.message, salt...)
	c.message = append(c.message, c.note.Text()...)
	return c, nil
}

// saltSize is the length of salts in bytes.
const saltSize = 32

// ParseClaim reads a claim as it was sent. Nothing in it is to be believed before Verify.
func ParseClaim(message []byte) (Claim, error) {
	b, err := body(message, kindClaim, "claim")
	if err != nil {
		return Claim{}, err
	}
	if len(b) < 8+saltSize {
		return Claim{}, fmt.Errorf("claim: %w", protocol.ErrTruncated)
	}
	c := Claim{Slot: binary.BigEndian.Uint64(b), message: bytes.Clone(message)}
	if c.note, err = transcript.ParseNote(string(b[8+saltSize:])); err != nil {
		return Claim{}, fmt.Errorf("claim: %w", err)
	}
	if c.Claim, err = transcript.ParseClaim(c.note.Body); err != nil {
		return Claim{}, err
	}
	if c.Claim.Slot != transcript.SlotHash(b[8:8+saltSize], c.Slot) {
		return Claim{}, fmt.Errorf("claim: %w: slot and salt are not those that it hides", ErrStatement)
	}
	if len(c.note.Signatures) != 1 {
		return Claim{}, fmt.Errorf("claim: %w: %d signatures, one is expected", transcript.ErrSignature, len(c.note.Signatures))
	}
	return c, nil
}

// Verify checks, for the holder, the signature and that the claim is of a sealed session
// of the two; head is the note of its HeadFile.
func (c Claim) Verify(head transcript.Note, party Party) error {
	if err := c.note.Verify(c.Requester, party.PartnerKeys, c.Key); err != nil {
		return fmt.Errorf("claim: %w", err)
	}
	session, err := transcript.ParseHead(head.Body)
	if err != nil {
		return err
	}
	bad := func(what string) error { return fmt.Errorf("claim: %w: %s", ErrStatement, what) }
	switch {
	case c.Holder != party.Agency || c.Requester != session.Request.Requester || c.Holder != session.Request.Holder:
		return bad("the session is of others")
	case c.Session != session.Grant.Session || c.Head != transcript.TextDigest(head.Body):
		return bad("it names another session or head")
	case c.Watchlist != session.Request.Watchlist:
		return bad("it names another watchlist")
	case c.Slot >= session.Grant.Entries:
		return bad(fmt.Sprintf("slot %d, the watchlist had %d entries", c.Slot, session.Grant.Entries))
	case c.Time.Before(session.Grant.Time.Add(-party.skew())) || c.Time.After(party.Now().Add(party.skew()+time.Minute)):
		return bad("it is dated before the session or ahead of this clock")
	}
	return nil
}

// Message returns the bytes to be sent.
func (c Claim) Message() []byte { return c.message }

// Note returns the signed statement.
func (c Claim) Note() transcript.Note { return c.note }

// Digest identifies the claim.
func (c Claim) Digest() transcript.Digest { return transcript.TextDigest(c.note.Body) }

// Dir is the claim's folder in the folder of its session.
func (c Claim) Dir(session string) string {
	return filepath.Join(session, ClaimsDir, c.Digest().String())
}

// Keep writes the claim into its folder in the folder of its session. It is on disk when
// it returns.
func (c Claim) Keep(session string) error {
	dir := c.Dir(session)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("evidence: %w", err)
	}
	err := errors.Join(keep(dir, claimMessage, c.message), keep(dir, ClaimFile, []byte(c.note.Text())),
		durable.SyncDir(filepath.Dir(dir)), durable.SyncDir(session))
	if err != nil {
		return fmt.Errorf("evidence: %w", err)
	}
	return nil
}

// ReadClaim reads the claim of a folder; the error is fs.ErrNotExist if there is none.
func ReadClaim(dir string) (Claim, error) {
	message, err := readMessage(dir, claimMessage)
	if err != nil {
		return Claim{}, err
	}
	return ParseClaim(message)
}

func keep(dir, name string, data []byte) error {
	return durable.Replace(filepath.Join(dir, name), func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

// readMessage reads a file that this package has written.
func readMessage(dir, name string) ([]byte, error) {
	message, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("evidence: %w", err)
	}
	return message, err
}
