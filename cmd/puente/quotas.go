package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/puente-project/puente/protocol/evidence"
	"github.com/puente-project/puente/protocol/transcript"
)

// quotas counts the sessions of each UTC day by requester, purpose and legal basis. It is
// filled from the evidence on disk, so that a restart does not reset it.
type quotas struct {
	mu     sync.Mutex
	counts map[quotaKey]uint64
}

// quotaKey is what shares a quota. The day is that of the request, as an auditor counts.
type quotaKey struct{ day, requester, purpose, basis string }

func quotaOf(r transcript.Request) quotaKey {
	return quotaKey{r.Time.UTC().Format(time.DateOnly), r.Requester, r.Purpose, r.Basis}
}

// newQuotas counts the requests to the holder since yesterday.
func newQuotas(evidenceDir, holder string) (*quotas, error) {
	q := &quotas{counts: map[quotaKey]uint64{}}
	since := time.Now().Add(-48 * time.Hour)
	for _, pattern := range []string{"*", filepath.Join(evidence.Unanswered, "*")} {
		files, err := filepath.Glob(filepath.Join(evidenceDir, pattern, evidence.RequestFile))
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if errors.Is(err, fs.ErrNotExist) {
				continue
			} else if err != nil {
				return nil, err
			}
			note, err := transcript.ParseNote(string(text))
			if err != nil {
				return nil, inputf("%s: %w", file, err)
			}
			request, err := transcript.ParseRequest(note.Body)
			if err != nil {
				return nil, inputf("%s: %w", file, err)
			}
			if request.Holder == holder && request.Time.After(since) {
				q.counts[quotaOf(request)]++
			}
		}
	}
	return q, nil
}

// take counts a session, unless the day's are used up.
func (q *quotas) take(r transcript.Request, daily uint64) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	key := quotaOf(r)
	if q.counts[key] >= daily {
		return false
	}
	q.counts[key]++
	return true
}
