package he

import "fmt"

// Comparison without opening the score. With x = s + r mod 2^k, s is in [0, 2^h)
// exactly when x lies in the cyclic interval [r, r+2^h). That interval is the
// disjoint union of the point r and of one dyadic interval for each level
// j = 0..h-1:
//
//	bit j of r is 0:  the block of size 2^j behind r's own, inside r's 2^h block
//	bit j of r is 1:  the block that ends r's copy in the next 2^h block
//
// so that a hit makes exactly one of h+1 equality tests on prefixes true, and a
// non-hit none.

// target returns the prefix of k-level bits that the test of a level compares
// x>>level with.
func (p *Params) target(r uint32, level int) uint32 {
	prefix := r >> level
	if prefix&1 == 0 {
		return prefix | 1
	}
	return (prefix ^ 1 + 1<<(p.HitBits-level)) & (1<<(p.ScoreBits-level) - 1)
}

// Verdict answers a batch of prefixes: for each of HitBits+1 tests, in an order
// that is random for the batch, the encryption of rho*(prefix - target) with rho
// uniform and not zero modulo T'. masks are the r of the batch's comparisons, at
// most n; slots beyond them compare with random values.
//
// The order is one for all slots of the batch, so that the key owner sees which hits
// of a batch were decided on the same level. The level is near the logarithm of the
// margin (margins of 0 share theirs always): several hits in one batch show something
// about their margins relative to each other. Non-hits and a lone hit show nothing.
func (k *PublicKey) Verdict(batch uint32, prefixes []byte, masks []uint32, seed Seed) ([]byte, error) {
	p := k.p
	if len(masks) > p.n {
		return nil, fmt.Errorf("he: %d comparisons do not fit %d slots", len(masks), p.n)
	}
	if err := checkLength("prefixes", len(prefixes), p.PrefixesSize()); err != nil {
		return nil, err
	}
	r := make([]uint32, p.n)
	copy(r, masks)
	spare := NewStream(seed, labelSpare, batch)
	for i := len(masks); i < p.n; i++ {
		r[i] = uint32(spare.Uint64() & (1<<p.ScoreBits - 1))
	}

	tests := make([][]byte, p.HitBits+1)
	order := NewStream(seed, labelOrder, batch).permutation(len(tests))
	targets := make([]uint32, p.n)
	size := p.uploadSize(p.Compare)
	lentA, lentB := p.spare.borrow(p.n), p.spare.borrow(p.n)
	defer p.spare.giveBack(lentA, lentB)
	a, b := *lentA, *lentB
	for level := 0; level < p.HitBits; level++ {
		what := fmt.Sprintf("prefixes, level %d", level)
		if err := p.unpackUpload(what, prefixes[level*size:(level+1)*size], p.Compare, b); err != nil {
			return nil, err
		}
		p.transform(b)
		p.publicPoly(a, k.public, labelPrefixA, batch, uint32(level))
		for i := range targets {
			targets[i] = p.target(r[i], level)
		}
		tests[order[level]] = k.test(a, b, targets, batch, uint32(level), seed)
		if level == 0 {
			tests[order[p.HitBits]] = k.test(a, b, r, batch, uint32(p.HitBits), seed)
		}
	}
	out := make([]byte, 0, p.VerdictSize())
	for _, t := range tests {
		out = append(out, t...)
	}
	return out, nil
}

// test encrypts rho*(P - targets), with (a, b) the transformed encryption of P.
func (k *PublicKey) test(a, b poly, targets []uint32, batch, number uint32, seed Seed) []byte {
	p := k.p
	t := p.slots
	st := NewStream(seed, labelBlind, batch, number)
	values, lent, lentA, lentB := p.spare.borrow(p.n), p.spare.borrow(p.n), p.spare.borrow(p.n), p.spare.borrow(p.n)
	defer p.spare.giveBack(values, lent, lentA, lentB)
	rho, constant, blind, ra, rb := values[0], values[1], *lent, *lentA, *lentB
	for i := range rho {
		rho[i] = 1 + st.Below(t.q-1)
		constant[i] = t.subtract(0, t.remainder(rho[i]*uint64(targets[i])))
	}
	t.INTT(rho)
	t.INTT(constant)

	for i, v := range rho {
		centred := int64(v)
		if v > t.q/2 {
			centred -= int64(t.q)
		}
		for l, q := range p.q {
			blind[l][i] = q.signed(centred)
		}
	}
	p.transform(blind)
	for l, q := range p.q {
		q.Mul(ra[l], a[l], blind[l])
		q.Mul(rb[l], b[l], blind[l])
	}
	return k.answer(ra, rb, nil, func(i int) [limbs]uint64 { return p.testing.lift(constant[i]) },
		NewStream(seed, labelTestNoise, batch, number), p.Compare)
}
