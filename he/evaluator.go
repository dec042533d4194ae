package he

// PublicKey lets the evaluator re-randomise what it answers.
type PublicKey struct {
	p           *Params
	public      Seed    // expands the a of every ciphertext of the session
	score, lane ringKey // in either ring
}

// ringKey is an encryption of zero, transformed.
type ringKey struct {
	r    *ring
	a, b poly
}

// ParsePublicKey decodes what KeyOwner.PublicKey returned.
func (p *Params) ParsePublicKey(data []byte) (*PublicKey, error) {
	if err := checkLength("public key", len(data), p.PublicKeySize()); err != nil {
		return nil, err
	}
	wide := p.widest()
	k := &PublicKey{p: p, public: Seed(data[:len(Seed{})]),
		score: ringKey{r: p.score, b: p.score.newPoly()}, lane: ringKey{r: wide.r, b: wide.r.newPoly()}}
	data = data[len(k.public):]
	cut := p.uploadSize(p.keyBudget())
	if err := p.unpackUpload("public key", data[:cut], p.keyBudget(), k.score.b); err != nil {
		return nil, err
	}
	if err := wide.unpackUpload("public key", data[cut:], k.lane.b); err != nil {
		return nil, err
	}
	k.score.a = p.score.uniform(p.score.newPoly(), k.public, labelKeyA)
	k.lane.a = wide.r.uniform(wide.r.newPoly(), k.public, labelLaneKeyA)
	p.score.transform(k.score.b)
	wide.r.transform(k.lane.b)
	return k, nil
}

// in returns the key for a ring with fewer of the same primes.
func (k ringKey) in(r *ring) ringKey { return ringKey{r, k.a[:len(r.q)], k.b[:len(r.q)]} }

// answer turns a ciphertext (a, b), transformed, into wire form: it adds a fresh
// encryption of zero, then in coefficient form a message and flooding at the given
// coefficients (ascending; nil: all of them), switches from q to the wire moduli and
// packs. a and b are overwritten. addMessage adds the messages to what it is given, the
// coefficients of b at the positions. Coefficients of b that are not asked for never leave
// the machine.
func (k ringKey) answer(a, b poly, positions []int, addMessage func(b poly), noise *Stream, budget Budget) []byte {
	r := k.r
	lent := r.borrow()
	defer r.giveBack(lent)
	u := r.transform(r.ternary(*lent, noise))
	r.mulAdd(a, k.a, u)
	r.mulAdd(b, k.b, u)
	r.inverseTransform(a)
	r.inverseTransform(b)
	r.addErrors(a, noise)
	if positions != nil {
		b = gather(b, positions)
	}
	addMessage(b)
	r.flood(b, budget.FloodBits, noise, *lent)
	r.addErrors(b, noise)
	out, cut := make([]byte, r.answerSize(budget, len(b[0]))), packedSize(r.n, budget.MaskBits)
	r.pack(out[:cut], a, budget.MaskBits, u[0])
	r.pack(out[cut:], b, budget.MessageBits, u[0])
	return out
}

// gather moves the coefficients at ascending positions to the front and returns them.
func gather(b poly, positions []int) poly {
	for l := range b {
		for c, i := range positions {
			b[l][c] = b[l][i]
		}
	}
	return b.front(len(positions))
}

// maxFloodBits keeps a sample within two digits of 50 bits.
const maxFloodBits = 99

// flood adds a uniform integer of [-2^bits, 2^bits) to every coefficient: two words each,
// the higher half first, of which the upper bits are used. work is overwritten.
func (r *ring) flood(b poly, bits int, st *Stream, work poly) {
	low, high := work[0][:len(b[0])], work[1][:len(b[0])]
	cut := uint(128 - bits - 1) // above 14
	var words [512]uint64
	for from := 0; from < len(low); from += len(words) / 2 {
		count := min(len(low)-from, len(words)/2)
		st.words(words[:2*count])
		for i := range count {
			hi, lo := words[2*i], words[2*i+1]
			// A shift by 64 or more, also by less than nothing, gives zero.
			low[from+i] = (hi>>(cut-64) | hi<<(64-cut) | lo>>cut) & (1<<50 - 1)
			high[from+i] = hi >> (cut - 14)
		}
	}
	for l, q := range r.q {
		q.ScaleAdd(b[l], low, q.Factor(1))
		// high*2^50 - 2^bits = (high - 2^(bits-50)) * 2^50, and then the next prime's.
		shift := q.q - 1<<(bits-50)
		if l > 0 {
			shift -= r.q[l-1].q - 1<<(bits-50)
		}
		for i := range high {
			high[i] += shift
		}
		q.ScaleAdd(b[l], high, q.Factor(1<<50-q.q))
	}
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

// Mask returns the encoded share of a sum: at each position, ascending, the inner product
// plus offset plus 1 plus mask, modulo 2^ScoreBits. index separates the random values of
// the shares of a session. The sum is used up.
func (s *Sum) Mask(index uint32, positions []int, offset int64, seed Seed) []byte {
	p := s.key.p
	r := p.Masks(seed, index, len(positions))
	cut := uint64(1)<<p.ScoreBits - 1
	defer func() {
		p.score.giveBack(s.a, s.b)
		s.a, s.b = nil, nil
	}()
	return s.key.score.answer(*s.a, *s.b, positions, func(b poly) {
		p.scoring.add(b, func(i int) uint64 { return (uint64(r[i]) + uint64(offset) + 1) & cut })
	}, NewStream(seed, labelShareNoise, index), p.Score)
}
