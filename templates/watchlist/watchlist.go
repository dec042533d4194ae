// Package watchlist keeps a gallery of templates on disk: encrypted, in a fixed
// order, changed atomically, and readable while it is being changed.
//
//	w, err := watchlist.Create(dir, watchlist.Meta{Name: "border", Scheme: scheme}, seed)
//	gen, err := w.Add([]watchlist.Record{{Handle: "case-17", Template: iris}})
//	gen, err = w.Each(func(slot int, r watchlist.Record) error { ... })
//	gen, err = w.Remove([]string{"case-17"})
//
// # Slots and generations
//
// A slot is the position of an entry, 0 to N-1, in the order of enrolment.
// Removal closes the gap, so that a slot means something only together with the
// [Generation] that was returned with it: its epoch grows by one at every
// change, and its digest commits to every byte of the watchlist. A long-running
// reader asks [Watchlist.Changed] whether to load again.
//
// # On disk
//
// A directory holds immutable segment files, up to 16 384 entries or 32 MiB of
// templates each, and manifest.json, which lists them. A change writes new
// segments, replaces the manifest in one atomic step and then deletes the
// segments that are no longer listed. So a reader, who takes no lock, sees one
// generation as a whole, a writer that is killed leaves the old or the new one
// as a whole, and its leftovers are deleted by the next writer or by
// [Watchlist.Sweep]. Writers exclude each other with a lock file; one who waits
// for more than LockTimeout gets ErrLocked. The directory must be on a local
// file system.
//
// Segments are sealed with AES-256-GCM under a key derived from the data key
// and the segment's random name, and bound to the watchlist, their size and the
// scheme; the manifest, in which the watchlist's name, scheme, size and epoch
// can be read without a key, carries an HMAC-SHA256. Any change to
// any file is detected, and so is the return of an old segment. The return of a
// whole old directory is not, except by a process that has seen the newer one:
// who must exclude it records the Generation elsewhere.
//
// # Removal
//
// Remove rewrites the segments that held the entries and deletes the old files.
// What the storage device keeps of deleted files (flash translation, snapshots,
// backups) is ciphertext under the same data key and out of reach here. To be
// certain, copy the watchlist to one under a new data key and destroy the old key.
package watchlist

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/puente-project/puente/keys/durable"
	"github.com/puente-project/puente/templates"
)

// Meta is what a watchlist is created with and never changes.
type Meta struct {
	// Name is for people: 1 to 64 bytes under the rule of CheckHandle. It is
	// stored unencrypted.
	Name string
	// Scheme is what all templates must fit.
	Scheme templates.Scheme
}

// Record is an entry.
type Record struct {
	// Handle is the holder's opaque reference, unique in the watchlist, see
	// CheckHandle. It should say nothing about the person: after a hit and a
	// claim it is sent to the partner.
	Handle string
	// Template fits the watchlist's scheme.
	Template templates.Template
}

// Generation identifies one state of a watchlist. It is comparable.
type Generation struct {
	// Epoch is 1 for a new watchlist and one more after every change.
	Epoch uint64
	// Digest is the SHA-256 of the manifest, which holds the SHA-256 of every
	// segment. It reveals nothing about the content.
	Digest [sha256.Size]byte
}

// Watchlist is an open watchlist. Its methods may be called concurrently. It
// holds no files open and redacts itself when printed.
type Watchlist struct {
	dir  string
	meta Meta
	keys secrets
	full int           // entries that fill a segment
	wait time.Duration // for the writers' lock

	mu   sync.Mutex // serialises reads of the manifest, so that latest only grows
	last Generation // the newest seen

	fault func(point string) error // tests: called at the points where a crash matters
}

const (
	manifestFile = "manifest.json"
	lockFile     = "lock"
)

// Create makes an empty watchlist in dir, which must be empty or not exist, in
// a directory that does. dataKey is a seed used for nothing else, as in
// root.Derive("watchlist", name). Errors: ErrExists, ErrHandle for the name,
// ErrSchemeMismatch for an invalid scheme.
func Create(dir string, meta Meta, dataKey [32]byte) (*Watchlist, error) {
	if err := checkText("watchlist name", meta.Name); err != nil {
		return nil, err
	}
	if err := meta.Scheme.Validate(); err != nil {
		return nil, fmt.Errorf("create watchlist: %w: %w", ErrSchemeMismatch, err)
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("create watchlist: %w", err)
	}
	// Before the lock file is made, lest it be left in a foreign directory.
	if err := checkVacant(dir); err != nil {
		return nil, err
	}
	w := &Watchlist{dir: dir, meta: meta, wait: LockTimeout, full: segmentEntries(meta.Scheme.BinarySize())}
	unlock, err := w.lock()
	if err != nil {
		return nil, err
	}
	defer unlock()
	if err := checkVacant(dir); err != nil { // another process may have been faster
		return nil, err
	}
	id := newID()
	w.keys = newSecrets(dataKey, id)
	_, err = w.writeManifest(manifest{
		ID: id, Name: meta.Name, Scheme: meta.Scheme.String(), Epoch: 1, Segments: []segmentRef{},
	})
	if err != nil {
		return nil, err
	}
	return w, nil
}

// checkVacant returns ErrExists if dir holds more than an interrupted Create
// leaves behind.
func checkVacant(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("create watchlist: %w", err)
	}
	for _, e := range entries {
		if name := e.Name(); name != lockFile && !durable.IsTemp(name, manifestFile) {
			return fmt.Errorf("create watchlist in %s: %w: it contains %q; give an empty directory", dir, ErrExists, name)
		}
	}
	return nil
}

// Open opens the watchlist in dir. It reads the manifest alone; segments are
// verified when they are read. Errors: ErrNotFound, ErrWrongKey, ErrCorrupt.
func Open(dir string, dataKey [32]byte) (*Watchlist, error) {
	w := &Watchlist{dir: dir, wait: LockTimeout}
	raw, err := w.readManifestFile()
	if err != nil {
		return nil, err
	}
	m, err := parseManifest(raw)
	if err != nil {
		return nil, w.corrupt(manifestFile, err)
	}
	w.keys = newSecrets(dataKey, m.ID)
	if w.meta, err = m.meta(); err != nil {
		return nil, w.corrupt(manifestFile, err)
	}
	w.full = segmentEntries(w.meta.Scheme.BinarySize())
	if _, _, err := w.manifest(); err != nil {
		return nil, err
	}
	return w, nil
}

// Meta returns name and scheme.
func (w *Watchlist) Meta() Meta { return w.meta }

// Generation reads the current generation from the manifest.
func (w *Watchlist) Generation() (Generation, error) {
	_, gen, err := w.manifest()
	return gen, err
}

// Changed reports whether the watchlist is no longer at generation g. It reads
// the manifest, about 170 bytes for each segment; once a second is no burden.
func (w *Watchlist) Changed(g Generation) (bool, error) {
	now, err := w.Generation()
	return now != g, err
}

// manifest reads and verifies the current manifest.
func (w *Watchlist) manifest() (manifest, Generation, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	raw, err := w.readManifestFile()
	if err != nil {
		return manifest{}, Generation{}, err
	}
	m, err := parseManifest(raw)
	if err != nil {
		return manifest{}, Generation{}, w.corrupt(manifestFile, err)
	}
	if err := m.verify(w.keys); errors.Is(err, ErrWrongKey) {
		return manifest{}, Generation{}, fmt.Errorf("watchlist %s: %w", w.dir, err)
	} else if err != nil {
		return manifest{}, Generation{}, w.corrupt(manifestFile, err)
	}
	gen := Generation{Epoch: m.Epoch, Digest: sha256.Sum256(raw)}
	if gen.Epoch < w.last.Epoch || gen.Epoch == w.last.Epoch && gen != w.last {
		return manifest{}, Generation{}, w.corrupt(manifestFile,
			fmt.Errorf("epoch %d was put in the place of a later or another epoch %d: an old copy was restored; restart to accept it", gen.Epoch, w.last.Epoch))
	}
	w.last = gen
	return m, gen, nil
}

func (w *Watchlist) readManifestFile() ([]byte, error) {
	f, err := os.Open(w.path(manifestFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("watchlist %s: %w; create it first", w.dir, ErrNotFound)
	} else if err != nil {
		return nil, fmt.Errorf("open watchlist: %w", err)
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, maxManifest+1))
	if err != nil {
		return nil, fmt.Errorf("read watchlist: %w", err)
	}
	return raw, nil
}

func (w *Watchlist) path(file string) string { return filepath.Join(w.dir, file) }

// corrupt is the error for a file of this watchlist.
func (w *Watchlist) corrupt(file string, cause error) error {
	return fmt.Errorf("%w: %s: %w", ErrCorrupt, w.path(file), cause)
}

func (w *Watchlist) lock() (unlock func(), err error) {
	ctx, cancel := context.WithTimeout(context.Background(), w.wait)
	defer cancel()
	unlock, err = durable.Lock(ctx, w.path(lockFile))
	if err != nil {
		return nil, fmt.Errorf("watchlist: %w", err)
	}
	return unlock, nil
}

// at is where tests make the process crash or fail.
func (w *Watchlist) at(point string) error {
	if w.fault == nil {
		return nil
	}
	return w.fault(point)
}

// Format writes the directory alone for every verb.
func (w *Watchlist) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "watchlist.Watchlist(%s)", w.dir) }

// LogValue returns the directory alone.
func (w *Watchlist) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(w)) }
