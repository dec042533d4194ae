package view

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
)

// Hash is a SHA-256 in a Merkle tree.
type Hash [hashSize]byte

// String returns the base64 form that checkpoints use.
func (h Hash) String() string { return base64.StdEncoding.EncodeToString(h[:]) }

// Checkpoint is a state of a log that its key has signed.
type Checkpoint struct {
	Origin string // name of the log
	Size   uint64 // number of entries
	Root   Hash   // of the Merkle tree over them
	// Cosignatures that were verified, in the order of the note.
	Cosignatures []Cosignature
}

// Cosignature says that a witness has seen a checkpoint, and that it extends the one the
// witness had seen before.
type Cosignature struct {
	Witness string // name
	KeyHash uint32 // of the key
	Time    time.Time
}

// Text returns what is signed: three lines, the origin, the size and the root.
func (c Checkpoint) Text() string { return fmt.Sprintf("%s\n%d\n%v\n", c.Origin, c.Size, c.Root) }

// ParseText reads the three lines of a checkpoint and nothing else; extension lines, which
// no log of Puente writes, are refused. It verifies nothing. Errors match ErrCheckpoint.
func ParseText(text string) (Checkpoint, error) {
	bad := func(what string) (Checkpoint, error) {
		return Checkpoint{}, fmt.Errorf("%w: %s", ErrCheckpoint, what)
	}
	if len(text) > MaxCheckpoint {
		return bad("too long")
	}
	lines := strings.SplitN(text, "\n", 5)
	if len(lines) != 4 || lines[3] != "" || lines[0] == "" {
		return bad("not three lines with origin, size and root")
	}
	size, err := strconv.ParseUint(lines[1], 10, 63)
	if err != nil {
		return bad("the size is no number of entries")
	}
	root, err := base64.StdEncoding.Strict().DecodeString(lines[2])
	if err != nil || len(root) != hashSize {
		return bad("the root is not the base64 of 32 bytes")
	}
	c := Checkpoint{Origin: lines[0], Size: size, Root: Hash(root)}
	if c.Text() != text {
		return bad("not canonical")
	}
	return c, nil
}

// OpenCheckpoint verifies a signed checkpoint. The log's signature must be there and
// valid; its name must be the origin. Cosignatures by the given witnesses are collected,
// and one that is invalid is an error; none need be there (see Checkpoint.Cosignatures).
// Signatures by other keys are ignored. Errors match ErrCheckpoint, ErrSignature or
// ErrCosignature.
func OpenCheckpoint(raw []byte, log note.Verifier, cosigners ...note.Verifier) (Checkpoint, error) {
	if len(raw) > MaxCheckpoint {
		return Checkpoint{}, fmt.Errorf("%w: %d bytes, at most %d", ErrCheckpoint, len(raw), MaxCheckpoint)
	}
	n, err := note.Open(raw, note.VerifierList(append(slices.Clone(cosigners), log)...))
	var invalid *note.InvalidSignatureError
	var unverified *note.UnverifiedNoteError
	switch {
	case errors.As(err, &invalid) && (invalid.Name != log.Name() || invalid.Hash != log.KeyHash()):
		return Checkpoint{}, fmt.Errorf("%w: the cosignature of %s is invalid", ErrCosignature, invalid.Name)
	case errors.As(err, &invalid):
		return Checkpoint{}, fmt.Errorf("%w: the signature of %s is invalid", ErrSignature, log.Name())
	case errors.As(err, &unverified):
		return Checkpoint{}, fmt.Errorf("%w: no signature by the key %s+%08x", ErrSignature, log.Name(), log.KeyHash())
	case err != nil:
		return Checkpoint{}, fmt.Errorf("%w: %w", ErrCheckpoint, err)
	}
	c, err := ParseText(n.Text)
	if err != nil {
		return Checkpoint{}, err
	}
	signed := false
	for _, s := range n.Sigs {
		if s.Name == log.Name() && s.Hash == log.KeyHash() {
			signed = true
			continue
		}
		c.Cosignatures = append(c.Cosignatures, Cosignature{s.Name, s.Hash, cosignedAt(s)})
	}
	switch {
	case !signed:
		return Checkpoint{}, fmt.Errorf("%w: no signature by the key %s+%08x", ErrSignature, log.Name(), log.KeyHash())
	case c.Origin != log.Name():
		return Checkpoint{}, fmt.Errorf("%w: it is of the log %.40q, and the key of %s", ErrSignature, c.Origin, log.Name())
	}
	return c, nil
}

// cosignedAt takes the time out of a cosignature that has been verified: four bytes of
// key hash, then the seconds.
func cosignedAt(s note.Signature) time.Time {
	b, err := base64.StdEncoding.DecodeString(s.Base64)
	if err != nil || len(b) < 12 {
		return time.Time{}
	}
	return time.Unix(int64(binary.BigEndian.Uint64(b[4:])), 0).UTC()
}
