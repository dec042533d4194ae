package transparency

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/puente-project/puente/protocol/transparency/view"
)

func TestKeysAreDeterministic(t *testing.T) {
	seen := map[string]string{}
	for _, seed := range []byte{1, 2} {
		for _, name := range []string{"puente/cl", "puente/us"} {
			_, log, err := NewSigner([32]byte{seed}, name)
			if err != nil {
				t.Fatal(err)
			}
			if _, again, _ := NewSigner([32]byte{seed}, name); again != log {
				t.Errorf("seed %d gives %v, and then %v", seed, log, again)
			}
			_, witness, err := NewCosigner([32]byte{seed}, name)
			if err != nil {
				t.Fatal(err)
			}
			for _, v := range []view.Verifier{log, witness} {
				key := v.String()[strings.LastIndex(v.String(), "+")+4:] // without the algorithm
				if other, twice := seen[key]; twice {
					t.Errorf("%v and %s are the same key", v, other)
				}
				seen[key] = v.String()
			}
		}
	}
	// Pinned: another release must find the same log.
	_, v, err := NewSigner([32]byte{1}, "puente/cl")
	if err != nil || v.String() != pinnedKey {
		t.Errorf("the key of seed 1 is %v, %v; want %s", v, err, pinnedKey)
	}
	for _, name := range []string{"", "a b", "a+b"} {
		if _, _, err := NewSigner([32]byte{1}, name); !errors.Is(err, view.ErrKey) {
			t.Errorf("a key with the name %q: %v", name, err)
		}
	}
}

// TestSignerRedacts: no form of printing shows the private key.
func TestSignerRedacts(t *testing.T) {
	s, _, err := NewSigner([32]byte{3}, "puente/cl")
	if err != nil {
		t.Fatal(err)
	}
	secret := hex.EncodeToString(s.key.Seed()[:8])
	var b strings.Builder
	slog.New(slog.NewTextHandler(&b, nil)).Info("key", "signer", s)
	j, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{fmt.Sprint(s), fmt.Sprintf("%#v", s), fmt.Sprintf("%x", s), fmt.Sprintf("%+v", s), b.String(), string(j)} {
		if !strings.Contains(text, "puente/cl+") || strings.Contains(text, secret) || strings.Contains(text, fmt.Sprint(s.key.Seed()[:4])[1:10]) {
			t.Errorf("printed as %s", text)
		}
	}
}

const pinnedKey = "puente/cl+14c049f9+AYeLPFRV6oALTqSLYm1n1/FeuNZL0DdZwctdHFLrEuDk"
