package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/puente-project/puente/he"
	"github.com/puente-project/puente/protocol/audit"
	"github.com/puente-project/puente/protocol/evidence"
	"github.com/puente-project/puente/protocol/transcript"
	"github.com/puente-project/puente/protocol/transparency/view"
)

// killPoints are the steps of a session at which one process is killed without warning.
var killPoints = []struct {
	who  string // cl asks, us serves
	step string
}{
	{"cl", "requester: request signed"},
	{"cl", "requester: request recorded"},
	{"us", "holder: request recorded"},
	{"us", "holder: request granted"},
	{"us", "holder: grant recorded"},
	{"cl", "requester: grant recorded"},
	{"cl", "requester: block recorded"},
	{"us", "holder: share recorded"},
	{"cl", "requester: prefixes recorded"},
	{"us", "holder: verdict recorded"},
	{"us", "holder: last prefixes came"},
	{"us", "holder: head signed"},
	{"cl", "requester: receipt came"},
	{"cl", "requester: head signed"},
	{"cl", "requester: head recorded"},
	{"us", "holder: seal verified"},
	{"us", "holder: head recorded"},
	{"cl", "requester: last verdict came"},
	{"cl", "cl log: before an entry"},
	{"cl", "cl log: behind an entry"},
	{"us", "us log: before an entry"},
	{"us", "us log: behind an entry"},
}

// killed runs real processes of a program that kills itself at a step.
type killed struct {
	t       *testing.T
	program string
	dir     string
	address string
}

func (k *killed) command(kill string, args ...string) *exec.Cmd {
	c := exec.Command(k.program, args...)
	c.Dir = k.dir
	c.Env = append(os.Environ(), "PUENTE_IDENTITY_FILE="+filepath.Join(k.dir, "identity.txt"), "PUENTE_KILL_AT="+kill)
	return c
}

func (k *killed) must(args ...string) {
	k.t.Helper()
	if out, err := k.command("", args...).CombinedOutput(); err != nil {
		k.t.Fatalf("puente %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// serve starts us; the returned function stops it and reports whether it was killed.
func (k *killed) serve(kill string) (stop func() (wasKilled bool)) {
	k.t.Helper()
	c := k.command(kill, "--dir", "us", "serve")
	if err := c.Start(); err != nil {
		k.t.Fatal(err)
	}
	waitFor(k.t, k.address)
	return func() bool {
		time.Sleep(50 * time.Millisecond)
		_ = c.Process.Signal(syscall.SIGTERM)
		_ = c.Wait()
		return c.ProcessState.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL
	}
}

// newKilled sets up two agencies for a program that can kill itself.
func newKilled(t *testing.T) *killed {
	t.Helper()
	dir := t.TempDir()
	k := &killed{t: t, dir: dir, program: filepath.Join(dir, "puente")}
	if out, err := exec.Command("go", "build", "-tags", "killpoints", "-o", k.program, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	var people strings.Builder
	for i := range 3*he.LaneDegree + 1 { // two batches, the first of three planes
		for n, digits := i, 0; digits < 7; n, digits = n/5, digits+1 { // all of them different
			fmt.Fprintf(&people, "%d,", n%5)
		}
		fmt.Fprintf(&people, "%d\n", 20*(i%2*2-1)) // every second one hits
	}
	for name, content := range map[string]string{"people.csv": people.String(), "probe.csv": "0,0,0,0,0,0,0,1\n", "identity.txt": identityForTests + "\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var err error
	if k.address, err = freeAddress(); err != nil {
		t.Fatal(err)
	}
	k.must("--dir", "cl", "init", "--name", "cl")
	k.must("--dir", "us", "init", "--name", "us", "--listen", k.address)
	k.must("--dir", "us", "agreement", "new", "--with", "cl", "--watchlist", "us/wanted=vector:8:norm=60:theta=1800", "--purpose", "border/treaty-1=1000",
		"--claim-basis", "warrant", "--claims-per-day", "1000", "agreement.json")
	k.must("--dir", "us", "partner", "add", "cl/card.toml", "agreement.json")
	k.must("--dir", "cl", "partner", "add", "us/card.toml", "agreement.json")
	k.must("--dir", "us", "watchlist", "create", "--scheme", "vector:8:norm=60:theta=1800", "wanted")
	k.must("--dir", "us", "watchlist", "add", "wanted", "people.csv")
	return k
}

// ask runs a query and returns its exit code.
func (k *killed) ask(kill string) int {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return k.run(ctx, kill, "--dir", "cl", "query", "--partner", "us", "--watchlist", "wanted", "probe.csv")
}

// run runs a command and returns its exit code, -1 if it was killed.
func (k *killed) run(ctx context.Context, kill string, args ...string) int {
	c := k.command(kill, args...)
	done := make(chan struct{})
	go func() {
		select {
		case <-ctx.Done():
			_ = c.Process.Kill()
		case <-done:
		}
	}()
	err := c.Run()
	close(done)
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		k.t.Fatal(err)
	}
	return c.ProcessState.ExitCode()
}

// TestKilledAnywhere kills one side at every step. Whatever the requester has received is
// on the holder's disk; the next session works; in the end both logs verify and the two
// sides fit together.
func TestKilledAnywhere(t *testing.T) {
	k := newKilled(t)
	for _, p := range killPoints {
		t.Run(p.step, func(t *testing.T) {
			k.t = t
			atHolder, atRequester := "", p.step
			if p.who == "us" {
				atHolder, atRequester = p.step, ""
			}
			if p.step == "us log: before an entry" || p.step == "us log: behind an entry" {
				// The log gets its first entries when serve starts: let the session be the next.
				k.serveKilledWhileLogging(p.step)
			} else {
				stop := k.serve(atHolder)
				code := k.ask(atRequester)
				holderKilled := stop()
				if p.who == "us" && !holderKilled || p.who == "cl" && code != -1 {
					t.Fatalf("nobody was killed: the query ended with %d", code)
				}
			}
			k.checkReleased()
			stop := k.serve("")
			if code := k.ask(""); code != exitHit {
				t.Errorf("the next session ends with %d", code)
			}
			stop()
		})
	}
	k.t = t
	k.audit(len(killPoints))
}

// serveKilledWhileLogging has a session wait for the log when serve starts.
func (k *killed) serveKilledWhileLogging(step string) {
	stop := k.serve("")
	k.ask("")
	stop()
	marks, err := filepath.Glob(filepath.Join(k.dir, "us", "evidence", "*", loggedFile))
	if err != nil || len(marks) == 0 {
		k.t.Fatalf("no session is logged: %v", err)
	}
	if err := os.Remove(marks[len(marks)-1]); err != nil { // as if killed before the mark was written
		k.t.Fatal(err)
	}
	c := k.command(step, "--dir", "us", "serve")
	if err := c.Start(); err != nil {
		k.t.Fatal(err)
	}
	time.AfterFunc(5*time.Second, func() { _ = c.Process.Signal(syscall.SIGTERM) }) // the entry may be there already
	_ = c.Wait()
}

// checkReleased compares what the requester received with what the holder has on disk.
func (k *killed) checkReleased() {
	k.t.Helper()
	sessions, err := filepath.Glob(filepath.Join(k.dir, "cl", "evidence", "*", evidence.RecordsFile))
	if err != nil {
		k.t.Fatal(err)
	}
	for _, file := range sessions {
		session := filepath.Base(filepath.Dir(file))
		theirs := k.records(filepath.Join(k.dir, "us", "evidence", session, evidence.RecordsFile))
		for _, r := range k.records(file) {
			if r.Sender == transcript.Holder && r.Kind == transcript.KindVerdict && !slices.Contains(theirs, r) {
				k.t.Errorf("session %.16s: the holder has no record of %v, which the requester has", session, r)
			}
		}
		if _, err := os.Stat(filepath.Join(filepath.Dir(file), outcomeFile)); err == nil {
			if _, err := os.Stat(filepath.Join(k.dir, "us", "evidence", session, evidence.HeadFile)); err != nil {
				k.t.Errorf("session %.16s: the requester has the whole answer, the holder no signed head: %v", session, err)
			}
		}
	}
}

func (k *killed) records(file string) []transcript.Record {
	k.t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		k.t.Fatal(err)
	}
	records, err := transcript.ParseRecords(data[:len(data)/transcript.RecordSize*transcript.RecordSize])
	if err != nil {
		k.t.Fatal(err)
	}
	return records
}

// audit opens both logs, and counts the complete sessions in them.
func (k *killed) audit(least int) audit.Report {
	k.t.Helper()
	var in audit.Input
	for _, side := range [][2]string{{"cl", "us"}, {"us", "cl"}} {
		out := filepath.Join(k.dir, side[0]+"-audit")
		k.must("--dir", side[0], "log", "sync")
		k.must("--dir", side[0], "audit", "export", side[1], out)
		data, err := os.ReadFile(filepath.Join(out, "public.json"))
		if err != nil {
			k.t.Fatal(err)
		}
		public, err := audit.ParsePublic(data)
		if err != nil {
			k.t.Fatal(err)
		}
		log, err := view.Open(filepath.Join(out, "log"), public.Log, nil)
		if err != nil {
			k.t.Fatalf("the log of %s: %v", side[0], err)
		}
		seen := map[string]bool{}
		sessions := 0
		for _, e := range log.Entries() {
			entry, err := transcript.ParseEntry(string(e))
			if err != nil {
				k.t.Errorf("the log of %s: %v", side[0], err)
			}
			if s, ok := entry.(transcript.SessionEntry); ok {
				sessions++
				if seen[s.Note.Body] {
					k.t.Errorf("the log of %s has a session twice", side[0])
				}
				seen[s.Note.Body] = true
			}
		}
		if sessions < least {
			k.t.Errorf("the log of %s has %d complete sessions, want at least %d", side[0], sessions, least)
		}
		in.Parties = append(in.Parties, audit.Party{Agency: side[0], Dir: out})
		in.Public = append(in.Public, public)
	}
	agreed, err := readAgreement(filepath.Join(k.dir, "agreement.json"))
	if err != nil {
		k.t.Fatal(err)
	}
	in.Agreements = append(in.Agreements, agreed)
	report, err := audit.Verify(in)
	if err != nil {
		k.t.Fatal(err)
	}
	for _, id := range report.FindingIDs() {
		if id != audit.LogWitnessed { // the last entries may wait for a cosignature
			k.t.Errorf("the auditor finds %s", id)
		}
	}
	if k.t.Failed() {
		_ = report.WriteText(os.Stderr)
	}
	return report
}

// claimKillPoints are the steps of a claim at which one process is killed.
var claimKillPoints = []struct{ who, step string }{
	{"cl", "requester: claim signed"},
	{"cl", "requester: claim recorded"},
	{"us", "holder: claim decided"},
	{"us", "holder: release signed"},
	{"us", "holder: claim recorded"},
	{"us", "holder: release recorded"},
	{"cl", "requester: release came"},
	{"cl", "requester: release recorded"},
	{"cl", "cl log: before an entry"},
	{"cl", "cl log: behind an entry"},
}

// TestClaimsKilledAnywhere kills one side at every step of a claim. What was released is
// on both sides' disks in the same bytes after the requester has asked again, every claim
// is answered once, and both logs verify.
func TestClaimsKilledAnywhere(t *testing.T) {
	k := newKilled(t)
	for _, p := range claimKillPoints {
		t.Run(p.step, func(t *testing.T) {
			k.t = t
			stop := k.serve("")
			if code := k.ask(""); code != exitHit {
				t.Fatalf("the query ends with %d", code)
			}
			session := k.newest()
			stop()
			atHolder, atRequester := "", p.step
			if p.who == "us" {
				atHolder, atRequester = p.step, ""
			}
			claim := []string{"--dir", "cl", "claim", "--slot", "1", "--legal-basis", "warrant", session}
			stop = k.serve(atHolder)
			code := k.run(t.Context(), atRequester, claim...)
			if holderKilled := stop(); p.who == "us" && !holderKilled || p.who == "cl" && code != -1 {
				t.Fatalf("nobody was killed: the claim ended with %d", code)
			}
			k.sameClaims(session, false)
			stop = k.serve("")
			if code := k.run(t.Context(), "", claim...); code != exitOK {
				t.Errorf("the claim ends with %d when it is made again", code)
			}
			stop()
			k.sameClaims(session, true)
		})
	}
	k.t = t
	if report := k.audit(len(claimKillPoints)); len(report.Claims) != len(claimKillPoints) {
		t.Errorf("the auditor sees %d claims, want %d", len(report.Claims), len(claimKillPoints))
	}
}

// newest is the id of the session that cl asked last.
func (k *killed) newest() string {
	k.t.Helper()
	files, err := filepath.Glob(filepath.Join(k.dir, "cl", "evidence", "*", outcomeFile))
	if err != nil || len(files) == 0 {
		k.t.Fatalf("no session: %v", err)
	}
	written := func(file string) time.Time {
		info, err := os.Stat(file)
		if err != nil {
			k.t.Fatal(err)
		}
		return info.ModTime()
	}
	return filepath.Base(filepath.Dir(slices.MaxFunc(files, func(a, b string) int { return written(a).Compare(written(b)) })))
}

// sameClaims compares what both sides have of a session's claims: whatever the requester
// has got, the holder has in the same bytes.
func (k *killed) sameClaims(session string, complete bool) {
	k.t.Helper()
	got, err := filepath.Glob(filepath.Join(k.dir, "cl", "evidence", session, evidence.ClaimsDir, "*", evidence.ReleaseFile))
	if err != nil || complete && len(got) != 1 {
		k.t.Fatalf("the requester has %d releases, error %v", len(got), err)
	}
	given, err := filepath.Glob(filepath.Join(k.dir, "us", "evidence", session, evidence.ClaimsDir, "*", evidence.ReleaseFile))
	if err != nil || complete && len(given) != 1 {
		k.t.Fatalf("the holder has given %d releases, error %v", len(given), err)
	}
	for _, file := range got {
		mine, err1 := os.ReadFile(file)
		theirs, err2 := os.ReadFile(strings.Replace(file, filepath.Join(k.dir, "cl"), filepath.Join(k.dir, "us"), 1))
		if err := errors.Join(err1, err2); err != nil || string(mine) != string(theirs) {
			k.t.Errorf("the sides have different releases: %v", err)
		}
	}
}
