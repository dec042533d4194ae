package he

import (
	"fmt"
	"math/bits"
)

// KeyOwner holds a secret key, derived with everything else that it draws from
// one seed. It is safe for concurrent use. A seed serves one session: the same
// seed with other blocks or prefixes would reuse errors.
type KeyOwner struct {
	p      *Params
	seed   Seed
	public Seed
	secret poly // s, transformed
}

// NewKeyOwner derives the secret key of a session: s uniform ternary.
func (p *Params) NewKeyOwner(seed Seed) *KeyOwner {
	return &KeyOwner{p: p, seed: seed, public: seed.Derive(labelPublicSeed),
		secret: p.transform(p.ternaryPoly(newPoly(p.n), NewStream(seed, labelSecret)))}
}

// ternaryPoly fills t with uniform ternary coefficients and returns it.
func (p *Params) ternaryPoly(t poly, st *Stream) poly {
	for i := 0; i < p.n; i++ {
		v := st.ternary()
		for l, q := range p.q {
			t[l][i] = q.signed(v)
		}
	}
	return t
}

// transform replaces a polynomial by its number-theoretic transform.
func (p *Params) transform(a poly) poly {
	for l, q := range p.q {
		q.NTT(a[l])
	}
	return a
}

// publicPoly expands the a of a ciphertext from a public seed into a, in transformed
// form, and returns it.
func (p *Params) publicPoly(a poly, public Seed, label string, index ...uint32) poly {
	st := NewStream(public, label, index...)
	for l, q := range p.q {
		st.uniform(a[l], q.q)
	}
	return a
}

// encryptZero returns the b of a fresh encryption of zero in coefficient form,
// b = e - a*s, for a given in transformed form, which it overwrites.
func (k *KeyOwner) encryptZero(a poly, errors *Stream) poly {
	for l, q := range k.p.q {
		q.Mul(a[l], a[l], k.secret[l])
		q.INTT(a[l])
	}
	for i := 0; i < k.p.n; i++ {
		e := errors.smallError()
		for l, q := range k.p.q {
			a[l][i] = q.subtract(q.signed(e), a[l][i])
		}
	}
	return a
}

// addMessage adds lift(m(i)) to every coefficient.
func (p *Params) addMessage(b poly, s *scale, m func(i int) uint64) {
	for i := 0; i < p.n; i++ {
		v := s.lift(m(i))
		for l, q := range p.q {
			b[l][i] = q.add(b[l][i], v[l])
		}
	}
}

// keyBudget is the upload form of the public key: nothing dropped.
func (p *Params) keyBudget() Budget { return Budget{UploadBits: p.whole.bitLen()} }

// PublicKeySize is the length of an encoded public key in bytes.
func (p *Params) PublicKeySize() int { return len(Seed{}) + p.uploadSize(p.keyBudget()) }

// BlockSize is the length of an encoded block in bytes.
func (p *Params) BlockSize() int { return p.uploadSize(p.Score) }

// PrefixesSize is the length of an encoded batch of prefixes in bytes.
func (p *Params) PrefixesSize() int { return p.HitBits * p.uploadSize(p.Compare) }

// PublicKey returns the public seed, followed by the b of an encryption of zero.
func (k *KeyOwner) PublicKey() []byte {
	a := k.p.publicPoly(newPoly(k.p.n), k.public, labelKeyA)
	b := k.encryptZero(a, NewStream(k.seed, labelKeyError))
	return append(append([]byte{}, k.public[:]...), k.p.packUpload(b, k.p.keyBudget())...)
}

// EncryptBlock encrypts block number index: coefficients modulo 2^ScoreBits, at
// most n of them, the rest zero.
func (k *KeyOwner) EncryptBlock(index uint32, block []int32) []byte {
	p := k.p
	a := p.spare.borrow(p.n)
	defer p.spare.giveBack(a)
	b := k.encryptZero(p.publicPoly(*a, k.public, labelBlockA, index), NewStream(k.seed, labelBlockError, index))
	mask := uint64(1)<<p.ScoreBits - 1
	p.addMessage(b, &p.scoring, func(i int) uint64 {
		if i >= len(block) {
			return 0
		}
		return uint64(int64(block[i])) & mask
	})
	return p.packUpload(b, p.Score)
}

// EncryptPrefixes encrypts x>>j for the levels j = 0..HitBits-1, one ciphertext a
// level, one slot a value. At most n values of ScoreBits bits; unused slots hold 0.
func (k *KeyOwner) EncryptPrefixes(batch uint32, x []uint32) []byte {
	p := k.p
	out := make([]byte, 0, p.PrefixesSize())
	work, lent := p.spare.borrow(p.n), p.spare.borrow(p.n)
	defer p.spare.giveBack(work, lent)
	slots := work[0]
	for level := 0; level < p.HitBits; level++ {
		clear(slots)
		for i, v := range x {
			slots[i] = uint64(v >> level)
		}
		p.slots.INTT(slots)
		b := k.encryptZero(p.publicPoly(*lent, k.public, labelPrefixA, batch, uint32(level)),
			NewStream(k.seed, labelPrefixError, batch, uint32(level)))
		p.addMessage(b, &p.testing, func(i int) uint64 { return slots[i] })
		out = append(out, p.packUpload(b, p.Compare)...)
	}
	return out
}

// ShareSize is the length in bytes of an encoded share of count scores.
func (p *Params) ShareSize(count int) int {
	return packedSize(p.n, p.Score.MaskBits) + packedSize(count, p.Score.MessageBits)
}

// OpenShare decrypts the masked scores at the given coefficients, each uniform
// modulo 2^ScoreBits.
func (k *KeyOwner) OpenShare(data []byte, positions []int) ([]uint32, error) {
	p := k.p
	if err := checkLength("share", len(data), p.ShareSize(len(positions))); err != nil {
		return nil, err
	}
	r := unpacker{in: data}
	work := p.spare.borrow(p.n)
	defer p.spare.giveBack(work)
	phase := k.maskPhase(work[0], &r, p.Score.MaskBits)
	if !r.align() {
		return nil, fmt.Errorf("share: %w", ErrPadding)
	}
	x := make([]uint32, len(positions))
	for i, position := range positions {
		b := r.get(uint(p.Score.MessageBits))
		x[i] = uint32(roundTo(phase[position], b, p.Score, 1<<p.ScoreBits))
	}
	if !r.align() {
		return nil, fmt.Errorf("share: %w", ErrPadding)
	}
	return x, nil
}

// VerdictSize is the length in bytes of an encoded verdict.
func (p *Params) VerdictSize() int {
	return (p.HitBits + 1) * (packedSize(p.n, p.Compare.MaskBits) + packedSize(p.n, p.Compare.MessageBits))
}

// OpenVerdict sets hits[i] where one of the tests of slot i came back zero, which is
// a hit; the others stay as they are. At most n slots.
func (k *KeyOwner) OpenVerdict(data []byte, hits []bool) error {
	return k.openTests(data, func(slots []uint64) {
		for i := range hits {
			hits[i] = hits[i] || slots[i] == 0
		}
	})
}

// openTests decrypts the tests of a verdict in the order in which they came and
// hands over the slots of each.
func (k *KeyOwner) openTests(data []byte, use func(slots []uint64)) error {
	p := k.p
	if err := checkLength("verdict", len(data), p.VerdictSize()); err != nil {
		return err
	}
	r := unpacker{in: data}
	work := p.spare.borrow(p.n)
	defer p.spare.giveBack(work)
	slots := work[1]
	for test := 0; test <= p.HitBits; test++ {
		phase := k.maskPhase(work[0], &r, p.Compare.MaskBits)
		if !r.align() {
			return fmt.Errorf("verdict: %w", ErrPadding)
		}
		for i := range slots {
			slots[i] = roundTo(phase[i], r.get(uint(p.Compare.MessageBits)), p.Compare, p.slots.q)
		}
		if !r.align() {
			return fmt.Errorf("verdict: %w", ErrPadding)
		}
		p.slots.NTT(slots)
		use(slots)
	}
	return nil
}

// maskPhase reads the a of an answer (n integers modulo 2^width) into a and returns
// a*s as integers in two's complement. The products are exact: |a*s| <= n*2^(width-1) is
// far below half of q0.
func (k *KeyOwner) maskPhase(a []uint64, r *unpacker, width int) []uint64 {
	q := k.p.q[0]
	for i := range a {
		v := r.get(uint(width))
		a[i] = q.signed(int64(v<<(64-width)) >> (64 - width))
	}
	q.NTT(a)
	q.Mul(a, a, k.secret[0])
	q.INTT(a)
	for i, v := range a {
		if v > q.q/2 {
			a[i] = v - q.q
		}
	}
	return a
}

// roundTo returns round((phase + b*2^(MaskBits-MessageBits)) * T / 2^MaskBits) mod T.
func roundTo(phase, b uint64, budget Budget, t uint64) uint64 {
	width := uint(budget.MaskBits)
	v := (phase + b<<(budget.MaskBits-budget.MessageBits)) & (1<<width - 1)
	hi, lo := bits.Mul64(v, t)
	lo, carry := bits.Add64(lo, 1<<(width-1), 0)
	r := uint128{hi + carry, lo}.shiftRight(width).lo
	if r == t {
		return 0
	}
	return r
}
