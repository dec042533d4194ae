package keys

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/puente-project/puente/protocol/signature"
)

func mustRotate(t *testing.T, s Store, want uint32) {
	t.Helper()
	if got, err := Rotate(t.Context(), s); err != nil || got != want {
		t.Fatalf("Rotate = %d, %v; want %d", got, err, want)
	}
}

func TestSigningVersions(t *testing.T) {
	u := testIdentity(t, true)
	s, path := newStore(t, u, "sessions")
	if _, err := NewSigner(t.Context(), s, 0); !errors.Is(err, ErrNotFound) {
		t.Errorf("signer of a new store: %v, want ErrNotFound", err)
	}
	var sigs []signature.Signature
	for n := uint32(1); n <= 3; n++ {
		mustRotate(t, s, n)
		signer, err := NewSigner(t.Context(), s, 0)
		if err != nil {
			t.Fatal(err)
		}
		if signer.Public().Version != n {
			t.Errorf("the newest signer has version %d, want %d", signer.Public().Version, n)
		}
		sig, err := signer.Sign(t.Context(), []byte("head"))
		if err != nil {
			t.Fatal(err)
		}
		sigs = append(sigs, sig)
	}
	if err := Revoke(t.Context(), s, 1); err != nil {
		t.Fatal(err)
	}
	if err := Revoke(t.Context(), s, 1); err != nil {
		t.Errorf("revoke twice: %v", err)
	}
	if err := Revoke(t.Context(), s, 3); !errors.Is(err, ErrNewest) {
		t.Errorf("revoke the newest: %v, want ErrNewest", err)
	}
	if err := Revoke(t.Context(), s, 4); !errors.Is(err, ErrNotFound) {
		t.Errorf("revoke nothing: %v, want ErrNotFound", err)
	}

	other := mustOpen(t, path, u)
	list, err := ListSigning(t.Context(), other)
	if err != nil || len(list) != 3 || list.Newest() != 3 {
		t.Fatalf("%d versions, newest %d, %v", len(list), list.Newest(), err)
	}
	for i, sig := range sigs {
		key, err := signature.VerifyAny(list.PublicKeys(), []byte("head"), sig)
		if err != nil || key != list[i].Public {
			t.Errorf("version %d after two rotations: %v", i+1, err)
		}
		if list[i].Revoked != (i == 0) {
			t.Errorf("version %d revoked: %v", i+1, list[i].Revoked)
		}
		// Deterministic: the same key, opened again, gives the same bytes.
		signer, err := NewSigner(t.Context(), other, uint32(i+1))
		if i == 0 {
			if !errors.Is(err, ErrRevoked) {
				t.Errorf("signer of a revoked version: %v, want ErrRevoked", err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if again, err := signer.Sign(t.Context(), []byte("head")); err != nil || again != sig {
			t.Errorf("version %d signs differently after reopening (%v)", i+1, err)
		}
	}
	if _, err := NewSigner(t.Context(), other, 9); !errors.Is(err, ErrNotFound) {
		t.Errorf("signer of version 9: %v, want ErrNotFound", err)
	}
}

// TestRotateCompletes: what a crash left half done becomes the next version.
func TestRotateCompletes(t *testing.T) {
	s, _ := newStore(t, testIdentity(t, false), "signing/1/ed25519", "signing/01/mldsa65", "signing/x", "signing/2/mldsa65")
	if list, err := ListSigning(t.Context(), s); err != nil || len(list) != 0 {
		t.Fatalf("half a version counts: %d, %v", len(list), err)
	}
	mustRotate(t, s, 1)
	if _, err := Rotate(t.Context(), s); !errors.Is(err, ErrExists) {
		// Version 2 has the second half already: its other half completes it.
		t.Fatalf("Rotate over another's seed: %v, want ErrExists", err)
	}
	list, err := ListSigning(t.Context(), s)
	if err != nil || list.Newest() != 2 {
		t.Errorf("newest is %d, %v, want 2", list.Newest(), err)
	}
}

func TestConcurrentRotate(t *testing.T) {
	s, _ := newStore(t, testIdentity(t, false))
	var mu sync.Mutex
	var won []uint32
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			n, err := Rotate(t.Context(), s)
			if err != nil && !errors.Is(err, ErrExists) {
				t.Error(err)
			}
			if err == nil {
				mu.Lock()
				won = append(won, n)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	list, err := ListSigning(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(won)
	if len(won) == 0 || len(won) != len(list) || len(slices.Compact(slices.Clone(won))) != len(won) {
		t.Errorf("rotations %v made %d versions", won, len(list))
	}
}

// fixedStore gives seeds that depend on the name alone.
type fixedStore []string

func (f fixedStore) Seed(_ context.Context, name string) (Seed, error) {
	return sha256.Sum256([]byte(name)), nil
}
func (f fixedStore) Create(context.Context, string) error    { return ErrExists }
func (f fixedStore) Names(context.Context) ([]string, error) { return f, nil }

// TestSigningGolden pins how keys come from seeds: stores on disk depend on it.
func TestSigningGolden(t *testing.T) {
	signer, err := NewSigner(t.Context(), fixedStore{"signing/1/ed25519", "signing/1/mldsa65"}, 0)
	if err != nil {
		t.Fatal(err)
	}
	sig, err := signer.Sign(t.Context(), []byte("head"))
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(append(signer.Public().Bytes(), sig.Bytes()...))
	const want = "e86de0e24faea51ea9382be2fbe9a3c83095cef8219d8a82ae0f2d7735689432"
	if got := hex.EncodeToString(sum[:]); got != want {
		t.Errorf("key and signature hash to %s, want %s", got, want)
	}
}

func TestSignerRedacts(t *testing.T) {
	s, _ := newStore(t, testIdentity(t, false))
	mustRotate(t, s, 1)
	signer, err := NewSigner(t.Context(), s, 1)
	if err != nil {
		t.Fatal(err)
	}
	ml, err := s.Seed(t.Context(), "signing/1/mldsa65")
	if err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
		text := fmt.Sprintf(verb, signer)
		if !strings.HasPrefix(text, "signing key version 1 (") || len(text) > 60 || leaks(text, ml) {
			t.Errorf("%s prints %q", verb, text)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if sig, err := signer.Sign(ctx, nil); !errors.Is(err, context.Canceled) || sig != (signature.Signature{}) {
		t.Errorf("cancelled: %v", err)
	}
}
