package protocol

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"sync"
	"sync/atomic"

	"github.com/puente-project/puente/he"
	"github.com/puente-project/puente/protocol/schedule"
)

// Evaluator is the party with the plain operand: the holder, who owns the watchlist.
// It learns nothing about the probe or the outcome.
type Evaluator struct {
	terms   Terms
	gallery *Gallery
	plan    plan
	seed    he.Seed
	meter   Meter

	reply    []byte // the accept message
	state    Kind   // what the peer sends next
	session  ID
	received hash.Hash // over everything that decides about the masks
	key      *he.PublicKey
	wave     *wave
	blocks   int // received
	released int // shares handed out
	batch    *batch
	answered int // batches handed out
}

// wave is the probes that are kept at once.
type wave struct {
	schedule.Wave
	probes  []*he.Probe
	loading loading
	masks   he.Seed
	left    atomic.Int64 // shares that are not computed
}

// batch is a batch whose prefixes are coming.
type batch struct {
	index    int
	received int       // levels
	digest   hash.Hash // of the messages
	loading  loading
	he       func() (*he.Batch, error)
}

// loading is the decoding of messages in tasks, which may overlap.
type loading struct {
	running sync.WaitGroup
	mu      sync.Mutex
	err     error // the first one
}

// task returns a task that decodes one message.
func (l *loading) task(decode func() error) Task {
	l.running.Add(1)
	return func() ([][]byte, error) {
		defer l.running.Done()
		err := decode()
		if err != nil {
			err = broken{err}
			l.mu.Lock()
			defer l.mu.Unlock()
			if l.err == nil {
				l.err = err
			}
		}
		return nil, err
	}
}

// wait returns the first error when all tasks so far are through. Those that wait are
// tasks that were handed out later, so that they do not wait in vain.
func (l *loading) wait() error {
	l.running.Wait()
	return l.err
}

// NewEvaluator prepares a session of so many probes on the agreed terms. root and nonce
// are as for NewKeyOwner.
func NewEvaluator(terms Terms, probes int, gallery *Gallery, root he.Seed, nonce Nonce, meter Meter) (*Evaluator, error) {
	return NewEvaluatorFromSeed(terms, probes, gallery, EvaluatorSeed(root, nonce), nonce, meter)
}

// Start implements Role: the evaluator waits to be asked.
func (e *Evaluator) Start() []Task { return nil }

// ReceiveBytes returns the bytes of all messages that the peer sends in a session,
// with the longest open message.
func (e *Evaluator) ReceiveBytes() int64 {
	p := &e.plan
	opening := int64(2 + len(Nonce{}) + 32 + 2 + 4 + 3*MaxName + MaxScheme)
	return opening + int64(headerSize+p.params.PublicKeySize()) +
		int64(p.Blocks())*int64(headerSize+p.params.BlockSize()) +
		int64(p.Batches()*p.Levels)*int64(headerSize+p.params.PrefixSize(p.params.Lanes()))
}

// Session returns the session id, zero before the open message.
func (e *Evaluator) Session() ID { return e.session }

// Done implements Role.
func (e *Evaluator) Done() bool {
	return e.state == KindPrefixes && e.answered == e.plan.Batches()
}

// Receive implements Role.
func (e *Evaluator) Receive(message []byte) ([]Task, error) {
	var tasks []Task
	var err error
	switch {
	case e.state == 0:
		err = ErrDead
	case e.Done():
		err = fmt.Errorf("%v: %w: the session is complete", KindOf(message), ErrUnexpected)
	case e.state == KindOpen:
		tasks, err = e.opened(message)
	case e.state == KindKey:
		err = e.publicKey(message)
	case e.state == KindBlock:
		tasks, err = e.block(message)
	default:
		tasks, err = e.prefixes(message)
	}
	if err != nil {
		e.state = 0
	}
	return tasks, err
}

func (e *Evaluator) opened(message []byte) ([]Task, error) {
	open, err := ParseOpen(message)
	if err != nil {
		return nil, err
	}
	if open.Terms != e.terms {
		return nil, fmt.Errorf("open: %w: asked is scheme %s of watchlist %q from %q to %q, agreed is scheme %s of %q from %q to %q", ErrTerms,
			open.Scheme, open.Watchlist, open.Requester, open.Holder, e.terms.Scheme, e.terms.Watchlist, e.terms.Requester, e.terms.Holder)
	}
	if open.Probes != e.plan.Probes {
		return nil, fmt.Errorf("open: %w: %d probes, expected are %d", ErrTerms, open.Probes, e.plan.Probes)
	}
	e.session, e.state = SessionID(message, e.reply), KindKey
	return []Task{func() ([][]byte, error) { return [][]byte{e.reply}, nil }}, nil
}

// absorb adds a message to the digest on which the masks depend.
func (e *Evaluator) absorb(message []byte) {
	e.received.Write(binary.BigEndian.AppendUint32(nil, uint32(len(message))))
	e.received.Write(message)
}

func (e *Evaluator) publicKey(message []byte) error {
	p := e.plan.params
	body, err := expect(message, KindKey, e.session, 0, p.PublicKeySize())
	if err != nil {
		return err
	}
	if e.key, err = p.ParsePublicKey(body); err != nil {
		return fmt.Errorf("key: %w", err)
	}
	e.absorb(message)
	e.await(0)
	return nil
}

// await waits for the probes of a wave.
func (e *Evaluator) await(number int) {
	e.wave, e.state = &wave{Wave: e.plan.Wave(number)}, KindBlock
	e.wave.left.Store(int64(e.wave.Shares()))
}

// newProbe returns a probe for the next blocks.
func (e *Evaluator) newProbe() *he.Probe {
	if probe := e.gallery.probes.take(); probe != nil {
		e.key.Renew(probe, e.blocks)
		return probe
	}
	return e.key.NewProbe(e.blocks, e.plan.Layout.Blocks)
}

func (e *Evaluator) block(message []byte) ([]Task, error) {
	p := &e.plan
	body, err := expect(message, KindBlock, e.session, uint32(e.blocks), p.params.BlockSize())
	if err != nil {
		return nil, err
	}
	if e.blocks%p.Layout.Blocks == 0 {
		e.wave.probes = append(e.wave.probes, e.newProbe())
	}
	probe, number := e.wave.probes[len(e.wave.probes)-1], e.blocks
	tasks := []Task{e.wave.loading.task(func() error {
		defer e.meter.begin(StageLoadProbe)()
		if err := probe.SetBlock(number, body); err != nil {
			return fmt.Errorf("block %d: %w", number, err)
		}
		return nil
	})}
	e.absorb(message)
	if e.blocks++; e.blocks < e.wave.Block+e.wave.Blocks() {
		return tasks, nil
	}
	// Masks depend on every byte of the probes: the same session with another probe
	// has other masks, so that no mask ever covers two different answers.
	e.wave.masks = e.seed.Derive(labelMasks, e.session[:], e.received.Sum(nil))
	e.state = KindPrefixes
	return append(tasks, e.release()...), nil
}

// release returns the shares that the window allows now, of the probes that have come.
func (e *Evaluator) release() []Task {
	var tasks []Task
	limit := min(e.plan.SharesUpTo(e.answered+Window), e.wave.Share+e.wave.Shares())
	for e.released < limit {
		probes, ciphertexts := e.rectangle(limit)
		tasks = append(tasks, e.shares(e.released, probes, ciphertexts))
		e.released += probes * ciphertexts
	}
	return tasks
}

// rectangle returns of how many probes, from that of the next share on, how many score
// ciphertexts each can be computed together, so that their shares follow each other up to
// limit: what is left of a tier for one probe, or a whole tier for several.
func (e *Evaluator) rectangle(limit int) (probes, ciphertexts int) {
	at, room := e.plan.Place(e.released), limit-e.released
	if at.Ciphertext%schedule.TierSize != 0 || room < at.Left {
		return 1, min(at.Left, room)
	}
	return min(together, e.wave.First+e.wave.Probes-at.Probe, room/at.Left), at.Left
}

// shares returns the task that computes score ciphertexts from first on.
func (e *Evaluator) shares(first, probes, ciphertexts int) Task {
	p, w, at := &e.plan, e.wave, e.plan.Place(first)
	operands := w.probes[at.Probe-w.First:][:probes]
	return func() ([][]byte, error) {
		if err := w.loading.wait(); err != nil {
			return nil, err
		}
		stop := e.meter.begin(StageMultiplyAccumulate)
		sums, err := e.gallery.accumulate(e.key, operands, at.Ciphertext, at.Ciphertext+ciphertexts)
		stop()
		if err != nil {
			return nil, err
		}
		if w.left.Add(-int64(probes*ciphertexts)) == 0 { // nobody needs the probes any more
			e.gallery.probes.giveBack(w.probes, p.PerWave)
		}
		defer e.meter.begin(StageRerandomise)()
		messages := make([][]byte, 0, probes*ciphertexts)
		for _, row := range sums {
			for i := range row {
				index := uint32(first + len(messages))
				share := row[i].Mask(index, p.positions(p.Held(at.Ciphertext+i)), -p.scheme.Offset(), w.masks)
				messages = append(messages, seal(KindShare, e.session, index, share))
			}
		}
		return messages, nil
	}
}

// Levels returns the number of messages in which the verdict of a batch goes out.
func (e *Evaluator) Levels() int { return e.plan.Levels }

func (e *Evaluator) prefixes(message []byte) ([]Task, error) {
	p := &e.plan
	level := 0
	if e.batch != nil {
		level = e.batch.received
	}
	index := e.answered*p.Levels + level
	body, err := expect(message, KindPrefixes, e.session, uint32(index), p.params.PrefixSize(p.Comparisons(e.answered)))
	if err != nil {
		return nil, err
	}
	if p.SharesUpTo(e.answered+1) > e.released {
		return nil, fmt.Errorf("prefixes %d: %w: its shares have not been sent", index, ErrWindow)
	}
	if e.batch == nil {
		e.batch = e.newBatch(e.answered)
	}
	b := e.batch
	b.received++
	b.digest.Write(message)
	tasks := []Task{b.loading.task(func() error {
		defer e.meter.begin(StageCompare)()
		batch, err := b.he()
		if err == nil {
			err = batch.SetPrefix(level, body)
		}
		if err != nil {
			return fmt.Errorf("prefixes %d: %w", index, err)
		}
		return nil
	})}
	if b.received < p.Levels {
		return tasks, nil
	}
	e.batch = nil
	e.answered++
	tasks = append(tasks, e.verdict(b)...)
	if next := e.wave.First/p.PerWave + 1; e.answered == e.wave.Batch+e.wave.Batches() && next < p.Waves() {
		e.await(next)
		return tasks, nil
	}
	return append(tasks, e.release()...), nil
}

func (e *Evaluator) newBatch(index int) *batch {
	p, masks := &e.plan, e.wave.masks
	return &batch{index: index, digest: sha256.New(), he: sync.OnceValues(func() (*he.Batch, error) {
		r, err := p.collect(index, func(share int) ([]uint32, error) {
			return p.params.Masks(masks, uint32(share), p.InShare(share)*p.Layout.Shifts), nil
		})
		if err != nil {
			return nil, err
		}
		return e.key.NewBatch(uint32(index), r)
	})}
}

// verdict returns the tasks that answer a batch when its prefixes are loaded. All that
// they draw depends on every byte of the prefixes.
func (e *Evaluator) verdict(b *batch) []Task {
	levels := e.plan.Levels
	seed := e.wave.masks.Derive(labelVerdict, b.digest.Sum(nil))
	closed := sync.OnceValues(func() (*he.Batch, error) {
		if err := b.loading.wait(); err != nil {
			return nil, err
		}
		batch, err := b.he()
		if err == nil {
			err = batch.Close(seed)
		}
		return batch, err
	})
	var answered atomic.Int32
	tasks := make([]Task, levels)
	for number := range tasks {
		tasks[number] = func() ([][]byte, error) {
			index := b.index*levels + number
			batch, err := closed()
			if err != nil {
				return nil, err
			}
			defer e.meter.begin(StageCompare)()
			answer := batch.Answer(number)
			if int(answered.Add(1)) == levels {
				batch.Release()
			}
			return [][]byte{seal(KindVerdict, e.session, uint32(index), answer)}, nil
		}
	}
	return tasks
}
