// Package keys is where an agency keeps its root secrets: a handful of named
// 32-byte seeds from which every other secret is derived.
//
// A program names a seed once, at installation, and derives what it needs
// from it at run time:
//
//	err := store.Create(ctx, "watchlist/border")   // once; ErrExists afterwards
//	root, err := store.Seed(ctx, "watchlist/border")
//	session := root.Derive("session", sessionID)   // any number, no storage
//
// [Store] is all that the rest of Puente knows. [FileStore] is the embedded
// implementation: one age-encrypted file, unlocked at start-up by a passphrase
// or by an age identity, see [FromEnvironment]:
//
//	unlock, err := keys.FromEnvironment(os.Getenv, keys.Prompt(os.Stdin, os.Stderr, false))
//	store, err := keys.Open("/var/lib/puente/keys.age", unlock)
//
// A seed never changes and never leaves: there is no method that overwrites or
// deletes one. Losing the file or its passphrase loses the seeds and all data
// under them, so the file (it is ciphertext) and the passphrase or identity
// must be backed up, separately.
//
// What it does not do: seeds and the passphrase stay in the memory of the
// process as long as it runs; whoever can read that memory, a core dump or
// unencrypted swap has them. A [Seed] hides its bytes from fmt, slog and JSON,
// but fmt cannot call the methods of an unexported struct field: a type that
// holds a Seed by value in one must redact itself, as FileStore does.
package keys

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/puente-project/puente/keys/durable"
	"github.com/puente-project/puente/keys/internal/private"
)

// Store keeps named seeds. Its methods may be called concurrently, by several
// processes over the same storage too.
type Store interface {
	// Seed returns the seed called name, or ErrNotFound.
	Seed(ctx context.Context, name string) (Seed, error)
	// Create makes a new random seed called name. If there is one already it
	// is left as it is and the error is ErrExists; of several concurrent calls
	// exactly one succeeds.
	Create(ctx context.Context, name string) error
	// Names returns the names of all seeds in ascending byte order.
	Names(ctx context.Context) ([]string, error)
}

// The classes of failure, for errors.Is. No error text contains secret bytes.
var (
	// ErrNotFound: there is no seed of that name, or no key file at that path.
	ErrNotFound = errors.New("not found")
	// ErrExists: there is a seed of that name, or a file at that path, already.
	ErrExists = errors.New("already exists")
	// ErrWrongKey: the passphrase or identity does not open the key file.
	ErrWrongKey = errors.New("wrong passphrase or identity")
	// ErrCorrupt: what the store holds is damaged, forged or of an unknown version.
	ErrCorrupt = errors.New("stored keys are corrupt")
	// ErrPermissions: a secret's file can be read or written by other users.
	ErrPermissions = private.ErrPermissions
	// ErrUnlock: no usable passphrase or identity was given.
	ErrUnlock = errors.New("no usable passphrase or identity")
	// ErrName: the name breaks the rule of CheckName.
	ErrName = errors.New("invalid seed name")
	// ErrLocked: another process was writing until the context ended.
	ErrLocked = durable.ErrLocked
)

// MaxName is the greatest length of a seed's name in bytes.
const MaxName = 64

// CheckName returns ErrName unless name is 1 to 64 characters out of a-z, 0-9,
// '-' and '/', where '/' separates non-empty parts: "watchlist/border". The
// rule keeps a name usable as a file path and as a Vault path without escaping.
func CheckName(name string) error {
	if len(name) == 0 || len(name) > MaxName {
		return fmt.Errorf("%w: %d bytes long, want 1 to %d", ErrName, len(name), MaxName)
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == "" || strings.Trim(part, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			return fmt.Errorf("%w: %q, want parts of a-z, 0-9 and '-' separated by single '/'", ErrName, name)
		}
	}
	return nil
}
