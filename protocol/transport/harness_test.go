package transport

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// testService answers every message of a session with one message of the same
// bytes, reversed, and is done after the message "end".
type testService struct {
	gauge
	delay  time.Duration // of every task
	opened chan string   // gets the session's partner if there is room

	mu     sync.Mutex
	ended  []error
	budget int64
	public error // if set, Open fails with it
}

func (s *testService) Describe(ctx context.Context, partner string) ([]Watchlist, error) {
	if p, ok := PartnerFrom(ctx); !ok || p != partner {
		return nil, fmt.Errorf("the context says partner %q, the argument %q", p, partner)
	}
	return []Watchlist{{Name: "for " + partner, Scheme: "iris/1", Entries: 4096, Epoch: 7}}, nil
}

func (s *testService) Open(ctx context.Context, partner string, first []byte) (Session, error) {
	if id, ok := SessionFrom(ctx); !ok || len(id) != 16 {
		return Session{}, errors.New("no session id in the context")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.public != nil {
		return Session{}, s.public
	}
	if bytes.HasPrefix(first, []byte("panic")) {
		panic("secret value zebra")
	}
	select {
	case s.opened <- partner:
	default:
	}
	return Session{
		Role: &echoRole{service: s}, ReceiveBytes: s.budget,
		Closed: func(_ Stats, err error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.ended = append(s.ended, err)
		},
	}, nil
}

type echoRole struct {
	service *testService
	done    bool
}

func (r *echoRole) Start() []Task { return nil }
func (r *echoRole) Done() bool    { return r.done }
func (r *echoRole) Receive(msg []byte) ([]Task, error) {
	if bytes.HasPrefix(msg, []byte("bad")) {
		return nil, errors.New("secret detail zebra")
	}
	r.done = string(msg) == "end"
	return []Task{func() ([][]byte, error) {
		r.service.enter()
		defer r.service.leave()
		time.Sleep(r.service.delay)
		return [][]byte{reversed(msg)}, nil
	}}, nil
}

func reversed(msg []byte) []byte {
	out := make([]byte, len(msg))
	for i, b := range msg {
		out[len(msg)-1-i] = b
	}
	return out
}

// askRole is the requester's side: it sends the messages and "end", and checks
// the answers.
func askRole(msgs ...string) *fakeRole {
	msgs = append(msgs, "end")
	r := &fakeRole{want: len(msgs)}
	for _, m := range msgs {
		r.start = append(r.start, sends([]byte(m)))
	}
	r.receive = func(got []byte) ([]Task, error) {
		if want := reversed([]byte(msgs[r.got-1])); !bytes.Equal(got, want) {
			return nil, fmt.Errorf("answer %d is %.20q, want %.20q", r.got, got, want)
		}
		return nil, nil
	}
	return r
}

// lockedBuffer is a log that a test can read while the server writes.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}
func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// agency is a running holder with two partners, "a" and "c".
type agency struct {
	t             testing.TB
	service       *testService
	server        *Server
	addr          string
	log           *lockedBuffer
	idA, idC, idB tls.Certificate
	removed       sync.Map // partners whose agreement has ended
	client        *Client
}

// start runs a holder on a loopback port until the end of the test. The service that it
// offers is the last of offered, if there is one.
func start(t testing.TB, service *testService, limits Limits, offered ...Service) *agency {
	t.Helper()
	serve := append([]Service{service}, offered...)[len(offered)]
	a := &agency{
		t: t, service: service, log: &lockedBuffer{},
		idA: testIdentity(t, 1, "a", testFrom, testUntil),
		idB: testIdentity(t, 2, "b", testFrom, testUntil),
		idC: testIdentity(t, 3, "c", testFrom, testUntil),
	}
	lookup, err := NewPartners(map[string]Pin{"a": testPin(t, a.idA), "c": testPin(t, a.idC)})
	if err != nil {
		t.Fatal(err)
	}
	a.server, err = NewServer(ServerOptions{
		Identity: a.idB, Service: serve, Limits: limits, Pool: NewPool(2),
		Log: slog.New(slog.NewTextHandler(a.log, nil)),
		Partners: func(pin Pin) (string, bool) {
			name, ok := lookup(pin)
			_, gone := a.removed.Load(name)
			return name, ok && !gone
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	a.addr = l.Addr().String()
	served := make(chan error, 1)
	go func() { served <- a.server.Serve(l) }()
	a.client = a.dial(a.idA, Limits{})
	t.Cleanup(func() {
		a.client.Close()
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := a.server.Shutdown(ctx); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
		if err := <-served; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return a
}

// dial makes a client with the identity that pins the holder.
func (a *agency) dial(id tls.Certificate, limits Limits) *Client {
	a.t.Helper()
	config, err := ClientConfig(id, testPin(a.t, a.idB))
	if err != nil {
		a.t.Fatal(err)
	}
	client, err := NewClient("https://"+a.addr, config, limits)
	if err != nil {
		a.t.Fatal(err)
	}
	a.t.Cleanup(client.Close)
	return client
}

// alive checks that a well-behaved partner is still served.
func (a *agency) alive() {
	a.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	lists, err := a.client.Describe(ctx)
	if err != nil || len(lists) != 1 || lists[0] != (Watchlist{"for a", "iris/1", 4096, 7}) {
		a.t.Fatalf("Describe afterwards: %v, %v", lists, err)
	}
	if _, err := a.client.Match(ctx, askRole("one", "two"), MatchOptions{}); err != nil {
		a.t.Fatalf("Match afterwards: %v", err)
	}
}

// raw opens a Match call below the client's checks: what is written to the pipe
// is the request's body. It gives the response once its headers are there.
func (a *agency) raw(path string, header http.Header, body io.Reader) (*http.Response, error) {
	a.t.Helper()
	config, err := ClientConfig(a.idA, testPin(a.t, a.idB))
	if err != nil {
		a.t.Fatal(err)
	}
	var protocols http.Protocols
	protocols.SetHTTP2(true)
	transport := &http.Transport{TLSClientConfig: config, Protocols: &protocols}
	a.t.Cleanup(transport.CloseIdleConnections)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	a.t.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://"+a.addr+path, body)
	if err != nil {
		a.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/grpc")
	req.Header.Set("Te", "trailers")
	for k, v := range header {
		req.Header[k] = v
	}
	return transport.RoundTrip(req)
}

// grpcStatus reads a response to its end and gives its status code and message.
func grpcStatus(t *testing.T, resp *http.Response) (code, message string) {
	t.Helper()
	_, err := io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
	if err != nil {
		return "broken: " + err.Error(), ""
	}
	if code = resp.Trailer.Get("Grpc-Status"); code == "" {
		code, message = resp.Header.Get("Grpc-Status"), resp.Header.Get("Grpc-Message")
		return code, message
	}
	return code, resp.Trailer.Get("Grpc-Message")
}

// eventually waits for a condition that another goroutine brings about.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatalf("not within 5 s: %s", what)
}

func (a *agency) logged(text string) func() bool {
	return func() bool { return strings.Contains(a.log.String(), text) }
}
