package protocol

import (
	"errors"

	"github.com/puente-project/puente/he"
)

// broken is what a task finds wrong with the peer's bytes. Errors of Receive need no mark.
type broken struct{ error }

func (b broken) Unwrap() error { return b.error }

// PeerFault tells the transport, which does not know this package, whose fault it is.
func (b broken) PeerFault() {}

// What can be wrong with a message. Every error of this package that a peer's
// bytes cause wraps exactly one of these and names the message.
var (
	ErrTruncated   = he.ErrTruncated
	ErrTrailing    = he.ErrTrailing
	ErrCoefficient = he.ErrCoefficient
	ErrPadding     = he.ErrPadding

	ErrUnexpected = errors.New("not expected now")
	ErrRepeated   = errors.New("repeated")
	ErrOrder      = errors.New("out of order")
	ErrSession    = errors.New("belongs to another session")
	ErrWindow     = errors.New("ahead of the window")
	ErrVersion    = errors.New("unknown protocol version")
	ErrMalformed  = errors.New("malformed")
	ErrTerms      = errors.New("terms differ")
	ErrLimit      = errors.New("over the limit")
	// ErrDead is returned for everything after the first error of a session.
	ErrDead = errors.New("the session has failed")
)
