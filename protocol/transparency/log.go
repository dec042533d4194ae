package transparency

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/transparency-dev/tessera"
	"github.com/transparency-dev/tessera/api/layout"
	"github.com/transparency-dev/tessera/storage/posix"
	"golang.org/x/mod/sumdb/note"

	"github.com/puente-project/puente/keys/durable"
	"github.com/puente-project/puente/protocol/transparency/view"
)

// Options configures Open.
type Options struct {
	// Origin is the log's name, "puente/<agency>"; Signer and Verifier bear it too.
	Origin string
	// Signer signs checkpoints. It may be slow or fail for a while: entries wait.
	Signer   note.Signer
	Verifier note.Verifier
	// LockWait is how long Open waits for another process that has the log, before it
	// fails with ErrLocked; 0: as long as its context lasts.
	LockWait time.Duration
	// Partners are those whose cosignatures are asked for.
	Partners []Partner
	// Log gets what Tessera has to say, of all logs of this process: its logger is global,
	// and the last one that was set counts. Nothing is printed before one is set.
	Log *slog.Logger
}

// Log is an open log. Its methods may be called concurrently.
type Log struct {
	dir      string
	signer   note.Signer
	verifier note.Verifier
	partners map[string]Partner

	appender *tessera.Appender
	shutdown func(context.Context) error
	ended    context.Context // ends when Tessera's work is to end
	end      context.CancelFunc
	unlock   func()
	appends  sync.WaitGroup

	mu        sync.Mutex
	closed    bool
	tree      view.Tree            // leaves on disk, as far as they have been needed
	index     map[view.Hash]uint64 // of the tree's leaves
	pending   map[view.Hash]*pending
	signed    view.Checkpoint // the largest that we know to have been signed
	published view.Checkpoint // in the file
	raw       []byte          // that file
	fault     error           // the storage contradicts what was signed; final
	trouble   error           // why the last attempt to publish failed
}

// Open opens the log in dir, which is created with an empty log if it is missing, and
// publishes what an earlier process had stored and not published. It waits for another
// process to close the log until ctx ends, and then fails with ErrLocked. It refuses,
// with ErrRollback, ErrFork or errors of package view, a folder that does not continue
// the checkpoint in it or one that a partner has cosigned.
func Open(ctx context.Context, dir string, o Options) (*Log, error) {
	if o.Signer == nil || o.Verifier == nil || o.Signer.Name() != o.Origin || o.Verifier.Name() != o.Origin || o.Signer.KeyHash() != o.Verifier.KeyHash() {
		return nil, fmt.Errorf("transparency: the log %q needs a signer and a verifier of one key with that name", o.Origin)
	}
	byName, err := partners(o.Partners)
	if err != nil {
		return nil, err
	}
	logTessera(o.Log)
	state := filepath.Join(dir, ".state") // Tessera's own
	if err := os.MkdirAll(state, 0o700); err != nil {
		return nil, fmt.Errorf("transparency: %w", err)
	}
	locking, cancel := ctx, context.CancelFunc(func() {})
	if o.LockWait > 0 {
		locking, cancel = context.WithTimeout(ctx, o.LockWait)
	}
	unlock, err := durable.Lock(locking, filepath.Join(state, "lock"))
	cancel()
	if err != nil {
		return nil, fmt.Errorf("transparency: %w", err)
	}
	l := &Log{
		dir: dir, signer: o.Signer, verifier: o.Verifier, partners: byName, unlock: unlock,
		index: map[view.Hash]uint64{}, pending: map[view.Hash]*pending{},
	}
	l.ended, l.end = context.WithCancel(context.WithoutCancel(ctx))
	if err := l.start(ctx); err != nil {
		l.mu.Lock()
		l.fault = ErrClosed // nothing is signed any more
		l.mu.Unlock()
		l.end()
		unlock()
		return nil, fmt.Errorf("transparency: %s: %w", dir, err)
	}
	return l, nil
}

func (l *Log) start(ctx context.Context) error {
	if err := l.recall(); err != nil {
		return err
	}
	driver, err := posix.New(l.ended, posix.Config{Path: l.dir})
	if err != nil {
		return err
	}
	appender, shutdown, reader, err := tessera.NewAppender(l.ended, driver, tessera.NewAppendOptions().
		WithCheckpointSigner(&guard{l}).
		WithCheckpointInterval(checkpointInterval).
		WithCheckpointRepublishInterval(0). // what has not changed is not signed again
		WithBatching(batchSize, batchAge))
	if err != nil {
		return errors.Join(l.faulty(), err)
	}
	l.appender, l.shutdown = appender, shutdown
	stored, err := reader.IntegratedSize(ctx)
	if err != nil {
		return err
	}
	if stored < l.signed.Size {
		return fmt.Errorf("%w: %d entries are stored and %d have been signed; restore a newer copy", ErrRollback, stored, l.signed.Size)
	}
	if err := l.await(ctx, stored); err != nil {
		return err
	}
	return l.checkLastBundle(ctx, reader)
}

// recall collects what has been signed before: the checkpoint in the folder, and those
// which partners have cosigned.
func (l *Log) recall() error {
	var known []view.Checkpoint
	raw, err := os.ReadFile(filepath.Join(l.dir, layout.CheckpointPath))
	if err == nil {
		c, err := view.OpenCheckpoint(raw, l.verifier)
		if err != nil {
			return err
		}
		known = append(known, c)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, p := range l.partners {
		c, err := p.stored(ownFile, l.verifier, p.Witness)
		if err != nil {
			return err
		}
		if c.Size > 0 {
			known = append(known, c)
		}
	}
	for _, c := range known {
		if err := l.extend(c.Size); err != nil {
			return fmt.Errorf("%w: the tiles of %d entries that have been signed: %w; restore a newer copy", ErrRollback, c.Size, err)
		}
		if err := l.covers(c); err != nil {
			return err
		}
		if c.Size >= l.signed.Size {
			l.signed = c
		}
	}
	return nil
}

// checkLastBundle verifies the only entries that Tessera will write again, in a larger
// bundle.
func (l *Log) checkLastBundle(ctx context.Context, reader tessera.LogReader) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	size := l.published.Size
	first := size - size%layout.EntryBundleWidth
	if first == size {
		return nil
	}
	raw, err := reader.ReadEntryBundle(ctx, first/layout.EntryBundleWidth, uint8(size-first))
	if err != nil {
		return fmt.Errorf("%w: %w", view.ErrTile, err)
	}
	entries, err := view.ParseBundle(raw, int(size-first), true)
	if err != nil {
		return err
	}
	for i, e := range entries {
		if view.LeafHash(e) != l.tree.Leaf(first+uint64(i)) {
			return fmt.Errorf("%w: entry %d has been altered", view.ErrRoot, first+uint64(i))
		}
	}
	return nil
}

// Checkpoint returns the newest published checkpoint: a signed note of C2SP
// tlog-checkpoint.
func (l *Log) Checkpoint(context.Context) ([]byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.refresh(); err != nil {
		return nil, err
	}
	return bytes.Clone(l.raw), nil
}

// Size returns the number of entries that the published checkpoint covers.
func (l *Log) Size() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.published.Size
}

// ProofFor returns the newest checkpoint and the proof that it extends the log's first
// oldSize entries, at most 64 hashes of 32 bytes. If the log has fewer, the error matches
// ErrRollback and the checkpoint is still given.
func (l *Log) ProofFor(oldSize uint64) (checkpoint []byte, proof [][]byte, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.refresh(); err != nil {
		return nil, nil, err
	}
	if oldSize > l.published.Size {
		return bytes.Clone(l.raw), nil, fmt.Errorf("%w: %s has %d entries, a proof from %d was asked for", ErrRollback, l.published.Origin, l.published.Size, oldSize)
	}
	proof, err = l.tree.Consistency(oldSize, l.published.Size)
	return bytes.Clone(l.raw), proof, err
}

// Close waits for calls of Append that are under way, stops, and lets others open the
// log. If ctx ends first, the log stays locked until the process ends, because its last
// entries may still be on their way to the disk.
func (l *Log) Close(ctx context.Context) error {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return nil
	}
	l.closed = true
	l.mu.Unlock()

	idle := make(chan struct{})
	go func() {
		l.appends.Wait()
		close(idle)
	}()
	select {
	case <-idle:
	case <-ctx.Done():
		l.end()
		return fmt.Errorf("transparency: close %s: %w", l.dir, context.Cause(ctx))
	}
	err := l.shutdown(ctx)
	l.end()
	if err != nil {
		return fmt.Errorf("transparency: close %s: %w", l.dir, err)
	}
	l.unlock()
	return nil
}

const (
	// checkpointInterval is the shortest that Tessera's POSIX driver accepts between two
	// checkpoints. An entry waits for it only if another was published just before.
	checkpointInterval = 100 * time.Millisecond
	// batchAge is how long an entry waits for others to be stored with it, and batchSize
	// how many.
	batchAge  = 2 * time.Millisecond
	batchSize = 256
	// pollInterval is how often a waiting Append looks at the checkpoint's file.
	pollInterval = 2 * time.Millisecond
	// clockCheck is after how long a wait looks whether the clock was set back.
	clockCheck = time.Second
)
