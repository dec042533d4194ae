package transcript

import (
	"errors"
	"fmt"

	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
)

// Leaf is what a watchlist's root commits to for one slot: the template and the reference,
// each by a salted hash of its own, so that one can be shown without the other.
//
// The root is the Merkle tree hash (RFC 6962 section 2.1) over the leaves in slot order,
// and the data of a leaf is Template | Handle. Who knows no salt learns nothing from root,
// leaf or path.
type Leaf struct {
	Template Digest // TemplateHash
	Handle   Digest // HandleHash
}

// Hash is the leaf's hash in the tree.
func (l Leaf) Hash() []byte {
	return rfc6962.DefaultHasher.HashLeaf(append(l.Template[:], l.Handle[:]...))
}

// ErrProof: a leaf is not the one of the slot under the root.
var ErrProof = errors.New("not the entry of this slot under the session's root")

// CheckLeaf checks that a leaf is the one of a slot in a watchlist of so many entries with
// the given root. The error wraps ErrProof.
func CheckLeaf(root Digest, slot, entries uint64, leaf Leaf, path []Digest) error {
	hashes := make([][]byte, len(path))
	for i := range path {
		hashes[i] = path[i][:]
	}
	if err := proof.VerifyInclusion(rfc6962.DefaultHasher, slot, entries, leaf.Hash(), hashes, root[:]); err != nil {
		return fmt.Errorf("slot %d of %d: %w", slot, entries, ErrProof) // the cause holds hashes, which help nobody
	}
	return nil
}
