// Package durable holds the two file-system primitives on which everything
// that Puente keeps on disk rests: a lock between processes and the atomic
// replacement of a file.
//
//	unlock, err := durable.Lock(ctx, path+".lock")   // one writer at a time
//	if err != nil { ... }                             // errors.Is(err, durable.ErrLocked)
//	defer unlock()
//	err = durable.Replace(path, func(w io.Writer) error { ... })
//
// After Replace returned nil the new content survives a power failure; if it
// failed, or the process died inside it, the old content is untouched and at
// most a temporary file is left, which SweepTemp removes.
//
// Both primitives need a local file system: rename is not atomic and flock is
// not reliable on NFS shared by several clients.
package durable

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/renameio/v2"
	"golang.org/x/sys/unix"
)

// ErrLocked says that another process, or another writer of this one, held the
// lock until the context ended.
var ErrLocked = errors.New("locked by another writer")

const (
	lockPollMin = 2 * time.Millisecond
	lockPollMax = 100 * time.Millisecond
)

// Lock takes the exclusive lock of the file at path, which is created with
// mode 0600 if it is missing and never removed: a lock file that comes and goes
// would let two processes lock two different files of the same name. It waits
// until ctx ends and then fails with ErrLocked. The lock is released by the
// returned function and by the end of the process, however it ends.
func Lock(ctx context.Context, path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open lock file: %w", err)
	}
	for wait := lockPollMin; ; wait = min(2*wait, lockPollMax) {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		switch {
		case err == nil:
			return func() { f.Close() }, nil
		case errors.Is(err, unix.EINTR):
			continue
		case !errors.Is(err, unix.EWOULDBLOCK):
			f.Close()
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
		select {
		case <-ctx.Done():
			f.Close()
			return nil, fmt.Errorf("%s: %w; wait for it to finish and try again", path, ErrLocked)
		case <-time.After(wait):
		}
	}
}

// Replace creates or replaces the file at path, mode 0600, with what write
// produces. The data and the directory entry are on disk when it returns nil.
func Replace(path string, write func(io.Writer) error) error {
	// The temporary file goes beside the target: renameio would prefer
	// $TMPDIR, where nobody sweeps what a crash leaves behind.
	dir := filepath.Dir(path)
	f, err := renameio.NewPendingFile(path, renameio.WithTempDir(dir), renameio.WithStaticPermissions(0o600))
	if err != nil {
		return err
	}
	defer f.Cleanup()
	if err := write(f); err != nil {
		return err
	}
	if err := f.CloseAtomicallyReplace(); err != nil {
		return err
	}
	return SyncDir(dir)
}

// SyncDir makes the creations, renames and removals in dir durable.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil {
		return fmt.Errorf("sync directory %s: %w", dir, err)
	}
	return nil
}

// SweepTemp removes the temporary files that a Replace of path left behind
// when its process was killed. The caller must hold the lock that guards path.
func SweepTemp(path string) error {
	dir, base := filepath.Split(path)
	if dir == "" {
		dir = "."
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !IsTemp(e.Name(), base) {
			continue
		}
		if err := os.Remove(filepath.Join(dir, e.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// IsTemp reports whether name is what Replace calls its temporary file for a
// target called base: a dot, the base and a decimal number.
func IsTemp(name, base string) bool {
	digits, ok := strings.CutPrefix(name, "."+base)
	return ok && digits != "" && strings.Trim(digits, "0123456789") == ""
}
