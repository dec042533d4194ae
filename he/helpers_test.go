package he

import (
	"flag"
	"math"
	"math/big"
	"runtime"
	"slices"
	"strconv"
	"testing"

	"github.com/puente-project/puente/he/internal/kernel"
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

// newCounts returns rows of counts at zero.
func newCounts(rows, cells int) [][]int {
	out := make([][]int, rows)
	for i := range out {
		out[i] = make([]int, cells)
	}
	return out
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

// bigQ is q.
func (r *ring) bigQ() *big.Int {
	q := big.NewInt(1)
	for _, m := range r.q {
		q.Mul(q, bigOf(m.q))
	}
	return q
}

// centre returns x mod q in (-q/2, q/2].
func centre(x, q *big.Int) *big.Int {
	r := new(big.Int).Mod(x, q)
	if new(big.Int).Lsh(r, 1).Cmp(q) > 0 {
		r.Sub(r, q)
	}
	return r
}

// chinese returns a function from residues to the integer of [0, product) that has them.
func chinese(moduli []*modulus) func(residues ...uint64) *big.Int {
	product := big.NewInt(1)
	for _, m := range moduli {
		product.Mul(product, bigOf(m.q))
	}
	var basis []*big.Int // 1 for one modulus, 0 for the others
	for _, m := range moduli {
		rest := new(big.Int).Div(product, bigOf(m.q))
		basis = append(basis, new(big.Int).Mul(rest, new(big.Int).ModInverse(rest, bigOf(m.q))))
	}
	return func(residues ...uint64) *big.Int {
		v := new(big.Int)
		for i, r := range residues {
			v.Add(v, new(big.Int).Mul(bigOf(r), basis[i]))
		}
		return v.Mod(v, product)
	}
}

// bigCRT returns the coefficients of a polynomial (coefficient form) modulo q.
func (r *ring) bigCRT(a poly) []*big.Int {
	join := chinese(r.q)
	out, residues := make([]*big.Int, len(a[0])), make([]uint64, len(a))
	for i := range out {
		for l := range a {
			residues[l] = a[l][i]
		}
		out[i] = join(residues...)
	}
	return out
}

// bigLift returns round(q*m/t), halves up.
func (r *ring) bigLift(m, t uint64) *big.Int {
	v := new(big.Int).Mul(r.bigQ(), bigOf(m))
	v.Add(v, bigOf(t/2))
	return v.Div(v, bigOf(t))
}

// addBig adds an integer to coefficient i.
func (r *ring) addBig(b poly, i int, v *big.Int) {
	for l, q := range r.q {
		sum := new(big.Int).Add(bigOf(b[l][i]), v)
		b[l][i] = sum.Mod(sum, bigOf(q.q)).Uint64()
	}
}

// sum returns what ring.pack rounds for coefficient i: about v*2^64/q.
func (r *ring) sum(v poly, i int) uint64 {
	sums := []uint64{r.centre}
	for l, m := range r.q {
		m.AddFraction(sums, v[l][i:i+1], r.fractions[l])
	}
	return sums[0]
}

// down returns what ring.pack writes for a polynomial.
func (r *ring) down(v poly, width uint) []uint64 {
	data := make([]byte, packedSize(len(v[0]), int(width)))
	r.pack(data, v, int(width), make([]uint64, len(v[0])))
	u, out := unpacker{in: data}, make([]uint64, len(v[0]))
	for i := range out {
		out[i] = u.get(width)
	}
	return out
}

// noiseOf returns phase - round(q*m/t), centred.
func (r *ring) noiseOf(phase *big.Int, m, t uint64) *big.Int {
	return centre(new(big.Int).Sub(phase, r.bigLift(m, t)), r.bigQ())
}

// secretIn returns the transformed secret of a ring.
func (k *KeyOwner) secretIn(r *ring) poly {
	if r == k.p.score {
		return k.score
	}
	return k.lane[:len(r.q)]
}

// phase returns b + a*s, centred, for a transformed and b in coefficient form.
func (k *KeyOwner) phase(r *ring, a, b poly) []*big.Int {
	product := r.newPoly()
	r.mul(product, a, k.secretIn(r))
	r.inverseTransform(product)
	for l, q := range r.q {
		for i, v := range b[l] {
			product[l][i] = (product[l][i] + v) % q.q
		}
	}
	out, q := r.bigCRT(product), r.bigQ()
	for i, v := range out {
		out[i] = centre(v, q)
	}
	return out
}

// secretCoefficients returns s with coefficients in {-1, 0, 1}.
func (k *KeyOwner) secretCoefficients(r *ring) []int64 {
	label := labelLaneSecret
	if r == k.p.score {
		label = labelSecret
	}
	trits, s := make([]int8, r.n), make([]int64, r.n)
	NewStream(k.seed, label).trits(trits)
	for i, v := range trits {
		s[i] = int64(v)
	}
	return s
}

func copyPoly(a poly) poly {
	c := make(poly, len(a))
	for l := range a {
		c[l] = slices.Clone(a[l])
	}
	return c
}

// coefficients returns the coefficient form of a transformed polynomial.
func (r *ring) coefficients(a poly) poly { return r.inverseTransform(copyPoly(a)) }

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
	pr := s.key.NewProbe(0, 1)
	if err := pr.SetBlock(0, s.owner.EncryptBlock(0, probe)); err != nil {
		t.Fatal(err)
	}
	group := make([]*Weights, len(operands))
	for i, o := range operands {
		group[i] = s.p.NewWeights([][]int32{o})
	}
	sums, err := pr.accumulate(group)
	if err != nil {
		t.Fatal(err)
	}
	return sums
}

func (s Sum) clone() Sum {
	a, b := copyPoly(*s.a), copyPoly(*s.b)
	return Sum{s.key, &a, &b}
}

// collect uploads the prefixes of x and returns the batch before it is closed.
func (s session) collect(t testing.TB, batch uint32, x, r []uint32) *Batch {
	t.Helper()
	b, err := s.key.NewBatch(batch, r)
	if err != nil {
		t.Fatal(err)
	}
	inParallel(s.p.HitBits, func(level int) {
		if err := b.SetPrefix(level, s.owner.EncryptPrefix(batch, level, x)); err != nil {
			t.Error(err)
		}
	})
	return b
}

// answers computes all answers of a batch, which it closes.
func (b *Batch) answers(t testing.TB, seed Seed) [][]byte {
	t.Helper()
	if err := b.Close(seed); err != nil {
		t.Fatal(err)
	}
	out := make([][]byte, len(b.levels))
	inParallel(len(out), func(i int) { out[i] = b.Answer(i) })
	return out
}

// values decrypts all lanes of an answer to a batch of count comparisons.
func (s session) values(t testing.TB, answer []byte, count int) (lanes []uint64) {
	t.Helper()
	l := s.p.lanesFor(count)
	whole := make([]uint64, l.r.n)
	if err := s.owner.openAnswer(answer, count, whole); err != nil {
		t.Fatal(err)
	}
	for _, m := range l.planes {
		for _, v := range whole {
			lanes = append(lanes, v%m.q)
		}
	}
	return lanes
}

// target is kernel.Targets for one mask.
func (p *Params) target(r uint32, level int) uint32 {
	var targets [1]uint64
	var levels [1]uint8
	kernel.Targets(targets[:], levels[:], []uint32{r}, []uint8{uint8(level)}, 0, p.HitBits, p.ScoreBits)
	return uint32(targets[0])
}

func allPositions(p *Params) []int { return positionsTo(p.n) }

func positionsTo(n int) []int {
	positions := make([]int, n)
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

// accumulate is Accumulate of one probe.
func (pr *Probe) accumulate(group []*Weights) ([]Sum, error) {
	sums, err := pr.key.Accumulate([]*Probe{pr}, group)
	if err != nil {
		return nil, err
	}
	return sums[0], nil
}

// put128 writes a value of 1 to 128 bits, and get128 reads it: what the tests hold the
// layouts of uploads against.
func (w *packer) put128(v uint128, width uint) {
	if width <= 64 {
		w.put(v.lo, width)
		return
	}
	w.put(v.lo, 64)
	w.put(v.hi, width-64)
}

func (r *unpacker) get128(width uint) uint128 {
	if width <= 64 {
		return uint128{0, r.get(width)}
	}
	lo := r.get(64)
	return uint128{r.get(width - 64), lo}
}
