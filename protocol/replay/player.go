package replay

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/puente-project/puente/he"
	"github.com/puente-project/puente/protocol"
	"github.com/puente-project/puente/protocol/opening"
	"github.com/puente-project/puente/protocol/schedule"
	"github.com/puente-project/puente/protocol/transcript"
	"github.com/puente-project/puente/templates"
)

// Options are how a replay runs.
type Options struct {
	// Workers is the number of threads, 1 if it is less.
	Workers int
	// Each, if not nil, is told of every message that was compared, in order, and the class
	// of its difference, Equal for none, before it is settled what the head proves. It is
	// called from one goroutine.
	Each func(kind string, index uint32, class Class)
	// Encoded, if not nil, is told how many entries of the watchlist are encoded.
	Encoded func(done int)
}

// player makes one party's messages again.
type player struct {
	folder  *folder
	report  *Report
	options Options
	own     transcript.Party
	role    protocol.Role
	plan    schedule.Schedule
	params  *he.Params
	seen    []bool                    // records that were compared or received
	made    map[int]transcript.Record // what the replay gives where it differs from the record
	sent    [transcript.KindVerdict + 1]uint32
	scores  int // shares that differ in their scores only
}

func newPlayer(dir string, own transcript.Party, options Options) (*player, error) {
	f, err := openFolder(dir)
	if err != nil {
		return nil, err
	}
	r := &Report{Session: f.grant.Session.String(), Role: own.String(), Requester: f.request.Requester, Holder: f.request.Holder,
		Watchlist: f.request.Watchlist, Scheme: f.request.Scheme, Probes: f.request.Probes, Epoch: f.grant.Epoch, Entries: f.grant.Entries,
		Root: f.grant.Root.String(), Request: f.grant.Request.String(), Kinds: []Count{}, Differences: []Difference{}}
	if f.head != nil {
		r.Head = transcript.TextDigest(f.head.Text()).String()
		r.RecordsAltered = !f.chained
	}
	options.Workers = max(1, options.Workers)
	return &player{folder: f, report: r, options: options, own: own, seen: make([]bool, len(f.records)), made: map[int]transcript.Record{}}, nil
}

// terms reads what was agreed out of the request, and plans the session.
func (p *player) terms() (protocol.Terms, error) {
	q := p.folder.request
	scheme, err := templates.ParseScheme(q.Scheme)
	if err != nil {
		return protocol.Terms{}, fmt.Errorf("%w: request: %w", ErrEvidence, err)
	}
	t := protocol.Terms{Requester: q.Requester, Holder: q.Holder, Watchlist: q.Watchlist, Scheme: scheme}
	if err := t.Validate(); err != nil {
		return protocol.Terms{}, fmt.Errorf("%w: request: %w", ErrEvidence, err)
	}
	if g := p.folder.grant; g.Entries < 1 || g.Entries > protocol.MaxEntries || g.Width > he.Degree {
		return protocol.Terms{}, fmt.Errorf("%w: grant of %d entries in blocks of %d", ErrEvidence, g.Entries, g.Width)
	}
	layout, err := scheme.Layout(he.Degree, int(p.folder.grant.Width))
	if err == nil && layout.Blocks > protocol.MaxBlocks {
		err = fmt.Errorf("%d blocks, at most %d are possible", layout.Blocks, protocol.MaxBlocks)
	}
	if err != nil {
		return protocol.Terms{}, fmt.Errorf("%w: grant: %w", ErrEvidence, err)
	}
	if p.params, err = protocol.Params(scheme, layout); err != nil {
		return protocol.Terms{}, fmt.Errorf("%w: grant: %w", ErrEvidence, err)
	}
	p.plan = schedule.New(layout, int(q.Probes), int(p.folder.grant.Entries), p.params.Lanes(), p.params.HitBits)
	return t, nil
}

// committed checks the seed, and stops the replay if it is another.
func (p *player) committed(seed he.Seed) bool {
	if opening.SubjectOf(p.folder.request, p.folder.grant, p.own).Check(seed) == nil {
		return true
	}
	p.report.Finding = Seed
	p.stop("the seed is not the one to which the %v committed", p.own)
	return false
}

func (p *player) stop(format string, args ...any) { p.report.Stopped = fmt.Sprintf(format, args...) }

// stated returns the digest that the statements have of an opening message.
func (p *player) stated(kind uint8) transcript.Digest {
	if kind == transcript.KindOpen {
		return p.folder.request.Open
	}
	return p.folder.grant.Accept
}

// nonce returns the nonce of an own opening message, as it is recorded or repaired; if there
// is none the replay stops.
func (p *player) nonce(kind uint8) (n protocol.Nonce, ok bool, err error) {
	position, found := p.folder.find(kind, 0)
	if !found {
		p.lose(kind, 0, -1)
		return n, false, nil
	}
	message, err := p.folder.message(position)
	if err != nil {
		return n, false, err
	}
	if fixed := repair(message, p.stated(kind)); fixed != nil {
		message = fixed
	}
	if len(message) < nonceEnd {
		p.lose(kind, 0, position)
		return n, false, nil
	}
	return protocol.Nonce(message[nonceAt:nonceEnd]), true, nil
}

// lose stops the replay at a message that is not in the file.
func (p *player) lose(kind uint8, index uint32, position int) {
	d := p.difference(Missing, kind, index, position)
	d.Field = "message"
	p.report.find(d)
	p.stop("%s %d is missing", transcript.KindName(kind), index)
}

// run carries out tasks, some ahead of others, and compares their messages in order.
func (p *player) run(ctx context.Context, tasks []protocol.Task) error {
	type result struct {
		messages [][]byte
		err      error
	}
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	ahead := make(chan chan result, p.options.Workers-1)
	running.Go(func() {
		defer close(ahead)
		for _, task := range tasks {
			done := make(chan result, 1)
			select {
			case ahead <- done:
			case <-ctx.Done():
				return
			}
			running.Go(func() {
				messages, err := task()
				done <- result{messages, err}
			})
		}
	})
	for done := range ahead {
		r := <-done
		if r.err != nil {
			return taskError{r.err}
		}
		for _, m := range r.messages {
			if err := p.compare(m); err != nil {
				return err
			}
		}
	}
	return ctx.Err()
}

// compare looks up the record of a message that the replay gives.
func (p *player) compare(made []byte) error {
	record := transcript.RecordOf(p.own, made)
	p.sent[record.Kind]++
	position, found := p.folder.find(record.Kind, record.Index)
	if !found {
		if p.folder.head != nil {
			d := p.difference(Missing, record.Kind, record.Index, -1)
			d.Field = "record"
			p.found(record.Kind, d)
		}
		return nil // an aborted session went no further
	}
	p.seen[position] = true
	message, err := p.folder.message(position)
	if err != nil {
		return err
	}
	recorded, s := p.folder.records[position] == record, p.folder.places[position].state
	if opens(record.Kind) && record.Digest != p.stated(record.Kind) {
		// Seed and inputs are those of the statements: what is left is the nonce, which
		// was taken from the file.
		d := p.difference(Altered, record.Kind, record.Index, position)
		d.Offset, d.Field, d.Bytes = nonceAt, "nonce", nonceEnd-nonceAt
		p.found(record.Kind, d)
		return nil
	}
	if !recorded {
		p.made[position] = record
	}
	same := message != nil && bytes.Equal(message, made)
	if same && recorded && s == intact {
		p.told(record.Kind, record.Index, Equal)
		return nil
	}
	d := p.difference(Altered, record.Kind, record.Index, position)
	switch {
	case message == nil:
		d.Class, d.Field = Missing, "message"
		if !recorded {
			d.Class, d.Field = classOf(record.Kind), "record"
		}
	case same && !recorded:
		d.Field = "record"
	case same && s == framed:
		d.Field = "frame"
	case same:
		d.Field = "order"
	default:
		d.locate(message, made)
		if !recorded {
			d.Class, d.AlteredToo = classOf(record.Kind), s == altered
		}
	}
	if record.Kind == transcript.KindShare && d.Class == Inputs && p.onlyScores(d, made) {
		p.scores++
	}
	p.found(record.Kind, d)
	return nil
}

// classOf returns what it means that a message was sent which the replay does not give.
func classOf(kind uint8) Class {
	switch kind {
	case transcript.KindAccept, transcript.KindBlock, transcript.KindShare:
		return Inputs
	}
	return Departure
}

// onlyScores reports whether a share has the right mask but other scores: the same
// watchlist, another threshold.
func (p *player) onlyScores(d Difference, made []byte) bool {
	from := p.params.ShareSize(0)
	return d.Body >= from && d.Bytes > (len(made)-headerSize-from)/2
}

// feed gives the role one message of the other party. It reports false when there is no
// more or the replay has to stop.
func (p *player) feed(ctx context.Context, kind uint8, index uint32) (bool, error) {
	position, found := p.folder.find(kind, index)
	if !found {
		if p.folder.head != nil {
			p.lose(kind, index, -1)
		}
		return false, nil
	}
	message, err := p.folder.message(position)
	if err != nil {
		return false, err
	}
	p.seen[position] = true
	s := p.folder.places[position].state
	if message == nil {
		p.lose(kind, index, position)
		return false, nil
	}
	if s != intact {
		d := p.difference(Altered, kind, index, position)
		usable := true
		switch {
		case s == framed:
			d.Field = "frame"
		case s == moved:
			d.Field = "order"
		case p.folder.vouched(position, message):
			d.Field = "record"
		default:
			usable = false
			if opens(kind) {
				if fixed := repair(message, p.stated(kind)); fixed != nil {
					d.locate(message, fixed)
					message, usable = fixed, true
				}
			}
		}
		p.report.find(d)
		if !usable {
			p.stop("%s %d, which the %v sent, is altered", transcript.KindName(kind), index, senderOf(kind))
			return false, nil
		}
	}
	tasks, err := p.role.Receive(message)
	if err == nil {
		err = p.run(ctx, tasks)
	} else {
		err = taskError{err}
	}
	var refused taskError
	if !errors.As(err, &refused) {
		return err == nil, err
	}
	p.report.find(p.difference(Refused, kind, index, position))
	p.stop("%s %d, which the %v sent, is not to be accepted: %v", transcript.KindName(kind), index, senderOf(kind), refused)
	return false, nil
}

// taskError is what a role says about a message of the other party.
type taskError struct{ error }

func opens(kind uint8) bool { return kind == transcript.KindOpen || kind == transcript.KindAccept }

// found keeps a difference of an own message.
func (p *player) found(kind uint8, d Difference) {
	p.report.find(d)
	p.told(kind, d.Index, d.Class)
}

func (p *player) told(kind uint8, index uint32, class Class) {
	if c := p.report.count(kind); class == Equal {
		c.Equal++
	} else {
		c.Different++
	}
	if p.options.Each != nil {
		p.options.Each(transcript.KindName(kind), index, class)
	}
}
