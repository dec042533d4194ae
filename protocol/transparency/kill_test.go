package transparency

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/transparency-dev/tessera/api"
	"github.com/transparency-dev/tessera/client"
	"github.com/transparency-dev/tessera/fsck"

	"github.com/puente-project/puente/protocol/transparency/view"
)

// childDir names the log that this test binary is to fill when it is run as a child.
const childDir = "PUENTE_TEST_LOG_CHILD"

// child appends entries, several at a time, until it is killed, and says on stdout which
// it has got an answer for.
func child(dir string) {
	fail := func(err error) {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	signer, verifier, err := NewSigner(sha256.Sum256([]byte("cl")), "puente/cl")
	if err != nil {
		fail(err)
	}
	l, err := Open(context.Background(), dir, Options{Origin: "puente/cl", Signer: signer, Verifier: verifier})
	if err != nil {
		fail(err)
	}
	lines := make(chan string)
	for worker := range 3 {
		go func() {
			for i := 0; ; i++ {
				entry := fmt.Sprintf("process %d worker %d entry %d %s", os.Getpid(), worker, i, strings.Repeat("x", 500))
				at, err := l.Append(context.Background(), []byte(entry))
				if err != nil {
					fail(err)
				}
				lines <- fmt.Sprintf("%d %s\n", at, entry)
			}
		}()
	}
	for line := range lines {
		os.Stdout.WriteString(line)
	}
}

// kill runs a child on dir, kills it after a time, and gives what it had acknowledged.
func kill(t *testing.T, dir string, after time.Duration) (acknowledged map[uint64]string) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childDir+"="+dir)
	var out, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(after)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatalf("the child ended by itself: %v: %s", err, &stderr)
	}
	if err := cmd.Wait(); err == nil || stderr.Len() > 0 {
		t.Fatalf("the child ended with %v: %s", err, &stderr)
	}
	acknowledged = map[uint64]string{}
	for lines := bufio.NewScanner(&out); lines.Scan(); {
		index, entry, _ := strings.Cut(lines.Text(), " ")
		n, err := strconv.ParseUint(index, 10, 64)
		if err != nil {
			t.Fatalf("the child wrote %q", lines.Text())
		}
		acknowledged[n] = entry
	}
	return acknowledged
}

// checkFolder verifies the log with our reader and with Tessera's.
func checkFolder(t *testing.T, a *agency, dir string) *view.View {
	t.Helper()
	v := a.view(t, dir)
	hashes := func(bundle []byte) (list [][]byte, err error) {
		var b api.EntryBundle
		err = b.UnmarshalText(bundle)
		for _, e := range b.Entries {
			h := view.LeafHash(e)
			list = append(list, h[:])
		}
		return list, err
	}
	check := fsck.New("puente/"+a.name, a.logKey, client.FileFetcher{Root: dir}, hashes, fsck.Opts{N: 2})
	if err := check.Check(t.Context()); err != nil {
		t.Errorf("fsck: %v", err)
	}
	return v
}

// TestKill kills a process that appends, at random points, again and again on the same
// log: the log verifies each time, also before it is opened again, and no acknowledged
// entry is ever missing.
func TestKill(t *testing.T) {
	a, dir := newAgency(t, "cl"), filepath.Join(t.TempDir(), "log")
	all := map[uint64]string{}
	kills := 14
	if testing.Short() {
		kills = 4
	}
	for round := range kills {
		for n, entry := range kill(t, dir, time.Duration(20+rand.IntN(500))*time.Millisecond) {
			if before, twice := all[n]; twice {
				t.Fatalf("index %d was given to %.40q and to %.40q", n, before, entry)
			}
			all[n] = entry
		}
		if _, err := os.Stat(filepath.Join(dir, "checkpoint")); err == nil {
			checkAcknowledged(t, a.view(t, dir), all) // as an auditor finds it
		} else if len(all) > 0 {
			t.Fatal("entries were acknowledged without a checkpoint")
		}
		l, err := Open(t.Context(), dir, a.options)
		if err != nil {
			t.Fatalf("open after kill %d: %v", round, err)
		}
		for n, entry := range all {
			if at, found, err := l.Contains(t.Context(), []byte(entry)); err != nil || !found || at != n {
				t.Fatalf("after kill %d entry %d is at %d, %v, %v", round, n, at, found, err)
			}
		}
		closeLog(t, l)
		checkAcknowledged(t, checkFolder(t, a, dir), all)
	}
	if len(all) < kills {
		t.Errorf("only %d entries were acknowledged in all; nothing was tested", len(all))
	}
	t.Logf("%d entries acknowledged, %d in the log", len(all), a.view(t, dir).Size())
}

func checkAcknowledged(t *testing.T, v *view.View, all map[uint64]string) {
	t.Helper()
	for n, entry := range all {
		if n >= v.Size() || string(v.Entries()[n]) != entry {
			t.Fatalf("acknowledged entry %d is not in the log of %d", n, v.Size())
		}
	}
}

// TestKillAtBirth kills the process that creates the log.
func TestKillAtBirth(t *testing.T) {
	a := newAgency(t, "cl")
	for i := range 12 {
		dir := filepath.Join(t.TempDir(), "log")
		all := kill(t, dir, time.Duration(2+3*i)*time.Millisecond)
		l, err := Open(t.Context(), dir, a.options)
		if err != nil {
			t.Fatalf("open after a kill at %d ms: %v", 2+3*i, err)
		}
		appendAll(t, l, "first")
		closeLog(t, l)
		checkAcknowledged(t, checkFolder(t, a, dir), all)
	}
}
