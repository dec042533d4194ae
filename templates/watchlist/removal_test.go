package watchlist

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/puente-project/puente/templates"
)

// TestSmallSegmentsAreMerged: many removals do not leave many segments.
func TestSmallSegmentsAreMerged(t *testing.T) {
	w := newList(t)
	all := records(w.Meta().Scheme, "a", 0, 20*testFull)
	mustAdd(t, w, all)
	var left []string
	for i, r := range all {
		if i%testFull == 3 {
			left = append(left, r.Handle)
		}
	}
	for chunk := range slices.Chunk(all, testFull) {
		var gone []string
		for _, r := range chunk {
			if !slices.Contains(left, r.Handle) {
				gone = append(gone, r.Handle)
			}
		}
		if _, err := w.Remove(gone); err != nil {
			t.Fatal(err)
		}
	}
	check(t, w, left)
	if n := len(segments(t, w)); n > 5 {
		t.Errorf("%d segments for %d entries of %d each", n, len(left), testFull)
	}
}

// TestRemovalErases decrypts all that is left in the directory.
func TestRemovalErases(t *testing.T) {
	w := newList(t)
	s := w.Meta().Scheme
	all := records(s, "secret", 0, 30)
	mustAdd(t, w, all)
	var before [][]byte
	for _, name := range segments(t, w) {
		raw, err := os.ReadFile(w.path(name))
		if err != nil {
			t.Fatal(err)
		}
		before = append(before, raw)
	}
	gone := all[13]
	needle, err := templates.EncodeBinary(gone.Template)
	if err != nil {
		t.Fatal(err)
	}
	holds := func() bool { // whether any file decrypts to the handle or the template
		for _, name := range files(t, w.dir) {
			raw, err := os.ReadFile(w.path(name))
			if err != nil {
				t.Fatal(err)
			}
			plain := raw
			if strings.HasSuffix(name, segmentSuffix) {
				h, err := parseHeader(raw[:headerSize])
				if err != nil {
					t.Fatal(err)
				}
				aead := w.keys.aead(h.id)
				split := headerSize + sealOverhead + h.handleLen
				a, err := aead.Open(nil, nil, raw[headerSize:split], h.associated(handlesBlock, w.keys.list, s.String()))
				if err != nil {
					t.Fatal(err)
				}
				b, err := aead.Open(nil, nil, raw[split:], h.associated(templatesBlock, w.keys.list, s.String()))
				if err != nil {
					t.Fatal(err)
				}
				plain = slices.Concat(a, b)
			}
			if bytes.Contains(plain, []byte(gone.Handle)) || bytes.Contains(plain, needle) {
				return true
			}
		}
		return false
	}
	if !holds() {
		t.Fatal("the test does not find an entry that is there")
	}
	if _, err := w.Remove([]string{gone.Handle}); err != nil {
		t.Fatal(err)
	}
	if holds() {
		t.Error("the removed entry is still on disk")
	}
	check(t, w, handlesOf(slices.Concat(all[:13], all[14:])))

	// Nothing is ever in clear, nor is one ciphertext used twice.
	for _, raw := range before {
		for _, r := range all {
			encoded, _ := templates.EncodeBinary(r.Template)
			if bytes.Contains(raw, []byte(r.Handle)) || bytes.Contains(raw, encoded[9:]) {
				t.Fatalf("%s is readable in a segment", r.Handle)
			}
		}
	}
}

func TestErasureFailureIsReported(t *testing.T) {
	w := newList(t)
	mustAdd(t, w, records(w.Meta().Scheme, "a", 0, 3))
	// A directory that bears a segment's name cannot be removed while it has a child.
	stuck := w.path(segmentFile(newID()))
	w.fault = func(point string) error {
		if point == "segments written" {
			return os.MkdirAll(filepath.Join(stuck, "x"), 0o700)
		}
		return nil
	}
	gen, err := w.Remove([]string{"a-1"})
	if !errors.Is(err, ErrNotErased) || gen.Epoch != 3 || !strings.Contains(err.Error(), stuck) {
		t.Fatalf("Remove: %v, %v; want epoch 3 and ErrNotErased naming %s", gen, err, stuck)
	}
	if err := w.Sweep(); !errors.Is(err, ErrNotErased) {
		t.Fatalf("Sweep: %v, want ErrNotErased", err)
	}
	if err := os.RemoveAll(stuck); err != nil {
		t.Fatal(err)
	}
	if err := w.Sweep(); err != nil {
		t.Fatal(err)
	}
	check(t, w, []string{"a-0", "a-2"})
}

func TestSweepSparesForeignFiles(t *testing.T) {
	w := newList(t)
	seg := segmentFile(newID())
	for _, name := range []string{"notes", "x.seg", ".hidden", seg + "1", "." + seg, "." + seg + "1x", ".manifest.json", "manifest.json1"} {
		if ours(name) {
			t.Errorf("%q would be deleted", name)
		}
	}
	for _, name := range []string{seg, "." + seg + "123", ".manifest.json9"} {
		if !ours(name) {
			t.Errorf("%q would stay", name)
		}
		if err := os.WriteFile(w.path(name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Sweep(); err != nil {
		t.Fatal(err)
	}
	check(t, w, nil)
}
