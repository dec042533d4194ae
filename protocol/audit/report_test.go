package audit_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/puente-project/puente/protocol/audit"
	"github.com/puente-project/puente/protocol/audit/audittest"
	"github.com/puente-project/puente/protocol/transcript"
	"github.com/puente-project/puente/protocol/transparency/view"
)

// write writes a world and returns its folder.
func write(t *testing.T, w *audittest.World) string {
	t.Helper()
	dir := t.TempDir()
	if err := w.Write(dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

func verify(t *testing.T, in audit.Input) audit.Report {
	t.Helper()
	r, err := audit.Verify(in)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestReportIsStable makes the same report twice, in all three forms.
func TestReportIsStable(t *testing.T) {
	w := audittest.New(audittest.Options{Sessions: 20, Edit: func(s *audittest.Session) {
		if s.Number%3 == 0 {
			s.EditRequest = func(r *transcript.Request) { r.Purpose = "tax" }
		}
	}})
	in := w.Input(write(t, w))
	forms := func() string {
		var b bytes.Buffer
		r := verify(t, in)
		for _, f := range []func() error{func() error { return r.WriteText(&b) }, func() error { return r.WriteJSON(&b) }, func() error { return r.WriteHTML(&b) }} {
			if err := f(); err != nil {
				t.Fatal(err)
			}
		}
		return b.String()
	}
	if first := forms(); first != forms() {
		t.Error("two reports of one input differ")
	}
}

// TestPageNeedsNothing looks for anything that a browser would fetch or run, and for texts
// of a hostile folder that are not escaped.
func TestPageNeedsNothing(t *testing.T) {
	w := audittest.New(audittest.Options{Sessions: 10})
	dir := write(t, w)
	hostile := `<script>alert(1)</script><img src=x>`
	if err := os.MkdirAll(filepath.Join(dir, "cl/evidence", strings.ReplaceAll(hostile, "/", "")), 0o700); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	r := verify(t, w.Input(dir))
	if err := r.WriteHTML(&b); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{`<script`, `<img`, `<link`, `<iframe`, `url\(`, `@import`, `\bsrc=`, `\bhref=`, `\bon[a-z]+=`, `https?://`} {
		if m := regexp.MustCompile(bad).FindString(strings.ReplaceAll(b.String(), "&lt;img src=x&gt;", "")); m != "" {
			t.Errorf("the page has %q", m)
		}
	}
	for _, want := range []string{"prefers-color-scheme: dark", "@media print", `<svg class="timeline"`, "evidence.name", "1 violation"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

// TestOneSide audits each party alone, as exported without messages: nothing is found, and
// what needs the other side is counted as not made.
func TestOneSide(t *testing.T) {
	w := audittest.New(audittest.Options{Sessions: 20})
	for _, p := range w.Parties {
		for _, files := range p.Evidence {
			delete(files, "messages")
		}
	}
	in := w.Input(write(t, w))
	for i, p := range in.Parties {
		one := in
		one.Parties = in.Parties[i : i+1]
		r := verify(t, one)
		if !r.Clean {
			t.Errorf("%s alone: %v", p.Agency, r.Findings)
		}
		for _, c := range r.Checks {
			if c.Group() == "sides" && (c.Passed > 0 || c.NotChecked == 0 || len(c.Why) == 0) {
				t.Errorf("%s alone: %s passed %d times", p.Agency, c.ID, c.Passed)
			}
		}
	}
	in.Parties, in.Public = in.Parties[:1], in.Public[:1] // and without the partner's keys
	r := verify(t, in)
	if i := slices.IndexFunc(r.Checks, func(c audit.Result) bool { return c.ID == audit.SessionMLDSA }); !r.Clean || r.Checks[i].NotChecked == 0 || r.Checks[i].Passed == 0 {
		t.Errorf("without the partner's keys: clean %v, %+v", r.Clean, r.Checks[i])
	}
}

// TestInterrupted plays what a machine or line that fails can leave of a session, which
// is no party's fault: the report stays clean, and says if an answer was lost.
func TestInterrupted(t *testing.T) {
	unknown := func(w *audittest.World, s *audittest.Session) {
		replaceEntry(w.Parties[0], s, transcript.SessionEntry{Role: transcript.Requester, Outcome: transcript.OutcomeUnknown, Note: s.Note})
	}
	holderBrokeOff := func(w *audittest.World, s *audittest.Session) {
		replaceEntry(w.Parties[1], s, abortedEntry(s, transcript.Holder, len(s.Records)))
		delete(w.Parties[1].Evidence[s.Folder], "head.txt")
	}
	for name, test := range map[string]struct {
		session int
		world   func(*audittest.World, *audittest.Session)
		lost    bool
		status  [2]string
		aborted bool
	}{
		"requester aborted before the last answer": {iris, func(w *audittest.World, s *audittest.Session) {
			replaceEntry(w.Parties[0], s, abortedEntry(s, transcript.Requester, len(s.Records)))
		}, true, [2]string{"aborted: verdict", "answered"}, false},
		"requester killed before it had read the last answer": {iris, unknown, true, [2]string{"unknown", "answered"}, false},
		"requester killed before its signature was sent": {iris, func(w *audittest.World, s *audittest.Session) {
			unknown(w, s)
			holderBrokeOff(w, s)
		}, false, [2]string{"unknown", "aborted: verdict"}, true},
		"killed while a record was written": {aborted, func(w *audittest.World, s *audittest.Session) {
			files := w.Parties[1].Evidence[s.Folder]
			files["records"] = append(files["records"], 1, 4, 0)
			files["messages"] = append(files["messages"], 1, 0, 0, 0, 9)
		}, false, [2]string{"aborted: block", "aborted: block"}, true},
		"killed right after the request": {14, func(w *audittest.World, s *audittest.Session) {
			replaceEntry(w.Parties[0], s, abortedEntry(s, transcript.Requester, 0))
			delete(w.Parties[0].Evidence[s.Folder], "records")
		}, false, [2]string{"aborted: request", "never reached"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			w := audittest.New(audittest.Options{Sessions: 16, Edit: func(s *audittest.Session) { s.Keep = s.Number == aborted }})
			s := w.Sessions[test.session]
			test.world(w, s)
			r := verify(t, w.Input(write(t, w)))
			if !r.Clean || (r.Notices > 0) != test.lost || test.lost && r.Findings[0].Check != audit.SidesLost {
				t.Errorf("clean %v: %v", r.Clean, r.Findings)
			}
			i := slices.IndexFunc(r.Sessions, func(x audit.SessionSummary) bool {
				return x.Request == transcript.TextDigest(s.Request.Text()).String()
			})
			got := r.Sessions[i]
			if status := [2]string{got.Status["cl"], got.Status["us"]}; status != test.status || got.Aborted != test.aborted {
				t.Errorf("status %v, aborted %v; want %v, %v", status, got.Aborted, test.status, test.aborted)
			}
		})
	}
}

func TestDiff(t *testing.T) {
	w := audittest.New(audittest.Options{Sessions: 20})
	clean, err := audit.Diff(w.Input(write(t, w)))
	if err != nil || !clean.Clean() || clean.Common != 19 { // one never reached the holder
		t.Fatalf("%+v, %v", clean, err)
	}
	dropEntry(w.Parties[1], w.Sessions[iris])
	s := w.Sessions[vector]
	other := s.Note
	other.Signatures = slices.Clone(other.Signatures[:1])
	replaceEntry(w.Parties[0], s, transcript.SessionEntry{Role: transcript.Requester, Outcome: transcript.OutcomeHit, Note: other})
	c, err := audit.Diff(w.Input(write(t, w)))
	if err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for _, d := range c.Differences {
		kinds = append(kinds, d.Kind+" "+d.Session)
	}
	want := []string{"note " + s.Grant.Session.String(), "only " + w.Sessions[iris].Grant.Session.String()}
	if !slices.Equal(kinds, want) || c.Clean() {
		t.Errorf("differences %v, want %v", kinds, want)
	}
}

func TestShow(t *testing.T) {
	w := audittest.New(audittest.Options{Sessions: 20, Edit: func(s *audittest.Session) {
		if s.Number == iris {
			s.EditNote = func(n *transcript.Note) { n.Signatures[0].Signature.MLDSA65[0] ^= 1 }
		}
	}})
	in := w.Input(write(t, w))
	s := w.Sessions[iris]
	v, err := audit.Show(in, s.Grant.Session.String()[:12])
	if err != nil {
		t.Fatal(err)
	}
	if v.Clean() || len(v.Sides) != 2 || v.Sides[0].Request != s.Request.Text() || v.Sides[1].Traffic["block"].Messages != 32 {
		t.Errorf("%+v", v)
	}
	var b bytes.Buffer
	if err := v.WriteText(&b); err != nil || !strings.Contains(b.String(), "session.signature.mldsa") || !strings.Contains(b.String(), "purpose border") {
		t.Errorf("%v\n%s", err, b.String())
	}
	unanswered, err := audit.Show(in, transcript.TextDigest(w.Sessions[14].Request.Text()).String())
	if err != nil || !unanswered.Clean() || len(unanswered.Sides) != 1 {
		t.Errorf("%+v, %v", unanswered, err)
	}
	for _, id := range []string{"", "abc", "zzzzzzzzzz", "0000000000000000"} {
		if _, err := audit.Show(in, id); !errors.Is(err, audit.ErrInput) {
			t.Errorf("show %q: %v", id, err)
		}
	}
}

func TestFollow(t *testing.T) {
	w := audittest.New(audittest.Options{Sessions: 20})
	p := w.Parties[1]
	all := p.Entries
	step := func(entries []string, last []byte) (audit.Step, error) {
		p.Entries = entries
		dir := write(t, w)
		if owner := audit.Owner(filepath.Join(dir, "us"), []audit.Public{w.Parties[0].Public(), p.Public()}); owner != "us" {
			t.Errorf("the folder is of %q", owner)
		}
		return audit.Follow(audit.Party{Agency: "us", Dir: filepath.Join(dir, "us")}, p.Public(), last)
	}
	first, err := step(all[:12], nil)
	if err != nil || first.Size != 12 {
		t.Fatalf("%+v, %v", first, err)
	}
	second, err := step(all, first.Checkpoint)
	if err != nil || second.Before != 12 || second.Size != uint64(len(all)) {
		t.Fatalf("%+v, %v", second, err)
	}
	if _, err := step(all[:12], second.Checkpoint); !errors.Is(err, view.ErrRollback) {
		t.Errorf("rolled back: %v", err)
	}
	forked := slices.Clone(all)
	forked[3] = forked[4]
	if _, err := step(forked, first.Checkpoint); !errors.Is(err, view.ErrFork) {
		t.Errorf("forked: %v", err)
	}
	if _, err := step(all, []byte("nonsense")); !errors.Is(err, audit.ErrInput) {
		t.Errorf("kept nonsense: %v", err)
	}
}
