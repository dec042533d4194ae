package transparency

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/transparency-dev/tessera"
	"github.com/transparency-dev/tessera/api/layout"

	"github.com/puente-project/puente/protocol/transparency/view"
)

// pending is an entry on its way into the log.
type pending struct {
	done  chan struct{} // closed when the rest is set
	index uint64
	err   error
}

// Append adds an entry of 1 to MaxEntry bytes and returns its index, once it is stored
// and covered by a published checkpoint; the package comment says what that means. If
// the log has the entry already, Append returns the index that it has. When ctx ends
// first, the entry may still get into the log, and appending it again finds out. Errors
// match ErrEntry, ErrClosed, or the error of ctx; ErrRollback and ErrFork mean that the
// storage contradicts what was signed.
func (l *Log) Append(ctx context.Context, entry []byte) (index uint64, err error) {
	if len(entry) == 0 || len(entry) > MaxEntry {
		return 0, fmt.Errorf("%w: %d bytes, allowed are 1 to %d", ErrEntry, len(entry), MaxEntry)
	}
	p, err := l.begin(entry)
	if err != nil {
		return 0, err
	}
	select {
	case <-p.done:
		return p.index, p.err
	case <-ctx.Done():
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	err = fmt.Errorf("transparency: the entry is not published yet: %w", context.Cause(ctx))
	if l.trouble != nil {
		err = fmt.Errorf("%w; the last attempt failed: %w", err, l.trouble)
	}
	return 0, err
}

// begin gives what is known of the entry, or starts appending it.
func (l *Log) begin(entry []byte) (*pending, error) {
	leaf := view.LeafHash(entry)
	l.mu.Lock()
	defer l.mu.Unlock()
	if p, ok := l.pending[leaf]; ok {
		return p, nil
	}
	p := &pending{done: make(chan struct{})}
	if i, ok := l.index[leaf]; ok && i < l.published.Size {
		p.index = i
		close(p.done)
		return p, nil
	}
	if l.closed {
		return nil, ErrClosed
	}
	if l.fault != nil {
		return nil, l.fault
	}
	l.pending[leaf] = p
	l.appends.Add(1)
	go l.finish(p, leaf, tessera.NewEntry(bytes.Clone(entry)))
	return p, nil
}

// finish sees an entry through to a published checkpoint.
func (l *Log) finish(p *pending, leaf view.Hash, entry *tessera.Entry) {
	defer l.appends.Done()
	type result struct {
		tessera.Index
		error
	}
	stored := make(chan result, 1)
	go func() {
		i, err := l.appender.Add(l.ended, entry)()
		stored <- result{i, err}
	}()
	var r result
	select {
	case r = <-stored:
	case <-l.ended.Done(): // Tessera no longer answers
		r.error = ErrClosed
	}
	if r.error == nil {
		r.error = l.await(l.ended, r.Index.Index+1)
	}
	if r.error == nil {
		r.error = l.has(leaf, r.Index.Index)
	}
	if p.index, p.err = r.Index.Index, r.error; p.err != nil {
		p.err = fmt.Errorf("transparency: append: %w", p.err)
	}
	l.mu.Lock()
	delete(l.pending, leaf)
	l.mu.Unlock()
	close(p.done)
}

// has checks that the published tree has the entry where Tessera says it has put it. It
// has not if Tessera's state was exchanged for an older one in the meantime.
func (l *Log) has(leaf view.Hash, index uint64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fault == nil && l.tree.Leaf(index) != leaf {
		l.fault = fmt.Errorf("%w: entry %d was stored over one that has been signed", ErrFork, index)
	}
	return l.fault
}

// Contains reports whether the published log has the entry, and at which index. An entry
// whose Append has not returned may come later.
func (l *Log) Contains(_ context.Context, entry []byte) (index uint64, found bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.refresh(); err != nil {
		return 0, false, err
	}
	i, ok := l.index[view.LeafHash(entry)]
	return i, ok && i < l.published.Size, nil
}

// await returns when a published checkpoint covers size entries.
func (l *Log) await(ctx context.Context, size uint64) error {
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	clock := time.Now().Add(clockCheck)
	for {
		l.mu.Lock()
		err := l.refresh()
		if err == nil {
			err = l.fault
		}
		published := l.raw != nil && l.published.Size >= size
		l.mu.Unlock()
		if err != nil || published {
			return err
		}
		if time.Now().After(clock) {
			l.setBack()
			clock = time.Now().Add(clockCheck)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// setBack lets Tessera publish after the clock was set back: it takes the time since the
// last checkpoint from that file's modification time, and waits until it has passed.
func (l *Log) setBack() {
	path := filepath.Join(l.dir, layout.CheckpointPath)
	now := time.Now()
	if info, err := os.Stat(path); err == nil && info.ModTime().After(now) {
		_ = os.Chtimes(path, now, now)
	}
}
