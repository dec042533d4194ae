package evidence

import (
	"errors"
	"fmt"

	"github.com/puente-project/puente/protocol"
	"github.com/puente-project/puente/protocol/signature"
	"github.com/puente-project/puente/protocol/transcript"
)

// The messages that this package adds. Each is one byte of kind, one of version, and
// canonical text or bytes.
const (
	kindRequest = 0x10 // text of a Note with the requester's signature
	kindGrant   = 0x11 // text of a Note with the holder's signature
	kindReceipt = 0x12 // the h records of the last verdict, then the holder's signature of the head
	kindSeal    = 0x13 // the requester's signature of the head
	kindClaim   = 0x14 // slot, salt and a Note with the requester's signature; a call of its own
	kindRelease = 0x15 // reference and proof, if released, and a Note with the holder's signature
	version     = 1
)

// Errors of this package, for errors.Is; those of package protocol apply too.
var (
	// ErrStatement: a statement does not fit the session or the agreement.
	ErrStatement = errors.New("the statement does not fit the session")
	// ErrHeld: the last verdict is not the one of the receipt.
	ErrHeld = errors.New("the verdict is not the one that was signed")
)

func kindOf(message []byte) byte {
	if len(message) == 0 {
		return 0
	}
	return message[0]
}

func seal(kind byte, body []byte) []byte { return append([]byte{kind, version}, body...) }

// body checks kind and version and returns the rest.
func body(message []byte, kind byte, name string) ([]byte, error) {
	switch {
	case len(message) < 2:
		return nil, fmt.Errorf("%s: %w", name, protocol.ErrTruncated)
	case message[0] != kind:
		return nil, fmt.Errorf("%v: %w: waiting for %s", protocol.Kind(message[0]), protocol.ErrUnexpected, name)
	case message[1] != version:
		return nil, fmt.Errorf("%s: %w %d, this program speaks %d", name, protocol.ErrVersion, message[1], version)
	}
	return message[2:], nil
}

// signedNote parses a note with exactly the signature of one agency and verifies it with
// the key that id chooses from the text.
func signedNote(text []byte, name string, keys []signature.PublicKey, id func(body string) (transcript.Digest, error)) (transcript.Note, error) {
	note, err := transcript.ParseNote(string(text))
	if err != nil {
		return note, err
	}
	key, err := id(note.Body)
	if err != nil {
		return note, err
	}
	if len(note.Signatures) != 1 {
		return note, fmt.Errorf("%w: %d signatures, one is expected", transcript.ErrSignature, len(note.Signatures))
	}
	return note, note.Verify(name, keys, key)
}

// bareSignature parses a signature of the head.
func bareSignature(b []byte, name string) (transcript.NamedSignature, error) {
	s, err := signature.Parse(b)
	return transcript.NamedSignature{Name: name, Signature: s}, err
}
