package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"
	"unicode/utf8"

	"connectrpc.com/connect"

	"github.com/puente-project/puente/protocol/puentev1"
)

// Client calls one holder. It is made by NewClient and safe for concurrent use.
type Client struct {
	rpc       puentev1.MatchingClient
	transport *http.Transport
	limits    Limits
}

// NewClient makes a client of the holder at endpoint, "https://host:port". The
// configuration comes from ClientConfig. It does not connect yet. Proxies from
// the environment are not used: whom to connect to is the caller's decision.
func NewClient(endpoint string, config *tls.Config, limits Limits) (*Client, error) {
	limits, err := limits.complete()
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(endpoint)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || (u.Path != "" && u.Path != "/") {
		return nil, fmt.Errorf("transport: %q is not an endpoint; write https://host:port", endpoint)
	}
	if config == nil || config.VerifyConnection == nil {
		return nil, errors.New("transport: the TLS configuration pins no peer; make it with ClientConfig")
	}
	var protocols http.Protocols
	protocols.SetHTTP2(true)
	c := &Client{limits: limits, transport: &http.Transport{
		DialContext:            (&net.Dialer{Timeout: limits.HandshakeTimeout}).DialContext,
		TLSClientConfig:        config.Clone(),
		TLSHandshakeTimeout:    limits.HandshakeTimeout,
		IdleConnTimeout:        limits.IdleTimeout,
		DisableCompression:     true,
		MaxResponseHeaderBytes: maxHeaderBytes,
		Protocols:              &protocols,
		HTTP2: &http.HTTP2Config{
			MaxReadFrameSize:              readFrameSize,
			MaxReceiveBufferPerConnection: window,
			MaxReceiveBufferPerStream:     window,
			SendPingTimeout:               pingAfter,
			PingTimeout:                   pingTimeout,
			WriteByteTimeout:              limits.SendTimeout,
		},
	}}
	caller := &http.Client{
		Transport: &guardedTransport{c.transport, max(limits.MaxMessage+frameSlack, maxDescribe)},
		// A holder that redirects us would choose where our messages go.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	c.rpc = puentev1.NewMatchingClient(caller, u.Scheme+"://"+u.Host,
		connect.WithGRPC(),
		connect.WithAcceptCompression("gzip", nil, nil), // see guard
		connect.WithReadMaxBytes(max(limits.MaxMessage+frameSlack, maxDescribe)),
		connect.WithSendMaxBytes(limits.MaxMessage+frameSlack),
	)
	return c, nil
}

// Close closes connections that no session uses.
func (c *Client) Close() { c.transport.CloseIdleConnections() }

// Describe asks which watchlists this agency may query. Names and schemes are
// the holder's claims, checked for size and printable characters only.
func (c *Client) Describe(ctx context.Context) ([]Watchlist, error) {
	limited, cancel := context.WithTimeout(ctx, c.limits.DescribeTimeout)
	defer cancel()
	resp, err := c.rpc.Describe(limited, connect.NewRequest(&puentev1.DescribeRequest{}))
	if err != nil {
		return nil, classify(ctx, err)
	}
	lists := make([]Watchlist, 0, min(len(resp.Msg.Watchlists), maxWatchlists))
	for _, w := range resp.Msg.Watchlists {
		lists = append(lists, Watchlist{Name: w.GetName(), Scheme: w.GetScheme(), Entries: w.GetEntries(), Epoch: w.GetEpoch()})
	}
	if err := checkWatchlists(lists); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrPeerProtocol, err)
	}
	return lists, nil
}

// checkWatchlists applies the bounds of Watchlist at both ends.
func checkWatchlists(lists []Watchlist) error {
	if len(lists) > maxWatchlists {
		return fmt.Errorf("transport: %d watchlists described, at most %d are allowed", len(lists), maxWatchlists)
	}
	for i, w := range lists {
		for _, text := range []struct {
			what, s string
			max     int
		}{{"name", w.Name, maxName}, {"scheme", w.Scheme, maxScheme}} {
			if n := utf8.RuneCountInString(text.s); n == 0 || n > text.max || printable(text.s, text.max) != text.s {
				return fmt.Errorf("transport: the %s of watchlist %d is not 1 to %d printable characters", text.what, i, text.max)
			}
		}
	}
	return nil
}

// MatchOptions configures one session.
type MatchOptions struct {
	// Pool runs the tasks; nil means a pool of this session's own.
	Pool *Pool
	// ReceiveBytes is the most that the holder may send, as computed from the
	// session's parameters; 0 means Limits.SessionBytes.
	ReceiveBytes int64
	// Progress is that of Options.
	Progress func(Stats)
}

// Match runs one session with the requester's role, from connecting to the
// holder's final status. Errors match ErrUnreachable, ErrPinMismatch,
// ErrCertificate, ErrRefused, ErrTimeout, ErrPeerProtocol or ErrPeerClosed;
// errors of the role's tasks come as they are; when ctx ends, its cause does. A
// session that failed is over: its role must not be used again.
func (c *Client) Match(ctx context.Context, role Role, o MatchOptions) (Stats, error) {
	if o.ReceiveBytes == 0 {
		o.ReceiveBytes = c.limits.SessionBytes
	}
	limited, cancel := context.WithTimeoutCause(ctx, c.limits.SessionTimeout,
		fmt.Errorf("%w: the session took longer than %v", ErrTimeout, c.limits.SessionTimeout))
	defer cancel()
	stream := &clientStream{stream: c.rpc.Match(limited), cancel: cancel}
	stats, err := Run(limited, role, stream, Options{
		Pool:         o.Pool,
		ReceiveBytes: o.ReceiveBytes,
		PeerTimeout:  c.limits.PeerTimeout,
		SendTimeout:  c.limits.SendTimeout,
		Progress:     o.Progress,
	})
	if err == nil {
		err = stream.finish(c.limits.PeerTimeout)
	}
	cancel()
	_ = stream.stream.CloseRequest()
	_ = stream.stream.CloseResponse()
	return stats, classify(ctx, err)
}

// clientStream is the client's end of a Match stream.
type clientStream struct {
	stream *connect.BidiStreamForClient[puentev1.Frame, puentev1.Frame]
	cancel context.CancelFunc
}

func (s *clientStream) Send(msg []byte) error {
	return s.stream.Send(&puentev1.Frame{Message: msg})
}

func (s *clientStream) Receive() ([]byte, error) {
	frame, err := s.stream.Receive()
	if err != nil {
		return nil, err
	}
	return unpack(frame)
}

// Abort needs both calls: once the response has begun, net/http's HTTP/2 client
// does not look at the context while it waits for more of the request's body, so
// cancelling alone would leave a blocked Receive blocked.
func (s *clientStream) Abort() {
	s.cancel()
	_ = s.stream.CloseRequest()
}

// finish waits for the holder's status: a session counts as complete only if
// both ends say so.
func (s *clientStream) finish(patience time.Duration) error {
	timer := time.AfterFunc(patience, s.Abort)
	defer timer.Stop()
	if err := s.stream.CloseRequest(); err != nil {
		return err
	}
	switch _, err := s.stream.Receive(); {
	case err == nil:
		return errTooMany
	case isEnd(err):
		return nil
	default:
		return err
	}
}
