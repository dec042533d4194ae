package opening

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/cloudflare/circl/hpke"
	"github.com/cloudflare/circl/kem"
	"github.com/cloudflare/circl/kem/xwing"
)

const (
	publicPrefix = "puente-auditor-1:"
	secretPrefix = "puente-auditor-secret-1:"
	redacted     = "opening.PrivateKey(secret)"
)

// textEncoding refuses stray bits.
var textEncoding = base64.RawStdEncoding.Strict()

// suite is what openings are sealed with; see the package comment.
var suite = hpke.NewSuite(hpke.KEM_XWING, hpke.KDF_HKDF_SHA256, hpke.AEAD_AES256GCM)

// PublicKey is an auditor's X-Wing encapsulation key, 1216 bytes. It is comparable. Values
// from outside must come through ParsePublicKey.
type PublicKey [xwing.PublicKeySize]byte

// KeyID identifies an auditor's key: SHA-256 of its bytes.
type KeyID [sha256.Size]byte

// String returns 64 hex digits.
func (id KeyID) String() string { return hex.EncodeToString(id[:]) }

// ID returns the key's id.
func (k PublicKey) ID() KeyID { return sha256.Sum256(k[:]) }

// String returns the text form for files, one line of 1639 characters.
func (k PublicKey) String() string { return publicPrefix + textEncoding.EncodeToString(k[:]) }

// ParsePublicKey is the inverse of String; one newline may follow. It refuses with
// ErrFormat keys whose ML-KEM half is not reduced (FIPS 203 section 7.2) and everything
// else that String does not give.
func ParsePublicKey(text string) (PublicKey, error) {
	var k PublicKey
	if err := parseKey(k[:], publicPrefix, text); err != nil {
		return PublicKey{}, fmt.Errorf("auditor's key: %w", err)
	}
	if _, err := k.kem(); err != nil {
		return PublicKey{}, fmt.Errorf("auditor's key: %w", err)
	}
	return k, nil
}

func (k PublicKey) kem() (kem.PublicKey, error) {
	parsed, err := hpke.KEM_XWING.Scheme().UnmarshalBinaryPublicKey(k[:])
	if err != nil {
		return nil, fmt.Errorf("%w: no X-Wing key: %w", ErrFormat, err)
	}
	return parsed, nil
}

// PrivateKey is an auditor's secret: the 32-byte seed of an X-Wing key pair. It prints as
// a placeholder.
type PrivateKey struct {
	seed   [xwing.PrivateKeySize]byte
	key    kem.PrivateKey
	public PublicKey
}

// GenerateKey makes a new key from the operating system's generator.
func GenerateKey() (*PrivateKey, error) {
	var seed [xwing.PrivateKeySize]byte
	rand.Read(seed[:]) // never fails, see its documentation
	return newPrivateKey(seed)
}

func newPrivateKey(seed [xwing.PrivateKeySize]byte) (*PrivateKey, error) {
	key, err := hpke.KEM_XWING.Scheme().UnmarshalBinaryPrivateKey(seed[:])
	if err != nil {
		return nil, fmt.Errorf("auditor's secret: %w: no X-Wing key", ErrFormat)
	}
	public, err := key.Public().MarshalBinary()
	if err != nil {
		return nil, fmt.Errorf("auditor's secret: %w: %w", ErrFormat, err)
	}
	return &PrivateKey{seed, key, PublicKey(public)}, nil
}

// Public returns the key to which agencies seal.
func (k *PrivateKey) Public() PublicKey { return k.public }

// Secret returns the text form for a file that only the auditor can read.
func (k *PrivateKey) Secret() string { return secretPrefix + textEncoding.EncodeToString(k.seed[:]) }

// ParsePrivateKey is the inverse of Secret; one newline may follow. The error is ErrFormat.
func ParsePrivateKey(text string) (*PrivateKey, error) {
	var seed [xwing.PrivateKeySize]byte
	if err := parseKey(seed[:], secretPrefix, text); err != nil {
		return nil, fmt.Errorf("auditor's secret: %w", err)
	}
	return newPrivateKey(seed)
}

// parseKey fills dst. Its errors do not quote the text.
func parseKey(dst []byte, prefix, text string) error {
	text = strings.TrimSuffix(text, "\n")
	digits, ok := strings.CutPrefix(text, prefix)
	if !ok {
		return fmt.Errorf("%w: it does not begin with %q", ErrFormat, prefix)
	}
	if len(digits) != textEncoding.EncodedLen(len(dst)) || strings.ContainsAny(digits, "\r\n") {
		return fmt.Errorf("%w: want one line of %d characters", ErrFormat, len(prefix)+textEncoding.EncodedLen(len(dst)))
	}
	if _, err := textEncoding.Decode(dst, []byte(digits)); err != nil {
		return fmt.Errorf("%w: not base64", ErrFormat)
	}
	return nil
}

// Format writes a placeholder for every verb.
func (PrivateKey) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue returns a placeholder.
func (PrivateKey) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText returns a placeholder; Secret gives the key.
func (PrivateKey) MarshalText() ([]byte, error) { return []byte(redacted), nil }
