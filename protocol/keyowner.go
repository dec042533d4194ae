package protocol

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/puente-project/puente/he"
	"github.com/puente-project/puente/templates"
)

// KeyOwner is the party with the secret key: the requester, who owns the probe. It
// learns hit or no hit for every slot.
type KeyOwner struct {
	open  Open
	seed  he.Seed
	probe templates.Template
	meter Meter

	sent     []byte // the open message
	state    Kind   // what the peer sends next
	session  ID
	accept   Accept
	plan     plan
	key      *he.KeyOwner
	shares   []*openShare // by ciphertext, dropped when their batches are under way
	received int          // shares
	prefixed int          // batches whose prefixes are under way
	verdicts int          // messages
	hits     []bool       // by comparison
	reading  []sync.Mutex // by batch: its part of hits
	entries  atomic.Int64 // of the watchlist
	read     atomic.Int64 // entries whose verdicts have been read
}

// NewKeyOwner prepares a session for a probe that the scheme admits. root is the
// agency's secret from which session seeds are derived, nonce 32 fresh random bytes;
// a nonce must never serve twice.
func NewKeyOwner(terms Terms, probe templates.Template, root he.Seed, nonce Nonce, meter Meter) (*KeyOwner, error) {
	return NewKeyOwnerFromSeed(terms, probe, KeyOwnerSeed(root, nonce), nonce, meter)
}

// Start implements Role: it returns the open message.
func (k *KeyOwner) Start() []Task {
	k.sent = k.open.encode()
	return []Task{func() ([][]byte, error) { return [][]byte{k.sent}, nil }}
}

// Receive implements Role.
func (k *KeyOwner) Receive(message []byte) ([]Task, error) {
	var tasks []Task
	var err error
	switch {
	case k.state == 0:
		err = ErrDead
	case k.Done():
		err = fmt.Errorf("%v: %w: the session is complete", KindOf(message), ErrUnexpected)
	case k.state == KindAccept:
		tasks, err = k.accepted(message)
	case KindOf(message) == KindVerdict && k.verdicts < k.prefixed*k.plan.levels():
		tasks, err = k.verdict(message)
	case k.received < k.plan.shares():
		tasks, err = k.share(message)
	default:
		tasks, err = k.verdict(message)
	}
	if err != nil {
		k.state = 0
	}
	return tasks, err
}

// Done implements Role.
func (k *KeyOwner) Done() bool {
	return k.state == KindShare && k.verdicts == k.plan.batches()*k.plan.levels()
}

// Levels returns the number of messages in which the verdict of a batch comes, 0 before
// the accept message.
func (k *KeyOwner) Levels() int {
	if k.plan.params == nil {
		return 0
	}
	return k.plan.levels()
}

// Left returns the number of verdict messages that have not come, 0 before the accept
// message.
func (k *KeyOwner) Left() int {
	if k.plan.params == nil {
		return 0
	}
	return k.plan.batches()*k.plan.levels() - k.verdicts
}

// Verdicts returns the number of verdict messages that have come, which is the index of
// the next.
func (k *KeyOwner) Verdicts() int { return k.verdicts }

// Session returns the session id, zero before the accept message.
func (k *KeyOwner) Session() ID { return k.session }

// Accepted returns the evaluator's reply, zero before it came.
func (k *KeyOwner) Accepted() Accept { return k.accept }

// Progress returns the number of entries whose verdict has been read. It may be
// called at any time from any goroutine.
func (k *KeyOwner) Progress() int { return int(k.read.Load()) }

// Entries returns the size of the watchlist, 0 before the accept message. It may be
// called like Progress.
func (k *KeyOwner) Entries() int { return int(k.entries.Load()) }

// Hits returns the slots that hit at one rotation shift at least, ascending. It is
// complete when Done reports true and all tasks have ended.
func (k *KeyOwner) Hits() []int {
	var slots []int
	for slot := 0; slot < k.plan.entries; slot++ {
		for s := 0; s < k.plan.layout.Shifts; s++ {
			if k.hits[slot*k.plan.layout.Shifts+s] {
				slots = append(slots, slot)
				break
			}
		}
	}
	return slots
}

func (k *KeyOwner) accepted(message []byte) ([]Task, error) {
	a, err := ParseAccept(message)
	if err != nil {
		return nil, err
	}
	if k.plan, err = newPlan(k.open.Scheme, int(a.Entries), int(a.Width)); err != nil {
		return nil, fmt.Errorf("accept: %w", err)
	}
	k.accept, k.session, k.state = a, SessionID(k.sent, message), KindShare
	k.entries.Store(int64(a.Entries))
	k.hits = make([]bool, k.plan.entries*k.plan.layout.Shifts)
	k.shares = make([]*openShare, k.plan.shares())
	k.reading = make([]sync.Mutex, k.plan.batches())

	l := k.plan.layout
	blocks := l.NewBlocks()
	if err := k.plan.scheme.ProbeBlocks(l, k.probe, blocks); err != nil {
		return nil, fmt.Errorf("probe: %w", err)
	}
	k.key = k.plan.params.NewKeyOwner(k.seed.Derive(labelOwnerKeys, k.session[:]))
	tasks := []Task{func() ([][]byte, error) {
		return [][]byte{seal(KindKey, k.session, 0, k.key.PublicKey())}, nil
	}}
	for i, block := range blocks {
		tasks = append(tasks, func() ([][]byte, error) {
			defer k.meter.begin(StageEncryptProbe)()
			return [][]byte{seal(KindBlock, k.session, uint32(i), k.key.EncryptBlock(uint32(i), block))}, nil
		})
	}
	return tasks, nil
}

// openShare is a share that a task decrypts and others wait for.
type openShare struct {
	done chan struct{}
	x    []uint32
	err  error
}

func (k *KeyOwner) share(message []byte) ([]Task, error) {
	p := &k.plan
	index := k.received
	body, err := expect(message, KindShare, k.session, uint32(index), p.params.ShareSize(p.inShare(index)*p.layout.Shifts))
	if err != nil {
		return nil, err
	}
	if index >= p.sharesUpTo(k.verdicts/p.levels()+Window) {
		return nil, fmt.Errorf("share %d: %w: %d verdicts have come", index, ErrWindow, k.verdicts)
	}
	share := &openShare{done: make(chan struct{})}
	k.shares[index] = share
	k.received++
	tasks := []Task{func() ([][]byte, error) {
		defer close(share.done)
		defer k.meter.begin(StageDecryptShares)()
		if share.x, share.err = k.key.OpenShare(body, p.positions(p.inShare(index))); share.err != nil {
			share.err = fmt.Errorf("share %d: %w", index, share.err)
		}
		return nil, share.err
	}}
	for k.prefixed < p.batches() && k.received >= p.sharesUpTo(k.prefixed+1) {
		tasks = append(tasks, k.prefixes(k.prefixed)...)
		k.prefixed++
	}
	return tasks, nil
}

// prefixes returns the tasks that send the prefixes of a batch, level by level, when its
// shares are open. A ciphertext may reach into two batches.
func (k *KeyOwner) prefixes(batch int) []Task {
	p := &k.plan
	first, end := p.inBatch(batch)
	from := first / p.layout.PerCiphertext
	shares := slices.Clone(k.shares[from:p.sharesUpTo(batch+1)])
	for i := from; i < end/p.layout.PerCiphertext; i++ {
		k.shares[i] = nil // no later batch needs it
	}
	comparisons := sync.OnceValues(func() ([]uint32, error) {
		return p.collect(batch, func(index int) ([]uint32, error) {
			share := shares[index-from]
			<-share.done
			return share.x, share.err
		})
	})
	tasks := make([]Task, p.levels())
	for level := range tasks {
		tasks[level] = func() ([][]byte, error) {
			x, err := comparisons()
			if err != nil {
				return nil, err
			}
			defer k.meter.begin(StageEncryptPrefixes)()
			index := uint32(batch*p.levels() + level)
			return [][]byte{seal(KindPrefixes, k.session, index, k.key.EncryptPrefix(uint32(batch), level, x))}, nil
		}
	}
	return tasks
}

func (k *KeyOwner) verdict(message []byte) ([]Task, error) {
	p := &k.plan
	index := k.verdicts
	batch := index / p.levels()
	body, err := expect(message, KindVerdict, k.session, uint32(index), p.params.VerdictSize(p.comparisons(batch)))
	if err != nil {
		return nil, err
	}
	k.verdicts++
	first, end := p.inBatch(batch)
	hits := k.hits[first*p.layout.Shifts : end*p.layout.Shifts]
	return []Task{func() ([][]byte, error) {
		defer k.meter.begin(StageReadVerdicts)()
		found := make([]bool, len(hits))
		if err := k.key.OpenVerdict(body, found); err != nil {
			return nil, fmt.Errorf("verdict %d: %w", index, err)
		}
		k.reading[batch].Lock()
		defer k.reading[batch].Unlock()
		for i, hit := range found {
			hits[i] = hits[i] || hit
		}
		if index%p.levels() == p.levels()-1 {
			k.read.Add(int64(end - first))
		}
		return nil, nil
	}}, nil
}
