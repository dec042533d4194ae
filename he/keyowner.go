package he

import (
	"math/bits"

	"github.com/puente-project/puente/he/internal/kernel"
)

// KeyOwner holds the secret keys, derived with everything else that it draws from
// one seed. It is safe for concurrent use. A seed serves one session: the same
// seed with other blocks or prefixes would reuse errors.
type KeyOwner struct {
	p      *Params
	seed   Seed
	public Seed
	score  poly // secret of the ring of scores, transformed
	lane   poly // secret of the ring of comparisons, transformed, for all primes

	minusScore, minusLane poly // the same, negated
}

// NewKeyOwner derives the secret keys of a session, uniform ternary.
func (p *Params) NewKeyOwner(seed Seed) *KeyOwner {
	secret := func(r *ring, label string) (s, minus poly) {
		s, minus = r.transform(r.ternary(r.newPoly(), NewStream(seed, label))), r.newPoly()
		for l, q := range r.q {
			q.Scale(minus[l], s[l], q.Factor(q.q-1))
		}
		return s, minus
	}
	k := &KeyOwner{p: p, seed: seed, public: seed.Derive(labelPublicSeed)}
	k.score, k.minusScore = secret(p.score, labelSecret)
	k.lane, k.minusLane = secret(p.widest().r, labelLaneSecret)
	return k
}

// widest returns the lanes with the most primes of q, for which there is a public key.
func (p *Params) widest() *lanes { return p.lanes[len(p.lanes)-1] }

// encryptZero returns the b of a fresh encryption of zero in coefficient form,
// b = e - a*s, for -s and a given in transformed form. It overwrites a.
func (r *ring) encryptZero(a, minusSecret poly, errors *Stream) poly {
	for l, q := range r.q {
		q.Mul(a[l], a[l], minusSecret[l])
		q.INTT(a[l])
	}
	r.addErrors(a, errors)
	return a
}

// keyBudget is the upload form of the public key of scores: nothing dropped.
func (p *Params) keyBudget() Budget { return Budget{UploadBits: p.whole.bitLen()} }

// PublicKeySize is the length of an encoded public key in bytes.
func (p *Params) PublicKeySize() int {
	return len(Seed{}) + p.uploadSize(p.keyBudget()) + p.widest().uploadSize()
}

// BlockSize is the length of an encoded block in bytes.
func (p *Params) BlockSize() int { return p.uploadSize(p.Score) }

// PrefixSize is the length of the encoded prefixes of a level, for a batch of count
// comparisons.
func (p *Params) PrefixSize(count int) int { return p.lanesFor(count).uploadSize() }

// PublicKey returns the public seed, followed by the b of an encryption of zero in
// either ring.
func (k *KeyOwner) PublicKey() []byte {
	p, wide := k.p, k.p.widest()
	out := append([]byte{}, k.public[:]...)
	a := p.score.uniform(p.score.newPoly(), k.public, labelKeyA)
	out = append(out, p.packUpload(p.score.encryptZero(a, k.minusScore, NewStream(k.seed, labelKeyError)), p.keyBudget())...)
	a = wide.r.uniform(wide.r.newPoly(), k.public, labelLaneKeyA)
	return append(out, wide.packUpload(wide.r.encryptZero(a, k.minusLane, NewStream(k.seed, labelLaneKeyError)))...)
}

// EncryptBlock encrypts block number index: coefficients modulo 2^ScoreBits, at
// most n of them, the rest zero.
func (k *KeyOwner) EncryptBlock(index uint32, block []int32) []byte {
	p := k.p
	a := p.score.borrow()
	defer p.score.giveBack(a)
	b := p.score.encryptZero(p.score.uniform(*a, k.public, labelBlockA, index), k.minusScore, NewStream(k.seed, labelBlockError, index))
	mask := uint64(1)<<p.ScoreBits - 1
	p.scoring.add(b.front(min(len(block), p.n)), func(i int) uint64 { return uint64(int64(block[i])) & mask }) // zero lifts to zero
	return p.packUpload(b, p.Score)
}

// EncryptPrefix encrypts x>>level, one lane a value, for a level of 0..HitBits-1. At most
// Lanes values of ScoreBits bits; unused lanes hold 0.
func (k *KeyOwner) EncryptPrefix(batch uint32, level int, x []uint32) []byte {
	l := k.p.lanesFor(len(x))
	work := l.r.borrow()
	defer l.r.giveBack(work)
	message, prefixes := (*work)[0], (*work)[1]
	clear(message)
	for p := range l.planes {
		values := x[min(p*l.r.n, len(x)):min((p+1)*l.r.n, len(x))]
		count := len(values)
		kernel.Widen(prefixes[:count], values, uint(level))
		l.whole.ScaleAdd(message[:count], prefixes[:count], l.unit[p])
	}
	l.whole.INTT(message)
	a := l.r.borrow()
	defer l.r.giveBack(a)
	b := l.r.encryptZero(l.r.uniform(*a, k.public, labelPrefixA, batch, uint32(level)), k.minusLane,
		NewStream(k.seed, labelPrefixError, batch, uint32(level)))
	l.addMessage(b, message)
	return l.packUpload(b)
}

// ShareSize is the length in bytes of an encoded share of count scores.
func (p *Params) ShareSize(count int) int { return p.score.answerSize(p.Score, count) }

// OpenShare decrypts the masked scores at the given coefficients, at most Degree of them,
// each uniform modulo 2^ScoreBits.
func (k *KeyOwner) OpenShare(data []byte, positions []int) ([]uint32, error) {
	p := k.p
	work, more := p.score.borrow(), p.score.borrow()
	defer p.score.giveBack(work, more)
	phase, messages := (*work)[0], (*more)[0][:len(positions)]
	if err := p.score.unpackAnswer("share", data, p.Score, phase, messages); err != nil {
		return nil, err
	}
	p.score.maskPhase(phase, (*work)[1], k.score, p.Score.MaskBits)
	x := make([]uint32, len(positions))
	for i, position := range positions {
		x[i] = uint32(roundTo(phase[position], messages[i], p.Score, 1<<p.ScoreBits))
	}
	return x, nil
}

// VerdictSize is the length in bytes of an encoded answer to a batch of count
// comparisons; there are HitBits of them.
func (p *Params) VerdictSize(count int) int {
	l := p.lanesFor(count)
	return l.r.answerSize(l.budget, l.r.n)
}

// OpenVerdict sets hits[i] where lane i of one answer of a batch is zero, which is a
// hit; the others stay as they are. len(hits) is the number of comparisons of the batch.
func (k *KeyOwner) OpenVerdict(data []byte, hits []bool) error {
	l := k.p.lanesFor(len(hits))
	work := l.r.borrow()
	defer l.r.giveBack(work)
	values := (*work)[0]
	if err := k.openAnswer(data, len(hits), values); err != nil {
		return err
	}
	for p, m := range l.planes {
		m.markMultiples(hits[min(p*l.r.n, len(hits)):min((p+1)*l.r.n, len(hits))], values)
	}
	return nil
}

// markMultiples sets hits[i] where values[i] is a multiple of q: where its product with
// the inverse of q modulo 2^64 is a quotient, no larger than that of the largest multiple
// (Granlund and Montgomery, PLDI 1994, section 9).
func (m *modulus) markMultiples(hits []bool, values []uint64) {
	inverse := m.q // modulo 8; each of Newton's steps doubles the bits
	for range 5 {
		inverse *= 2 - m.q*inverse
	}
	for i, v := range values[:len(hits)] {
		if v*inverse <= m.whole {
			hits[i] = true
		}
	}
}

// openAnswer decrypts an answer to a batch of count comparisons to one value modulo T for
// the lanes of all planes, in transformed form.
func (k *KeyOwner) openAnswer(data []byte, count int, values []uint64) error {
	l := k.p.lanesFor(count)
	work := l.r.borrow()
	defer l.r.giveBack(work)
	messages := (*work)[0]
	if err := l.r.unpackAnswer("verdict", data, l.budget, values, messages); err != nil {
		return err
	}
	l.r.maskPhase(values, (*work)[1], k.lane, l.budget.MaskBits)
	for i, phase := range values {
		values[i] = roundTo(phase, messages[i], l.budget, l.t)
	}
	l.whole.NTT(values)
	return nil
}

// wholeMask is the largest width of an a that is multiplied as one, and halfMask is where a
// wider one is cut in two: so that |part*s| < n*2^(wholeMask-1) stays below half of a prime.
const (
	wholeMask = 36
	halfMask  = 31
)

// maskPhase replaces the a of an answer, integers of width bits, signed, by a*s modulo
// 2^width and more, as integers in two's complement. work is overwritten.
func (r *ring) maskPhase(phase, work []uint64, secret poly, width int) {
	q, sign := r.q[0], uint(64-width)
	parts := [][]uint64{phase, work}
	if width <= wholeMask {
		parts = parts[:1]
		for i, v := range phase {
			phase[i] = q.signed(int64(v<<(sign&63)) >> (sign & 63))
		}
	} else {
		for i, v := range phase {
			phase[i], work[i] = v&(1<<halfMask-1), q.signed(int64(v<<(sign&63))>>(sign&63)>>halfMask)
		}
	}
	for _, part := range parts {
		q.NTT(part)
		q.Mul(part, part, secret[0])
		q.INTT(part)
	}
	for i, v := range phase {
		phase[i] = q.centred(v)
	}
	if len(parts) > 1 {
		for i, v := range work {
			phase[i] += q.centred(v) << halfMask
		}
	}
}

// centred returns v < q less q if it is above q/2, in two's complement.
func (m *modulus) centred(v uint64) uint64 {
	return v - uint64(int64(m.q/2-v)>>63)&m.q
}

// roundTo returns round((phase + b*2^(MaskBits-MessageBits)) * T / 2^MaskBits) mod T.
func roundTo(phase, b uint64, budget Budget, t uint64) uint64 {
	v := (phase + b<<(budget.MaskBits-budget.MessageBits)) << (64 - budget.MaskBits)
	hi, lo := bits.Mul64(v, t)
	r := hi + lo>>63
	if r == t {
		return 0
	}
	return r
}
