package watchlist

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/puente-project/puente/keys/durable"
)

// transaction is one change: the old state, and the new one as far as it is
// built. New segments are written as they fill up; nothing refers to them
// before the manifest is replaced.
type transaction struct {
	w        *Watchlist
	old      *snapshot
	segments []segmentRef // of the new state, in slot order
	total    int
	fill     content // the segment being filled, which follows segments
	written  []string
	changed  bool
}

// update runs change under the writers' lock and makes its result the new
// generation. If nothing changed it returns the current one.
func (w *Watchlist) update(change func(*transaction) error) (Generation, error) {
	unlock, err := w.lock()
	if err != nil {
		return Generation{}, err
	}
	defer unlock()
	old, err := w.snapshot()
	if err != nil {
		return Generation{}, err
	}
	defer old.close()
	if err := w.sweep(old.Segments); err != nil {
		return Generation{}, err
	}
	tx := &transaction{w: w, old: old}
	err = change(tx)
	if err == nil && tx.changed {
		err = tx.flush()
	}
	if err == nil && len(tx.segments) > MaxSegments {
		err = fmt.Errorf("%w: more than %d segments", ErrFull, MaxSegments)
	}
	if err != nil || !tx.changed {
		tx.discard()
		return old.gen, err
	}
	next := old.manifest
	next.Epoch++
	next.Segments, next.Total = tx.segments, tx.total
	if next.Segments == nil {
		next.Segments = []segmentRef{}
	}
	if err := w.at("segments written"); err != nil {
		return Generation{}, err
	}
	gen, err := w.writeManifest(next)
	if err != nil {
		// The new manifest may be in place (if only syncing the directory
		// failed), so the new segments must stay; the next writer decides.
		return Generation{}, err
	}
	if err := w.at("manifest replaced"); err != nil {
		return gen, err
	}
	return gen, w.sweep(next.Segments)
}

// keepForAdd takes the old segments over, the last one for filling up.
func (tx *transaction) keepForAdd() error {
	last := len(tx.old.Segments) - 1
	for i, ref := range tx.old.Segments {
		if i == last && ref.Count < tx.w.full {
			return tx.copy(i, nil)
		}
		tx.keep(ref)
	}
	return nil
}

// rewrite takes the old segments over without the removed entries. The affected
// ones are rewritten, and with them small neighbours, so that many removals do
// not leave many small segments.
func (tx *transaction) rewrite(affected []bool, remove map[string]bool) error {
	small := func(i int) bool { return tx.old.Segments[i].Count < tx.w.full/2 }
	for i := 0; i < len(affected); {
		// A run of segments to rewrite ends before one that is neither
		// affected nor small; it is kept if none in it is affected.
		end, any := i, false
		for end < len(affected) && (affected[end] || small(end)) {
			any = any || affected[end]
			end++
		}
		for ; i < end; i++ {
			if !any {
				tx.keep(tx.old.Segments[i])
			} else if err := tx.copy(i, remove); err != nil {
				return err
			}
		}
		if err := tx.flush(); err != nil {
			return err
		}
		if i < len(affected) {
			tx.keep(tx.old.Segments[i])
			i++
		}
	}
	return nil
}

// keep takes a segment over as it is.
func (tx *transaction) keep(ref segmentRef) {
	tx.segments = append(tx.segments, ref)
	tx.total += ref.Count
}

// copy adds the entries of old segment i, except those to remove.
func (tx *transaction) copy(i int, remove map[string]bool) error {
	handles, encoded, err := tx.old.segment(i)
	if err != nil {
		return err
	}
	for j, handle := range handles {
		if remove[handle] {
			continue
		}
		if err := tx.add(handle, encoded[j]); err != nil {
			return err
		}
	}
	return nil
}

// add appends an entry to the segment being filled, or to a new one.
func (tx *transaction) add(handle string, encoded []byte) error {
	if tx.total+tx.fill.count >= MaxEntries {
		return fmt.Errorf("%w: more than %d entries", ErrFull, MaxEntries)
	}
	if tx.fill.count >= tx.w.full {
		if err := tx.flush(); err != nil {
			return err
		}
	}
	tx.fill.add(handle, encoded)
	return nil
}

// flush writes the segment being filled, if it has any entries.
func (tx *transaction) flush() error {
	if tx.fill.count == 0 {
		return nil
	}
	segment, raw := tx.fill.seal(tx.w.keys, tx.old.Scheme)
	sum := sha256.Sum256(raw)
	ref := segmentRef{File: segmentFile(segment), Count: tx.fill.count, Bytes: int64(len(raw)), SHA256: hex.EncodeToString(sum[:])}
	tx.written = append(tx.written, ref.File)
	err := durable.Replace(tx.w.path(ref.File), func(out io.Writer) error {
		if _, err := out.Write(raw[:len(raw)/2]); err != nil {
			return err
		}
		if err := tx.w.at("segment half written"); err != nil {
			return err
		}
		_, err := out.Write(raw[len(raw)/2:])
		return err
	})
	if err != nil {
		return fmt.Errorf("write watchlist segment: %w", err)
	}
	tx.fill = content{handles: tx.fill.handles[:0], templates: tx.fill.templates[:0]}
	tx.keep(ref)
	return nil
}

// discard deletes the new segments of a change that did not happen. What it
// fails to delete the next writer sweeps.
func (tx *transaction) discard() {
	for _, file := range tx.written {
		os.Remove(tx.w.path(file))
	}
}

// sweep deletes all segments but those listed, and all temporary files. Files
// that are not of this package's making are left alone. The caller holds the lock.
func (w *Watchlist) sweep(listed []segmentRef) error {
	keep := make(map[string]bool, len(listed))
	for _, ref := range listed {
		keep[ref.File] = true
	}
	entries, err := os.ReadDir(w.dir)
	if err != nil {
		return fmt.Errorf("sweep watchlist: %w", err)
	}
	removed := false
	for _, e := range entries {
		name := e.Name()
		if keep[name] || !ours(name) {
			continue
		}
		if removed {
			if err := w.at("some old files removed"); err != nil {
				return err
			}
		}
		if err := os.Remove(w.path(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%w: %w; remove the cause and sweep again", ErrNotErased, err)
		}
		removed = true
	}
	if !removed {
		return nil
	}
	if err := durable.SyncDir(w.dir); err != nil {
		return fmt.Errorf("%w: %w", ErrNotErased, err)
	}
	return nil
}

// ours reports whether name is that of a segment or of a temporary file.
func ours(name string) bool {
	if _, ok := segmentID(name); ok || durable.IsTemp(name, manifestFile) {
		return true
	}
	// ".<segment name><decimal number>"
	file, number, ok := strings.Cut(strings.TrimPrefix(name, "."), segmentSuffix)
	file += segmentSuffix
	_, isSegment := segmentID(file)
	return ok && isSegment && durable.IsTemp("."+file+number, file) && name[0] == '.'
}
