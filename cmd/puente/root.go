package main

import (
	"crypto/hmac"
	"crypto/sha256"

	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/rfc6962"

	"github.com/puente-project/puente/protocol/transcript"
	"github.com/puente-project/puente/templates/watchlist"

	"github.com/puente-project/puente/templates"
)

// rootBuilder commits to the entries of a watchlist in slot order: the Merkle tree hash
// (RFC 6962 section 2.1) over leaves salt | canonical template, where the salt is
// HMAC-SHA256(key of the watchlist, handle). Who knows neither salt nor template learns
// nothing from root or leaf, and deleting the salt erases the commitment's meaning.
type rootBuilder struct {
	salts [32]byte
	tree  *compact.Range
}

func newRootBuilder(salts [32]byte) *rootBuilder {
	factory := compact.RangeFactory{Hash: rfc6962.DefaultHasher.HashChildren}
	return &rootBuilder{salts, factory.NewEmptyRange(0)}
}

func (b *rootBuilder) add(r watchlist.Record) error {
	mac := hmac.New(sha256.New, b.salts[:])
	mac.Write([]byte(r.Handle))
	leaf, err := templates.AppendBinary(mac.Sum(nil), r.Template)
	if err != nil {
		return err
	}
	return b.tree.Append(rfc6962.DefaultHasher.HashLeaf(leaf), nil)
}

func (b *rootBuilder) root() (transcript.Digest, error) {
	if b.tree.End() == 0 {
		return transcript.Digest(rfc6962.DefaultHasher.EmptyRoot()), nil
	}
	h, err := b.tree.GetRootHash(nil)
	if err != nil {
		return transcript.Digest{}, err
	}
	return transcript.Digest(h), nil
}
