package replay

import (
	"fmt"

	"github.com/puente-project/puente/protocol/transcript"
)

// Class is what was found about a message; see the package comment. The empty class is
// equality.
type Class string

// The classes.
const (
	Equal      Class = ""
	Seed       Class = "seed"
	Inputs     Class = "inputs"
	Departure  Class = "departure"
	Altered    Class = "altered"
	Missing    Class = "missing"
	Unexpected Class = "unexpected"
	Refused    Class = "refused"
)

var classErrors = map[Class]error{Seed: ErrSeed, Inputs: ErrInputs, Departure: ErrDeparture, Altered: ErrAltered,
	Missing: ErrMissing, Unexpected: ErrUnexpected, Refused: ErrRefused}

// Report is the outcome of a replay. It holds no secret and nothing of the inputs.
type Report struct {
	Session   string `json:"session"` // 64 hex digits
	Role      string `json:"role"`    // whose messages were made again
	Requester string `json:"requester"`
	Holder    string `json:"holder"`
	Watchlist string `json:"watchlist"`
	Scheme    string `json:"scheme"`
	Probes    uint64 `json:"probes"`
	Epoch     uint64 `json:"epoch"`
	Entries   uint64 `json:"entries"`
	Root      string `json:"root"` // of the watchlist, as granted
	Request   string `json:"request"`
	Head      string `json:"head,omitempty"` // SHA-256 of the text; empty if the session was aborted

	Equal   bool   `json:"equal"`             // every message is what seed and inputs give
	Finding Class  `json:"finding,omitempty"` // class of the first difference
	Detail  string `json:"detail,omitempty"`  // one sentence for people
	Stopped string `json:"stopped,omitempty"` // why not all messages could be made

	Kinds       []Count      `json:"kinds"`
	Unchecked   int          `json:"unchecked"` // recorded messages of the party that were not made again
	Different   int          `json:"different"`
	Differences []Difference `json:"differences"` // the first MaxDifferences, in the order of the protocol
	// RecordsAltered: the records do not chain to the head that both parties signed.
	RecordsAltered bool `json:"records_altered,omitempty"`
}

// Count is how many messages of one kind were compared.
type Count struct {
	Kind      string `json:"kind"`
	Equal     int    `json:"equal"`
	Different int    `json:"different"`
}

// Difference is one message that is not as it should be.
type Difference struct {
	Class  Class  `json:"class"`
	Sender string `json:"sender"`
	Kind   string `json:"kind"`
	Index  uint32 `json:"index"`
	// Offset is that of the first byte that differs within the message, -1 if it is not
	// known. Field says in what it is: kind, version, session, index, nonce, commitment,
	// probes, terms, epoch, entries, width, body, length, or, for what is not in the message, frame,
	// order, record or message.
	Offset int    `json:"offset"`
	Field  string `json:"field"`
	// Body is the offset within the body, -1 if Offset is not in it.
	Body int `json:"body"`
	// Bytes is the number of bytes that differ.
	Bytes int `json:"bytes"`
	// File is the offset of the message in the messages file, -1 if it is not there.
	File int64 `json:"file"`
	// FirstProbe and LastProbe are the probes of the session with which the message has to
	// do, counted from 1; 0 for none.
	FirstProbe int `json:"first_probe,omitempty"`
	LastProbe  int `json:"last_probe,omitempty"`
	// FirstSlot and LastSlot are the entries of the watchlist with which the message has to
	// do, -1 for none.
	FirstSlot int `json:"first_slot"`
	LastSlot  int `json:"last_slot"`
	// AlteredToo: besides, the file differs from the record.
	AlteredToo bool `json:"altered_too,omitempty"`
}

// String names the message and the first byte that differs.
func (d Difference) String() string {
	at := fmt.Sprintf("%s %d of the %s", d.Kind, d.Index, d.Sender)
	switch {
	case d.Offset < 0:
		return fmt.Sprintf("%s (%s)", at, d.Field)
	case d.Body >= 0:
		return fmt.Sprintf("%s, byte %d (body %d)", at, d.Offset, d.Body)
	}
	return fmt.Sprintf("%s, byte %d (%s)", at, d.Offset, d.Field)
}

// First returns the first difference in the order of the protocol, nil if there is none.
func (r *Report) First() *Difference {
	if len(r.Differences) == 0 {
		return nil
	}
	return &r.Differences[0]
}

// Err returns nil if all messages are equal, else an error that names the first
// difference and wraps the sentinel of its class.
func (r *Report) Err() error {
	if r.Equal {
		return nil
	}
	class := classErrors[r.Finding]
	if first := r.First(); first != nil {
		return fmt.Errorf("%v: %w: %s", first, class, r.Detail)
	}
	return fmt.Errorf("%w: %s", class, r.Detail)
}

// count returns the line of a kind.
func (r *Report) count(kind uint8) *Count {
	name := transcript.KindName(kind)
	for i := range r.Kinds {
		if r.Kinds[i].Kind == name {
			return &r.Kinds[i]
		}
	}
	r.Kinds = append(r.Kinds, Count{Kind: name})
	return &r.Kinds[len(r.Kinds)-1]
}

// find keeps a difference. The first one decides the finding.
func (r *Report) find(d Difference) {
	r.Different++
	if r.Finding == Equal {
		r.Finding = d.Class
	}
	if len(r.Differences) < MaxDifferences {
		r.Differences = append(r.Differences, d)
	}
}
