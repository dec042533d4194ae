// Package view reads an agency's transparency log the way an auditor does: from a copy
// of its folder, offline, believing nothing but keys.
//
//	log, err := view.ParseLogKey("puente/cl+1b2c3d4e+Ad...")      // from public.json
//	witness, err := view.ParseWitnessKey("us+5e6f7a8b+BP...")     // the partner's
//	v, err := view.Open("cl/log", log, []note.Verifier{witness})
//	for i, entry := range v.Entries() { ... }                     // all verified
//	err = v.Consistent(lastCheckpoint)                            // nothing was rewritten
//	seen, err := v.Cosigned(witnessedCheckpoint)                  // the partner has seen it
//
// Open recomputes the whole Merkle tree from the entries, so that an entry it returns is
// one that the signed checkpoint commits to. The formats are those of C2SP: tlog-tiles,
// tlog-checkpoint, signed-note and tlog-cosignature; the tree is that of RFC 6962.
//
// What a signature by the log's own key proves is that the agency has published a tree,
// and not that it has published only one. That is what the partner's cosignature and
// Consistent are for: a log that shows different trees to different readers fails
// Consistent with the checkpoint that another reader has kept.
//
// The package writes nothing, holds no secret, and needs only packages for notes, Merkle
// proofs and path names beyond the standard library.
package view

import (
	"errors"
	"fmt"
)

// Errors of this package, for errors.Is.
var (
	// ErrKey: a text that is no verification key.
	ErrKey = errors.New("malformed log key")
	// ErrCheckpoint: a checkpoint that is missing or malformed.
	ErrCheckpoint = errors.New("malformed checkpoint")
	// ErrSignature: a checkpoint without a valid signature by the log's key.
	ErrSignature = errors.New("the checkpoint is not signed by the log")
	// ErrCosignature: a checkpoint without a valid cosignature by a witness.
	ErrCosignature = errors.New("the checkpoint is not cosigned by a witness")
	// ErrTile: a file of the log that is missing or malformed.
	ErrTile = errors.New("missing or malformed tile")
	// ErrRoot: files of the log that do not hash to the root in its checkpoint.
	ErrRoot = errors.New("the log does not hash to the root in its checkpoint")
	// ErrProof: an inclusion proof that does not lead to the root.
	ErrProof = errors.New("the proof does not lead to the root")

	// ErrInconsistent: the log does not extend a checkpoint that it has signed. It is
	// one of the two errors that follow.
	ErrInconsistent = errors.New("the log does not extend an earlier checkpoint")
	// ErrRollback: the log is shorter than it has been.
	ErrRollback = fmt.Errorf("%w: rolled back", ErrInconsistent)
	// ErrFork: the log has other entries than it has had.
	ErrFork = fmt.Errorf("%w: forked", ErrInconsistent)
)
