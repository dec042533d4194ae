package watchlist

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/puente-project/puente/templates"
)

var testKey = [32]byte{1, 2, 3}

// testFull makes tests use several segments for few entries.
const testFull = 8

func vectorScheme(t testing.TB, dims int) templates.Scheme {
	t.Helper()
	s, err := templates.NewVectorScheme(dims)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// newList makes an empty watchlist of 16-dimensional vectors.
func newList(t testing.TB) *Watchlist {
	t.Helper()
	w, err := Create(filepath.Join(t.TempDir(), "list"), Meta{Name: "test", Scheme: vectorScheme(t, 16)}, testKey)
	if err != nil {
		t.Fatal(err)
	}
	w.full = testFull
	return w
}

// reopen opens the directory of w as another process would.
func reopen(t testing.TB, w *Watchlist) *Watchlist {
	t.Helper()
	other, err := Open(w.dir, testKey)
	if err != nil {
		t.Fatal(err)
	}
	other.full = testFull
	return other
}

// vector returns the template that belongs to a handle, always the same.
func vector(s templates.Scheme, handle string) templates.Vector {
	seed := [32]byte{}
	copy(seed[:], handle)
	r := rand.New(rand.NewChaCha8(seed))
	coords := make([]int8, s.Dims)
	for i := range coords {
		coords[i] = int8(r.IntN(5) - 2)
	}
	return templates.Vector{Coords: coords, Norm: s.Norm}
}

// records returns entries called prefix-from to prefix-(to-1).
func records(s templates.Scheme, prefix string, from, to int) []Record {
	var all []Record
	for i := from; i < to; i++ {
		h := fmt.Sprintf("%s-%d", prefix, i)
		all = append(all, Record{Handle: h, Template: vector(s, h)})
	}
	return all
}

func handlesOf(records []Record) []string {
	var all []string
	for _, r := range records {
		all = append(all, r.Handle)
	}
	return all
}

// check is the invariant that must hold after every step: the watchlist has
// exactly these handles in this order, each with its own template, all ways of
// reading agree, and no file is there that the manifest does not list.
func check(t testing.TB, w *Watchlist, want []string) Generation {
	t.Helper()
	w = reopen(t, w)
	all, gen, err := w.Load()
	if err != nil {
		t.Fatalf("Load: %v", err)
	}
	if got := handlesOf(all); !slices.Equal(got, want) {
		t.Fatalf("handles %q, want %q", got, want)
	}
	for i, r := range all {
		if !templates.Equal(r.Template, vector(w.meta.Scheme, r.Handle)) {
			t.Fatalf("slot %d, %q: another template than enrolled", i, r.Handle)
		}
	}
	handles, gen2, err := w.Handles()
	if err != nil || gen2 != gen || !slices.Equal(handles, want) {
		t.Fatalf("Handles: %q at %v, %v; want %q at %v", handles, gen2, err, want, gen)
	}
	stats, err := w.Stats()
	if err != nil || stats.Generation != gen || stats.Entries != len(want) {
		t.Fatalf("Stats: %+v, %v", stats, err)
	}
	m, _, err := w.manifest()
	if err != nil {
		t.Fatal(err)
	}
	var listed, found []string
	var bytes int64
	for _, s := range m.Segments {
		listed = append(listed, s.File)
	}
	for _, name := range files(t, w.dir) {
		if name == manifestFile || name == lockFile {
			continue
		}
		found = append(found, name)
		fi, err := os.Stat(w.path(name))
		if err != nil {
			t.Fatal(err)
		}
		bytes += fi.Size()
		if fi.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v, want 0600", name, fi.Mode())
		}
	}
	slices.Sort(listed)
	if !slices.Equal(listed, found) {
		t.Fatalf("files %q, the manifest lists %q", found, listed)
	}
	if bytes != stats.Bytes || stats.Segments != len(found) {
		t.Fatalf("%d bytes in %d segments on disk, Stats says %+v", bytes, len(found), stats)
	}
	return gen
}

// files lists a directory in ascending order.
func files(t testing.TB, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// segments lists the segment files in slot order.
func segments(t testing.TB, w *Watchlist) []string {
	t.Helper()
	m, _, err := w.manifest()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, s := range m.Segments {
		names = append(names, s.File)
	}
	return names
}

func mustAdd(t testing.TB, w *Watchlist, r []Record) Generation {
	t.Helper()
	gen, err := w.Add(r)
	if err != nil {
		t.Fatal(err)
	}
	return gen
}

// temporaries lists what writes in progress leave.
func temporaries(t testing.TB, dir string) (n int) {
	for _, name := range files(t, dir) {
		if strings.HasPrefix(name, ".") {
			n++
		}
	}
	return n
}
