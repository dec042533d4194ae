package keys

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestDeriveFormula computes HKDF (RFC 5869) by hand.
func TestDeriveFormula(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := Seed(rapid.SliceOfN(rapid.Byte(), SeedSize, SeedSize).Draw(t, "seed"))
		label := rapid.StringN(0, 40, -1).Draw(t, "label")
		context := rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "context")
		mac := func(key []byte, parts ...[]byte) []byte {
			h := hmac.New(sha256.New, key)
			for _, p := range parts {
				h.Write(p)
			}
			return h.Sum(nil)
		}
		prk := mac(make([]byte, 32), s[:])
		length := []byte{0, 0, 0, 0, 0, 0, byte(len(label) >> 8), byte(len(label))}
		want := mac(prk, length, []byte(label), context, []byte{1})
		if got := s.Derive(label, context); !bytes.Equal(got[:], want) {
			t.Fatalf("Derive(%q, %x) differs from RFC 5869", label, context)
		}
	})
}

// TestDeriveGolden pins the bytes: data on disk depends on them.
func TestDeriveGolden(t *testing.T) {
	var s Seed
	for i := range s {
		s[i] = byte(i)
	}
	got := s.Derive("session", []byte("id"))
	const want = "0cd18734e06b01f8169d10d7137b1aec0e8b22740188555f2c283387407e91aa"
	if h := hex.EncodeToString(got[:]); h != want {
		t.Errorf("Derive = %s, want %s", h, want)
	}
}

func TestDeriveSeparates(t *testing.T) {
	s := NewSeed()
	seen := map[Seed]string{s: "the seed itself"}
	for _, in := range [][2]string{{"", ""}, {"a", ""}, {"", "a"}, {"ab", "c"}, {"a", "bc"}, {"abc", ""}, {"", "abc"}} {
		child := s.Derive(in[0], []byte(in[1]))
		if other, ok := seen[child]; ok {
			t.Errorf("%q gives the same as %s", in, other)
		}
		seen[child] = fmt.Sprintf("%q", in)
	}
	if first := NewSeed(); first == NewSeed() {
		t.Error("two new seeds are equal")
	}
}

// leaks reports whether text contains a seed's bytes in a form that fmt,
// encoding/json or encoding/hex could have given them.
func leaks(text string, s Seed) bool {
	for _, form := range []string{
		string(s[:8]), hex.EncodeToString(s[:8]), strings.ToUpper(hex.EncodeToString(s[:8])),
		strings.Trim(fmt.Sprint(s[:4]), "[]"), strings.Trim(fmt.Sprintf("%#v", s[:4]), "[]byte{}"),
		fmt.Sprintf("%d,%d,%d,%d", s[0], s[1], s[2], s[3]),
	} {
		if strings.Contains(text, form) {
			return true
		}
	}
	return false
}

func TestSeedRedacts(t *testing.T) {
	s := NewSeed()
	holder := struct {
		Name  string
		Value Seed
		List  []Seed
		Ptr   *Seed
	}{"x", s, []Seed{s}, &s}
	var texts []string
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%b", "%o", "%c", "%U", "%t", "%e", "% x", "%#x"} {
		texts = append(texts, fmt.Sprintf(verb, s), fmt.Sprintf(verb, &s), fmt.Sprintf(verb, holder))
	}
	j, err := json.Marshal(holder)
	if err != nil {
		t.Fatal(err)
	}
	m, err := json.Marshal(map[Seed]int{s: 1})
	if err != nil {
		t.Fatal(err)
	}
	x, err := xml.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("m", "seed", s, "holder", holder)
	slog.New(slog.NewTextHandler(&log, nil)).Info("m", "seed", s, "ptr", &s, "holder", holder)
	texts = append(texts, string(j), string(m), string(x), log.String(), s.String(), s.GoString(), errors.Join(fmt.Errorf("e %v", s)).Error())
	for _, text := range texts {
		if leaks(text, s) {
			t.Errorf("seed bytes in %q", text)
		}
	}
	if !leaks(fmt.Sprint([SeedSize]byte(s)), s) || !leaks(fmt.Sprintf("%x", [SeedSize]byte(s)), s) {
		t.Error("the test itself does not see a leak")
	}
	var back Seed
	if err := json.Unmarshal([]byte(`"[redacted]"`), &back); err == nil {
		t.Error("a redacted seed was read back")
	}
}

func TestCheckName(t *testing.T) {
	for _, name := range []string{"a", "watchlist/border", "a-b/0/c", "-", strings.Repeat("x", 64)} {
		if err := CheckName(name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, name := range []string{"", "/", "/a", "a/", "a//b", "A", "a b", "a_b", "a.b", "..", "ä", "a\n", "a\x00", strings.Repeat("x", 65)} {
		if err := CheckName(name); !errors.Is(err, ErrName) {
			t.Errorf("%q: %v, want ErrName", name, err)
		}
	}
}
