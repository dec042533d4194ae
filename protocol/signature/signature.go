package signature

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"crypto/sha512"
	"encoding/binary"
	"fmt"

	"github.com/cloudflare/circl/sign/mldsa/mldsa65"
)

// Size is the length in bytes of the binary form of a signature: format (1),
// version (4), Ed25519 (64), ML-DSA-65 (3309).
const Size = 1 + 4 + ed25519.SignatureSize + mldsa65.SignatureSize

const (
	headerSize = 1 + 4
	domain     = "puente hybrid signature v1\n"
)

// Signature is a hybrid signature. A half of zeros is a missing one.
type Signature struct {
	Version uint32 // of the key that made it
	Ed25519 [ed25519.SignatureSize]byte
	MLDSA65 [mldsa65.SignatureSize]byte
}

// Signer makes signatures with one version of an agency's key.
type Signer interface {
	// Public returns the key with which the signatures verify.
	Public() PublicKey
	// Sign signs a message of any length. It returns a signature of both
	// algorithms that verifies, or an error and nothing.
	Sign(ctx context.Context, message []byte) (Signature, error)
}

// Bytes returns the binary form: Size bytes.
func (s Signature) Bytes() []byte {
	b := make([]byte, 0, Size)
	b = append(b, format)
	b = binary.BigEndian.AppendUint32(b, s.Version)
	b = append(b, s.Ed25519[:]...)
	return append(b, s.MLDSA65[:]...)
}

// Parse is the inverse of Bytes. Bytes of another length are ErrFormat, and
// ErrEd25519 or ErrMLDSA as well if exactly that half was cut out.
func Parse(b []byte) (Signature, error) {
	var s Signature
	switch {
	case len(b) == Size:
	case len(b) == Size-ed25519.SignatureSize:
		return s, fmt.Errorf("signature: %w: the Ed25519 half is missing: %w", ErrFormat, ErrEd25519)
	case len(b) == Size-mldsa65.SignatureSize:
		return s, fmt.Errorf("signature: %w: the ML-DSA-65 half is missing: %w", ErrFormat, ErrMLDSA)
	default:
		return s, fmt.Errorf("signature: %w: %d bytes, want %d", ErrFormat, len(b), Size)
	}
	if b[0] != format {
		return s, fmt.Errorf("signature: %w: format %d, known is %d", ErrFormat, b[0], format)
	}
	s.Version = binary.BigEndian.Uint32(b[1:])
	if s.Version == 0 {
		return Signature{}, fmt.Errorf("signature: %w: version 0; the first is 1", ErrFormat)
	}
	copy(s.Ed25519[:], b[headerSize:])
	copy(s.MLDSA65[:], b[headerSize+ed25519.SignatureSize:])
	return s, nil
}

// Input returns the 123 bytes that both algorithms sign for a message, see the
// package comment. Only signers need it.
func Input(key PublicKey, message []byte) []byte {
	id, digest := key.ID(), sha512.Sum512(message)
	b := make([]byte, 0, len(domain)+len(id)+len(digest))
	b = append(b, domain...)
	b = append(b, id[:]...)
	return append(b, digest[:]...)
}

// Verify returns nil if both halves of the signature are the key's on the
// message. Both are always checked; the error wraps ErrEd25519, ErrMLDSA or both
// and says whether the half is missing or wrong. It is ErrVersion for a
// signature of another version, ErrFormat for an unusable key.
func Verify(key PublicKey, message []byte, s Signature) error {
	if err := key.check(); err != nil {
		return err
	}
	if s.Version != key.Version {
		return fmt.Errorf("%w: it names version %d, the key is version %d", ErrVersion, s.Version, key.Version)
	}
	input := Input(key, message)
	var classical, postQuantum error
	switch {
	case s.Ed25519 == [ed25519.SignatureSize]byte{}:
		classical = fmt.Errorf("%w: it is missing", ErrEd25519)
	case !ed25519.Verify(key.Ed25519[:], input, s.Ed25519[:]):
		classical = ErrEd25519
	}
	switch {
	case s.MLDSA65 == [mldsa65.SignatureSize]byte{}:
		postQuantum = fmt.Errorf("%w: it is missing", ErrMLDSA)
	case !verifyMLDSA(&key.MLDSA65, input, s.MLDSA65[:]):
		postQuantum = ErrMLDSA
	}
	if classical != nil && postQuantum != nil {
		return fmt.Errorf("%w, and %w", classical, postQuantum)
	}
	return cmp.Or(classical, postQuantum)
}

func verifyMLDSA(key *[mldsa65.PublicKeySize]byte, input, sig []byte) bool {
	var pk mldsa65.PublicKey
	pk.Unpack(key)
	return mldsa65.Verify(&pk, input, nil, sig)
}

// VerifyAny verifies with the key of the signature's version out of an agency's
// keys, and returns that key. If none has the version the error is ErrVersion.
func VerifyAny(keys []PublicKey, message []byte, s Signature) (PublicKey, error) {
	for _, key := range keys {
		if key.Version != s.Version {
			continue
		}
		if err := Verify(key, message, s); err != nil {
			return PublicKey{}, err
		}
		return key, nil
	}
	return PublicKey{}, fmt.Errorf("%w: no key of version %d is known", ErrVersion, s.Version)
}
