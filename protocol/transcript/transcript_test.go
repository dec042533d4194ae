package transcript

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"strings"
	"testing"
	"time"
)

var sample = Request{Requester: "cl", Holder: "us", Watchlist: "wanted", Scheme: "vector:4:norm=20:theta=200", Open: Digest{1}, Seed: Digest{2},
	Agreement: Digest{3}, Purpose: "border", Basis: "treaty-1", Case: CaseHash(make([]byte, 16), "AB-123"),
	Time: time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC), Key: Digest{4}}

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
	if CaseHash(a, "x") == CaseHash(b, "x") || CaseHash(a, "x") == CaseHash(a, "y") {
		t.Error("the hash does not depend on salt and reference")
	}
}

func FuzzParse(f *testing.F) {
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
		if h, err := ParseHead(s); err == nil && h.Text() != s {
			t.Error("an accepted head is written as another text")
		}
	})
}
