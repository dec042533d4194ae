package main

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/puente-project/puente/keys"
	"github.com/puente-project/puente/protocol/evidence"
	"github.com/puente-project/puente/protocol/transcript"
	"github.com/puente-project/puente/protocol/transport"
	"github.com/puente-project/puente/templates"
)

// session runs a session whose probe is a person on the list, and returns its head.
func (s *served) session(t *testing.T, person int) transcript.Note {
	t.Helper()
	before, err := filepath.Glob(filepath.Join(s.party.Dir, "*", evidence.HeadFile))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.ask(s.people.Genuine(person, 1), nil); err != nil {
		t.Fatal(err)
	}
	after, err := filepath.Glob(filepath.Join(s.party.Dir, "*", evidence.HeadFile))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range after {
		if !strings.Contains(strings.Join(before, " "), file) {
			note, _, err := readNote(file, transcript.ParseHead)
			if err != nil {
				t.Fatal(err)
			}
			return note
		}
	}
	t.Fatal("the session has left no head")
	return transcript.Note{}
}

// claims sends a claim over the line and returns the verified answer.
func (s *served) claims(t *testing.T, head transcript.Note, slot uint64) (evidence.Claim, evidence.Release, error) {
	t.Helper()
	claim, err := evidence.NewClaim(head, slot, "border", "warrant", transcript.Digest{}, s.party)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := s.client.Claim(t.Context(), claim.Message())
	if err != nil {
		return claim, evidence.Release{}, err
	}
	release, err := evidence.ParseRelease(answer)
	if err == nil {
		err = release.Verify(claim, head, s.party)
	}
	if err != nil {
		t.Fatal(err)
	}
	return claim, release, nil
}

func refusal(t *testing.T, what string, err error, class transport.Class, text string) {
	t.Helper()
	var refused *transport.RefusedError
	if !errors.As(err, &refused) || refused.Class != class || !strings.Contains(refused.Reason, text) {
		t.Errorf("%s: %v, want a refusal (%v) with %q", what, err, class, text)
	}
	if exitCode(t.Context(), err) != exitRefused {
		t.Errorf("%s: exit code %d", what, exitCode(t.Context(), err))
	}
}

func TestServiceClaims(t *testing.T) {
	scheme, err := templates.SchemeByName("vector-128")
	if err != nil {
		t.Fatal(err)
	}
	s := startService(t, scheme, 20)
	first := s.session(t, 7)
	claim, release, err := s.claims(t, first, 7)
	if err != nil || release.Released.Handle != "ref-7" {
		t.Fatalf("reference %q, error %v", release.Released.Handle, err)
	}
	answer := release.Message()
	if again, err := s.client.Claim(t.Context(), claim.Message()); err != nil || !bytes.Equal(again, answer) {
		t.Errorf("the same claim gets another answer, error %v", err)
	}

	// Delisted people are not disclosed; who was there then is found where they were.
	if _, err := s.list.Remove([]string{"ref-3", "ref-8"}); err != nil {
		t.Fatal(err)
	}
	second := s.session(t, 9)
	if _, release, err = s.claims(t, second, 7); err != nil || release.Released.Handle != "ref-9" {
		t.Errorf("slot 7 of the second session: %q, error %v", release.Released.Handle, err)
	}
	if _, release, err = s.claims(t, first, 8); err != nil || release.Outcome != transcript.OutcomeWithdrawn || release.Released.Handle != "" {
		t.Errorf("a delisted entry: %s %q, error %v", release.Outcome, release.Released.Handle, err)
	}
	if again, err := s.client.Claim(t.Context(), claim.Message()); err != nil || !bytes.Equal(again, answer) {
		t.Errorf("the first claim gets another answer now, error %v", err)
	}

	// Limits: two a session, four a day.
	_, _, err = s.claims(t, first, 9)
	refusal(t, "third claim of a session", err, transport.ClassPrecondition, "all claims that it allows")
	third := s.session(t, 11)
	if _, _, err := s.claims(t, third, 9); err != nil {
		t.Error(err)
	}
	_, _, err = s.claims(t, third, 1)
	refusal(t, "fifth claim of a day", err, transport.ClassExhausted, "today's claims")
	restarted, err := newQuotas(s.service.parties["cl"].Dir, "us")
	if err != nil || restarted.claims[claimDay{now().Format(time.DateOnly), "cl"}] != 4 {
		t.Errorf("a restarted service counts %v, error %v", restarted, err)
	}
}

// TestServiceRefusesClaims makes claims that must not be answered, each in one way, and
// then one that must.
func TestServiceRefusesClaims(t *testing.T) {
	scheme, err := templates.SchemeByName("vector-128")
	if err != nil {
		t.Fatal(err)
	}
	s := startService(t, scheme, 20)
	head := s.session(t, 7)
	session, err := transcript.ParseHead(head.Body)
	if err != nil {
		t.Fatal(err)
	}
	holder := s.service.parties["cl"]
	folder := filepath.Join(holder.Dir, session.Grant.Session.String())
	_, _, err = s.claims(t, head, 20)
	refusal(t, "slot out of range", err, transport.ClassInvalid, "slot 20")

	change := func(f func(p *evidence.Party)) { // of the holder
		p := holder
		f(&p)
		s.service.parties["cl"] = p
	}
	change(func(p *evidence.Party) { p.Now = func() time.Time { return now().Add(61 * time.Minute) } })
	_, _, err = s.claims(t, head, 7)
	refusal(t, "window over", err, transport.ClassPrecondition, "claim window of 1h0m0s is over")
	change(func(p *evidence.Party) {
		terms := *p.Agreement.Claims
		terms.Bases = []string{"decree"}
		p.Agreement.Claims = &terms
	})
	_, _, err = s.claims(t, head, 7)
	refusal(t, "another agreement", err, transport.ClassPrecondition, "another agreement")
	change(func(p *evidence.Party) {})

	claim, err := evidence.NewClaim(head, 7, "border", "warrant", transcript.Digest{}, s.party)
	if err != nil {
		t.Fatal(err)
	}
	statement := claim.Claim
	statement.Basis = "treaty-1" // which this agency's own program does not sign
	note := transcript.Note{Body: statement.Text()}
	if err := note.Sign(t.Context(), "cl", s.party.Signer); err != nil {
		t.Fatal(err)
	}
	beside := len(claim.Message()) - len(claim.Note().Text())
	_, err = s.client.Claim(t.Context(), append(bytes.Clone(claim.Message()[:beside]), note.Text()...))
	refusal(t, "basis not allowed", err, transport.ClassPrecondition, "basis treaty-1")
	_, err = s.client.Claim(t.Context(), claim.Message()[:beside+9])
	refusal(t, "no claim", err, transport.ClassInvalid, "claim")

	move := func(from, to string) {
		t.Helper()
		if err := os.Rename(from, to); err != nil {
			t.Fatal(err)
		}
	}
	headFile := filepath.Join(folder, evidence.HeadFile)
	move(headFile, headFile+".x")
	_, _, err = s.claims(t, head, 7)
	refusal(t, "not sealed", err, transport.ClassPrecondition, "not been sealed")
	move(headFile+".x", headFile)
	move(folder, folder+".x")
	_, _, err = s.claims(t, head, 7)
	refusal(t, "unknown session", err, transport.ClassNotFound, "no session")
	move(folder+".x", folder)

	text, err := os.ReadFile(headFile)
	if err != nil {
		t.Fatal(err)
	}
	foreign := session
	foreign.Request.Requester = "ar"
	foreign.Grant.Request = transcript.TextDigest(foreign.Request.Text())
	other := transcript.Note{Body: foreign.Text()}
	if err := os.WriteFile(headFile, []byte(other.Text()), 0o600); err != nil {
		t.Fatal(err)
	}
	_, _, err = s.claims(t, head, 7)
	refusal(t, "another partner's session", err, transport.ClassNotFound, "no session")
	if err := os.WriteFile(headFile, text, 0o600); err != nil {
		t.Fatal(err)
	}

	slots := s.service.lists["wanted"].slots
	move(slots.dir, slots.dir+".x")
	_, _, err = s.claims(t, head, 7)
	refusal(t, "state forgotten", err, transport.ClassPrecondition, "not kept any more")
	move(slots.dir+".x", slots.dir)

	if n, err := claimsOf(folder); n != 0 || err != nil {
		t.Errorf("refused claims have left %d answers, error %v", n, err)
	}
	if _, release, err := s.claims(t, head, 7); err != nil || release.Released.Handle != "ref-7" {
		t.Errorf("after the refusals: %q, error %v", release.Released.Handle, err)
	}
}

// slotsOf keeps a state of so many entries and returns it with its root.
func slotsOf(t *testing.T, entries int) (*slotStore, transcript.Digest) {
	t.Helper()
	s := &slotStore{dir: filepath.Join(t.TempDir(), "slots"), key: keys.Seed{1}, salts: entrySalts{2}}
	w, err := s.begin()
	if err != nil {
		t.Fatal(err)
	}
	tree := newRootTree()
	for i := range entries {
		handle, template := fmt.Sprintf("ref-%d", i), transcript.Digest{byte(i), byte(i >> 8)}
		if err := errors.Join(w.add(handle, template), tree.Append(s.salts.leaf(handle, template).Hash(), nil)); err != nil {
			t.Fatal(err)
		}
	}
	root, err := tree.root()
	if err == nil {
		err = w.keep(root)
	}
	if err != nil {
		t.Fatal(err)
	}
	return s, root
}

// TestSlotsAreProved finds entries at the ends of chunks and of lists, with a proof that
// holds, and reads none of them in the file.
func TestSlotsAreProved(t *testing.T) {
	for _, entries := range []int{1, 2, 7, slotsChunk, slotsChunk + 1, 2*slotsChunk + 3} {
		s, root := slotsOf(t, entries)
		for _, slot := range []int{0, 1, entries / 2, slotsChunk - 1, slotsChunk, entries - 1} {
			if slot >= entries {
				continue
			}
			found, err := s.find(root, uint64(slot), uint64(entries))
			if err != nil || found.Handle != fmt.Sprintf("ref-%d", slot) {
				t.Fatalf("slot %d of %d: %q, error %v", slot, entries, found.Handle, err)
			}
			if err := transcript.CheckLeaf(root, uint64(slot), uint64(entries), found.Leaf(), found.Path); err != nil {
				t.Errorf("slot %d of %d: %v", slot, entries, err)
			}
		}
		data, err := os.ReadFile(s.path(root))
		if err != nil || bytes.Contains(data, []byte("ref-")) {
			t.Errorf("references stand in the file in clear, error %v", err)
		}
		if _, err := s.find(root, uint64(entries), uint64(entries)); err == nil {
			t.Error("a slot behind the last is found")
		}
	}
}

// TestSlotsTampered cuts the file and alters each part of it.
func TestSlotsTampered(t *testing.T) {
	s, root := slotsOf(t, slotsChunk+5)
	good, err := os.ReadFile(s.path(root))
	if err != nil {
		t.Fatal(err)
	}
	put := func(b []byte) {
		t.Helper()
		if err := os.WriteFile(s.path(root), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for i := 0; i < len(good); i += 1 + i/40 {
		altered := bytes.Clone(good)
		altered[i] ^= 1
		put(altered)
		if _, err := s.find(root, 3, slotsChunk+5); !errors.Is(err, errSlots) {
			t.Fatalf("byte %d altered: %v, want %v", i, err, errSlots)
		}
		put(good[:i])
		if _, err := s.find(root, 3, slotsChunk+5); !errors.Is(err, errSlots) {
			t.Fatalf("cut to %d bytes: %v, want %v", i, err, errSlots)
		}
	}
	put(good)
	if _, err := s.find(root, 3, slotsChunk+6); !errors.Is(err, errSlots) {
		t.Errorf("another number of entries: %v, want %v", err, errSlots)
	}
	other := &slotStore{dir: s.dir, key: keys.Seed{9}, salts: s.salts}
	if _, err := other.find(root, 3, slotsChunk+5); !errors.Is(err, errSlots) {
		t.Errorf("another key: %v, want %v", err, errSlots)
	}
}

// TestSlotsArePruned forgets what nobody can claim: neither the current state, nor what
// was granted lately, nor what is not its own.
func TestSlotsArePruned(t *testing.T) {
	s, root := slotsOf(t, 3)
	old, recent := transcript.Digest{1}, transcript.Digest{2}
	long := time.Now().Add(-100 * time.Hour)
	for name, at := range map[string]time.Time{hex.EncodeToString(old[:]): long, hex.EncodeToString(recent[:]): long, slotsTemp + "1": long, "note": long, root.String(): long} {
		file := filepath.Join(s.dir, name)
		if name != root.String() {
			if err := os.WriteFile(file, nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Chtimes(file, at, at); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(s.touch(recent), s.prune(root, time.Now().Add(-73*time.Hour))); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{old.String(): false, slotsTemp + "1": false, recent.String(): true, "note": true, root.String(): true} {
		if _, err := os.Stat(filepath.Join(s.dir, name)); (err == nil) != want {
			t.Errorf("%.16s: kept %v, want %v", name, err == nil, want)
		}
	}
	gone := &slotStore{dir: filepath.Join(s.dir, "none")}
	if err := gone.prune(root, time.Now()); err != nil {
		t.Errorf("a store without a folder: %v", err)
	}
}
