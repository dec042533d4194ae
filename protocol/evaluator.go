package protocol

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"sync"

	"github.com/puente-project/puente/he"
)

// Evaluator is the party with the plain operand: the holder, who owns the watchlist.
// It learns nothing about the probe or the outcome.
type Evaluator struct {
	terms   Terms
	gallery *Gallery
	seed    he.Seed
	meter   Meter

	reply    []byte // the accept message
	state    Kind   // what the peer sends next
	session  ID
	received hash.Hash // over everything that decides about the masks
	masks    he.Seed
	key      *he.PublicKey
	probe    *he.Probe
	blocks   int
	released int // shares handed out
	batch    *batch
	answered int // batches handed out
}

// batch is a batch whose prefixes are coming.
type batch struct {
	index    int
	received int       // levels
	digest   hash.Hash // of the messages
	loaded   sync.WaitGroup
	he       *he.Batch
}

// NewEvaluator prepares a session on the agreed terms. root and nonce are as for
// NewKeyOwner.
func NewEvaluator(terms Terms, gallery *Gallery, root he.Seed, nonce Nonce, meter Meter) (*Evaluator, error) {
	return NewEvaluatorFromSeed(terms, gallery, EvaluatorSeed(root, nonce), nonce, meter)
}

// Start implements Role: the evaluator waits to be asked.
func (e *Evaluator) Start() []Task { return nil }

// ReceiveBytes returns the bytes of all messages that the peer sends in a session,
// with the longest open message.
func (e *Evaluator) ReceiveBytes() int64 {
	p, g := e.gallery.params, e.gallery
	opening := int64(2 + len(Nonce{}) + 32 + 4 + 3*MaxName + MaxScheme)
	return opening + int64(headerSize+p.PublicKeySize()) +
		int64(g.layout.Blocks)*int64(headerSize+p.BlockSize()) +
		int64(g.batches()*g.levels())*int64(headerSize+p.PrefixSize(p.Lanes()))
}

// Session returns the session id, zero before the open message.
func (e *Evaluator) Session() ID { return e.session }

// Done implements Role.
func (e *Evaluator) Done() bool {
	return e.state == KindPrefixes && e.answered == e.gallery.batches()
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
	e.session, e.state = SessionID(message, e.reply), KindKey
	return []Task{func() ([][]byte, error) { return [][]byte{e.reply}, nil }}, nil
}

// absorb adds a message to the digest on which the masks depend.
func (e *Evaluator) absorb(message []byte) {
	e.received.Write(binary.BigEndian.AppendUint32(nil, uint32(len(message))))
	e.received.Write(message)
}

func (e *Evaluator) publicKey(message []byte) error {
	p := e.gallery.params
	body, err := expect(message, KindKey, e.session, 0, p.PublicKeySize())
	if err != nil {
		return err
	}
	if e.key, err = p.ParsePublicKey(body); err != nil {
		return fmt.Errorf("key: %w", err)
	}
	e.absorb(message)
	e.probe, e.state = e.key.NewProbe(e.gallery.layout.Blocks), KindBlock
	return nil
}

func (e *Evaluator) block(message []byte) ([]Task, error) {
	g := e.gallery
	body, err := expect(message, KindBlock, e.session, uint32(e.blocks), g.params.BlockSize())
	if err != nil {
		return nil, err
	}
	stop := e.meter.begin(StageLoadProbe)
	err = e.probe.SetBlock(e.blocks, body)
	stop()
	if err != nil {
		return nil, fmt.Errorf("block %d: %w", e.blocks, err)
	}
	e.absorb(message)
	if e.blocks++; e.blocks < g.layout.Blocks {
		return nil, nil
	}
	// Masks depend on every byte of the probe: the same session with another probe
	// has other masks, so that no mask ever covers two different answers.
	e.masks = e.seed.Derive(labelMasks, e.session[:], e.received.Sum(nil))
	e.state = KindPrefixes
	return e.release(), nil
}

// release returns the shares that the window allows now.
func (e *Evaluator) release() []Task {
	g := e.gallery
	var tasks []Task
	for limit := g.sharesUpTo(e.answered + Window); e.released < limit; {
		end := min(e.released+group, limit)
		tasks = append(tasks, e.shares(e.released, end))
		e.released = end
	}
	return tasks
}

// shares returns the task that computes the score ciphertexts from first to end-1.
func (e *Evaluator) shares(first, end int) Task {
	g := e.gallery
	return func() ([][]byte, error) {
		stop := e.meter.begin(StageMultiplyAccumulate)
		sums, err := g.accumulate(e.probe, first, end)
		stop()
		if err != nil {
			return nil, err
		}
		defer e.meter.begin(StageRerandomise)()
		messages := make([][]byte, len(sums))
		for i := range sums {
			index := uint32(first + i)
			share := sums[i].Mask(index, g.positions(g.inShare(first+i)), -g.scheme.Offset(), e.masks)
			messages[i] = seal(KindShare, e.session, index, share)
		}
		return messages, nil
	}
}

// Levels returns the number of messages in which the verdict of a batch goes out.
func (e *Evaluator) Levels() int { return e.gallery.levels() }

func (e *Evaluator) prefixes(message []byte) ([]Task, error) {
	g := e.gallery
	level := 0
	if e.batch != nil {
		level = e.batch.received
	}
	index := e.answered*g.levels() + level
	body, err := expect(message, KindPrefixes, e.session, uint32(index), g.params.PrefixSize(g.comparisons(e.answered)))
	if err != nil {
		return nil, err
	}
	if g.sharesUpTo(e.answered+1) > e.released {
		return nil, fmt.Errorf("prefixes %d: %w: its shares have not been sent", index, ErrWindow)
	}
	if e.batch == nil {
		if e.batch, err = e.newBatch(e.answered); err != nil {
			return nil, fmt.Errorf("prefixes %d: %w", index, err)
		}
	}
	b := e.batch
	b.received++
	b.digest.Write(message)
	b.loaded.Add(1)
	tasks := []Task{func() ([][]byte, error) {
		defer b.loaded.Done()
		defer e.meter.begin(StageCompare)()
		if err := b.he.SetPrefix(level, body); err != nil {
			return nil, fmt.Errorf("prefixes %d: %w", index, err)
		}
		return nil, nil
	}}
	if b.received < g.levels() {
		return tasks, nil
	}
	e.batch = nil
	e.answered++
	tasks = append(tasks, e.verdict(b)...)
	return append(tasks, e.release()...), nil
}

func (e *Evaluator) newBatch(index int) (*batch, error) {
	g := e.gallery
	r, err := g.collect(index, func(share int) ([]uint32, error) {
		return g.params.Masks(e.masks, uint32(share), g.inShare(share)*g.layout.Shifts), nil
	})
	if err != nil {
		return nil, err
	}
	b := &batch{index: index, digest: sha256.New()}
	b.he, err = e.key.NewBatch(uint32(index), r)
	return b, err
}

// verdict returns the tasks that answer a batch when its prefixes are loaded. All that
// they draw depends on every byte of the prefixes.
func (e *Evaluator) verdict(b *batch) []Task {
	levels := e.gallery.levels()
	seed := e.masks.Derive(labelVerdict, b.digest.Sum(nil))
	closed := sync.OnceValue(func() error {
		b.loaded.Wait()
		return b.he.Close(seed)
	})
	tasks := make([]Task, levels)
	for number := range tasks {
		tasks[number] = func() ([][]byte, error) {
			index := b.index*levels + number
			if err := closed(); err != nil {
				return nil, fmt.Errorf("verdict %d: %w", index, err)
			}
			defer e.meter.begin(StageCompare)()
			return [][]byte{seal(KindVerdict, e.session, uint32(index), b.he.Answer(number))}, nil
		}
	}
	return tasks
}
