package transparency

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"github.com/transparency-dev/tessera/api/layout"

	"github.com/puente-project/puente/protocol/transparency/view"
)

// guard is the signer that Tessera sees. It signs nothing that contradicts what has been
// signed before.
type guard struct{ log *Log }

func (g *guard) Name() string    { return g.log.signer.Name() }
func (g *guard) KeyHash() uint32 { return g.log.signer.KeyHash() }

func (g *guard) Sign(text []byte) ([]byte, error) {
	l := g.log
	c, err := view.ParseText(string(text))
	if err == nil {
		l.mu.Lock()
		err = l.mayFollow(c)
		l.mu.Unlock()
	}
	var sig []byte
	if err == nil {
		sig, err = l.signer.Sign(text) // may take its time
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.trouble = err; err != nil {
		return nil, err
	}
	l.signed = c
	return sig, nil
}

// mayFollow decides whether the checkpoint may be signed after all that have been. An
// answer of no is final: the storage is not what it was.
func (l *Log) mayFollow(c view.Checkpoint) error {
	if l.fault != nil {
		return l.fault
	}
	if c.Size < l.signed.Size {
		l.fault = fmt.Errorf("%w: %d entries are stored and %d have been signed", ErrRollback, c.Size, l.signed.Size)
		return l.fault
	}
	if err := l.extend(c.Size); err != nil {
		return err
	}
	if err := l.covers(c); err != nil {
		l.fault = err
	}
	return l.fault
}

// faulty returns what the guard has found.
func (l *Log) faulty() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.fault
}

// extend reads leaf hashes from the tiles on disk until the tree has the given size.
func (l *Log) extend(size uint64) error {
	leaves, err := view.Leaves(l.dir, l.tree.Size(), size)
	if err != nil {
		return err
	}
	for _, h := range leaves {
		if _, twice := l.index[h]; !twice {
			l.index[h] = l.tree.Size()
		}
		l.tree.Append(h)
	}
	return nil
}

// covers compares a checkpoint with the tree, which has been extended to its size.
func (l *Log) covers(c view.Checkpoint) error {
	if root := l.tree.RootAt(c.Size); root != c.Root {
		return fmt.Errorf("%w: the first %d entries hash to %v, signed is %v", ErrFork, c.Size, root, c.Root)
	}
	return nil
}

// refresh takes notice of the checkpoint in the folder.
func (l *Log) refresh() error {
	raw, err := os.ReadFile(filepath.Join(l.dir, layout.CheckpointPath))
	if errors.Is(err, fs.ErrNotExist) {
		return nil // not yet
	}
	if err != nil {
		return err
	}
	if bytes.Equal(raw, l.raw) {
		return nil
	}
	c, err := view.OpenCheckpoint(raw, l.verifier)
	if err != nil {
		return err
	}
	if c.Size < l.published.Size {
		return fmt.Errorf("%w: the checkpoint in %s has been replaced by one of %d entries", ErrRollback, l.dir, c.Size)
	}
	if err := l.extend(c.Size); err != nil {
		return err
	}
	if err := l.covers(c); err != nil {
		return err
	}
	l.published, l.raw = c, raw
	return l.prune()
}

// keepPartials is how many partial tiles are kept at the edge of the log, for readers
// that hold a checkpoint which has been overtaken.
const keepPartials = 16

// prune removes partial bundles and tiles at the edge of the log that larger ones have
// replaced. With one entry at a time, the partial bundles of 256 entries of 10 KB would
// take 330 MB until the bundle is full and Tessera removes them.
func (l *Log) prune() error {
	at, count := l.published.Size/layout.EntryBundleWidth, int(l.published.Size%layout.EntryBundleWidth)
	if l.closed || count <= keepPartials {
		return nil
	}
	for _, folder := range []string{layout.EntriesPath(at, 0) + ".p", layout.TilePath(0, at, 0) + ".p"} {
		folder = filepath.Join(l.dir, folder)
		files, err := os.ReadDir(folder)
		if err != nil {
			return err
		}
		for _, f := range files {
			n, err := strconv.Atoi(f.Name())
			if err != nil || n >= count-keepPartials {
				continue
			}
			if err := os.Remove(filepath.Join(folder, f.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	return nil
}
