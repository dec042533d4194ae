package he

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"
)

// What the key owner sees must not depend on scores. These tests are the key owner at
// work: it has its secret key, its own probe, every byte that it receives, and
// unlimited patience over evaluator seeds. Not covered: timing and malformed uploads.

// silenced returns a public key whose encryptions of zero are zero but for fresh
// errors: re-randomisation switched off. Only a test can build it.
func (k *PublicKey) silenced() *PublicKey {
	off := func(k ringKey) ringKey { return ringKey{k.r, k.r.newPoly(), k.r.newPoly()} }
	return &PublicKey{p: k.p, public: k.public, score: off(k.score), lane: off(k.lane)}
}

// leakageNeed keeps the sessions of these tests short: k = 6, h = 5.
var leakageNeed = Need{ScoreMin: -32, ScoreMax: 30, WeightL1: 32 * 4096}

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
				wire = s.key.score.answer(*sum.a, *sum.b, positions, func(poly) {},
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
	near[17], near[18] = 30, -32
	attack := func(key *PublicKey) (matches int) {
		sum := s.sums(t, []int32{1, 2, 3}, near)[0]
		sum.key = key
		r := s.replayShare(t, sum, testSeed(7))
		quotient := copyPoly(r.exact) // a gift to the attacker: neither error nor wire rounding
		own := p.score.uniform(p.score.newPoly(), s.owner.public, labelBlockA, 0)
		for l, q := range p.score.q {
			for i := range quotient[l] {
				quotient[l][i] = q.slowMul(quotient[l][i], q.inverse(own[l][i]))
			}
		}
		for i, v := range p.score.bigCRT(p.score.coefficients(quotient)) {
			if centre(v, p.score.bigQ()).Cmp(big.NewInt(int64(near[i]))) == 0 {
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
		pr := s.key.NewProbe(0, 1)
		if err := pr.SetBlock(0, s.owner.EncryptBlock(0, []int32{1})); err != nil {
			t.Fatal(err)
		}
		sums, err := pr.accumulate([]*Weights{w})
		if err != nil {
			t.Fatal(err)
		}
		width := uint(p.Score.MaskBits)
		u := unpacker{in: wire}
		out := make([]uint64, p.n)
		for i, a := range p.score.bigCRT(p.score.coefficients(*sums[0].a)) {
			a.Lsh(a, width).Add(a, new(big.Int).Rsh(p.score.bigQ(), 1)).Div(a, p.score.bigQ())
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
		for _, list := range []*[2][]int{&high, &low, &mid, &wired, &bare} {
			list[g] = make([]int, cells)
		}
		for trial := range samples(3) {
			plain := func(i int) uint64 { return uint64([][]int32{make([]int32, p.n), heavy}[g][i]) & (p.scoring.t - 1) }
			r := s.replayShare(t, sums[g], testSeed(uint64(50+2*trial+g)))
			flooded, unflooded := s.owner.phase(p.score, r.a, r.b), s.owner.phase(p.score, r.a, r.rerandomised)
			for i := range positions {
				n := p.score.noiseOf(flooded[i], plain(i), p.scoring.t)
				n.Add(n, new(big.Int).Lsh(big.NewInt(1), uint(p.Score.FloodBits)))
				high[g][min(max(new(big.Int).Rsh(n, uint(p.Score.FloodBits+1-6)).Int64(), 0), cells-1)]++
				low[g][n.Uint64()%cells]++
				mid[g][n.Uint64()>>24%cells]++ // where the weights' own noise is
				// What the flooding hides, so that the test is seen to work.
				f, _ := new(big.Float).SetInt(p.score.noiseOf(unflooded[i], plain(i), p.scoring.t)).Float64()
				bare[g][min(max(int(f/math.Exp2(p.Score.NoiseBits)*cells*4)+cells/2, 0), cells-1)]++
			}
			phase, messages := make([]uint64, p.n), make([]uint64, len(positions))
			if err := p.score.unpackAnswer("", r.wire, p.Score, phase, messages); err != nil {
				t.Fatal(err)
			}
			p.score.maskPhase(phase, make([]uint64, p.n), s.owner.score, p.Score.MaskBits)
			for i := range positions {
				v := (phase[i] + messages[i]<<(p.Score.MaskBits-p.Score.MessageBits)) & (1<<p.Score.MaskBits - 1)
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

// TestAnswersShowNoPrefixes is the division attack on a comparison: without
// re-randomisation the a of an answer is sum rho_l*a_l with the key owner's own a_l, and
// for one level the quotient is rho.
func TestAnswersShowNoPrefixes(t *testing.T) {
	p := mustNew(t, testNeeds["tiny"]) // h = 1
	s := newSession(t, p, 47)
	for planes, l := range p.lanes {
		count := planes*LaneDegree + 1
		x := make([]uint32, count)
		attack := func(key *PublicKey) (matches int) {
			b := session{p, s.owner, key}.collect(t, 0, x, x)
			if err := b.Close(testSeed(8)); err != nil {
				t.Fatal(err)
			}
			answer := s.replayAnswer(t, b, x, 0)
			rho := newLists(planes+1, l.r.n)
			st := NewStream(b.seed, labelBlind, 0, 0)
			for lane := range l.lanesIn() {
				rho[lane/l.r.n][lane%l.r.n] = 1 + st.Below(l.planes[lane/l.r.n].q-1)
			}
			want := l.join(rho)
			own := l.r.uniform(l.r.newPoly(), s.owner.public, labelPrefixA, 0, 0)
			quotient := answer.exact // neither error nor wire rounding
			for j, q := range l.r.q {
				for i := range quotient[j] {
					quotient[j][i] = q.slowMul(quotient[j][i], q.inverse(own[j][i]))
				}
			}
			for i, v := range l.r.bigCRT(l.r.coefficients(quotient)) {
				if centre(v, l.r.bigQ()).Cmp(centre(bigOf(want[i]), bigOf(l.t))) == 0 {
					matches++
				}
			}
			return matches
		}
		if n := attack(s.key.silenced()); n != l.r.n {
			t.Errorf("%d planes: without re-randomisation the division finds %d of %d factors: the attack is broken", planes+1, n, l.r.n)
		}
		if n := attack(s.key); n != 0 {
			t.Errorf("%d planes: the division finds %d of %d factors", planes+1, n, l.r.n)
		}
	}
}

// TestBlindedValuesShowNoDistance decrypts what the tests of non-hits hold: uniform on
// 1..T'-1 for the T' of the plane, whatever the distance to the threshold, and independent
// of each other.
func TestBlindedValuesShowNoDistance(t *testing.T) {
	p := mustNew(t, leakageNeed)
	s := newSession(t, p, 45)
	const cells = 64
	scores := []int64{p.need.ScoreMin, p.need.ScoreMin + 1, -2, -1}
	planes := p.widest().planes
	type tables struct{ values, parity, together, neighbours, mutant [][]int }
	counts := make([]tables, len(planes))
	for plane := range counts {
		counts[plane] = tables{newCounts(len(scores), cells), newCounts(len(scores), 2), newCounts(16, 16), newCounts(16, 16), newCounts(2, cells)}
	}
	for trial := range samples(6) {
		seed := testSeed(uint64(700 + trial))
		r := p.Masks(seed, 0, p.Lanes())
		x := make([]uint32, len(r))
		for i := range x {
			x[i] = (r[i] + 1 + uint32(scores[i%len(scores)])) & (1<<p.ScoreBits - 1)
		}
		var last []uint64
		for _, answer := range s.collect(t, 0, x, r).answers(t, seed) {
			lanes := s.values(t, answer, len(x))
			for i, v := range lanes {
				c, q, g := counts[i/LaneDegree], planes[i/LaneDegree].q, i%len(scores)
				if v == 0 {
					t.Fatalf("a zero for the non-hit of lane %d", i)
				}
				c.values[g][v*cells/q]++
				c.parity[g][v&1]++
				if last != nil {
					c.together[v*16/q][last[i]*16/q]++
				}
				if i%LaneDegree > 0 {
					c.neighbours[v*16/q][lanes[i-1]*16/q]++
				}
			}
			last = lanes
		}
		for i := range x { // a mutant whose rho is 1: the difference itself
			if g, q := i%len(scores), planes[i/LaneDegree].q; g == 0 || g == 3 {
				d := (uint64(x[i]) + q - uint64(p.target(r[i], 0))) % q
				counts[i/LaneDegree].mutant[g/3][d*cells/q]++
			}
		}
	}
	for plane, c := range counts {
		q, weights := planes[plane].q, make([]float64, cells)
		for v := uint64(1); v < q; v++ {
			weights[v*cells/q]++
		}
		for g := range scores {
			accept(t, "blinded values", chiSquare(c.values[g], weights))
			accept(t, "parity of blinded values", uniformP(c.parity[g]))
		}
		accept(t, "blinded values against distance", sameP(c.values...))
		accept(t, "parity against distance", sameP(c.parity...))
		accept(t, "successive tests of a lane", sameP(c.together...))
		accept(t, "neighbouring lanes", sameP(c.neighbours...))
		reject(t, "blinding left out", chiSquare(c.mutant[0], weights))
	}
}

// placeNeed has h = 3 tests and k = 4.
var placeNeed = Need{ScoreMin: -8, ScoreMax: 6, WeightL1: 1000}

// places returns the answer in which the zero of each lane stands, all of which hit.
func (s session) places(t *testing.T, answers [][]byte, count int) []int {
	t.Helper()
	out := make([]int, count)
	for i := range out {
		out[i] = -1
	}
	for place, answer := range answers {
		for i, v := range s.values(t, answer, count)[:count] {
			if v == 0 && out[i] >= 0 {
				t.Fatalf("two zeros in lane %d", i)
			} else if v == 0 {
				out[i] = place
			}
		}
	}
	for i, v := range out {
		if v < 0 {
			t.Fatalf("no zero in lane %d", i)
		}
	}
	return out
}

// TestPlaceOfZeroShowsNoMargin looks at the hits of whole batches: the zero of each stands
// at each place equally often, whether the score is at the threshold, within or at the end
// of the range.
func TestPlaceOfZeroShowsNoMargin(t *testing.T) {
	p := mustNew(t, placeNeed)
	s := newSession(t, p, 46)
	margins := []uint32{0, 1, 3, 6}
	places, levels := newCounts(len(margins), p.HitBits), newCounts(len(margins), p.HitBits)
	planes := newCounts(len(p.lanes), p.HitBits)
	for trial := range samples(8) {
		seed := testSeed(uint64(5000 + trial))
		r := p.Masks(seed, 0, p.Lanes())
		x := make([]uint32, len(r))
		for i := range x {
			x[i] = (r[i] + 1 + margins[i%len(margins)]) & (1<<p.ScoreBits - 1)
		}
		for i, place := range s.places(t, s.collect(t, 0, x, r).answers(t, seed), len(x)) {
			places[i%len(margins)][place]++
			planes[i/LaneDegree][place]++
			for l := range p.HitBits {
				if x[i]>>l == p.target(r[i], l) {
					levels[i%len(margins)][l]++
				}
			}
		}
	}
	for g := range margins {
		accept(t, "place of the zero", uniformP(places[g]))
	}
	accept(t, "place of the zero against margin", sameP(places...))
	accept(t, "place of the zero against plane", sameP(planes...))
	reject(t, "order left out", sameP(levels...)) // places would be levels
}

// TestPlacesOfHitsAreIndependent looks at two hits of one batch: where the zero of one
// stands says nothing about the other, neighbours or not, of one plane or of two, of equal
// scores and masks or different ones, and neither do the places of the first two of many
// batches.
func TestPlacesOfHitsAreIndependent(t *testing.T) {
	p := mustNew(t, placeNeed)
	s := newSession(t, p, 48)
	apart := []int{1, 2, 64, LaneDegree / 2, LaneDegree - 1, LaneDegree, 2 * LaneDegree}
	h := p.HitBits
	tables := func(equal, sameTurns bool, trials int) [][][]int {
		pairs := make([][][]int, len(apart))
		for d := range pairs {
			pairs[d] = newCounts(h, h)
		}
		for trial := range trials {
			seed := testSeed(uint64(6000 + trial))
			r := p.Masks(seed, 0, p.Lanes())
			x := make([]uint32, len(r))
			for i := range x {
				margin := uint32(i*5) % 7
				if equal {
					r[i], margin = r[0], 2
				}
				x[i] = (r[i] + 1 + margin) & (1<<p.ScoreBits - 1)
			}
			batch := s.collect(t, 0, x, r)
			answers := batch.answers(t, seed)
			if sameTurns {
				for i := range batch.turns {
					batch.turns[i] = batch.turns[0]
				}
				for i := range answers {
					answers[i] = batch.Answer(i)
				}
			}
			places := s.places(t, answers, len(x))
			for d, distance := range apart {
				for i, place := range places[distance:] {
					pairs[d][places[i]][place]++
				}
			}
		}
		return pairs
	}
	for _, equal := range []bool{true, false} {
		pairs := tables(equal, false, samples(3))
		for d := range pairs {
			accept(t, fmt.Sprintf("places of lanes %d apart", apart[d]), sameP(pairs[d]...))
			accept(t, fmt.Sprintf("pairs of places of lanes %d apart", apart[d]), uniformP(slices.Concat(pairs[d]...)))
		}
		mutant := tables(equal, true, 1)
		for d := range mutant {
			if equal {
				reject(t, fmt.Sprintf("one turn for all lanes, %d apart", apart[d]), uniformP(slices.Concat(mutant[d]...)))
			} else {
				reject(t, fmt.Sprintf("one turn for all lanes, %d apart", apart[d]), sameP(mutant[d]...))
			}
		}
	}
	twins, mutant := make([]int, 2), make([]int, 2) // places equal, places different
	count := func(list []int, places []int) {
		if places[0] == places[1] {
			list[0]++
		} else {
			list[1]++
		}
	}
	for trial := range max(samples(96), 48) {
		x, r := []uint32{8, 8}, []uint32{5, 5}
		batch := s.collect(t, uint32(trial), x, r)
		answers := batch.answers(t, testSeed(77))
		count(twins, s.places(t, answers, 2))
		batch.turns[1] = batch.turns[0]
		for i := range answers {
			answers[i] = batch.Answer(i)
		}
		count(mutant, s.places(t, answers, 2))
	}
	weights := []float64{1, float64(h - 1)}
	accept(t, "places of the first two hits of many batches", chiSquare(twins, weights))
	reject(t, "one turn for both", chiSquare(mutant, weights))
}
