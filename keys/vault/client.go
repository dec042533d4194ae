package vault

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/hashicorp/vault/api"

	"github.com/puente-project/puente/keys/internal/private"
)

// maxAnswer bounds what is read of one answer. The longest is a listing of some
// thousand names.
const maxAnswer = 1 << 20

const (
	firstWait = 50 * time.Millisecond
	lastWait  = time.Second
)

// connection is the way to one Vault, without a token.
type connection struct {
	config Config
	http   *http.Client
	api    string // address for package api
}

func newConnection(c Config) (*connection, error) {
	t := &http.Transport{
		// No proxy from the environment: tokens and data keys pass here.
		DialContext:         (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 15 * time.Second}).DialContext,
		TLSHandshakeTimeout: 5 * time.Second,
		ForceAttemptHTTP2:   true,
		MaxIdleConnsPerHost: 8,
		IdleConnTimeout:     30 * time.Second,
		TLSClientConfig:     &tls.Config{MinVersion: tls.VersionTLS13},
		// A request that times out leaves its HTTP/2 connection open: pings find
		// out whether there still is anybody at the other end.
		HTTP2: &http.HTTP2Config{SendPingTimeout: time.Duration(c.Timeout) / 2, PingTimeout: time.Duration(c.Timeout) / 2},
	}
	u, err := url.Parse(c.Address)
	if err != nil {
		return nil, fmt.Errorf("%w: address is no URL", ErrConfig)
	}
	address := c.Address
	if u.Scheme == "unix" {
		address = "http://localhost"
		t.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", u.Path)
		}
	}
	if c.CAFile != "" {
		pem, err := os.ReadFile(c.CAFile)
		if err != nil {
			return nil, fmt.Errorf("%w: ca_file: %w", ErrConfig, err)
		}
		t.TLSClientConfig.RootCAs = x509.NewCertPool()
		if !t.TLSClientConfig.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%w: ca_file %s has no certificate", ErrConfig, c.CAFile)
		}
	}
	if c.Auth == AuthCert {
		// Read at every handshake, so that a renewed certificate needs no restart.
		t.TLSClientConfig.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return clientCertificate(c)
		}
		if _, err := clientCertificate(c); err != nil {
			return nil, err
		}
	}
	return &connection{
		config: c,
		api:    address,
		http: &http.Client{
			Transport:     limited{t},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // package api follows one
		},
	}, nil
}

func clientCertificate(c Config) (*tls.Certificate, error) {
	key, err := private.Read(c.KeyFile, 64<<10)
	if err != nil {
		return nil, fmt.Errorf("%w: key_file: %w", ErrConfig, err)
	}
	defer clear(key)
	cert, err := os.ReadFile(c.CertFile)
	if err != nil {
		return nil, fmt.Errorf("%w: cert_file: %w", ErrConfig, err)
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return nil, fmt.Errorf("%w: cert_file and key_file are no pair", ErrConfig)
	}
	return &pair, nil
}

// limited cuts answers at maxAnswer.
type limited struct{ *http.Transport }

func (l limited) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := l.Transport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	resp.Body = http.MaxBytesReader(nil, resp.Body, maxAnswer)
	return resp, nil
}

// client returns an API client for one token. It never changes afterwards, so
// that a request cannot go out with another login's token than it was made for.
func (c *connection) client(token string) (*api.Client, error) {
	client, err := api.NewClient(&api.Config{Address: c.api, HttpClient: c.http, MaxRetries: 0})
	if err != nil {
		return nil, fmt.Errorf("%w: %v", ErrConfig, err)
	}
	// NewClient takes these from the environment.
	client.ClearNamespace()
	client.ClearToken()
	if token != "" {
		client.SetToken(token)
	}
	return client, nil
}

// request is one call of Vault's API. Without a body it reads; list and remove
// say what else it may do.
type request struct {
	op     string // for errors: "read seed \"sessions\""
	path   string // without /v1/
	body   map[string]any
	list   bool
	remove bool
	hush   bool // the body has secrets that a confused server might quote in its error
}

// once sends a request one time. The errors are classified.
func (c *connection) once(ctx context.Context, client *api.Client, r request) (*api.Secret, error) {
	var resp *api.Response
	var err error
	switch {
	case r.body != nil:
		// Not the raw form: that one loses the body when a standby redirects.
		secret, err := client.Logical().WriteWithContext(ctx, r.path, r.body)
		return parsed(ctx, r, secret, err)
	case r.remove:
		resp, err = client.Logical().DeleteRawWithContext(ctx, r.path)
	case r.list:
		resp, err = client.Logical().ReadRawWithDataWithContext(ctx, r.path, map[string][]string{"list": {"true"}})
	default:
		resp, err = client.Logical().ReadRawWithContext(ctx, r.path)
	}
	if resp != nil {
		defer resp.Body.Close()
	}
	if err != nil {
		return nil, classify(ctx, r, err)
	}
	secret, err := api.ParseSecret(resp.Body)
	return parsed(ctx, r, secret, err)
}

// parsed returns an answer that is never nil without an error.
func parsed(ctx context.Context, r request, secret *api.Secret, err error) (*api.Secret, error) {
	switch {
	case err != nil:
		return nil, classify(ctx, r, err)
	case secret == nil:
		return &api.Secret{}, nil
	}
	return secret, nil
}

// repeat runs f until it gives anything but a failure that may pass by itself,
// for at most the configured time. The error names the operation and Vault.
func (c *connection) repeat(ctx context.Context, op string, f func(ctx context.Context) error) error {
	limit, cancel := context.WithTimeout(ctx, time.Duration(c.config.Timeout))
	defer cancel()
	var passing error // the last failure that had another cause than time
	for wait := firstWait; ; wait = min(2*wait, lastWait) {
		err := f(limit)
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return fmt.Errorf("%s in Vault at %s: %w", op, c.config.Address, ended(ctx))
		case passes(err):
			passing = err
		case errors.Is(err, ErrTimeout) && passing != nil:
			err = passing
			fallthrough
		default:
			return fmt.Errorf("%s in Vault at %s: %w", op, c.config.Address, err)
		}
		select {
		case <-limit.Done():
			if ctx.Err() != nil {
				return fmt.Errorf("%s in Vault at %s: %w: %w", op, c.config.Address, ctx.Err(), passing)
			}
			return fmt.Errorf("%s in Vault at %s: %w; gave up after %v", op, c.config.Address, passing, time.Duration(c.config.Timeout))
		case <-time.After(wait):
		}
	}
}

// Format writes the address alone for every verb.
func (c *connection) Format(f fmt.State, _ rune) { io.WriteString(f, c.config.Address) }
