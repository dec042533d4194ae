package keys

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/puente-project/puente/keys/durable"
	"github.com/puente-project/puente/keys/internal/private"
)

// FileStore is a Store in one age-encrypted file. It keeps the decrypted seeds
// in memory and looks at the file again only for a name that it does not know,
// for Names and for Create, so that seeds created by another process are found.
// It must not be copied. It redacts itself when printed.
type FileStore struct {
	path string

	mu     sync.Mutex
	unlock Unlock
	key    unlocker // the one of unlock that opened the file; it is rewritten for the same
	file   []byte   // the ciphertext that seeds were read from
	seeds  map[string]Seed

	fault func() error // tests: called in the middle of writing the file
}

var _ Store = (*FileStore)(nil)

// Init creates an empty key file at path (mode 0600, in a directory that must
// exist) for the first key of u, and opens it. The error is ErrExists if there
// is a file already, ErrUnlock for a missing key or a passphrase shorter than
// MinPassphrase. path.lock is created beside it and stays.
func Init(path string, u Unlock) (*FileStore, error) {
	key, err := u.first()
	if err != nil {
		return nil, fmt.Errorf("init key file: %w", err)
	}
	unlock, err := durable.Lock(context.Background(), lockPath(path))
	if err != nil {
		return nil, fmt.Errorf("init key file %s: %w", path, err)
	}
	defer unlock()
	if _, err := os.Lstat(path); err == nil {
		return nil, fmt.Errorf("key file %s: %w; choose another path or open it", path, ErrExists)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("init key file: %w", err)
	}
	s := &FileStore{path: path, unlock: u, key: key}
	if err := s.write(map[string]Seed{}, key); err != nil {
		return nil, err
	}
	return s, nil
}

// Open decrypts the key file at path. With a passphrase this takes about a
// second. The error is ErrNotFound, ErrPermissions (the file has any
// permission bit for group or others), ErrWrongKey or ErrCorrupt. A symbolic
// link is followed once, here.
func Open(path string, u Unlock) (*FileStore, error) {
	real, err := filepath.EvalSymlinks(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("key file %s: %w; create it first", path, ErrNotFound)
	} else if err != nil {
		return nil, fmt.Errorf("open key file: %w", err)
	}
	s := &FileStore{path: real, unlock: u}
	if err := s.refresh(); err != nil {
		return nil, err
	}
	return s, nil
}

// Seed implements Store.
func (s *FileStore) Seed(ctx context.Context, name string) (Seed, error) {
	if err := CheckName(name); err != nil {
		return Seed{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	seed, ok := s.seeds[name]
	if !ok {
		if err := s.refresh(); err != nil {
			return Seed{}, err
		}
		if seed, ok = s.seeds[name]; !ok {
			return Seed{}, fmt.Errorf("seed %q in %s: %w", name, s.path, ErrNotFound)
		}
	}
	return seed, nil
}

// Names implements Store.
func (s *FileStore) Names(ctx context.Context) ([]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.refresh(); err != nil {
		return nil, err
	}
	return slices.Sorted(maps.Keys(s.seeds)), nil
}

// Create implements Store. The new seed is on disk when it returns nil. It
// waits for other writers until ctx ends, then fails with ErrLocked.
func (s *FileStore) Create(ctx context.Context, name string) error {
	if err := CheckName(name); err != nil {
		return err
	}
	return s.update(ctx, func() error {
		if _, ok := s.seeds[name]; ok {
			return fmt.Errorf("seed %q in %s: %w", name, s.path, ErrExists)
		}
		if len(s.seeds) == MaxSeeds {
			return fmt.Errorf("seed %q: %s is full with %d seeds", name, s.path, MaxSeeds)
		}
		seeds := maps.Clone(s.seeds)
		seeds[name] = NewSeed()
		return s.write(seeds, s.key)
	})
}

// Rekey encrypts the file anew, to the first key of u: a new passphrase, a new
// identity, or the change from one to the other. The seeds stay the same, so it
// does not help once they are known, and copies of the old file still open with
// the old key. Other processes must be started again with u.
func (s *FileStore) Rekey(ctx context.Context, u Unlock) error {
	key, err := u.first()
	if err != nil {
		return fmt.Errorf("rekey %s: %w", s.path, err)
	}
	return s.update(ctx, func() error {
		if err := s.write(s.seeds, key); err != nil {
			return err
		}
		s.unlock = u
		return nil
	})
}

// update runs change under the lock file, on what the file holds at that time.
func (s *FileStore) update(ctx context.Context, change func() error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	unlock, err := durable.Lock(ctx, lockPath(s.path))
	if err != nil {
		return fmt.Errorf("key file %s: %w", s.path, err)
	}
	defer unlock()
	if err := durable.SweepTemp(s.path); err != nil {
		return fmt.Errorf("key file %s: remove what a crash left: %w", s.path, err)
	}
	if err := s.refresh(); err != nil {
		return err
	}
	return change()
}

// refresh reads the file again if it differs from what s knows.
func (s *FileStore) refresh() error {
	file, err := private.Read(s.path, maxFile)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("key file %s: %w", s.path, ErrNotFound)
	case errors.Is(err, private.ErrTooLong):
		return fmt.Errorf("key file %s: %w: %w", s.path, ErrCorrupt, err)
	case err != nil:
		return fmt.Errorf("key file: %w", err)
	}
	if s.file != nil && bytes.Equal(file, s.file) {
		return nil
	}
	seeds, key, err := unseal(file, s.unlock)
	if err != nil {
		return fmt.Errorf("key file %s: %w", s.path, err)
	}
	s.file, s.seeds, s.key = file, seeds, key
	return nil
}

// write replaces the file and, once that is durable, the state of s.
func (s *FileStore) write(seeds map[string]Seed, key unlocker) error {
	file, err := seal(seeds, key)
	if err != nil {
		return fmt.Errorf("encrypt key file: %w", err)
	}
	err = durable.Replace(s.path, func(w io.Writer) error {
		half := len(file) / 2
		if _, err := w.Write(file[:half]); err != nil {
			return err
		}
		if s.fault != nil {
			if err := s.fault(); err != nil {
				return err
			}
		}
		_, err := w.Write(file[half:])
		return err
	})
	if err != nil {
		return fmt.Errorf("write key file: %w", err)
	}
	s.file, s.seeds, s.key = file, seeds, key
	return nil
}

func lockPath(path string) string { return path + ".lock" }

// Format writes the path alone for every verb.
func (s *FileStore) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "keys.FileStore(%s)", s.path) }

// LogValue returns the path alone.
func (s *FileStore) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(s)) }
