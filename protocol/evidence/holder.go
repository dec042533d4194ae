package evidence

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"slices"
	"time"

	"github.com/puente-project/puente/protocol"
	"github.com/puente-project/puente/protocol/transcript"
)

// SignedRequest is a request as it came.
type SignedRequest struct {
	transcript.Request
	note    transcript.Note
	message []byte
}

// ParseRequest reads the first message of a session. Nothing in it is to be believed
// before NewHolder has verified it.
func ParseRequest(message []byte) (SignedRequest, error) {
	text, err := body(message, kindRequest, "request")
	if err != nil {
		return SignedRequest{}, err
	}
	note, err := transcript.ParseNote(string(text))
	if err != nil {
		return SignedRequest{}, fmt.Errorf("request: %w", err)
	}
	request, err := transcript.ParseRequest(note.Body)
	if err != nil {
		return SignedRequest{}, err
	}
	if len(note.Signatures) != 1 {
		return SignedRequest{}, fmt.Errorf("request: %w: %d signatures, one is expected", transcript.ErrSignature, len(note.Signatures))
	}
	return SignedRequest{request, note, bytes.Clone(message)}, nil
}

// Verify checks the requester's signature and that the agreement allows the request now.
func (s SignedRequest) Verify(party Party) error {
	if s.Holder != party.Agency {
		return fmt.Errorf("request: %w: it is to %s", ErrStatement, s.Holder)
	}
	if err := s.note.Verify(s.Requester, party.PartnerKeys, s.Key); err != nil {
		return fmt.Errorf("request: %w", err)
	}
	if err := party.Agreement.Check(s.Request); err != nil {
		return fmt.Errorf("request: %w", err)
	}
	if !party.near(s.Time) {
		return fmt.Errorf("request: %w: it is dated %s, more than the agreed skew from this clock", ErrStatement, s.Time.Format(time.RFC3339))
	}
	return nil
}

// Holder wraps a protocol.Evaluator; it implements protocol.Role.
type Holder struct {
	side
	evaluator *protocol.Evaluator
	request   SignedRequest
	root      transcript.Digest // of the watchlist
	sealed    func(transcript.Note) error

	begun, opened, done bool
	grant               transcript.Grant
	held                [][]byte // the verdict of the last batch, under mu
}

// NewHolder wraps the evaluator of a session whose request has been verified, made for the
// number of probes in it. root is
// the watchlist's at the evaluator's epoch. sealed is called with the head that both
// have signed, before the last verdict is released; its error keeps it back.
func NewHolder(evaluator *protocol.Evaluator, request SignedRequest, root transcript.Digest, party Party, sealed func(transcript.Note) error) (*Holder, error) {
	journal, err := NewJournal(party.Dir, request.note, party.KeepMessages)
	if err != nil {
		return nil, err
	}
	return &Holder{side: side{party: party, journal: journal}, evaluator: evaluator, request: request, root: root, sealed: sealed}, nil
}

// Start implements protocol.Role.
func (h *Holder) Start() []protocol.Task { return nil }

// Receive implements protocol.Role.
func (h *Holder) Receive(message []byte) ([]protocol.Task, error) {
	if h.failed {
		return nil, protocol.ErrDead
	}
	tasks, err := h.receive(message)
	if err != nil {
		h.failed = true
	}
	return tasks, err
}

func (h *Holder) receive(message []byte) ([]protocol.Task, error) {
	switch {
	case !h.begun:
		if !bytes.Equal(message, h.request.message) {
			return nil, fmt.Errorf("request: %w", ErrStatement)
		}
		At("holder: request recorded")
		h.begun = true
		return nil, nil
	case !h.opened:
		return h.open(message)
	case h.evaluator.Done():
		return h.sealing(message)
	}
	tasks, err := h.evaluator.Receive(message)
	if err != nil {
		return nil, err
	}
	if err := h.note(transcript.Requester, [][]byte{message}, false); err != nil {
		return nil, err
	}
	if !h.evaluator.Done() {
		return h.wrap(transcript.Holder, tasks), nil
	}
	// All shares have been handed out by now: what comes last is the verdict of the last
	// batch.
	first := len(tasks) - h.evaluator.Levels()
	return append(h.wrap(transcript.Holder, tasks[:first]), h.hold(tasks[first:])...), nil
}

// open checks that the open message is the one of the request.
func (h *Holder) open(message []byte) ([]protocol.Task, error) {
	parsed, err := protocol.ParseOpen(message)
	if err != nil {
		return nil, err
	}
	if h.request.Open != sha256.Sum256(message) || h.request.Seed != parsed.Commitment || h.request.Requester != parsed.Requester ||
		h.request.Holder != parsed.Holder || h.request.Watchlist != parsed.Watchlist || h.request.Scheme != parsed.Scheme.String() ||
		h.request.Probes != uint64(parsed.Probes) {
		return nil, fmt.Errorf("open: %w: it is not the one of the request", ErrStatement)
	}
	tasks, err := h.evaluator.Receive(message)
	if err != nil {
		return nil, err
	}
	if err := h.note(transcript.Requester, [][]byte{message}, false); err != nil {
		return nil, err
	}
	h.opened = true
	h.running.Add(1)
	return []protocol.Task{func() ([][]byte, error) {
		defer h.running.Done()
		messages, err := tasks[0]()
		if err != nil {
			return nil, err
		}
		accept, err := protocol.ParseAccept(messages[0])
		if err != nil {
			return nil, err
		}
		h.grant = transcript.Grant{
			Session: transcript.Digest(h.evaluator.Session()), Request: transcript.TextDigest(h.request.Text()),
			Accept: sha256.Sum256(messages[0]), Seed: accept.Commitment, Epoch: accept.Epoch, Root: h.root,
			Entries: uint64(accept.Entries), Width: uint64(accept.Width),
			Time: h.party.Now().UTC().Truncate(time.Second), Key: transcript.Digest(h.party.Signer.Public().ID()),
		}
		At("holder: request granted")
		note := transcript.Note{Body: h.grant.Text()}
		if err := note.Sign(h.party.Context, h.party.Agency, h.party.Signer); err != nil {
			return nil, fmt.Errorf("sign the grant: %w", err)
		}
		if err := h.journal.Name(h.grant.Session); err != nil {
			return nil, err
		}
		if err := h.journal.Statement(GrantFile, note); err != nil {
			return nil, err
		}
		if err := h.note(transcript.Holder, messages, true); err != nil {
			return nil, err
		}
		At("holder: grant recorded")
		return [][]byte{messages[0], seal(kindGrant, []byte(note.Text()))}, nil
	}}, nil
}

// hold computes the verdict of the last batch and keeps it; when it is whole, it signs
// the head that covers it.
func (h *Holder) hold(verdict []protocol.Task) []protocol.Task {
	held := make([][]byte, len(verdict))
	tasks := make([]protocol.Task, 0, len(verdict)+1)
	h.running.Add(len(verdict))
	for i, task := range verdict {
		tasks = append(tasks, func() ([][]byte, error) {
			defer h.running.Done()
			messages, err := task()
			if err == nil {
				held[i] = messages[0]
			}
			return nil, err
		})
	}
	return append(tasks, func() ([][]byte, error) {
		At("holder: last prefixes came")
		h.running.Wait() // all answers are recorded or held then; tasks begin in order, so they have begun
		for _, m := range held {
			if m == nil {
				return nil, protocol.ErrDead // the task has told why
			}
		}
		if err := h.note(transcript.Holder, held, true); err != nil {
			return nil, err
		}
		if err := h.sign(transcript.Note{Body: transcript.NewHead(h.request.Request, h.grant, h.sorted()).Text()}); err != nil {
			return nil, err
		}
		h.mu.Lock()
		h.held = held
		h.mu.Unlock()
		At("holder: head signed")
		var receipt []byte
		for _, m := range held {
			receipt = transcript.RecordOf(transcript.Holder, m).Append(receipt)
		}
		return [][]byte{seal(kindReceipt, append(receipt, h.Head().Signatures[0].Signature.Bytes()...))}, nil
	})
}

// sealing verifies the requester's signature, keeps it, and releases what was held.
func (h *Holder) sealing(message []byte) ([]protocol.Task, error) {
	b, err := body(message, kindSeal, "seal")
	if err != nil {
		return nil, err
	}
	h.mu.Lock()
	held, head := h.held, h.head
	h.mu.Unlock()
	if h.done || held == nil {
		return nil, fmt.Errorf("seal: %w", protocol.ErrUnexpected)
	}
	theirs, err := bareSignature(b, h.request.Requester)
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	head.Signatures = append(slices.Clone(head.Signatures), theirs)
	if err := head.Verify(h.request.Requester, h.party.PartnerKeys, h.request.Key); err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	h.mu.Lock()
	h.head = head
	h.mu.Unlock()
	h.done = true
	return []protocol.Task{func() ([][]byte, error) {
		At("holder: seal verified")
		if err := h.journal.Statement(HeadFile, head); err != nil {
			return nil, err
		}
		At("holder: head recorded")
		if h.sealed != nil {
			if err := h.sealed(head); err != nil {
				return nil, err
			}
		}
		return held, nil
	}}, nil
}

// Done implements protocol.Role.
func (h *Holder) Done() bool { return h.done }

// Session returns the session id, zero before the open message.
func (h *Holder) Session() protocol.ID { return h.evaluator.Session() }

// ReceiveBytes returns the most that the requester sends in a session.
func (h *Holder) ReceiveBytes() int64 {
	return h.evaluator.ReceiveBytes() + int64(len(h.request.message)) + 2 + 4096
}
