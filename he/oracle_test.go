package he

import (
	"math"
	"math/big"
	"math/bits"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"
)

// oracle is Lattigo's scheme layer over one of our rings, with our secret and public key.
// Product code uses none of it.
type oracle struct {
	r      *ring
	params rlwe.Parameters
	secret *rlwe.SecretKey
	public *rlwe.PublicKey
}

func newOracle(t *testing.T, s session, key ringKey) oracle {
	t.Helper()
	var primes []uint64
	for _, m := range key.r.q {
		primes = append(primes, m.q)
	}
	params, err := rlwe.NewParametersFromLiteral(rlwe.ParametersLiteral{
		LogN: bits.Len(uint(key.r.n)) - 1, Q: primes, NTTFlag: true})
	if err != nil {
		t.Fatal(err)
	}
	o := oracle{key.r, params, rlwe.NewSecretKey(params), rlwe.NewPublicKey(params)}
	r := params.RingQ()
	for i, v := range s.owner.secretCoefficients(key.r) {
		for l, q := range r.ModuliChain() {
			o.secret.Value.Q.Coeffs[l][i] = uint64(int64(q)+v) % q
		}
	}
	r.NTT(o.secret.Value.Q, o.secret.Value.Q)
	r.MForm(o.secret.Value.Q, o.secret.Value.Q)
	for l := range primes {
		copy(o.public.Value[0].Q.Coeffs[l], key.b[l])
		copy(o.public.Value[1].Q.Coeffs[l], key.a[l])
	}
	for _, v := range o.public.Value { // Lattigo keeps its keys in Montgomery form
		r.MForm(v.Q, v.Q)
	}
	return o
}

// decrypt returns Lattigo's phase of (a, b), a transformed, b in coefficient form.
func (o oracle) decrypt(a, b poly) []*big.Int {
	ct := rlwe.NewCiphertext(o.params, 1)
	for l := range a {
		copy(ct.Value[0].Coeffs[l], b[l])
		copy(ct.Value[1].Coeffs[l], a[l])
	}
	r := o.params.RingQ()
	r.NTT(ct.Value[0], ct.Value[0])
	pt := rlwe.NewDecryptor(o.params, o.secret).DecryptNew(ct)
	r.INTT(pt.Value, pt.Value)
	out := make([]*big.Int, o.r.n)
	for i := range out {
		out[i] = new(big.Int)
	}
	r.PolyToBigintCentered(pt.Value, 1, out)
	return out
}

// encrypt returns Lattigo's encryption of messages modulo t in wire form.
func (o oracle) encrypt(t *testing.T, key rlwe.EncryptionKey, messages []uint64, modulus uint64, budget Budget) []byte {
	t.Helper()
	r, pt := o.params.RingQ(), rlwe.NewPlaintext(o.params, o.params.MaxLevel())
	for i, m := range messages {
		v := o.r.bigLift(m, modulus)
		for l, q := range o.r.q {
			pt.Value.Coeffs[l][i] = new(big.Int).Mod(v, bigOf(q.q)).Uint64()
		}
	}
	r.NTT(pt.Value, pt.Value)
	ct, err := rlwe.NewEncryptor(o.params, key).EncryptNew(pt)
	if err != nil {
		t.Fatal(err)
	}
	r.INTT(ct.Value[0], ct.Value[0])
	r.INTT(ct.Value[1], ct.Value[1])
	var wire []byte
	for part, width := range []int{budget.MaskBits, budget.MessageBits} {
		packed := make([]byte, packedSize(o.r.n, width))
		o.r.pack(packed, poly(ct.Value[1-part].Coeffs), width, make([]uint64, o.r.n))
		wire = append(wire, packed...)
	}
	return wire
}

// TestLattigoDecryptsOurs: what we encrypt, Lattigo decrypts to q*m/T and an error of at
// most 21, half a unit of rounding and half of what the wire drops.
func TestLattigoDecryptsOurs(t *testing.T) {
	for name, need := range testNeeds {
		p := mustNew(t, need)
		s := newSession(t, p, 51)
		rng := rand.New(rand.NewPCG(7, 8))
		key := s.owner.PublicKey()[len(Seed{}):]
		cut := p.uploadSize(p.keyBudget())
		check := func(what string, k ringKey, a, b poly, dropped int, modulus uint64, message []uint64) {
			t.Helper()
			limit := errorBound + 0.5
			if dropped > 0 {
				limit += math.Exp2(float64(dropped - 1))
			}
			q := k.r.bigQ()
			most := new(big.Int).Mul(bigOf(modulus), big.NewInt(int64(2*limit))) // 2*modulus*limit
			theirs, ours := newOracle(t, s, k).decrypt(a, b), s.owner.phase(k.r, a, b)
			for i, ph := range theirs {
				m := uint64(0)
				if message != nil {
					m = message[i]
				}
				// The phase is centred, q*m/T is not: the difference counts modulo q.
				e := new(big.Int).Mul(ph, bigOf(modulus))
				e.Sub(e, new(big.Int).Mul(q, bigOf(m)))
				e = centre(e, new(big.Int).Mul(q, bigOf(modulus)))
				if e.Lsh(e, 1).CmpAbs(most) > 0 {
					t.Fatalf("%s, %s: coefficient %d is not q*m/T and a small error", name, what, i)
				}
				if ours[i].Cmp(ph) != 0 {
					t.Fatalf("%s, %s: our phase differs from Lattigo's at %d", name, what, i)
				}
			}
		}
		unpack := func(data []byte, budget Budget) poly {
			b := p.score.newPoly()
			if err := p.unpackUpload("", data, budget, b); err != nil {
				t.Fatal(err)
			}
			return b
		}
		unpackLanes := func(data []byte, l *lanes) poly {
			b := l.r.newPoly()
			if err := l.unpackUpload("", data, b); err != nil {
				t.Fatal(err)
			}
			return b
		}
		block, scores := make([]int32, p.n), make([]uint64, p.n)
		for i := range block {
			block[i] = int32(rng.IntN(256) - 128)
			scores[i] = uint64(block[i]) & (p.scoring.t - 1)
		}
		check("block", s.key.score, p.score.uniform(p.score.newPoly(), s.owner.public, labelBlockA, 9),
			unpack(s.owner.EncryptBlock(9, block), p.Score), p.Score.DroppedBits, p.scoring.t, scores)
		check("key", s.key.score, p.score.uniform(p.score.newPoly(), s.owner.public, labelKeyA), unpack(key[:cut], p.keyBudget()), 0, 2, nil)
		wide := p.widest()
		check("lane key", s.key.lane, wide.r.uniform(wide.r.newPoly(), s.owner.public, labelLaneKeyA), unpackLanes(key[cut:], wide), 0, 2, nil)
		last := p.HitBits - 1
		for planes, l := range p.lanes {
			x := make([]uint32, planes*l.r.n+7)
			values := newLists(planes+1, l.r.n)
			for i := range x {
				x[i] = rng.Uint32() & (1<<p.ScoreBits - 1)
				values[i/l.r.n][i%l.r.n] = uint64(x[i] >> last)
			}
			check("prefixes", s.key.lane.in(l.r), l.r.uniform(l.r.newPoly(), s.owner.public, labelPrefixA, 4, uint32(last)),
				unpackLanes(s.owner.EncryptPrefix(4, last, x), l), 0, l.t, l.join(values))
		}
	}
}

// TestWeDecryptLattigos: what Lattigo encrypts, under the secret or under our public key,
// comes out of OpenShare and of openAnswer when it is put on our wire.
func TestWeDecryptLattigos(t *testing.T) {
	for name, need := range testNeeds {
		p := mustNew(t, need)
		s := newSession(t, p, 52)
		rng := rand.New(rand.NewPCG(9, 10))
		o := newOracle(t, s, s.key.score)
		for kind, key := range map[string]rlwe.EncryptionKey{"secret": o.secret, "public": o.public} {
			messages := make([]uint64, p.n)
			for i := range messages {
				messages[i] = rng.Uint64() & (p.scoring.t - 1)
			}
			x, err := s.owner.OpenShare(o.encrypt(t, key, messages, p.scoring.t, p.Score), allPositions(p))
			if err != nil {
				t.Fatal(err)
			}
			for i, v := range x {
				if uint64(v) != messages[i] {
					t.Fatalf("%s, %s key: coefficient %d is %d, expected %d", name, kind, i, v, messages[i])
				}
			}
		}
		for _, l := range p.lanes {
			o := newOracle(t, s, s.key.lane.in(l.r))
			for kind, key := range map[string]rlwe.EncryptionKey{"secret": o.secret, "public": o.public} {
				values := newLists(len(l.planes), l.r.n)
				for plane, m := range l.planes {
					for i := range values[plane] {
						values[plane][i] = rng.Uint64N(m.q)
					}
				}
				want := slices.Concat(values...)
				got := s.values(t, o.encrypt(t, key, l.join(values), l.t, l.budget), l.lanesIn())
				if !slices.Equal(got, want) {
					t.Fatalf("%s, %d planes, %s key: other values", name, len(l.planes), kind)
				}
			}
		}
	}
}
