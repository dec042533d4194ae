package watchlist

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// The test binary runs itself with these set, to be a second process.
const (
	childRole  = "PUENTE_TEST_ROLE"  // "add", "remove" or "write"
	childDir   = "PUENTE_TEST_DIR"   // of the watchlist
	childPoint = "PUENTE_TEST_POINT" // where to die, or the prefix of the handles
)

func TestMain(m *testing.M) {
	if role := os.Getenv(childRole); role != "" {
		if err := child(role, os.Getenv(childPoint)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	flag.Parse()
	explicit := false
	flag.Visit(func(f *flag.Flag) { explicit = explicit || f.Name == "rapid.checks" })
	if !explicit {
		flag.Set("rapid.checks", "12") // every step waits for the disk several times
	}
	os.Exit(m.Run())
}

// The change that dies: the list holds "old-0" to "old-19" in three segments.
var (
	crashOld     = 20
	crashRemoved = []string{"old-2", "old-9", "old-19"}
)

func child(role, point string) error {
	w, err := Open(os.Getenv(childDir), testKey)
	if err != nil {
		return err
	}
	w.full = testFull
	s := w.Meta().Scheme
	if role == "write" {
		for i := range 6 {
			r := records(s, point, 2*i, 2*i+2)
			if _, err := w.Add(r); err != nil {
				return err
			}
			if _, err := w.Remove([]string{r[0].Handle}); err != nil {
				return err
			}
		}
		return nil
	}
	w.fault = func(at string) error {
		if at == point {
			return syscall.Kill(os.Getpid(), syscall.SIGKILL)
		}
		return nil
	}
	if role == "add" {
		_, err = w.Add(records(s, "new", 0, 20))
	} else {
		_, err = w.Remove(crashRemoved)
	}
	return err
}

func startChild(t *testing.T, role, dir, point string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), childRole+"="+role, childDir+"="+dir, childPoint+"="+point)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd
}

// crashed makes the list before the change and the handles before and after it.
func crashed(t *testing.T, role string) (w *Watchlist, before, after []string) {
	w = newList(t)
	s := w.Meta().Scheme
	old := records(s, "old", 0, crashOld)
	mustAdd(t, w, old)
	before = handlesOf(old)
	if role == "add" {
		after = append(slices.Clone(before), handlesOf(records(s, "new", 0, 20))...)
	} else {
		after = slices.DeleteFunc(slices.Clone(before), func(h string) bool { return slices.Contains(crashRemoved, h) })
	}
	return w, before, after
}

var crashPoints = []struct {
	point string
	done  bool // whether the change has happened by then
}{
	{"segment half written", false},
	{"segments written", false},
	{"manifest half written", false},
	{"manifest replaced", true},
	{"some old files removed", true},
}

// TestKilled kills the writing process at every point that matters: readers see
// the old or the new list, and the next writer leaves no trace of the crash.
func TestKilled(t *testing.T) {
	for _, role := range []string{"add", "remove"} {
		for _, p := range crashPoints {
			if role == "add" && p.point == "some old files removed" {
				continue // an addition replaces one old file at most
			}
			t.Run(role+" "+p.point, func(t *testing.T) {
				w, want, after := crashed(t, role)
				if p.done {
					want = after
				}
				listed := segments(t, w)
				if err := startChild(t, role, w.dir, p.point).Wait(); err == nil {
					t.Fatal("the child survived: it never came to this point")
				}
				got, gen, err := reopen(t, w).Handles()
				if err != nil || !slices.Equal(got, want) {
					t.Fatalf("a reader sees %q, %v; want %q", got, err, want)
				}
				if all, _, err := reopen(t, w).Load(); err != nil || len(all) != len(want) {
					t.Fatalf("Load: %d entries, %v", len(all), err)
				}
				stale := 0
				for _, name := range files(t, w.dir) {
					if name != manifestFile && name != lockFile && !slices.Contains(segments(t, w), name) {
						stale++
					}
				}
				if stale == 0 {
					t.Fatalf("the crash left nothing behind: the test does not crash where it should (segments before: %q)", listed)
				}
				if strings.Contains(p.point, "half") && temporaries(t, w.dir) != 1 {
					t.Fatalf("%d temporary files, want 1", temporaries(t, w.dir))
				}
				if err := w.Sweep(); err != nil {
					t.Fatal(err)
				}
				if now := check(t, w, want); now != gen {
					t.Error("sweeping changed the generation")
				}
			})
		}
	}
}

// TestFailed lets every point return an error instead (a full disk): whatever
// is on disk afterwards is whole, and writing goes on.
func TestFailed(t *testing.T) {
	full := errors.New("disk full")
	for _, role := range []string{"add", "remove"} {
		for _, p := range crashPoints {
			w, want, after := crashed(t, role)
			if p.done {
				want = after
			}
			w.fault = func(at string) error {
				if at == p.point {
					return full
				}
				return nil
			}
			var err error
			if role == "add" {
				_, err = w.Add(records(w.Meta().Scheme, "new", 0, 20))
			} else {
				_, err = w.Remove(crashRemoved)
			}
			w.fault = nil
			if role == "add" && p.point == "some old files removed" {
				continue
			}
			if !errors.Is(err, full) {
				t.Fatalf("%s, %s: %v, want the cause", role, p.point, err)
			}
			more := records(w.Meta().Scheme, "more", 0, 1)
			mustAdd(t, w, more)
			check(t, w, append(want, more[0].Handle))
		}
	}
}

// TestTwoWriters: three processes and a goroutine change one list; no change is
// lost. Meanwhile a reader sees whole generations only.
func TestTwoWriters(t *testing.T) {
	w := newList(t)
	s := w.Meta().Scheme
	base := records(s, "base", 0, 20)
	mustAdd(t, w, base)
	stop := make(chan struct{})
	var reader sync.WaitGroup
	reader.Go(func() {
		r := reopen(t, w)
		var last Generation
		for {
			all, gen, err := r.Load()
			if err != nil {
				t.Errorf("reader: %v", err)
				return
			}
			got := handlesOf(all)
			if len(got) < 20 || !slices.Equal(got[:20], handlesOf(base)) || gen.Epoch < last.Epoch {
				t.Errorf("reader: inconsistent list %q at epoch %d after %d", got, gen.Epoch, last.Epoch)
				return
			}
			last = gen
			select {
			case <-stop:
				return
			case <-time.After(time.Millisecond):
			}
		}
	})
	var children []*exec.Cmd
	for i := range 3 {
		children = append(children, startChild(t, "write", w.dir, fmt.Sprintf("p%d", i)))
	}
	for i := range 6 {
		mustAdd(t, w, records(s, "g", i, i+1))
	}
	for _, c := range children {
		if err := c.Wait(); err != nil {
			t.Errorf("child: %v", err)
		}
	}
	close(stop)
	reader.Wait()
	got, gen, err := w.Handles()
	if err != nil {
		t.Fatal(err)
	}
	if want := uint64(2 + 3*6*2 + 6); gen.Epoch != want || len(got) != 20+3*6+6 {
		t.Errorf("epoch %d and %d entries, want %d and %d", gen.Epoch, len(got), want, 20+3*6+6)
	}
	check(t, w, got)
}
