package main

import (
	"crypto/hmac"
	"crypto/sha256"

	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/rfc6962"

	"github.com/puente-project/puente/keys"
	"github.com/puente-project/puente/protocol/transcript"
	"github.com/puente-project/puente/templates/watchlist"

	"github.com/puente-project/puente/templates"
)

// entrySalts are the salts of an entry's two commitments (transcript.Leaf):
// HMAC-SHA256(key of the watchlist's salts, "template" or "handle", a zero byte, handle).
// Deleting the watchlist's key erases the commitments' meaning.
type entrySalts keys.Seed

func (s entrySalts) salt(what, handle string) (salt [32]byte) {
	mac := hmac.New(sha256.New, s[:])
	mac.Write([]byte(what + "\x00" + handle))
	return [32]byte(mac.Sum(nil))
}

// template commits to the template of an entry.
func (s entrySalts) template(r watchlist.Record) (transcript.Digest, error) {
	encoded, err := templates.AppendBinary(nil, r.Template)
	if err != nil {
		return transcript.Digest{}, err
	}
	salt := s.salt("template", r.Handle)
	return transcript.TemplateHash(salt[:], encoded), nil
}

// leaf is the leaf of an entry.
func (s entrySalts) leaf(handle string, template transcript.Digest) transcript.Leaf {
	salt := s.salt("handle", handle)
	return transcript.Leaf{Template: template, Handle: transcript.HandleHash(salt[:], handle)}
}

// rootTree is the Merkle tree over the leaves of a watchlist in slot order.
type rootTree struct{ *compact.Range }

func newRootTree() rootTree {
	factory := compact.RangeFactory{Hash: rfc6962.DefaultHasher.HashChildren}
	return rootTree{factory.NewEmptyRange(0)}
}

func (t rootTree) root() (transcript.Digest, error) {
	if t.End() == 0 {
		return transcript.Digest(rfc6962.DefaultHasher.EmptyRoot()), nil
	}
	h, err := t.GetRootHash(nil)
	if err != nil {
		return transcript.Digest{}, err
	}
	return transcript.Digest(h), nil
}
