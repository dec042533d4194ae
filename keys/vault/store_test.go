package vault

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/puente-project/puente/keys"
)

func TestStore(t *testing.T) {
	e := sharedEnv(t).mount(t)
	s := e.as(t, roleService)
	if list, err := s.Names(t.Context()); err != nil || len(list) != 0 {
		t.Fatalf("a new store has %q, %v", list, err)
	}
	for _, name := range []string{"watchlist/b", "sessions", "watchlist/a/c", "watchlist/a"} {
		if err := s.Create(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	want(t, "create twice", s.Create(t.Context(), "sessions"), keys.ErrExists)
	want(t, "bad name", s.Create(t.Context(), "../x"), keys.ErrName)
	_, err := s.Seed(t.Context(), "none")
	want(t, "no seed", err, keys.ErrNotFound)
	_, err = s.Seed(t.Context(), "A")
	want(t, "bad name", err, keys.ErrName)

	other := e.as(t, roleService)
	list, err := other.Names(t.Context())
	if err != nil || !slices.Equal(list, []string{"sessions", "watchlist/a", "watchlist/a/c", "watchlist/b"}) {
		t.Fatalf("Names = %q, %v", list, err)
	}
	seen := map[keys.Seed]bool{{}: true}
	for _, name := range list {
		a, err := s.Seed(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		if b, err := other.Seed(t.Context(), name); err != nil || a != b {
			t.Errorf("%s: another login reads another seed (%v)", name, err)
		}
		if seen[a] {
			t.Errorf("%s: a seed that is zero or not new", name)
		}
		seen[a] = true
	}
}

// TestRacers: of ten processes' Creates exactly one succeeds, and all read the
// same seed. It runs for those who may only create and for those who may overwrite.
func TestRacers(t *testing.T) {
	e := sharedEnv(t).mount(t)
	reader := e.as(t, roleService)
	for _, role := range []string{roleService, roleOperator} {
		stores := make([]*Store, 10)
		for i := range stores {
			stores[i] = e.as(t, role)
		}
		for round := range 3 {
			name := fmt.Sprintf("race/%s/%d", role, round)
			var won, lost atomic.Int32
			var wg sync.WaitGroup
			start := make(chan struct{})
			for _, s := range stores {
				wg.Go(func() {
					<-start
					switch err := s.Create(t.Context(), name); {
					case err == nil:
						won.Add(1)
					case errors.Is(err, keys.ErrExists):
						lost.Add(1)
					default:
						t.Error(err)
					}
				})
			}
			close(start)
			wg.Wait()
			if won.Load() != 1 || lost.Load() != 9 {
				t.Errorf("%s: %d won and %d lost, want 1 and 9", name, won.Load(), lost.Load())
			}
			if _, err := reader.Seed(t.Context(), name); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// TestExchangedRecords: who may write records but not read seeds cannot give a
// seed another name, and damage is noticed.
func TestExchangedRecords(t *testing.T) {
	e := sharedEnv(t).mount(t)
	service, operator := e.as(t, roleService), e.as(t, roleOperator)
	for _, name := range []string{"identity", "sessions"} {
		if err := service.Create(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	a, err := operator.record(t.Context(), "test", "identity")
	if err != nil {
		t.Fatal(err)
	}
	b, err := operator.record(t.Context(), "test", "sessions")
	if err != nil {
		t.Fatal(err)
	}
	version := b.version
	put := func(r record) {
		t.Helper()
		if err := operator.put(t.Context(), "test", seedsPath+"sessions", r.fields(), version); err != nil {
			t.Fatal(err)
		}
		version++
	}
	for what, r := range map[string]record{
		"another seed's record": a, "another seed's data key": {key: a.key, sealed: b.sealed},
		"another ciphertext": {key: b.key, sealed: a.sealed}, "no ciphertext": {key: b.key},
	} {
		put(r)
		_, err := service.Seed(t.Context(), "sessions")
		want(t, what, err, keys.ErrCorrupt)
	}
	put(b)
	if _, err := service.Seed(t.Context(), "sessions"); err != nil {
		t.Errorf("the record put back: %v", err)
	}
	want(t, "write over a version that is gone", operator.put(t.Context(), "test", seedsPath+"sessions", a.fields(), 1), errMismatch)
}

func TestNotProvisioned(t *testing.T) {
	e := sharedEnv(t)
	c := e.admin(t)
	c.Transit, c.KV = "nothing-here", "nothing-there"
	s := mustOpen(t, c)
	_, err := s.Seed(t.Context(), "sessions")
	want(t, "Seed", err, ErrNotProvisioned)
	want(t, "Create", s.Create(t.Context(), "sessions"), ErrNotProvisioned)
	_, err = s.Names(t.Context())
	want(t, "Names", err, ErrNotProvisioned)
	_, err = s.RotateSigning(t.Context())
	want(t, "Rotate", err, ErrNotProvisioned)
}

func TestClosedAndCancelled(t *testing.T) {
	e := sharedEnv(t).mount(t)
	s := e.as(t, roleService)
	client, _, _ := s.session.current()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := s.Create(ctx, "sessions")
	want(t, "cancelled", err, context.Canceled)
	if errors.Is(err, ErrTimeout) {
		t.Errorf("cancelled: %v is a timeout", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("closed twice: %v", err)
	}
	want(t, "closed", s.Create(t.Context(), "sessions"), ErrClosed)
	// The token is revoked, not left to its end.
	if alive, err := s.session.alive(t.Context(), client); err != nil || alive {
		t.Errorf("the token lives on after Close (%v)", err)
	}
}

func TestStoreRedacts(t *testing.T) {
	e := sharedEnv(t).mount(t)
	s := e.as(t, roleService)
	client, _, _ := s.session.current()
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "store", s, "session", s.session)
	for _, text := range []string{fmt.Sprintf("%v %+v %#v %s", s, s, s, s), fmt.Sprintf("%+v %#v", s.session, s.session), log.String()} {
		if strings.Contains(text, client.Token()) || strings.Contains(text, "hvs.") {
			t.Errorf("a token in %q", text)
		}
	}
}
