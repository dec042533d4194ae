package he

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

// What the key owner sees must not depend on scores. These tests are the key owner at
// work: it has its secret key, its own probe, every byte that it receives, and
// unlimited patience over evaluator seeds. Not covered: timing and malformed uploads.

// silenced returns a public key whose encryptions of zero are zero but for fresh
// errors: re-randomisation switched off. Only a test can build it.
func (k *PublicKey) silenced() *PublicKey {
	return &PublicKey{p: k.p, public: k.public, a: newPoly(k.p.n), b: newPoly(k.p.n)}
}

// leakageNeed keeps the sessions of these tests short: k = 6, h = 5, six tests.
var leakageNeed = Need{ScoreMin: -32, ScoreMax: 31, WeightL1: 32 * 4096}

// twoGalleries returns operands whose scores hit at the same slots, one with scores as
// far from the threshold as they can be, one with scores as near.
func twoGalleries(p *Params) (far, near []int32) {
	rng := rand.New(rand.NewPCG(5, 6))
	far, near = make([]int32, p.n), make([]int32, p.n)
	for i := range far {
		if rng.IntN(4) == 0 {
			far[i], near[i] = int32(p.need.ScoreMax), 0
		} else {
			far[i], near[i] = int32(p.need.ScoreMin), -1
		}
	}
	return far, near
}

// view is the histogram of what the key owner decrypts from many shares.
type view struct{ whole, next []int }

// shareViews decrypts shares of two sums over many evaluator seeds. With masked false
// the masks are fixed to zero: a mutant.
func shareViews(t *testing.T, s session, sums []Sum, seeds int, masked bool) (views [2]view) {
	p := s.p
	positions := allPositions(p)
	cells := 1 << p.ScoreBits
	for g := range views {
		views[g] = view{make([]int, cells), make([]int, 64)}
		for i := range seeds {
			sum := sums[g].clone()
			seed := testSeed(uint64(1000 + 2*i + g))
			var wire []byte
			if masked {
				wire = sum.Mask(uint32(i), positions, 0, seed)
			} else {
				wire = s.key.answer(*sum.a, *sum.b, positions, func(int) [limbs]uint64 { return p.scoring.lift(0) },
					NewStream(seed, labelShareNoise, uint32(i)), p.Score)
			}
			x, err := s.owner.OpenShare(wire, positions)
			if err != nil {
				t.Fatal(err)
			}
			for j, v := range x {
				views[g].whole[v]++
				if j > 0 { // neighbouring slots together
					views[g].next[v>>(p.ScoreBits-3)<<3|x[j-1]>>(p.ScoreBits-3)]++
				}
			}
		}
	}
	return views
}

func TestSharesShowNoScore(t *testing.T) {
	p := mustNew(t, leakageNeed)
	s := newSession(t, p, 41)
	far, near := twoGalleries(p)
	sums := s.sums(t, []int32{1}, far, near)
	views := shareViews(t, s, sums, samples(60), true)
	for g, v := range views {
		accept(t, []string{"far", "near"}[g]+": shares", uniformP(v.whole))
		accept(t, []string{"far", "near"}[g]+": neighbouring shares", uniformP(v.next))
	}
	accept(t, "shares of two galleries", sameP(views[0].whole, views[1].whole))
	accept(t, "neighbours of two galleries", sameP(views[0].next, views[1].next))

	mutant := shareViews(t, s, sums, 2, false)
	reject(t, "masks fixed to zero", uniformP(mutant[0].whole))
	reject(t, "masks fixed to zero", sameP(mutant[0].whole, mutant[1].whole))
	reject(t, "masks fixed to zero", sameP(mutant[0].next, mutant[1].next))
}

// TestDivisionAttack is the reason for re-randomisation. The key owner knows its own a;
// the a of a one-block sum is w*a, and the quotient in the transformed domain is w.
func TestDivisionAttack(t *testing.T) {
	p := mustNew(t, leakageNeed)
	s := newSession(t, p, 42)
	_, near := twoGalleries(p)
	near[17], near[18] = 31, -32
	attack := func(key *PublicKey) (matches int) {
		sum := s.sums(t, []int32{1, 2, 3}, near)[0]
		sum.key = key
		r := s.replay(t, sum, allPositions(p), p.scoring.t, NewStream(testSeed(7), labelShareNoise, 0), p.Score,
			func(int) uint64 { return 0 })
		quotient := copyPoly(r.exact) // a gift to the attacker: neither error nor wire rounding
		own := p.publicPoly(newPoly(p.n), s.owner.public, labelBlockA, 0)
		for l, q := range p.q {
			for i := range quotient[l] {
				quotient[l][i] = q.slowMul(quotient[l][i], q.inverse(own[l][i]))
			}
		}
		for i, v := range p.bigCRT(p.inverse(quotient)) {
			if centre(v, p.bigQ()).Cmp(big.NewInt(int64(near[i]))) == 0 {
				matches++
			}
		}
		return matches
	}
	if n := attack(s.key.silenced()); n != p.n {
		t.Errorf("without re-randomisation the division finds %d of %d weights: the attack is broken", n, p.n)
	}
	if n := attack(s.key); n != 0 {
		t.Errorf("the division finds %d of %d weights", n, p.n)
	}
}

// TestCandidateConfirmation is the stronger attack on wire bytes: the key owner guesses
// the weights of a ciphertext and asks whether the a that it received is w*a rounded.
func TestCandidateConfirmation(t *testing.T) {
	p := mustNew(t, leakageNeed)
	s := newSession(t, p, 43)
	far, near := twoGalleries(p)
	// distances returns |a' - round(guess*a*2^w/q)| for every coefficient.
	distances := func(wire []byte, guess []int32) []uint64 {
		w := p.NewWeights([][]int32{guess})
		pr := s.key.NewProbe(1)
		if err := pr.SetBlock(0, s.owner.EncryptBlock(0, []int32{1})); err != nil {
			t.Fatal(err)
		}
		sums, err := pr.Accumulate([]*Weights{w})
		if err != nil {
			t.Fatal(err)
		}
		width := uint(p.Score.MaskBits)
		u := unpacker{in: wire}
		out := make([]uint64, p.n)
		for i, a := range p.bigCRT(p.inverse(*sums[0].a)) {
			a.Lsh(a, width).Add(a, new(big.Int).Rsh(p.bigQ(), 1)).Div(a, p.bigQ())
			d := (u.get(width) - a.Uint64()) & (1<<width - 1)
			out[i] = min(d, 1<<width-d)
		}
		return out
	}
	farthest := func(list []uint64) (most uint64) {
		for _, d := range list {
			most = max(most, d)
		}
		return most
	}
	share := func(key *PublicKey, seed uint64) []byte {
		sum := s.sums(t, []int32{1}, near)[0]
		sum.key = key
		return sum.Mask(0, allPositions(p), 0, testSeed(seed))
	}
	bare := share(s.key.silenced(), 1)
	if d := farthest(distances(bare, near)); d > 1 {
		t.Errorf("without re-randomisation the right guess is %d units off: the attack is broken", d)
	}
	if d := farthest(distances(bare, far)); d < 1<<(p.Score.MaskBits-3) {
		t.Errorf("without re-randomisation a wrong guess is only %d units off", d)
	}
	right, wrong := make([]int, 64), make([]int, 64)
	for seed := range samples(16) {
		wire := share(s.key, uint64(seed))
		for _, d := range distances(wire, near) {
			right[min(d>>(p.Score.MaskBits-7), 63)]++
		}
		for _, d := range distances(wire, far) {
			wrong[min(d>>(p.Score.MaskBits-7), 63)]++
		}
	}
	accept(t, "distance of the right guess", uniformP(right))
	accept(t, "right against wrong guess", sameP(right, wrong))
}

// TestNoiseShowsNoWeights compares all that the key owner can compute about the noise of
// a share for no weights and for the heaviest: before the wire rounding (which it never
// sees) and after it.
func TestNoiseShowsNoWeights(t *testing.T) {
	p := mustNew(t, leakageNeed)
	s := newSession(t, p, 44)
	heavy := make([]int32, p.n)
	for i := range heavy {
		heavy[i] = int32(32 - 64*(i&1))
	}
	sums := s.sums(t, []int32{1}, make([]int32, p.n), heavy)
	positions := allPositions(p)
	const cells = 64
	var high, low, mid, wired, bare [2][]int
	unit := math.Exp2(float64(p.Score.MaskBits)) / float64(p.scoring.t)
	for g := range sums {
		high[g], low[g], mid[g], wired[g], bare[g] = make([]int, cells), make([]int, cells), make([]int, cells), make([]int, cells), make([]int, cells)
		for trial := range samples(3) {
			plain := func(i int) uint64 { return uint64([][]int32{make([]int32, p.n), heavy}[g][i]) & (p.scoring.t - 1) }
			r := s.replay(t, sums[g], positions, p.scoring.t, NewStream(testSeed(uint64(50+2*trial+g)), labelShareNoise, 0), p.Score,
				func(int) uint64 { return 0 })
			flooded, unflooded := s.owner.phase(r.a, r.b), s.owner.phase(r.a, r.rerandomised)
			for i := range positions {
				n := p.noiseOf(flooded[i], plain(i), p.scoring.t)
				n.Add(n, new(big.Int).Lsh(big.NewInt(1), uint(p.Score.FloodBits)))
				high[g][min(max(new(big.Int).Rsh(n, uint(p.Score.FloodBits+1-6)).Int64(), 0), cells-1)]++
				low[g][n.Uint64()%cells]++
				mid[g][n.Uint64()>>24%cells]++ // where the weights' own noise is
				// What the flooding hides, so that the test is seen to work.
				f, _ := new(big.Float).SetInt(p.noiseOf(unflooded[i], plain(i), p.scoring.t)).Float64()
				bare[g][min(max(int(f/math.Exp2(p.Score.NoiseBits)*cells*4)+cells/2, 0), cells-1)]++
			}
			u := unpacker{in: r.wire}
			phase := s.owner.maskPhase(make([]uint64, p.n), &u, p.Score.MaskBits)
			u.align()
			for i := range positions {
				v := (phase[i] + u.get(uint(p.Score.MessageBits))<<(p.Score.MaskBits-p.Score.MessageBits)) & (1<<p.Score.MaskBits - 1)
				d := math.Remainder(float64(v)-float64(plain(i))*unit, math.Exp2(float64(p.Score.MaskBits)))
				wired[g][min(max(int((d/unit+0.5)*cells), 0), cells-1)]++
			}
		}
		accept(t, "flooded noise", uniformP(high[g]))
		accept(t, "low bits of flooded noise", uniformP(low[g]))
		accept(t, "middle bits of flooded noise", uniformP(mid[g]))
	}
	accept(t, "noise, no weights against heavy", sameP(high[:]...))
	accept(t, "low bits, no weights against heavy", sameP(low[:]...))
	accept(t, "middle bits, no weights against heavy", sameP(mid[:]...))
	accept(t, "noise on the wire, no weights against heavy", sameP(wired[:]...))
	reject(t, "flooding left out", sameP(bare[:]...))
}

// TestBlindedValuesShowNoDistance decrypts what the tests of non-hits hold: uniform on
// 1..T'-1, whatever the distance to the threshold, and independent of each other.
func TestBlindedValuesShowNoDistance(t *testing.T) {
	p := mustNew(t, leakageNeed)
	s := newSession(t, p, 45)
	const cells = 64
	low, high := p.need.ScoreMin, int64(-1)
	scores := []int64{low, low + 1, -2, high}
	values, parity := make([][]int, len(scores)), make([][]int, len(scores))
	for g := range scores {
		values[g], parity[g] = make([]int, cells), make([]int, 2)
	}
	together := make([][]int, 16)
	for i := range together {
		together[i] = make([]int, 16)
	}
	weights := make([]float64, cells)
	for v := uint64(1); v < p.slots.q; v++ {
		weights[v*cells/p.slots.q]++
	}
	mutant := make([][]int, 2)
	mutant[0], mutant[1] = make([]int, cells), make([]int, cells)
	for trial := range samples(24) {
		seed := testSeed(uint64(700 + trial))
		r := p.Masks(seed, 0, p.n)
		x := make([]uint32, p.n)
		for i := range x {
			x[i] = (r[i] + uint32(scores[i%len(scores)])) & (1<<p.ScoreBits - 1)
		}
		verdict, err := s.key.Verdict(0, s.owner.EncryptPrefixes(0, x), r, seed)
		if err != nil {
			t.Fatal(err)
		}
		var last []uint64
		if err := s.owner.openTests(verdict, func(slots []uint64) {
			for i, v := range slots {
				if v == 0 {
					t.Fatalf("a zero for the non-hit of slot %d", i)
				}
				values[i%len(scores)][v*cells/p.slots.q]++
				parity[i%len(scores)][v&1]++
				if last != nil {
					together[v*16/p.slots.q][last[i]*16/p.slots.q]++
				}
			}
			last = append([]uint64{}, slots...)
		}); err != nil {
			t.Fatal(err)
		}
		for i := range x { // a mutant whose rho is 1: the difference itself
			if g := i % len(scores); g == 0 || g == 3 {
				d := (uint64(x[i]) + p.slots.q - uint64(p.target(r[i], 0))) % p.slots.q
				mutant[g/3][d*cells/p.slots.q]++
			}
		}
	}
	for g := range scores {
		accept(t, "blinded values", chiSquare(values[g], weights))
		accept(t, "parity of blinded values", uniformP(parity[g]))
	}
	accept(t, "blinded values against distance", sameP(values...))
	accept(t, "parity against distance", sameP(parity...))
	accept(t, "successive tests of a slot", sameP(together...))
	reject(t, "blinding left out", chiSquare(mutant[0], weights))
}

// TestPlaceOfZeroShowsNoMargin looks at one hit of a batch: its zero stands at each place
// equally often, whether the score is at the threshold (always the test on equality)
// or at the end of the range. Two hits of one batch do show whether their zeros came
// from the same level; that is in the package's account of what leaks.
func TestPlaceOfZeroShowsNoMargin(t *testing.T) {
	p := mustNew(t, Need{ScoreMin: -8, ScoreMax: 7, WeightL1: 1000}) // h = 3: four tests
	s := newSession(t, p, 46)
	margins := []uint32{0, 1, 7}
	places, levels := make([][]int, len(margins)), make([][]int, len(margins))
	for g, margin := range margins {
		places[g], levels[g] = make([]int, p.HitBits+1), make([]int, p.HitBits+1)
		for i := range samples(64) {
			seed := testSeed(uint64(5000 + i*len(margins) + g))
			r := p.Masks(seed, 0, 1)
			x := []uint32{(r[0] + margin) & (1<<p.ScoreBits - 1)}
			verdict, err := s.key.Verdict(0, s.owner.EncryptPrefixes(0, x), r, seed)
			if err != nil {
				t.Fatal(err)
			}
			place, zeros := 0, 0
			if err := s.owner.openTests(verdict, func(slots []uint64) {
				if slots[0] == 0 {
					places[g][place]++
					zeros++
				}
				place++
			}); err != nil || zeros != 1 {
				t.Fatalf("%d zeros, %v", zeros, err)
			}
			level := p.HitBits
			for l := range p.HitBits {
				if x[0]>>l == p.target(r[0], l) {
					level = l
				}
			}
			levels[g][level]++
		}
		accept(t, "place of the zero", uniformP(places[g]))
	}
	accept(t, "place of the zero against margin", sameP(places...))
	if !underRace {
		reject(t, "order left out", sameP(levels...))
	}
}
