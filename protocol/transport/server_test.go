package transport

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/puente-project/puente/protocol/puentev1"
)

// Attacks on a holder, each over a real loopback connection and each followed by
// a well-behaved session. Not covered here: floods of TCP connections that never
// speak (bounded by Limits.Handshakes, see TestGate) and HTTP/2 framing attacks
// below gRPC, which are net/http's to stop.

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

func frame(flags byte, payload []byte) []byte {
	head := append([]byte{flags}, binary.BigEndian.AppendUint32(nil, uint32(len(payload)))...)
	return append(head, payload...)
}

func TestHostileFrames(t *testing.T) {
	const match, describe = puentev1.MatchingMatchProcedure, puentev1.MatchingDescribeProcedure
	hello, err := proto.Marshal(&puentev1.Frame{Message: []byte("hello")})
	if err != nil {
		t.Fatal(err)
	}
	var bomb bytes.Buffer
	zip, err := gzip.NewWriterLevel(&bomb, gzip.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	zeros := make([]byte, 1<<20)
	for range 32 {
		if _, err := zip.Write(zeros); err != nil {
			t.Fatal(err)
		}
	}
	zip.Close()
	gzipped := http.Header{"Grpc-Encoding": {"gzip"}}
	limits := short
	limits.ConnectionsPerPartner = 100
	a := start(t, &testService{}, limits)
	for name, c := range map[string]struct {
		path   string
		header http.Header
		body   []byte
		open   bool   // the sender does not end its side
		want   string // gRPC status, or HTTP status
	}{
		"oversize by one byte":        {path: match, body: frame(0, make([]byte, 3<<19+frameSlack+1)), want: "3"},
		"4 GiB announced":             {path: match, body: []byte{0, 0xff, 0xff, 0xff, 0xff, 1, 2, 3}, open: true, want: "3"},
		"oversize in mid-session":     {path: match, body: append(frame(0, hello), 0, 0x7f, 0, 0, 0), open: true, want: "3"},
		"gzip bomb, announced":        {path: match, header: gzipped, body: frame(1, bomb.Bytes()), want: "12"},
		"gzip bomb, flag only":        {path: match, body: frame(1, bomb.Bytes()), want: "3"},
		"unknown flag":                {path: match, body: frame(0x40, hello), want: "3"},
		"not protobuf":                {path: match, body: frame(0, []byte{0xff, 0xff, 0xff}), want: ""},
		"empty message":               {path: match, body: frame(0, nil), want: "3"},
		"unknown field":               {path: match, body: frame(0, append(bytes.Clone(hello), 0x12, 1, 'x')), want: "3"},
		"frame cut off":               {path: match, body: frame(0, hello)[:7], want: ""},
		"frame cut off, stays open":   {path: match, body: frame(0, hello)[:7], open: true, want: "4"},
		"nothing at all":              {path: match, open: true, want: "4"},
		"no message":                  {path: match, want: "14"},
		"ends after the first":        {path: match, body: frame(0, hello), want: "14"},
		"message that panics us":      {path: match, body: frame(0, []byte("\x0a\x05panic")), want: "13"},
		"describe, oversize":          {path: describe, body: frame(0, make([]byte, 4096)), want: "8"},
		"describe, garbage":           {path: describe, body: frame(0, []byte{0xff}), want: "3"},
		"unknown procedure":           {path: "/puente.v1.Matching/Nope", want: "HTTP 404"},
		"outside of the service":      {path: "/", want: "HTTP 404"},
		"JSON":                        {path: describe, header: http.Header{"Content-Type": {"application/json"}}, body: []byte("{}"), want: "HTTP 415"},
		"Connect protocol":            {path: match, header: http.Header{"Content-Type": {"application/connect+proto"}}, want: "HTTP 415"},
		"gRPC with JSON":              {path: match, header: http.Header{"Content-Type": {"application/grpc+json"}}, want: "HTTP 415"},
		"timeout header that is none": {path: match, header: http.Header{"Grpc-Timeout": {"soon"}}, body: frame(0, hello), want: ""},
	} {
		t.Run(name, func(t *testing.T) {
			var body io.Reader = bytes.NewReader(c.body)
			if c.open {
				r, w := io.Pipe()
				defer w.Close()
				body = struct {
					io.Reader
					io.Closer
				}{io.MultiReader(body, r), r}
			}
			began := time.Now()
			resp, err := a.raw(c.path, c.header, body)
			if err != nil {
				t.Fatalf("no response: %v", err)
			}
			code, message := grpcStatus(t, resp)
			if code == "" {
				code = fmt.Sprintf("HTTP %d", resp.StatusCode)
			}
			if (c.want != "" && code != c.want) || (c.want == "" && code == "0") {
				t.Errorf("status %s (%s), want %s", code, message, c.want)
			}
			if strings.Contains(message, "4711") {
				t.Errorf("the status leaks: %s", message)
			}
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("it took %v", took)
			}
		})
	}
	if n := a.service.sessionsEnded(); n == 0 {
		t.Error("no session was ever opened, so nothing was attacked")
	}
	if strings.Contains(a.log.String(), "4711") {
		t.Error("the log quotes a panic's value")
	}
	a.alive()
}

// TestDeafPeer never reads the answers.
func TestDeafPeer(t *testing.T) {
	a := start(t, &testService{}, short)
	r, w := io.Pipe()
	defer w.Close()
	go func() {
		payload, _ := proto.Marshal(&puentev1.Frame{Message: make([]byte, 1<<20)})
		for range 32 { // far more than any window
			if _, err := w.Write(frame(0, payload)); err != nil {
				return
			}
		}
	}()
	resp, err := a.raw(puentev1.MatchingMatchProcedure, nil, r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	eventually(t, "the session is ended", func() bool { return a.service.sessionsEnded() == 1 })
	if err := a.service.ended[0]; !errors.Is(err, ErrTimeout) {
		t.Errorf("the session ended with %v, want ErrTimeout", err)
	}
	a.alive()
}

// TestSlowLoris sends one byte at a time, each in time for a byte and too late
// for a message.
func TestSlowLoris(t *testing.T) {
	a := start(t, &testService{}, short)
	r, w := io.Pipe()
	defer w.Close()
	go func() {
		payload, _ := proto.Marshal(&puentev1.Frame{Message: make([]byte, 1000)})
		for _, b := range frame(0, payload) {
			if _, err := w.Write([]byte{b}); err != nil {
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
	}()
	began := time.Now()
	resp, err := a.raw(puentev1.MatchingMatchProcedure, nil, r)
	if err != nil {
		t.Fatal(err)
	}
	if code, _ := grpcStatus(t, resp); code != "4" || time.Since(began) > 3*time.Second {
		t.Errorf("status %s after %v, want 4 after 300 ms", code, time.Since(began))
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
		"public":            {open: Refuse(ClassDenied, "the quota for asylum checks is used up", errors.New("secret 4711")), class: ClassDenied, text: "quota for asylum"},
		"public, wrapped":   {open: fmt.Errorf("secret 4711: %w", Refuse(ClassNotFound, "no such watchlist", nil)), class: ClassNotFound, text: "no such watchlist"},
		"public, no class":  {open: publicOnly{}, class: ClassPrecondition, text: "my public part"},
		"private":           {open: errors.New("secret 4711"), class: ClassInternal, text: "internal error"},
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
			if strings.Contains(err.Error(), "4711") || len(refused.Reason) > maxReason+40 {
				t.Errorf("the peer learns too much: %v", err)
			}
			_, id, ok := strings.Cut(refused.Reason, "(session ")
			if c.open != nil && len(c.open.Error()) > maxReason {
				return // the id is cut off at the client
			}
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

func (publicOnly) Error() string  { return "my secret part 4711" }
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

// TestGate: connections that never speak fill the places for strangers and no
// others, and give them back after the handshake timeout.
func TestGate(t *testing.T) {
	limits := short
	limits.Handshakes = 4
	limits.ConnectionsPerPartner = 2
	a := start(t, &testService{}, limits)
	a.alive() // its connection is established and stays
	var silent []net.Conn
	for range 8 {
		c, err := net.Dial("tcp", a.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		silent = append(silent, c)
	}
	a.alive()
	for i, c := range silent {
		_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
		if _, err := c.Read(make([]byte, 1)); err == nil || errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("silent connection %d: %v, want it closed", i, err)
		}
	}
	eventually(t, "the places are free again", func() bool {
		g := a.server.gates[0]
		g.mu.Lock()
		defer g.mu.Unlock()
		return g.strangers == 0
	})

	// A partner's own connections are counted too: two of the three are served.
	served := 0
	var clients []*Client
	for range 3 {
		client := a.dial(a.idC, Limits{})
		clients = append(clients, client)
		if _, err := client.Describe(t.Context()); err == nil {
			served++
		} else if !errors.Is(err, ErrRefused) {
			t.Errorf("a connection too many: %v, want ErrRefused", err)
		}
	}
	if served != 2 {
		t.Errorf("%d of 3 connections were served with a limit of 2", served)
	}
	for _, c := range clients {
		c.Close()
	}
	eventually(t, "closed connections are forgotten", func() bool {
		_, err := clients[2].Describe(t.Context())
		return err == nil
	})
	a.alive()
}
