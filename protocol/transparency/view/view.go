package view

import (
	"bytes"
	"fmt"
	"os"

	"github.com/transparency-dev/tessera/api/layout"
	"golang.org/x/mod/sumdb/note"
)

// View is a verified copy of a log in memory: its entries and 64 bytes for each.
type View struct {
	log        note.Verifier
	cosigners  []note.Verifier
	raw        []byte
	checkpoint Checkpoint
	entries    [][]byte
	tree       Tree
}

// Open reads the log in dir and verifies all of it: the signature of its checkpoint by
// the log's key, that the entries hash to the checkpoint's root, and that the hash tiles
// hold the hashes in between. The cosigners are the keys of the witnesses whose
// cosignatures Cosigned accepts; Open itself asks for none. Errors match ErrCheckpoint,
// ErrSignature, ErrCosignature (one that is there and invalid), ErrTile or ErrRoot.
func Open(dir string, log note.Verifier, cosigners []note.Verifier) (*View, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCheckpoint, err)
	}
	defer root.Close()
	f := files{root}
	v := &View{log: log, cosigners: cosigners}
	if v.raw, err = f.read(layout.CheckpointPath, MaxCheckpoint); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrCheckpoint, dir, err)
	}
	if v.checkpoint, err = OpenCheckpoint(v.raw, log, cosigners...); err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	if err := v.readEntries(f); err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	if root := v.tree.RootAt(v.checkpoint.Size); root != v.checkpoint.Root {
		return nil, fmt.Errorf("%s: %w: the %d entries give %v, the checkpoint says %v", dir, ErrRoot, v.checkpoint.Size, root, v.checkpoint.Root)
	}
	if err := v.checkTiles(f); err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	return v, nil
}

// readEntries trusts the checkpoint's size only as far as files are there for it.
func (v *View) readEntries(f files) error {
	for at := uint64(0); at < v.checkpoint.Size; at += tileWidth {
		entries, err := f.bundle(at/tileWidth, int(min(tileWidth, v.checkpoint.Size-at)))
		if err != nil {
			return err
		}
		for _, e := range entries {
			v.entries = append(v.entries, e)
			v.tree.Append(LeafHash(e))
		}
	}
	return nil
}

// checkTiles compares the hash tiles, from which others prove things, with the tree.
func (v *View) checkTiles(f files) error {
	for level := uint64(0); level*tileHeight < uint64(len(v.tree.levels)); level++ {
		nodes := v.tree.levels[level*tileHeight]
		for at := 0; at < len(nodes); at += tileWidth {
			want := nodes[at:min(at+tileWidth, len(nodes))]
			got, name, err := f.tile(level, uint64(at/tileWidth), len(want))
			if err != nil {
				return err
			}
			for i, h := range want {
				if !bytes.Equal(got[i*hashSize:(i+1)*hashSize], h[:]) {
					return fmt.Errorf("%w: hash %d in %s is not that of the entries", ErrRoot, i, name)
				}
			}
		}
	}
	return nil
}

// Entries returns all entries in their order. The slices are the view's own.
func (v *View) Entries() [][]byte { return v.entries }

// Size returns the number of entries.
func (v *View) Size() uint64 { return v.checkpoint.Size }

// Root returns the root of the Merkle tree.
func (v *View) Root() Hash { return v.checkpoint.Root }

// Checkpoint returns the log's checkpoint.
func (v *View) Checkpoint() Checkpoint { return v.checkpoint }

// Raw returns the checkpoint as it was read, with its signatures, to be kept for a later
// Consistent.
func (v *View) Raw() []byte { return bytes.Clone(v.raw) }

// Inclusion returns the proof that the checkpoint covers the entry at index, for
// VerifyInclusion: at most 63 hashes of 32 bytes.
func (v *View) Inclusion(index uint64) ([][]byte, error) {
	return v.tree.Inclusion(index, v.checkpoint.Size)
}

// Consistency returns the proof that the log extends its first old entries, for
// VerifyConsistency.
func (v *View) Consistency(old uint64) ([][]byte, error) {
	return v.tree.Consistency(old, v.checkpoint.Size)
}

// Consistent checks that the log extends a checkpoint that its key has signed: one of an
// earlier audit, or one that the partner remembers. Errors match ErrCheckpoint,
// ErrSignature, and ErrRollback or ErrFork, which match ErrInconsistent.
func (v *View) Consistent(old []byte) error {
	c, err := OpenCheckpoint(old, v.log)
	if err != nil {
		return err
	}
	return v.extends(c)
}

func (v *View) extends(c Checkpoint) error {
	if c.Size > v.checkpoint.Size {
		return fmt.Errorf("%w: %s had %d entries and has %d", ErrRollback, c.Origin, c.Size, v.checkpoint.Size)
	}
	if v.tree.RootAt(c.Size) != c.Root {
		return fmt.Errorf("%w: the first %d entries of %s are not those it had signed", ErrFork, c.Size, c.Origin)
	}
	return nil
}

// Cosigned checks a checkpoint that witnesses are said to have seen: it is signed by the
// log, cosigned by at least one of the view's cosigners, and the log extends it. Errors
// are those of Consistent, and ErrCosignature.
func (v *View) Cosigned(raw []byte) (Checkpoint, error) {
	c, err := OpenCheckpoint(raw, v.log, v.cosigners...)
	if err != nil {
		return Checkpoint{}, err
	}
	if len(c.Cosignatures) == 0 {
		return Checkpoint{}, fmt.Errorf("%w: %s, %d entries", ErrCosignature, c.Origin, c.Size)
	}
	return c, v.extends(c)
}
