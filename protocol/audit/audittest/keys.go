package audittest

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"

	"github.com/cloudflare/circl/sign/mldsa/mldsa65"

	"github.com/puente-project/puente/protocol/signature"
	"github.com/puente-project/puente/protocol/transcript"
)

// Key is a hybrid signing key. It implements signature.Signer.
type Key struct {
	public signature.PublicKey
	ed     ed25519.PrivateKey
	ml     *mldsa65.PrivateKey
}

// NewKey makes the key of a name.
func NewKey(name string, version uint32) *Key {
	k := &Key{ed: edKey(name + " ed25519")}
	seed := sha256.Sum256([]byte(name + " ml-dsa"))
	public, private := mldsa65.NewKeyFromSeed(&seed)
	k.ml = private
	k.public.Version = version
	copy(k.public.Ed25519[:], k.ed.Public().(ed25519.PublicKey))
	public.Pack(&k.public.MLDSA65)
	return k
}

func edKey(name string) ed25519.PrivateKey {
	seed := sha256.Sum256([]byte(name))
	return ed25519.NewKeyFromSeed(seed[:])
}

// Public implements signature.Signer.
func (k *Key) Public() signature.PublicKey { return k.public }

// ID is the id of the public key.
func (k *Key) ID() transcript.Digest { return transcript.Digest(k.public.ID()) }

// Sign implements signature.Signer.
func (k *Key) Sign(_ context.Context, message []byte) (signature.Signature, error) {
	input := signature.Input(k.public, message)
	s := signature.Signature{Version: k.public.Version}
	copy(s.Ed25519[:], ed25519.Sign(k.ed, input))
	return s, mldsa65.SignTo(k.ml, input, nil, false, s.MLDSA65[:])
}
