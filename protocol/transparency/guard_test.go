package transparency

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/puente-project/puente/protocol/transparency/view"
)

func TestConcurrentAppends(t *testing.T) {
	a, dir := newAgency(t, "cl"), filepath.Join(t.TempDir(), "log")
	l := a.open(t, dir)
	entries := numbered("session", 0, 600)
	appendAll(t, l, append(entries, entries[:100]...)...) // some twice, at the same time
	v := checkFolder(t, a, dir)
	seen := map[string]int{}
	for _, e := range v.Entries() {
		seen[string(e)]++
	}
	for _, e := range entries {
		if seen[e] != 1 {
			t.Errorf("%q is %d times in the log", e, seen[e])
		}
	}
	if v.Size() != 600 {
		t.Errorf("%d entries, want 600", v.Size())
	}
}

// TestPrune: what one entry at a time leaves behind is bounded, and still verifies.
func TestPrune(t *testing.T) {
	a, dir := newAgency(t, "cl"), filepath.Join(t.TempDir(), "log")
	l := a.open(t, dir)
	for _, e := range numbered("session", 0, 24) {
		appendAll(t, l, e)
	}
	for _, folder := range []string{"tile/entries/000.p", "tile/0/000.p"} {
		files, err := os.ReadDir(filepath.Join(dir, folder))
		if err != nil || len(files) > keepPartials+2 {
			t.Errorf("%s: %d files, %v", folder, len(files), err)
		}
	}
	checkFolder(t, a, dir)
}

func TestLocked(t *testing.T) {
	a, dir := newAgency(t, "cl"), filepath.Join(t.TempDir(), "log")
	l := a.open(t, dir)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := Open(ctx, dir, a.options); !errors.Is(err, ErrLocked) {
		t.Errorf("a second Open: %v, want ErrLocked", err)
	}
	closeLog(t, l)
	a.open(t, dir)
}

func TestOpenOptions(t *testing.T) {
	a, b := newAgency(t, "cl"), newAgency(t, "us")
	partner := Partner{Name: "us", Dir: t.TempDir(), Log: b.logKey, Witness: b.witness}
	noKey := partner
	noKey.Witness = nil
	for name, change := range map[string]func(*Options){
		"no signer":            func(o *Options) { o.Signer = nil },
		"other origin":         func(o *Options) { o.Origin = "puente/us" },
		"verifier of another":  func(o *Options) { o.Verifier = b.logKey },
		"partner without key":  func(o *Options) { o.Partners = []Partner{noKey} },
		"partner listed twice": func(o *Options) { o.Partners = []Partner{partner, partner} },
	} {
		o := a.options
		change(&o)
		if _, err := Open(t.Context(), filepath.Join(t.TempDir(), "log"), o); err == nil {
			t.Errorf("%s: Open succeeds", name)
		}
	}
}

// copyDir is a backup.
func copyDir(t *testing.T, from, to string) {
	t.Helper()
	if err := os.RemoveAll(to); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("cp", "-a", from, to).CombinedOutput(); err != nil {
		t.Fatalf("cp: %v: %s", err, out)
	}
}

// TestRestoredState: parts of the folder come out of an old backup, or were altered. The
// log must not be opened, and above all must not sign anything.
func TestRestoredState(t *testing.T) {
	a := newAgency(t, "cl")
	base := t.TempDir()
	dir, old := filepath.Join(base, "log"), filepath.Join(base, "old")
	l := a.open(t, dir)
	appendAll(t, l, numbered("session", 0, 5)...)
	closeLog(t, l)
	copyDir(t, dir, old)
	l = a.open(t, dir)
	appendAll(t, l, numbered("session", 5, 9)...)
	closeLog(t, l)
	write := func(t *testing.T, path string, b []byte) {
		t.Helper()
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	read := func(t *testing.T, path string) []byte {
		t.Helper()
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for name, c := range map[string]struct {
		damage func(t *testing.T, dir string)
		want   error // nil: it heals
	}{
		"old state": {func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, ".state/treeState"), read(t, filepath.Join(old, ".state/treeState")))
		}, ErrRollback},
		"no state": {func(t *testing.T, dir string) {
			os.Remove(filepath.Join(dir, ".state/treeState"))
		}, ErrRollback},
		"old checkpoint": {func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, "checkpoint"), read(t, filepath.Join(old, "checkpoint")))
		}, nil},
		"no checkpoint": {func(t *testing.T, dir string) { os.Remove(filepath.Join(dir, "checkpoint")) }, nil},
		"no tiles":      {func(t *testing.T, dir string) { os.RemoveAll(filepath.Join(dir, "tile")) }, ErrRollback},
		"altered hash tile": {func(t *testing.T, dir string) {
			name := filepath.Join(dir, "tile/0/000.p/9")
			b := read(t, name)
			b[40] ^= 1
			write(t, name, b)
		}, ErrFork},
		"altered entry": {func(t *testing.T, dir string) {
			name := filepath.Join(dir, "tile/entries/000.p/9")
			b := read(t, name)
			b[3] ^= 1
			write(t, name, b)
		}, view.ErrRoot},
		"cut bundle": {func(t *testing.T, dir string) {
			name := filepath.Join(dir, "tile/entries/000.p/9")
			write(t, name, read(t, name)[:30])
		}, view.ErrTile},
		"altered signature": {func(t *testing.T, dir string) {
			name := filepath.Join(dir, "checkpoint")
			b := read(t, name)
			if i := len(b) - 10; b[i] == 'A' { // another digit of base64
				b[i] = 'B'
			} else {
				b[i] = 'A'
			}
			write(t, name, b)
		}, view.ErrSignature},
		"empty checkpoint": {func(t *testing.T, dir string) { write(t, filepath.Join(dir, "checkpoint"), nil) }, view.ErrCheckpoint},
	} {
		t.Run(name, func(t *testing.T) {
			damaged := filepath.Join(t.TempDir(), "log")
			copyDir(t, dir, damaged)
			c.damage(t, damaged)
			before, _ := os.ReadFile(filepath.Join(damaged, "checkpoint"))
			l, err := Open(t.Context(), damaged, a.options)
			if c.want == nil {
				if err != nil {
					t.Fatal(err)
				}
				appendAll(t, l, "next")
				closeLog(t, l)
				if v := checkFolder(t, a, damaged); v.Size() != 10 {
					t.Errorf("%d entries, want 10", v.Size())
				}
				return
			}
			if err == nil {
				closeLog(t, l)
			}
			if !errors.Is(err, c.want) {
				t.Errorf("Open: %v, want %v", err, c.want)
			}
			time.Sleep(3 * checkpointInterval / 2) // time enough to publish something
			if after, _ := os.ReadFile(filepath.Join(damaged, "checkpoint")); string(after) != string(before) {
				t.Errorf("a checkpoint was published:\n%s", after)
			}
		})
	}
}

// TestTamperedWhileOpen alters the storage under a running log.
func TestTamperedWhileOpen(t *testing.T) {
	a, dir := newAgency(t, "cl"), filepath.Join(t.TempDir(), "log")
	l := a.open(t, dir)
	appendAll(t, l, numbered("session", 0, 3)...)
	state := filepath.Join(dir, ".state/treeState")
	old, err := os.ReadFile(state)
	if err != nil {
		t.Fatal(err)
	}
	appendAll(t, l, numbered("session", 3, 6)...)
	if err := os.WriteFile(state, old, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if _, err := l.Append(ctx, []byte("on the wrong state")); !errors.Is(err, ErrRollback) && !errors.Is(err, ErrFork) {
		t.Errorf("append: %v, want ErrRollback or ErrFork", err)
	}
	if _, err := l.Append(ctx, []byte("another")); !errors.Is(err, ErrRollback) && !errors.Is(err, ErrFork) {
		t.Errorf("append afterwards: %v, want ErrRollback or ErrFork", err)
	}
	if c, err := l.Checkpoint(ctx); err != nil || !strings.Contains(string(c), "\n6\n") {
		t.Errorf("the published checkpoint is %q, %v", c, err)
	}
}

// TestClockSetBack: the modification time of the checkpoint lies in the future.
func TestClockSetBack(t *testing.T) {
	a, dir := newAgency(t, "cl"), filepath.Join(t.TempDir(), "log")
	l := a.open(t, dir)
	appendAll(t, l, "before")
	future := time.Now().Add(time.Hour)
	if err := os.Chtimes(filepath.Join(dir, "checkpoint"), future, future); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if at, err := l.Append(ctx, []byte("after")); err != nil || at != 1 {
		t.Errorf("append: %d, %v", at, err)
	}
}

// flaky is a signer that is not reachable for a while.
type flaky struct {
	note.Signer
	down atomic.Bool
}

func (f *flaky) Sign(b []byte) ([]byte, error) {
	if f.down.Load() {
		return nil, errors.New("the key store is sealed")
	}
	return f.Signer.Sign(b)
}

func TestSignerUnavailable(t *testing.T) {
	a, dir := newAgency(t, "cl"), filepath.Join(t.TempDir(), "log")
	signer := &flaky{Signer: a.options.Signer}
	a.options.Signer = signer
	l := a.open(t, dir)
	signer.down.Store(true)
	ctx, cancel := context.WithTimeout(t.Context(), 400*time.Millisecond)
	defer cancel()
	_, err := l.Append(ctx, []byte("entry"))
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(fmt.Sprint(err), "sealed") {
		t.Errorf("append: %v, want the deadline and the signer's error", err)
	}
	if _, found, err := l.Contains(t.Context(), []byte("entry")); err != nil || found {
		t.Errorf("Contains what is not published: %v, %v", found, err)
	}
	signer.down.Store(false)
	if at, err := l.Append(t.Context(), []byte("entry")); err != nil || at != 0 {
		t.Errorf("append again: %d, %v, want 0", at, err)
	}
	if v := a.view(t, dir); v.Size() != 1 {
		t.Errorf("%d entries, want 1", v.Size())
	}
}
