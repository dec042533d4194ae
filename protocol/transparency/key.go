package transparency

import (
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"log/slog"
	"time"

	"github.com/puente-project/puente/protocol/transparency/view"
)

// Labels of the derived keys; the name follows, so that a key that is reused under
// another name is another key.
const (
	labelLog     = "puente/v1/log checkpoint key " // origin
	labelWitness = "puente/v1/log witness key "    // name
)

// Signer is an Ed25519 key of a log or of a witness. It implements note.Signer and
// redacts itself when printed.
type Signer struct {
	verifier view.Verifier
	key      ed25519.PrivateKey
	now      func() time.Time // set for a witness
}

// NewSigner derives the key with which a log signs its checkpoints from a secret seed.
// The origin, "puente/<agency>", is the log's name. The same seed and origin always give
// the same key. Errors match view.ErrKey.
func NewSigner(seed [32]byte, origin string) (*Signer, view.Verifier, error) {
	return newSigner(seed, labelLog, origin, view.LogVerifier, nil)
}

// NewCosigner derives the key with which an agency of the given name cosigns the
// checkpoints of its partners, with the time (C2SP tlog-cosignature, cosignature/v1).
// Errors match view.ErrKey.
func NewCosigner(seed [32]byte, name string) (*Signer, view.Verifier, error) {
	return newSigner(seed, labelWitness, name, view.WitnessVerifier, time.Now)
}

func newSigner(seed [32]byte, label, name string, verifier func(string, ed25519.PublicKey) (view.Verifier, error), now func() time.Time) (*Signer, view.Verifier, error) {
	derived, err := hkdf.Key(sha256.New, seed[:], nil, label+name, ed25519.SeedSize)
	if err != nil {
		return nil, view.Verifier{}, fmt.Errorf("transparency: derive a key: %w", err)
	}
	key := ed25519.NewKeyFromSeed(derived)
	v, err := verifier(name, key.Public().(ed25519.PublicKey))
	if err != nil {
		return nil, view.Verifier{}, err
	}
	return &Signer{v, key, now}, v, nil
}

// Name returns the name under which the key signs.
func (s *Signer) Name() string { return s.verifier.Name() }

// KeyHash returns the four bytes that stand for the key in a signature line.
func (s *Signer) KeyHash() uint32 { return s.verifier.KeyHash() }

// Sign signs the text of a checkpoint.
func (s *Signer) Sign(text []byte) ([]byte, error) {
	if s.now == nil {
		return ed25519.Sign(s.key, text), nil
	}
	seconds := uint64(max(0, s.now().Unix()))
	sig := binary.BigEndian.AppendUint64(nil, seconds)
	return append(sig, ed25519.Sign(s.key, view.CosignedMessage(seconds, text))...), nil
}

// Format writes the public key for every verb.
func (s *Signer) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "transparency.Signer(%v)", s.verifier) }

// LogValue implements slog.LogValuer with the public key.
func (s *Signer) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(s)) }

// MarshalText gives the public key, so that a JSON encoder does.
func (s *Signer) MarshalText() ([]byte, error) { return []byte(fmt.Sprint(s)), nil }
