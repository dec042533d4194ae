package vault

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/puente-project/puente/keys"
	"github.com/puente-project/puente/protocol/signature"
)

func mustRotate(t *testing.T, s *Store, version uint32) {
	t.Helper()
	if n, err := keys.Rotate(t.Context(), s); err != nil || n != version {
		t.Fatalf("Rotate = %d, %v; want %d", n, err, version)
	}
}

func mustSign(t *testing.T, s signature.Signer, message string) signature.Signature {
	t.Helper()
	sig, err := s.Sign(t.Context(), []byte(message))
	if err != nil {
		t.Fatal(err)
	}
	return sig
}

// TestSigning follows a key through three versions.
func TestSigning(t *testing.T) {
	e := sharedEnv(t).mount(t)
	operator, service, auditor := e.as(t, roleOperator), e.as(t, roleService), e.as(t, roleAuditor)
	_, err := keys.NewSigner(t.Context(), service, 0)
	want(t, "a new store", err, keys.ErrNotFound)
	var signers []signature.Signer
	var sigs []signature.Signature
	for n := uint32(1); n <= 3; n++ {
		mustRotate(t, operator, n)
		signer, err := keys.NewSigner(t.Context(), service, 0)
		if err != nil {
			t.Fatal(err)
		}
		if signer.Public().Version != n {
			t.Errorf("the newest signer has version %d, want %d", signer.Public().Version, n)
		}
		signers, sigs = append(signers, signer), append(sigs, mustSign(t, signer, "head"))
		if again := mustSign(t, signer, "head"); again != sigs[n-1] {
			t.Errorf("version %d: the same message gets two signatures", n)
		}
	}
	if mustSign(t, signers[0], "head") != sigs[0] {
		t.Error("an old signer stopped working with the rotation")
	}
	if text := fmt.Sprintf("%v %+v %#v", signers[0], signers[0], signers[0]); !strings.HasPrefix(text, "signing key version 1 (") || len(text) > 200 {
		t.Errorf("a signer prints %q", text)
	}

	want(t, "revoke the newest", keys.Revoke(t.Context(), operator, 3), keys.ErrNewest)
	want(t, "revoke nothing", keys.Revoke(t.Context(), operator, 7), keys.ErrNotFound)
	for range 2 {
		if err := keys.Revoke(t.Context(), operator, 1); err != nil {
			t.Fatal(err)
		}
	}
	_, err = signers[0].Sign(t.Context(), []byte("head"))
	want(t, "a signer whose version was revoked", err, keys.ErrRevoked)
	_, err = keys.NewSigner(t.Context(), service, 1)
	want(t, "a new signer of a revoked version", err, keys.ErrRevoked)
	_, err = service.Seed(t.Context(), "signing/1/mldsa65")
	want(t, "the ML-DSA seed of a revoked version", err, keys.ErrNotFound)
	if mustSign(t, signers[1], "head") != sigs[1] {
		t.Error("version 2 stopped working with the revocation of 1")
	}

	list, err := keys.ListSigning(t.Context(), auditor)
	if err != nil || len(list) != 3 {
		t.Fatalf("%d versions, %v", len(list), err)
	}
	for i, sig := range sigs {
		if key, err := signature.VerifyAny(list.PublicKeys(), []byte("head"), sig); err != nil || key != signers[i].Public() {
			t.Errorf("version %d, offline: %v", i+1, err)
		}
		if list[i].Revoked != (i == 0) {
			t.Errorf("version %d: revoked %v", i+1, list[i].Revoked)
		}
	}
	mustRotate(t, operator, 4)
	if key, err := operator.transitKey(t.Context(), "test", keySigning); err != nil || key.latest != 4 || key.minSign != 2 {
		t.Errorf("transit has versions %d to %d, %v; want 2 to 4", key.minSign, key.latest, err)
	}
}

// TestRotateRace: ten operators at once make versions without gaps, each of
// which signs.
func TestRotateRace(t *testing.T) {
	e := sharedEnv(t).mount(t)
	service := e.as(t, roleService)
	var won atomic.Int32
	var wg sync.WaitGroup
	for range 10 {
		operator := e.as(t, roleOperator)
		wg.Go(func() {
			_, err := operator.RotateSigning(t.Context())
			if err == nil {
				won.Add(1)
			} else if !errors.Is(err, keys.ErrExists) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	list, err := service.SigningVersions(t.Context())
	if err != nil || len(list) != int(won.Load()) || len(list) == 0 {
		t.Fatalf("%d versions, %d successes, %v", len(list), won.Load(), err)
	}
	for _, v := range list {
		signer, err := service.NewSigner(t.Context(), v.Public.Version)
		if err != nil {
			t.Fatal(err)
		}
		mustSign(t, signer, "head")
	}
	mustRotate(t, e.as(t, roleOperator), list.Newest()+1)
}

// TestRotateCompletes: a rotation that died after its first write is finished by
// the next, who cannot read what the first one made.
func TestRotateCompletes(t *testing.T) {
	e := sharedEnv(t).mount(t)
	operator, service := e.as(t, roleOperator), e.as(t, roleService)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	died := errors.New("died")
	operator.session.connection.http.Transport = dieAfter(operator.session.connection.http.Transport, func(path string) bool {
		return strings.HasSuffix(path, "/keys/signing")
	}, cancel, died)
	if _, err := operator.RotateSigning(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("the rotation did not die: %v", err)
	}
	if list, err := service.SigningVersions(t.Context()); err != nil || len(list) != 0 {
		t.Fatalf("half a version is listed: %d, %v", len(list), err)
	}
	seed, err := service.Seed(t.Context(), "signing/1/mldsa65")
	if err != nil {
		t.Fatal(err)
	}
	mustRotate(t, e.as(t, roleOperator), 1)
	if after, err := service.Seed(t.Context(), "signing/1/mldsa65"); err != nil || after != seed {
		t.Errorf("the seed was replaced (%v)", err)
	}
	signer, err := service.NewSigner(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	mustSign(t, signer, "head")
}

// TestRecordsOfAnother: a public record that does not belong to the seed makes
// no signer, one with another Ed25519 key makes no signature.
func TestRecordsOfAnother(t *testing.T) {
	e := sharedEnv(t).mount(t)
	operator, service := e.as(t, roleOperator), e.as(t, roleService)
	mustRotate(t, operator, 1)
	mustRotate(t, operator, 2)
	one, err := operator.signingRecord(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	two, err := operator.signingRecord(t.Context(), 2)
	if err != nil {
		t.Fatal(err)
	}
	version := two.version
	put := func(k signature.PublicKey) {
		t.Helper()
		k.Version = 2
		if err := operator.put(t.Context(), "test", publicPath+"2", publicFields(k, stateActive), version); err != nil {
			t.Fatal(err)
		}
		version++
	}
	put(one.Public)
	_, err = service.NewSigner(t.Context(), 2)
	want(t, "another ML-DSA key", err, keys.ErrCorrupt)
	mixed := two.Public
	mixed.Ed25519 = one.Public.Ed25519
	put(mixed)
	signer, err := service.NewSigner(t.Context(), 2)
	if err != nil {
		t.Fatal(err)
	}
	sig, err := signer.Sign(t.Context(), []byte("head"))
	if !errors.Is(err, signature.ErrEd25519) || sig != (signature.Signature{}) {
		t.Errorf("another Ed25519 key: %v, want ErrEd25519 and nothing", err)
	}
}

// TestRewrap: data keys change, seeds do not, and a reader at the same time
// never fails.
func TestRewrap(t *testing.T) {
	e := sharedEnv(t).mount(t)
	operator, service := e.as(t, roleOperator), e.as(t, roleService)
	seeds := map[string]keys.Seed{}
	for n := range 5 {
		if err := service.Create(t.Context(), names(n)); err != nil {
			t.Fatal(err)
		}
		seed, err := service.Seed(t.Context(), names(n))
		if err != nil {
			t.Fatal(err)
		}
		seeds[names(n)] = seed
	}
	old, err := operator.record(t.Context(), "test", names(0))
	if err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	var reads atomic.Int32
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				seed, err := service.Seed(t.Context(), names(n%5))
				if err != nil || seed != seeds[names(n%5)] {
					t.Errorf("read while rewrapping: %v", err)
					return
				}
				reads.Add(1)
			}
		})
	}
	for round := 1; round <= 3; round++ {
		if n, err := keys.Rewrapper(operator).Rewrap(t.Context()); err != nil || n != 5 {
			t.Fatalf("Rewrap = %d, %v; want 5", n, err)
		}
		if least, err := operator.RetireWrapping(t.Context()); err != nil || least != round+1 {
			t.Errorf("RetireWrapping = %d, %v; want %d", least, err, round+1)
		}
	}
	close(stop)
	wg.Wait()
	if reads.Load() < 10 {
		t.Errorf("only %d reads at the same time", reads.Load())
	}
	// An old copy of a record opens no more.
	if _, err := service.open(t.Context(), "test", names(0), old); !errors.Is(err, errVersion) {
		t.Errorf("a data key under a retired version: %v", err)
	}
	st, err := operator.Status(t.Context())
	if err != nil || st.Wrapping["v4"] != 5 {
		t.Errorf("status after three rotations: %v, %v", st.Wrapping, err)
	}
}

// TestRewrapBetweenRequests: the data key that a reader holds is rewrapped and its
// version retired before he has it unwrapped; he looks again.
func TestRewrapBetweenRequests(t *testing.T) {
	e := sharedEnv(t).mount(t)
	operator, service := e.as(t, roleOperator), e.as(t, roleService)
	if err := service.Create(t.Context(), "sessions"); err != nil {
		t.Fatal(err)
	}
	before, err := service.Seed(t.Context(), "sessions")
	if err != nil {
		t.Fatal(err)
	}
	inner := service.session.connection.http.Transport
	unwraps := 0
	service.session.connection.http.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
		if strings.HasSuffix(r.URL.Path, "/decrypt/wrap") {
			if unwraps++; unwraps == 1 {
				if _, err := operator.Rewrap(t.Context()); err != nil {
					t.Error(err)
				}
				if _, err := operator.RetireWrapping(t.Context()); err != nil {
					t.Error(err)
				}
			}
		}
		return inner.RoundTrip(r)
	})
	if after, err := service.Seed(t.Context(), "sessions"); err != nil || after != before || unwraps != 2 {
		t.Errorf("after %d unwraps: %v", unwraps, err)
	}
}

// BenchmarkSign is what a signature costs a session, Vault on the same machine.
func BenchmarkSign(b *testing.B) {
	e := sharedEnv(b)
	e.base.Transit, e.base.KV = "t-bench", "k-bench"
	e.provision(b)
	if _, err := e.as(b, roleOperator).RotateSigning(b.Context()); err != nil {
		b.Fatal(err)
	}
	service := e.as(b, roleService)
	signer, err := service.NewSigner(b.Context(), 0)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("signature", func(b *testing.B) {
		for b.Loop() {
			if _, err := signer.Sign(b.Context(), []byte("head")); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("new signer", func(b *testing.B) {
		for b.Loop() {
			if _, err := service.NewSigner(b.Context(), 0); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("seed", func(b *testing.B) {
		for b.Loop() {
			if _, err := service.Seed(b.Context(), "signing/1/mldsa65"); err != nil {
				b.Fatal(err)
			}
		}
	})
}
