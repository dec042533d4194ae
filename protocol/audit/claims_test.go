package audit_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/puente-project/puente/protocol/audit"
	"github.com/puente-project/puente/protocol/audit/audittest"
)

func verifyWorld(t *testing.T, change func(w *audittest.World)) audit.Report {
	t.Helper()
	dir := t.TempDir()
	w := audittest.New(audittest.Options{Sessions: 24})
	change(w)
	if err := w.Write(dir); err != nil {
		t.Fatal(err)
	}
	r, err := audit.Verify(w.Input(dir))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestUnansweredClaims are claims that the holder never got or did not accept, and answers
// that were lost: neither is anybody's fault.
func TestUnansweredClaims(t *testing.T) {
	pending := func(w *audittest.World) {
		p, s := w.Parties[0], w.Sessions[claimed]
		delete(p.Evidence[s.ClaimFolder], "release.txt")
		p.Entries = slices.DeleteFunc(p.Entries, func(e string) bool { return isClaim(e, s) })
	}
	for name, c := range map[string]struct {
		change  func(w *audittest.World)
		notices []string
		status  map[string]string
	}{
		"never arrived": {func(w *audittest.World) { pending(w); dropClaims(w.Parties[1], w.Sessions[claimed]) }, nil,
			map[string]string{"cl": "not answered", "us": "not answered"}},
		"answer lost": {pending, []string{audit.ClaimLost}, map[string]string{"cl": "not answered", "us": "released"}},
	} {
		r := verifyWorld(t, c.change)
		var notices []string
		for _, f := range r.Findings {
			notices = append(notices, f.Check)
		}
		if !r.Clean || !slices.Equal(notices, c.notices) {
			t.Errorf("%s: findings %v, want %v", name, r.Findings, c.notices)
		}
		i := slices.IndexFunc(r.Claims, func(k audit.ClaimSummary) bool { return k.Status["cl"] == "not answered" })
		if len(r.Claims) != 3 || i < 0 || r.Claims[i].Status["us"] != c.status["us"] {
			t.Errorf("%s: claims %+v", name, r.Claims)
		}
	}
}

// TestClaimsAndCanariesAreShown looks for both in all three forms of the report and in
// the view of a session.
func TestClaimsAndCanariesAreShown(t *testing.T) {
	dir := t.TempDir()
	w := audittest.New(audittest.Options{Sessions: 24})
	if err := w.Write(dir); err != nil {
		t.Fatal(err)
	}
	in := w.Input(dir)
	in.Canaries = []audit.Canary{canaryOf(w, 1, iris, claimed)} // both are wrong
	r, err := audit.Verify(in)
	if err != nil {
		t.Fatal(err)
	}
	var text, page, data bytes.Buffer
	if err := errors.Join(r.WriteText(&text), r.WriteHTML(&page), r.WriteJSON(&data)); err != nil {
		t.Fatal(err)
	}
	for form, c := range map[string]struct {
		got  string
		want []string
	}{
		"text": {text.String(), []string{"3 claims", "claims of references", "cl of us, wanted-iris, border on warrant: released", "canary in wanted-iris of us from epoch 1 on", "NOT as it must be", "canary.found"}},
		"html": {page.String(), []string{"Claims of references", `class="claim"`, "wanted-iris of us, from epoch 1 on", "The auditor's canaries"}},
		"json": {data.String(), []string{`"claims": 3`, `"cl": "released"`, `"probe": "blank"`, `"outcome": "hit"`}},
	} {
		for _, want := range c.want {
			if !strings.Contains(c.got, want) {
				t.Errorf("%s: %q is missing", form, want)
			}
		}
	}
	v, err := audit.Show(in, w.Sessions[claimed].Grant.Session.String())
	if err != nil {
		t.Fatal(err)
	}
	text.Reset()
	if err := v.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"claims, as cl and us have it", "puente claim v1", "outcome released", "claim.hit"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("show: %q is missing", want)
		}
	}
}

func TestCanaryFile(t *testing.T) {
	good := audit.Canary{Holder: "us", Watchlist: "wanted", Epoch: 3, Handle: "0123456789abcdef", Probes: []string{strings.Repeat("a", 16)}}
	back, err := audit.ParseCanary(good.Encode())
	if err != nil || !bytes.Equal(back.Encode(), good.Encode()) {
		t.Errorf("%+v, error %v", back, err)
	}
	for name, change := range map[string]func(string) string{
		"version":      func(s string) string { return strings.Replace(s, `"puente_canary": 1`, `"puente_canary": 2`, 1) },
		"holder":       func(s string) string { return strings.Replace(s, `"us"`, `"U S"`, 1) },
		"epoch":        func(s string) string { return strings.Replace(s, `"epoch": 3`, `"epoch": 0`, 1) },
		"session":      func(s string) string { return strings.Replace(s, "aaaaaaaaaaaaaaaa", "aaaaaaaa", 1) },
		"unknown name": func(s string) string { return strings.Replace(s, `"handle"`, `"hand"`, 1) },
		"two values":   func(s string) string { return s + "{}" },
		"too long":     func(s string) string { return s + strings.Repeat(" ", 1<<20) },
	} {
		if _, err := audit.ParseCanary([]byte(change(string(good.Encode())))); !errors.Is(err, audit.ErrInput) {
			t.Errorf("%s: error %v, want %v", name, err, audit.ErrInput)
		}
	}
}

// TestClaimFolderNames puts a folder of another name among the claims.
func TestClaimFolderNames(t *testing.T) {
	dir := t.TempDir()
	w := audittest.New(audittest.Options{Sessions: 24})
	if err := w.Write(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "us/evidence", w.Sessions[claimed].Folder, "claims", "x"), 0o700); err != nil {
		t.Fatal(err)
	}
	r, err := audit.Verify(w.Input(dir))
	if err != nil {
		t.Fatal(err)
	}
	if got := r.FindingIDs(); !slices.Equal(got, []string{audit.EvidenceName}) {
		t.Errorf("findings %v", got)
	}
}
