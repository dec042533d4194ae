package he

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"
)

// budgetTable pins what every shape of need gets: both parties must compute the same
// widths, and a reviewer sees at a glance what a change costs.
var budgetTable = []struct {
	need    Need
	name    string
	score   string   // flood bits, dropped bits, widths of a, b and upload
	compare []string // by number of planes: primes of q and the same
}{
	{testNeeds["vector 512"], "k14-h12-n4096-q100-n8192-q150-planes3", "79 12 23 17 88", []string{"2 81 0 26 20 100", "3 99 0 43 36 150", "3 98 0 61 53 150"}},
	{testNeeds["iris 2048"], "k15-h14-n4096-q100-n8192-q150-planes3", "78 10 24 18 90", []string{"2 81 0 26 20 100", "3 99 0 43 36 150", "3 98 0 61 53 150"}},
	{testNeeds["iris 16384"], "k18-h17-n4096-q100-n8192-q150-planes2", "75 2 27 21 98", []string{"2 78 0 29 23 100", "3 99 0 48 42 150"}},
	{testNeeds["tiny"], "k1-h1-n4096-q100-n8192-q150-planes3", "92 45 10 4 55", []string{"2 81 0 26 20 100", "3 99 0 43 36 150", "3 96 0 60 53 150"}},
	{Need{-1130496, 507904, 118358016}, "k21-h19-n4096-q100-n8192-q150-planes2", "77 0 32 24 100", []string{"2 76 0 31 25 100", "3 99 0 52 46 150"}},
	{Need{-1, 1 << 20, 1 << 20}, "k21-h21-n4096-q100-n8192-q150-planes2", "72 4 30 24 96", []string{"2 76 0 31 25 100", "3 99 0 52 46 150"}},
	{Need{-1 << 13, 1<<13 - 2, 1 << 28}, "k14-h13-n4096-q100-n8192-q150-planes3", "83 8 24 17 92", []string{"2 81 0 26 20 100", "3 99 0 43 36 150", "3 98 0 61 53 150"}},
	{Need{-1 << 13, 1<<13 - 2, 1 << 40}, "k14-h13-n4096-q100-n8192-q150-planes3", "84 0 25 17 100", []string{"2 81 0 26 20 100", "3 99 0 43 36 150", "3 98 0 61 53 150"}},
	{Need{-1 << 12, 1<<12 - 2, 1 << 20}, "k13-h12-n4096-q100-n8192-q150-planes3", "80 13 22 16 87", []string{"2 81 0 26 20 100", "3 99 0 43 36 150", "3 98 0 61 53 150"}},
	{Need{-1 << 13, 1<<13 - 2, 1 << 20}, "k14-h13-n4096-q100-n8192-q150-planes3", "79 12 23 17 88", []string{"2 81 0 26 20 100", "3 99 0 43 36 150", "3 98 0 61 53 150"}},
	{Need{-1 << 14, 1<<14 - 2, 1 << 20}, "k15-h14-n4096-q100-n8192-q150-planes3", "78 11 24 18 89", []string{"2 81 0 26 20 100", "3 99 0 43 36 150", "3 98 0 61 53 150"}},
	{Need{-1 << 15, 1<<15 - 2, 1 << 20}, "k16-h15-n4096-q100-n8192-q150-planes3", "77 10 25 19 90", []string{"2 81 0 26 20 100", "3 99 0 43 36 150", "3 98 0 61 53 150"}},
	{Need{-1 << 16, 1<<16 - 2, 1 << 20}, "k17-h16-n4096-q100-n8192-q150-planes2", "76 9 26 20 91", []string{"2 79 0 27 21 100", "3 99 0 44 38 150"}},
	{Need{-1 << 17, 1<<17 - 2, 1 << 20}, "k18-h17-n4096-q100-n8192-q150-planes2", "75 8 27 21 92", []string{"2 78 0 29 23 100", "3 99 0 48 42 150"}},
	{Need{-1 << 18, 1<<18 - 2, 1 << 20}, "k19-h18-n4096-q100-n8192-q150-planes2", "74 7 28 22 93", []string{"2 78 0 29 23 100", "3 99 0 48 42 150"}},
	{Need{-1 << 19, 1<<19 - 2, 1 << 20}, "k20-h19-n4096-q100-n8192-q150-planes2", "73 6 29 23 94", []string{"2 77 0 30 24 100", "3 99 0 50 44 150"}},
	{Need{-1 << 20, 1<<20 - 2, 1 << 20}, "k21-h20-n4096-q100-n8192-q150-planes2", "72 4 30 24 96", []string{"2 76 0 31 25 100", "3 99 0 52 46 150"}},
	{Need{-1 << 21, 1<<21 - 2, 1 << 20}, "k22-h21-n4096-q100-n8192-q150-planes2", "75 8 32 25 92", []string{"2 75 0 32 26 100", "3 99 0 54 48 150"}},
	{Need{-1 << 22, 1<<22 - 2, 1 << 20}, "k23-h22-n4096-q100-n8192-q150-planes2", "74 7 33 26 93", []string{"2 74 0 33 27 100", "3 99 0 56 50 150"}},
	{Need{-1 << 23, 1<<23 - 2, 1 << 20}, "k24-h23-n4096-q100-n8192-q150-planes2", "73 6 34 27 94", []string{"2 73 0 34 28 100", "3 99 0 58 52 150"}},
}

func widths(b Budget) string {
	return fmt.Sprint(b.FloodBits, b.DroppedBits, b.MaskBits, b.MessageBits, b.UploadBits)
}

func TestBudgetTable(t *testing.T) {
	for _, row := range budgetTable {
		p := mustNew(t, row.need)
		if p.Name() != row.name {
			t.Errorf("%+v: %s, pinned %s", row.need, p.Name(), row.name)
		}
		if got := widths(p.Score); got != row.score {
			t.Errorf("%s: score %s, pinned %s", row.name, got, row.score)
		}
		var compare []string
		limits := []float64{106}
		budgets := []Budget{p.Score}
		for _, l := range p.lanes {
			compare = append(compare, fmt.Sprint(len(l.r.q), " ", widths(l.budget)))
			budgets, limits = append(budgets, l.budget), append(limits, 214)
			if l.budget.DroppedBits != 0 {
				t.Errorf("%s: uploads of comparisons drop bits", row.name)
			}
		}
		if !slices.Equal(compare, row.compare) || p.Compare != p.widest().budget {
			t.Errorf("%s: compare %q, pinned %q", row.name, compare, row.compare)
		}
		for i, b := range budgets {
			if b.HidingBits < 40 || b.FailureLog2 > -128 || b.LogQ > limits[i] || b.MaxLogQ != limits[i] || b.WorstBits < b.NoiseBits {
				t.Errorf("%s: a guarantee is missing: %+v", row.name, b)
			}
			if b.FloodBits < 50 || b.FloodBits > maxFloodBits {
				t.Errorf("%s: the sampler cannot flood %d bits", row.name, b.FloodBits)
			}
			if d := float64(b.FloodBits) + 1 - b.NoiseBits - b.HidingBits; math.Abs(d) > 1e-9 {
				t.Errorf("%s: hiding is not the flood over the noise: %+v", row.name, b)
			}
		}
	}
}

// directions returns the directions of a parameter set, the scores first.
func (p *Params) directions() (list []direction) {
	list = append(list, scoreDirection(p.n, p.Moduli(), p.ScoreBits, p.need.WeightL1))
	for i := range p.lanes {
		q, planes := p.LaneModuli(i*p.lanes[0].r.n + 1)
		list = append(list, compareDirection(p.lanes[i].r.n, q, planes, p.HitBits))
	}
	return list
}

// TestBudgetFarFromRounding perturbs what is computed in floating point by far more
// than processors differ by: both parties must come to the same whole numbers.
func TestBudgetFarFromRounding(t *testing.T) {
	for _, row := range budgetTable {
		p := mustNew(t, row.need)
		for _, eps := range []float64{-1e-10, 1e-10} {
			for i, d := range p.directions() {
				pinned := row.score
				if i > 0 {
					pinned = row.compare[i-1][2:]
				}
				d.logQ += eps * 0.01 // log2 q is 3e-10 below 100
				d.hidden *= 1 + eps
				d.worst *= 1 + eps
				if got := d.plan(); widths(got) != pinned || got.check() != nil {
					t.Errorf("%s: the widths hang on the last digits of a logarithm: %s, pinned %s", row.name, widths(got), pinned)
				}
			}
			// A number of primes or planes fewer or more is refused with room to spare.
			if next := len(p.lanes) + 1; next <= maxPlanes {
				primes, err := primesFor(LaneDegree, primeBits, 3)
				if err != nil {
					t.Fatal(err)
				}
				d := compareDirection(LaneDegree, primes, planePrimes(LaneDegree, p.ScoreBits, next), p.HitBits)
				d.hidden *= 1 + eps
				if b := d.plan(); !errors.Is(b.check(), ErrBudget) && b.MaskBits <= 61 {
					t.Errorf("%s: %d planes fit", row.name, next)
				}
			}
			for _, l := range p.lanes {
				if len(l.r.q) == 2 {
					continue
				}
				q, planes := p.LaneModuli(l.lanesIn())
				d := compareDirection(LaneDegree, q[:2], planes, p.HitBits)
				d.hidden *= 1 + eps
				if b := d.plan(); !errors.Is(b.check(), ErrBudget) {
					t.Errorf("%s: %d planes fit two primes", row.name, len(planes))
				}
			}
		}
	}
}

// TestCompareDirection computes the noise that is hidden a second time from the text of
// compareDirection: the root of the mean square of sum rho_l*e_l.
func TestCompareDirection(t *testing.T) {
	p := mustNew(t, testNeeds["iris 2048"])
	for i, d := range p.directions()[1:] {
		l := p.lanes[i]
		log := math.Log2(float64(p.HitBits)*LaneDegree/12)/2 + math.Log2(errorSigma+0.5) // without T
		for _, m := range l.planes {
			log += math.Log2(float64(m.q)) + LaneDegree/float64(m.q)/2*math.Log2E // P = prod (1-1/p)^n
		}
		if got := math.Log2(d.hidden * (errorBound + 0.5)); math.Abs(got-log) > 1e-3 {
			t.Errorf("%d planes: 2^%.4f is hidden, expected 2^%.4f", i+1, got, log)
		}
		worst := math.Log2(float64(p.HitBits)*LaneDegree/2) + math.Log2(d.t)
		if got := math.Log2(d.worst); math.Abs(got-worst) > 1e-9 {
			t.Errorf("%d planes: the worst is 2^%.4f, expected 2^%.4f", i+1, got, worst)
		}
		if b := d.budget(l.budget.MaskBits, l.budget.MessageBits, 0); b != l.budget {
			t.Errorf("%d planes: another budget, %+v and %+v", i+1, b, l.budget)
		}
	}
}

func TestBudgetCheck(t *testing.T) {
	good := Budget{LogQ: 106, MaxLogQ: 106, HidingBits: 40, FailureLog2: -128}
	if err := good.check(); err != nil {
		t.Errorf("at the limits: %v", err)
	}
	for name, c := range map[string]struct {
		b    Budget
		want error
	}{
		"security": {Budget{LogQ: 106.01, MaxLogQ: 106, HidingBits: 99, FailureLog2: -999}, ErrSecurity},
		"hiding":   {Budget{LogQ: 100, MaxLogQ: 106, HidingBits: 39.99, FailureLog2: -999}, ErrBudget},
		"failure":  {Budget{LogQ: 100, MaxLogQ: 106, HidingBits: 99, FailureLog2: -127.99}, ErrBudget},
		"zero":     {Budget{}, ErrBudget},
	} {
		if err := c.b.check(); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, expected %v", name, err, c.want)
		}
	}
	// Too narrow a wire misses the failure bound even though everything is hidden.
	d := direction{n: 4096, limbs: 2, logQ: 100, t: 1 << 14, hidden: 1 << 20, worst: 1 << 20}
	if b := d.budget(14+6, 14+8, 0); b.FailureLog2 <= MaxFailureLog2 || !errors.Is(b.check(), ErrBudget) {
		t.Errorf("a rounded to 20 bits: %+v", b)
	}
}

// TestEveryScoreBits makes parameters for every k, and runs batches for some: to k = 16
// there are three planes, from 17 on two, and 25 bits are refused.
func TestEveryScoreBits(t *testing.T) {
	for k := 1; k <= maxScoreBits; k++ {
		need := Need{ScoreMin: -1 << (k - 1), ScoreMax: max(int64(1)<<(k-1)-2, 0), WeightL1: 1 << 20}
		p := mustNew(t, need)
		planes := 3
		if k > 16 {
			planes = 2
		}
		if p.ScoreBits != k || p.HitBits != max(k-1, 1) || len(p.lanes) != planes {
			t.Errorf("k = %d: %s", k, p.Name())
		}
		if k > 2 && k%4 != 0 && k != 17 {
			continue
		}
		s := newSession(t, p, uint64(k))
		scores := []int64{need.ScoreMin, -1, 0, need.ScoreMax, need.ScoreMin / 2, need.ScoreMax / 2}
		count := LaneDegree/2 + k
		if k == 16 || k == 24 {
			count = p.Lanes()
		}
		r := p.Masks(testSeed(9), 0, count)
		x := make([]uint32, count)
		for i := range x {
			x[i] = (r[i] + 1 + uint32(scores[i%len(scores)])) & (1<<k - 1)
		}
		hits := make([]bool, count)
		for _, answer := range s.collect(t, 0, x, r).answers(t, testSeed(10)) {
			if err := s.owner.OpenVerdict(answer, hits); err != nil {
				t.Fatal(err)
			}
		}
		for i, hit := range hits {
			if hit != (scores[i%len(scores)] >= 0) {
				t.Fatalf("k = %d, lane %d: score %d, hit %v", k, i, scores[i%len(scores)], hit)
			}
		}
	}
	for _, need := range []Need{{-1 << 24, 0, 1}, {-1 << 24, 1<<24 - 2, 1}, {-1, 1<<24 - 1, 1}} {
		if _, err := New(need); !errors.Is(err, ErrRange) {
			t.Errorf("%+v: %v", need, err)
		}
	}
}

// TestSecretWeightBound sums the binomial tail: a uniform ternary secret is heavier
// than the budget assumes with probability under 2^-128.
func TestSecretWeightBound(t *testing.T) {
	p := mustNew(t, testNeeds["tiny"])
	for _, b := range []struct {
		n     int
		limit float64
	}{{Degree, p.Score.secretWeight}, {LaneDegree, p.Compare.secretWeight}} {
		lgamma := func(x float64) float64 { v, _ := math.Lgamma(x); return v }
		tail, n := 0.0, float64(b.n)
		for w := int(b.limit) + 1; w <= b.n; w++ {
			l := lgamma(n+1) - lgamma(float64(w)+1) - lgamma(float64(b.n-w)+1)
			tail += math.Exp(l + float64(w)*math.Log(2.0/3) + float64(b.n-w)*math.Log(1.0/3))
		}
		if bits := -math.Log2(tail); bits < 128 || bits > 160 {
			t.Errorf("degree %d: P(weight > %.1f) = 2^-%.1f", b.n, b.limit, bits)
		}
	}
}

// TestNoiseWithinBudget measures with the secret key what the evaluator's operands and
// the keys leave in a ciphertext, before it is flooded, for operands as heavy as the
// need allows, and that flooded noise and wire rounding leave a decoding margin.
func TestNoiseWithinBudget(t *testing.T) {
	for name, need := range testNeeds {
		t.Run(name, func(t *testing.T) {
			p := mustNew(t, need)
			s := newSession(t, p, 11)
			rng := rand.New(rand.NewPCG(3, 4))
			probe := make([]int32, p.n)
			for i := range probe {
				probe[i] = int32(rng.IntN(3) - 1)
			}
			// The whole L1 norm on one coefficient is worst for the bound; spread over
			// all of them it is what the product has.
			heavy, spread := make([]int32, p.n), make([]int32, p.n)
			heavy[5] = int32(need.WeightL1)
			for i := range spread {
				spread[i] = int32(need.WeightL1/int64(p.n)) * int32(1-2*rng.IntN(2))
			}
			for o, sum := range s.sums(t, probe, heavy, spread) {
				operand := [][]int32{heavy, spread}[o]
				plain := negacyclic(probe, operand)
				limit := p.Score.NoiseBits
				before := s.owner.phase(p.score, *sum.a, p.score.coefficients(*sum.b))
				r := s.replayShare(t, sum, testSeed(12))
				most, least := math.Inf(-1), math.Inf(1)
				unflooded := s.owner.phase(p.score, r.a, r.rerandomised)
				flooded := s.owner.phase(p.score, r.a, r.b)
				half := logAbs(p.score.bigQ()) - float64(p.ScoreBits) - 1
				for i := range before {
					m := uint64(plain[i]) & (p.scoring.t - 1)
					for _, ph := range [][]*big.Int{before, unflooded} {
						most = max(most, logAbs(p.score.noiseOf(ph[i], m, p.scoring.t)))
					}
					least = min(least, half-logAbs(p.score.noiseOf(flooded[i], m, p.scoring.t)))
				}
				if most > limit {
					t.Errorf("operand %d: noise 2^%.1f exceeds the budget of 2^%.1f", o, most, limit)
				}
				// The bound is no fantasy: one heavy coefficient comes within five bits of it.
				if o == 0 && need.WeightL1 > 1000 && most < limit-5 {
					t.Errorf("operand %d: noise 2^%.1f, the budget says 2^%.1f", o, most, limit)
				}
				if least <= 0 {
					t.Errorf("operand %d: flooded noise passes half a message unit", o)
				}
				x, err := s.owner.OpenShare(r.wire, allPositions(p))
				if err != nil {
					t.Fatal(err)
				}
				for i, v := range x {
					if v != uint32(plain[i])&uint32(p.scoring.t-1) {
						t.Fatalf("operand %d: coefficient %d decodes wrongly", o, i)
					}
				}
			}
		})
	}
}

// TestCompareNoiseWithinBudget measures with the secret key what the prefixes and the
// keys leave in an answer before it is flooded: the mean of its absolute value is what the
// flooding hides, all of it stays below the worst, and flooded it leaves a margin.
func TestCompareNoiseWithinBudget(t *testing.T) {
	for name, only := range map[string][]int{"tiny": {0, 1, 2}, "iris 2048": {2}, "iris 16384": {0}} {
		p := mustNew(t, testNeeds[name])
		s := newSession(t, p, 13)
		for _, planes := range only {
			l := p.lanes[planes]
			r := p.Masks(testSeed(15), 0, l.lanesIn())
			x := slices.Clone(r)
			slices.Reverse(x)
			batch := s.collect(t, 1, x, r)
			if err := batch.Close(testSeed(16)); err != nil {
				t.Fatal(err)
			}
			a := s.replayAnswer(t, batch, x, p.HitBits/2)
			unflooded, flooded := s.owner.phase(l.r, a.a, a.rerandomised), s.owner.phase(l.r, a.a, a.b)
			held := newLists(planes+1, l.r.n)
			for lane, v := range a.lanes {
				held[lane/l.r.n][lane%l.r.n] = v
			}
			whole := l.join(held)
			half := logAbs(l.r.bigQ()) - l.budget.LogT - 1
			mean, most, least := 0.0, math.Inf(-1), math.Inf(1)
			for i := range unflooded {
				noise := logAbs(l.r.noiseOf(unflooded[i], a.blinded[i], l.t))
				mean += math.Exp2(noise) / float64(l.r.n)
				most = max(most, noise)
				least = min(least, half-logAbs(l.r.noiseOf(flooded[i], whole[i], l.t)))
			}
			if bits := math.Log2(mean); bits > l.budget.NoiseBits || bits < l.budget.NoiseBits-1.5 {
				t.Errorf("%s, %d planes: mean noise 2^%.2f, the budget hides 2^%.2f", name, planes+1, bits, l.budget.NoiseBits)
			}
			if most > l.budget.WorstBits {
				t.Errorf("%s, %d planes: noise 2^%.2f exceeds the worst of 2^%.2f", name, planes+1, most, l.budget.WorstBits)
			}
			if least <= 0 {
				t.Errorf("%s, %d planes: flooded noise passes half a message unit", name, planes+1)
			}
			if !slices.Equal(s.values(t, a.wire, len(x)), a.lanes) {
				t.Errorf("%s, %d planes: a lane decodes wrongly", name, planes+1)
			}
		}
	}
}

// TestCompareWorstNoise takes the heaviest operand for one level: every coefficient is
// (T-1)/2 in absolute value, and the signs follow the errors, as an enemy of the bound
// would choose them.
func TestCompareWorstNoise(t *testing.T) {
	p := mustNew(t, testNeeds["iris 2048"])
	s := newSession(t, p, 13)
	for planes, l := range p.lanes {
		r := l.r
		count := planes*r.n + 1
		a, b := r.uniform(r.newPoly(), s.key.public, labelPrefixA, 0, 0), r.newPoly()
		if err := l.unpackUpload("prefixes", s.owner.EncryptPrefix(0, 0, make([]uint32, count)), b); err != nil {
			t.Fatal(err)
		}
		noise, blind := s.owner.phase(r, a, b), r.newPoly()
		for i := range noise {
			v := big.NewInt(int64(l.t / 2))
			j := (r.n - i) % r.n
			if (noise[j].Sign() < 0) != (j != 0) { // X^i * X^j wraps to -1 at coefficient 0
				v.Neg(v)
			}
			r.addBig(blind, i, v)
		}
		r.transform(blind)
		r.transform(b)
		r.mul(a, a, blind)
		r.mul(b, b, blind)
		most := math.Inf(-1)
		for _, v := range s.owner.phase(r, a, r.coefficients(b)) {
			most = max(most, logAbs(v))
		}
		limit := l.budget.WorstBits - math.Log2(float64(p.HitBits))
		if most > limit || most < limit-3.5 { // errors of mean 2.6 where the bound has 21.5
			t.Errorf("%d planes: noise 2^%.2f of one level, the budget says 2^%.2f", planes+1, most, limit)
		}
	}
}

// TestRoundingError measures what the wire rounding of a costs: its standard deviation
// is sqrt(W/12) wire units for a secret of weight W, a little more where the wire is
// nearly as wide as a word, on which the failure bound rests.
func TestRoundingError(t *testing.T) {
	p := mustNew(t, testNeeds["vector 512"])
	s := newSession(t, p, 14)
	checkRounding(t, s, s.key.score, p.Score, samples(16))
	for _, l := range p.lanes {
		checkRounding(t, s, s.key.lane.in(l.r), l.budget, samples(8))
	}
}

func checkRounding(t *testing.T, s session, key ringKey, b Budget, trials int) {
	t.Helper()
	r := key.r
	weight := 0.0
	for _, v := range s.owner.secretCoefficients(r) {
		weight += math.Abs(float64(v))
	}
	if weight > b.secretWeight {
		t.Fatalf("the secret has weight %v", weight)
	}
	q, width := r.bigQ(), uint(b.MaskBits)
	turn := new(big.Int).Lsh(q, width)
	zero := r.newPoly()
	var total, squares, worst float64
	count := 0
	for trial := range trials {
		re := key.replay(t, zero, zero, positionsTo(r.n), 2,
			func() *Stream { return NewStream(testSeed(uint64(trial)), labelShareNoise, 0) }, b, func(int) uint64 { return 0 })
		exact := s.owner.phase(r, re.a, zero) // a*s modulo q
		rounded, work := make([]uint64, r.n), make([]uint64, r.n)
		if err := r.unpackAnswer("", re.wire, b, rounded, work); err != nil {
			t.Fatal(err)
		}
		r.maskPhase(rounded, work, s.owner.secretIn(r), b.MaskBits) // round(a)*s in wire units
		for i := range exact {
			e := new(big.Int).Mul(big.NewInt(int64(rounded[i])), q)
			e = centre(e.Sub(e, exact[i].Lsh(exact[i], width)), turn)
			d, _ := new(big.Float).Quo(new(big.Float).SetInt(e), new(big.Float).SetInt(q)).Float64()
			total, squares, worst, count = total+d, squares+d*d, max(worst, math.Abs(d)), count+1
		}
	}
	deviation := math.Sqrt(squares / float64(count))
	least := math.Sqrt(weight / 12)
	cut := math.Exp2(float64(b.MaskBits - 64)) // of what ring.pack lacks, in wire units
	most := least * math.Sqrt(1+float64(len(r.q))*25/16*cut*cut)
	if tolerance := 6 * least / math.Sqrt(2*float64(count)); deviation < least-tolerance || deviation > most+tolerance {
		t.Errorf("%d bits: deviation %.3f wire units, expected %.3f to %.3f +- %.3f", b.MaskBits, deviation, least, most, tolerance)
	}
	allowed := 6*most/math.Sqrt(float64(count)) + cut/2*maxWeightDeviations*math.Sqrt(2*float64(r.n)/3)
	if mean := total / float64(count); math.Abs(mean) > allowed {
		t.Errorf("%d bits: the rounding is biased by %.3f wire units", b.MaskBits, mean)
	}
	// The failure bound again, from the measured deviation brought to the heaviest secret.
	unit, mean := math.Exp2(b.LogQ-b.LogT), math.Exp2(b.LogT-65)*(maxWeightDeviations*math.Sqrt(2*float64(r.n)/3)+4)
	sigma := deviation * math.Sqrt(b.secretWeight/weight) * math.Exp2(b.LogT-float64(b.MaskBits))
	left := 0.5 - math.Exp2(b.LogT-float64(b.MessageBits))/2 - mean - (math.Exp2(b.WorstBits)+math.Exp2(float64(b.FloodBits)))/unit
	if log2 := 1 - left*left/(2*sigma*sigma)*math.Log2E; math.Abs(log2/b.FailureLog2-1) > 0.05 {
		t.Errorf("%d bits: failure 2^%.1f by the measured deviation, the budget says 2^%.1f", b.MaskBits, log2, b.FailureLog2)
	}
	if worst > 7*most {
		t.Errorf("%d bits: an error of %.1f deviations", b.MaskBits, worst/most)
	}
}
