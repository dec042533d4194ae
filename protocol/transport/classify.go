package transport

import (
	"context"
	"errors"
	"fmt"
	"io"

	"connectrpc.com/connect"
)

// classify gives an error of a call the sentinel by which a requester can act.
// ctx is the caller's own context.
func classify(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	for _, known := range []error{ErrPinMismatch, ErrCertificate, ErrPeerProtocol, ErrPeerClosed, ErrTimeout, ErrRefused} {
		if errors.Is(err, known) {
			return err
		}
	}
	if ctx.Err() == context.DeadlineExceeded {
		return fmt.Errorf("%w: %w", ErrTimeout, context.Cause(ctx))
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var wire *connect.Error
	if !errors.As(err, &wire) {
		return err // a task's own
	}
	if connect.IsWireError(wire) {
		return &RefusedError{Class: classOf(wire.Code()), Reason: printable(wire.Message(), maxReason)}
	}
	text := printable(wire.Message(), maxReason)
	if isAlert(err) {
		return fmt.Errorf("%w in the TLS handshake: %s; it may not know this agency's key, or the certificate has expired", ErrRefused, text)
	}
	switch wire.Code() {
	case connect.CodeUnavailable, connect.CodeUnknown, connect.CodeInternal, connect.CodeAborted:
		// The line or the process at its other end. Frames that break the rules
		// are not among these: the guard has its own error for them.
		return fmt.Errorf("%w: %s", ErrUnreachable, text)
	case connect.CodeDeadlineExceeded, connect.CodeCanceled:
		if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
			return fmt.Errorf("%w: %s", ErrTimeout, text) // a limit of this client
		}
		return fmt.Errorf("%w: the connection broke: %s", ErrUnreachable, text)
	}
	return fmt.Errorf("%w: %s", ErrPeerProtocol, text)
}

// isEnd reports whether Receive found the stream ended with a good status.
// Connect marks that with an error of its own that wraps io.EOF; a refusal that
// arrives at the same point wraps nothing.
func isEnd(err error) bool { return errors.Is(err, io.EOF) && !connect.IsWireError(err) }
