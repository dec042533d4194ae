package keys

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"

	"filippo.io/age"
)

// MinPassphrase is the least length in bytes of a passphrase that may protect
// a new key file (NIST SP 800-63B). scrypt slows guessing down to about one a
// second and core; it does not make a guessable passphrase safe.
const MinPassphrase = 8

// Unlock opens a key file: a passphrase or age identities. The zero value opens
// none. Like a Seed it redacts itself.
type Unlock struct {
	keys []unlocker
	weak bool // too short for a new file
}

// unlocker is one passphrase or one identity.
type unlocker interface {
	age.Identity
	recipient() (age.Recipient, error)
	// tag authenticates the plain text inside the age file. scrypt already
	// does: only who knows the passphrase can make a file that opens with it.
	// But anyone who knows an identity's public recipient can encrypt to it,
	// and could so replace our seeds by his; the tag, keyed by the identity's
	// secret, shows that the file was written by an owner of the identity.
	tag(body []byte) string
}

// Passphrase returns the Unlock for a passphrase. An empty one is ErrUnlock.
func Passphrase(passphrase string) (Unlock, error) {
	if passphrase == "" {
		return Unlock{}, fmt.Errorf("%w: the passphrase is empty", ErrUnlock)
	}
	return Unlock{
		keys: []unlocker{passphraseKey{passphrase: passphrase}},
		weak: len(passphrase) < MinPassphrase,
	}, nil
}

// Identities returns the Unlock for the native age identities in r, in the
// format of age-keygen: one AGE-SECRET-KEY-1 (X25519) or AGE-SECRET-KEY-PQ-1
// (X25519 and ML-KEM-768) a line, '#' starts a comment line. All are tried when
// a file is opened; a new file is encrypted to the first alone. Prefer the
// second kind (age-keygen -pq): a copy of the file stays closed to a quantum computer.
func Identities(r io.Reader) (Unlock, error) {
	ids, err := age.ParseIdentities(r)
	if err != nil {
		return Unlock{}, fmt.Errorf("%w: read age identities: %v", ErrUnlock, err)
	}
	var u Unlock
	for _, id := range ids {
		switch id := id.(type) {
		case *age.X25519Identity:
			u.keys = append(u.keys, identityKey{id, id.Recipient(), id.String()})
		case *age.HybridIdentity:
			u.keys = append(u.keys, identityKey{id, id.Recipient(), id.String()})
		default:
			return Unlock{}, fmt.Errorf("%w: unsupported age identity %T", ErrUnlock, id)
		}
	}
	return u, nil
}

// first returns the key that a new file is encrypted to.
func (u Unlock) first() (unlocker, error) {
	switch {
	case len(u.keys) == 0:
		return nil, fmt.Errorf("%w: none was given", ErrUnlock)
	case u.weak:
		return nil, fmt.Errorf("%w: a new key file needs a passphrase of at least %d characters", ErrUnlock, MinPassphrase)
	}
	return u.keys[0], nil
}

// Format writes "[redacted]" for every verb.
func (Unlock) Format(f fmt.State, _ rune) { io.WriteString(f, redacted) }

// LogValue returns "[redacted]".
func (Unlock) LogValue() slog.Value { return slog.StringValue(redacted) }

// passphraseKey is an unlocker. logN is 0 for age's default work factor; tests
// lower it.
type passphraseKey struct {
	passphrase string
	logN       int
}

func (k passphraseKey) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	id, err := age.NewScryptIdentity(k.passphrase)
	if err != nil {
		return nil, err
	}
	if k.logN != 0 {
		id.SetMaxWorkFactor(k.logN)
	}
	return id.Unwrap(stanzas)
}

func (k passphraseKey) recipient() (age.Recipient, error) {
	r, err := age.NewScryptRecipient(k.passphrase)
	if err != nil {
		return nil, err
	}
	if k.logN != 0 {
		r.SetWorkFactor(k.logN)
	}
	return r, nil
}

func (passphraseKey) tag([]byte) string { return "passphrase" }

// identityKey is an unlocker.
type identityKey struct {
	age.Identity
	public age.Recipient
	secret string // AGE-SECRET-KEY-...
}

func (k identityKey) recipient() (age.Recipient, error) { return k.public, nil }

func (k identityKey) tag(body []byte) string {
	key, err := hkdf.Key(sha256.New, []byte(k.secret), nil, "puente key file authentication", sha256.Size)
	if err != nil {
		panic("keys: HKDF refused fixed sizes: " + err.Error())
	}
	mac := hmac.New(sha256.New, key)
	mac.Write(body)
	return "identity:" + hex.EncodeToString(mac.Sum(nil))
}
