package durable

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestReplace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	put := func(s string, fail error) error {
		return Replace(path, func(w io.Writer) error {
			if _, err := io.WriteString(w, s); err != nil {
				return err
			}
			return fail
		})
	}
	boom := errors.New("boom")
	for _, step := range []struct {
		content string
		fail    error
		want    string
	}{
		{"one", nil, "one"},
		{"two", boom, "one"},
		{"three", nil, "three"},
	} {
		if err := put(step.content, step.fail); !errors.Is(err, step.fail) {
			t.Fatalf("Replace: %v, want %v", err, step.fail)
		}
		got, err := os.ReadFile(path)
		if err != nil || string(got) != step.want {
			t.Fatalf("content %q, %v; want %q", got, err, step.want)
		}
	}
	fi, err := os.Stat(path)
	if err != nil || fi.Mode().Perm() != 0o600 {
		t.Fatalf("mode %v, %v; want 0600", fi.Mode(), err)
	}
	if entries, _ := os.ReadDir(filepath.Dir(path)); len(entries) != 1 {
		t.Fatalf("%d entries in the directory, want the file alone", len(entries))
	}
}

func TestSweepTemp(t *testing.T) {
	dir := t.TempDir()
	keep := []string{"f", "f1", ".f", ".fx1", ".f1x", ".g1", "1"}
	for _, name := range append([]string{".f1", ".f98765432109"}, keep...) {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := SweepTemp(filepath.Join(dir, "f")); err != nil {
		t.Fatal(err)
	}
	for _, name := range keep {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Errorf("%s: %v, want it kept", name, err)
		}
	}
	if entries, _ := os.ReadDir(dir); len(entries) != len(keep) {
		t.Errorf("%d entries left, want %d", len(entries), len(keep))
	}
}

func TestLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	unlock, err := Lock(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := Lock(ctx, path); !errors.Is(err, ErrLocked) {
		t.Fatalf("second lock: %v, want ErrLocked", err)
	}
	got := make(chan error)
	go func() {
		unlock, err := Lock(t.Context(), path)
		if err == nil {
			unlock()
		}
		got <- err
	}()
	unlock()
	if err := <-got; err != nil {
		t.Fatalf("lock after unlock: %v", err)
	}
}

func TestLockRefusesSymlink(t *testing.T) {
	dir := t.TempDir()
	link := filepath.Join(dir, "lock")
	if err := os.Symlink(filepath.Join(dir, "elsewhere"), link); err != nil {
		t.Fatal(err)
	}
	if unlock, err := Lock(t.Context(), link); err == nil {
		unlock()
		t.Fatal("Lock followed a symbolic link")
	}
}
