package audit_test

import (
	"strings"
	"testing"
	"time"

	"github.com/puente-project/puente/protocol/audit"
	"github.com/puente-project/puente/protocol/audit/audittest"
	"github.com/puente-project/puente/protocol/transcript"
)

// TestThirdAgency: sessions under an agreement with another agency, which the log announces,
// are left out with a notice, logged or not; they are no finding against honest parties.
func TestThirdAgency(t *testing.T) {
	w := audittest.New(audittest.Options{Sessions: 24})
	us := w.Parties[1]
	us.Log(transcript.AgreementEntry{Partner: "ar", Agreement: transcript.Digest{7}, Time: w.Now.Add(-2 * time.Hour)})
	r := w.Sessions[iris].Request
	r.Requester, r.Agreement, r.Open = "ar", transcript.Digest{7}, transcript.Digest{8}
	note := transcript.Note{Body: r.Text()}
	us.Log(transcript.AbortedEntry{Role: transcript.Holder, Stage: "request", Time: w.Now.Add(-time.Hour), Note: note})
	r.Open = transcript.Digest{9}
	us.Evidence["unanswered/"+strings.Repeat("ab", 32)] = map[string][]byte{"request.txt": []byte(transcript.Note{Body: r.Text()}.Text())}
	dir := t.TempDir()
	if err := w.Write(dir); err != nil {
		t.Fatal(err)
	}
	report, err := audit.Verify(w.Input(dir))
	if err != nil {
		t.Fatal(err)
	}
	if !report.Clean || len(report.Findings) != 1 || report.Findings[0].Check != audit.SessionElsewhere || !strings.Contains(report.Findings[0].What, "1 sessions of us with ar") {
		t.Errorf("clean %v, findings %v", report.Clean, report.Findings)
	}
	if len(report.Sessions) != 24 {
		t.Errorf("%d sessions are audited, want 24", len(report.Sessions))
	}
}
