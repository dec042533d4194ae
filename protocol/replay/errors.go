package replay

import (
	"errors"

	"github.com/puente-project/puente/protocol/opening"
	"github.com/puente-project/puente/protocol/transcript"
)

// What a replay can find, for errors.Is on Report.Err.
var (
	// ErrSeed: the opened seed is not the one that was committed to.
	ErrSeed = opening.ErrCommitment
	// ErrInputs: other inputs were used than were given.
	ErrInputs = errors.New("the inputs are not those of the session")
	// ErrDeparture: the party sent what the protocol does not give.
	ErrDeparture = errors.New("the party departed from the protocol")
	// ErrAltered: the evidence was changed after it had been recorded.
	ErrAltered = errors.New("the evidence was altered")
	// ErrMissing: a message is not in the evidence.
	ErrMissing = errors.New("a message is missing")
	// ErrUnexpected: a message is recorded that does not belong to the session.
	ErrUnexpected = errors.New("a message was not to be sent")
	// ErrRefused: a message of the other party must have ended the session.
	ErrRefused = errors.New("a message must have been refused")
)

// ErrEvidence: a folder that is not the evidence of a granted session with messages, or
// whose statements and records are malformed. It is returned instead of a report.
var ErrEvidence = errors.New("unusable evidence")

// Limits of what is read.
const (
	// MaxMessages bounds the messages of a session: 2^22 score ciphertexts have more than
	// 100 GB, and 300 probes against 100 000 irises are 1.4 million messages.
	MaxMessages = 1 << 22
	// MaxDifferences bounds the differences that a report lists; all are counted.
	MaxDifferences = 100

	maxStatement = transcript.MaxText + 32<<10 // signatures are 4.5 kB each in base64
	maxOpening   = 512                         // an open message has at most 392 bytes
)
