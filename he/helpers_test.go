package he

import (
	"flag"
	"math"
	"math/big"
	"runtime"
	"strconv"
	"testing"

	"pgregory.net/rapid"
)

// falseAlarm is the probability with which one statistical test rejects a correct
// program. Seeds are fixed, so that a test that passes once passes always; the level
// says how unlikely it was that the first run failed. There are under 200 such tests.
const falseAlarm = 1e-9

// samples scales the number of samples of a statistical test.
func samples(n int) int {
	if underRace {
		return max(n/8, 2)
	}
	return n
}

// checkProperty runs a rapid property a given number of times, fewer under the race
// detector; -rapid.checks has no way to differ from one property to the next.
func checkProperty(t *testing.T, times int, property func(*rapid.T)) {
	t.Helper()
	old := flag.Lookup("rapid.checks").Value.String()
	if err := flag.Set("rapid.checks", strconv.Itoa(samples(times))); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = flag.Set("rapid.checks", old) }()
	rapid.Check(t, property)
}

// gammaQ is the regularised upper incomplete gamma function Q(a, x).
func gammaQ(a, x float64) float64 {
	if x <= 0 {
		return 1
	}
	lg, _ := math.Lgamma(a)
	front := math.Exp(a*math.Log(x) - x - lg)
	if x < a+1 { // series for P
		term, sum := 1/a, 1/a
		for k := 1; k < 100000 && term > sum*1e-17; k++ {
			term *= x / (a + float64(k))
			sum += term
		}
		return 1 - front*sum
	}
	const tiny = 1e-300 // continued fraction, modified Lentz
	b := x + 1 - a
	c, d := 1/tiny, 1/b
	h := d
	for k := 1; k < 100000; k++ {
		an := -float64(k) * (float64(k) - a)
		b += 2
		d = an*d + b
		if math.Abs(d) < tiny {
			d = tiny
		}
		c = b + an/c
		if math.Abs(c) < tiny {
			c = tiny
		}
		d = 1 / d
		h *= d * c
		if math.Abs(d*c-1) < 1e-16 {
			break
		}
	}
	return front * h
}

// chiSquare returns the p-value of counts against weights (any scale). Cells that
// expect fewer than 10 are merged with their neighbours.
func chiSquare(counts []int, weights []float64) float64 {
	total, scale := 0, 0.0
	for i := range counts {
		total += counts[i]
		scale += weights[i]
	}
	scale = float64(total) / scale
	x, cells, o, e := 0.0, 0, 0.0, 0.0
	for i := range counts {
		o += float64(counts[i])
		e += weights[i] * scale
		if e >= 10 || i == len(counts)-1 && e > 0 {
			x += (o - e) * (o - e) / e
			cells, o, e = cells+1, 0, 0
		}
	}
	return gammaQ(float64(cells-1)/2, x/2)
}

// uniformP returns the p-value of counts against equal weights.
func uniformP(counts []int) float64 {
	weights := make([]float64, len(counts))
	for i := range weights {
		weights[i] = 1
	}
	return chiSquare(counts, weights)
}

// sameP returns the p-value of the hypothesis that the rows of a table of counts are
// drawn from one law (or, which is the same, that row and column are independent).
func sameP(rows ...[]int) float64 {
	column, total := make([]float64, len(rows[0])), 0.0
	row := make([]float64, len(rows))
	for r := range rows {
		for c, v := range rows[r] {
			row[r] += float64(v)
			column[c] += float64(v)
			total += float64(v)
		}
	}
	x, used := 0.0, 0
	for c := range column {
		if column[c] == 0 {
			continue
		}
		used++
		for r := range rows {
			e := row[r] * column[c] / total
			x += (float64(rows[r][c]) - e) * (float64(rows[r][c]) - e) / e
		}
	}
	return gammaQ(float64((used-1)*(len(rows)-1))/2, x/2)
}

func accept(t *testing.T, what string, p float64) {
	t.Helper()
	if !(p > falseAlarm) {
		t.Errorf("%s: p = %.3g, a correct program gives less than %g with that probability", what, p, falseAlarm)
	}
}

// reject asserts that a mutant is noticed, with room to spare.
func reject(t *testing.T, what string, p float64) {
	t.Helper()
	if !(p < falseAlarm/1000) {
		t.Errorf("%s: p = %.3g, the test does not notice the fault", what, p)
	}
}

func TestStatisticsHelpers(t *testing.T) {
	// Quantiles from tables of the chi-square law.
	for _, c := range []struct{ freedom, x, p float64 }{
		{1, 3.841459, 0.05}, {10, 18.307038, 0.05}, {10, 3.940299, 0.95}, {63, 92.010024, 0.01}, {1, 37.324893, 1e-9},
	} {
		if p := gammaQ(c.freedom/2, c.x/2); math.Abs(p/c.p-1) > 1e-5 {
			t.Errorf("chi-square %v above %v: %v, expected %v", c.freedom, c.x, p, c.p)
		}
	}
	reject(t, "a loaded die", uniformP([]int{1000, 1000, 1000, 1000, 1000, 1500}))
	accept(t, "a fair die", uniformP([]int{1000, 1010, 990, 1030, 970, 1000}))
	reject(t, "two dice", sameP([]int{1000, 1000}, []int{1300, 700}))
	accept(t, "one die", sameP([]int{1000, 1000}, []int{515, 485}))
}

// big arithmetic, independent of the code under test.

func bigOf(v uint64) *big.Int { return new(big.Int).SetUint64(v) }

func (x uint128) big() *big.Int {
	return new(big.Int).Or(new(big.Int).Lsh(bigOf(x.hi), 64), bigOf(x.lo))
}

func uint128Of(x *big.Int) uint128 {
	return uint128{new(big.Int).Rsh(x, 64).Uint64(), new(big.Int).And(x, bigOf(math.MaxUint64)).Uint64()}
}

func (p *Params) bigQ() *big.Int { return new(big.Int).Mul(bigOf(p.q[0].q), bigOf(p.q[1].q)) }

// centre returns x mod q in (-q/2, q/2].
func centre(x, q *big.Int) *big.Int {
	r := new(big.Int).Mod(x, q)
	if new(big.Int).Lsh(r, 1).Cmp(q) > 0 {
		r.Sub(r, q)
	}
	return r
}

// bigCRT returns the coefficients of a polynomial (coefficient form) modulo q.
func (p *Params) bigCRT(a poly) []*big.Int {
	q0, q1, q := bigOf(p.q[0].q), bigOf(p.q[1].q), p.bigQ()
	c0 := new(big.Int).Mul(q1, new(big.Int).ModInverse(q1, q0))
	c1 := new(big.Int).Mul(q0, new(big.Int).ModInverse(q0, q1))
	out := make([]*big.Int, len(a[0]))
	for i := range out {
		v := new(big.Int).Mul(bigOf(a[0][i]), c0)
		v.Add(v, new(big.Int).Mul(bigOf(a[1][i]), c1))
		out[i] = v.Mod(v, q)
	}
	return out
}

// bigLift returns round(q*m/t), halves up.
func (p *Params) bigLift(m, t uint64) *big.Int {
	v := new(big.Int).Mul(p.bigQ(), bigOf(m))
	v.Add(v, bigOf(t/2))
	return v.Div(v, bigOf(t))
}

// phase returns b + a*s, centred, for a transformed and b in coefficient form.
func (k *KeyOwner) phase(a, b poly) []*big.Int {
	p := k.p
	r := newPoly(p.n)
	for l, q := range p.q {
		q.Mul(r[l], a[l], k.secret[l])
		q.INTT(r[l])
		for i := range r[l] {
			r[l][i] = q.add(r[l][i], b[l][i])
		}
	}
	out, q := p.bigCRT(r), p.bigQ()
	for i, v := range out {
		out[i] = centre(v, q)
	}
	return out
}

// secretCoefficients returns s with coefficients in {-1, 0, 1}.
func (k *KeyOwner) secretCoefficients() []int64 {
	st := NewStream(k.seed, labelSecret)
	s := make([]int64, k.p.n)
	for i := range s {
		s[i] = st.ternary()
	}
	return s
}

func copyPoly(a poly) poly {
	c := newPoly(len(a[0]))
	for l := range a {
		copy(c[l], a[l])
	}
	return c
}

// inverse returns the coefficient form of a transformed polynomial.
func (p *Params) inverse(a poly) poly {
	c := copyPoly(a)
	for l, q := range p.q {
		q.INTT(c[l])
	}
	return c
}

// logAbs returns log2 |x|.
func logAbs(x *big.Int) float64 {
	f, _ := new(big.Float).SetInt(x).Float64()
	return math.Log2(math.Abs(f))
}

// session is a key owner and the evaluator's view of it.
type session struct {
	p     *Params
	owner *KeyOwner
	key   *PublicKey
}

func newSession(t testing.TB, p *Params, seed uint64) session {
	t.Helper()
	owner := p.NewKeyOwner(testSeed(seed))
	key, err := p.ParsePublicKey(owner.PublicKey())
	if err != nil {
		t.Fatal(err)
	}
	return session{p, owner, key}
}

// sums returns the score ciphertexts of a one-block probe and some operands.
func (s session) sums(t testing.TB, probe []int32, operands ...[]int32) []Sum {
	t.Helper()
	pr := s.key.NewProbe(1)
	if err := pr.SetBlock(0, s.owner.EncryptBlock(0, probe)); err != nil {
		t.Fatal(err)
	}
	group := make([]*Weights, len(operands))
	for i, o := range operands {
		group[i] = s.p.NewWeights([][]int32{o})
	}
	sums, err := pr.Accumulate(group)
	if err != nil {
		t.Fatal(err)
	}
	return sums
}

func (s Sum) clone() Sum {
	a, b := copyPoly(*s.a), copyPoly(*s.b)
	return Sum{s.key, &a, &b}
}

func allPositions(p *Params) []int {
	positions := make([]int, p.n)
	for i := range positions {
		positions[i] = i
	}
	return positions
}

// inParallel runs f(0..n-1) on all processors.
func inParallel(n int, f func(i int)) {
	next := make(chan int)
	done := make(chan struct{})
	workers := runtime.GOMAXPROCS(0)
	for range workers {
		go func() {
			for i := range next {
				f(i)
			}
			done <- struct{}{}
		}()
	}
	for i := range n {
		next <- i
	}
	close(next)
	for range workers {
		<-done
	}
}
