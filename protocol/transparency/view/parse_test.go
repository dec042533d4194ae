package view

import (
	"bytes"
	"crypto/ed25519"
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
)

func TestKeys(t *testing.T) {
	log, witness := logSigner(t).Verifier, witnessSigner(t).Verifier
	if got, err := ParseLogKey(log.String()); err != nil || got != log {
		t.Errorf("ParseLogKey: %v, %v", got, err)
	}
	if got, err := ParseWitnessKey(witness.String()); err != nil || got != witness {
		t.Errorf("ParseWitnessKey: %v, %v", got, err)
	}
	text := log.String()
	for name, bad := range map[string]string{
		"empty":             "",
		"of a witness":      witness.String(),
		"another name":      strings.Replace(text, "cl", "nl", 1),
		"another hash":      text[:11] + flipHex(text[11:12]) + text[12:],
		"upper-case hash":   strings.ToUpper(text),
		"another key":       text[:len(text)-3] + flipHex(text[len(text)-3:len(text)-2]) + text[len(text)-2:],
		"space behind":      text + " ",
		"newline in base64": text[:30] + "\n" + text[30:],
		"name with a space": "puente cl" + text[9:],
		"no name":           text[9:],
		"endless":           strings.Repeat("x", 5000),
	} {
		if _, err := ParseLogKey(bad); !errors.Is(err, ErrKey) {
			t.Errorf("%s: %v, want ErrKey", name, err)
		}
	}
	for _, name := range []string{"", "a+b", "a b", "a\nb", "a\x00", strings.Repeat("n", 129), "\xff"} {
		if _, err := LogVerifier(name, make(ed25519.PublicKey, 32)); !errors.Is(err, ErrKey) {
			t.Errorf("a key with the name %q: %v", name, err)
		}
	}
	if _, err := WitnessVerifier("us", make(ed25519.PublicKey, 31)); !errors.Is(err, ErrKey) {
		t.Errorf("a key of 31 bytes: %v", err)
	}
	if (Verifier{}).Verify([]byte("x"), make([]byte, 64)) {
		t.Error("the zero key verifies")
	}
}

func flipHex(s string) string {
	if s == "1" {
		return "2"
	}
	return "1"
}

func FuzzKey(f *testing.F) {
	f.Add(logSigner(f).String())
	f.Add(witnessSigner(f).String())
	f.Add("a+00000000+AQ==")
	f.Fuzz(func(t *testing.T, text string) {
		for _, parse := range []func(string) (Verifier, error){ParseLogKey, ParseWitnessKey} {
			v, err := parse(text)
			if err == nil && v.String() != text {
				t.Fatalf("%q is read as %q", text, v)
			}
			if err != nil && !errors.Is(err, ErrKey) {
				t.Fatalf("%v is not ErrKey", err)
			}
		}
	})
}

func FuzzCheckpointText(f *testing.F) {
	f.Add(Checkpoint{Origin: "puente/cl", Size: 600}.Text())
	f.Add("a\n0\nAAAA\n")
	f.Add("a\n00\n" + strings.Repeat("A", 43) + "=\n")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := ParseText(text)
		if err == nil && c.Text() != text {
			t.Fatalf("%q is read as %q", text, c.Text())
		}
		if err != nil && !errors.Is(err, ErrCheckpoint) {
			t.Fatalf("%v is not ErrCheckpoint", err)
		}
	})
}

func FuzzOpenCheckpoint(f *testing.F) {
	log, witness := logSigner(f), witnessSigner(f)
	good := checkpoint(f, entries("e", 3), log, witness)
	text, _, _ := bytes.Cut(good, []byte("\n\n"))
	f.Add(good)
	f.Add(checkpoint(f, nil, witness))
	f.Add(append(bytes.Clone(good), "— nl AAAAAAA=\n"...))
	f.Fuzz(func(t *testing.T, raw []byte) {
		c, err := OpenCheckpoint(raw, log, witness.Verifier)
		switch {
		case err == nil && strings.TrimSuffix(c.Text(), "\n") != string(text) && c.Size != 0:
			t.Fatalf("a checkpoint that nobody has signed: %q", raw)
		case err != nil && !errors.Is(err, ErrCheckpoint) && !errors.Is(err, ErrSignature) && !errors.Is(err, ErrCosignature):
			t.Fatalf("%v has no class", err)
		}
	})
}

func FuzzBundle(f *testing.F) {
	f.Add([]byte{0, 1, 'a', 0, 0}, uint16(2), false)
	f.Add([]byte{0, 5, 'a'}, uint16(1), true)
	f.Add([]byte{0xff, 0xff}, uint16(256), false)
	f.Fuzz(func(t *testing.T, b []byte, count uint16, more bool) {
		list, err := ParseBundle(b, int(count), more)
		if err != nil {
			if !errors.Is(err, ErrTile) {
				t.Fatalf("%v is not ErrTile", err)
			}
			return
		}
		var again []byte
		for _, e := range list {
			again = append(binary.BigEndian.AppendUint16(again, uint16(len(e))), e...)
		}
		if len(list) != int(count) || !bytes.HasPrefix(b, again) || (!more && len(again) != len(b)) {
			t.Fatalf("%x gives %d entries of %d that encode as %x", b, len(list), count, again)
		}
	})
}

// TestTwoKeysOfOneName: an ambiguous list of keys verifies nothing.
func TestTwoKeysOfOneName(t *testing.T) {
	log := logSigner(t)
	raw := checkpoint(t, nil, log)
	if _, err := OpenCheckpoint(raw, log, log.Verifier); err == nil {
		t.Error("the log's key is accepted as its own witness")
	}
	if _, err := OpenCheckpoint(raw, note.Verifier(witnessSigner(t).Verifier)); !errors.Is(err, ErrSignature) {
		t.Errorf("opened with the key of another: %v", err)
	}
}
