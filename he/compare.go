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

// level is the prefixes of a level, transformed. They are lent.
type level struct{ a, b *poly }

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
	upload := r.borrow()
	if err := b.lanes.unpackUpload(what, data, *upload); err != nil {
		r.giveBack(upload)
		return err
	}
	r.transform(*upload)
	a := r.borrow()
	r.uniform(*a, b.key.public, labelPrefixA, b.index, uint32(number))
	b.levels[number] = level{a, upload}
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

// levelsAtOnce is the number of levels whose factors and products are computed together:
// their lists, with one prime's tables, stay in a second-level cache of 1 MiB.
const levelsAtOnce = 4

// Answer returns answer number 0..HitBits-1 of a closed batch: the encryption of
// rho*(prefix - target) in every lane, with rho uniform and not zero, for the level that
// the lane's turn makes it. Answers may be computed at the same time. It panics for a batch
// that is not closed.
func (b *Batch) Answer(number int) []byte {
	l := b.lanes
	sumA, sumB := l.r.borrow(), l.r.borrow()
	defer l.r.giveBack(sumA, sumB)
	work, giveBack := l.borrow(len(l.planes) + 1 + 2*levelsAtOnce)
	defer giveBack()
	rho, rest := work[:len(l.planes)], work[len(l.planes):]
	constant, factors, lifted := rest[0], rest[1:1+levelsAtOnce], rest[1+levelsAtOnce:]
	levels := make([]uint8, len(b.turns)) // the level that each lane tests
	b.blind(rho, constant, levels, number, lifted[0])
	for i := range l.r.q {
		clear((*sumA)[i])
		clear((*sumB)[i])
	}
	for first := 0; first < len(b.levels); first += levelsAtOnce {
		prefixes := b.levels[first:min(first+levelsAtOnce, len(b.levels))]
		factors, lifted := factors[:len(prefixes)], lifted[:len(prefixes)]
		for i, factor := range factors {
			l.whole.Pick(factor, rho, levels, uint8(first+i))
			l.whole.INTT(factor)
		}
		var prefixA, prefixB [levelsAtOnce][]uint64
		for limb, q := range l.r.q {
			for i, prefix := range prefixes {
				prefixA[i], prefixB[i] = (*prefix.a)[limb], (*prefix.b)[limb]
				q.LiftNTT(lifted[i], factors[i], l.t)
			}
			q.AddProducts((*sumA)[limb], (*sumB)[limb], lifted, prefixA[:len(prefixes)], prefixB[:len(prefixes)])
		}
	}
	return b.key.lane.in(l.r).answer(*sumA, *sumB, nil, func(sum poly) { l.addMessage(sum, constant) },
		NewStream(b.seed, labelTestNoise, b.index, uint32(number)), l.budget)
}

// Release gives the memory of the prefixes back when all answers are computed. The batch is
// used up.
func (b *Batch) Release() {
	for _, l := range b.levels {
		b.lanes.r.giveBack(l.a, l.b)
	}
	b.levels, b.turns = nil, nil
}

// blind draws rho for all lanes of an answer, one list for each plane, as shares of values
// modulo T: their sum over the planes has them in its lanes. It sets levels to what each
// lane tests, and constant to the coefficients below T of the polynomial with the lanes
// -rho*target. work is overwritten.
func (b *Batch) blind(rho [][]uint64, constant []uint64, levels []uint8, number int, work []uint64) {
	l, n, st := b.lanes, b.lanes.r.n, NewStream(b.seed, labelBlind, b.index, uint32(number))
	clear(constant)
	for plane, m := range l.planes {
		from, to, v := plane*n, (plane+1)*n, rho[plane]
		for drawn := 0; drawn < n; {
			st.words(v[drawn:])
			drawn += kernel.Nonzero(v[drawn:], m.q)
		}
		m.Scale(v, v, l.weight[plane])
		kernel.Targets(work, levels[from:to], b.masks[from:to], b.turns[from:to], number, b.key.p.HitBits, b.key.p.ScoreBits)
		m.Mul(work, work, v)
		l.whole.ScaleAdd(constant, work, l.minus[plane])
		l.whole.Scale(v, v, l.share[plane])
	}
	l.whole.INTT(constant)
}
