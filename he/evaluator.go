package he

// PublicKey lets the evaluator re-randomise what it answers.
type PublicKey struct {
	p      *Params
	public Seed // expands the a of every ciphertext of the session
	a, b   poly // transformed
}

// ParsePublicKey decodes what KeyOwner.PublicKey returned.
func (p *Params) ParsePublicKey(data []byte) (*PublicKey, error) {
	if err := checkLength("public key", len(data), p.PublicKeySize()); err != nil {
		return nil, err
	}
	k := &PublicKey{p: p, public: Seed(data[:len(Seed{})]), b: newPoly(p.n)}
	if err := p.unpackUpload("public key", data[len(k.public):], p.keyBudget(), k.b); err != nil {
		return nil, err
	}
	k.a = p.publicPoly(newPoly(p.n), k.public, labelKeyA)
	p.transform(k.b)
	return k, nil
}

// answer turns a ciphertext (a, b), transformed, into wire form: it adds a fresh
// encryption of zero, adds message(i) and flooding at the given coefficients
// (nil: all of them), switches from q to the wire moduli and packs. a and b are
// overwritten. Coefficients of b that are not asked for never leave the machine.
func (k *PublicKey) answer(a, b poly, positions []int, message func(i int) [limbs]uint64, noise *Stream, budget Budget) []byte {
	p := k.p
	lent := p.spare.borrow(p.n)
	defer p.spare.giveBack(lent)
	u := p.transform(p.ternaryPoly(*lent, noise))
	for l, q := range p.q {
		q.MulAdd(a[l], k.a[l], u[l])
		q.MulAdd(b[l], k.b[l], u[l])
		q.INTT(a[l])
		q.INTT(b[l])
	}
	count := p.n
	if positions != nil {
		count = len(positions)
	}
	toMask, toMessage := newRounding(p.q[0].q, uint(budget.MaskBits)), newRounding(p.q[0].q, uint(budget.MessageBits))
	w := newPacker(packedSize(p.n, budget.MaskBits) + packedSize(count, budget.MessageBits))
	for i := 0; i < p.n; i++ {
		e := noise.smallError()
		v0 := p.q[0].add(a[0][i], p.q[0].signed(e))
		v1 := p.q[1].add(a[1][i], p.q[1].signed(e))
		w.put(p.switchDown(v0, v1, &toMask), uint(budget.MaskBits))
	}
	w.align()
	flood := p.newFlood(budget.FloodBits)
	for c := 0; c < count; c++ {
		i := c
		if positions != nil {
			i = positions[c]
		}
		m := message(c)
		f := flood.sample(noise)
		e := noise.smallError()
		var v [limbs]uint64
		for l, q := range p.q {
			v[l] = q.add(q.add(b[l][i], m[l]), q.add(f[l], q.signed(e)))
		}
		w.put(p.switchDown(v[0], v[1], &toMessage), uint(budget.MessageBits))
	}
	return w.bytes()
}

// switchDown returns round(round(v/q1) * 2^width / q0) mod 2^width for the integer
// v with residues v0 and v1; to divides by q0 after a shift of width bits.
func (p *Params) switchDown(v0, v1 uint64, to *rounding) uint64 {
	q0, q1 := p.q[0], p.q[1]
	r := v1
	if r >= q0.q {
		r -= q0.q
	}
	if v1 > q1.q/2 { // the remainder is centred: v1 - q1
		r = q0.subtract(r, q1.q%q0.q)
	}
	v := q0.mul(q0.subtract(v0, r), p.q1Inv0)
	return to.divide(v) & (1<<to.shift - 1)
}

// flood samples the uniform integers of [-2^bits, 2^bits) that drown the noise.
type flood struct {
	q      [limbs]*modulus
	centre [limbs]uint64 // 2^bits modulo the primes
	cut    uint          // bits of a 128-bit sample that are not used
}

func (p *Params) newFlood(bits int) flood {
	f := flood{q: p.q, cut: uint(128 - bits - 1)}
	for l, q := range p.q {
		c := uint128{0, 1}.shiftLeft(uint(bits))
		f.centre[l] = q.reduce(c.hi, c.lo)
	}
	return f
}

// sample takes two words, the higher half first, and uses the upper bits.
func (f *flood) sample(st *Stream) (r [limbs]uint64) {
	hi := st.Uint64()
	v := uint128{hi, st.Uint64()}.shiftRight(f.cut)
	for l, q := range f.q {
		r[l] = q.subtract(q.reduce(v.hi, v.lo), f.centre[l])
	}
	return r
}

// Masks returns the masks r of a share, uniform modulo 2^ScoreBits, one for each
// position: what the evaluator keeps of it.
func (p *Params) Masks(seed Seed, index uint32, count int) []uint32 {
	st := NewStream(seed, labelMask, index)
	r := make([]uint32, count)
	for i := range r {
		r[i] = uint32(st.Uint64() & (1<<p.ScoreBits - 1))
	}
	return r
}

// Mask returns the encoded share of a sum: at each position the inner product
// plus offset plus mask, modulo 2^ScoreBits. index separates the random values of
// the shares of a session. The sum is used up.
func (s *Sum) Mask(index uint32, positions []int, offset int64, seed Seed) []byte {
	p := s.key.p
	r := p.Masks(seed, index, len(positions))
	cut := uint64(1)<<p.ScoreBits - 1
	defer func() {
		p.spare.giveBack(s.a, s.b)
		s.a, s.b = nil, nil
	}()
	return s.key.answer(*s.a, *s.b, positions, func(c int) [limbs]uint64 {
		return p.scoring.lift((uint64(r[c]) + uint64(offset)) & cut)
	}, NewStream(seed, labelShareNoise, index), p.Score)
}
