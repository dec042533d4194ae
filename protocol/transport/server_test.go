package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

// short are limits under which a test does not wait long.
var short = Limits{PeerTimeout: 300 * time.Millisecond, SendTimeout: 300 * time.Millisecond, HandshakeTimeout: 500 * time.Millisecond}

func TestSession(t *testing.T) {
	a := start(t, &testService{}, Limits{})
	big := strings.Repeat("x", 3<<19)
	var progress []Stats
	stats, err := a.client.Match(t.Context(), askRole("hello", big, big, "x"), MatchOptions{
		Progress: func(s Stats) { progress = append(progress, s) },
	})
	n := int64(5 + 2*len(big) + 1 + 3)
	if want := (Stats{BytesUp: n, BytesDown: n, Messages: 10}); err != nil || stats != want {
		t.Errorf("Match: %+v, %v; want %+v", stats, err, want)
	}
	if len(progress) != 10 || progress[9] != stats {
		t.Errorf("progress was reported %d times and ended with %+v", len(progress), progress)
	}
	a.alive()
	eventually(t, "both sessions are logged", func() bool { return strings.Count(a.log.String(), "session complete") == 2 })
}

func TestManySessions(t *testing.T) {
	service := &testService{delay: time.Millisecond}
	a := start(t, service, Limits{Sessions: 100, SessionsPerPartner: 50})
	c := a.dial(a.idC, Limits{})
	var group sync.WaitGroup
	for i := range 24 {
		client := a.client
		if i%2 == 1 {
			client = c
		}
		group.Go(func() {
			var msgs []string
			for j := range 20 {
				msgs = append(msgs, fmt.Sprintf("%d/%d %s", i, j, strings.Repeat("x", 4096)))
			}
			if _, err := client.Match(t.Context(), askRole(msgs...), MatchOptions{}); err != nil {
				t.Errorf("session %d: %v", i, err)
			}
		})
	}
	group.Wait()
	if service.peak.Load() > 2 || service.sessionsEnded() != 24 {
		t.Errorf("%d tasks ran at once with 2 workers; %d of 24 sessions have ended", service.peak.Load(), service.sessionsEnded())
	}
	a.alive()
}

func (s *testService) sessionsEnded() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.ended)
}

func TestWrongPins(t *testing.T) {
	a := start(t, &testService{}, short)
	stranger := testIdentity(t, 9, "evil\x00"[:4], testFrom, testUntil)
	if _, err := a.dial(stranger, Limits{}).Match(t.Context(), askRole(), MatchOptions{}); !errors.Is(err, ErrRefused) {
		t.Errorf("a stranger's Match: %v, want ErrRefused", err)
	}
	if _, err := a.dial(stranger, Limits{}).Describe(t.Context()); !errors.Is(err, ErrRefused) {
		t.Errorf("a stranger's Describe: %v, want ErrRefused", err)
	}
	eventually(t, "the stranger's pin is logged", a.logged(testPin(t, stranger).String()))

	config, err := ClientConfig(a.idA, testPin(t, stranger))
	if err != nil {
		t.Fatal(err)
	}
	client, err := NewClient("https://"+a.addr, config, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if _, err := client.Match(t.Context(), askRole(), MatchOptions{}); !errors.Is(err, ErrPinMismatch) {
		t.Errorf("a holder with another key: %v, want ErrPinMismatch", err)
	}
	if _, err := client.Describe(t.Context()); !errors.Is(err, ErrPinMismatch) {
		t.Errorf("a holder with another key: %v, want ErrPinMismatch", err)
	}
	a.alive()
}

// TestWeakTLS: old clients fail in the handshake, and cost nothing afterwards.
func TestWeakTLS(t *testing.T) {
	a := start(t, &testService{}, short)
	for name, change := range map[string]func(*tls.Config){
		"TLS 1.2":     func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS12, tls.VersionTLS12 },
		"X25519 only": func(c *tls.Config) { c.CurvePreferences = []tls.CurveID{tls.X25519} },
		"expired": func(c *tls.Config) {
			c.Certificates = []tls.Certificate{testIdentity(t, 1, "a", testFrom, testFrom.Add(time.Minute))}
		},
		"no certificate": func(c *tls.Config) { c.Certificates = nil },
	} {
		config, err := ClientConfig(a.idA, testPin(t, a.idB))
		if err != nil {
			t.Fatal(err)
		}
		change(config)
		client, err := NewClient("https://"+a.addr, config, Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := client.Describe(t.Context()); !errors.Is(err, ErrRefused) {
			t.Errorf("%s: %v, want ErrRefused", name, err)
		}
		client.Close()
	}
	a.alive()
}

// TestAgreementEnds removes a partner whose connection is open.
func TestAgreementEnds(t *testing.T) {
	a := start(t, &testService{}, Limits{})
	c := a.dial(a.idC, Limits{})
	if _, err := c.Describe(t.Context()); err != nil {
		t.Fatal(err)
	}
	a.removed.Store("c", true)
	var refused *RefusedError
	if _, err := c.Match(t.Context(), askRole("x"), MatchOptions{}); !errors.As(err, &refused) || refused.Class != ClassDenied {
		t.Errorf("Match after the end: %v, want a refusal of class denied", err)
	}
	a.alive()
}

// TestCancelStopsTasks ends the requester while the holder computes.
func TestCancelStopsTasks(t *testing.T) {
	service := &testService{delay: 50 * time.Millisecond, opened: make(chan string, 1)}
	a := start(t, service, Limits{})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-service.opened; time.Sleep(100 * time.Millisecond); cancel() }()
	msgs := make([]string, 400) // 10 s of work for the two workers
	for i := range msgs {
		msgs[i] = "work"
	}
	if _, err := a.client.Match(ctx, askRole(msgs...), MatchOptions{}); !errors.Is(err, context.Canceled) {
		t.Errorf("Match: %v, want context.Canceled", err)
	}
	eventually(t, "the holder's session ends", func() bool { return service.sessionsEnded() == 1 })
	if n := service.started.Load(); n > 40 || service.running.Load() != 0 {
		t.Errorf("%d of 400 tasks were started, %d run still", n, service.running.Load())
	}
	a.alive()
}

func TestSessionLimits(t *testing.T) {
	service := &testService{opened: make(chan string, 10)}
	a := start(t, service, Limits{Sessions: 3, SessionsPerPartner: 2})
	c := a.dial(a.idC, Limits{})
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	hold := func(client *Client) {
		group.Go(func() {
			_, _ = client.Match(ctx, &fakeRole{want: 2, start: []Task{sends([]byte("hold"))}}, MatchOptions{})
		})
		<-service.opened
	}
	busy := func(client *Client, text string) {
		t.Helper()
		var refused *RefusedError
		_, err := client.Match(t.Context(), askRole("x"), MatchOptions{})
		if !errors.As(err, &refused) || refused.Class != ClassExhausted || !strings.Contains(refused.Reason, text) {
			t.Errorf("Match: %v, want a refusal of class exhausted that says %q", err, text)
		}
	}
	hold(a.client)
	hold(a.client)
	busy(a.client, "you have 2 sessions")
	hold(c)
	busy(c, "too many sessions")
	cancelled := time.Now()
	cancel()
	group.Wait()
	if took := time.Since(cancelled); took > 2*time.Second {
		t.Errorf("cancelled sessions that wait for the holder took %v to return", took)
	}
	eventually(t, "the places are free again", func() bool { return service.sessionsEnded() == 3 })
	a.alive()
}

func TestSessionBudgetAndDeadline(t *testing.T) {
	service := &testService{budget: 1000}
	a := start(t, service, Limits{SessionTimeout: 700 * time.Millisecond})
	var refused *RefusedError
	_, err := a.client.Match(t.Context(), askRole(strings.Repeat("x", 600), strings.Repeat("x", 600)), MatchOptions{})
	if !errors.As(err, &refused) || refused.Class != ClassInvalid || !strings.Contains(refused.Reason, "more bytes") {
		t.Errorf("over budget: %v, want a refusal of class invalid", err)
	}
	began := time.Now()
	_, err = a.client.Match(t.Context(), &fakeRole{want: 2, start: []Task{sends([]byte("hold"))}}, MatchOptions{})
	if !errors.Is(err, ErrTimeout) || !errors.Is(err, ErrRefused) || time.Since(began) > 3*time.Second {
		t.Errorf("past the holder's deadline: %v after %v, want its timeout", err, time.Since(began))
	}
	a.alive()
}

// TestErrorTexts: a peer learns what errors declare public, and nothing else.
func TestErrorTexts(t *testing.T) {
	service := &testService{}
	a := start(t, service, Limits{})
	for name, c := range map[string]struct {
		open  error
		msg   string
		class Class
		text  string
	}{
		"public":            {open: Refuse(ClassDenied, "the quota for asylum checks is used up", errors.New("secret zebra")), class: ClassDenied, text: "quota for asylum"},
		"public, wrapped":   {open: fmt.Errorf("secret zebra: %w", Refuse(ClassNotFound, "no such watchlist", nil)), class: ClassNotFound, text: "no such watchlist"},
		"public, no class":  {open: publicOnly{}, class: ClassPrecondition, text: "my public part"},
		"private":           {open: errors.New("secret zebra"), class: ClassInternal, text: "internal error"},
		"rejected message":  {msg: "bad", class: ClassInvalid, text: "a message was not acceptable"},
		"panic in opening":  {msg: "panic", class: ClassInternal, text: "internal error"},
		"hostile own words": {open: Refuse(ClassDenied, "a\x1b[2J\u202e"+strings.Repeat("x", 1000), nil), class: ClassDenied, text: "a?[2J?xx"},
	} {
		t.Run(name, func(t *testing.T) {
			service.mu.Lock()
			service.public = c.open
			service.mu.Unlock()
			var refused *RefusedError
			_, err := a.client.Match(t.Context(), askRole(c.msg+"x"), MatchOptions{})
			if !errors.As(err, &refused) || refused.Class != c.class || !strings.Contains(refused.Reason, c.text) {
				t.Fatalf("Match: %v, want class %v and %q", err, c.class, c.text)
			}
			if strings.Contains(err.Error(), "zebra") || len(refused.Reason) > maxReason {
				t.Errorf("the peer learns too much: %v", err)
			}
			_, id, ok := strings.Cut(refused.Reason, "(session ")
			if !ok || !a.logged(strings.TrimSuffix(id, ")"))() {
				t.Errorf("the session of %q is not in the log", refused.Reason)
			}
		})
	}
	service.mu.Lock()
	service.public = nil
	service.mu.Unlock()
	a.alive()
}

type publicOnly struct{}

func (publicOnly) Error() string  { return "my secret part zebra" }
func (publicOnly) Public() string { return "my public part" }

func TestShutdownWaits(t *testing.T) {
	service := &testService{delay: 300 * time.Millisecond, opened: make(chan string, 1)}
	a := start(t, service, Limits{})
	result := make(chan error, 1)
	go func() {
		_, err := a.client.Match(context.Background(), askRole("a", "b"), MatchOptions{})
		result <- err
	}()
	<-service.opened
	if err := a.server.Shutdown(context.Background()); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
	if err := <-result; err != nil {
		t.Errorf("the session that ran during Shutdown: %v", err)
	}
	if _, err := a.client.Match(t.Context(), askRole("x"), MatchOptions{}); !errors.Is(err, ErrUnreachable) {
		t.Errorf("Match after Shutdown: %v, want ErrUnreachable", err)
	}
}

func TestShutdownEnds(t *testing.T) {
	service := &testService{opened: make(chan string, 1)}
	a := start(t, service, Limits{})
	result := make(chan error, 1)
	go func() {
		_, err := a.client.Match(context.Background(), &fakeRole{want: 2, start: []Task{sends([]byte("hold"))}}, MatchOptions{})
		result <- err
	}()
	<-service.opened
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	if err := a.server.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Shutdown: %v, want its deadline", err)
	}
	var refused *RefusedError
	if err := <-result; !errors.As(err, &refused) || refused.Class != ClassUnavailable || !strings.Contains(refused.Reason, "shutting down") {
		t.Errorf("the session: %v, want a refusal of class unavailable", err)
	}
	if n := service.sessionsEnded(); n != 1 || !errors.Is(service.ended[0], ErrShutdown) {
		t.Errorf("%d sessions ended: %v", n, service.ended)
	}
}
