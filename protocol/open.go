package protocol

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"

	"github.com/puente-project/puente/he"
	"github.com/puente-project/puente/protocol/transcript"
	"github.com/puente-project/puente/templates"
)

// ID names a session: the digest of both opening messages, and so of the terms,
// the layout, both nonces and both commitments.
type ID [32]byte

// String returns the first eight bytes in hexadecimal, enough for logs.
func (id ID) String() string { return hex.EncodeToString(id[:8]) }

// Nonce is 32 fresh random bytes. Each party brings one to a session.
type Nonce [32]byte

// Terms are what both agencies have agreed on before a session: who asks whom,
// which watchlist, and the scheme with its threshold.
type Terms struct {
	Requester, Holder string // names of agencies, [a-z0-9-]{1,64}
	Watchlist         string // name at the holder, [a-z0-9-]{1,64}
	Scheme            templates.Scheme
}

// Validate refuses terms that no message can carry.
func (t Terms) Validate() error {
	for _, name := range []string{t.Requester, t.Holder, t.Watchlist} {
		if !ValidName(name) {
			return fmt.Errorf("%w: name %q is not 1 to %d characters of a-z, 0-9 and -", ErrMalformed, name, MaxName)
		}
	}
	if err := t.Scheme.Validate(); err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return nil
}

// ValidName reports whether a name of an agency or watchlist is 1 to MaxName
// characters of a-z, 0-9 and -, not starting with -.
func ValidName(name string) bool { return transcript.ValidCode(name) }

// Open is the first message of a session.
type Open struct {
	Terms
	Nonce      Nonce
	Commitment [32]byte // to the key owner's session seed
	Probes     int      // 1..MaxProbes
}

// encode writes kind, version, nonce, commitment, the number of probes in two bytes and the
// four texts, each behind its length in one byte.
func (o Open) encode() []byte {
	m := []byte{byte(KindOpen), Version}
	m = append(m, o.Nonce[:]...)
	m = append(m, o.Commitment[:]...)
	m = binary.BigEndian.AppendUint16(m, uint16(o.Probes))
	for _, text := range []string{o.Requester, o.Holder, o.Watchlist, o.Scheme.String()} {
		m = append(m, byte(len(text)))
		m = append(m, text...)
	}
	return m
}

// ParseOpen decodes the first message of a session.
func ParseOpen(message []byte) (Open, error) {
	var o Open
	r := reader{rest: message, kind: KindOpen}
	r.header()
	copy(o.Nonce[:], r.take(len(o.Nonce)))
	copy(o.Commitment[:], r.take(len(o.Commitment)))
	o.Probes = int(binary.BigEndian.Uint16(r.take(2)))
	if r.err == nil {
		r.err = checkProbes(o.Probes)
	}
	o.Requester = string(r.text(MaxName))
	o.Holder = string(r.text(MaxName))
	o.Watchlist = string(r.text(MaxName))
	scheme := r.text(MaxScheme)
	if err := r.finish(); err != nil {
		return Open{}, err
	}
	var err error
	if o.Scheme, err = templates.ParseScheme(string(scheme)); err != nil {
		return Open{}, fmt.Errorf("open: %w: %w", ErrMalformed, err)
	}
	if err := o.Terms.Validate(); err != nil {
		return Open{}, fmt.Errorf("open: %w", err)
	}
	return o, nil
}

func checkProbes(probes int) error {
	if probes < 1 || probes > MaxProbes {
		return fmt.Errorf("open: %w: %d probes, allowed are 1 to %d", ErrLimit, probes, MaxProbes)
	}
	return nil
}

// Accept is the evaluator's reply.
type Accept struct {
	Nonce      Nonce
	Commitment [32]byte // to the evaluator's session seed
	Epoch      uint64   // state of the watchlist
	Entries    uint32   // 1..MaxEntries
	Width      uint32   // m, the width of a block
}

func (a Accept) encode() []byte {
	m := []byte{byte(KindAccept), Version}
	m = append(m, a.Nonce[:]...)
	m = append(m, a.Commitment[:]...)
	m = binary.BigEndian.AppendUint64(m, a.Epoch)
	m = binary.BigEndian.AppendUint32(m, a.Entries)
	return binary.BigEndian.AppendUint32(m, a.Width)
}

// ParseAccept decodes the evaluator's reply.
func ParseAccept(message []byte) (Accept, error) {
	var a Accept
	r := reader{rest: message, kind: KindAccept}
	r.header()
	copy(a.Nonce[:], r.take(len(a.Nonce)))
	copy(a.Commitment[:], r.take(len(a.Commitment)))
	a.Epoch = binary.BigEndian.Uint64(r.take(8))
	a.Entries = binary.BigEndian.Uint32(r.take(4))
	a.Width = binary.BigEndian.Uint32(r.take(4))
	if err := r.finish(); err != nil {
		return Accept{}, err
	}
	if a.Entries == 0 || a.Entries > MaxEntries {
		return Accept{}, fmt.Errorf("accept: %w: %d entries, allowed are 1 to %d", ErrLimit, a.Entries, MaxEntries)
	}
	return a, nil
}

// reader takes a message apart; the first fault sticks.
type reader struct {
	rest []byte
	kind Kind
	err  error
}

func (r *reader) header() {
	if len(r.rest) > 0 && Kind(r.rest[0]) != r.kind {
		r.err = fmt.Errorf("%v: %w: waiting for %v", Kind(r.rest[0]), ErrUnexpected, r.kind)
		return
	}
	if head := r.take(2); r.err == nil && head[1] != Version {
		r.err = fmt.Errorf("%v: %w %d, this program speaks %d", r.kind, ErrVersion, head[1], Version)
	}
}

// take returns the next n bytes, zeros after a fault.
func (r *reader) take(n int) []byte {
	if r.err == nil && len(r.rest) < n {
		r.err = fmt.Errorf("%v: %w", r.kind, ErrTruncated)
	}
	if r.err != nil {
		return make([]byte, n)
	}
	taken := r.rest[:n]
	r.rest = r.rest[n:]
	return taken
}

func (r *reader) text(limit int) []byte {
	n := int(r.take(1)[0])
	if r.err == nil && n > limit {
		r.err = fmt.Errorf("%v: %w: text of %d bytes, at most %d", r.kind, ErrLimit, n, limit)
	}
	return r.take(n)
}

func (r *reader) finish() error {
	if r.err == nil && len(r.rest) > 0 {
		r.err = fmt.Errorf("%v: %w: %d", r.kind, ErrTrailing, len(r.rest))
	}
	return r.err
}

// SessionID returns the id that two opening messages make:
// SHA-256(label | 0 | len(open) | open | len(accept) | accept), lengths in four bytes.
func SessionID(open, accept []byte) ID {
	h := sha256.New()
	h.Write(append([]byte(labelSessionID), 0))
	for _, m := range [][]byte{open, accept} {
		h.Write(binary.BigEndian.AppendUint32(nil, uint32(len(m))))
		h.Write(m)
	}
	return ID(h.Sum(nil))
}

// Commit returns the commitment to a session seed.
func Commit(seed he.Seed) [32]byte {
	return sha256.Sum256(append(append([]byte(labelCommitment), 0), seed[:]...))
}
