package transport

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/puente-project/puente/protocol/puentev1"
)

// Attacks on a holder, each over a real loopback connection and each followed by
// a well-behaved session. Not covered here: floods of TCP connections that never
// speak (bounded by Limits.Handshakes, see TestGate) and HTTP/2 framing attacks
// below gRPC, which are net/http's to stop.

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
			if strings.Contains(message, "zebra") {
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
	if strings.Contains(a.log.String(), "zebra") {
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
