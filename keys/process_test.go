package keys

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

func contextSoon(t *testing.T) (context.Context, context.CancelFunc) {
	return context.WithTimeout(t.Context(), 30*time.Millisecond)
}

// The test binary runs itself with these set, to be a second process.
const (
	childRole = "PUENTE_TEST_ROLE" // "create" or "crash"
	childPath = "PUENTE_TEST_PATH"
	childName = "PUENTE_TEST_NAME"
)

func TestMain(m *testing.M) {
	if role := os.Getenv(childRole); role != "" {
		if err := child(role); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func child(role string) error {
	s, err := Open(os.Getenv(childPath), testPassphrase("correct horse"))
	if err != nil {
		return err
	}
	if role == "crash" {
		s.fault = func() error {
			return syscall.Kill(os.Getpid(), syscall.SIGKILL)
		}
	}
	for i := range 5 {
		if err := s.Create(context.Background(), fmt.Sprintf("%s/%d", os.Getenv(childName), i)); err != nil {
			return err
		}
		// Everybody wants this one; one gets it.
		if err := s.Create(context.Background(), fmt.Sprintf("shared/%d", i)); err != nil && !errors.Is(err, ErrExists) {
			return err
		}
	}
	return nil
}

func startChild(t *testing.T, role, path, name string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), childRole+"="+role, childPath+"="+path, childName+"="+name)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd
}

func TestConcurrentCreate(t *testing.T) {
	u := testPassphrase("correct horse")
	s, path := newStore(t, u)
	var children []*exec.Cmd
	for i := range 3 {
		children = append(children, startChild(t, "create", path, fmt.Sprintf("process-%d", i)))
	}
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			if err := s.Create(t.Context(), fmt.Sprintf("goroutine-%d", i)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, c := range children {
		if err := c.Wait(); err != nil {
			t.Errorf("child process: %v", err)
		}
	}
	names, err := s.Names(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if want := 3*5 + 5 + 4; len(names) != want {
		t.Errorf("%d seeds survive, want %d: %q", len(names), want, names)
	}
}

// TestKilledWhileWriting kills a process between the two halves of its write.
func TestKilledWhileWriting(t *testing.T) {
	u := testPassphrase("correct horse")
	s, path := newStore(t, u, "a")
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	temps := func() (n int) {
		entries, _ := os.ReadDir(filepath.Dir(path))
		for _, e := range entries {
			if strings.HasPrefix(e.Name(), ".") {
				n++
			}
		}
		return n
	}
	if err := startChild(t, "crash", path, "b").Wait(); err == nil {
		t.Fatal("the child survived")
	}
	if temps() != 1 {
		t.Fatalf("%d temporary files after the crash, want 1: the test does not crash where it should", temps())
	}
	after, err := os.ReadFile(path)
	if err != nil || string(after) != string(before) {
		t.Fatalf("the key file changed: %v", err)
	}
	if err := s.Create(t.Context(), "b"); err != nil {
		t.Fatalf("Create after the crash: %v", err)
	}
	if temps() != 0 {
		t.Error("the temporary file was not swept")
	}
}

// TestFailedWrite: an error while writing (a full disk) changes nothing.
func TestFailedWrite(t *testing.T) {
	s, path := newStore(t, testIdentity(t, false), "a")
	full := errors.New("disk full")
	s.fault = func() error { return full }
	if err := s.Create(t.Context(), "b"); !errors.Is(err, full) {
		t.Fatalf("Create: %v, want the cause", err)
	}
	s.fault = nil
	for _, store := range []*FileStore{s, mustOpen(t, path, s.unlock)} {
		if _, err := store.Seed(t.Context(), "b"); !errors.Is(err, ErrNotFound) {
			t.Errorf("a seed that is not on disk: %v", err)
		}
	}
	if err := s.Create(t.Context(), "b"); err != nil {
		t.Error(err)
	}
}

func mustOpen(t *testing.T, path string, u Unlock) *FileStore {
	t.Helper()
	s, err := Open(path, u)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
