package he

import (
	"errors"
	"math"
	"math/big"
	"math/bits"
	"math/rand/v2"
	"testing"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"
	"pgregory.net/rapid"
)

// oracle is Lattigo's scheme layer over the same ring, with our secret and public key.
// Product code uses none of it.
type oracle struct {
	params rlwe.Parameters
	secret *rlwe.SecretKey
	public *rlwe.PublicKey
}

func newOracle(t *testing.T, s session) oracle {
	t.Helper()
	p := s.p
	params, err := rlwe.NewParametersFromLiteral(rlwe.ParametersLiteral{
		LogN: bits.Len(uint(p.n)) - 1, Q: []uint64{p.q[0].q, p.q[1].q}, NTTFlag: true})
	if err != nil {
		t.Fatal(err)
	}
	o := oracle{params, rlwe.NewSecretKey(params), rlwe.NewPublicKey(params)}
	r := params.RingQ()
	for i, v := range s.owner.secretCoefficients() {
		for l, q := range r.ModuliChain() {
			o.secret.Value.Q.Coeffs[l][i] = uint64(int64(q)+v) % q
		}
	}
	r.NTT(o.secret.Value.Q, o.secret.Value.Q)
	r.MForm(o.secret.Value.Q, o.secret.Value.Q)
	for l := range p.q {
		copy(o.public.Value[0].Q.Coeffs[l], s.key.b[l])
		copy(o.public.Value[1].Q.Coeffs[l], s.key.a[l])
	}
	for _, v := range o.public.Value { // Lattigo keeps its keys in Montgomery form
		r.MForm(v.Q, v.Q)
	}
	return o
}

// decrypt returns Lattigo's phase of (a, b), a transformed, b in coefficient form.
func (o oracle) decrypt(p *Params, a, b poly) []*big.Int {
	ct := rlwe.NewCiphertext(o.params, 1)
	for l := range p.q {
		copy(ct.Value[0].Coeffs[l], b[l])
		copy(ct.Value[1].Coeffs[l], a[l])
	}
	r := o.params.RingQ()
	r.NTT(ct.Value[0], ct.Value[0])
	pt := rlwe.NewDecryptor(o.params, o.secret).DecryptNew(ct)
	r.INTT(pt.Value, pt.Value)
	out := make([]*big.Int, p.n)
	for i := range out {
		out[i] = new(big.Int)
	}
	r.PolyToBigintCentered(pt.Value, 1, out)
	return out
}

// TestLattigoDecryptsOurs: what we encrypt, Lattigo decrypts to q*m/T and an error of at
// most 21, half a unit of rounding and half of what the wire drops.
func TestLattigoDecryptsOurs(t *testing.T) {
	for name, need := range testNeeds {
		p := mustNew(t, need)
		s := newSession(t, p, 51)
		o := newOracle(t, s)
		rng := rand.New(rand.NewPCG(7, 8))
		block := make([]int32, p.n)
		for i := range block {
			block[i] = int32(rng.IntN(256) - 128)
		}
		x := make([]uint32, p.n)
		for i := range x {
			x[i] = rng.Uint32() & (1<<p.ScoreBits - 1)
		}
		slots := make([]uint64, p.n)
		for i := range slots {
			slots[i] = uint64(x[i] >> (p.HitBits - 1))
		}
		p.slots.INTT(slots)
		last := p.HitBits - 1
		size := p.uploadSize(p.Compare)
		for what, c := range map[string]struct {
			wire    []byte
			a       poly
			budget  Budget
			t       uint64
			message func(i int) uint64
		}{
			"block": {s.owner.EncryptBlock(9, block), p.publicPoly(newPoly(p.n), s.owner.public, labelBlockA, 9), p.Score, p.scoring.t,
				func(i int) uint64 { return uint64(block[i]) & (p.scoring.t - 1) }},
			"prefixes": {s.owner.EncryptPrefixes(4, x)[last*size:], p.publicPoly(newPoly(p.n), s.owner.public, labelPrefixA, 4, uint32(last)),
				p.Compare, p.slots.q, func(i int) uint64 { return slots[i] }},
			"key": {s.owner.PublicKey()[32:], p.publicPoly(newPoly(p.n), s.owner.public, labelKeyA), p.keyBudget(), 2, func(int) uint64 { return 0 }},
		} {
			b := newPoly(p.n)
			if err := p.unpackUpload(what, c.wire, c.budget, b); err != nil {
				t.Fatal(err)
			}
			limit := errorBound + 0.5
			if c.budget.DroppedBits > 0 {
				limit += math.Exp2(float64(c.budget.DroppedBits - 1))
			}
			theirs, ours := o.decrypt(p, c.a, b), s.owner.phase(c.a, b)
			for i, ph := range theirs {
				exact := new(big.Float).SetPrec(200).SetInt(new(big.Int).Mul(p.bigQ(), bigOf(c.message(i))))
				exact.Quo(exact, new(big.Float).SetUint64(c.t))
				whole := new(big.Float).SetPrec(200).SetInt(p.bigQ())
				e := new(big.Float).SetPrec(200).Sub(new(big.Float).SetPrec(200).SetInt(ph), exact)
				for _, turn := range []float64{0, 1} { // the phase is centred, q*m/T is not
					if v, _ := new(big.Float).Add(e, new(big.Float).Mul(whole, big.NewFloat(turn))).Float64(); math.Abs(v) <= limit {
						e = nil
						break
					}
				}
				if e != nil {
					t.Fatalf("%s, %s: coefficient %d is not q*m/T and a small error", name, what, i)
				}
				if ours[i].Cmp(ph) != 0 {
					t.Fatalf("%s, %s: our phase differs from Lattigo's at %d", name, what, i)
				}
			}
		}
	}
}

// TestWeDecryptLattigos: what Lattigo encrypts, under the secret or under our public key,
// comes out of OpenShare when it is put on our wire.
func TestWeDecryptLattigos(t *testing.T) {
	for name, need := range testNeeds {
		p := mustNew(t, need)
		s := newSession(t, p, 52)
		o := newOracle(t, s)
		r := o.params.RingQ()
		rng := rand.New(rand.NewPCG(9, 10))
		messages := make([]uint64, p.n)
		pt := rlwe.NewPlaintext(o.params, o.params.MaxLevel())
		for i := range messages {
			messages[i] = rng.Uint64() & (p.scoring.t - 1)
			v := p.bigLift(messages[i], p.scoring.t)
			for l, q := range p.q {
				pt.Value.Coeffs[l][i] = new(big.Int).Mod(v, bigOf(q.q)).Uint64()
			}
		}
		r.NTT(pt.Value, pt.Value)
		for kind, key := range map[string]rlwe.EncryptionKey{"secret": o.secret, "public": o.public} {
			ct, err := rlwe.NewEncryptor(o.params, key).EncryptNew(pt)
			if err != nil {
				t.Fatal(err)
			}
			r.INTT(ct.Value[0], ct.Value[0])
			r.INTT(ct.Value[1], ct.Value[1])
			w := newPacker(0)
			for part, width := range []int{p.Score.MaskBits, p.Score.MessageBits} {
				c := ct.Value[1-part].Coeffs
				to := newRounding(p.q[0].q, uint(width))
				for i := range p.n {
					w.put(p.switchDown(c[0][i], c[1][i], &to), uint(width))
				}
				w.align()
			}
			x, err := s.owner.OpenShare(w.bytes(), allPositions(p))
			if err != nil {
				t.Fatal(err)
			}
			for i, v := range x {
				if uint64(v) != messages[i] {
					t.Fatalf("%s, %s key: coefficient %d is %d, expected %d", name, kind, i, v, messages[i])
				}
			}
		}
	}
}

// TestTransformConvention evaluates polynomials directly: position i holds the value at
// psi^(2*brv(i)+1).
func TestTransformConvention(t *testing.T) {
	p := mustNew(t, testNeeds["iris 2048"])
	rng := rand.New(rand.NewPCG(11, 12))
	for _, m := range []*modulus{p.q[0], p.q[1], p.slots} {
		q := bigOf(m.q)
		psi := bigOf(m.Psi())
		if new(big.Int).Exp(psi, big.NewInt(int64(p.n)), q).Cmp(new(big.Int).Sub(q, big.NewInt(1))) != 0 {
			t.Fatalf("psi^n is not -1 modulo %d", m.q)
		}
		a := make([]uint64, p.n)
		for i := range a {
			a[i] = rng.Uint64N(m.q)
		}
		b := append([]uint64{}, a...)
		m.NTT(b)
		for _, i := range []int{0, 1, 2, 3, 64, 1000, 2047, 2048, 4094, 4095} {
			reversed := bits.Reverse64(uint64(i)) >> (64 - 12)
			x := new(big.Int).Exp(psi, bigOf(2*reversed+1), q)
			v := new(big.Int)
			for c := p.n - 1; c >= 0; c-- {
				v.Mul(v, x).Add(v, bigOf(a[c])).Mod(v, q)
			}
			if v.Uint64() != b[i] {
				t.Errorf("modulo %d, position %d holds another value", m.q, i)
			}
		}
		m.INTT(b)
		for i := range b {
			if b[i] != a[i] {
				t.Fatalf("modulo %d: the inverse transform gives another polynomial", m.q)
			}
		}
	}
}

// extremes draws residues, most of them at an end of the range.
func extremes(q uint64) *rapid.Generator[uint64] {
	return rapid.OneOf(rapid.SampledFrom([]uint64{0, 1, 2, q / 2, q/2 + 1, q - 2, q - 1}), rapid.Uint64Range(0, q-1))
}

// TestArithmetic holds the word arithmetic against math/big.
func TestArithmetic(t *testing.T) {
	for _, need := range testNeeds {
		p := mustNew(t, need)
		q0, q1, whole := bigOf(p.q[0].q), bigOf(p.q[1].q), p.bigQ()
		if p.whole.big().Cmp(whole) != 0 {
			t.Fatal("whole is not q0*q1")
		}
		radix := new(big.Int).Lsh(big.NewInt(1), 64)
		checkProperty(t, 2000, func(rt *rapid.T) {
			v0, v1 := extremes(p.q[0].q).Draw(rt, "v0"), extremes(p.q[1].q).Draw(rt, "v1")
			v := p.bigCRT(poly{{v0}, {v1}})[0]
			if got := p.compose(v0, v1); got.big().Cmp(v) != 0 {
				rt.Fatalf("compose(%d, %d) = %v, expected %v", v0, v1, got, v)
			}

			for _, m := range append(p.q[:], p.slots) {
				q := bigOf(m.q)
				hi, lo := extremes(m.q).Draw(rt, "hi"), rapid.OneOf(rapid.SampledFrom([]uint64{0, 1, math.MaxUint64}), rapid.Uint64()).Draw(rt, "lo")
				x := uint128{hi, lo}.big()
				want := new(big.Int).Mod(x, q)
				if got := m.reduce(hi, lo); got != want.Uint64() {
					rt.Fatalf("reduce(%d, %d) modulo %d", hi, lo, m.q)
				}
				inv := new(big.Int).ModInverse(radix, q)
				if got := m.redc(hi, lo); got != want.Mul(want, inv).Mod(want, q).Uint64() {
					rt.Fatalf("redc(%d, %d) modulo %d", hi, lo, m.q)
				}
				a, b := extremes(m.q).Draw(rt, "a"), extremes(m.q).Draw(rt, "b")
				for what, c := range map[string][2]*big.Int{
					"add":      {bigOf(m.add(a, b)), new(big.Int).Add(bigOf(a), bigOf(b))},
					"subtract": {bigOf(m.subtract(a, b)), new(big.Int).Sub(bigOf(a), bigOf(b))},
					"mul":      {bigOf(m.mul(m.mont(a), b)), new(big.Int).Mul(bigOf(a), bigOf(b))},
					"signed":   {bigOf(m.signed(-int64(a))), new(big.Int).Neg(bigOf(a))},
				} {
					if c[0].Cmp(c[1].Mod(c[1], q)) != 0 {
						rt.Fatalf("%s of %d and %d modulo %d", what, a, b, m.q)
					}
				}
				if a != 0 && m.slowMul(a, m.inverse(a)) != 1 {
					rt.Fatalf("inverse of %d modulo %d", a, m.q)
				}
			}

			for _, s := range []scale{p.scoring, p.testing} {
				m := extremes(s.t).Draw(rt, "m")
				want, got := p.bigLift(m, s.t), s.lift(m)
				if got[0] != new(big.Int).Mod(want, q0).Uint64() || got[1] != new(big.Int).Mod(want, q1).Uint64() {
					rt.Fatalf("lift of %d of %d", m, s.t)
				}
			}

			// switchDown rounds twice: by q1, halves down (q1 is odd: there are none), then
			// to the width, halves up.
			width := rapid.IntRange(3, 32).Draw(rt, "width")
			x := new(big.Int).Add(v, new(big.Int).Rsh(q1, 1))
			x.Div(x, q1).Mod(x, q0)
			to := newRounding(p.q[0].q, uint(width))
			if got := to.divide(x.Uint64()); bigOf(got).Cmp(bigDivRound(x, width, q0)) != 0 {
				rt.Fatalf("divide(%v) after %d bits", x, width)
			}
			want := new(big.Int).And(bigDivRound(x, width, q0), bigOf(1<<width-1))
			if got := p.switchDown(v0, v1, &to); got != want.Uint64() {
				rt.Fatalf("switchDown(%d, %d, %d) = %d, expected %v", v0, v1, width, got, want)
			}
		})
	}
}

// bigDivRound returns floor((x*2^width + floor(q/2)) / q).
func bigDivRound(x *big.Int, width int, q *big.Int) *big.Int {
	r := new(big.Int).Lsh(x, uint(width))
	return r.Add(r, new(big.Int).Rsh(q, 1)).Div(r, q)
}

func TestUint128(t *testing.T) {
	mod := new(big.Int).Lsh(big.NewInt(1), 128)
	word := rapid.OneOf(rapid.SampledFrom([]uint64{0, 1, 1 << 63, math.MaxUint64}), rapid.Uint64())
	checkProperty(t, 2000, func(rt *rapid.T) {
		x := uint128{word.Draw(rt, "hi"), word.Draw(rt, "lo")}
		y := uint128{word.Draw(rt, "hi"), word.Draw(rt, "lo")}
		n := rapid.UintRange(0, 127).Draw(rt, "n")
		for what, c := range map[string][2]*big.Int{
			"right": {x.shiftRight(n).big(), new(big.Int).Rsh(x.big(), n)},
			"left":  {x.shiftLeft(n).big(), new(big.Int).Lsh(x.big(), n)},
			"add":   {x.add(y).big(), new(big.Int).Add(x.big(), y.big())},
		} {
			if c[0].Cmp(c[1].Mod(c[1], mod)) != 0 {
				rt.Fatalf("%s of %v, %v by %d", what, x, y, n)
			}
		}
		if x.less(y) != (x.big().Cmp(y.big()) < 0) || x.bitLen() != x.big().BitLen() || uint128Of(x.big()) != x {
			rt.Fatalf("order or length of %v, %v", x, y)
		}
	})
}

// TestAccumulateAgainstIntegers multiplies a few sparse blocks the schoolbook way, with
// big integers and the ciphertexts as they are: no keys, no rounding, exact.
func TestAccumulateAgainstIntegers(t *testing.T) {
	p := mustNew(t, testNeeds["vector 512"])
	s := newSession(t, p, 53)
	rng := rand.New(rand.NewPCG(13, 14))
	const blocks, operands = 3, 2
	pr := s.key.NewProbe(blocks)
	var a, b [blocks][]*big.Int
	for i := range blocks {
		if _, err := pr.Accumulate(nil); err == nil {
			t.Fatal("a probe with missing blocks is used")
		}
		wire := s.owner.EncryptBlock(uint32(i), []int32{int32(i), -5, 100})
		if err := pr.SetBlock(i, wire); err != nil {
			t.Fatal(err)
		}
		if err := pr.SetBlock(i, wire); err == nil {
			t.Fatal("a block is accepted twice")
		}
		plain := newPoly(p.n)
		if err := p.unpackUpload("block", wire, p.Score, plain); err != nil {
			t.Fatal(err)
		}
		b[i] = p.bigCRT(plain)
		a[i] = p.bigCRT(p.inverse(p.publicPoly(newPoly(p.n), s.owner.public, labelBlockA, uint32(i))))
	}
	for _, i := range []int{-1, blocks} {
		if err := pr.SetBlock(i, s.owner.EncryptBlock(0, nil)); err == nil {
			t.Errorf("block %d is accepted", i)
		}
	}
	group, sparse := make([]*Weights, operands), [operands][blocks][]int32{}
	for g := range group {
		for i := range blocks {
			short := make([]int32, []int{p.n, 3000, 9}[i]) // shorter operands end in zeros
			for range 4 {
				short[rng.IntN(len(short))] = []int32{1, -1, 127, -128, math.MaxInt32, math.MinInt32}[rng.IntN(6)]
			}
			sparse[g][i] = short
		}
		group[g] = p.NewWeights(sparse[g][:])
	}
	if _, err := pr.Accumulate(group); !errors.Is(err, ErrBudget) {
		t.Errorf("weights over the budget give error %v, want %v", err, ErrBudget)
	}
	p.need.WeightL1 = math.MaxInt64 // only the arithmetic matters here
	sums, err := pr.Accumulate(group)
	if err != nil {
		t.Fatal(err)
	}
	multiply := func(into []*big.Int, w []int32, x []*big.Int) {
		for i, v := range w {
			if v == 0 {
				continue
			}
			for j, c := range x {
				product := new(big.Int).Mul(c, big.NewInt(int64(v)))
				if i+j < p.n {
					into[i+j].Add(into[i+j], product)
				} else {
					into[i+j-p.n].Sub(into[i+j-p.n], product)
				}
			}
		}
	}
	for g := range group {
		for part, x := range [2][blocks][]*big.Int{a, b} {
			want := make([]*big.Int, p.n)
			for i := range want {
				want[i] = new(big.Int)
			}
			for i := range blocks {
				multiply(want, sparse[g][i], x[i])
			}
			for i, got := range p.bigCRT(p.inverse([]poly{*sums[g].a, *sums[g].b}[part])) {
				if got.Cmp(want[i].Mod(want[i], p.bigQ())) != 0 {
					t.Fatalf("operand %d, part %d, coefficient %d differs", g, part, i)
				}
			}
		}
	}
	if _, err := pr.Accumulate([]*Weights{p.NewWeights(make([][]int32, blocks+1))}); err == nil {
		t.Error("weights of another number of blocks are accepted")
	}
	if got, want := group[0].Bytes(), 16*blocks*p.n; got != want {
		t.Errorf("weights of %d bytes, expected %d", got, want)
	}
}

// TestAccumulatorsDoNotOverflow takes MaxBlocks blocks of the largest residues.
func TestAccumulatorsDoNotOverflow(t *testing.T) {
	p := mustNew(t, testNeeds["tiny"])
	for _, m := range p.q {
		weights, rows := make([]uint64, MaxBlocks*tile), make([]uint64, 2*MaxBlocks*tile)
		for i := range weights {
			weights[i] = m.q - 1
		}
		for i := range rows {
			rows[i] = m.q - 1
		}
		var a, b [tile]uint64
		m.Accumulate(weights, rows, a[:], b[:], MaxBlocks)
		want := big.NewInt(MaxBlocks) // (q-1)^2 is 1
		for i := range a {
			if a[i] != want.Uint64() || b[i] != want.Uint64() {
				t.Fatalf("coefficient %d: %d and %d, expected %v", i, a[i], b[i], want)
			}
		}
	}
}
