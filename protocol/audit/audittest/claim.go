package audittest

import (
	"path"
	"time"

	"github.com/puente-project/puente/protocol/transcript"
)

// Claim has both sides record a claim of the session, which must be complete, and its
// release. It returns the claim's folder below evidence/.
func (s *Session) Claim(w *World, at time.Time) string {
	c := transcript.Claim{
		Session: s.Grant.Session, Head: transcript.TextDigest(s.Note.Body), Requester: s.Request.Requester, Holder: s.Request.Holder,
		Watchlist: s.Request.Watchlist, Slot: transcript.SlotHash(filler(32, "slot salt", s.Number), 17), Agreement: w.Agreement.Digest(),
		Purpose: s.Request.Purpose, Basis: "warrant", Case: s.Request.Case, Time: at, Key: s.RequesterKey.ID(),
	}
	if s.EditClaim != nil {
		s.EditClaim(&c)
	}
	claim := sign(c.Text(), s.Requester.Name, s.RequesterKey)
	r := transcript.Release{Claim: transcript.TextDigest(claim.Body), Outcome: transcript.OutcomeReleased,
		Handle: transcript.HandleHash(filler(32, "handle salt", s.Number), "ref-17"), Time: at.Add(2 * time.Second), Key: s.HolderKey.ID()}
	if s.EditRelease != nil {
		s.EditRelease(&r)
	}
	release := sign(r.Text(), s.Holder.Name, s.HolderKey)
	folder := path.Join(s.Folder, "claims", transcript.TextDigest(claim.Body).String())
	if s.EditClaimNotes != nil {
		s.EditClaimNotes(&claim, &release)
	}
	for _, role := range []transcript.Party{transcript.Requester, transcript.Holder} {
		p := s.Requester
		if role == transcript.Holder {
			p = s.Holder
		}
		p.Evidence[folder] = map[string][]byte{"claim.txt": []byte(claim.Text()), "release.txt": []byte(release.Text())}
		p.Log(transcript.ClaimEntry{Role: role, Outcome: r.Outcome, Claim: claim, Release: release})
	}
	s.ClaimFolder = folder
	return folder
}
