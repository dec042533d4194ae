package he

import (
	"bytes"
	"math/big"
	"testing"
)

// replayed is what PublicKey.answer computes on its way from a ciphertext to the wire,
// which product code never keeps.
type replayed struct {
	exact        poly // a + pk_a*u without an error, transformed
	a            poly // the same with its error
	rerandomised poly // b before message and flooding, coefficient form
	b            poly // b before the wire rounding, coefficient form
	wire         []byte
}

// replay computes an answer a second time, step by step from the description in
// PublicKey.answer, and fails unless the product's bytes are the same. The sum stays as
// it is. message is the plaintext to add at a position, below the plaintext modulus.
func (s session) replay(t testing.TB, sum Sum, positions []int, modulus uint64, noise *Stream, budget Budget, message func(c int) uint64) replayed {
	p := s.p
	twin := *noise
	block := make([]byte, 0) // the CTR of a copied stream is shared: read ahead and feed both
	for range 3 * (3*p.n + 2*len(positions)) {
		v := twin.Uint64()
		for i := range 8 {
			block = append(block, byte(v>>(8*i)))
		}
	}
	feed := func() *Stream { return &Stream{ctr: &canned{block}, pos: len(Stream{}.buf)} }

	st := feed()
	r := replayed{a: copyPoly(*sum.a), b: copyPoly(*sum.b)}
	u := p.transform(p.ternaryPoly(newPoly(p.n), st))
	for l, q := range p.q {
		q.MulAdd(r.a[l], sum.key.a[l], u[l])
		q.MulAdd(r.b[l], sum.key.b[l], u[l])
		q.INTT(r.a[l])
		q.INTT(r.b[l])
	}
	r.exact = p.transform(copyPoly(r.a))
	w := newPacker(0)
	toMask, toMessage := newRounding(p.q[0].q, uint(budget.MaskBits)), newRounding(p.q[0].q, uint(budget.MessageBits))
	for i := range p.n {
		e := st.smallError()
		for l, q := range p.q {
			r.a[l][i] = q.add(r.a[l][i], q.signed(e))
		}
		w.put(p.switchDown(r.a[0][i], r.a[1][i], &toMask), uint(budget.MaskBits))
	}
	w.align()
	p.transform(r.a)
	r.rerandomised = copyPoly(r.b)
	for c, i := range positions {
		f := bigOf(st.Uint64())
		f.Add(f.Lsh(f, 64), bigOf(st.Uint64()))
		f.Rsh(f, uint(127-budget.FloodBits))
		f.Sub(f, new(big.Int).Lsh(big.NewInt(1), uint(budget.FloodBits)))
		e := st.smallError()
		f.Add(f, p.bigLift(message(c), modulus))
		for l, q := range p.q {
			r.rerandomised[l][i] = q.add(r.rerandomised[l][i], q.signed(e))
			add := new(big.Int).Mod(f, bigOf(q.q)).Uint64()
			r.b[l][i] = q.add(r.rerandomised[l][i], add)
		}
		w.put(p.switchDown(r.b[0][i], r.b[1][i], &toMessage), uint(budget.MessageBits))
	}
	r.wire = w.bytes()

	c := sum.clone()
	product := sum.key.answer(*c.a, *c.b, positions, func(c int) (v [limbs]uint64) {
		m := p.bigLift(message(c), modulus)
		for l, q := range p.q {
			v[l] = new(big.Int).Mod(m, bigOf(q.q)).Uint64()
		}
		return v
	}, feed(), budget)
	if !bytes.Equal(product, r.wire) {
		t.Errorf("the answer is not what its description says")
	}
	return r
}

// canned is a cipher.Stream over recorded bytes.
type canned struct{ rest []byte }

func (c *canned) XORKeyStream(dst, _ []byte) {
	n := copy(dst, c.rest)
	c.rest = c.rest[n:]
}

// noiseOf returns phase - round(q*m/t), centred.
func (p *Params) noiseOf(phase *big.Int, m, t uint64) *big.Int {
	return centre(new(big.Int).Sub(phase, p.bigLift(m, t)), p.bigQ())
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
