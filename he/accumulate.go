package he

import (
	"fmt"
	"sync/atomic"

	"github.com/puente-project/puente/he/internal/kernel"
)

// tile is the number of neighbouring coefficients that are kept together: eight
// 64-bit words, a cache line and a 512-bit register.
const tile = kernel.Tile

// chunk is the number of tiles for which the rows of a probe and the weights of several
// ciphertexts stay in cache while each meets each.
const chunk = 32

// BlockBytes is the memory that a block of Weights takes.
const BlockBytes = scoreLimbs * 8 * Degree

// Weights is the plain operand of one score ciphertext, resident: blocks of n
// integers, transformed, ordered by tile, block, coefficient so that the accumulation
// reads memory once and in order. It takes BlockBytes a block.
type Weights struct {
	p      *Params
	blocks int
	l1     int64 // sum of absolute values of all blocks
	data   [scoreLimbs][]uint64
}

// stage is the number of blocks that NewWeights orders at once: 16 rows are half a
// megabyte, which stays in cache while they are dealt to the tiles.
const stage = 16

// NewWeights transforms blocks of at most n signed coefficients each, the rest zero.
func (p *Params) NewWeights(blocks [][]int32) *Weights {
	w := &Weights{p: p, blocks: len(blocks)}
	for l := range w.data {
		w.data[l] = make([]uint64, len(blocks)*p.n)
	}
	w.Fill(blocks)
	return w
}

// Fill replaces the weights by others of as many blocks. It panics if there are fewer or
// more.
func (w *Weights) Fill(blocks [][]int32) {
	p := w.p
	if len(blocks) != w.blocks {
		panic(fmt.Sprintf("he: %d blocks for weights of %d", len(blocks), w.blocks))
	}
	w.l1 = 0
	rows := make([]*poly, min(stage, len(blocks)))
	for i := range rows {
		rows[i] = p.score.borrow()
	}
	defer p.score.giveBack(rows...)
	for first := 0; first < len(blocks); first += stage {
		staged := blocks[first:min(first+stage, len(blocks))]
		for i, block := range staged {
			for _, v := range block {
				w.l1 += max(int64(v), -int64(v))
			}
			for l, q := range p.score.q {
				row := (*rows[i])[l]
				clear(row[len(block):])
				q.Spread(row[:len(block)], block)
				q.NTT(row)
			}
		}
		for l := range w.data {
			for t := 0; t < p.n/tile; t++ {
				line := w.data[l][(t*w.blocks+first)*tile:]
				for i := range staged {
					copy(line[i*tile:(i+1)*tile], (*rows[i])[l][t*tile:])
				}
			}
		}
	}
}

// Bytes returns the memory that the weights hold.
func (w *Weights) Bytes() int { return scoreLimbs * 8 * len(w.data[0]) }

// Probe is the encrypted operand of a session as the evaluator holds it: for each
// tile and block, eight coefficients of a and eight of b.
type Probe struct {
	key     *PublicKey
	first   int // number of its first block
	blocks  int
	missing atomic.Int32
	set     []bool
	data    [scoreLimbs][]uint64
}

// MaxBlocks is the largest number of blocks that the accumulators can take.
const MaxBlocks = kernel.MaxBlocks

// NewProbe returns a probe that waits for its blocks, at most MaxBlocks, of which first is
// the number of the first.
func (k *PublicKey) NewProbe(first, blocks int) *Probe {
	pr := &Probe{blocks: blocks, set: make([]bool, blocks)}
	k.Renew(pr, first)
	for l := range pr.data {
		pr.data[l] = make([]uint64, 2*blocks*k.p.n)
	}
	return pr
}

// Renew makes a probe, also one of another session, wait for as many other blocks, of which
// first is the number of the first, in the same memory: fresh memory costs more than what is
// computed in it. No Accumulate may be under way.
func (k *PublicKey) Renew(pr *Probe, first int) {
	pr.key, pr.first = k, first
	pr.missing.Store(int32(pr.blocks))
	clear(pr.set)
}

// SetBlock stores what KeyOwner.EncryptBlock returned for the block of a number. Each block
// is accepted once. Different blocks may be set at the same time.
func (pr *Probe) SetBlock(number int, data []byte) error {
	p, block := pr.key.p, number-pr.first
	if block < 0 || block >= pr.blocks || pr.set[block] {
		return fmt.Errorf("he: block %d is repeated or not one of %d from %d on", number, pr.blocks, pr.first)
	}
	work, lent := p.score.borrow(), p.score.borrow()
	defer p.score.giveBack(work, lent)
	b := *work
	if err := p.unpackUpload("probe block", data, p.Score, b); err != nil {
		return err
	}
	p.score.transform(b)
	a := p.score.uniform(*lent, pr.key.public, labelBlockA, uint32(number))
	for l := range pr.data {
		for t := 0; t < p.n/tile; t++ {
			row := pr.data[l][(t*pr.blocks+block)*2*tile:]
			copy(row[:tile], a[l][t*tile:])
			copy(row[tile:2*tile], b[l][t*tile:])
		}
	}
	pr.set[block] = true
	pr.missing.Add(-1)
	return nil
}

// Sum is a score ciphertext before it is masked, transformed. It must not leave
// the evaluator: without re-randomisation its a tells the weights.
type Sum struct {
	key  *PublicKey
	a, b *poly // borrowed until Mask
}

// Accumulate returns sum_block w_block*(a_block, b_block) for each probe and each operand of
// the group: sums[i][j] is of probe i and weights j. It refuses weights heavier than
// Need.WeightL1 with ErrBudget.
func (k *PublicKey) Accumulate(probes []*Probe, group []*Weights) (sums [][]Sum, err error) {
	p := k.p
	for _, pr := range probes {
		if missing := pr.missing.Load(); missing > 0 {
			return nil, fmt.Errorf("he: %d of %d blocks of the probe are missing", missing, pr.blocks)
		}
		for _, w := range group {
			if w.blocks != pr.blocks {
				return nil, fmt.Errorf("he: weights of %d blocks for a probe of %d", w.blocks, pr.blocks)
			}
			if w.l1 > p.need.WeightL1 { // the flooding would not hide their noise
				return nil, fmt.Errorf("%w: the weights of a ciphertext are heavier than the parameters allow", ErrBudget)
			}
		}
	}
	for range probes {
		row := make([]Sum, len(group))
		for j := range row {
			row[j] = Sum{k, p.score.borrow(), p.score.borrow()}
		}
		sums = append(sums, row)
	}
	for l, q := range p.score.q {
		for first := 0; first < p.n/tile; first += chunk {
			last := min(first+chunk, p.n/tile)
			for i, pr := range probes {
				rows := pr.data[l][first*pr.blocks*2*tile : last*pr.blocks*2*tile]
				for j, w := range group {
					q.Accumulate(w.data[l][first*w.blocks*tile:last*w.blocks*tile], rows,
						(*sums[i][j].a)[l][first*tile:last*tile], (*sums[i][j].b)[l][first*tile:last*tile], w.blocks)
				}
			}
		}
	}
	return sums, nil
}
