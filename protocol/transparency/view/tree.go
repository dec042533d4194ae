package view

import (
	"crypto/sha256"
	"fmt"

	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
)

var hasher = rfc6962.DefaultHasher

// LeafHash is the hash of an entry as a leaf: SHA-256(0x00 | entry).
func LeafHash(entry []byte) Hash { return Hash(hasher.HashLeaf(entry)) }

// Tree holds the complete nodes of a Merkle tree, 64 bytes for each leaf, so that the
// root and the proofs of every earlier size can be given. The zero value is empty. Its
// methods may be called concurrently unless Append is.
type Tree struct {
	levels [][]Hash // levels[k][i] covers the leaves i<<k to (i+1)<<k
}

// Size returns the number of leaves.
func (t *Tree) Size() uint64 {
	if len(t.levels) == 0 {
		return 0
	}
	return uint64(len(t.levels[0]))
}

// Leaf returns the hash of the leaf at index. It panics if there is none.
func (t *Tree) Leaf(index uint64) Hash { return t.levels[0][index] }

// Append adds a leaf.
func (t *Tree) Append(leaf Hash) {
	for k := 0; ; k++ {
		if k == len(t.levels) {
			t.levels = append(t.levels, nil)
		}
		t.levels[k] = append(t.levels[k], leaf)
		n := len(t.levels[k])
		if n%2 == 1 {
			return
		}
		leaf = children(t.levels[k][n-2], t.levels[k][n-1]) // the parent
	}
}

// children is SHA-256(0x01 | left | right).
func children(left, right Hash) Hash {
	var b [1 + 2*hashSize]byte
	b[0] = rfc6962.RFC6962NodeHashPrefix
	copy(b[1:], left[:])
	copy(b[1+hashSize:], right[:])
	return sha256.Sum256(b[:])
}

// RootAt returns the root of the first size leaves. It panics if there are fewer.
func (t *Tree) RootAt(size uint64) Hash {
	if size > t.Size() {
		panic(fmt.Sprintf("view: root at %d of a tree with %d leaves", size, t.Size()))
	}
	if size == 0 {
		return sha256.Sum256(nil)
	}
	// Complete subtrees from the left, the largest first.
	ids := compact.RangeNodes(0, size, nil)
	root := t.node(ids[len(ids)-1])
	for i := len(ids) - 2; i >= 0; i-- {
		root = children(t.node(ids[i]), root)
	}
	return root
}

func (t *Tree) node(id compact.NodeID) Hash { return t.levels[id.Level][id.Index] }

// Inclusion proves to the holder of the root at size that it covers the leaf at index.
func (t *Tree) Inclusion(index, size uint64) ([][]byte, error) {
	if size > t.Size() || index >= size {
		return nil, fmt.Errorf("view: no leaf %d in %d of %d leaves", index, size, t.Size())
	}
	nodes, err := proof.Inclusion(index, size)
	if err != nil {
		return nil, err
	}
	return t.rehash(nodes)
}

// Consistency proves to the holder of the root at old that the tree of the given size
// extends it. It requires old <= size <= Size.
func (t *Tree) Consistency(old, size uint64) ([][]byte, error) {
	if size > t.Size() || old > size {
		return nil, fmt.Errorf("view: no proof from %d to %d of %d leaves", old, size, t.Size())
	}
	nodes, err := proof.Consistency(old, size)
	if err != nil {
		return nil, err
	}
	return t.rehash(nodes)
}

func (t *Tree) rehash(nodes proof.Nodes) ([][]byte, error) {
	hashes := make([][]byte, len(nodes.IDs))
	for i, id := range nodes.IDs {
		h := t.node(id)
		hashes[i] = h[:]
	}
	return nodes.Rehash(hashes, hasher.HashChildren)
}

// VerifyInclusion checks that the checkpoint covers the entry at index. Errors match
// ErrProof.
func VerifyInclusion(c Checkpoint, index uint64, entry []byte, hashes [][]byte) error {
	if err := checkHashes(hashes); err != nil {
		return err
	}
	leaf := LeafHash(entry)
	if err := proof.VerifyInclusion(hasher, index, c.Size, leaf[:], hashes, c.Root[:]); err != nil {
		return fmt.Errorf("%w: entry %d of %d in %s", ErrProof, index, c.Size, c.Origin)
	}
	return nil
}

// VerifyConsistency checks that the new checkpoint extends the old one. Errors match
// ErrRollback, ErrFork or, for a proof that no log could have made, ErrProof.
func VerifyConsistency(old, new Checkpoint, hashes [][]byte) error {
	if err := checkHashes(hashes); err != nil {
		return err
	}
	switch {
	case new.Size < old.Size:
		return fmt.Errorf("%w: %s had %d entries and has %d", ErrRollback, old.Origin, old.Size, new.Size)
	case new.Size == old.Size && new.Root != old.Root:
		return fmt.Errorf("%w: %s has signed two trees of %d entries", ErrFork, old.Origin, old.Size)
	case new.Size == old.Size || old.Size == 0:
		if len(hashes) > 0 {
			return fmt.Errorf("%w: from %d to %d entries nothing is to be proved", ErrProof, old.Size, new.Size)
		}
		return nil
	}
	if nodes, err := proof.Consistency(old.Size, new.Size); err != nil {
		return fmt.Errorf("%w: %w", ErrProof, err)
	} else if _, begin, end := nodes.Ephem(); len(hashes) != len(nodes.IDs)-max(0, end-begin-1) {
		return fmt.Errorf("%w: from %d to %d entries, with %d hashes", ErrProof, old.Size, new.Size, len(hashes))
	}
	if err := proof.VerifyConsistency(hasher, old.Size, new.Size, hashes, old.Root[:], new.Root[:]); err != nil {
		return fmt.Errorf("%w: %s cannot prove that its %d entries begin with the %d it had", ErrFork, old.Origin, new.Size, old.Size)
	}
	return nil
}

func checkHashes(hashes [][]byte) error {
	if len(hashes) > 2*64 {
		return fmt.Errorf("%w: %d hashes", ErrProof, len(hashes))
	}
	for _, h := range hashes {
		if len(h) != hashSize {
			return fmt.Errorf("%w: a hash of %d bytes", ErrProof, len(h))
		}
	}
	return nil
}
