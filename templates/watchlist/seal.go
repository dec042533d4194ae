package watchlist

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// idSize is the length in bytes of the random names of watchlists and
// segments: long enough never to repeat.
const idSize = 16

type id [idSize]byte

func newID() (i id) {
	rand.Read(i[:]) // never fails, see its documentation
	return i
}

// MarshalText gives lower-case hex.
func (i id) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, i[:]), nil }

// UnmarshalText is the inverse of MarshalText.
func (i *id) UnmarshalText(text []byte) error {
	if len(text) != 2*idSize {
		return fmt.Errorf("id of %d characters, want %d", len(text), 2*idSize)
	}
	_, err := hex.Decode(i[:], text)
	return err
}

// The purposes of the keys derived from the data key.
const (
	labelKeyCheck = "puente watchlist key check"
	labelManifest = "puente watchlist manifest"
	labelSegment  = "puente watchlist segment"
)

// secrets are the keys of one watchlist.
type secrets struct {
	dataKey  [32]byte
	list     id
	check    [32]byte // public: tells a wrong key from a damaged manifest
	manifest [32]byte // HMAC key
}

func newSecrets(dataKey [32]byte, list id) secrets {
	s := secrets{dataKey: dataKey, list: list}
	s.check = s.derive(labelKeyCheck)
	s.manifest = s.derive(labelManifest)
	return s
}

// derive = HKDF-SHA256(secret = data key, salt = watchlist id, info = label | context).
// The context is empty or one id, and no label is the beginning of another.
func (s secrets) derive(label string, context ...byte) [32]byte {
	key, err := hkdf.Key(sha256.New, s.dataKey[:], s.list[:], label+string(context), 32)
	if err != nil {
		panic("watchlist: HKDF refused fixed sizes: " + err.Error())
	}
	return [32]byte(key)
}

// mac is the HMAC-SHA256 of a manifest.
func (s secrets) mac(data []byte) [sha256.Size]byte {
	h := hmac.New(sha256.New, s.manifest[:])
	h.Write(data)
	return [sha256.Size]byte(h.Sum(nil))
}

// sealOverhead is what sealing adds: a random 96-bit nonce in front and a
// 128-bit tag behind.
const sealOverhead = 12 + 16

// aead returns the cipher of one segment. Its key seals the segment's two
// blocks once, ever: a segment is never rewritten under its name.
func (s secrets) aead(segment id) cipher.AEAD {
	key := s.derive(labelSegment, segment[:]...)
	block, err := aes.NewCipher(key[:])
	if err != nil {
		panic("watchlist: AES refused a 32-byte key: " + err.Error())
	}
	gcm, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic("watchlist: GCM refused AES: " + err.Error())
	}
	return gcm
}
