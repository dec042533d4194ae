package evidence

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/transparency-dev/merkle/rfc6962"

	"github.com/puente-project/puente/protocol"
	"github.com/puente-project/puente/protocol/agreement"
	"github.com/puente-project/puente/protocol/audit/audittest"
	"github.com/puente-project/puente/protocol/signature"
	"github.com/puente-project/puente/protocol/transcript"
)

// sealed is a session of four entries that both have signed, and its entries.
type sealed struct {
	parties [2]Party // cl asks, us holds
	dirs    [2]string
	head    transcript.Note
	entries [4]transcript.Released
}

func newSealed(t testing.TB) *sealed {
	t.Helper()
	s := &sealed{dirs: [2]string{t.TempDir(), t.TempDir()}}
	agreed := agreement.Agreement{Version: 1, Parties: [2]string{"cl", "us"}, ClockSkew: 5,
		Watchlists: []agreement.Watchlist{{Holder: "us", Name: "wanted", Scheme: "vector:1:norm=3:theta=1", MinEntries: 1}},
		Purposes:   []agreement.Purpose{{Code: "border", Basis: "treaty-1", Daily: 100}},
		Claims:     &agreement.Claims{WindowHours: 72, PerSession: 3, Daily: 9, Bases: []string{"warrant"}}}
	if err := agreed.Validate(); err != nil {
		t.Fatal(err)
	}
	cl, us := audittest.NewKey("cl", 1), audittest.NewKey("us", 1)
	party := func(name string, own, other *audittest.Key) Party {
		return Party{Agency: name, Signer: own, PartnerKeys: []signature.PublicKey{other.Public()}, Agreement: agreed,
			Now: func() time.Time { return clock.Add(time.Hour) }, Context: t.Context()}
	}
	s.parties = [2]Party{party("cl", cl, us), party("us", us, cl)}
	var leaves [4][]byte
	for i := range s.entries {
		s.entries[i] = transcript.Released{Handle: "ref-" + string(rune('0'+i)), Entry: [32]byte{byte(i)}, Template: transcript.Digest{byte(10 + i)}}
		leaves[i] = s.entries[i].Leaf().Hash()
	}
	h := rfc6962.DefaultHasher
	left, right := h.HashChildren(leaves[0], leaves[1]), h.HashChildren(leaves[2], leaves[3])
	for i := range s.entries {
		pair, other := [4][]byte{leaves[1], leaves[0], leaves[3], leaves[2]}[i], right
		if i > 1 {
			other = left
		}
		s.entries[i].Path = []transcript.Digest{transcript.Digest(pair), transcript.Digest(other)}
	}
	request := transcript.Request{Requester: "cl", Holder: "us", Watchlist: "wanted", Scheme: agreed.Watchlists[0].Scheme, Probes: 1,
		Agreement: agreed.Digest(), Purpose: "border", Basis: "treaty-1", Time: clock, Key: cl.ID()}
	grant := transcript.Grant{Session: transcript.Digest{7}, Request: transcript.TextDigest(request.Text()), Epoch: 2,
		Root: transcript.Digest(h.HashChildren(left, right)), Entries: 4, Width: 1, Time: clock, Key: us.ID()}
	s.head = transcript.Note{Body: transcript.NewHead(request, grant, nil).Text()}
	return s
}

func (s *sealed) claim(t testing.TB, slot uint64) Claim {
	t.Helper()
	c, err := NewClaim(s.head, slot, "border", "warrant", transcript.Digest{8}, s.parties[0])
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestClaimAndRelease plays both sides through the bytes that travel, and what is kept.
func TestClaimAndRelease(t *testing.T) {
	s := newSealed(t)
	for slot := range uint64(4) {
		claim := s.claim(t, slot)
		came, err := ParseClaim(claim.Message())
		if err != nil || came.Slot != slot || came.Claim != claim.Claim {
			t.Fatalf("the holder reads %+v, error %v", came, err)
		}
		if err := came.Verify(s.head, s.parties[1]); err != nil {
			t.Fatal(err)
		}
		for name, released := range map[string]*transcript.Released{"released": &s.entries[slot], "withdrawn": nil} {
			release, err := NewRelease(came, released, s.parties[1])
			if err != nil {
				t.Fatal(err)
			}
			answer, err := ParseRelease(release.Message())
			if err != nil || answer.Release != release.Release || answer.Outcome != name {
				t.Fatalf("%s: the requester reads %+v, error %v", name, answer, err)
			}
			if err := answer.Verify(claim, s.head, s.parties[0]); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if released != nil && answer.Released.Handle != released.Handle || released == nil && answer.Released.Handle != "" {
				t.Errorf("%s: reference %q", name, answer.Released.Handle)
			}
			if text := answer.Note().Text() + claim.Note().Text(); strings.Contains(text, "ref-") || strings.Contains(text, "\nslot "+string(rune('0'+slot))+"\n") {
				t.Errorf("the statements show slot or reference:\n%s", text)
			}
			dir := came.Dir(s.dirs[1])
			if _, err := ReadRelease(filepath.Join(dir, "x")); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("a release that is not there gives %v", err)
			}
			if err := errors.Join(came.Keep(s.dirs[1]), release.Keep(dir)); err != nil {
				t.Fatal(err)
			}
			kept, err := ReadRelease(dir)
			if err != nil || !bytes.Equal(kept.Message(), release.Message()) {
				t.Errorf("kept is another release, error %v", err)
			}
			again, err := ReadClaim(dir)
			if err != nil || !bytes.Equal(again.Message(), claim.Message()) {
				t.Errorf("kept is another claim, error %v", err)
			}
			if text, err := os.ReadFile(filepath.Join(dir, ReleaseFile)); err != nil || string(text) != release.Note().Text() {
				t.Errorf("the note for auditors differs, error %v", err)
			}
			for _, role := range []transcript.Party{transcript.Requester, transcript.Holder} {
				entry := ClaimEntry(role, again, kept)
				parsed, err := transcript.ParseEntry(entry.Text())
				if err != nil || parsed.Text() != entry.Text() {
					t.Errorf("the log entry reads back with error %v", err)
				}
			}
		}
	}
}

// TestHolderRefusesClaims spoils a claim in one way each.
func TestHolderRefusesClaims(t *testing.T) {
	s := newSealed(t)
	for name, c := range map[string]struct {
		change func(c *transcript.Claim)
		party  func(p *Party) // of the requester
		slot   uint64
		want   error
	}{
		"other session":    {change: func(c *transcript.Claim) { c.Session[0]++ }, want: ErrStatement},
		"other head":       {change: func(c *transcript.Claim) { c.Head[0]++ }, want: ErrStatement},
		"other watchlist":  {change: func(c *transcript.Claim) { c.Watchlist = "other" }, want: ErrStatement},
		"to another":       {change: func(c *transcript.Claim) { c.Holder = "ar" }, want: ErrStatement},
		"before session":   {change: func(c *transcript.Claim) { c.Time = clock.Add(-time.Minute) }, want: ErrStatement},
		"ahead of clock":   {change: func(c *transcript.Claim) { c.Time = clock.Add(2 * time.Hour) }, want: ErrStatement},
		"slot too high":    {slot: 4, want: ErrStatement},
		"unknown key":      {party: func(p *Party) { p.Signer = audittest.NewKey("third", 1) }, want: transcript.ErrSignature},
		"other key's name": {change: func(c *transcript.Claim) { c.Key[0]++ }, want: transcript.ErrSignature},
	} {
		party := s.parties[0]
		if c.party != nil {
			c.party(&party)
		}
		claim, err := NewClaim(s.head, c.slot, "border", "warrant", transcript.Digest{}, party)
		if err != nil {
			t.Fatal(err)
		}
		if c.change != nil {
			c.change(&claim.Claim)
			claim.note = transcript.Note{Body: claim.Text()}
			if err := claim.note.Sign(t.Context(), "cl", party.Signer); err != nil {
				t.Fatal(err)
			}
		}
		if err := claim.Verify(s.head, s.parties[1]); !errors.Is(err, c.want) {
			t.Errorf("%s: error %v, want %v", name, err, c.want)
		}
	}
	if _, err := NewClaim(s.head, 1, "border", "treaty-1", transcript.Digest{}, s.parties[0]); !errors.Is(err, agreement.ErrNotAllowed) {
		t.Errorf("a basis that is none for claims gives %v", err)
	}
}

// TestRequesterRefusesReleases has a holder answer with what is not the slot's entry.
func TestRequesterRefusesReleases(t *testing.T) {
	s := newSealed(t)
	claim := s.claim(t, 1)
	for name, c := range map[string]struct {
		released func(r *transcript.Released)
		claim    Claim
		party    func(p *Party)
		want     error
	}{
		"other reference": {released: func(r *transcript.Released) { r.Handle = "ref-9" }, want: transcript.ErrProof},
		"other entry":     {released: func(r *transcript.Released) { *r = s.entries[2] }, want: transcript.ErrProof},
		"other template":  {released: func(r *transcript.Released) { r.Template[0]++ }, want: transcript.ErrProof},
		"spoiled proof":   {released: func(r *transcript.Released) { r.Path[1][0]++ }, want: transcript.ErrProof},
		"short proof":     {released: func(r *transcript.Released) { r.Path = r.Path[:1] }, want: transcript.ErrProof},
		"another claim's": {claim: s.claim(t, 1), want: ErrStatement},
		"unknown key":     {party: func(p *Party) { p.Signer = audittest.NewKey("third", 1) }, want: transcript.ErrSignature},
	} {
		released := s.entries[1]
		released.Path = append([]transcript.Digest{}, released.Path...)
		if c.released != nil {
			c.released(&released)
		}
		of, party := claim, s.parties[1]
		if c.claim.message != nil {
			of = c.claim
		}
		if c.party != nil {
			c.party(&party)
		}
		release, err := NewRelease(of, &released, party)
		if err != nil {
			t.Fatal(err)
		}
		came, err := ParseRelease(release.Message())
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := came.Verify(claim, s.head, s.parties[0]); !errors.Is(err, c.want) {
			t.Errorf("%s: error %v, want %v", name, err, c.want)
		}
	}
	bad := s.entries[1]
	bad.Handle = "two words"
	if _, err := NewRelease(claim, &bad, s.parties[1]); !errors.Is(err, ErrStatement) {
		t.Errorf("a reference that does not print gives %v", err)
	}
}

// TestHostileClaims gives all prefixes and one altered byte at every place: an error, or
// the statement that was signed and what it hides.
func TestHostileClaims(t *testing.T) {
	s := newSealed(t)
	claim := s.claim(t, 1)
	release, err := NewRelease(claim, &s.entries[1], s.parties[1])
	if err != nil {
		t.Fatal(err)
	}
	for i := range claim.message {
		if _, err := ParseClaim(claim.message[:i]); err == nil {
			t.Fatalf("%d bytes of a claim are accepted", i)
		}
		altered := bytes.Clone(claim.message)
		altered[i] ^= 0x15
		if c, err := ParseClaim(altered); err == nil && c.Verify(s.head, s.parties[1]) == nil {
			t.Fatalf("a claim with byte %d altered is accepted", i)
		}
	}
	for i := range release.message {
		if _, err := ParseRelease(release.message[:i]); err == nil {
			t.Fatalf("%d bytes of a release are accepted", i)
		}
		altered := bytes.Clone(release.message)
		altered[i] ^= 0x15
		if r, err := ParseRelease(altered); err == nil && r.Verify(claim, s.head, s.parties[0]) == nil {
			t.Fatalf("a release with byte %d altered is accepted", i)
		}
	}
	for _, m := range [][]byte{nil, {kindRelease, version}, seal(kindSeal, claim.message[2:]), append([]byte{kindClaim, 2}, claim.message[2:]...)} {
		if _, err := ParseClaim(m); err == nil {
			t.Errorf("%.8x is accepted as a claim", m)
		}
	}
	if _, err := ParseClaim([]byte{kindClaim, 9}); !errors.Is(err, protocol.ErrVersion) {
		t.Errorf("another version gives %v", err)
	}
}

func FuzzClaims(f *testing.F) {
	s := newSealed(f)
	claim := s.claim(f, 1)
	f.Add(claim.message)
	for _, released := range []*transcript.Released{nil, &s.entries[1]} {
		release, err := NewRelease(claim, released, s.parties[1])
		if err != nil {
			f.Fatal(err)
		}
		f.Add(release.message)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if c, err := ParseClaim(b); err == nil && transcript.SlotHash(b[10:42], c.Slot) != c.Claim.Slot {
			t.Error("an accepted claim hides another slot than the one beside it")
		}
		if r, err := ParseRelease(b); err == nil && (r.Outcome == transcript.OutcomeReleased) != (r.Released.Handle != "") {
			t.Error("an accepted release has a reference where none belongs, or lacks it")
		}
	})
}
