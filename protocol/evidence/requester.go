package evidence

import (
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/puente-project/puente/protocol"
	"github.com/puente-project/puente/protocol/transcript"
)

// Ask is what a requester states with a query.
type Ask struct {
	Terms          protocol.Terms
	Purpose, Basis string
	Case           transcript.Digest // CaseHash; the salt stays with the requester
}

// Requester wraps a protocol.KeyOwner; it implements protocol.Role.
type Requester struct {
	side
	owner *protocol.KeyOwner
	ask   Ask

	open     []byte
	accept   []byte // waits for the grant
	request  transcript.Request
	grant    *transcript.Grant
	held     []transcript.Record // of the verdict of the last batch
	released int                 // how many of them have come
}

// NewRequester wraps the key owner of a session.
func NewRequester(owner *protocol.KeyOwner, ask Ask, party Party) (*Requester, error) {
	r := &Requester{side: side{party: party}, owner: owner, ask: ask}
	statement := transcript.Request{Requester: ask.Terms.Requester, Holder: ask.Terms.Holder, Watchlist: ask.Terms.Watchlist,
		Scheme: ask.Terms.Scheme.String(), Agreement: party.Agreement.Digest(), Purpose: ask.Purpose, Basis: ask.Basis}
	if err := party.Agreement.Check(statement); err != nil {
		return nil, err
	}
	return r, nil
}

// Start implements protocol.Role: request and open.
func (r *Requester) Start() []protocol.Task {
	inner := r.owner.Start()
	r.running.Add(1)
	return []protocol.Task{func() ([][]byte, error) {
		defer r.running.Done()
		messages, err := inner[0]()
		if err != nil {
			return nil, err
		}
		parsed, err := protocol.ParseOpen(messages[0])
		if err != nil {
			return nil, err
		}
		request := transcript.Request{
			Requester: parsed.Requester, Holder: parsed.Holder, Watchlist: parsed.Watchlist, Scheme: parsed.Scheme.String(),
			Probes: uint64(parsed.Probes), Open: sha256.Sum256(messages[0]), Seed: parsed.Commitment, Agreement: r.party.Agreement.Digest(),
			Purpose: r.ask.Purpose, Basis: r.ask.Basis, Case: r.ask.Case,
			Time: r.party.Now().UTC().Truncate(time.Second), Key: transcript.Digest(r.party.Signer.Public().ID()),
		}
		note := transcript.Note{Body: request.Text()}
		if err := note.Sign(r.party.Context, r.party.Agency, r.party.Signer); err != nil {
			return nil, fmt.Errorf("sign the request: %w", err)
		}
		At("requester: request signed")
		journal, err := NewJournal(r.party.Dir, note, r.party.KeepMessages)
		if err != nil {
			return nil, err
		}
		r.mu.Lock()
		r.open, r.request, r.journal = messages[0], request, journal
		r.mu.Unlock()
		if err := r.note(transcript.Requester, messages, true); err != nil {
			return nil, err
		}
		At("requester: request recorded")
		return [][]byte{seal(kindRequest, []byte(note.Text())), messages[0]}, nil
	}}
}

// Receive implements protocol.Role.
func (r *Requester) Receive(message []byte) ([]protocol.Task, error) {
	if r.failed {
		return nil, protocol.ErrDead
	}
	tasks, err := r.receive(message)
	if err != nil {
		r.failed = true
	}
	return tasks, err
}

func (r *Requester) receive(message []byte) ([]protocol.Task, error) {
	switch {
	case r.Journal() == nil:
		return nil, fmt.Errorf("%v: %w: nothing has been asked yet", protocol.KindOf(message), protocol.ErrUnexpected)
	case r.accept == nil:
		if _, err := protocol.ParseAccept(message); err != nil {
			return nil, err
		}
		r.accept = message
		return nil, nil
	case r.grant == nil:
		return r.granted(message)
	case kindOf(message) == kindReceipt && r.held == nil:
		return r.receipt(message)
	}
	record := transcript.RecordOf(transcript.Holder, message)
	if r.held != nil && (r.released == len(r.held) || record != r.held[r.released]) {
		return nil, fmt.Errorf("%v: %w", record, ErrHeld)
	}
	tasks, err := r.owner.Receive(message)
	if err != nil {
		return nil, err
	}
	if r.held != nil { // it is recorded already, and nothing is sent any more
		r.released++
		At("requester: last verdict came")
		return tasks, r.Journal().Add(transcript.Holder, [][]byte{message}, nil, false)
	}
	if left := r.owner.Left(); left < r.owner.Levels() {
		return nil, fmt.Errorf("%v: %w: the verdict of the last batch came before its receipt", record, ErrHeld)
	}
	return r.wrap(transcript.Requester, tasks), r.note(transcript.Holder, [][]byte{message}, false)
}

// granted checks the grant against the session and only then hands the accept message to
// the key owner, so that no probe leaves without it.
func (r *Requester) granted(message []byte) ([]protocol.Task, error) {
	text, err := body(message, kindGrant, "grant")
	if err != nil {
		return nil, err
	}
	var grant transcript.Grant
	note, err := signedNote(text, r.ask.Terms.Holder, r.party.PartnerKeys, func(b string) (transcript.Digest, error) {
		grant, err = transcript.ParseGrant(b)
		return grant.Key, err
	})
	if err != nil {
		return nil, fmt.Errorf("grant: %w", err)
	}
	accept, err := protocol.ParseAccept(r.accept)
	if err != nil {
		return nil, err
	}
	want := transcript.Grant{Session: transcript.Digest(protocol.SessionID(r.open, r.accept)),
		Request: transcript.TextDigest(r.request.Text()), Accept: sha256.Sum256(r.accept), Seed: accept.Commitment,
		Epoch: accept.Epoch, Root: grant.Root, Entries: uint64(accept.Entries), Width: uint64(accept.Width), Time: grant.Time, Key: grant.Key}
	if grant != want {
		return nil, fmt.Errorf("grant: %w", ErrStatement)
	}
	if !r.party.near(grant.Time) {
		return nil, fmt.Errorf("grant: %w: it is dated %s, more than the agreed skew from this clock", ErrStatement, grant.Time.Format(time.RFC3339))
	}
	agreed, err := r.party.Agreement.Watchlist(r.ask.Terms.Holder, r.ask.Terms.Watchlist)
	if err != nil {
		return nil, err
	}
	if grant.Entries < agreed.MinEntries {
		return nil, fmt.Errorf("grant: %w: %d entries, agreed are at least %d", ErrStatement, grant.Entries, agreed.MinEntries)
	}
	if err := r.journal.Name(grant.Session); err != nil {
		return nil, err
	}
	if err := r.journal.Statement(GrantFile, note); err != nil {
		return nil, err
	}
	if err := r.note(transcript.Holder, [][]byte{r.accept}, true); err != nil {
		return nil, err
	}
	At("requester: grant recorded")
	r.grant = &grant
	tasks, err := r.owner.Receive(r.accept)
	return r.wrap(transcript.Requester, tasks), err
}

// receipt checks that the holder signs the same head, and signs it.
func (r *Requester) receipt(message []byte) ([]protocol.Task, error) {
	b, err := body(message, kindReceipt, "receipt")
	if err != nil {
		return nil, err
	}
	size := transcript.RecordSize * r.owner.Levels()
	if len(b) < size {
		return nil, fmt.Errorf("receipt: %w", protocol.ErrTruncated)
	}
	held, err := transcript.ParseRecords(b[:size])
	if err != nil {
		return nil, fmt.Errorf("receipt: %w", err)
	}
	theirs, err := bareSignature(b[size:], r.ask.Terms.Holder)
	if err != nil {
		return nil, fmt.Errorf("receipt: %w", err)
	}
	if r.owner.Left() != len(held) {
		return nil, fmt.Errorf("receipt: %w: %d verdicts have not come, it holds back %d", ErrHeld, r.owner.Left(), len(held))
	}
	for i, record := range held {
		next := transcript.Record{Sender: transcript.Holder, Kind: transcript.KindVerdict, Index: uint32(r.owner.Verdicts() + i),
			Length: record.Length, Digest: record.Digest}
		if record != next {
			return nil, fmt.Errorf("receipt: %w: %v in place of %v", ErrHeld, record, next)
		}
	}
	r.held = held
	return []protocol.Task{func() ([][]byte, error) {
		At("requester: receipt came")
		r.running.Wait() // the prefixes of the last batch are recorded by then
		if err := r.journal.Add(transcript.Holder, nil, held, true); err != nil {
			return nil, err
		}
		r.mu.Lock()
		r.records = append(r.records, held...)
		r.mu.Unlock()
		head := transcript.Note{Body: transcript.NewHead(r.request, *r.grant, r.sorted()).Text(), Signatures: []transcript.NamedSignature{theirs}}
		if err := head.Verify(r.ask.Terms.Holder, r.party.PartnerKeys, r.grant.Key); err != nil {
			return nil, fmt.Errorf("receipt: %w", err)
		}
		if err := r.sign(head); err != nil {
			return nil, err
		}
		At("requester: head signed")
		head = r.Head()
		if err := r.journal.Statement(HeadFile, head); err != nil {
			return nil, err
		}
		At("requester: head recorded")
		return [][]byte{seal(kindSeal, head.Signatures[1].Signature.Bytes())}, nil
	}}, nil
}

// Done implements protocol.Role.
func (r *Requester) Done() bool { return r.owner.Done() }
