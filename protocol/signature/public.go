package signature

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/big"
	"strings"

	"github.com/cloudflare/circl/sign/mldsa/mldsa65"
)

// PublicKeySize is the length in bytes of the binary form of a public key:
// format (1), version (4), Ed25519 (32), ML-DSA-65 (1952).
const PublicKeySize = 1 + 4 + ed25519.PublicKeySize + mldsa65.PublicKeySize

const (
	format     = 1 // first byte of keys and signatures
	textPrefix = "puente-public-1:"
)

// textEncoding refuses line breaks and stray bits: see ParsePublicKeyText.
var textEncoding = base64.RawStdEncoding.Strict()

// PublicKey is one version of an agency's verification key. It is comparable.
// Values from outside must come through ParsePublicKey or ParsePublicKeyText;
// Verify checks keys made in other ways by itself.
type PublicKey struct {
	Version uint32 // 1 for the first, one more with each rotation
	Ed25519 [ed25519.PublicKeySize]byte
	MLDSA65 [mldsa65.PublicKeySize]byte
}

// Bytes returns the binary form: PublicKeySize bytes.
func (k PublicKey) Bytes() []byte {
	b := make([]byte, 0, PublicKeySize)
	b = append(b, format)
	b = binary.BigEndian.AppendUint32(b, k.Version)
	b = append(b, k.Ed25519[:]...)
	return append(b, k.MLDSA65[:]...)
}

// ParsePublicKey is the inverse of Bytes. It accepts exactly what Bytes gives
// for usable keys, else it fails with ErrFormat.
func ParsePublicKey(b []byte) (PublicKey, error) {
	var k PublicKey
	if len(b) != PublicKeySize {
		return k, fmt.Errorf("public key: %w: %d bytes, want %d", ErrFormat, len(b), PublicKeySize)
	}
	if b[0] != format {
		return k, fmt.Errorf("public key: %w: format %d, known is %d", ErrFormat, b[0], format)
	}
	k.Version = binary.BigEndian.Uint32(b[1:])
	copy(k.Ed25519[:], b[5:])
	copy(k.MLDSA65[:], b[5+ed25519.PublicKeySize:])
	if err := k.check(); err != nil {
		return PublicKey{}, err
	}
	return k, nil
}

// String returns the text form for cards, one line without spaces: a prefix
// and the binary form in base64, 2668 characters.
func (k PublicKey) String() string { return textPrefix + textEncoding.EncodeToString(k.Bytes()) }

// ParsePublicKeyText is the inverse of String; the error is ErrFormat.
func ParsePublicKeyText(s string) (PublicKey, error) {
	digits, ok := strings.CutPrefix(s, textPrefix)
	if !ok {
		return PublicKey{}, fmt.Errorf("public key: %w: it does not begin with %q", ErrFormat, textPrefix)
	}
	if len(digits) != textEncoding.EncodedLen(PublicKeySize) || strings.ContainsAny(digits, "\r\n") {
		return PublicKey{}, fmt.Errorf("public key: %w: want one line of %d characters", ErrFormat,
			len(textPrefix)+textEncoding.EncodedLen(PublicKeySize))
	}
	b, err := textEncoding.DecodeString(digits)
	if err != nil {
		return PublicKey{}, fmt.Errorf("public key: %w: not base64", ErrFormat)
	}
	return ParsePublicKey(b)
}

// MarshalText returns String.
func (k PublicKey) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText is ParsePublicKeyText.
func (k *PublicKey) UnmarshalText(text []byte) error {
	parsed, err := ParsePublicKeyText(string(text))
	if err != nil {
		return err
	}
	*k = parsed
	return nil
}

// KeyID identifies one version of one agency's key: SHA-256 of the binary form.
type KeyID [sha256.Size]byte

// ID returns the key's id.
func (k PublicKey) ID() KeyID { return sha256.Sum256(k.Bytes()) }

// String returns all 64 hex digits.
func (id KeyID) String() string { return hex.EncodeToString(id[:]) }

// Short returns the first 16 hex digits, for people: two honest keys share them
// with probability 2^-64, but a forger can find a second key for them with
// enough work. Compare the whole id before trusting a key.
func (id KeyID) Short() string { return hex.EncodeToString(id[:8]) }

// check refuses keys that cannot work or could verify more than what was signed.
func (k PublicKey) check() error {
	if k.Version == 0 {
		return fmt.Errorf("public key: %w: version 0; the first is 1", ErrFormat)
	}
	return checkEd25519(k.Ed25519)
}

// The curve of Ed25519, RFC 8032 section 5.1: p = 2^255 - 19 and
// d = -121665/121666, as in -x^2 + y^2 = 1 + d x^2 y^2.
var (
	fieldP = new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 255), big.NewInt(19))
	curveD = func() *big.Int {
		d := new(big.Int).ModInverse(big.NewInt(121666), fieldP)
		return d.Mul(d, big.NewInt(-121665)).Mod(d, fieldP)
	}()
)

// checkEd25519 refuses encodings of points that are not on the curve, that are
// not canonical or whose order divides 8. Under a key of small order signatures
// exist that verify for many messages: its owner could deny what he signed.
func checkEd25519(key [ed25519.PublicKeySize]byte) error {
	b := bytes.Clone(key[:])
	b[31] &= 0x7f // the sign of x
	for i, j := 0, len(b)-1; i < j; i, j = i+1, j-1 {
		b[i], b[j] = b[j], b[i]
	}
	y := new(big.Int).SetBytes(b)
	if y.Cmp(fieldP) >= 0 {
		return fmt.Errorf("public key: %w: Ed25519 key is not canonical", ErrFormat)
	}
	// x^2 = u/v, and u/v is a square exactly if u*v is.
	one := big.NewInt(1)
	y2 := new(big.Int).Mul(y, y)
	u := new(big.Int).Sub(y2, one)
	v := new(big.Int).Mul(curveD, y2)
	v.Add(v, one)
	uv := new(big.Int).Mul(u, v)
	if big.Jacobi(uv.Mod(uv, fieldP), fieldP) < 0 {
		return fmt.Errorf("public key: %w: Ed25519 key is no point of the curve", ErrFormat)
	}
	// The points whose order divides 8: order 1 and 2 have y = 1 and -1 (u = 0),
	// order 4 has y = 0; order 8 doubles to order 4, so that the y of the double,
	// (y^2 + x^2)/(1 - d x^2 y^2), is 0: x^2 = -y^2, that is u = -y^2 v.
	w := new(big.Int).Mul(y2, v)
	w.Add(w, u).Mod(w, fieldP)
	if u.Mod(u, fieldP).Sign() == 0 || y.Sign() == 0 || w.Sign() == 0 {
		return fmt.Errorf("public key: %w: Ed25519 key has small order", ErrFormat)
	}
	return nil
}
