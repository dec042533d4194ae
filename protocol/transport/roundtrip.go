package transport

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync/atomic"
	"time"
)

// guardedTransport puts a guard in front of every response body, and recovers
// the reason of a refusal that net/http loses.
type guardedTransport struct {
	next http.RoundTripper
	max  int
}

// RoundTrip implements http.RoundTripper.
func (t *guardedTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	var last atomic.Pointer[net.Conn]
	ctx := httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{
		GotConn: func(info httptrace.GotConnInfo) { last.Store(&info.Conn) },
	})
	resp, err := t.next.RoundTrip(r.WithContext(ctx))
	if err != nil {
		if conn := last.Load(); conn != nil {
			err = refusal13(*conn, err)
		}
		return nil, err
	}
	resp.Body = newGuard(resp.Body, t.max)
	return resp, nil
}

// net/http's errors for an HTTP/2 connection that ended before its first request
// and while that was being sent.
const (
	neverEstablished = "client conn could not be established"
	closedSince      = "client conn is closed"
)

// refusal13 gives the alert that ended the connection, if that is what err is
// about. In TLS 1.3 a client's handshake is complete before the server has
// judged its certificate, so a refusal comes as the first thing read afterwards,
// and net/http may already have replaced it by one of the errors above. The
// connection is dead then, and crypto/tls repeats the error that killed it to any
// reader.
func refusal13(conn net.Conn, err error) error {
	if text := err.Error(); !strings.Contains(text, neverEstablished) && !strings.Contains(text, closedSince) {
		return err
	}
	_ = conn.SetReadDeadline(time.Unix(1, 0)) // whatever happens, do not wait
	_, why := conn.Read(make([]byte, 1))
	if isAlert(why) {
		return why
	}
	return err
}

// isAlert recognises a TLS alert from the peer. crypto/tls has no exported type
// for it, but gives nothing else the operation "remote error".
func isAlert(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "remote error"
}
