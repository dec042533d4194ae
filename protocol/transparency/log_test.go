package transparency

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/mod/sumdb/note"

	"github.com/puente-project/puente/protocol/transparency/view"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		child(dir)
		return
	}
	goleak.VerifyTestMain(m)
}

// agency is one side: its log and its keys.
type agency struct {
	name     string
	options  Options
	cosigner *Signer
	witness  view.Verifier
	logKey   view.Verifier
}

func newAgency(t testing.TB, name string) *agency {
	t.Helper()
	signer, logKey, err := NewSigner(sha256.Sum256([]byte(name)), "puente/"+name)
	if err != nil {
		t.Fatal(err)
	}
	cosigner, witness, err := NewCosigner(sha256.Sum256([]byte(name)), name)
	if err != nil {
		t.Fatal(err)
	}
	return &agency{name: name, options: Options{Origin: "puente/" + name, Signer: signer, Verifier: logKey},
		cosigner: cosigner, witness: witness, logKey: logKey}
}

func (a *agency) open(t testing.TB, dir string) *Log {
	t.Helper()
	l, err := Open(t.Context(), dir, a.options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeLog(t, l) })
	return l
}

func closeLog(t testing.TB, l *Log) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := l.Close(ctx); err != nil {
		t.Error(err)
	}
}

// view verifies the log on disk.
func (a *agency) view(t testing.TB, dir string, cosigners ...note.Verifier) *view.View {
	t.Helper()
	v, err := view.Open(dir, a.logKey, cosigners)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func appendAll(t testing.TB, l *Log, entries ...string) {
	t.Helper()
	var group sync.WaitGroup
	for _, e := range entries {
		group.Go(func() {
			if _, err := l.Append(context.Background(), []byte(e)); err != nil {
				t.Errorf("append %q: %v", e, err)
			}
		})
	}
	group.Wait()
}

func numbered(prefix string, from, to int) (list []string) {
	for i := from; i < to; i++ {
		list = append(list, fmt.Sprintf("%s %d", prefix, i))
	}
	return list
}

func TestAppend(t *testing.T) {
	a, dir := newAgency(t, "cl"), filepath.Join(t.TempDir(), "a", "log")
	l := a.open(t, dir)
	if v := a.view(t, dir); v.Size() != 0 {
		t.Errorf("a new log has %d entries", v.Size())
	}
	for i := range 5 {
		entry := fmt.Sprintf("entry %d", i)
		began := time.Now()
		at, err := l.Append(t.Context(), []byte(entry))
		took := time.Since(began)
		if err != nil || at != uint64(i) {
			t.Fatalf("append: %d, %v; want %d", at, err, i)
		}
		// The promise: it is there for another reader now.
		if v := a.view(t, dir); v.Size() != uint64(i+1) || string(v.Entries()[i]) != entry {
			t.Fatalf("the published log does not have entry %d", i)
		}
		if took > 2*time.Second {
			t.Errorf("append took %v", took)
		}
	}
	if at, err := l.Append(t.Context(), []byte("entry 2")); err != nil || at != 2 {
		t.Errorf("append of what is there: %d, %v; want its index 2", at, err)
	}
	for entry, want := range map[string]bool{"entry 4": true, "entry 5": false} {
		if _, found, err := l.Contains(t.Context(), []byte(entry)); err != nil || found != want {
			t.Errorf("Contains %q: %v, %v", entry, found, err)
		}
	}
	for _, entry := range [][]byte{nil, make([]byte, MaxEntry+1)} {
		if _, err := l.Append(t.Context(), entry); !errors.Is(err, ErrEntry) {
			t.Errorf("append of %d bytes: %v, want ErrEntry", len(entry), err)
		}
	}
	if at, err := l.Append(t.Context(), make([]byte, MaxEntry)); err != nil || at != 5 {
		t.Errorf("append of the longest entry: %d, %v", at, err)
	}
	closeLog(t, l)
	if _, err := l.Append(t.Context(), []byte("late")); !errors.Is(err, ErrClosed) {
		t.Errorf("append after Close: %v, want ErrClosed", err)
	}
	l = a.open(t, dir)
	if at, found, err := l.Contains(t.Context(), []byte("entry 3")); err != nil || !found || at != 3 {
		t.Errorf("after a restart entry 3 is at %d, %v, %v", at, found, err)
	}
	if at, err := l.Append(t.Context(), []byte("entry 6")); err != nil || at != 6 {
		t.Errorf("append after a restart: %d, %v; want 6", at, err)
	}
}
