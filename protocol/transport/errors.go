package transport

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
)

// Sentinels of this package, for errors.Is. An error may match several.
var (
	// ErrUnreachable: no connection to the peer, or it broke.
	ErrUnreachable = errors.New("transport: peer not reachable")
	// ErrRefused: the peer said no; a *RefusedError has its reason.
	ErrRefused = errors.New("transport: refused by the peer")
	// ErrTimeout: a deadline passed, here or at the peer.
	ErrTimeout = errors.New("transport: timed out")
	// ErrPinMismatch: the peer's key is not the one that was agreed.
	ErrPinMismatch = errors.New("transport: the peer's key does not match its pin")
	// ErrCertificate: the key is right and its certificate is not usable, for
	// example because it has expired.
	ErrCertificate = errors.New("transport: certificate not usable")
	// ErrPeerProtocol: the peer sent something that the protocol forbids.
	ErrPeerProtocol = errors.New("transport: the peer broke the protocol")
	// ErrPeerClosed: the peer ended the session before it was complete.
	ErrPeerClosed = errors.New("transport: the peer ended the session too early")
	// ErrShutdown: this server is stopping.
	ErrShutdown = errors.New("transport: shutting down")
)

var errTooMany = fmt.Errorf("%w: it sent a message after the last one", ErrPeerProtocol)

// Class says what kind of refusal an error is, so that the peer's software can
// react to it without reading text.
type Class uint8

// The classes. The zero value is ClassInternal: a fault of the refusing side.
const (
	ClassInternal     Class = iota
	ClassInvalid            // the request or a message is malformed or not allowed by the protocol
	ClassDenied             // this partner may not do this
	ClassNotFound           // no such watchlist
	ClassPrecondition       // well-formed, and not possible in the present state (scheme or epoch differs)
	ClassExhausted          // a quota or a limit on sessions is used up; may work later
	ClassUnavailable        // not serving at the moment; may work later
	ClassTimeout            // a deadline of the refusing side passed
)

var classNames = [...]string{
	"internal", "invalid", "denied", "not-found", "precondition", "exhausted", "unavailable", "timeout",
}

// String gives a stable lower-case word for logs.
func (c Class) String() string {
	if int(c) < len(classNames) {
		return classNames[c]
	}
	return fmt.Sprintf("class-%d", uint8(c))
}

// PublicError is implemented by errors that have a text for the peer. Public
// returns that text: one sentence, no internals. If the error also has a method
// Class() Class, the peer is told that class. All other errors reach the peer
// as a class and a session id only.
type PublicError interface {
	error
	Public() string
}

// Refuse makes an error that tells the peer the given class and text. The cause
// (may be nil) stays in the local log.
func Refuse(class Class, public string, cause error) error {
	return &refusal{class, public, cause}
}

type refusal struct {
	class  Class
	public string
	cause  error
}

func (r *refusal) Error() string {
	if r.cause == nil {
		return r.public
	}
	return r.public + ": " + r.cause.Error()
}
func (r *refusal) Unwrap() error  { return r.cause }
func (r *refusal) Public() string { return r.public }
func (r *refusal) Class() Class   { return r.class }

// RefusedError is a peer's refusal as its client sees it. It matches ErrRefused,
// and ErrTimeout if a deadline of the peer passed.
type RefusedError struct {
	// Class as claimed by the peer.
	Class Class
	// Reason is the peer's text, made printable and capped at 300 characters.
	// It is the peer's claim: show it, do not act on it.
	Reason string
}

// Error quotes the peer's text, so that it cannot be taken for our own.
func (e *RefusedError) Error() string {
	return fmt.Sprintf("%v (%v); its reason: %q", ErrRefused, e.Class, e.Reason)
}

// Is matches ErrRefused, and ErrTimeout for ClassTimeout.
func (e *RefusedError) Is(target error) bool {
	return target == ErrRefused || (target == ErrTimeout && e.Class == ClassTimeout)
}

// printable makes text from a peer safe for a terminal, a log and a report:
// what is not printable becomes '?', control and direction marks included, and
// the length is capped at limit characters.
func printable(s string, limit int) string {
	var b strings.Builder
	n := 0
	for _, r := range s {
		if n == limit {
			b.WriteString("...")
			break
		}
		if r == unicode.ReplacementChar || !unicode.IsPrint(r) {
			r = '?'
		}
		b.WriteRune(r)
		n++
	}
	return b.String()
}
