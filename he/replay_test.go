package he

import (
	"bytes"
	"math/big"
	"testing"
)

// replayed is what ringKey.answer computes on its way from a ciphertext to the wire,
// which product code never keeps.
type replayed struct {
	exact        poly // a + pk_a*u without an error, transformed
	a            poly // the same with its error
	rerandomised poly // b before message and flooding, coefficient form
	b            poly // b before the wire rounding, coefficient form
	wire         []byte
}

// replay computes an answer a second time, step by step from the description in
// ringKey.answer, and fails unless the product's bytes are the same. (a, b) is the
// ciphertext, which stays as it is; message is the plaintext to add at a coefficient,
// below the plaintext modulus; noise returns the same stream each time.
func (k ringKey) replay(t testing.TB, a, b poly, positions []int, modulus uint64, noise func() *Stream, budget Budget, message func(i int) uint64) replayed {
	t.Helper()
	ring, st := k.r, noise()
	r := replayed{a: copyPoly(a), b: copyPoly(b)}
	u := ring.transform(ring.ternary(ring.newPoly(), st))
	ring.mulAdd(r.a, k.a, u)
	ring.mulAdd(r.b, k.b, u)
	r.exact = copyPoly(r.a)
	ring.inverseTransform(r.a)
	ring.inverseTransform(r.b)
	w := newPacker(0)
	put := func(a poly, i, width int) { // ring.pack rounds the sum
		w.put((ring.sum(a, i)+1<<(63-width))>>(64-width), uint(width))
	}
	small := make([]int8, ring.n)
	st.smallErrors(small)
	for i, e := range small {
		ring.addBig(r.a, i, big.NewInt(int64(e)))
		put(r.a, i, budget.MaskBits)
	}
	w.align()
	ring.transform(r.a)
	floods := make([]*big.Int, len(positions))
	for c := range positions {
		f := bigOf(st.Uint64())
		f.Add(f.Lsh(f, 64), bigOf(st.Uint64()))
		f.Rsh(f, uint(127-budget.FloodBits))
		floods[c] = f.Sub(f, new(big.Int).Lsh(big.NewInt(1), uint(budget.FloodBits)))
	}
	r.rerandomised = copyPoly(r.b)
	st.smallErrors(small[:len(positions)])
	for c, i := range positions {
		e := big.NewInt(int64(small[c]))
		ring.addBig(r.rerandomised, i, e)
		ring.addBig(r.b, i, e.Add(e, floods[c]).Add(e, ring.bigLift(message(i), modulus)))
		put(r.b, i, budget.MessageBits)
	}
	r.wire = w.bytes()

	product := k.answer(copyPoly(a), copyPoly(b), positions, func(b poly) {
		for c, i := range positions { // what is asked for stands in front
			ring.addBig(b, c, ring.bigLift(message(i), modulus))
		}
	}, noise(), budget)
	if !bytes.Equal(product, r.wire) {
		t.Errorf("the answer is not what its description says")
	}
	return r
}

// replayShare replays the answer to a sum at all coefficients, without a mask.
func (s session) replayShare(t testing.TB, sum Sum, seed Seed) replayed {
	t.Helper()
	return sum.key.score.replay(t, *sum.a, *sum.b, allPositions(s.p), s.p.scoring.t,
		func() *Stream { return NewStream(seed, labelShareNoise, 0) }, s.p.Score, func(int) uint64 { return 0 })
}

// replayedAnswer is an answer of a batch with what it should hold.
type replayedAnswer struct {
	replayed
	blinded []uint64 // sum of rho*prefix over the levels: coefficients below T
	lanes   []uint64 // rho*(prefix - target) by lane
}

// replayAnswer computes an answer of a closed batch from the description in Batch.Answer
// with integers of math/big, from the prefixes of x, and fails unless the product's bytes
// are the same.
func (s session) replayAnswer(t testing.TB, b *Batch, x []uint32, number int) replayedAnswer {
	t.Helper()
	l, h := b.lanes, s.p.HitBits
	n, r := l.r.n, l.r
	rho := make([][][]uint64, h) // by level and plane
	for level := range rho {
		rho[level] = newLists(len(l.planes), n)
	}
	constant, blinded := newLists(len(l.planes), n), newLists(len(l.planes), n)
	var out replayedAnswer
	st := NewStream(b.seed, labelBlind, b.index, uint32(number))
	for lane := range l.lanesIn() {
		plane, i := lane/n, lane%n
		q := l.planes[plane].q
		level := (int(b.turns[lane]) + number) % h
		v, prefix, target := 1+st.Below(q-1), uint64(0), uint64(s.p.target(b.masks[lane], level))
		if lane < len(x) {
			prefix = uint64(x[lane] >> level)
		}
		rho[level][plane][i] = v
		blinded[plane][i] = v * prefix % q
		constant[plane][i] = (q - v*target%q) % q
		out.lanes = append(out.lanes, (v*prefix+q-v*target%q)%q)
	}
	sumA, sumB, factor := r.newPoly(), r.newPoly(), r.newPoly()
	for level := range rho {
		for _, residues := range factor {
			clear(residues)
		}
		for i, v := range l.join(rho[level]) {
			r.addBig(factor, i, centre(bigOf(v), bigOf(l.t)))
		}
		r.transform(factor)
		r.mulAdd(sumA, *b.levels[level].a, factor)
		r.mulAdd(sumB, *b.levels[level].b, factor)
	}
	own := l.join(constant)
	out.blinded = l.join(blinded)
	out.replayed = b.key.lane.in(r).replay(t, sumA, sumB, positionsTo(n), l.t,
		func() *Stream { return NewStream(b.seed, labelTestNoise, b.index, uint32(number)) }, l.budget,
		func(i int) uint64 { return own[i] })
	if !bytes.Equal(b.Answer(number), out.wire) {
		t.Errorf("answer %d of a batch is not what its description says", number)
	}
	return out
}

// newLists returns lists of n zeros.
func newLists(count, n int) [][]uint64 {
	out := make([][]uint64, count)
	for i := range out {
		out[i] = make([]uint64, n)
	}
	return out
}

// join turns the values of all lanes, plane by plane, into the coefficients below T of
// the polynomial that has them.
func (l *lanes) join(values [][]uint64) []uint64 {
	crt, residues := chinese(l.planes), make([]uint64, len(values))
	for p, m := range l.planes {
		m.INTT(values[p])
	}
	out := make([]uint64, l.r.n)
	for i := range out {
		for p := range values {
			residues[p] = values[p][i]
		}
		out[i] = crt(residues...).Uint64()
	}
	return out
}

// canned is a cipher.Stream over recorded bytes.
type canned struct{ rest []byte }

func (c *canned) XORKeyStream(dst, _ []byte) {
	n := copy(dst, c.rest)
	c.rest = c.rest[n:]
}

// negacyclic multiplies two integer polynomials modulo X^n+1, the schoolbook way but
// for zeros.
func negacyclic(x, y []int32) []int64 {
	out := make([]int64, len(y))
	for i, v := range x {
		if v == 0 {
			continue
		}
		for j, w := range y {
			if w == 0 {
				continue
			}
			if i+j < len(out) {
				out[i+j] += int64(v) * int64(w)
			} else {
				out[i+j-len(out)] -= int64(v) * int64(w)
			}
		}
	}
	return out
}
