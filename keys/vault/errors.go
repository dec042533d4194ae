package vault

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"

	"github.com/hashicorp/vault/api"
)

// maxDetail bounds how much of a server's error text is passed on.
const maxDetail = 160

// transient marks failures that may pass by themselves.
type transient struct{ error }

func (t transient) Unwrap() error { return t.error }

func passes(err error) bool {
	_, ok := errors.AsType[transient](err)
	return ok
}

// classify turns what package api returns into one of the package's classes.
// Its texts span lines and may quote bodies, so they are never passed on.
func classify(ctx context.Context, r request, err error) error {
	if answer, ok := errors.AsType[*api.ResponseError](err); ok {
		return classifyStatus(answer.StatusCode, strings.Join(answer.Errors, "; "), r.hush)
	}
	if ctx.Err() != nil {
		return ended(ctx)
	}
	var tlsErr *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	switch {
	case errors.As(err, &tlsErr):
		return fmt.Errorf("%w: %v", ErrCertificate, tlsErr.Err)
	case errors.As(err, &record):
		return fmt.Errorf("%w: the server does not speak TLS", ErrCertificate)
	case errors.Is(err, ErrConfig):
		return fmt.Errorf("%w: a file of the login changed", ErrConfig)
	case strings.Contains(err.Error(), "non-printable"):
		return fmt.Errorf("%w: the token has characters that no token has", ErrLogin)
	case strings.Contains(err.Error(), "protocol downgrade"):
		return fmt.Errorf("%w: it redirects from https to http", ErrServer)
	case isNet(err):
		return transient{fmt.Errorf("%w: %s", ErrUnreachable, netCause(err))}
	}
	// The text of a JSON error may quote the answer.
	return fmt.Errorf("%w: it is no JSON of the right form, or too long (%T)", ErrServer, err)
}

// ended is the error for a context that ended before Vault answered.
func ended(ctx context.Context) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return ctx.Err()
	}
	return fmt.Errorf("%w: %w", ErrTimeout, ctx.Err())
}

func isNet(err error) bool {
	var network net.Error
	var op *net.OpError
	var u *url.Error
	return errors.As(err, &op) || errors.As(err, &network) || errors.As(err, &u) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// netCause gives the cause without addresses and URLs.
func netCause(err error) string {
	var no syscall.Errno
	switch {
	case errors.As(err, &no):
		return no.Error()
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "the connection was closed"
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return "the name " + dns.Name + " does not resolve"
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		return printable(u.Err.Error())
	}
	return "connection failed"
}

// classifyStatus maps a status and the server's errors.
func classifyStatus(status int, text string, hush bool) error {
	has := func(part string) bool { return strings.Contains(text, part) }
	detail := fmt.Sprintf("status %d", status)
	if text != "" && !hush {
		detail += ": " + printable(text)
	}
	wrap := func(class error) error { return fmt.Errorf("%w (%s)", class, detail) }
	switch {
	case status == http.StatusForbidden:
		return wrap(ErrDenied)
	case has("invalid secret id"), has("invalid secret ID"), has("invalid role"): // 400 or 500, by version of Vault
		return wrap(ErrLogin)
	case has("no handler for route"), has("key not found"), has("unsupported path"):
		return wrap(ErrNotProvisioned)
	case status == http.StatusNotFound:
		return wrap(errNotThere)
	case status == http.StatusServiceUnavailable && (has("sealed") || has("not initialized")):
		return wrap(ErrSealed)
	case has("check-and-set"):
		return wrap(errMismatch)
	case has("minimum encryption key version"), has("disallowed by policy"), has("minimum decryption version"), has("too old"):
		return wrap(errVersion)
	case has("Upgrading from non-versioned"), has("upgrading"):
		return transient{wrap(ErrServer)}
	case has("not active"), has("standby"), has("no active"):
		return transient{wrap(ErrStandby)}
	case status == http.StatusTooManyRequests, status == http.StatusBadGateway,
		status == http.StatusServiceUnavailable, status == http.StatusGatewayTimeout:
		return transient{wrap(ErrUnreachable)}
	}
	return wrap(ErrServer)
}

// errNotThere is a 404 of Vault; callers make keys.ErrNotFound of it.
var errNotThere = errors.New("nothing there")

// printable makes one cut line of a text from the server.
func printable(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return ' '
		}
		return r
	}, text)
	if len(text) > maxDetail {
		text = text[:maxDetail] + "..."
	}
	return strings.TrimSpace(text)
}
