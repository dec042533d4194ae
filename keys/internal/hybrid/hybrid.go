// Package hybrid is the part of signing that every key store does in this
// process: the ML-DSA-65 half, and the check of the whole signature.
package hybrid

import (
	"crypto/ed25519"
	"fmt"

	"github.com/cloudflare/circl/sign/mldsa/mldsa65"

	"github.com/puente-project/puente/protocol/signature"
)

// LabelMLDSA derives the seed of the ML-DSA-65 key from the stored one, in
// every store.
const LabelMLDSA = "puente signing key mldsa65"

// Key is one version of a signing key without its Ed25519 secret.
type Key struct {
	Public  signature.PublicKey
	private *mldsa65.PrivateKey
}

// NewKey makes the ML-DSA-65 key pair from a seed (derived with LabelMLDSA) and
// joins it with the Ed25519 public key.
func NewKey(version uint32, ed ed25519.PublicKey, seed [mldsa65.SeedSize]byte) (*Key, error) {
	if len(ed) != ed25519.PublicKeySize {
		return nil, fmt.Errorf("Ed25519 public key: %w: %d bytes", signature.ErrFormat, len(ed))
	}
	public, private := mldsa65.NewKeyFromSeed(&seed)
	k := &Key{private: private}
	k.Public.Version = version
	copy(k.Public.Ed25519[:], ed)
	public.Pack(&k.Public.MLDSA65)
	// Parsing refuses what nobody else would accept.
	if _, err := signature.ParsePublicKey(k.Public.Bytes()); err != nil {
		return nil, err
	}
	return k, nil
}

// Complete adds the ML-DSA-65 half to an Ed25519 signature over
// signature.Input and verifies both: a fault, here or in a server that made the
// first half, must not become a signature.
func (k *Key) Complete(message, ed []byte) (signature.Signature, error) {
	s := signature.Signature{Version: k.Public.Version}
	if len(ed) != len(s.Ed25519) {
		return signature.Signature{}, fmt.Errorf("sign: %w: it has %d bytes", signature.ErrEd25519, len(ed))
	}
	copy(s.Ed25519[:], ed)
	if err := mldsa65.SignTo(k.private, signature.Input(k.Public, message), nil, false, s.MLDSA65[:]); err != nil {
		return signature.Signature{}, fmt.Errorf("sign with ML-DSA-65: %w", err)
	}
	if err := signature.Verify(k.Public, message, s); err != nil {
		return signature.Signature{}, fmt.Errorf("sign: the new signature is wrong: %w", err)
	}
	return s, nil
}

// String names the key by version and id.
func (k *Key) String() string {
	return fmt.Sprintf("signing key version %d (%s)", k.Public.Version, k.Public.ID().Short())
}
