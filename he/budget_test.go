package he

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

// budgetTable pins what every shape of need gets: both parties must compute the same
// widths, and a reviewer sees at a glance what a change costs.
var budgetTable = []struct {
	need           Need
	name           string
	score, compare string // flood bits, dropped bits, widths of a, b and upload
}{
	{testNeeds["vector 512"], "n4096-q100-k14-h12-t40961", "79 13 23 17 87", "82 9 25 19 91"},
	{testNeeds["iris 2048"], "n4096-q100-k16-h14-t65537", "77 9 25 19 91", "79 4 25 20 96"},
	{testNeeds["iris 16384"], "n4096-q100-k19-h17-t557057", "78 8 29 22 92", "79 0 30 23 100"},
	{testNeeds["tiny"], "n4096-q100-k2-h1-t40961", "91 44 11 5 56", "82 9 25 19 91"},
	{Need{-1 << 12, 1<<12 - 1, 1 << 20}, "n4096-q100-k13-h12-t40961", "80 13 22 16 87", "82 9 25 19 91"},
	{Need{-1 << 13, 1<<13 - 1, 1 << 20}, "n4096-q100-k14-h13-t40961", "79 12 23 17 88", "82 9 25 19 91"},
	{Need{-1 << 13, 1<<13 - 1, 1 << 28}, "n4096-q100-k14-h13-t40961", "83 8 24 17 92", "82 9 25 19 91"},
	{Need{-1 << 13, 1<<13 - 1, 1 << 40}, "n4096-q100-k14-h13-t40961", "84 0 25 17 100", "82 9 25 19 91"},
	{Need{-1 << 14, 1<<14 - 1, 1 << 20}, "n4096-q100-k15-h14-t40961", "78 11 24 18 89", "82 9 25 19 91"},
	{Need{-1 << 15, 1<<15 - 1, 1 << 20}, "n4096-q100-k16-h15-t65537", "77 10 25 19 90", "79 4 25 20 96"},
	{Need{-1 << 16, 1<<16 - 1, 1 << 20}, "n4096-q100-k17-h16-t147457", "76 9 26 20 91", "80 3 27 21 97"},
	{Need{-1 << 17, 1<<17 - 1, 1 << 20}, "n4096-q100-k18-h17-t270337", "75 8 27 21 92", "80 0 29 22 100"},
	{Need{-1 << 18, 1<<18 - 1, 1 << 20}, "n4096-q100-k19-h18-t557057", "74 7 28 22 93", "79 0 30 23 100"},
	{Need{-1 << 19, 1<<19 - 1, 1 << 20}, "n4096-q100-k20-h19-t1073153", "73 6 29 23 94", "78 0 31 24 100"},
	{Need{-1 << 20, 1<<20 - 1, 1 << 20}, "n4096-q100-k21-h20-t2236417", "72 4 30 24 96", "77 0 32 25 100"},
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
		if got := widths(p.Compare); got != row.compare {
			t.Errorf("%s: compare %s, pinned %s", row.name, got, row.compare)
		}
		for _, b := range []Budget{p.Score, p.Compare} {
			if b.HidingBits < 40 || b.FailureLog2 > -128 || b.LogQ > 106 || b.MaxLogQ != 106 {
				t.Errorf("%s: a guarantee is missing: %+v", row.name, b)
			}
			if d := float64(b.FloodBits) + 1 - b.NoiseBits - b.HidingBits; math.Abs(d) > 1e-9 {
				t.Errorf("%s: hiding is not the flood over the noise: %+v", row.name, b)
			}
		}
	}
}

// TestBudgetFarFromRounding perturbs what is computed in floating point by far more
// than processors differ by: both parties must come to the same whole numbers.
func TestBudgetFarFromRounding(t *testing.T) {
	for _, row := range budgetTable {
		p := mustNew(t, row.need)
		for _, eps := range []float64{-1e-10, 1e-10} {
			logQ := p.Score.LogQ + eps*0.01 // log2 q is 3e-10 below 100
			q0 := float64(p.q[0].q)
			score := direction{p.n, q0, logQ, math.Exp2(float64(p.ScoreBits)), float64(row.need.WeightL1) * (1 + eps)}.plan()
			compare := direction{p.n, q0, logQ, float64(p.slots.q), float64(p.n) * float64(p.slots.q) / 2 * (1 + eps)}.plan()
			if widths(score) != row.score || widths(compare) != row.compare {
				t.Errorf("%s: the widths hang on the last digits of a logarithm", row.name)
			}
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
	d := direction{4096, 1 << 50, 100, 1 << 14, 1 << 20}
	if b := d.budget(14+6, 14+8, 0); b.FailureLog2 <= MaxFailureLog2 || !errors.Is(b.check(), ErrBudget) {
		t.Errorf("a rounded to 20 bits: %+v", b)
	}
}

// TestSecretWeightBound sums the binomial tail: a uniform ternary secret is heavier
// than the budget assumes with probability under 2^-128.
func TestSecretWeightBound(t *testing.T) {
	limit := mustNew(t, testNeeds["tiny"]).Score.secretWeight
	lgamma := func(x float64) float64 { v, _ := math.Lgamma(x); return v }
	tail := 0.0
	for w := int(limit) + 1; w <= Degree; w++ {
		l := lgamma(Degree+1) - lgamma(float64(w)+1) - lgamma(float64(Degree-w)+1)
		tail += math.Exp(l + float64(w)*math.Log(2.0/3) + float64(Degree-w)*math.Log(1.0/3))
	}
	if bits := -math.Log2(tail); bits < 128 || bits > 160 {
		t.Errorf("P(weight > %.1f) = 2^-%.1f", limit, bits)
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
				before := s.owner.phase(*sum.a, p.inverse(*sum.b))
				r := s.replay(t, sum, allPositions(p), p.scoring.t, NewStream(testSeed(12), labelShareNoise, 0), p.Score,
					func(int) uint64 { return 0 })
				most, least := math.Inf(-1), math.Inf(1)
				unflooded := s.owner.phase(r.a, r.rerandomised)
				flooded := s.owner.phase(r.a, r.b)
				half := logAbs(p.bigQ()) - float64(p.ScoreBits) - 1
				for i := range before {
					m := uint64(plain[i]) & (p.scoring.t - 1)
					for _, ph := range [][]*big.Int{before, unflooded} {
						most = max(most, logAbs(p.noiseOf(ph[i], m, p.scoring.t)))
					}
					least = min(least, half-logAbs(p.noiseOf(flooded[i], m, p.scoring.t)))
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

// TestCompareNoiseWithinBudget does the same for the blinded prefixes, whose operand
// is as heavy as it can be: every coefficient is (T'-1)/2 in absolute value.
func TestCompareNoiseWithinBudget(t *testing.T) {
	p := mustNew(t, testNeeds["iris 2048"])
	s := newSession(t, p, 13)
	zero := s.owner.EncryptPrefixes(0, nil)[:p.uploadSize(p.Compare)]
	a, b := p.publicPoly(newPoly(p.n), s.key.public, labelPrefixA, 0, 0), newPoly(p.n)
	if err := p.unpackUpload("prefixes", zero, p.Compare, b); err != nil {
		t.Fatal(err)
	}
	// The signs follow the errors, as an enemy of the bound would choose them.
	noise := s.owner.phase(a, b)
	blind := newPoly(p.n)
	for i := range noise {
		v := int64(p.slots.q / 2)
		j := (p.n - i) % p.n
		if (noise[j].Sign() < 0) != (j != 0) { // X^i * X^j wraps to -1 at coefficient 0
			v = -v
		}
		for l, q := range p.q {
			blind[l][i] = q.signed(v)
		}
	}
	p.transform(blind)
	p.transform(b)
	for l, q := range p.q {
		q.Mul(a[l], a[l], blind[l])
		q.Mul(b[l], b[l], blind[l])
	}
	most := math.Inf(-1)
	for _, v := range s.owner.phase(a, p.inverse(b)) {
		most = max(most, logAbs(v))
	}
	if limit := p.Compare.NoiseBits; most > limit || most < limit-3 {
		t.Errorf("noise 2^%.2f, the budget says 2^%.2f", most, limit)
	}
}

// TestRoundingError measures what the wire rounding of a costs: its standard deviation
// is sqrt(W/12) wire units for a secret of weight W, on which the failure bound rests.
func TestRoundingError(t *testing.T) {
	p := mustNew(t, testNeeds["vector 512"])
	s := newSession(t, p, 14)
	weight := 0.0
	for _, v := range s.owner.secretCoefficients() {
		weight += math.Abs(float64(v))
	}
	if weight > p.Score.secretWeight {
		t.Fatalf("the secret has weight %v", weight)
	}
	sum := s.sums(t, []int32{1}, make([]int32, p.n))[0]
	wire := new(big.Float).SetInt(p.bigQ())
	wire.Quo(wire, new(big.Float).SetMantExp(big.NewFloat(1), p.Score.MaskBits))
	var total, squares, worst float64
	count := 0
	for trial := range samples(16) {
		r := s.replay(t, sum.clone(), allPositions(p), p.scoring.t, NewStream(testSeed(uint64(trial)), labelShareNoise, 0), p.Score,
			func(int) uint64 { return 0 })
		exact := s.owner.phase(r.a, newPoly(p.n)) // a*s modulo q
		u := unpacker{in: r.wire}
		rounded := s.owner.maskPhase(make([]uint64, p.n), &u, p.Score.MaskBits) // round(a)*s in wire units
		for i := range exact {
			e, _ := new(big.Float).Quo(new(big.Float).SetInt(exact[i]), wire).Float64()
			d := math.Remainder(float64(int64(rounded[i]))-e, float64(uint64(1)<<p.Score.MaskBits))
			total, squares, worst, count = total+d, squares+d*d, max(worst, math.Abs(d)), count+1
		}
	}
	deviation := math.Sqrt(squares / float64(count))
	want := math.Sqrt(weight / 12)
	if tolerance := 6 * want / math.Sqrt(2*float64(count)); math.Abs(deviation-want) > tolerance {
		t.Errorf("deviation %.3f wire units, sqrt(W/12) is %.3f +- %.3f", deviation, want, tolerance)
	}
	if mean := total / float64(count); math.Abs(mean) > 6*want/math.Sqrt(float64(count)) {
		t.Errorf("the rounding is biased by %.3f wire units", mean)
	}
	// The failure bound again, from the measured deviation brought to the heaviest secret.
	b := p.Score
	unit := math.Exp2(b.LogQ - b.LogT)
	sigma := deviation * math.Sqrt(b.secretWeight/weight) * math.Exp2(b.LogT-float64(b.MaskBits))
	left := 0.5 - math.Exp2(b.LogT-float64(b.MessageBits))/2 - (math.Exp2(b.NoiseBits)+math.Exp2(float64(b.FloodBits)))/unit
	if log2 := 1 - left*left/(2*sigma*sigma)*math.Log2E; math.Abs(log2/b.FailureLog2-1) > 0.05 {
		t.Errorf("failure 2^%.1f by the measured deviation, the budget says 2^%.1f", log2, b.FailureLog2)
	}
	if worst > 7*want {
		t.Errorf("an error of %.1f deviations", worst/want)
	}
}
