package keys

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	zero := strings.Repeat("0", 64)
	for name, plain := range map[string]string{
		"empty":            "",
		"other version":    "puente-keys/2\nauth x\n",
		"no auth":          "puente-keys/1\n",
		"unfinished line":  "puente-keys/1\nauth x",
		"trailing":         "puente-keys/1\nauth x\n\n",
		"order":            "puente-keys/1\nseed b " + zero + "\nseed a " + zero + "\nauth x\n",
		"duplicate":        "puente-keys/1\nseed a " + zero + "\nseed a " + zero + "\nauth x\n",
		"bad name":         "puente-keys/1\nseed A " + zero + "\nauth x\n",
		"upper-case hex":   "puente-keys/1\nseed a " + zero[1:] + "A\nauth x\n",
		"short seed":       "puente-keys/1\nseed a " + zero[1:] + "\nauth x\n",
		"long seed":        "puente-keys/1\nseed a " + zero + "0\nauth x\n",
		"two spaces":       "puente-keys/1\nseed a  " + zero + "\nauth x\n",
		"carriage returns": "puente-keys/1\r\nauth x\r\n",
		"unknown line":     "puente-keys/1\nkey a " + zero + "\nauth x\n",
	} {
		if _, _, err := parse([]byte(plain)); err == nil {
			t.Errorf("%s: accepted", name)
		} else if strings.Contains(err.Error(), zero[:8]) {
			t.Errorf("%s: seed digits in %q", name, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("puente-keys/1\nauth passphrase\n"))
	f.Add(format(map[string]Seed{"a": {1}, "b/c": {2}}, passphraseKey{}.tag))
	f.Fuzz(func(t *testing.T, plain []byte) {
		seeds, auth, err := parse(plain)
		if err != nil {
			return
		}
		if again := format(seeds, func([]byte) string { return auth }); !bytes.Equal(again, plain) {
			t.Errorf("accepted %q but writes %q", plain, again)
		}
	})
}

// FuzzUnseal feeds hostile files to the whole reader.
func FuzzUnseal(f *testing.F) {
	u := testIdentity(f, false)
	good, err := seal(map[string]Seed{"a": {1}}, u.keys[0])
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(good[:len(good)/2])
	f.Fuzz(func(t *testing.T, file []byte) {
		if seeds, _, err := unseal(file, u); err == nil && !bytes.Equal(file, good) {
			t.Errorf("forged file gives %d seeds", len(seeds))
		}
	})
}

// TestMutations flips a bit in every byte, cuts at every length and appends:
// always a known class of error and never a store.
func TestMutations(t *testing.T) {
	for kind, u := range unlocks(t) {
		t.Run(kind, func(t *testing.T) {
			_, path := newStore(t, u, "a", "b")
			good, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			check := func(what string, file []byte) {
				if err := os.WriteFile(path, file, 0o600); err != nil {
					t.Fatal(err)
				}
				s, err := Open(path, u)
				if s != nil || !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrWrongKey) {
					t.Errorf("%s: store %v, error %v; want none and ErrCorrupt or ErrWrongKey", what, s, err)
				}
			}
			for i := range good {
				bad := bytes.Clone(good)
				bad[i] ^= 1 << (i % 8)
				check(fmt.Sprintf("byte %d of %d mutated", i, len(good)), bad)
			}
			for n := 0; n < len(good); n += 1 + len(good)/100 {
				check(fmt.Sprintf("cut to %d bytes", n), good[:n])
			}
			check("one byte more", append(bytes.Clone(good), 0))
			check("twice", append(bytes.Clone(good), good...))
			check("too long", make([]byte, maxFile+1))
		})
	}
}

// TestForgedByRecipient: who knows only the public key cannot plant seeds.
func TestForgedByRecipient(t *testing.T) {
	u := testIdentity(t, true)
	_, path := newStore(t, u, "a")
	public, err := u.keys[0].recipient()
	if err != nil {
		t.Fatal(err)
	}
	forger := identityKey{public: public, secret: "guess"}
	for name, tag := range map[string]unlocker{"own tag": forger, "tag of a passphrase file": tagless{forger}} {
		file, err := seal(map[string]Seed{"a": {}}, tag)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, file, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(path, u); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: %v, want ErrCorrupt", name, err)
		}
	}
}

type tagless struct{ unlocker }

func (tagless) tag([]byte) string { return passphraseKey{}.tag(nil) }
