package protocol

import (
	"encoding/binary"
	"fmt"

	"github.com/puente-project/puente/protocol/transcript"
)

// Kind is the first byte of every message.
type Kind uint8

// The messages in the order in which a session first sends them.
const (
	KindOpen     Kind = transcript.KindOpen     // key owner: who asks whom for what, nonce, commitment
	KindAccept   Kind = transcript.KindAccept   // evaluator: size of the watchlist, layout, nonce, commitment
	KindKey      Kind = transcript.KindKey      // key owner: session public key
	KindBlock    Kind = transcript.KindBlock    // key owner: one encrypted block of the probe
	KindShare    Kind = transcript.KindShare    // evaluator: masked scores of one ciphertext
	KindPrefixes Kind = transcript.KindPrefixes // key owner: encrypted prefixes of one batch
	KindVerdict  Kind = transcript.KindVerdict  // evaluator: blinded tests of one batch
)

// String returns the name used in errors and in the specification.
func (k Kind) String() string {
	if k >= KindOpen && k <= KindVerdict {
		return transcript.KindName(uint8(k))
	}
	return fmt.Sprintf("message of unknown kind %d", uint8(k))
}

// headerSize is kind, session id and index.
const headerSize = 1 + len(ID{}) + 4

// seal writes a message of a running session.
func seal(kind Kind, session ID, index uint32, body []byte) []byte {
	m := make([]byte, 0, headerSize+len(body))
	m = append(m, byte(kind))
	m = append(m, session[:]...)
	m = binary.BigEndian.AppendUint32(m, index)
	return append(m, body...)
}

// KindOf returns the kind that a message claims, 0 for none.
func KindOf(message []byte) Kind {
	if len(message) == 0 {
		return 0
	}
	return Kind(message[0])
}

// expect checks the header of a message against what the session is waiting for,
// and its exact length, and returns the body.
func expect(message []byte, kind Kind, session ID, index uint32, size int) ([]byte, error) {
	got := KindOf(message)
	if len(message) == 0 {
		return nil, fmt.Errorf("%v: %w: no bytes", kind, ErrTruncated)
	}
	if got != kind {
		return nil, fmt.Errorf("%v: %w: waiting for %v %d", got, ErrUnexpected, kind, index)
	}
	if len(message) < headerSize {
		return nil, fmt.Errorf("%v: %w: %d bytes, the header alone takes %d", kind, ErrTruncated, len(message), headerSize)
	}
	if ID(message[1:1+len(ID{})]) != session {
		return nil, fmt.Errorf("%v: %w", kind, ErrSession)
	}
	switch number := binary.BigEndian.Uint32(message[headerSize-4:]); {
	case number < index:
		return nil, fmt.Errorf("%v %d: %w: waiting for %d", kind, number, ErrRepeated, index)
	case number > index:
		return nil, fmt.Errorf("%v %d: %w: waiting for %d", kind, number, ErrOrder, index)
	}
	switch got, want := len(message), headerSize+size; {
	case got < want:
		return nil, fmt.Errorf("%v %d: %w: %d bytes, expected %d", kind, index, ErrTruncated, got, want)
	case got > want:
		return nil, fmt.Errorf("%v %d: %w: %d bytes, expected %d", kind, index, ErrTrailing, got, want)
	}
	return message[headerSize:], nil
}
