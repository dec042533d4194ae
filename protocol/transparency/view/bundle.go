package view

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strconv"

	"github.com/transparency-dev/tessera/api/layout"
)

// ParseBundle takes a bundle of entries apart: for each a length of two bytes, big-endian,
// and its bytes. A partial bundle may be read from a larger one, which begins with the
// same entries, so what follows the first count entries is ignored if more is true. The
// entries are slices of b. Errors match ErrTile.
func ParseBundle(b []byte, count int, more bool) ([][]byte, error) {
	entries := make([][]byte, 0, min(count, tileWidth))
	for range count {
		if len(b) < 2 || len(b)-2 < int(binary.BigEndian.Uint16(b)) {
			return nil, fmt.Errorf("%w: a bundle ends in entry %d of %d", ErrTile, len(entries), count)
		}
		n := 2 + int(binary.BigEndian.Uint16(b))
		entries = append(entries, b[2:n:n])
		b = b[n:]
	}
	if len(b) > 0 && !more {
		return nil, fmt.Errorf("%w: %d bytes follow the %d entries of a bundle", ErrTile, len(b), count)
	}
	return entries, nil
}

// files reads a log's folder and nothing outside of it.
type files struct{ root *os.Root }

// bundle reads the first count entries of the bundle at index.
func (f files) bundle(index uint64, count int) ([][]byte, error) {
	name, more, err := f.find(func(p uint8) string { return layout.EntriesPath(index, p) }, count)
	if err != nil {
		return nil, err
	}
	b, err := f.read(name, maxBundle)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrTile, err)
	}
	entries, err := ParseBundle(b, count, more)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return entries, nil
}

// tile reads the first count hashes of a tile, and gives its name.
func (f files) tile(level, index uint64, count int) ([]byte, string, error) {
	name, more, err := f.find(func(p uint8) string { return layout.TilePath(level, index, p) }, count)
	if err != nil {
		return nil, "", err
	}
	b, err := f.read(name, maxTile)
	if err != nil {
		return nil, "", fmt.Errorf("%w: %w", ErrTile, err)
	}
	if len(b) < count*hashSize || len(b)%hashSize != 0 || (len(b) > count*hashSize && !more) {
		return nil, "", fmt.Errorf("%w: %s: %d bytes for %d hashes", ErrTile, name, len(b), count)
	}
	return b[:count*hashSize], name, nil
}

// find names the file that holds the first count items: the partial file of exactly so
// many, the full one, or a larger partial one. The latter two, for which more is true,
// occur in a copy that was made while the log was growing.
func (f files) find(name func(partial uint8) string, count int) (_ string, more bool, err error) {
	full := name(0)
	if count == tileWidth {
		return full, false, nil
	}
	if exact := name(uint8(count)); f.exists(exact) {
		return exact, false, nil
	}
	if f.exists(full) {
		return full, true, nil
	}
	folder := path.Dir(name(uint8(count)))
	larger := tileWidth
	if d, err := f.root.Open(folder); err == nil {
		names, _ := d.Readdirnames(4 * tileWidth)
		d.Close()
		for _, s := range names {
			if n, err := strconv.Atoi(s); err == nil && n > count && n < larger && strconv.Itoa(n) == s {
				larger = n
			}
		}
	}
	if larger == tileWidth {
		return "", false, fmt.Errorf("%w: %s is missing", ErrTile, name(uint8(count)))
	}
	return name(uint8(larger)), true, nil
}

func (f files) exists(name string) bool {
	_, err := f.root.Lstat(name)
	return err == nil
}

// read gives a regular file of at most limit bytes. Anything else, a pipe for example,
// could block or never end.
func (f files) read(name string, limit int64) ([]byte, error) {
	info, err := f.root.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%s is missing: %w", name, fs.ErrNotExist)
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is not a regular file", name)
	case info.Size() > limit:
		return nil, fmt.Errorf("%s has %d bytes, at most %d are possible", name, info.Size(), limit)
	}
	file, err := f.root.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	b := make([]byte, info.Size())
	if _, err := io.ReadFull(file, b); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return b, nil
}
