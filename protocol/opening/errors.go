package opening

import "errors"

// The classes of failure, for errors.Is. Every error of this package wraps one of them; no
// error text holds a secret.
var (
	// ErrFormat: a text that is no opening or key in canonical form.
	ErrFormat = errors.New("malformed opening")
	// ErrKey: nothing in the opening is sealed to the key.
	ErrKey = errors.New("not sealed to this key")
	// ErrTampered: what is sealed does not decrypt: the opening was altered, or it was
	// sealed for another session, role or splitting.
	ErrTampered = errors.New("the opening does not decrypt")
	// ErrParts: a part of a split opening is sealed to another auditor.
	ErrParts = errors.New("a part of the opening is missing")
	// ErrPart: a part decrypts but is not the one that was dealt.
	ErrPart = errors.New("a part of the opening is not the one that was dealt")
	// ErrSubject: the opening is of another session or of the other party.
	ErrSubject = errors.New("the opening is of another session or party")
	// ErrCommitment: the seed is not the one to which the party committed in the session.
	ErrCommitment = errors.New("the seed is not the one that was committed to")
)

// Limits of what is parsed.
const (
	// MaxAuditors bounds the number of sealed parts of an opening.
	MaxAuditors = 16
	// MaxFile bounds the file of an opening in bytes: 16 parts of 1.6 kB.
	MaxFile = 40 << 10
)

const (
	labelInfo = "puente/v1/opening"
	labelPart = "puente/v1/opening part"
)
