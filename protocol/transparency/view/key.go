package view

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Signature algorithms of C2SP signed notes.
const (
	algLog     = 1 // Ed25519 over the text
	algWitness = 4 // cosignature/v1: Ed25519 over a time and the text
)

// Verifier is a public key of a log or of a witness. It implements note.Verifier.
type Verifier struct {
	name string
	alg  byte
	key  [ed25519.PublicKeySize]byte
}

// LogVerifier makes the key with which a log of the given name (its origin) signs.
// Errors match ErrKey.
func LogVerifier(name string, key ed25519.PublicKey) (Verifier, error) {
	return newVerifier(name, algLog, key)
}

// WitnessVerifier makes the key with which a witness of the given name cosigns. Errors
// match ErrKey.
func WitnessVerifier(name string, key ed25519.PublicKey) (Verifier, error) {
	return newVerifier(name, algWitness, key)
}

// ParseLogKey reads the text form of a log's key, name+hash+base64 (C2SP vkey). Errors
// match ErrKey.
func ParseLogKey(text string) (Verifier, error) { return parseKey(text, algLog, "log") }

// ParseWitnessKey reads the text form of a witness's key. Errors match ErrKey.
func ParseWitnessKey(text string) (Verifier, error) { return parseKey(text, algWitness, "witness") }

func newVerifier(name string, alg byte, key ed25519.PublicKey) (Verifier, error) {
	bad := !utf8.ValidString(name) || strings.ContainsFunc(name, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) })
	if bad || name == "" || len(name) > 128 || strings.Contains(name, "+") {
		return Verifier{}, fmt.Errorf("%w: the name %.40q has spaces or a plus, or is not 1 to 128 bytes long", ErrKey, name)
	}
	if len(key) != ed25519.PublicKeySize {
		return Verifier{}, fmt.Errorf("%w: %d bytes, an Ed25519 key has %d", ErrKey, len(key), ed25519.PublicKeySize)
	}
	return Verifier{name, alg, [ed25519.PublicKeySize]byte(key)}, nil
}

func parseKey(text string, alg byte, what string) (Verifier, error) {
	if len(text) > 1024 {
		return Verifier{}, fmt.Errorf("%w: %d bytes long", ErrKey, len(text))
	}
	name, rest, _ := strings.Cut(text, "+")
	_, encoded, _ := strings.Cut(rest, "+")
	b, err := base64.StdEncoding.Strict().DecodeString(encoded)
	if err != nil || len(b) == 0 {
		return Verifier{}, fmt.Errorf("%w: %.80q is not name+hash+base64", ErrKey, text)
	}
	if b[0] != alg {
		return Verifier{}, fmt.Errorf("%w: %.80q is not the key of a %s (algorithm %d, want %d)", ErrKey, text, what, b[0], alg)
	}
	v, err := newVerifier(name, alg, b[1:])
	if err != nil {
		return Verifier{}, err
	}
	if v.String() != text {
		return Verifier{}, fmt.Errorf("%w: the hash in %.80q does not fit its key; a character may have been changed", ErrKey, text)
	}
	return v, nil
}

// Name returns the name under which the key signs; for a log this is its origin.
func (v Verifier) Name() string { return v.name }

// KeyHash returns the four bytes that stand for the key in a signature line.
func (v Verifier) KeyHash() uint32 {
	h := sha256.New()
	h.Write([]byte(v.name))
	h.Write([]byte{'\n', v.alg})
	h.Write(v.key[:])
	return binary.BigEndian.Uint32(h.Sum(nil))
}

// String returns the text form that ParseLogKey and ParseWitnessKey read.
func (v Verifier) String() string {
	return fmt.Sprintf("%s+%08x+%s", v.name, v.KeyHash(), base64.StdEncoding.EncodeToString(append([]byte{v.alg}, v.key[:]...)))
}

// Verify reports whether sig is a signature of msg by this key.
func (v Verifier) Verify(msg, sig []byte) bool {
	switch v.alg {
	case algLog:
		return len(sig) == ed25519.SignatureSize && ed25519.Verify(v.key[:], msg, sig)
	case algWitness:
		if len(sig) != 8+ed25519.SignatureSize {
			return false
		}
		seconds := binary.BigEndian.Uint64(sig)
		return seconds <= maxSeconds && ed25519.Verify(v.key[:], CosignedMessage(seconds, msg), sig[8:])
	}
	return false // the zero value
}

// CosignedMessage is what a witness signs for a checkpoint's text that it has seen at
// the given Unix time, in seconds (C2SP tlog-cosignature).
func CosignedMessage(seconds uint64, text []byte) []byte {
	return fmt.Appendf(nil, "cosignature/v1\ntime %d\n%s", seconds, text)
}

// maxSeconds is the end of the year 9999, past which a time has no RFC 3339 form.
var maxSeconds = uint64(time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC).Unix())
