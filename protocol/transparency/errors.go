package transparency

import (
	"errors"
	"fmt"

	"github.com/puente-project/puente/keys/durable"
	"github.com/puente-project/puente/protocol/transparency/view"
)

// Errors of this package, for errors.Is. Those of package view occur as well.
var (
	// ErrLocked: another process has the log open.
	ErrLocked = durable.ErrLocked
	// ErrClosed: the log is closed or being closed.
	ErrClosed = errors.New("transparency: the log is closed")
	// ErrEntry: an entry that is empty or longer than MaxEntry.
	ErrEntry = errors.New("transparency: not an entry")
	// ErrPartner: a partner whose log or witness key is not known here.
	ErrPartner = errors.New("transparency: unknown partner")
	// ErrRollback: a log is shorter than a checkpoint that it has signed.
	ErrRollback = view.ErrRollback
	// ErrFork: a log has signed a tree that does not extend an earlier one.
	ErrFork = view.ErrFork
)

// MaxEntry bounds an entry in bytes (C2SP tlog-tiles).
const MaxEntry = view.MaxEntry

// ConflictError says that the witness remembers another size of the log than the one the
// consistency proof starts from. It matches ErrRollback if the checkpoint is smaller
// than what the witness remembers; that is either a log that was rolled back or a
// checkpoint that has been overtaken.
type ConflictError struct {
	Known uint64 // entries of the checkpoint that the witness remembers
	Size  uint64 // entries of the checkpoint it was shown
}

// Error implements error.
func (e *ConflictError) Error() string {
	return fmt.Sprintf("transparency: the witness remembers a log of %d entries; ask with a proof from there to the checkpoint of %d", e.Known, e.Size)
}

// Is matches ErrRollback, and ErrInconsistent of package view, for a smaller checkpoint.
func (e *ConflictError) Is(target error) bool {
	return e.Size < e.Known && (target == view.ErrRollback || target == view.ErrInconsistent)
}

// refusal has a text for the partner (see transport.PublicError).
type refusal struct {
	public string
	err    error
}

func (r *refusal) Error() string  { return r.err.Error() }
func (r *refusal) Unwrap() error  { return r.err }
func (r *refusal) Public() string { return r.public }
