package protocol

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/puente-project/puente/he"
	"github.com/puente-project/puente/protocol/schedule"
	"github.com/puente-project/puente/templates"
)

// KeyOwner is the party with the secret key: the requester, who owns the probe. It
// learns hit or no hit for every slot.
type KeyOwner struct {
	open   Open
	seed   he.Seed
	probes []templates.Template
	meter  Meter

	sent     []byte // the open message
	state    Kind   // what the peer sends next
	session  ID
	accept   Accept
	plan     plan
	key      *he.KeyOwner
	shares   map[int]*openShare // dropped when their batches are under way
	received int                // shares
	prefixed int                // batches whose prefixes are under way
	verdicts int                // messages
	reading  *reading           // the batch whose verdict comes
	pairs    atomic.Int64       // of a probe and an entry
	read     atomic.Int64       // pairs whose verdicts have been read
	found    sync.Mutex
	hits     [][]int // by probe
}

// NewKeyOwner prepares a session for 1..MaxProbes probes that the scheme admits. root is the
// agency's secret from which session seeds are derived, nonce 32 fresh random bytes;
// a nonce must never serve twice.
func NewKeyOwner(terms Terms, probes []templates.Template, root he.Seed, nonce Nonce, meter Meter) (*KeyOwner, error) {
	return NewKeyOwnerFromSeed(terms, probes, KeyOwnerSeed(root, nonce), nonce, meter)
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
	case KindOf(message) == KindVerdict && k.verdicts < k.prefixed*k.plan.Levels:
		tasks, err = k.verdict(message)
	case k.received < k.plan.Shares():
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
	return k.state == KindShare && k.verdicts == k.plan.Batches()*k.plan.Levels
}

// Levels returns the number of messages in which the verdict of a batch comes, 0 before
// the accept message.
func (k *KeyOwner) Levels() int {
	if k.plan.params == nil {
		return 0
	}
	return k.plan.Levels
}

// Left returns the number of verdict messages that have not come, 0 before the accept
// message.
func (k *KeyOwner) Left() int {
	if k.plan.params == nil {
		return 0
	}
	return k.plan.Batches()*k.plan.Levels - k.verdicts
}

// Verdicts returns the number of verdict messages that have come, which is the index of
// the next.
func (k *KeyOwner) Verdicts() int { return k.verdicts }

// Session returns the session id, zero before the accept message.
func (k *KeyOwner) Session() ID { return k.session }

// Accepted returns the evaluator's reply, zero before it came.
func (k *KeyOwner) Accepted() Accept { return k.accept }

// Progress returns the number of pairs of a probe and an entry whose verdict has been read.
// It may be called at any time from any goroutine.
func (k *KeyOwner) Progress() int { return int(k.read.Load()) }

// Pairs returns the number of probes times that of entries, 0 before the accept message. It
// may be called like Progress.
func (k *KeyOwner) Pairs() int { return int(k.pairs.Load()) }

// Hits returns the slots that hit at one rotation shift at least, ascending, for each
// probe. It is complete when Done reports true and all tasks have ended.
func (k *KeyOwner) Hits() [][]int {
	for _, slots := range k.hits {
		slices.Sort(slots)
	}
	return k.hits
}

func (k *KeyOwner) accepted(message []byte) ([]Task, error) {
	a, err := ParseAccept(message)
	if err != nil {
		return nil, err
	}
	if k.plan, err = newPlan(k.open.Scheme, len(k.probes), int(a.Entries), int(a.Width)); err != nil {
		return nil, fmt.Errorf("accept: %w", err)
	}
	k.accept, k.session, k.state = a, SessionID(k.sent, message), KindShare
	k.pairs.Store(int64(k.plan.Pairs()))
	k.hits = make([][]int, len(k.probes))
	k.shares = map[int]*openShare{}
	k.key = k.plan.params.NewKeyOwner(k.seed.Derive(labelOwnerKeys, k.session[:]))
	blocks, err := k.blocks(k.plan.Wave(0))
	if err != nil {
		return nil, err
	}
	return append([]Task{func() ([][]byte, error) {
		return [][]byte{seal(KindKey, k.session, 0, k.key.PublicKey())}, nil
	}}, blocks...), nil
}

// blocks returns the tasks that send the probes of a wave.
func (k *KeyOwner) blocks(w schedule.Wave) ([]Task, error) {
	var tasks []Task
	for i, probe := range k.probes[w.First : w.First+w.Probes] {
		blocks := w.Layout.NewBlocks()
		if err := k.plan.scheme.ProbeBlocks(w.Layout, probe, blocks); err != nil {
			return nil, fmt.Errorf("probe %d: %w", w.First+i+1, err)
		}
		for j, block := range blocks {
			index := uint32(w.Block + i*w.Layout.Blocks + j)
			tasks = append(tasks, func() ([][]byte, error) {
				defer k.meter.begin(StageEncryptProbe)()
				return [][]byte{seal(KindBlock, k.session, index, k.key.EncryptBlock(index, block))}, nil
			})
		}
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
	entries := p.InShare(index)
	body, err := expect(message, KindShare, k.session, uint32(index), p.params.ShareSize(entries*p.Layout.Shifts))
	if err != nil {
		return nil, err
	}
	if index >= p.SharesUpTo(k.verdicts/p.Levels+Window) {
		return nil, fmt.Errorf("share %d: %w: %d verdicts have come", index, ErrWindow, k.verdicts)
	}
	share := &openShare{done: make(chan struct{})}
	k.shares[index] = share
	k.received++
	tasks := []Task{func() ([][]byte, error) {
		defer close(share.done)
		defer k.meter.begin(StageDecryptShares)()
		if share.x, share.err = k.key.OpenShare(body, p.positions(entries)); share.err != nil {
			share.err = broken{fmt.Errorf("share %d: %w", index, share.err)}
		}
		return nil, share.err
	}}
	for k.prefixed < p.Batches() && k.received >= p.SharesUpTo(k.prefixed+1) {
		tasks = append(tasks, k.prefixes(k.prefixed)...)
		k.prefixed++
	}
	if w := p.Place(index).Wave; k.received == w.Share+w.Shares() && k.received < p.Shares() {
		blocks, err := k.blocks(p.Place(k.received).Wave)
		if err != nil {
			return nil, err
		}
		tasks = append(tasks, blocks...)
	}
	return tasks, nil
}

// prefixes returns the tasks that send the prefixes of a batch, level by level, when its
// shares are open. A ciphertext may reach into two batches.
func (k *KeyOwner) prefixes(batch int) []Task {
	p := &k.plan
	from, end := p.FirstShare(batch), p.SharesUpTo(batch+1)
	next := end
	if batch+1 < p.Batches() {
		next = p.FirstShare(batch + 1)
	}
	shares := make([]*openShare, end-from)
	for i := range shares {
		if shares[i] = k.shares[from+i]; from+i < next {
			delete(k.shares, from+i)
		}
	}
	comparisons := sync.OnceValues(func() ([]uint32, error) {
		return p.collect(batch, func(index int) ([]uint32, error) {
			share := shares[index-from]
			<-share.done
			return share.x, share.err
		})
	})
	tasks := make([]Task, p.Levels)
	for level := range tasks {
		tasks[level] = func() ([][]byte, error) {
			x, err := comparisons()
			if err != nil {
				return nil, err
			}
			defer k.meter.begin(StageEncryptPrefixes)()
			index := uint32(batch*p.Levels + level)
			return [][]byte{seal(KindPrefixes, k.session, index, k.key.EncryptPrefix(uint32(batch), level, x))}, nil
		}
	}
	return tasks
}

// reading is a batch whose verdict comes.
type reading struct {
	wave       schedule.Wave
	first, end int // pairs
	mu         sync.Mutex
	left       int    // messages that have not been read
	hits       []bool // by comparison
}

func (k *KeyOwner) verdict(message []byte) ([]Task, error) {
	p := &k.plan
	index := k.verdicts
	batch := index / p.Levels
	body, err := expect(message, KindVerdict, k.session, uint32(index), p.params.VerdictSize(p.Comparisons(batch)))
	if err != nil {
		return nil, err
	}
	k.verdicts++
	if index%p.Levels == 0 {
		w, first, end := p.Batch(batch)
		k.reading = &reading{wave: w, first: first, end: end, left: p.Levels, hits: make([]bool, p.Comparisons(batch))}
	}
	r := k.reading
	return []Task{func() ([][]byte, error) {
		defer k.meter.begin(StageReadVerdicts)()
		found := make([]bool, len(r.hits))
		if err := k.key.OpenVerdict(body, found); err != nil {
			return nil, broken{fmt.Errorf("verdict %d: %w", index, err)}
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		for i, hit := range found {
			r.hits[i] = r.hits[i] || hit
		}
		if r.left--; r.left == 0 {
			k.note(r)
		}
		return nil, nil
	}}, nil
}

// note keeps the hits of a batch that has been read whole.
func (k *KeyOwner) note(r *reading) {
	k.found.Lock()
	defer k.found.Unlock()
	shifts := k.plan.Layout.Shifts
	for pair := r.first; pair < r.end; pair++ {
		if at := (pair - r.first) * shifts; slices.Contains(r.hits[at:at+shifts], true) {
			probe, slot := r.wave.Match(pair)
			k.hits[probe] = append(k.hits[probe], slot)
		}
	}
	k.read.Add(int64(r.end - r.first))
}
