package audit_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/puente-project/puente/protocol/audit"
	"github.com/puente-project/puente/protocol/audit/audittest"
)

// TestCleanRun audits 1000 sessions of both parties, some of which were aborted, with a
// change of keys and of watchlists, and finds nothing.
func TestCleanRun(t *testing.T) {
	dir := t.TempDir()
	w := audittest.New(audittest.Options{Sessions: 1000, Edit: func(s *audittest.Session) { s.Keep = s.Number == 1 }})
	if err := w.Write(dir); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	in := w.Input(dir)
	in.Canaries = []audit.Canary{w.Canary()}
	r, err := audit.Verify(in)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("verified in %v", time.Since(begin).Round(time.Millisecond))
	for i, f := range r.Findings {
		if i < 20 {
			t.Errorf("%s: %s (%v)", f.Check, f.What, f.Where)
		}
	}
	if !r.Clean || len(r.Sessions) != 1000 {
		t.Errorf("clean %v with %d sessions", r.Clean, len(r.Sessions))
	}
	if len(r.Claims) < 50 || len(r.Canaries) != 1 || len(r.Canaries[0].Sessions) < 10 {
		t.Errorf("%d claims, canaries %+v", len(r.Claims), r.Canaries)
	}
	aborted := 0
	for _, s := range r.Sessions {
		if s.Aborted {
			aborted++
		}
	}
	if aborted == 0 {
		t.Error("no session was aborted")
	}
	for _, c := range r.Checks {
		if c.Passed == 0 {
			t.Errorf("%s was never made", c.ID)
		}
	}
	var text, page bytes.Buffer
	if err := r.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	if err := r.WriteHTML(&page); err != nil {
		t.Fatal(err)
	}
}
