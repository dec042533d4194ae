package transport

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/puente-project/puente/protocol/puentev1"
)

// Attacks on a requester by the holder that it has pinned. A holder can always
// end a session or never answer; it must not be able to do more.

// hostile runs a handler under the pinned identity and gives a client of it.
func hostile(t *testing.T, handler http.HandlerFunc) *Client {
	t.Helper()
	return hostileWithin(t, 20*time.Second, handler) // a busy machine is no timeout
}

// hostileWithin is hostile with a client that waits no longer than so.
func hostileWithin(t *testing.T, patience time.Duration, handler http.HandlerFunc) *Client {
	t.Helper()
	idA, idB := testIdentity(t, 1, "a", testFrom, testUntil), testIdentity(t, 2, "b", testFrom, testUntil)
	partners, err := NewPartners(map[string]Pin{"a": testPin(t, idA)})
	if err != nil {
		t.Fatal(err)
	}
	serverTLS, err := ServerConfig(idB, partners)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var protocols http.Protocols
	protocols.SetHTTP2(true)
	server := &http.Server{
		Handler: handler, TLSConfig: serverTLS, Protocols: &protocols, ErrorLog: log.New(io.Discard, "", 0),
	}
	go server.Serve(tls.NewListener(l, serverTLS))
	config, err := ClientConfig(idA, testPin(t, idB))
	if err != nil {
		t.Fatal(err)
	}
	client, err := NewClient("https://"+l.Addr().String(), config, Limits{
		PeerTimeout: patience, SendTimeout: patience, DescribeTimeout: patience,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close(); server.Close() })
	return client
}

// grpcReply begins a gRPC response with the given body and ends it with status.
func grpcReply(w http.ResponseWriter, body []byte, code, message string) {
	w.Header().Set("Content-Type", "application/grpc")
	w.Header().Set("Trailer", "Grpc-Status, Grpc-Message")
	_, _ = w.Write(body)
	_ = http.NewResponseController(w).Flush()
	if code != "" {
		w.Header().Set("Grpc-Status", code)
		w.Header().Set("Grpc-Message", message)
	}
}

func TestHostileHolder(t *testing.T) {
	pack := func(m proto.Message) []byte {
		b, err := proto.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		return frame(0, b)
	}
	answer := pack(&puentev1.Frame{Message: reversed([]byte("end"))})
	var many puentev1.DescribeResponse
	for range maxWatchlists + 1 {
		many.Watchlists = append(many.Watchlists, &puentev1.Watchlist{Name: "n", Scheme: "s"})
	}
	named := func(name, scheme string) []byte {
		return pack(&puentev1.DescribeResponse{Watchlists: []*puentev1.Watchlist{{Name: name, Scheme: scheme}}})
	}
	silent := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	reply := func(body []byte, code, message string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { grpcReply(w, body, code, message) }
	}
	flood := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/grpc")
		for r.Context().Err() == nil {
			if _, err := w.Write(answer); err != nil {
				return
			}
		}
	}
	for name, c := range map[string]struct {
		handler  http.HandlerFunc
		match    error // what Match gives
		describe error // what Describe gives; nil: not tried
		text     string
	}{
		"never answers":           {handler: silent, match: ErrTimeout, describe: ErrTimeout},
		"answers, then is silent": {handler: func(w http.ResponseWriter, r *http.Request) { grpcReply(w, nil, "", ""); silent(w, r) }, match: ErrTimeout, describe: ErrTimeout},
		"ends before the answer":  {handler: reply(nil, "0", ""), match: ErrPeerClosed},
		"good answer, bad status": {handler: reply(answer, "9", "no"), match: ErrRefused},
		"good answer, no status":  {handler: reply(answer, "", ""), match: ErrUnreachable},
		"one message too many":    {handler: reply(append(bytes.Clone(answer), answer...), "0", ""), match: ErrPeerProtocol},
		"endless messages":        {handler: flood, match: ErrPeerProtocol},
		"wrong answer":            {handler: reply(pack(&puentev1.Frame{Message: []byte("x")}), "0", ""), match: ErrPeerProtocol},
		"compressed frame":        {handler: reply(frame(1, []byte("x")), "0", ""), match: ErrPeerProtocol, describe: ErrPeerProtocol},
		"4 GiB frame":             {handler: reply([]byte{0, 0xff, 0xff, 0xff, 0xff}, "0", ""), match: ErrPeerProtocol, describe: ErrPeerProtocol},
		"4 GiB frame, stays open": {handler: func(w http.ResponseWriter, r *http.Request) {
			grpcReply(w, []byte{0, 0xff, 0xff, 0xff, 0xff}, "", "")
			silent(w, r)
		}, match: ErrPeerProtocol, describe: ErrPeerProtocol},
		"not protobuf": {handler: reply(frame(0, []byte{0xff}), "0", ""), match: ErrPeerProtocol, describe: ErrPeerProtocol},
		"empty frame":  {handler: reply(frame(0, nil), "0", ""), match: ErrPeerProtocol},
		"cut off": {handler: func(w http.ResponseWriter, _ *http.Request) {
			grpcReply(w, answer[:6], "", "")
			panic(http.ErrAbortHandler)
		}, match: ErrUnreachable, describe: ErrUnreachable},
		"terminal escapes": {handler: reply(nil, "7", "%1B]0;owned%07%1B[2J%0Anext line%E2%80%AE"), match: ErrRefused, describe: ErrRefused, text: "?[2J?next line?"},
		"very long reason": {handler: reply(nil, "8", strings.Repeat("x", 5000)), match: ErrRefused, describe: ErrRefused, text: "xxx..."},
		"huge headers":     {handler: func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X", strings.Repeat("x", 1<<20)) }, match: ErrUnreachable, describe: ErrUnreachable},
		"redirect": {handler: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "http://127.0.0.1:1/")
			w.WriteHeader(307)
		}, match: ErrUnreachable, describe: ErrUnreachable},
		"web page":                 {handler: func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "<html>") }, match: ErrUnreachable, describe: ErrUnreachable},
		"deadline of its own":      {handler: reply(nil, "4", "too slow"), match: ErrTimeout, describe: ErrTimeout},
		"too many watchlists":      {handler: reply(pack(&many), "0", ""), describe: ErrPeerProtocol},
		"watchlist without a name": {handler: reply(named("", "s"), "0", ""), describe: ErrPeerProtocol},
		"escapes in a name":        {handler: reply(named("\x1b[2J", "s"), "0", ""), describe: ErrPeerProtocol},
		"long scheme":              {handler: reply(named("n", strings.Repeat("s", maxScheme+1)), "0", ""), describe: ErrPeerProtocol},
	} {
		t.Run(name, func(t *testing.T) {
			patience := 20 * time.Second // a busy machine is no timeout
			if c.match == ErrTimeout || c.describe == ErrTimeout {
				patience = 400 * time.Millisecond
			}
			client := hostileWithin(t, patience, c.handler)
			check := func(what string, err, want error) {
				t.Helper()
				if !errors.Is(err, want) {
					t.Errorf("%s: %v, want %v", what, err, want)
					return
				}
				if text := err.Error(); !strings.Contains(text, c.text) || len(text) > 1000 || strings.ContainsAny(text, "\x1b\x07\n\u202e") {
					t.Errorf("%s: the text is %q", what, text)
				}
			}
			began := time.Now()
			if c.match != nil {
				_, err := client.Match(t.Context(), askRole(), MatchOptions{ReceiveBytes: 1 << 20})
				check("Match", err, c.match)
			}
			if c.describe != nil {
				_, err := client.Describe(t.Context())
				check("Describe", err, c.describe)
			}
			if took := time.Since(began); took > 3*time.Second {
				t.Errorf("it took %v", took)
			}
		})
	}
}

func TestUnreachable(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	id := testIdentity(t, 1, "a", testFrom, testUntil)
	config, err := ClientConfig(id, testPin(t, id))
	if err != nil {
		t.Fatal(err)
	}
	client, err := NewClient("https://"+addr, config, Limits{HandshakeTimeout: 200 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	began := time.Now()
	if _, err := client.Match(t.Context(), askRole(), MatchOptions{}); !errors.Is(err, ErrUnreachable) {
		t.Errorf("a port that does not speak: %v, want ErrUnreachable", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := client.Match(ctx, askRole(), MatchOptions{}); !errors.Is(err, ErrTimeout) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a deadline of the caller: %v, want ErrTimeout", err)
	}
	l.Close()
	if _, err := client.Match(t.Context(), askRole(), MatchOptions{}); !errors.Is(err, ErrUnreachable) {
		t.Errorf("a closed port: %v, want ErrUnreachable", err)
	}
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("it took %v", took)
	}
}

// TestTaskErrorPassesThrough: the caller recognises its own errors.
func TestTaskErrorPassesThrough(t *testing.T) {
	a := start(t, &testService{}, Limits{})
	own := errors.New("own fault")
	role := &fakeRole{want: 1, start: []Task{sends([]byte("x")), func() ([][]byte, error) { return nil, own }}}
	if _, err := a.client.Match(t.Context(), role, MatchOptions{}); err == nil || !errors.Is(err, own) {
		t.Errorf("Match: %v, want the task's error", err)
	}
	a.alive()
}

func TestOptions(t *testing.T) {
	id := testIdentity(t, 1, "a", testFrom, testUntil)
	config, err := ClientConfig(id, Pin{})
	if err != nil {
		t.Fatal(err)
	}
	for _, endpoint := range []string{"", "b:8443", "http://b:8443", "https://", "https://b/x", "https://u:p@b", "https://b?x", "https://b#x", "https://%zz"} {
		if _, err := NewClient(endpoint, config, Limits{}); err == nil {
			t.Errorf("NewClient accepts the endpoint %q", endpoint)
		}
	}
	if _, err := NewClient("https://b", &tls.Config{}, Limits{}); err == nil {
		t.Error("NewClient accepts a configuration without a pin")
	}
	if _, err := NewClient("https://b", config, Limits{PeerTimeout: -1}); err == nil {
		t.Error("NewClient accepts a negative limit")
	}
	everyone := func(Pin) (string, bool) { return "x", true }
	for name, o := range map[string]ServerOptions{
		"no service":     {Identity: id, Partners: everyone},
		"no partners":    {Identity: id, Service: &testService{}},
		"no identity":    {Partners: everyone, Service: &testService{}},
		"negative limit": {Identity: id, Partners: everyone, Service: &testService{}, Limits: Limits{Sessions: -1}},
	} {
		if _, err := NewServer(o); err == nil {
			t.Errorf("NewServer accepts options with %s", name)
		}
	}
}
