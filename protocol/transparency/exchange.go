package transparency

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/puente-project/puente/protocol/transparency/view"
)

// WitnessClient asks a partner to cosign a checkpoint of ours. If the partner remembers
// another size than oldSize, cosignature is empty and known is that size.
type WitnessClient interface {
	Witness(ctx context.Context, checkpoint []byte, oldSize uint64, proof [][]byte) (cosignature []byte, known uint64, err error)
}

// LogClient reads a partner's log and brings it cosignatures.
type LogClient interface {
	// Checkpoint gives the partner's newest checkpoint and the proof that it extends
	// oldSize entries. A checkpoint with fewer entries comes without a proof.
	Checkpoint(ctx context.Context, oldSize uint64) (checkpoint []byte, proof [][]byte, err error)
	// Cosigned delivers a checkpoint of the partner's log with our cosignature.
	Cosigned(ctx context.Context, checkpoint []byte) error
}

// Exchange asks the partner to cosign our newest checkpoint, and keeps it with the
// cosignature. If the partner remembers more entries than our log has, the error matches
// ErrRollback: this log was restored from an old copy.
func (l *Log) Exchange(ctx context.Context, partner string, client WitnessClient) error {
	p, ok := l.partners[partner]
	if !ok {
		return fmt.Errorf("%w: %q", ErrPartner, partner)
	}
	seen, err := p.stored(ownFile, l.verifier, p.Witness)
	if err != nil {
		return err
	}
	old := seen.Size
	for range 3 { // once, once more with the size that the partner knows, and one for a race
		checkpoint, proof, err := l.ProofFor(old)
		if err != nil {
			return fmt.Errorf("transparency: %s remembers %d entries of this log: %w", partner, old, err)
		}
		cosignature, known, err := client.Witness(ctx, checkpoint, old, proof)
		if err != nil {
			return fmt.Errorf("transparency: %s does not cosign: %w", partner, err)
		}
		if len(cosignature) > 0 {
			return l.Witnessed(partner, append(checkpoint, cosignature...))
		}
		old = known
	}
	return fmt.Errorf("transparency: %s does not cosign: it named a different size three times; try again", partner)
}

// Witnessed keeps a checkpoint of this log that the partner has cosigned, unless a newer
// one is kept already. It is verified first; errors are those of view.View.Cosigned.
func (l *Log) Witnessed(partner string, cosigned []byte) error {
	p, ok := l.partners[partner]
	if !ok {
		return fmt.Errorf("%w: %q", ErrPartner, partner)
	}
	c, err := view.OpenCheckpoint(cosigned, l.verifier, p.Witness)
	if err != nil {
		return err
	}
	if len(c.Cosignatures) == 0 {
		return fmt.Errorf("%w: none by %s", view.ErrCosignature, partner)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return ErrClosed // the lock is no longer ours
	}
	if c.Size > l.published.Size {
		return fmt.Errorf("%w: %d entries are published and %d cosigned", ErrRollback, l.published.Size, c.Size)
	}
	if err := l.covers(c); err != nil {
		return err
	}
	kept, err := p.stored(ownFile, l.verifier, p.Witness)
	if err != nil {
		return err
	}
	if kept.Size > c.Size {
		return nil
	}
	if err := p.makeDir(); err != nil {
		return err
	}
	return p.store(ownFile, cosigned)
}

// Latest answers the remote procedure Checkpoint: the newest checkpoint, and the proof
// that it extends oldSize entries. To a partner that remembers more entries than the log
// has it gives no proof; the partner is to see for itself.
func (l *Log) Latest(_ context.Context, partner string, oldSize uint64) (checkpoint []byte, proof [][]byte, err error) {
	if _, ok := l.partners[partner]; !ok {
		return nil, nil, &refusal{"you are not a witness of this log", fmt.Errorf("%w: %q", ErrPartner, partner)}
	}
	checkpoint, proof, err = l.ProofFor(oldSize)
	if errors.Is(err, ErrRollback) && checkpoint != nil {
		return checkpoint, nil, nil
	}
	return checkpoint, proof, err
}

// Cosigned answers the remote procedure of that name with Witnessed.
func (l *Log) Cosigned(_ context.Context, partner string, checkpoint []byte) error {
	err := l.Witnessed(partner, checkpoint)
	if err != nil {
		err = &refusal{"this is not a checkpoint of this log with your cosignature", err}
	}
	return err
}

// Observe reads the partner's newest checkpoint, cosigns it and delivers the
// cosignature: what Exchange is for our log, for that of the partner. Errors are those
// of Update; ErrRollback and ErrFork accuse the partner.
func (w *Witness) Observe(ctx context.Context, partner string, client LogClient) error {
	for range 3 { // another process may have cosigned in the meantime
		old, err := w.Known(partner)
		if err != nil {
			return err
		}
		checkpoint, proof, err := client.Checkpoint(ctx, old)
		if err != nil {
			return fmt.Errorf("transparency: read the log of %s: %w", partner, err)
		}
		cosignature, err := w.Update(ctx, partner, checkpoint, old, proof)
		var conflict *ConflictError
		if errors.As(err, &conflict) {
			continue
		}
		if err != nil {
			return fmt.Errorf("transparency: the log of %s: %w", partner, err)
		}
		signed, err := onlySignedBy(checkpoint, w.partners[partner].Log)
		if err != nil {
			return err
		}
		if err := client.Cosigned(ctx, bytes.Join([][]byte{signed, cosignature}, nil)); err != nil {
			return fmt.Errorf("transparency: deliver the cosignature to %s: %w", partner, err)
		}
		return nil
	}
	return fmt.Errorf("transparency: the log of %s is being cosigned by another process; try again", partner)
}
