package vault

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/puente-project/puente/keys"
	"github.com/puente-project/puente/keys/vault/vaulttest"
	"github.com/puente-project/puente/protocol/signature"
)

// outage is a Vault with a seed, a signer and the service that uses them.
type outage struct {
	env
	store  *Store
	signer signature.Signer
	seed   keys.Seed
}

func newOutage(t *testing.T, o vaulttest.Options, timeout time.Duration) outage {
	t.Helper()
	o.Dir = t.TempDir()
	x := outage{env: ownEnv(t, o)}
	x.base.Timeout = Duration(timeout)
	mustRotate(t, x.as(t, roleOperator), 1)
	x.store = x.as(t, roleService)
	if err := x.store.Create(t.Context(), "sessions"); err != nil {
		t.Fatal(err)
	}
	var err error
	if x.seed, err = x.store.Seed(t.Context(), "sessions"); err != nil {
		t.Fatal(err)
	}
	if x.signer, err = keys.NewSigner(t.Context(), x.store, 0); err != nil {
		t.Fatal(err)
	}
	return x
}

// fails checks that everything fails with the class, gives nothing away, and
// ends in time.
func (x outage) fails(t *testing.T, what string, within time.Duration, class error) {
	t.Helper()
	start := time.Now()
	seed, err := x.store.Seed(t.Context(), "sessions")
	want(t, what+": Seed", err, class)
	if seed != (keys.Seed{}) {
		t.Errorf("%s: an error with a seed", what)
	}
	sig, err := x.signer.Sign(t.Context(), []byte("head"))
	want(t, what+": Sign", err, class)
	if sig != (signature.Signature{}) {
		t.Errorf("%s: an error with a signature, or half of one", what)
	}
	want(t, what+": Create", x.store.Create(t.Context(), "watchlist/new"), class)
	if took := time.Since(start); took > within {
		t.Errorf("%s: three calls took %v, want at most %v", what, took, within)
	}
}

// resumes checks that everything works again, by itself.
func (x outage) resumes(t *testing.T, what string) {
	t.Helper()
	seed, err := x.store.Seed(t.Context(), "sessions")
	if err != nil || seed != x.seed {
		t.Fatalf("%s: the seed does not come back: %v", what, err)
	}
	mustSign(t, x.signer, "head")
}

func TestSealAndRestart(t *testing.T) {
	x := newOutage(t, vaulttest.Options{TLS: true}, 700*time.Millisecond)
	ctx := t.Context()
	if err := x.server.Seal(ctx); err != nil {
		t.Fatal(err)
	}
	x.fails(t, "sealed", 500*time.Millisecond, ErrSealed)
	openFails(t, "sealed, new login", x.store.config, ErrSealed)
	if _, err := x.store.Status(ctx); !errors.Is(err, ErrSealed) {
		t.Errorf("status of a sealed Vault: %v", err)
	}
	if err := x.server.Unseal(ctx); err != nil {
		t.Fatal(err)
	}
	x.resumes(t, "unsealed")

	x.server.Kill()
	x.fails(t, "killed", 4*time.Second, ErrUnreachable)
	if err := x.server.Launch(ctx); err != nil {
		t.Fatal(err)
	}
	x.fails(t, "restarted, still sealed", time.Second, ErrSealed)
	if err := x.server.Unseal(ctx); err != nil {
		t.Fatal(err)
	}
	x.resumes(t, "restarted and unsealed")
	want(t, "a seed from before the restart", x.store.Create(ctx, "sessions"), keys.ErrExists)
}

// TestRestartInMidUse: requests that are under way while Vault restarts and is
// unsealed within the timeout complete; none of them gives a wrong result.
func TestRestartInMidUse(t *testing.T) {
	x := newOutage(t, vaulttest.Options{}, 10*time.Second)
	first := mustSign(t, x.signer, "head")
	stop := make(chan struct{})
	done := make(chan struct{})
	var signed, refused atomic.Int32
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			default:
			}
			sig, err := x.signer.Sign(context.Background(), []byte("head"))
			switch {
			case err == nil && sig == first:
				signed.Add(1)
			case errors.Is(err, ErrSealed) && sig == signature.Signature{}:
				refused.Add(1) // between the start and the unsealing
				time.Sleep(10 * time.Millisecond)
			default:
				t.Errorf("in mid restart: %v", err)
				return
			}
		}
	}()
	waitFor := func(n int32) {
		eventually(t, "signatures", func() error {
			if signed.Load() < n {
				return errors.New("too few")
			}
			return nil
		})
	}
	waitFor(20)
	for range 2 {
		if err := x.server.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := x.server.Unseal(t.Context()); err != nil {
			t.Fatal(err)
		}
		waitFor(signed.Load() + 20)
	}
	close(stop)
	<-done
	t.Logf("%d signatures, %d times sealed", signed.Load(), refused.Load())
}

// TestStandby: through either node of two, before and after they change places.
func TestStandby(t *testing.T) {
	x := newOutage(t, vaulttest.Options{Standby: true}, 5*time.Second)
	x.base.Address = x.server.StandbyAddress
	second := x
	second.store = x.as(t, roleService)
	var err error
	if second.signer, err = keys.NewSigner(t.Context(), second.store, 0); err != nil {
		t.Fatal(err)
	}
	// Either node may have come first.
	isStandby := func(node outage) bool {
		st, err := node.store.Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return st.Standby
	}
	active, standby := x, second
	if isStandby(x) {
		active, standby = second, x
	}
	if isStandby(active) || !isStandby(standby) {
		t.Fatal("there is not one node active and one standby")
	}
	standby.resumes(t, "through the standby")
	if err := x.server.StepDown(t.Context()); err != nil {
		t.Fatal(err)
	}
	active.resumes(t, "through the node that stepped down")
	standby.resumes(t, "through the node that took over")
	if !isStandby(active) || isStandby(standby) {
		t.Error("the nodes have not changed places")
	}
}

// TestHung: a machine that takes requests and does not answer.
func TestHung(t *testing.T) {
	x := newOutage(t, vaulttest.Options{}, 400*time.Millisecond)
	if err := x.server.Pause(); err != nil {
		t.Fatal(err)
	}
	x.fails(t, "hung", 3*time.Second, ErrTimeout)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	start := time.Now()
	_, err := x.store.Seed(ctx, "sessions")
	want(t, "the caller's deadline", err, ErrTimeout, context.DeadlineExceeded)
	if took := time.Since(start); took > 300*time.Millisecond {
		t.Errorf("the caller's deadline of 50 ms was kept after %v", took)
	}
	if err := x.server.Resume(); err != nil {
		t.Fatal(err)
	}
	x.resumes(t, "awake")
}

// TestLostAnswer: the write arrived but its answer did not; the repetition finds
// the record and knows it as its own.
func TestLostAnswer(t *testing.T) {
	e := sharedEnv(t).mount(t)
	for _, role := range []string{roleService, roleOperator} {
		s := e.as(t, role)
		s.session.connection.http.Transport = loseAnswers(s.session.connection.http.Transport, "/data/seeds/", 1)
		if err := s.Create(t.Context(), "lost/"+role); err != nil {
			t.Errorf("%s: %v", role, err)
		}
		want(t, role+", again", s.Create(t.Context(), "lost/"+role), keys.ErrExists)
	}
}

// TestRenewalLog: what the background says, and that it has no token.
func TestRenewalLog(t *testing.T) {
	e := ownEnv(t, vaulttest.Options{Dir: t.TempDir(), MaxTTL: time.Second})
	var log lockedBuffer
	c := e.login(t, roleService)
	s, err := Open(t.Context(), c, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := e.server.Seal(t.Context()); err != nil {
		t.Fatal(err)
	}
	contains := func(text string) func() error {
		return func() error {
			if !strings.Contains(log.String(), text) {
				return errors.New("the log lacks " + text)
			}
			return nil
		}
	}
	eventually(t, "warning", contains("could not be renewed"))
	if err := e.server.Unseal(t.Context()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "recovery", contains("valid again"))
	if text := log.String(); strings.Contains(text, "hvs.") || strings.Count(text, "\n") != 2 {
		t.Errorf("log:\n%s", text)
	}
}

// lockedBuffer is a log that may be read while it is written.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
