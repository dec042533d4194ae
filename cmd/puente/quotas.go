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

// quotas counts the probes of each UTC day by requester, purpose and legal basis, and
// the claims by requester. It is filled from the evidence on disk, so that a restart does
// not reset it.
type quotas struct {
	mu     sync.Mutex
	counts map[quotaKey]uint64
	claims map[claimDay]uint64 // the service answers one claim at a time
}

// quotaKey is what shares a quota. The day is that of the request, as an auditor counts.
type quotaKey struct{ day, requester, purpose, basis string }

// claimDay is what shares a limit of claims. The day is that of the answer.
type claimDay struct{ day, requester string }

func quotaOf(r transcript.Request) quotaKey {
	return quotaKey{r.Time.UTC().Format(time.DateOnly), r.Requester, r.Purpose, r.Basis}
}

// recent is how far back quotas look: requests of yesterday may still be under way.
const recent = 48 * time.Hour

// newQuotas counts the probes of requests to the holder since yesterday. A folder that nobody has
// touched since is not read: its statements are no younger than its files.
func newQuotas(evidenceDir, holder string) (*quotas, error) {
	q := &quotas{counts: map[quotaKey]uint64{}, claims: map[claimDay]uint64{}}
	since := time.Now().Add(-recent)
	err := eachRecent(since, evidence.RequestFile, func(dir string) error {
		_, request, err := readNote(filepath.Join(dir, evidence.RequestFile), transcript.ParseRequest)
		if err != nil {
			return err
		}
		if request.Holder == holder && request.Time.After(since) {
			q.counts[quotaOf(request)] += request.Probes
		}
		return nil
	}, filepath.Join(evidenceDir, "*"), filepath.Join(evidenceDir, evidence.Unanswered, "*"))
	if err != nil {
		return nil, err
	}
	err = eachRecent(since, evidence.ReleaseFile, func(dir string) error {
		claim, err := evidence.ReadClaim(dir)
		if err != nil {
			return err
		}
		release, err := evidence.ReadRelease(dir)
		if err == nil && claim.Holder == holder {
			q.claims[claimDay{release.Time.UTC().Format(time.DateOnly), claim.Requester}]++
		}
		return err
	}, filepath.Join(evidenceDir, "*", evidence.ClaimsDir, "*"))
	return q, err
}

// eachRecent calls f with the folders of some patterns in which a file was written since a
// time.
func eachRecent(since time.Time, file string, f func(dir string) error, patterns ...string) error {
	for _, pattern := range patterns {
		files, err := filepath.Glob(filepath.Join(pattern, file))
		if err != nil {
			return err
		}
		for _, file := range files {
			info, err := os.Stat(file)
			if errors.Is(err, fs.ErrNotExist) || err == nil && info.ModTime().Before(since) {
				continue
			}
			if err == nil {
				err = f(filepath.Dir(file))
			}
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return inputf("%s: %w", file, err)
			}
		}
	}
	return nil
}

// take counts the probes of a request, all of them or none: if it has more than are left of
// the day's, it returns how many are left.
func (q *quotas) take(r transcript.Request, daily uint64) (left uint64, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	key := quotaOf(r)
	left = daily - min(daily, q.counts[key])
	if r.Probes > left {
		return left, false
	}
	q.counts[key] += r.Probes
	return left - r.Probes, true
}
