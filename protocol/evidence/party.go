package evidence

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/puente-project/puente/protocol"
	"github.com/puente-project/puente/protocol/agreement"
	"github.com/puente-project/puente/protocol/signature"
	"github.com/puente-project/puente/protocol/transcript"
)

// Party is what both wrappers need to know of their own side and the other.
type Party struct {
	Agency       string                // own name
	Signer       signature.Signer      // own key
	PartnerKeys  []signature.PublicKey // all versions that are not revoked
	Agreement    agreement.Agreement
	Dir          string // folder of evidence
	KeepMessages bool   // for replay; costs as much disk as traffic
	Now          func() time.Time
	// Context bounds the signing, which may ask a key server.
	Context context.Context
}

// side is the common part of both wrappers: the wrapped role and the record of what
// passed.
type side struct {
	party   Party
	failed  bool
	running sync.WaitGroup // tasks that were handed out and have not ended

	// What tasks set and Receive reads: a hostile peer may send before it could know.
	mu      sync.Mutex
	journal *Journal
	records []transcript.Record
	head    transcript.Note
}

// note records messages of one side.
func (s *side) note(sender transcript.Party, messages [][]byte, sync bool) error {
	records := make([]transcript.Record, len(messages))
	for i, m := range messages {
		records[i] = transcript.RecordOf(sender, m)
	}
	s.mu.Lock()
	s.records = append(s.records, records...)
	journal := s.journal
	s.mu.Unlock()
	return journal.Add(sender, messages, records, sync)
}

// Head returns the head with the signatures so far; its body is empty at first.
func (s *side) Head() transcript.Note {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.head
}

// Journal returns the session's evidence, nil before the request was signed.
func (s *side) Journal() *Journal {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.journal
}

// sign signs the head, and sets it.
func (s *side) sign(head transcript.Note) error {
	if err := head.Sign(s.party.Context, s.party.Agency, s.party.Signer); err != nil {
		return fmt.Errorf("sign the transcript: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.head = head
	return nil
}

// sorted returns the records so far in the order of the chain.
func (s *side) sorted() []transcript.Record {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := append([]transcript.Record{}, s.records...)
	transcript.Sort(list)
	return list
}

// wrap makes tasks record what they send before they send it.
func (s *side) wrap(own transcript.Party, tasks []protocol.Task) []protocol.Task {
	wrapped := make([]protocol.Task, len(tasks))
	for i, task := range tasks {
		s.running.Add(1)
		wrapped[i] = func() ([][]byte, error) {
			defer s.running.Done()
			messages, err := task()
			if err != nil || len(messages) == 0 {
				return nil, err
			}
			err = s.note(own, messages, reveals(messages))
			At(own.String() + ": " + protocol.KindOf(messages[0]).String() + " recorded")
			return messages, err
		}
	}
	return wrapped
}

// reveals reports whether messages tell the other side something about this one's data,
// and so have to be on disk first. Shares are uniform until their verdicts come.
func reveals(messages [][]byte) bool {
	for _, m := range messages {
		if k := protocol.KindOf(m); k == protocol.KindVerdict || k == protocol.KindPrefixes {
			return true
		}
	}
	return false
}

// skew is by how much the parties' clocks may differ.
func (p Party) skew() time.Duration { return time.Duration(p.Agreement.ClockSkew) * time.Second }

// near reports whether a time of the partner is now, within the agreed skew and a minute
// for the message to travel.
func (p Party) near(t time.Time) bool {
	d := p.Now().Sub(t)
	return d <= p.skew()+time.Minute && d >= -p.skew()-time.Minute
}
