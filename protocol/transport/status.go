package transport

import (
	"context"
	"errors"
	"fmt"

	"connectrpc.com/connect"
)

// codes pairs our classes with the status codes on the wire.
var codes = map[Class]connect.Code{
	ClassInternal:     connect.CodeInternal,
	ClassInvalid:      connect.CodeInvalidArgument,
	ClassDenied:       connect.CodePermissionDenied,
	ClassNotFound:     connect.CodeNotFound,
	ClassPrecondition: connect.CodeFailedPrecondition,
	ClassExhausted:    connect.CodeResourceExhausted,
	ClassUnavailable:  connect.CodeUnavailable,
	ClassTimeout:      connect.CodeDeadlineExceeded,
}

// classOf is the inverse, for codes that a peer may send.
func classOf(code connect.Code) Class {
	for class, c := range codes {
		if c == code {
			return class
		}
	}
	switch code {
	case connect.CodeUnauthenticated:
		return ClassDenied
	case connect.CodeCanceled, connect.CodeAborted:
		return ClassUnavailable
	case connect.CodeUnimplemented, connect.CodeOutOfRange:
		return ClassInvalid
	}
	return ClassInternal
}

// status makes of an error what the peer is told about it: the text of a
// PublicError, otherwise a sentence that depends on the class only. The session
// id lets the two operators talk about the same line of the holder's log.
func status(err error, session string) *connect.Error {
	class, text := ClassInternal, "internal error"
	switch {
	case errors.Is(err, ErrShutdown):
		class, text = ClassUnavailable, "the holder is shutting down"
	case errors.Is(err, ErrTimeout), errors.Is(err, context.DeadlineExceeded):
		class, text = ClassTimeout, "the session took longer than the holder allows"
	case errors.Is(err, ErrPeerClosed), errors.Is(err, context.Canceled):
		class, text = ClassUnavailable, "the session was ended by its requester"
	case errors.Is(err, ErrPeerProtocol):
		class, text = ClassInvalid, "a message was not acceptable"
	}
	var public PublicError
	if errors.As(err, &public) {
		if class == ClassInternal {
			class = ClassPrecondition
		}
		text = public.Public()
	}
	var classed interface{ Class() Class }
	if errors.As(err, &classed) {
		class = classed.Class()
	}
	code, ok := codes[class]
	if !ok {
		code = connect.CodeInternal
	}
	// The session id has to survive the peer's own cap on the whole text.
	return connect.NewError(code, fmt.Errorf("%s (session %s)", printable(text, maxReason-40), session))
}
