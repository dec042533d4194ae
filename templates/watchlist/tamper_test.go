package watchlist

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
)

// These tests play an attacker who can write the directory but has no key.
// Not covered, because it cannot be detected from the directory alone: the
// return of a whole older directory to a process that has not seen the newer.

// readAll uses every way of reading and returns the first error.
func readAll(w *Watchlist) error {
	_, _, err1 := w.Load()
	_, _, err2 := w.Handles()
	return errors.Join(err1, err2)
}

// tamper replaces a file for the duration of f.
func tamper(t *testing.T, path string, content []byte, f func()) {
	t.Helper()
	old, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	put := func(b []byte) {
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put(content)
	f()
	put(old)
}

// TestMutateEveryByte flips one bit in every byte of every file.
func TestMutateEveryByte(t *testing.T) {
	w := newList(t)
	mustAdd(t, w, records(w.Meta().Scheme, "a", 0, testFull+2))
	for _, name := range files(t, w.dir) {
		if name == lockFile {
			continue
		}
		good, err := os.ReadFile(w.path(name))
		if err != nil {
			t.Fatal(err)
		}
		fails := func(what string, bad []byte) {
			tamper(t, w.path(name), bad, func() {
				other, err := Open(w.dir, testKey)
				if err == nil {
					err = readAll(other)
				}
				if name == manifestFile && errors.Is(err, ErrWrongKey) {
					return // the id or the key check itself
				}
				if !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), name) {
					t.Errorf("%s: %s: %v, want ErrCorrupt naming the file", name, what, err)
				}
			})
		}
		for i := range good {
			bad := bytes.Clone(good)
			bad[i] ^= 1 << (i % 8)
			fails(fmt.Sprintf("byte %d", i), bad)
		}
		for n := 0; n < len(good); n += 1 + len(good)/64 {
			fails(fmt.Sprintf("cut to %d", n), good[:n])
		}
		fails("one byte more", append(bytes.Clone(good), 0))
	}
	check(t, w, handlesOf(records(w.Meta().Scheme, "a", 0, testFull+2)))
}

// TestHandleListDetectsTampering: Handles does not hash the file, the seal must do.
func TestHandleListDetectsTampering(t *testing.T) {
	w := newList(t)
	mustAdd(t, w, records(w.Meta().Scheme, "a", 0, 3))
	path := w.path(segments(t, w)[0])
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range []int{0, 8, 24, 28, headerSize, headerSize + 20} {
		bad := bytes.Clone(good)
		bad[i] ^= 1
		tamper(t, path, bad, func() {
			if _, _, err := w.Handles(); !errors.Is(err, ErrCorrupt) {
				t.Errorf("byte %d: %v, want ErrCorrupt", i, err)
			}
		})
	}
}

// TestSegmentMissing: a file that is gone without a new manifest.
func TestSegmentMissing(t *testing.T) {
	w := newList(t)
	mustAdd(t, w, records(w.Meta().Scheme, "a", 0, 20))
	name := segments(t, w)[1]
	if err := os.Remove(w.path(name)); err != nil {
		t.Fatal(err)
	}
	if err := readAll(w); !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), name) {
		t.Errorf("%v, want ErrCorrupt naming %s", err, name)
	}
	if _, err := w.Remove([]string{"a-0"}); !errors.Is(err, ErrCorrupt) {
		t.Errorf("Remove: %v, want ErrCorrupt", err)
	}
}

// TestSegmentOfAnotherList swaps in a segment sealed under the same data key.
func TestSegmentOfAnotherList(t *testing.T) {
	a, b := newList(t), newList(t)
	mustAdd(t, a, records(a.Meta().Scheme, "x", 0, 3))
	mustAdd(t, b, records(b.Meta().Scheme, "x", 0, 3))
	foreign, err := os.ReadFile(b.path(segments(t, b)[0]))
	if err != nil {
		t.Fatal(err)
	}
	h, err := parseHeader(foreign[:headerSize])
	if err != nil {
		t.Fatal(err)
	}
	if _, err := openHandles(a.keys, a.meta.Scheme.String(), h, bytes.Clone(foreign[headerSize:headerSize+sealOverhead+h.handleLen])); err == nil {
		t.Error("a segment of another list opens")
	}
	if _, err := openHandles(b.keys, "vector:16:norm=63:theta=1", h, bytes.Clone(foreign[headerSize:headerSize+sealOverhead+h.handleLen])); err == nil {
		t.Error("a segment opens under another scheme")
	}
	if _, err := openTemplates(b.keys, b.meta.Scheme.String(), h, bytes.Clone(foreign[headerSize:headerSize+sealOverhead+h.handleLen])); err == nil {
		t.Error("a handle block opens as a template block")
	}
	tamper(t, a.path(segments(t, a)[0]), foreign, func() {
		if err := readAll(a); !errors.Is(err, ErrCorrupt) {
			t.Errorf("swapped segment: %v, want ErrCorrupt", err)
		}
	})
}

// TestForgedManifest: well-formed changes by someone without the key.
func TestForgedManifest(t *testing.T) {
	w := newList(t)
	mustAdd(t, w, records(w.Meta().Scheme, "a", 0, 20))
	good, _, err := w.manifest()
	if err != nil {
		t.Fatal(err)
	}
	stranger := newSecrets([32]byte{7}, good.ID)
	for name, tc := range map[string]struct {
		change func(*manifest)
		want   error
	}{
		"epoch":             {func(m *manifest) { m.Epoch++ }, ErrCorrupt},
		"name":              {func(m *manifest) { m.Name = "other" }, ErrCorrupt},
		"looser threshold":  {func(m *manifest) { m.Scheme = "vector:16:norm=63:theta=1" }, ErrCorrupt},
		"segment dropped":   {func(m *manifest) { m.Total -= m.Segments[0].Count; m.Segments = m.Segments[1:] }, ErrCorrupt},
		"segments swapped":  {func(m *manifest) { m.Segments[0], m.Segments[1] = m.Segments[1], m.Segments[0] }, ErrCorrupt},
		"signed by another": {func(m *manifest) { *m = m.sign(stranger) }, ErrWrongKey},
		"signed, own check": {func(m *manifest) { c := m.KeyCheck; *m = m.sign(stranger); m.KeyCheck = c }, ErrCorrupt},
		"other id":          {func(m *manifest) { m.ID = newID() }, ErrWrongKey},
	} {
		m := good
		m.Segments = append([]segmentRef{}, good.Segments...)
		tc.change(&m)
		if _, err := parseManifest(m.encode()); err != nil {
			t.Errorf("%s: refused for its form, not for its MAC: %v", name, err)
		}
		tamper(t, w.path(manifestFile), m.encode(), func() {
			if _, err := Open(w.dir, testKey); !errors.Is(err, tc.want) {
				t.Errorf("%s: %v, want %v", name, err, tc.want)
			}
		})
	}
}

// TestRollback: old files come back.
func TestRollback(t *testing.T) {
	w := newList(t)
	s := w.Meta().Scheme
	mustAdd(t, w, records(s, "a", 0, 20))
	oldManifest, err := os.ReadFile(w.path(manifestFile))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Remove([]string{"a-3"}); err != nil {
		t.Fatal(err)
	}
	// An old manifest needs its old segments, which are gone; and a process
	// that has seen the newer one does not accept it even so.
	fresh := reopen(t, w)
	if err := readAll(fresh); err != nil {
		t.Fatal(err)
	}
	tamper(t, w.path(manifestFile), oldManifest, func() {
		if err := readAll(reopen(t, w)); !errors.Is(err, ErrCorrupt) {
			t.Errorf("old manifest alone: %v, want ErrCorrupt", err)
		}
		if _, err := fresh.Generation(); !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), "old copy") {
			t.Errorf("old manifest in a running process: %v, want ErrCorrupt", err)
		}
	})
	// A fork: another change that led to the same epoch.
	m, _, err := w.manifest()
	if err != nil {
		t.Fatal(err)
	}
	m.Segments, m.Total = m.Segments[:1], m.Segments[0].Count
	tamper(t, w.path(manifestFile), m.sign(w.keys).encode(), func() {
		if _, err := fresh.Changed(Generation{}); !errors.Is(err, ErrCorrupt) {
			t.Errorf("fork: %v, want ErrCorrupt", err)
		}
	})
}

// TestHashIsVerified: the manifest commits to the file's hash, which an auditor
// without the key relies on, even where the seal alone would be satisfied.
func TestHashIsVerified(t *testing.T) {
	w := newList(t)
	mustAdd(t, w, records(w.Meta().Scheme, "a", 0, 3))
	m, _, err := w.manifest()
	if err != nil {
		t.Fatal(err)
	}
	m.Epoch++
	m.Segments[0].SHA256 = strings.Repeat("0", 64)
	if _, err := w.writeManifest(m); err != nil {
		t.Fatal(err)
	}
	if _, _, err := w.Load(); !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), "hash") {
		t.Errorf("Load: %v, want ErrCorrupt for the hash", err)
	}
}

// TestHostileKeyHolder: even what is sealed with the right key is checked.
func TestHostileKeyHolder(t *testing.T) {
	one, two := append([]byte{1}, 'a'), append([]byte{1}, 'b')
	for name, tc := range map[string]struct {
		c    content
		want string
	}{
		"handle with a newline":   {content{1, []byte{1, '\n'}, make([]byte, 25)}, "does not print"},
		"no template":             {content{1, one, make([]byte, 25)}, "unreadable template"},
		"repeated handle":         {content{2, append(bytes.Clone(one), one...), make([]byte, 50)}, "repeats"},
		"handle longer than left": {content{2, append(bytes.Clone(one), 2, 'b'), make([]byte, 50)}, "truncated"},
		"template of other size":  {content{2, append(bytes.Clone(one), two...), make([]byte, 48)}, "size"},
	} {
		w := newList(t)
		segment, raw := tc.c.seal(w.keys, w.meta.Scheme.String())
		sum := sha256.Sum256(raw)
		m, _, err := w.manifest()
		if err != nil {
			t.Fatal(err)
		}
		m.Epoch, m.Total = 2, tc.c.count
		m.Segments = []segmentRef{{segmentFile(segment), tc.c.count, int64(len(raw)), hex.EncodeToString(sum[:])}}
		if err := os.WriteFile(w.path(segmentFile(segment)), raw, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := w.writeManifest(m); err != nil {
			t.Fatal(err)
		}
		_, err1 := w.Add(records(w.meta.Scheme, "n", 0, 1))
		err = errors.Join(readAll(w), err1)
		if !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want ErrCorrupt with %q", name, err, tc.want)
		}
	}
}
