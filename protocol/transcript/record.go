package transcript

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
)

// Party is a side of a session.
type Party uint8

// The two sides.
const (
	Requester Party = 1
	Holder    Party = 2
)

// String returns requester or holder.
func (p Party) String() string {
	switch p {
	case Requester:
		return "requester"
	case Holder:
		return "holder"
	}
	return fmt.Sprintf("party %d", uint8(p))
}

// Record names one message of the matching protocol: who sent it, its kind and index,
// its length and the SHA-256 of all its bytes as they were on the wire.
type Record struct {
	Sender Party
	Kind   uint8
	Index  uint32
	Length uint32
	Digest Digest
}

// RecordSize is the length of an encoded record in bytes.
const RecordSize = 1 + 1 + 4 + 4 + 32

// Kinds of messages, as in the protocol's specification. Messages from KindKey on have a
// header of kind, session id and index.
const (
	KindOpen     = 1
	KindAccept   = 2
	KindKey      = 3
	KindBlock    = 4
	KindShare    = 5
	KindPrefixes = 6
	KindVerdict  = 7
)

var kindNames = [...]string{"", "open", "accept", "key", "block", "share", "prefixes", "verdict"}

// KindName returns the name of a kind of message.
func KindName(kind uint8) string {
	if kind == 0 || int(kind) >= len(kindNames) {
		return fmt.Sprintf("kind %d", kind)
	}
	return kindNames[kind]
}

// String names the message.
func (r Record) String() string { return fmt.Sprintf("%s %d", KindName(r.Kind), r.Index) }

// RecordOf describes a message.
func RecordOf(sender Party, message []byte) Record {
	r := Record{Sender: sender, Length: uint32(len(message)), Digest: sha256.Sum256(message)}
	if len(message) > 0 {
		r.Kind = message[0]
	}
	if r.Kind >= KindKey && len(message) >= 37 {
		r.Index = binary.BigEndian.Uint32(message[33:])
	}
	return r
}

// Append appends the encoding of the record: sender, kind, index, length, digest.
func (r Record) Append(b []byte) []byte {
	b = append(b, byte(r.Sender), r.Kind)
	b = binary.BigEndian.AppendUint32(b, r.Index)
	b = binary.BigEndian.AppendUint32(b, r.Length)
	return append(b, r.Digest[:]...)
}

// ParseRecords decodes records that follow each other.
func ParseRecords(b []byte) ([]Record, error) {
	if len(b)%RecordSize != 0 {
		return nil, fmt.Errorf("records: %w: %d bytes are not whole records of %d", ErrFormat, len(b), RecordSize)
	}
	list := make([]Record, 0, len(b)/RecordSize)
	for ; len(b) > 0; b = b[RecordSize:] {
		r := Record{Sender: Party(b[0]), Kind: b[1], Index: binary.BigEndian.Uint32(b[2:]),
			Length: binary.BigEndian.Uint32(b[6:]), Digest: Digest(b[10:RecordSize])}
		if r.Sender != Requester && r.Sender != Holder || r.Kind < KindOpen || r.Kind > KindVerdict {
			return nil, fmt.Errorf("records: %w: record %d is of %v, kind %d", ErrFormat, len(list), r.Sender, r.Kind)
		}
		list = append(list, r)
	}
	return list, nil
}

// Sort brings records into the order of the chain: by kind, then index. It does not
// depend on how the two directions met in time, so that both parties chain alike.
func Sort(records []Record) {
	slices.SortStableFunc(records, func(a, b Record) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Index, b.Index))
	})
}

// Chain returns the digest of sorted records: c0 = SHA-256("puente transcript chain v1\n"),
// c(i+1) = SHA-256(c(i) | record i).
func Chain(records []Record) Digest {
	c := sha256.Sum256([]byte("puente transcript chain v1\n"))
	for _, r := range records {
		c = sha256.Sum256(r.Append(c[:]))
	}
	return c
}
