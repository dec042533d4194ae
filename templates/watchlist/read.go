package watchlist

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/puente-project/puente/templates"
)

// Each calls fn for every entry in slot order, holding one segment in memory,
// and returns the generation that the slots belong to. All entries are of that
// one generation, whatever writers do meanwhile. An error of fn ends the walk
// and is returned as it is. Before the whole walk has returned without an error
// a later segment may still prove corrupt. It holds one open file for each
// segment.
func (w *Watchlist) Each(fn func(slot int, r Record) error) (Generation, error) {
	s, err := w.snapshot()
	if err != nil {
		return Generation{}, err
	}
	defer s.close()
	slot := 0
	for i := range s.files {
		handles, encoded, err := s.segment(i)
		if err != nil {
			return Generation{}, err
		}
		for j, handle := range handles {
			t, err := w.decode(encoded[j])
			if err != nil {
				return Generation{}, w.corrupt(s.Segments[i].File, err)
			}
			if err := fn(slot, Record{Handle: handle, Template: t}); err != nil {
				return Generation{}, err
			}
			slot++
		}
	}
	return s.gen, nil
}

// Load returns all entries in slot order.
func (w *Watchlist) Load() ([]Record, Generation, error) {
	var all []Record
	gen, err := w.Each(func(_ int, r Record) error {
		all = append(all, r)
		return nil
	})
	if err != nil {
		return nil, Generation{}, err
	}
	return all, gen, nil
}

// Handles returns the handles in slot order. It does not read the templates.
func (w *Watchlist) Handles() ([]string, Generation, error) {
	s, err := w.snapshot()
	if err != nil {
		return nil, Generation{}, err
	}
	defer s.close()
	var all []string
	for i := range s.files {
		handles, err := s.handles(i)
		if err != nil {
			return nil, Generation{}, err
		}
		all = append(all, handles...)
	}
	return all, s.gen, nil
}

// Stats are the sizes of a watchlist.
type Stats struct {
	Generation Generation
	Entries    int
	Segments   int
	Bytes      int64 // of the segment files
}

// Stats reads the sizes from the manifest.
func (w *Watchlist) Stats() (Stats, error) {
	m, gen, err := w.manifest()
	if err != nil {
		return Stats{}, err
	}
	stats := Stats{Generation: gen, Entries: m.Total, Segments: len(m.Segments)}
	for _, s := range m.Segments {
		stats.Bytes += s.Bytes
	}
	return stats, nil
}

// snapshot is a verified manifest and its segments, all open: a file that a
// writer deletes remains readable for who has it open.
type snapshot struct {
	manifest
	w     *Watchlist
	gen   Generation
	files []*os.File
}

func (w *Watchlist) snapshot() (*snapshot, error) {
	var missing error
	var tried Generation
	for range maxOpenAttempts {
		m, gen, err := w.manifest()
		if err != nil {
			return nil, err
		}
		if missing != nil && gen == tried {
			return nil, missing // nobody replaced the manifest: it is really gone
		}
		tried = gen
		s, err := w.openSegments(m, gen)
		if err == nil {
			return s, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		missing = err
	}
	return nil, missing
}

func (w *Watchlist) openSegments(m manifest, gen Generation) (*snapshot, error) {
	s := &snapshot{manifest: m, w: w, gen: gen}
	for _, ref := range m.Segments {
		f, err := os.Open(w.path(ref.File))
		if err != nil {
			s.close()
			if errors.Is(err, fs.ErrNotExist) {
				return nil, w.corrupt(ref.File, err)
			}
			return nil, fmt.Errorf("open watchlist segment: %w", err)
		}
		s.files = append(s.files, f)
	}
	return s, nil
}

func (s *snapshot) close() {
	for _, f := range s.files {
		f.Close()
	}
}

// segment reads, verifies and decrypts segment i.
func (s *snapshot) segment(i int) (handles []string, encoded [][]byte, err error) {
	ref := s.Segments[i]
	h, err := s.header(i)
	if err != nil {
		return nil, nil, err
	}
	raw := make([]byte, ref.Bytes)
	if err := s.readAt(i, raw, 0); err != nil {
		return nil, nil, err
	}
	sum := sha256.Sum256(raw)
	if hex.EncodeToString(sum[:]) != ref.SHA256 || !bytes.Equal(raw[:headerSize], h.encode()) {
		return nil, nil, s.w.corrupt(ref.File, errors.New("hash differs from the manifest's"))
	}
	split := headerSize + sealOverhead + h.handleLen
	handles, err = openHandles(s.w.keys, s.Scheme, h, raw[headerSize:split])
	if err != nil {
		return nil, nil, s.w.corrupt(ref.File, err)
	}
	encoded, err = openTemplates(s.w.keys, s.Scheme, h, raw[split:])
	if err != nil {
		return nil, nil, s.w.corrupt(ref.File, err)
	}
	return handles, encoded, nil
}

// handles reads, authenticates and decrypts the handles of segment i alone.
func (s *snapshot) handles(i int) ([]string, error) {
	h, err := s.header(i)
	if err != nil {
		return nil, err
	}
	raw := make([]byte, h.handleLen+sealOverhead)
	if err := s.readAt(i, raw, int64(headerSize)); err != nil {
		return nil, err
	}
	handles, err := openHandles(s.w.keys, s.Scheme, h, raw)
	if err != nil {
		return nil, s.w.corrupt(s.Segments[i].File, err)
	}
	return handles, nil
}

// header reads the header of segment i and compares it with the manifest.
func (s *snapshot) header(i int) (header, error) {
	ref := s.Segments[i]
	raw := make([]byte, headerSize)
	if err := s.readAt(i, raw, 0); err != nil {
		return header{}, err
	}
	h, err := parseHeader(raw)
	if err != nil {
		return header{}, s.w.corrupt(ref.File, err)
	}
	fi, err := s.files[i].Stat()
	if err != nil {
		return header{}, fmt.Errorf("watchlist segment: %w", err)
	}
	if segmentFile(h.id) != ref.File || h.count != ref.Count || h.fileSize(s.w.meta.Scheme.BinarySize()) != ref.Bytes || fi.Size() != ref.Bytes {
		return header{}, s.w.corrupt(ref.File, errors.New("size or name differs from the manifest's"))
	}
	return h, nil
}

func (s *snapshot) readAt(i int, buf []byte, offset int64) error {
	_, err := s.files[i].ReadAt(buf, offset)
	if errors.Is(err, io.EOF) {
		return s.w.corrupt(s.Segments[i].File, errors.New("truncated"))
	} else if err != nil {
		return fmt.Errorf("read watchlist segment: %w", err)
	}
	return nil
}

// decode reads one template and checks that it fits the scheme.
func (w *Watchlist) decode(encoded []byte) (templates.Template, error) {
	t, err := templates.DecodePadded(encoded)
	if err != nil {
		return nil, err
	}
	return t, w.meta.Scheme.Check(t)
}
