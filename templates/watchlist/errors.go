package watchlist

import (
	"errors"

	"github.com/puente-project/puente/keys/durable"
)

// The classes of failure, for errors.Is. Error texts may contain handles and
// file names, never template values.
var (
	// ErrNotFound: there is no watchlist in the directory.
	ErrNotFound = errors.New("no watchlist here")
	// ErrExists: the directory for a new watchlist is not empty.
	ErrExists = errors.New("directory is in use")
	// ErrWrongKey: the data key is not the one of this watchlist.
	ErrWrongKey = errors.New("wrong data key for this watchlist")
	// ErrCorrupt: a file, which the error names, is damaged, forged, missing or
	// of an unknown version.
	ErrCorrupt = errors.New("watchlist is corrupt")
	// ErrSchemeMismatch: a template does not fit the watchlist's scheme.
	ErrSchemeMismatch = errors.New("scheme mismatch")
	// ErrHandle: a handle or name breaks the rule of CheckHandle.
	ErrHandle = errors.New("invalid handle")
	// ErrDuplicate: a handle, which the error names, is enrolled or given twice.
	ErrDuplicate = errors.New("duplicate handle")
	// ErrNoSuchHandle: a handle, which the error names, is not enrolled.
	ErrNoSuchHandle = errors.New("no such handle")
	// ErrFull: the change would exceed MaxEntries or MaxSegments.
	ErrFull = errors.New("watchlist is full")
	// ErrNotErased: an old segment, which the error names, could not be deleted
	// and still holds what was removed. If a generation is returned with it, the
	// change itself is done and durable.
	ErrNotErased = errors.New("old segment could not be deleted")
	// ErrLocked: another writer was at work for longer than LockTimeout.
	ErrLocked = durable.ErrLocked
)
