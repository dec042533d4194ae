package protocol

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"

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
	answered int // batches handed out
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
		int64(g.batches())*int64(headerSize+p.PrefixesSize())
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
		sums, err := e.probe.Accumulate(g.weights[first:end])
		stop()
		if err != nil {
			return nil, err
		}
		defer e.meter.begin(StageRerandomise)()
		messages := make([][]byte, len(sums))
		for i := range sums {
			index := uint32(first + i)
			share := sums[i].Mask(index, g.positions(g.inShare(first+i)), offset(g.scheme), e.masks)
			messages[i] = seal(KindShare, e.session, index, share)
		}
		return messages, nil
	}
}

func (e *Evaluator) prefixes(message []byte) ([]Task, error) {
	g := e.gallery
	batch := e.answered
	body, err := expect(message, KindPrefixes, e.session, uint32(batch), g.params.PrefixesSize())
	if err != nil {
		return nil, err
	}
	if g.sharesUpTo(batch+1) > e.released {
		return nil, fmt.Errorf("prefixes %d: %w: its shares have not been sent", batch, ErrWindow)
	}
	e.answered++
	verdict := func() ([][]byte, error) {
		defer e.meter.begin(StageCompare)()
		r, err := g.collect(batch, func(share int) ([]uint32, error) {
			return g.params.Masks(e.masks, uint32(share), g.inShare(share)*g.layout.Shifts), nil
		})
		if err != nil {
			return nil, err
		}
		digest := sha256.Sum256(message)
		answer, err := e.key.Verdict(uint32(batch), body, r, e.masks.Derive(labelVerdict, digest[:]))
		if err != nil {
			return nil, fmt.Errorf("prefixes %d: %w", batch, err)
		}
		return [][]byte{seal(KindVerdict, e.session, uint32(batch), answer)}, nil
	}
	return append([]Task{verdict}, e.release()...), nil
}
