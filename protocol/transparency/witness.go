package transparency

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"github.com/puente-project/puente/keys/durable"
	"github.com/puente-project/puente/protocol/transparency/view"
)

// Witness cosigns the checkpoints of partners' logs. Its methods may be called
// concurrently, and several processes may share the partners' folders.
type Witness struct {
	cosigner note.Signer
	verifier note.Verifier
	partners map[string]Partner
}

// NewWitness makes a witness with the key of NewCosigner.
func NewWitness(cosigner note.Signer, verifier note.Verifier, list ...Partner) (*Witness, error) {
	if cosigner == nil || verifier == nil || cosigner.Name() != verifier.Name() || cosigner.KeyHash() != verifier.KeyHash() {
		return nil, errors.New("transparency: a witness needs a cosigner and the verifier of the same key")
	}
	byName, err := partners(list)
	if err != nil {
		return nil, err
	}
	return &Witness{cosigner, verifier, byName}, nil
}

// Known returns the number of entries of the partner's newest checkpoint that this
// witness has cosigned, 0 if there is none.
func (w *Witness) Known(partner string) (uint64, error) {
	p, err := w.partner(partner)
	if err != nil {
		return 0, err
	}
	c, err := p.stored(partnerFile, p.Log, w.verifier)
	return c.Size, err
}

func (w *Witness) partner(name string) (Partner, error) {
	p, ok := w.partners[name]
	if !ok {
		err := fmt.Errorf("%w: %q", ErrPartner, name)
		return Partner{}, &refusal{"your log is not witnessed here", err}
	}
	return p, nil
}

// Update cosigns a checkpoint of the partner's log, if the proof shows that it extends
// the one that was cosigned last, which had oldSize entries. The cosignature is one
// signature line of a note; before it is returned the checkpoint is remembered on disk.
//
// Errors: *ConflictError if the witness remembers another size than oldSize; ErrRollback
// if it remembers oldSize and the checkpoint is smaller; ErrFork if the checkpoint is
// another tree of the same size, or the proof fails; view.ErrProof for a proof of the
// wrong shape, view.ErrCheckpoint and view.ErrSignature; ErrPartner. What is refused with
// ErrFork is kept as evidence.
func (w *Witness) Update(ctx context.Context, partner string, checkpoint []byte, oldSize uint64, proof [][]byte) (cosignature []byte, err error) {
	p, err := w.partner(partner)
	if err != nil {
		return nil, err
	}
	c, err := view.OpenCheckpoint(checkpoint, p.Log)
	if err != nil {
		return nil, &refusal{"the checkpoint is not one that your log has signed", err}
	}
	if err := p.makeDir(); err != nil {
		return nil, err
	}
	unlock, err := durable.Lock(ctx, filepath.Join(p.Dir, lockFile))
	if err != nil {
		return nil, err
	}
	defer unlock()
	if err := durable.SweepTemp(filepath.Join(p.Dir, partnerFile)); err != nil {
		return nil, err
	}
	known, err := p.stored(partnerFile, p.Log, w.verifier)
	if err != nil {
		return nil, err
	}
	if known.Size != oldSize {
		return nil, &ConflictError{Known: known.Size, Size: c.Size}
	}
	if err := view.VerifyConsistency(known, c, proof); err != nil {
		if errors.Is(err, ErrFork) {
			err = errors.Join(err, p.accuse(checkpoint))
		}
		return nil, &refusal{"your log does not extend the checkpoint that was cosigned here before", err}
	}
	line, err := signatureLine(w.cosigner, c.Text())
	if err != nil {
		return nil, err
	}
	signed, err := onlySignedBy(checkpoint, p.Log)
	if err != nil {
		return nil, err
	}
	if err := p.store(partnerFile, append(signed, line...)); err != nil {
		return nil, err
	}
	return line, nil
}

// accuse keeps a signed checkpoint that was refused as a fork.
func (p Partner) accuse(checkpoint []byte) error {
	signed, err := onlySignedBy(checkpoint, p.Log)
	if err != nil {
		return err
	}
	files, err := os.ReadDir(p.Dir)
	if err != nil {
		return err
	}
	kept := 0
	for _, f := range files {
		if strings.HasPrefix(f.Name(), refusedPrefix) {
			kept++
		}
	}
	if kept >= maxRefused {
		return nil
	}
	return p.store(fmt.Sprintf("%s%x", refusedPrefix, sha256.Sum256(signed)), signed)
}

// onlySignedBy drops all signatures of a note but the verified one.
func onlySignedBy(raw []byte, log note.Verifier) ([]byte, error) {
	n, err := note.Open(raw, note.VerifierList(log))
	if err != nil {
		return nil, err
	}
	n.UnverifiedSigs = nil
	return note.Sign(n)
}

// Witness answers the remote procedure of that name: Update, with a conflict as the
// size that the witness remembers instead of a cosignature.
func (w *Witness) Witness(ctx context.Context, partner string, checkpoint []byte, oldSize uint64, proof [][]byte) (cosignature []byte, known uint64, err error) {
	cosignature, err = w.Update(ctx, partner, checkpoint, oldSize, proof)
	var conflict *ConflictError
	if errors.As(err, &conflict) {
		return nil, conflict.Known, nil
	}
	return cosignature, 0, err
}
