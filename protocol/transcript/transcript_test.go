package transcript

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"strings"
	"testing"
	"time"
)

var sample = Request{Requester: "cl", Holder: "us", Watchlist: "wanted", Scheme: "vector:4:norm=20:theta=200", Probes: 300, Open: Digest{1}, Seed: Digest{2},
	Agreement: Digest{3}, Purpose: "border", Basis: "treaty-1", Case: CaseHash(make([]byte, 16), "AB-123"),
	Time: time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC), Key: Digest{4}}

var (
	sampleClaim = Claim{Session: Digest{5}, Head: Digest{6}, Requester: "cl", Holder: "us", Watchlist: "wanted", Slot: SlotHash(make([]byte, 32), 3),
		Agreement: Digest{3}, Purpose: "border", Basis: "warrant", Case: Digest{7}, Time: sample.Time.Add(time.Hour), Key: Digest{4}}
	sampleRelease = Release{Claim: TextDigest(sampleClaim.Text()), Outcome: OutcomeReleased, Handle: HandleHash(make([]byte, 32), "ref-3"),
		Time: sample.Time.Add(2 * time.Hour), Key: Digest{9}}
)

func sampleHead() Head {
	grant := Grant{Session: Digest{5}, Request: TextDigest(sample.Text()), Accept: Digest{6}, Seed: Digest{7}, Epoch: 3, Root: Digest{8},
		Entries: 9, Width: 4, Time: sample.Time.Add(time.Second), Key: Digest{9}}
	return NewHead(sample, grant, []Record{RecordOf(Requester, []byte{KindOpen, 1}), RecordOf(Holder, []byte{KindAccept, 1})})
}

// TestStatementsAreCanonical parses every statement back, and refuses it with any one
// byte changed into something that is not the same statement's other value.
func TestStatementsAreCanonical(t *testing.T) {
	head := sampleHead()
	entries := []Entry{
		EpochEntry{Watchlist: "wanted", Scheme: sample.Scheme, Epoch: 2, Entries: 9, Root: Digest{1}, Time: sample.Time},
		AgreementEntry{Partner: "us", Agreement: Digest{2}, Time: sample.Time},
	}
	for _, e := range entries {
		if got, err := ParseEntry(e.Text()); err != nil || got != e {
			t.Errorf("%q gives %+v, error %v", e.Text(), got, err)
		}
	}
	for name, c := range map[string]struct {
		text  string
		parse func(string) (string, error)
	}{
		"request": {sample.Text(), func(s string) (string, error) { v, err := ParseRequest(s); return v.Text(), err }},
		"grant":   {head.Grant.Text(), func(s string) (string, error) { v, err := ParseGrant(s); return v.Text(), err }},
		"head":    {head.Text(), func(s string) (string, error) { v, err := ParseHead(s); return v.Text(), err }},
		"claim":   {sampleClaim.Text(), func(s string) (string, error) { v, err := ParseClaim(s); return v.Text(), err }},
		"release": {sampleRelease.Text(), func(s string) (string, error) { v, err := ParseRelease(s); return v.Text(), err }},
	} {
		if got, err := c.parse(c.text); err != nil || got != c.text {
			t.Errorf("%s: error %v, gives\n%s", name, err, got)
		}
		for i := range c.text {
			if _, err := c.parse(c.text[:i]); !errors.Is(err, ErrFormat) {
				t.Fatalf("%s: %d bytes of it give error %v", name, i, err)
			}
			for _, b := range []byte{'\n', ' ', 0, 'A', 0x80} {
				altered := c.text[:i] + string([]byte{b}) + c.text[i+1:]
				if got, err := c.parse(altered); err == nil && got != altered {
					t.Fatalf("%s: accepted with byte %d as %q, but written as another text", name, i, b)
				}
			}
		}
		if _, err := c.parse(c.text + "more x\n"); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: a further field gives error %v", name, err)
		}
	}
	other := head
	other.Grant.Request = Digest{}
	if _, err := ParseHead(other.Text()); !errors.Is(err, ErrFormat) {
		t.Errorf("a grant for another request gives error %v", err)
	}
}

// TestProbes refuses numbers of probes that no session can have.
func TestProbes(t *testing.T) {
	for n, want := range map[string]bool{"0": false, "1": true, "1024": true, "1025": false, "18446744073709551615": false, "01": false} {
		r, err := ParseRequest(strings.Replace(sample.Text(), "probes 300", "probes "+n, 1))
		if (err == nil) != want || err != nil && !errors.Is(err, ErrFormat) {
			t.Errorf("%s probes give %d, error %v", n, r.Probes, err)
		}
	}
}

func TestCodes(t *testing.T) {
	for code, want := range map[string]bool{"a": true, "treaty-2025-4": true, "": false, "-a": false, "A": false, "a b": false,
		strings.Repeat("a", 64): true, strings.Repeat("a", 65): false, "ä": false} {
		if ValidCode(code) != want {
			t.Errorf("%q: %v, want %v", code, !want, want)
		}
	}
}

// TestChain holds the chain against the formula, its order, and what changes it.
func TestChain(t *testing.T) {
	message := make([]byte, 40)
	message[0], message[36] = KindShare, 5
	list := []Record{RecordOf(Holder, message), RecordOf(Requester, []byte{KindOpen})}
	if list[0].Index != 5 || list[0].Length != 40 || list[0].Digest != Digest(sha256.Sum256(message)) || list[1].Index != 0 {
		t.Fatalf("records: %+v", list)
	}
	Sort(list)
	if list[0].Kind != KindOpen {
		t.Error("open is not first")
	}
	c := sha256.Sum256([]byte("puente transcript chain v1\n"))
	var encoded []byte
	for _, r := range list {
		c = sha256.Sum256(append(c[:], r.Append(nil)...))
		encoded = r.Append(encoded)
	}
	if Chain(list) != Digest(c) {
		t.Error("the chain is not the formula's")
	}
	if Chain(list[:1]) == Chain(list) || Chain([]Record{list[1], list[0]}) == Chain(list) {
		t.Error("a dropped or moved record does not change the chain")
	}
	back, err := ParseRecords(encoded)
	if err != nil || len(back) != 2 || back[0] != list[0] || back[1] != list[1] {
		t.Errorf("parsed back %+v, error %v", back, err)
	}
	for _, bad := range [][]byte{encoded[:len(encoded)-1], append([]byte{3}, encoded[1:]...), append([]byte{1, 9}, encoded[2:]...)} {
		if _, err := ParseRecords(bad); !errors.Is(err, ErrFormat) {
			t.Errorf("spoiled records give error %v", err)
		}
	}
}

func TestCaseHashNeedsTheSalt(t *testing.T) {
	a, b := bytes.Repeat([]byte{1}, 16), bytes.Repeat([]byte{2}, 16)
	for name, hash := range map[string]func(salt []byte, value string) Digest{
		"case": CaseHash, "handle": HandleHash,
		"slot":     func(salt []byte, value string) Digest { return SlotHash(salt, uint64(value[0])) },
		"template": func(salt []byte, value string) Digest { return TemplateHash(salt, []byte(value)) },
	} {
		if hash(a, "x") == hash(b, "x") || hash(a, "x") == hash(a, "y") {
			t.Errorf("%s: the hash does not depend on salt and value", name)
		}
	}
	if CaseHash(a, "x") == HandleHash(a, "x") || HandleHash(a, "x") == TemplateHash(a, []byte("x")) {
		t.Error("hashes of different things are equal")
	}
}

// TestReleases refuses outcomes and handles that do not belong together.
func TestReleases(t *testing.T) {
	withdrawn := Release{Claim: Digest{1}, Outcome: OutcomeWithdrawn, Time: sample.Time, Key: Digest{2}}
	if got, err := ParseRelease(withdrawn.Text()); err != nil || got != withdrawn {
		t.Errorf("%+v, error %v", got, err)
	}
	for name, change := range map[string]func(*Release){
		"no handle":    func(r *Release) { r.Outcome = OutcomeReleased },
		"a handle":     func(r *Release) { r.Handle = Digest{3} },
		"unknown word": func(r *Release) { r.Outcome = "lost" },
	} {
		r := withdrawn
		change(&r)
		if _, err := ParseRelease(r.Text()); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: error %v, want %v", name, err, ErrFormat)
		}
	}
}

// TestCheckLeaf holds a leaf against a tree that is written down here.
func TestCheckLeaf(t *testing.T) {
	sha := func(parts ...[]byte) Digest { return sha256.Sum256(bytes.Join(parts, nil)) }
	list := []Leaf{{Digest{1}, Digest{2}}, {Digest{3}, Digest{4}}, {Digest{5}, Digest{6}}}
	var hashes [3]Digest
	for i, l := range list {
		if hashes[i] = sha([]byte{0}, l.Template[:], l.Handle[:]); !bytes.Equal(hashes[i][:], l.Hash()) {
			t.Fatalf("leaf %d has the hash %x, want %v", i, l.Hash(), hashes[i])
		}
	}
	node := sha([]byte{1}, hashes[0][:], hashes[1][:])
	root := sha([]byte{1}, node[:], hashes[2][:])
	for slot, path := range [][]Digest{{hashes[1], hashes[2]}, {hashes[0], hashes[2]}, {node}} {
		for i, l := range list {
			if err := CheckLeaf(root, uint64(slot), 3, l, path); (err == nil) != (i == slot) || err != nil && !errors.Is(err, ErrProof) {
				t.Errorf("leaf %d at slot %d: %v", i, slot, err)
			}
		}
	}
	if err := CheckLeaf(root, 3, 3, list[2], []Digest{node}); !errors.Is(err, ErrProof) {
		t.Errorf("a slot behind the last gives %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(sampleClaim.Text())
	f.Add(sampleRelease.Text())
	f.Add(ClaimEntry{Role: Holder, Outcome: OutcomeReleased, Claim: Note{Body: sampleClaim.Text()}, Release: Note{Body: sampleRelease.Text()}}.Text())
	f.Add(sampleHead().Text())
	f.Add(sample.Text())
	f.Add(AgreementEntry{Partner: "us", Time: sample.Time}.Text())
	f.Add(SessionEntry{Role: Holder, Outcome: OutcomeAnswered, Note: Note{Body: sampleHead().Text()}}.Text())
	f.Fuzz(func(t *testing.T, s string) {
		if e, err := ParseEntry(s); err == nil && e.Text() != s {
			t.Error("an accepted entry is written as another text")
		}
		if n, err := ParseNote(s); err == nil && n.Text() != s {
			t.Error("an accepted note is written as another text")
		}
		if c, err := ParseClaim(s); err == nil && c.Text() != s {
			t.Error("an accepted claim is written as another text")
		}
		if r, err := ParseRelease(s); err == nil && r.Text() != s {
			t.Error("an accepted release is written as another text")
		}
		if h, err := ParseHead(s); err == nil && h.Text() != s {
			t.Error("an accepted head is written as another text")
		}
	})
}
