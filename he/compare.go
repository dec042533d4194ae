package he

import (
	"fmt"

	"github.com/puente-project/puente/he/internal/kernel"
)

// Comparison without opening the score. With x = s + 1 + r mod 2^k, s is in [0, 2^h - 2]
// exactly when x lies in the open cyclic interval (r, r+2^h). That interval is the
// disjoint union of one dyadic interval for each level j = 0..h-1:
//
//	bit j of r is 0:  the block of size 2^j behind r's own, inside r's 2^h block
//	bit j of r is 1:  the block that ends r's copy in the next 2^h block
//
// so that a hit makes exactly one of h equality tests on prefixes true, and a non-hit
// none.

// target returns the prefix of k-level bits that the test of a level compares
// x>>level with.
func (p *Params) target(r uint32, level int) uint32 {
	prefix := r >> level
	if prefix&1 == 0 {
		return prefix | 1
	}
	return (prefix ^ 1 + 1<<(p.HitBits-level)) & (1<<(p.ScoreBits-level) - 1)
}

// Batch is a batch of comparisons on its way: it collects the prefixes of all levels and
// gives HitBits answers. In every answer each lane holds the test of another level, in an
// order that is rotated by a random number of its own for every lane: where the zero of a
// hit stands is uniform and independent of everything, and so shows nothing.
type Batch struct {
	key    *PublicKey
	lanes  *lanes
	index  uint32
	masks  []uint32 // by lane
	levels []level

	seed  Seed
	turns []uint8 // by lane: the level of answer 0
}

// level is the prefixes of a level, transformed.
type level struct{ a, b poly }

// NewBatch begins batch number index; masks are the r of its comparisons, 1..Lanes.
// Lanes beyond them compare with random values.
func (k *PublicKey) NewBatch(index uint32, masks []uint32) (*Batch, error) {
	if len(masks) < 1 || len(masks) > k.p.Lanes() {
		return nil, fmt.Errorf("he: %d comparisons for %d lanes", len(masks), k.p.Lanes())
	}
	l := k.p.lanesFor(len(masks))
	b := &Batch{key: k, lanes: l, index: index, masks: make([]uint32, l.lanesIn()), levels: make([]level, k.p.HitBits)}
	for i := copy(b.masks, masks); i < len(b.masks); i++ {
		b.masks[i] = spareLane
	}
	return b, nil
}

// spareLane stands for a mask that is not drawn yet.
const spareLane = ^uint32(0)

// SetPrefix stores what KeyOwner.EncryptPrefix returned for a level, each of 0..HitBits-1
// once. Different levels may be set at the same time.
func (b *Batch) SetPrefix(number int, data []byte) error {
	if number < 0 || number >= len(b.levels) || b.levels[number].a != nil {
		return fmt.Errorf("he: level %d of %d is repeated or out of range", number, len(b.levels))
	}
	r, what := b.lanes.r, fmt.Sprintf("prefixes, level %d", number)
	if err := checkLength(what, len(data), b.lanes.uploadSize()); err != nil {
		return err // before memory is taken
	}
	upload := r.newPoly()
	if err := b.lanes.unpackUpload(what, data, upload); err != nil {
		return err
	}
	b.levels[number] = level{r.uniform(r.newPoly(), b.key.public, labelPrefixA, b.index, uint32(number)), r.transform(upload)}
	return nil
}

// Close ends the collection of prefixes, of which none may be missing, and draws what
// all answers have in common from the seed.
func (b *Batch) Close(seed Seed) error {
	for number, l := range b.levels {
		if l.a == nil {
			return fmt.Errorf("he: the prefixes of level %d are missing", number)
		}
	}
	spare := NewStream(seed, labelSpare, b.index)
	for i, r := range b.masks {
		if r == spareLane {
			b.masks[i] = uint32(spare.Uint64() & (1<<b.key.p.ScoreBits - 1))
		}
	}
	turn := NewStream(seed, labelOrder, b.index)
	turns := make([]uint8, len(b.masks))
	for i := range turns {
		turns[i] = uint8(turn.Below(uint64(len(b.levels))))
	}
	b.seed, b.turns = seed, turns
	return nil
}

// Answer returns answer number 0..HitBits-1 of a closed batch: the encryption of
// rho*(prefix - target) in every lane, with rho uniform and not zero, for the level that
// the lane's turn makes it. Answers may be computed at the same time. It panics for a batch
// that is not closed.
func (b *Batch) Answer(number int) []byte {
	l, n := b.lanes, b.lanes.r.n
	lentA, lentB, lent := l.r.borrow(), l.r.borrow(), l.r.borrow()
	defer l.r.giveBack(lentA, lentB, lent)
	sumA, sumB, blind := *lentA, *lentB, *lent
	rho, giveRho := l.borrow()
	defer giveRho()
	constant, giveConstant := l.borrow()
	defer giveConstant()
	part, givePart := l.borrow()
	defer givePart()

	mine := make([]uint8, len(b.turns)) // the level that each lane tests
	st := NewStream(b.seed, labelBlind, b.index, uint32(number))
	for plane, m := range l.planes {
		for i := range n {
			lane := plane*n + i
			at := (int(b.turns[lane]) + number) % len(b.levels)
			v := 1 + st.Below(m.q-1)
			mine[lane], rho[plane][i] = uint8(at), m.remainder(v*l.weight[plane])
			constant[plane][i] = m.subtract(0, m.remainder(v*uint64(b.key.p.target(b.masks[lane], at))))
		}
		m.INTT(constant[plane])
	}
	for at, prefixes := range b.levels {
		for plane, m := range l.planes {
			kernel.Pick(part[plane], rho[plane], mine[plane*n:(plane+1)*n], uint8(at))
			m.INTT(part[plane])
		}
		l.merge.Recombine(blind, part)
		l.r.transform(blind)
		if at == 0 {
			l.r.mul(sumA, prefixes.a, blind)
			l.r.mul(sumB, prefixes.b, blind)
		} else {
			l.r.mulAdd(sumA, prefixes.a, blind)
			l.r.mulAdd(sumB, prefixes.b, blind)
		}
	}
	return b.key.lane.in(l.r).answer(sumA, sumB, nil, func(sum poly) { l.addMessage(sum, constant) },
		NewStream(b.seed, labelTestNoise, b.index, uint32(number)), l.budget)
}
