package protocol_test

// A second implementation of both parties, written from SPEC.md alone: the standard
// library, big integers, bit by bit packing, a plain recursive transform. It is slow and
// shows that the specification is enough. Numbers in comments are its sections.

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"math/big"
	"math/bits"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

const (
	degree     = 4096 // of the ring of scores
	laneDegree = 8192 // of the ring of comparisons
)

// scheme2 is a scheme of section 2.1.
type scheme2 struct {
	text                                    string
	eyes                                    int
	lines, cols, shifts, alpha, beta, delta int
	dims, norm, theta                       int
	set                                     []int // fingers
	weight, each                            int
	smin, smax, wmax, length, coords        int
}

var (
	eyesText    = regexp.MustCompile(`^(iris|eyes):(\d+)x(\d+)x(\d+)x(\d+):shifts=(\d+):threshold=(\d+)/(\d+):delta=(\d+)(?::fingers=(.*))?$`)
	vectorText  = regexp.MustCompile(`^vector:(\d+):norm=(\d+):theta=(\d+)$`)
	fingersText = regexp.MustCompile(`^fingers:([\d,]+):(\d+):norm=(\d+):theta=(\d+)\+(\d+)$`)
	besideText  = regexp.MustCompile(`^([\d,]+):(\d+):norm=(\d+):weight=(\d+):each=(\d+)$`)
)

func newScheme2(text string) scheme2 {
	s := scheme2{text: text, shifts: 1}
	numbers := func(texts []string, into ...*int) {
		for i, d := range texts {
			*into[i], _ = strconv.Atoi(d)
		}
	}
	set := func(text string) {
		for f := range strings.SplitSeq(text, ",") {
			n, _ := strconv.Atoi(f)
			s.set = append(s.set, n)
		}
	}
	var rows, filters, planes int
	if m := eyesText.FindStringSubmatch(text); m != nil {
		numbers(m[2:10], &rows, &s.cols, &filters, &planes, &s.shifts, &s.alpha, &s.beta, &s.delta)
		s.lines, s.eyes = rows*filters*planes, 1
		if m[1] == "eyes" {
			s.eyes = 2
		}
		if f := besideText.FindStringSubmatch(m[10]); f != nil {
			set(f[1])
			numbers(f[2:], &s.dims, &s.norm, &s.weight, &s.each)
		}
	} else if m := vectorText.FindStringSubmatch(text); m != nil {
		numbers(m[1:], &s.dims, &s.norm, &s.theta)
	} else if m := fingersText.FindStringSubmatch(text); m != nil {
		set(m[1])
		numbers(m[2:], &s.dims, &s.norm, &s.theta, &s.each)
		s.weight = 1
	} else {
		panic("not a scheme: " + text)
	}
	all, fingers, square := s.eyes*s.lines*s.cols, len(s.set), s.norm*s.norm
	root := new(big.Int).Sqrt(big.NewInt(int64(square * s.dims)))
	least := min(square, int(root.Int64()))
	s.coords = fingers * (s.dims + 1)
	s.smin, s.smax = -(s.beta-s.alpha)*all-fingers*(s.weight*square+s.each), s.alpha*all+fingers*(s.weight*square-s.each)
	s.wmax = all*max(s.beta+s.alpha, 2*s.beta-s.alpha) + s.shifts*fingers*(s.weight*least+s.each)
	if s.eyes == 0 && fingers == 0 {
		s.coords, s.smin, s.smax, s.wmax = s.dims, -square, square, least
	}
	s.smin, s.smax, s.length = s.smin-s.offset(), s.smax-s.offset(), s.cols
	if s.eyes == 0 {
		s.length = s.coords
	}
	return s
}

func (s scheme2) offset() int { return s.delta + s.theta }

// template2 is v for a vector, x and u by line and column for an iris code, eye and
// finger for a fused template, nil where missing (2.2).
type template2 struct {
	v      []int
	x, u   [][]int
	eye    [2]*template2
	finger map[int][]int
}

// score2 is the plain decision (2.3).
func (s scheme2) score2(p, g template2, shift int) int {
	sum := -s.offset()
	dot := func(a, b []int) (d int) {
		for i := range a {
			d += a[i] * b[i]
		}
		return d
	}
	eye := func(p, g *template2) int {
		o, hd := 0, 0
		for l := range p.x {
			for c := range s.cols {
				from := (c + shift - (s.shifts-1)/2 + s.cols) % s.cols
				if p.u[l][from] == 1 && g.u[l][c] == 1 {
					o++
					hd += p.x[l][from] ^ g.x[l][c]
				}
			}
		}
		return s.alpha*o - s.beta*hd
	}
	switch {
	case p.v != nil:
		return sum + dot(p.v, g.v)
	case p.x != nil:
		return sum + eye(&p, &g)
	}
	for i := range p.eye {
		if p.eye[i] != nil && g.eye[i] != nil {
			sum += eye(p.eye[i], g.eye[i])
		}
	}
	for _, f := range s.set {
		if p.finger[f] != nil && g.finger[f] != nil {
			sum += s.weight*dot(p.finger[f], g.finger[f]) - s.each
		}
	}
	return sum
}

// width2 is the result of the noise budget for one direction.
type width2 struct {
	t                       uint64
	drop, wu, wa, wb, flood int
	hiding                  float64
	margin                  float64 // how near a decision of the search was to falling otherwise
	feasible                bool
}

// plan2 is everything that follows from scheme, N and m (3, 5).
type plan2 struct {
	scheme2
	n, m, blocks, stride, per, perBatch int
	pieces, spaced                      int
	k, h                                int
	l1                                  int
	score                               width2
	lanes                               []*lanes2 // by number of planes, from 1

	r      int       // probes
	places []place2  // score ciphertexts of the session
	pairs  [][]pair2 // of each batch
	waves  []wave2
}

// place2 is a score ciphertext: number c of a probe. pair2 is a probe and an entry, and wave2
// the probes first to end-1, which end with these score ciphertexts and batches (3.2).
type (
	place2 struct{ probe, c int }
	pair2  struct{ z, number, probe, entry int }
	wave2  struct{ first, end, shares, batches int }
)

// order2 writes 3.2 out.
func (p *plan2) order2() {
	ciphertexts := (p.n + p.per - 1) / p.per
	wave := max(1, 512/p.blocks)
	for first := 0; first < p.r; first += wave {
		end := min(first+wave, p.r)
		var pairs []pair2
		for tier := 0; tier < ciphertexts; tier += 8 {
			for probe := first; probe < end; probe++ {
				for c := tier; c < min(tier+8, ciphertexts); c++ {
					for number := range min(p.per, p.n-c*p.per) {
						pairs = append(pairs, pair2{len(p.places), number, probe, c*p.per + number})
					}
					p.places = append(p.places, place2{probe, c})
				}
			}
		}
		p.pairs = append(p.pairs, slices.Collect(slices.Chunk(pairs, p.perBatch))...)
		p.waves = append(p.waves, wave2{first, end, len(p.places), len(p.pairs)})
	}
}

func newPlan2(text string, r, n, m int) (*plan2, error) {
	p := &plan2{scheme2: newScheme2(text), r: r, n: n, m: m}
	if m < 1 || m > p.length {
		return nil, fmt.Errorf("terms: width %d", m)
	}
	p.stride = m + p.shifts - 1
	p.spaced = p.stride / p.shifts
	p.pieces = (p.cols + m - 1) / m
	p.blocks = p.eyes*2*p.lines*p.pieces + (p.coords+p.spaced-1)/p.spaced
	p.per = degree / p.stride
	if p.blocks > 2048 || p.per < 1 {
		return nil, fmt.Errorf("terms: width %d", m)
	}
	p.l1 = p.per * p.wmax
	p.h = bits.Len(uint(p.smax + 1))
	p.k = bits.Len(uint(1<<p.h - p.smin - 2))
	if p.k > 24 {
		return nil, fmt.Errorf("terms: no parameters")
	}
	p.score = search2(scoreRing.direction(1<<p.k, float64(p.l1), float64(p.l1), 48, true), p.k)
	if !p.score.feasible || p.score.hiding < 40 {
		return nil, fmt.Errorf("terms: no parameters")
	}
	for planes := 1; planes <= 3; planes++ {
		l := newLanes2(planes, p.k, p.h)
		if l == nil {
			break
		}
		p.lanes = append(p.lanes, l)
	}
	if len(p.lanes) == 0 {
		return nil, fmt.Errorf("terms: no parameters")
	}
	p.perBatch = len(p.lanes) * laneDegree / p.shifts
	p.order2()
	return p, nil
}

// ring2 is a ring of section 4: its degree and the primes of its modulus.
type ring2 struct {
	n      int
	fields []*prime2
}

var (
	scoreRing = &ring2{degree, largePrimes(degree, 2)}
	laneRings = map[int]*ring2{2: {laneDegree, largePrimes(laneDegree, 2)}, 3: {laneDegree, largePrimes(laneDegree, 3)}}
)

func (r *ring2) q() *big.Int {
	q := big.NewInt(1)
	for _, f := range r.fields {
		q.Mul(q, new(big.Int).SetUint64(f.p))
	}
	return q
}

// lanes2 is the ring and the planes of a batch (4.3).
type lanes2 struct {
	*ring2
	planes []*prime2
	t      uint64
	width2
}

func newLanes2(planes, k, h int) *lanes2 {
	l := &lanes2{t: 1}
	none := 1.0
	for p := uint64(1); len(l.planes) < planes; p += 2 * laneDegree {
		if p > 1<<k && isPrime(p) {
			l.planes = append(l.planes, newPrime2(p, laneDegree))
			l.t *= p
			none *= math.Pow(1-1/float64(p), laneDegree)
		}
	}
	mean := math.Sqrt(float64(h)*laneDegree/12/none) * (math.Sqrt(10.5) + 0.5) * float64(l.t) / 21.5
	for limbs := 2; limbs <= 3; limbs++ {
		l.ring2 = laneRings[limbs]
		d := l.direction(l.t, mean, float64(h)*laneDegree*float64(l.t)/2, 40, false)
		if l.width2 = search2(d, bits.Len64(l.t-1)); l.feasible && l.hiding >= 40 {
			return l
		}
	}
	return nil
}

// lanesOf returns those of a batch.
func (p *plan2) lanesOf(batch int) *lanes2 {
	return p.lanes[(p.comparisons(batch)+laneDegree-1)/laneDegree-1]
}

// direction2 is what the budget of 5.2 depends on.
type direction2 struct {
	r             *ring2
	t             uint64
	hidden, worst float64
	want          float64
	drops         bool
}

func (r *ring2) direction(t uint64, hidden, worst, want float64, drops bool) direction2 {
	return direction2{r, t, hidden, worst, want, drops}
}

// budget2 is the account of 5.2 for one choice.
func budget2(d direction2, wa, wb, drop int) width2 {
	n, limbs, tf := float64(d.r.n), float64(len(d.r.fields)), float64(d.t)
	fresh := 21.5
	if drop > 0 {
		fresh += math.Pow(2, float64(drop-1))
	}
	own := 21*(2*n+1) + 0.5
	noise, worst := d.hidden*fresh+own, d.worst*fresh+own
	q, _ := new(big.Float).SetInt(d.r.q()).Float64()
	unit := q / tf
	weight := 2*n/3.0 + 13.6*math.Sqrt(2*n/9.0)
	sigma := math.Sqrt(weight/12*(1+limbs*25/16*math.Pow(4, float64(wa-64)))) * tf / math.Pow(2, float64(wa))
	fixed := tf/math.Pow(2, float64(wb+1)) + tf/math.Pow(2, 65)*(13.6*math.Sqrt(2*n/3)+4)
	room := 0.5 - fixed - sigma*math.Sqrt(2*math.Ln2*129.5) - worst/unit
	w := width2{t: d.t, drop: drop, wu: 50*len(d.r.fields) - drop, wa: wa, wb: wb}
	w.margin = math.Abs(room)
	if room > 0 {
		w.feasible, w.flood = true, min(99, int(math.Floor(math.Log2(room*unit))))
		w.hiding = float64(w.flood) + 1 - math.Log2(noise)
		exact := math.Log2(room * unit)
		w.margin = min(w.margin, math.Abs(exact-math.Round(exact)), math.Abs(w.hiding-40), math.Abs(w.hiding-48))
	}
	return w
}

// search2 is the search of 5.2.
func search2(d direction2, lt int) (best width2) {
	margin := 1.0
	defer func() { best.margin = margin }()
	for e := 3; e <= 8; e++ {
		for f := 7; f <= 12; f++ {
			w := budget2(d, lt+f, lt+e, 0)
			margin = min(margin, w.margin)
			good, had := w.hiding >= d.want, best.hiding >= d.want
			if w.feasible && (!best.feasible || good && !had ||
				good && had && w.wa+w.wb < best.wa+best.wb || !good && !had && w.hiding > best.hiding) {
				best = w
			}
		}
	}
	if !best.feasible {
		return best
	}
	for drop := 1; d.drops && drop <= 63; drop++ {
		w := budget2(d, best.wa, best.wb, drop)
		margin = min(margin, w.margin)
		if !w.feasible || w.hiding < d.want {
			break
		}
		best = w
	}
	return best
}

// need2 is need(b) of 3.2.
func (p *plan2) need2(b int) int {
	if b == 0 {
		return 0
	}
	last := p.pairs[min(b, p.batches())-1]
	return last[len(last)-1].z + 1
}

func (p *plan2) batches() int { return len(p.pairs) }

func (p *plan2) inShare(z int) int { return min(p.per, p.n-p.places[z].c*p.per) }

// shareOf gives where comparison i of a batch is: ciphertext and number in its share.
func (p *plan2) shareOf(batch, i int) (z, number int) {
	pair := p.pairs[batch][i/p.shifts]
	return pair.z, pair.number*p.shifts + i%p.shifts
}

func (p *plan2) comparisons(batch int) int { return len(p.pairs[batch]) * p.shifts }

func (p *plan2) positions(z int) []int {
	var list []int
	for j := range p.inShare(z) {
		for s := range p.shifts {
			list = append(list, j*p.stride+p.m-1+s)
		}
	}
	return list
}

// parts2 hands out the parts of a template in the order of blocks (3.3): eyes, nil
// where missing, and the coordinates of vectors with the numbers behind them.
func (p *plan2) parts2(t template2) (eyes []*template2, coords, present []int) {
	switch {
	case t.v != nil:
		return nil, t.v, nil
	case t.x != nil:
		return []*template2{&t}, nil, nil
	}
	for _, f := range p.set {
		v, here := t.finger[f], 1
		if v == nil {
			v, here = make([]int, p.dims), 0
		}
		coords, present = append(coords, v...), append(present, here)
	}
	return t.eye[:p.eyes], coords, present
}

// probe2 makes the blocks of 3.3, entry2 those of 3.4.
func (p *plan2) probe2(t template2) [][]int {
	var list [][]int
	eyes, coords, present := p.parts2(t)
	for _, e := range eyes {
		for half := range 2 {
			for b := range p.lines * p.pieces {
				row := make([]int, p.stride)
				for i := range row {
					if e != nil {
						from := [][][]int{e.x, e.u}[half]
						row[i] = from[b/p.pieces][(b%p.pieces*p.m+i-(p.shifts-1)/2+p.cols)%p.cols]
					}
				}
				list = append(list, row)
			}
		}
	}
	all := append(append([]int{}, coords...), present...)
	for first := 0; first < len(all); first += p.spaced {
		row := make([]int, p.stride)
		for i := first; i < min(first+p.spaced, len(all)); i++ {
			row[(i-first)*p.shifts] = all[i]
		}
		list = append(list, row)
	}
	return list
}

func (p *plan2) entry2(t template2) [][]int {
	var list [][]int
	eyes, coords, present := p.parts2(t)
	for _, e := range eyes {
		for half := range 2 {
			for b := range p.lines * p.pieces {
				row := make([]int, p.stride)
				for i := range p.m {
					l, col := b/p.pieces, b%p.pieces*p.m+i
					if e == nil || col >= p.cols {
						continue
					}
					if half == 0 {
						row[p.m-1-i] = p.beta * (2*e.x[l][col] - e.u[l][col])
					} else {
						row[p.m-1-i] = p.alpha*e.u[l][col] - p.beta*e.x[l][col]
					}
				}
				list = append(list, row)
			}
		}
	}
	var all []int
	for _, c := range coords {
		if len(p.set) > 0 {
			c *= p.weight
		}
		all = append(all, c)
	}
	for _, c := range present {
		all = append(all, -p.each*c)
	}
	for first := 0; first < len(all); first += p.spaced {
		row := make([]int, p.stride)
		for i := first; i < min(first+p.spaced, len(all)); i++ {
			for t := range p.shifts {
				row[p.m-1-(i-first)*p.shifts+t] = all[i]
			}
		}
		list = append(list, row)
	}
	return list
}

// prime2 is a prime of 4.1 with the transform of a degree.
type prime2 struct {
	n         int
	p, g, psi uint64
	powers    []uint64 // of psi^2
}

func (f *prime2) mul(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return bits.Rem64(hi, lo, f.p)
}

func (f *prime2) pow(a, e uint64) uint64 {
	r := uint64(1)
	for ; e > 0; e >>= 1 {
		if e&1 == 1 {
			r = f.mul(r, a)
		}
		a = f.mul(a, a)
	}
	return r
}

func newPrime2(p uint64, n int) *prime2 {
	f := &prime2{n: n, p: p}
	var factors []uint64
	rest := p - 1
	for d := uint64(2); d*d <= rest; d++ {
		for first := true; rest%d == 0; first = false {
			if first {
				factors = append(factors, d)
			}
			rest /= d
		}
	}
	if rest > 1 {
		factors = append(factors, rest)
	}
search:
	for f.g = 2; ; f.g++ {
		for _, d := range factors {
			if f.pow(f.g, (p-1)/d) == 1 {
				continue search
			}
		}
		f.psi = f.pow(f.g, (p-1)/uint64(2*n))
		for i := range uint64(n) {
			f.powers = append(f.powers, f.pow(f.psi, 2*i))
		}
		return f
	}
}

func isPrime(p uint64) bool { return new(big.Int).SetUint64(p).ProbablyPrime(20) }

// largePrimes returns the largest primes below 2^50 that are 1 modulo 2n.
func largePrimes(n uint64, count int) (list []*prime2) {
	for p := uint64(1)<<50 - 2*n + 1; len(list) < count; p -= 2 * n {
		if isPrime(p) {
			list = append(list, newPrime2(p, int(n)))
		}
	}
	return list
}

// values fills out with f(w^i) for all i by halving, f having the coefficients c[0],
// c[step], c[2*step], .. and w being a root of unity of the order of len(out), whose
// powers are powers[0], powers[step], ..
func (f *prime2) values(out, c []uint64, step int) {
	if len(out) == 1 {
		out[0] = c[0]
		return
	}
	half := len(out) / 2
	f.values(out[:half], c, 2*step)
	f.values(out[half:], c[step:], 2*step)
	for i := range half {
		even, odd := out[i], f.mul(f.powers[i*step], out[i+half])
		out[i], out[i+half] = f.add(even, odd), f.add(even, f.p-odd)
	}
}

func (f *prime2) add(a, b uint64) uint64 {
	if a+b >= f.p {
		return a + b - f.p
	}
	return a + b
}

func (f *prime2) brv(i int) int {
	return int(bits.Reverse64(uint64(i)) >> (65 - bits.Len(uint(f.n))))
}

// transform is 4.2: F[i] = f(psi^(2 brv(i) + 1)).
func (f *prime2) transform(c []uint64) []uint64 {
	twisted, power := make([]uint64, f.n), uint64(1)
	for i := range twisted {
		twisted[i] = f.mul(c[i], power)
		power = f.mul(power, f.psi)
	}
	natural, out := make([]uint64, f.n), make([]uint64, f.n)
	f.values(natural, twisted, 1)
	for i := range out {
		out[i] = natural[f.brv(i)]
	}
	return out
}

func (f *prime2) inverse(t []uint64) []uint64 {
	natural := make([]uint64, f.n)
	for i := range natural {
		natural[f.brv(i)] = t[i]
	}
	back := f.pow(f.psi, f.p-2)
	c := make([]uint64, f.n)
	f.values(c, natural, 1)
	slices.Reverse(c[1:]) // the inverse takes the powers of 1/w
	power := f.pow(uint64(f.n), f.p-2)
	for i := range c {
		c[i] = f.mul(c[i], power)
		power = f.mul(power, back)
	}
	return c
}

// poly2 is a polynomial of a ring by its residues, coefficients or transforms.
type poly2 struct {
	r *ring2
	c [][]uint64
}

func (r *ring2) each(op func(l int, f *prime2, i int) uint64) poly2 {
	p := poly2{r: r}
	for l, f := range r.fields {
		c := make([]uint64, r.n)
		for i := range c {
			c[i] = op(l, f, i)
		}
		p.c = append(p.c, c)
	}
	return p
}

func (p poly2) whole(op func(f *prime2, c []uint64) []uint64) poly2 {
	out := poly2{r: p.r}
	for l, f := range p.r.fields {
		out.c = append(out.c, op(f, p.c[l]))
	}
	return out
}

func (p poly2) transform() poly2 { return p.whole((*prime2).transform) }
func (p poly2) inverse() poly2   { return p.whole((*prime2).inverse) }
func (p poly2) times(o poly2) poly2 {
	return p.r.each(func(l int, f *prime2, i int) uint64 { return f.mul(p.c[l][i], o.c[l][i]) })
}
func (p poly2) plus(o poly2) poly2 {
	return p.r.each(func(l int, f *prime2, i int) uint64 { return f.add(p.c[l][i], o.c[l][i]) })
}

// in is the polynomial modulo fewer of the primes.
func (p poly2) in(r *ring2) poly2 { return poly2{r, p.c[:len(r.fields)]} }

// small2 is the polynomial with small signed coefficients, zeros behind them.
func (r *ring2) small2(c []int) poly2 {
	return r.each(func(_ int, f *prime2, i int) uint64 {
		if i >= len(c) {
			return 0
		}
		return uint64((int64(c[i])%int64(f.p) + int64(f.p))) % f.p
	})
}

// big2 is the polynomial with the given integer coefficients modulo q.
func (r *ring2) big2(c []*big.Int) poly2 {
	x := new(big.Int)
	return r.each(func(_ int, f *prime2, i int) uint64 { return x.Mod(c[i], new(big.Int).SetUint64(f.p)).Uint64() })
}

// crt2 is the integer below the product of the primes with the given residues.
func crt2(primes []*prime2, residue func(l int) uint64) *big.Int {
	v, product := new(big.Int), big.NewInt(1)
	for l, f := range primes {
		p := new(big.Int).SetUint64(f.p)
		step := new(big.Int).Sub(new(big.Int).SetUint64(residue(l)), v)
		step.Mul(step, new(big.Int).ModInverse(product, p)).Mod(step, p)
		v.Add(v, step.Mul(step, product))
		product = new(big.Int).Mul(product, p)
	}
	return v
}

// at is coefficient i as an integer in [0, q).
func (p poly2) at(i int) *big.Int {
	return crt2(p.r.fields, func(l int) uint64 { return p.c[l][i] })
}

// lift2 is 4.4.
func (r *ring2) lift2(m, t uint64) *big.Int {
	v := new(big.Int).Mul(r.q(), new(big.Int).SetUint64(m))
	v.Add(v, new(big.Int).SetUint64(t/2))
	return v.Div(v, new(big.Int).SetUint64(t))
}

func derive2(seed []byte, label string, context ...[]byte) []byte {
	info := label + "\x00" + string(bytes.Join(context, nil))
	key, err := hkdf.Key(sha256.New, seed, nil, info, 32)
	if err != nil {
		panic(err)
	}
	return key
}

func u32(v int) []byte { return binary.BigEndian.AppendUint32(nil, uint32(v)) }

// stream2 is 6.2 with the samplers of 6.3.
type stream2 struct{ ctr cipher.Stream }

func newStream2(seed []byte, label string, index ...int) *stream2 {
	var context []byte
	for _, i := range index {
		context = append(context, u32(i)...)
	}
	block, err := aes.NewCipher(derive2(seed, label, context))
	if err != nil {
		panic(err)
	}
	return &stream2{cipher.NewCTR(block, make([]byte, 16))}
}

func (s *stream2) word() uint64 {
	var b [8]byte
	s.ctr.XORKeyStream(b[:], b[:])
	return binary.LittleEndian.Uint64(b[:])
}

func (s *stream2) bits(k int) uint64 { return s.word() % (1 << k) }

func (s *stream2) below(z uint64) uint64 {
	for {
		y := (s.word() % (1 << 32)) * z
		if y%(1<<32) >= (1<<32)%z {
			return y >> 32
		}
	}
}

func (s *stream2) ternary(count int) (list []int) {
	for {
		w := s.word()
		for i := range 8 {
			b := int(w >> (8 * i) % 256)
			for range 5 {
				if b < 243 {
					list = append(list, b%3-1)
					if b /= 3; len(list) == count {
						return list
					}
				}
			}
		}
	}
}

func (s *stream2) error() int {
	w := s.word()
	return bits.OnesCount64(w%(1<<21)) - bits.OnesCount64(w>>21%(1<<21))
}

func (s *stream2) residue(p uint64) uint64 {
	for {
		if y := s.word() % (1 << bits.Len64(p-1)); y < p {
			return y
		}
	}
}

func (s *stream2) flooding(b int) *big.Int {
	y := new(big.Int).SetUint64(s.word())
	y.Lsh(y, 64).Add(y, new(big.Int).SetUint64(s.word()))
	y.Rsh(y, uint(127-b))
	return y.Sub(y, new(big.Int).Lsh(big.NewInt(1), uint(b)))
}

func take(count int, sample func() int) []int {
	c := make([]int, count)
	for i := range c {
		c[i] = sample()
	}
	return c
}

// expand2 is A(label, ..) of 7.2 as transforms.
func (r *ring2) expand2(public []byte, label string, index ...int) poly2 {
	s := newStream2(public, label, index...)
	return r.each(func(_ int, f *prime2, _ int) uint64 { return s.residue(f.p) })
}

// pack2 is 9.4 for one list, bit by bit.
func pack2(list []*big.Int, w int) []byte {
	out := make([]byte, (len(list)*w+7)/8)
	for j, v := range list {
		for i := range w {
			at := w*j + i
			out[at/8] |= byte(v.Bit(i)) << (at % 8)
		}
	}
	return out
}

func unpack2(data []byte, count, w int) (list []*big.Int, rest []byte, err error) {
	size := (count*w + 7) / 8
	for j := range count {
		v := make([]byte, 16) // most significant byte first
		for i := range w {
			at := w*j + i
			v[15-i/8] |= data[at/8] >> (at % 8) & 1 << (i % 8)
		}
		list = append(list, new(big.Int).SetBytes(v))
	}
	for at := count * w; at < 8*size; at++ {
		if data[at/8]>>(at%8)&1 != 0 {
			return nil, nil, fmt.Errorf("padding")
		}
	}
	return list, data[size:], nil
}

// header2 is 9.3; body2 checks it and returns the body.
func header2(kind byte, session []byte, index int, body []byte) []byte {
	return bytes.Join([][]byte{{kind}, session, u32(index), body}, nil)
}

func body2(m []byte, kind byte, session []byte, index, size int) ([]byte, error) {
	if want := header2(kind, session, index, nil); len(m) != len(want)+size || !bytes.Equal(m[:len(want)], want) {
		return nil, fmt.Errorf("kind %d, index %d: not the message that is expected", kind, index)
	}
	return m[37:], nil
}

// terms2 is what both parties know before a session (2.1).
type terms2 struct{ requester, holder, watchlist, scheme string }

func opening2(kind byte, nonce, seed []byte) []byte {
	commitment := sha256.Sum256(append([]byte("puente/v1/seed commitment\x00"), seed...))
	return bytes.Join([][]byte{{kind, 1}, nonce, commitment[:]}, nil)
}

func session2(open, accept []byte) []byte {
	id := sha256.Sum256(bytes.Join([][]byte{[]byte("puente/v1/session id\x00"), u32(len(open)), open, u32(len(accept)), accept}, nil))
	return id[:]
}

// role2 is a party of the second implementation.
type role2 interface {
	start() [][]byte
	receive(m []byte) ([][]byte, error)
	done() bool
}

// owner2 is the key owner (11.1).
type owner2 struct {
	terms                 terms2
	probes                []template2
	seed, open            []byte
	plan                  *plan2
	session, keys, public []byte
	secret, lane          poly2 // transforms
	shares                [][]uint64
	prefixed, verdicts    int
	hit                   [][]bool // by probe and entry
	opened                bool
}

func newOwner2(terms terms2, probes []template2, root, nonce []byte) *owner2 {
	o := &owner2{terms: terms, probes: probes, seed: derive2(root, "puente/v1/key owner seed", nonce)}
	o.open = binary.BigEndian.AppendUint16(opening2(1, nonce, o.seed), uint16(len(probes)))
	for _, text := range []string{terms.requester, terms.holder, terms.watchlist, terms.scheme} {
		o.open = append(append(o.open, byte(len(text))), text...)
	}
	return o
}

func (o *owner2) start() [][]byte { return [][]byte{o.open} }

func (o *owner2) done() bool { return o.opened && o.verdicts == o.plan.batches()*o.plan.h }

func (o *owner2) hits() [][]int {
	list := make([][]int, len(o.hit))
	for probe, row := range o.hit {
		for i, hit := range row {
			if hit {
				list[probe] = append(list[probe], i)
			}
		}
	}
	return list
}

func (o *owner2) receive(m []byte) ([][]byte, error) {
	switch {
	case !o.opened:
		return o.accept(m)
	case len(m) > 0 && m[0] == 7 && o.verdicts < o.prefixed*o.plan.h || len(o.shares) == o.plan.need2(o.plan.batches()):
		return nil, o.verdict(m)
	}
	return o.share(m)
}

func (o *owner2) accept(m []byte) (out [][]byte, err error) {
	if len(m) != 82 || m[0] != 2 || m[1] != 1 {
		return nil, fmt.Errorf("accept expected")
	}
	n, width := binary.BigEndian.Uint32(m[74:]), binary.BigEndian.Uint32(m[78:])
	if n < 1 || n > 1<<24 {
		return nil, fmt.Errorf("limit: %d entries", n)
	}
	if o.plan, err = newPlan2(o.terms.scheme, len(o.probes), int(n), int(width)); err != nil {
		return nil, err
	}
	o.opened = true
	for range o.probes {
		o.hit = append(o.hit, make([]bool, n))
	}
	o.session = session2(o.open, m)
	o.keys = derive2(o.seed, "puente/v1/key owner keys", o.session)
	o.public = derive2(o.keys, "puente/v1/he/public seed")
	wide := o.plan.lanes[len(o.plan.lanes)-1].ring2
	o.secret = scoreRing.small2(newStream2(o.keys, "puente/v1/he/secret key").ternary(degree)).transform()
	o.lane = wide.small2(newStream2(o.keys, "puente/v1/he/lane secret key").ternary(laneDegree)).transform()

	key := append(bytes.Clone(o.public), pack2(o.encrypt(scoreRing, o.secret, "key", nil, 1), 100)...)
	key = append(key, residues2(wide, o.encrypt(wide, o.lane, "lane key", nil, 1))...)
	out = append(out, header2(3, o.session, 0, key))
	return append(out, o.blocks(o.plan.waves[0])...), nil
}

// blocks is the probes of a wave.
func (o *owner2) blocks(w wave2) (out [][]byte) {
	for probe := w.first; probe < w.end; probe++ {
		for c, block := range o.plan.probe2(o.probes[probe]) {
			message := make([]uint64, degree)
			for i, v := range block {
				message[i] = uint64(v+1<<o.plan.k) % (1 << o.plan.k)
			}
			number := probe*o.plan.blocks + c
			list := o.encrypt(scoreRing, o.secret, "block", message, o.plan.score.t, number)
			for _, v := range list {
				v.Rsh(v, uint(o.plan.score.drop))
			}
			out = append(out, header2(4, o.session, number, pack2(list, o.plan.score.wu)))
		}
	}
	return out
}

// encrypt is 7.2; no message is a message of zero.
func (o *owner2) encrypt(r *ring2, secret poly2, what string, message []uint64, t uint64, index ...int) []*big.Int {
	a := r.expand2(o.public, "puente/v1/he/"+what+" a", index...)
	e := take(r.n, newStream2(o.keys, "puente/v1/he/"+what+" error", index...).error)
	as := a.times(secret.in(r)).inverse()
	list, q := make([]*big.Int, r.n), r.q()
	for i := range list {
		b := new(big.Int).Sub(big.NewInt(int64(e[i])), as.at(i))
		if message != nil {
			b.Add(b, r.lift2(message[i], t))
		}
		list[i] = b.Mod(b, q)
	}
	return list
}

// residues2 is the upload form of the ring of comparisons (7.2).
func residues2(r *ring2, list []*big.Int) []byte {
	var all []*big.Int
	for _, f := range r.fields {
		for _, v := range list {
			all = append(all, new(big.Int).Mod(v, new(big.Int).SetUint64(f.p)))
		}
	}
	return pack2(all, 50)
}

// unseal is 7.5.
func unseal2(r *ring2, secret poly2, data []byte, positions []int, w width2) (x []uint64, err error) {
	a, data, err := unpack2(data, r.n, w.wa)
	if err != nil {
		return nil, err
	}
	b, _, err := unpack2(data, len(positions), w.wb)
	if err != nil {
		return nil, err
	}
	signed := make([]int, r.n)
	for i, v := range a {
		if signed[i] = int(v.Int64()); signed[i] >= 1<<(w.wa-1) {
			signed[i] -= 1 << w.wa
		}
	}
	// The products stay far below q/2, so that modulo q they are exact.
	p := r.small2(signed).transform().times(secret.in(r)).inverse()
	q := r.q()
	half := new(big.Int).Rsh(q, 1)
	for i, c := range positions {
		y := p.at(c)
		if y.Cmp(half) > 0 {
			y.Sub(y, q)
		}
		y.Add(y, b[i].Lsh(b[i], uint(w.wa-w.wb)))
		y.And(y, big.NewInt(1<<w.wa-1))
		y.Mul(y, new(big.Int).SetUint64(w.t)).Add(y, big.NewInt(1<<(w.wa-1))).Rsh(y, uint(w.wa))
		x = append(x, y.Uint64()%w.t)
	}
	return x, nil
}

func (o *owner2) share(m []byte) (out [][]byte, err error) {
	p, index := o.plan, len(o.shares)
	count := p.inShare(index) * p.shifts
	body, err := body2(m, 5, o.session, index, 512*p.score.wa+(count*p.score.wb+7)/8)
	if err != nil {
		return nil, err
	}
	if index >= p.need2(o.verdicts/p.h+4) {
		return nil, fmt.Errorf("window")
	}
	x, err := unseal2(scoreRing, o.secret, body, p.positions(index), p.score)
	if err != nil {
		return nil, err
	}
	o.shares = append(o.shares, x)
	for o.prefixed < p.batches() && len(o.shares) >= p.need2(o.prefixed+1) {
		l := p.lanesOf(o.prefixed)
		for level := range p.h {
			lanes := make([]uint64, len(l.planes)*l.n)
			for i := range p.comparisons(o.prefixed) {
				c, number := p.shareOf(o.prefixed, i)
				lanes[i] = o.shares[c][number] >> level
			}
			list := o.encrypt(l.ring2, o.lane, "prefix", l.message2(lanes), l.t, o.prefixed, level)
			out = append(out, header2(6, o.session, o.prefixed*p.h+level, residues2(l.ring2, list)))
		}
		o.prefixed++
	}
	for i, w := range p.waves[1:] {
		if len(o.shares) == p.waves[i].shares {
			out = append(out, o.blocks(w)...)
		}
	}
	return out, nil
}

// message2 is the polynomial modulo T with the given lanes (4.3).
func (l *lanes2) message2(lanes []uint64) []uint64 {
	out, product := make([]uint64, l.n), uint64(1)
	for p, f := range l.planes {
		inverse := f.pow(product%f.p, f.p-2)
		for i, v := range f.inverse(lanes[p*l.n : (p+1)*l.n]) {
			out[i] += product * f.mul((v+f.p-out[i]%f.p)%f.p, inverse)
		}
		product *= f.p
	}
	return out
}

func upTo(n int) []int {
	every := make([]int, n)
	for i := range every {
		every[i] = i
	}
	return every
}

func (o *owner2) verdict(m []byte) error {
	p, batch := o.plan, o.verdicts/o.plan.h
	l := p.lanesOf(batch)
	body, err := body2(m, 7, o.session, o.verdicts, l.n/8*(l.wa+l.wb))
	if err != nil {
		return err
	}
	x, err := unseal2(l.ring2, o.lane, body, upTo(l.n), l.width2)
	if err != nil {
		return err
	}
	for plane, f := range l.planes {
		c := make([]uint64, l.n)
		for i := range c {
			c[i] = x[i] % f.p
		}
		for i, v := range f.transform(c) {
			if lane := plane*l.n + i; lane < p.comparisons(batch) && v == 0 {
				pair := p.pairs[batch][lane/p.shifts]
				o.hit[pair.probe][pair.entry] = true
			}
		}
	}
	o.verdicts++
	return nil
}

// evaluator2 is the evaluator (11.2).
type evaluator2 struct {
	terms          terms2
	plan           *plan2
	weights        [][]poly2 // by ciphertext of a probe and block, transforms
	seed, reply    []byte
	session, masks []byte
	public         []byte
	pa, pb, la, lb poly2   // transforms
	levels         []poly2 // a and b of the prefixes of a batch, transforms
	prefixes       []byte  // of a batch
	probe          []byte  // what the probe digest is over
	a, b           []poly2 // blocks, transforms
	wave           int
	opened         bool
	sent, answered int
}

func newEvaluator2(terms terms2, probes int, list []template2, epoch, m int, root, nonce []byte) *evaluator2 {
	plan, err := newPlan2(terms.scheme, probes, len(list), m)
	if err != nil {
		panic(err)
	}
	e := &evaluator2{terms: terms, plan: plan, seed: derive2(root, "puente/v1/evaluator seed", nonce)}
	e.reply = opening2(2, nonce, e.seed)
	e.reply = binary.BigEndian.AppendUint64(e.reply, uint64(epoch))
	e.reply = bytes.Join([][]byte{e.reply, u32(len(list)), u32(m)}, nil)
	for c := range (plan.n + plan.per - 1) / plan.per {
		rows := make([][]int, plan.blocks)
		for b := range rows {
			rows[b] = make([]int, degree)
		}
		for j := range min(plan.per, plan.n-c*plan.per) {
			for b, block := range plan.entry2(list[c*plan.per+j]) {
				for i, v := range block {
					rows[b][j*plan.stride+i] = v
				}
			}
		}
		weights := make([]poly2, plan.blocks)
		for b := range rows {
			weights[b] = scoreRing.small2(rows[b]).transform()
		}
		e.weights = append(e.weights, weights)
	}
	return e
}

func (e *evaluator2) start() [][]byte { return nil }

func (e *evaluator2) done() bool { return e.opened && e.answered == e.plan.batches() }

func (e *evaluator2) receive(m []byte) ([][]byte, error) {
	p := e.plan
	switch {
	case !e.opened:
		want := binary.BigEndian.AppendUint16([]byte{1, 1}, uint16(p.r))
		for _, text := range []string{e.terms.requester, e.terms.holder, e.terms.watchlist, e.terms.scheme} {
			want = append(append(want, byte(len(text))), text...)
		}
		if len(m) != 64+len(want) || !bytes.Equal(m[:2], want[:2]) || !bytes.Equal(m[66:], want[2:]) {
			return nil, fmt.Errorf("open on the agreed terms expected")
		}
		e.opened, e.session = true, session2(m, e.reply)
		return [][]byte{e.reply}, nil
	case e.public == nil:
		wide := p.lanes[len(p.lanes)-1].ring2
		body, err := body2(m, 3, e.session, 0, 32+51200+51200*len(wide.fields))
		if err != nil {
			return nil, err
		}
		e.public = bytes.Clone(body[:32])
		e.pa, e.la = scoreRing.expand2(e.public, "puente/v1/he/key a"), wide.expand2(e.public, "puente/v1/he/lane key a")
		e.probe = append(u32(len(m)), m...)
		if e.pb, err = decode2(body[32:51232], width2{wu: 100}); err != nil {
			return nil, err
		}
		e.lb, err = decodeResidues2(wide, body[51232:])
		return nil, err
	case len(e.b) < p.waves[e.wave].end*p.blocks:
		index := len(e.b)
		body, err := body2(m, 4, e.session, index, 512*p.score.wu)
		if err != nil {
			return nil, err
		}
		b, err := decode2(body, p.score)
		if err != nil {
			return nil, err
		}
		e.a, e.b = append(e.a, scoreRing.expand2(e.public, "puente/v1/he/block a", index)), append(e.b, b)
		e.probe = append(append(e.probe, u32(len(m))...), m...)
		if len(e.b) < p.waves[e.wave].end*p.blocks {
			return nil, nil
		}
		digest := sha256.Sum256(e.probe)
		e.masks = derive2(e.seed, "puente/v1/masks", e.session, digest[:])
		return e.release(), nil
	}
	l, level := p.lanesOf(e.answered), len(e.levels)/2
	body, err := body2(m, 6, e.session, e.answered*p.h+level, 51200*len(l.fields))
	if err != nil {
		return nil, err
	}
	b, err := decodeResidues2(l.ring2, body)
	if err != nil {
		return nil, err
	}
	e.levels = append(e.levels, l.expand2(e.public, "puente/v1/he/prefix a", e.answered, level), b)
	e.prefixes = append(e.prefixes, m...)
	if level < p.h-1 {
		return nil, nil
	}
	out := e.verdict(l)
	e.answered, e.levels, e.prefixes = e.answered+1, nil, nil
	if e.answered == p.waves[e.wave].batches && e.wave+1 < len(p.waves) {
		e.wave++
		return out, nil
	}
	return append(out, e.release()...), nil
}

// decodeResidues2 reads an upload of the ring of comparisons (7.2) and transforms it.
func decodeResidues2(r *ring2, data []byte) (poly2, error) {
	list, _, err := unpack2(data, r.n*len(r.fields), 50)
	if err != nil {
		return poly2{}, err
	}
	p := r.each(func(l int, _ *prime2, i int) uint64 { return list[l*r.n+i].Uint64() })
	for l, f := range r.fields {
		if slices.Max(p.c[l]) >= f.p {
			return poly2{}, fmt.Errorf("coefficient")
		}
	}
	return p.transform(), nil
}

// decode2 reads an upload (7.2) and transforms it.
func decode2(data []byte, w width2) (poly2, error) {
	list, _, err := unpack2(data, degree, w.wu)
	if err != nil {
		return poly2{}, err
	}
	limit := new(big.Int).Sub(scoreRing.q(), big.NewInt(1))
	limit.Rsh(limit, uint(w.drop))
	for _, v := range list {
		if v.Cmp(limit) > 0 {
			return poly2{}, fmt.Errorf("coefficient")
		}
		if v.Lsh(v, uint(w.drop)); w.drop > 0 {
			v.SetBit(v, w.drop-1, 1)
		}
	}
	return scoreRing.big2(list).transform(), nil
}

func (e *evaluator2) release() (out [][]byte) {
	p := e.plan
	for ; e.sent < min(p.need2(e.answered+4), p.waves[e.wave].shares); e.sent++ {
		z, at := e.sent, p.places[e.sent]
		zero := scoreRing.small2(nil)
		a, b := zero, zero
		for c, w := range e.weights[at.c] {
			number := at.probe*p.blocks + c
			a, b = a.plus(w.times(e.a[number])), b.plus(w.times(e.b[number]))
		}
		positions := p.positions(z)
		messages := make([]*big.Int, len(positions))
		for i, r := range e.maskList(z) {
			messages[i] = scoreRing.lift2((r+uint64(1<<p.k-p.offset()+1))%(1<<p.k), p.score.t)
		}
		share := answer2(a, b, e.pa, e.pb, positions, messages, newStream2(e.masks, "puente/v1/he/share noise", z), p.score)
		out = append(out, header2(5, e.session, z, share))
	}
	return out
}

func (e *evaluator2) maskList(z int) []uint64 {
	s, r := newStream2(e.masks, "puente/v1/he/mask", z), make([]uint64, e.plan.inShare(z)*e.plan.shifts)
	for i := range r {
		r[i] = s.bits(e.plan.k)
	}
	return r
}

// answer2 is 7.3 for a ciphertext and a public key in transforms.
func answer2(a, b, pa, pb poly2, positions []int, messages []*big.Int, s *stream2, w width2) []byte {
	r := a.r
	u := r.small2(s.ternary(r.n)).transform()
	a = a.plus(pa.in(r).times(u)).inverse().plus(r.small2(take(r.n, s.error)))
	b = b.plus(pb.in(r).times(u)).inverse()
	first := make([]*big.Int, r.n)
	for i := range first {
		first[i] = r.down2(a.at(i), w.wa)
	}
	second, q := make([]*big.Int, len(positions)), r.q()
	for i, c := range positions {
		second[i] = new(big.Int).Add(b.at(c), messages[i])
		second[i].Add(second[i], s.flooding(w.flood))
	}
	for i, v := range second {
		v.Add(v, big.NewInt(int64(s.error())))
		second[i] = r.down2(v.Mod(v, q), w.wb)
	}
	return append(pack2(first, w.wa), pack2(second, w.wb)...)
}

// down2 is 7.4.
func (r *ring2) down2(v *big.Int, w int) *big.Int {
	sum := big.NewInt(int64(len(r.fields)+1) / 2)
	sum.Add(sum, new(big.Int).Lsh(big.NewInt(1), uint(63-w)))
	for _, f := range r.fields {
		p := new(big.Int).SetUint64(f.p)
		rest := new(big.Int).Div(r.q(), p)
		x := rest.ModInverse(rest, p)
		x.Mul(x, v).Mod(x, p)
		part := new(big.Int).Lsh(big.NewInt(1), 116) // 2^50 * 2^66
		part.Sub(part, new(big.Int).Lsh(p, 66)).Div(part, p)
		part.Mul(part, x).Rsh(part, 52)
		sum.Add(sum, part).Add(sum, x.Lsh(x, 14))
	}
	sum.Rsh(sum, uint(64-w))
	return sum.And(sum, big.NewInt(1<<w-1))
}

func (p *plan2) target(r uint64, level int) uint64 {
	v := r >> level
	if v%2 == 0 {
		return v + 1
	}
	return (v - 1 + 1<<(p.h-level)) % (1 << (p.k - level))
}

// verdict is 8.3: the answers to a batch.
func (e *evaluator2) verdict(l *lanes2) (out [][]byte) {
	p, batch, digest := e.plan, e.answered, sha256.Sum256(e.prefixes)
	seed := derive2(e.masks, "puente/v1/verdict", digest[:])
	spare, order := newStream2(seed, "puente/v1/he/spare lanes", batch), newStream2(seed, "puente/v1/he/order", batch)
	r, turn := make([]uint64, len(l.planes)*l.n), make([]int, len(l.planes)*l.n)
	lists := map[int][]uint64{}
	for i := range r {
		turn[i] = int(order.below(uint64(p.h)))
		if i >= p.comparisons(batch) {
			r[i] = spare.bits(p.k)
			continue
		}
		c, number := p.shareOf(batch, i)
		if lists[c] == nil {
			lists[c] = e.maskList(c)
		}
		r[i] = lists[c][number]
	}
	for number := range p.h {
		blind := newStream2(seed, "puente/v1/he/blind", batch, number)
		rho, constant := make([][]uint64, p.h), make([]uint64, len(r))
		for level := range rho {
			rho[level] = make([]uint64, len(r))
		}
		for i := range r {
			f, level := l.planes[i/l.n], (turn[i]+number)%p.h
			v := 1 + blind.below(f.p-1)
			rho[level][i] = v
			constant[i] = (f.p - f.mul(v, p.target(r[i], level))) % f.p
		}
		a, b := l.small2(nil), l.small2(nil)
		for level := range rho {
			centred := make([]int, l.n)
			for i, v := range l.message2(rho[level]) {
				if centred[i] = int(v); v > l.t/2 {
					centred[i] -= int(l.t)
				}
			}
			w := l.small2(centred).transform()
			a, b = a.plus(w.times(e.levels[2*level])), b.plus(w.times(e.levels[2*level+1]))
		}
		messages := make([]*big.Int, l.n)
		for i, m := range l.message2(constant) {
			messages[i] = l.lift2(m, l.t)
		}
		answer := answer2(a, b, e.la, e.lb, upTo(l.n), messages, newStream2(seed, "puente/v1/he/test noise", batch, number), l.width2)
		out = append(out, header2(7, e.session, batch*p.h+number, answer))
	}
	return out
}
