package watchlist

import (
	"errors"
	"fmt"
	"iter"
)

// Add enrols records at the end, all or none, and returns the new generation.
// It rewrites the last segment if that is not full: enrol many at once. Errors:
// ErrHandle, ErrDuplicate, ErrSchemeMismatch, ErrFull, ErrLocked.
func (w *Watchlist) Add(records []Record) (Generation, error) {
	return w.AddFrom(func(yield func(Record, error) bool) {
		for _, r := range records {
			if !yield(r, nil) {
				return
			}
		}
	})
}

// AddFrom is Add for more records than fit in memory. An error from records
// ends it, enrols nothing and is returned. Other writers are locked out until
// records ends.
func (w *Watchlist) AddFrom(records iter.Seq2[Record, error]) (Generation, error) {
	return w.update(func(tx *transaction) error {
		known, err := tx.old.allHandles()
		if err != nil {
			return err
		}
		if err := tx.keepForAdd(); err != nil {
			return err
		}
		for r, err := range records {
			if err != nil {
				return err
			}
			encoded, err := w.encode(r)
			if err != nil {
				return err
			}
			if _, ok := known[r.Handle]; ok {
				return fmt.Errorf("%w: %q", ErrDuplicate, r.Handle)
			}
			known[r.Handle] = 0
			if err := tx.add(r.Handle, encoded); err != nil {
				return err
			}
			tx.changed = true
		}
		return nil
	})
}

// Remove delists entries, all or none, and returns the new generation. The
// entries behind them move up. When it returns nil, no file of the watchlist
// contains the removed entries; see the package comment for what a device may
// keep. Errors: ErrNoSuchHandle, ErrDuplicate, ErrLocked, and ErrNotErased:
// if the generation with it is not zero the entries are delisted but on disk.
func (w *Watchlist) Remove(handles []string) (Generation, error) {
	return w.update(func(tx *transaction) error {
		known, err := tx.old.allHandles()
		if err != nil {
			return err
		}
		remove := make(map[string]bool, len(handles))
		affected := make([]bool, len(tx.old.Segments))
		for _, handle := range handles {
			i, ok := known[handle]
			if !ok {
				return fmt.Errorf("%w: %q", ErrNoSuchHandle, handle)
			}
			if remove[handle] {
				return fmt.Errorf("%w: %q is given twice", ErrDuplicate, handle)
			}
			remove[handle], affected[i], tx.changed = true, true, true
		}
		return tx.rewrite(affected, remove)
	})
}

// Sweep deletes what killed writers left behind, in particular old segments
// with entries that were being removed. Every writer does so first; a program
// that only reads does it at start-up.
func (w *Watchlist) Sweep() error {
	_, err := w.update(func(*transaction) error { return nil })
	return err
}

// encode checks one record and gives the template's canonical bytes.
func (w *Watchlist) encode(r Record) ([]byte, error) {
	if err := CheckHandle(r.Handle); err != nil {
		return nil, err
	}
	if err := w.meta.Scheme.Check(r.Template); err != nil {
		return nil, fmt.Errorf("%w: template of %q: %w", ErrSchemeMismatch, r.Handle, err)
	}
	encoded, err := w.meta.Scheme.EncodePadded(r.Template)
	if err != nil {
		return nil, fmt.Errorf("template of %q: %w", r.Handle, err)
	}
	return encoded, nil
}

// allHandles maps every handle to the number of its segment.
func (s *snapshot) allHandles() (map[string]int, error) {
	all := make(map[string]int, s.Total)
	for i, ref := range s.Segments {
		handles, err := s.handles(i)
		if err != nil {
			return nil, err
		}
		for _, handle := range handles {
			if _, ok := all[handle]; ok {
				return nil, s.w.corrupt(ref.File, errors.New("it repeats a handle"))
			}
			all[handle] = i
		}
	}
	return all, nil
}
