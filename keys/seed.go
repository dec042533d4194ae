package keys

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
)

// SeedSize is the length of a Seed in bytes: 256 bits, so that a quantum
// search still faces 128.
const SeedSize = 32

const redacted = "[redacted]"

// Seed is a uniformly random secret. It is used only to derive others, never
// as a key itself. Printing, logging and marshalling it give "[redacted]".
type Seed [SeedSize]byte

// NewSeed returns a fresh seed from the operating system's generator.
func NewSeed() Seed {
	var s Seed
	rand.Read(s[:]) // never fails, see its documentation
	return s
}

// Derive returns the child of s for one purpose (label, a constant of the
// calling package) and one instance of it (context, any public bytes, such as
// a session id). Children reveal nothing about s or about each other.
//
//	child = HKDF-SHA256(secret = s, salt = none, info = be64(len(label)) | label | context)
//
// The length makes the pair (label, context) unambiguous.
func (s Seed) Derive(label string, context []byte) Seed {
	info := binary.BigEndian.AppendUint64(nil, uint64(len(label)))
	info = append(info, label...)
	info = append(info, context...)
	out, err := hkdf.Key(sha256.New, s[:], nil, string(info), SeedSize)
	if err != nil {
		// Only for more than 255 hashes of output or secrets under 112 bits.
		panic("keys: HKDF refused fixed sizes: " + err.Error())
	}
	return Seed(out)
}

// String returns "[redacted]".
func (Seed) String() string { return redacted }

// GoString returns "[redacted]".
func (Seed) GoString() string { return redacted }

// Format writes "[redacted]" for every verb, %x and %d included.
func (Seed) Format(f fmt.State, _ rune) { io.WriteString(f, redacted) }

// LogValue returns "[redacted]".
func (Seed) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON returns the JSON string "[redacted]".
func (Seed) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// MarshalText returns "[redacted]".
func (Seed) MarshalText() ([]byte, error) { return []byte(redacted), nil }
