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
)

const degree = 4096

// scheme2 is a scheme of section 2.1.
type scheme2 struct {
	text                                    string
	iris                                    bool
	lines, cols, shifts, alpha, beta, delta int
	dims, norm, theta                       int
	smin, smax, wmax, length, offset        int
}

var (
	irisText   = regexp.MustCompile(`^iris:(\d+)x(\d+)x(\d+)x(\d+):shifts=(\d+):threshold=(\d+)/(\d+):delta=(\d+)$`)
	vectorText = regexp.MustCompile(`^vector:(\d+):norm=(\d+):theta=(\d+)$`)
)

func newScheme2(text string) scheme2 {
	var v []int
	s := scheme2{text: text, shifts: 1}
	numbers := func(m []string) {
		for _, d := range m[1:] {
			x, _ := strconv.Atoi(d)
			v = append(v, x)
		}
	}
	if m := irisText.FindStringSubmatch(text); m != nil {
		numbers(m)
		s.iris, s.lines, s.cols, s.shifts, s.alpha, s.beta, s.delta = true, v[0]*v[2]*v[3], v[1], v[4], v[5], v[6], v[7]
		all := s.lines * s.cols
		s.smin, s.smax = -(s.beta-s.alpha)*all-s.delta, s.alpha*all-s.delta
		s.wmax, s.length, s.offset = all*max(s.beta+s.alpha, 2*s.beta-s.alpha), s.cols, -s.delta
		return s
	}
	m := vectorText.FindStringSubmatch(text)
	if m == nil {
		panic("not a scheme: " + text)
	}
	numbers(m)
	s.dims, s.norm, s.theta = v[0], v[1], v[2]
	square := s.norm * s.norm
	root := new(big.Int).Sqrt(big.NewInt(int64(square * s.dims)))
	s.smin, s.smax, s.wmax, s.length, s.offset = -square-s.theta, square-s.theta, min(square, int(root.Int64())), s.dims, -s.theta
	return s
}

// template2 is v for a vector, x and u by line and column for an iris code (2.2).
type template2 struct {
	v    []int
	x, u [][]int
}

// score2 is the plain decision (2.3).
func (s scheme2) score2(p, g template2, shift int) int {
	if !s.iris {
		sum := -s.theta
		for i := range p.v {
			sum += p.v[i] * g.v[i]
		}
		return sum
	}
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
	return s.alpha*o - s.beta*hd - s.delta
}

// width2 is the result of the noise budget for one direction.
type width2 struct {
	t                       uint64
	drop, wu, wa, wb, flood int
	hiding                  float64
	feasible                bool
}

// plan2 is everything that follows from scheme, N and m (3, 5).
type plan2 struct {
	scheme2
	n, m, blocks, stride, per, perBatch int
	k, h                                int
	l1                                  int
	lanes                               *prime2
	score, compare                      width2
}

func newPlan2(text string, n, m int) (*plan2, error) {
	p := &plan2{scheme2: newScheme2(text), n: n, m: m}
	if m < 1 || m > p.length {
		return nil, fmt.Errorf("terms: width %d", m)
	}
	p.blocks = (p.length + m - 1) / m
	if p.iris {
		p.blocks *= 2 * p.lines
	}
	p.stride = m + p.shifts - 1
	p.per, p.perBatch = degree/p.stride, degree/p.shifts
	if p.blocks > 2048 || p.per < 1 {
		return nil, fmt.Errorf("terms: width %d", m)
	}
	p.l1 = p.per * p.wmax
	p.h = max(1, bits.Len(uint(p.smax)))
	p.k = bits.Len(uint(1<<p.h - p.smin - 1))
	p.lanes = slotPrime(p.k)
	p.score = search2(1<<p.k, float64(p.l1), p.k)
	p.compare = search2(p.lanes.p, 2048*float64(p.lanes.p), bits.Len64(p.lanes.p))
	if p.k > 24 || !p.score.feasible || !p.compare.feasible || p.score.hiding < 40 || p.compare.hiding < 40 {
		return nil, fmt.Errorf("terms: no parameters")
	}
	return p, nil
}

// budget2 is the account of 5.2 for one choice.
func budget2(t uint64, l float64, wa, wb, drop int) width2 {
	const n = degree
	q0, q1 := float64(field0.p), float64(field1.p)
	tf := float64(t)
	fresh := 21.5
	if drop > 0 {
		fresh += math.Pow(2, float64(drop-1))
	}
	noise := l*fresh + 21*(2*n+1) + 0.5
	unit := q0 * q1 / tf
	weight := 2*n/3.0 + 13.6*math.Sqrt(2*n/9.0)
	sigma := math.Sqrt(weight/12) * tf / math.Pow(2, float64(wa))
	fixed := tf/math.Pow(2, float64(wb+1)) + tf*(n+1)/(2*q0)
	room := 0.5 - fixed - sigma*math.Sqrt(2*math.Ln2*129.5) - noise/unit
	w := width2{t: t, drop: drop, wu: 100 - drop, wa: wa, wb: wb}
	if room > 0 {
		w.feasible, w.flood = true, int(math.Floor(math.Log2(room*unit)))
		w.hiding = float64(w.flood) + 1 - math.Log2(noise)
	}
	return w
}

// search2 is the search of 5.2.
func search2(t uint64, l float64, lt int) width2 {
	var best width2
	for e := 3; e <= 8; e++ {
		for f := 7; f <= 12; f++ {
			w := budget2(t, l, lt+f, lt+e, 0)
			good, had := w.hiding >= 48, best.hiding >= 48
			if w.feasible && (!best.feasible || good && !had ||
				good && had && w.wa+w.wb < best.wa+best.wb || !good && !had && w.flood > best.flood) {
				best = w
			}
		}
	}
	if !best.feasible {
		return best
	}
	for drop := 1; drop <= 63; drop++ {
		w := budget2(t, l, best.wa, best.wb, drop)
		if !w.feasible || w.hiding < 48 {
			break
		}
		best = w
	}
	return best
}

// need2 is need(b) of 3.2.
func (p *plan2) need2(b int) int { return (min(b*p.perBatch, p.n) + p.per - 1) / p.per }

func (p *plan2) batches() int { return (p.n + p.perBatch - 1) / p.perBatch }

func (p *plan2) inShare(c int) int { return min(p.per, p.n-c*p.per) }

// shareOf gives where comparison i of a batch is: ciphertext and number in its share.
func (p *plan2) shareOf(batch, i int) (c, number int) {
	entry := batch*p.perBatch + i/p.shifts
	return entry / p.per, entry%p.per*p.shifts + i%p.shifts
}

func (p *plan2) comparisons(batch int) int {
	return (min((batch+1)*p.perBatch, p.n) - batch*p.perBatch) * p.shifts
}

func (p *plan2) positions(c int) []int {
	var list []int
	for j := range p.inShare(c) {
		for s := range p.shifts {
			list = append(list, j*p.stride+p.m-1+s)
		}
	}
	return list
}

// probe2 makes the blocks of 3.3, entry2 those of 3.4.
func (p *plan2) probe2(t template2) [][]int {
	list := make([][]int, p.blocks)
	pieces := (p.length + p.m - 1) / p.m
	for b := range list {
		list[b] = make([]int, p.stride)
		for i := range list[b] {
			if !p.iris {
				if at := b*p.m + i; at < p.dims {
					list[b][i] = t.v[at]
				}
				continue
			}
			half := b % (p.blocks / 2)
			from := t.x
			if b >= p.blocks/2 {
				from = t.u
			}
			list[b][i] = from[half/pieces][(half%pieces*p.m+i-(p.shifts-1)/2+p.cols)%p.cols]
		}
	}
	return list
}

func (p *plan2) entry2(t template2) [][]int {
	list := make([][]int, p.blocks)
	pieces := (p.length + p.m - 1) / p.m
	for b := range list {
		list[b] = make([]int, p.m)
		for i := range list[b] {
			if !p.iris {
				if at := b*p.m + i; at < p.dims {
					list[b][i] = t.v[at]
				}
				continue
			}
			half := b % (p.blocks / 2)
			l, col := half/pieces, half%pieces*p.m+i
			if col >= p.cols {
				continue
			}
			if b < p.blocks/2 {
				list[b][i] = p.beta * (2*t.x[l][col] - t.u[l][col])
			} else {
				list[b][i] = p.alpha*t.u[l][col] - p.beta*t.x[l][col]
			}
		}
	}
	return list
}

// prime2 is a prime of 4.1.
type prime2 struct {
	p, g, psi uint64
	powers    []uint64 // of psi^2
}

var field0, field1 = largePrimes()

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

func newPrime2(p uint64) *prime2 {
	f := &prime2{p: p}
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
		f.psi = f.pow(f.g, (p-1)/(2*degree))
		for i := range uint64(degree) {
			f.powers = append(f.powers, f.pow(f.psi, 2*i))
		}
		return f
	}
}

func isPrime(p uint64) bool { return new(big.Int).SetUint64(p).ProbablyPrime(20) }

func largePrimes() (q0, q1 *prime2) {
	for p := uint64(1)<<50 - 2*degree + 1; q1 == nil; p -= 2 * degree {
		switch {
		case !isPrime(p):
		case q0 == nil:
			q0 = newPrime2(p)
		default:
			q1 = newPrime2(p)
		}
	}
	return q0, q1
}

func slotPrime(k int) *prime2 {
	p := uint64(1)
	for p <= 1<<k || !isPrime(p) {
		p += 2 * degree
	}
	return newPrime2(p)
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

func brv(i int) int { return int(bits.Reverse16(uint16(i)) >> 4) }

// transform is 4.2: F[i] = f(psi^(2 brv(i) + 1)).
func (f *prime2) transform(c []uint64) []uint64 {
	twisted, power := make([]uint64, degree), uint64(1)
	for i := range twisted {
		twisted[i] = f.mul(c[i], power)
		power = f.mul(power, f.psi)
	}
	natural, out := make([]uint64, degree), make([]uint64, degree)
	f.values(natural, twisted, 1)
	for i := range out {
		out[i] = natural[brv(i)]
	}
	return out
}

func (f *prime2) inverse(t []uint64) []uint64 {
	natural := make([]uint64, degree)
	for i := range natural {
		natural[brv(i)] = t[i]
	}
	back := f.pow(f.psi, f.p-2)
	c := make([]uint64, degree)
	f.values(c, natural, 1)
	slices.Reverse(c[1:]) // the inverse takes the powers of 1/w
	power := f.pow(degree, f.p-2)
	for i := range c {
		c[i] = f.mul(c[i], power)
		power = f.mul(power, back)
	}
	return c
}

func (f *prime2) times(a, b []uint64) []uint64 {
	c := make([]uint64, degree)
	for i := range c {
		c[i] = f.mul(a[i], b[i])
	}
	return c
}

// poly2 is a polynomial modulo q by its residues, coefficients or transforms.
type poly2 [2][]uint64

var fields = [2]*prime2{field0, field1}
var q2 = new(big.Int).Mul(new(big.Int).SetUint64(field0.p), new(big.Int).SetUint64(field1.p))

func each2(op func(l int, f *prime2) []uint64) (p poly2) {
	for l, f := range fields {
		p[l] = op(l, f)
	}
	return p
}

func (p poly2) transform() poly2 {
	return each2(func(l int, f *prime2) []uint64 { return f.transform(p[l]) })
}
func (p poly2) inverse() poly2 {
	return each2(func(l int, f *prime2) []uint64 { return f.inverse(p[l]) })
}
func (p poly2) times(o poly2) poly2 {
	return each2(func(l int, f *prime2) []uint64 { return f.times(p[l], o[l]) })
}
func (p poly2) plus(o poly2) poly2 {
	return each2(func(l int, f *prime2) []uint64 {
		c := make([]uint64, degree)
		for i := range c {
			c[i] = f.add(p[l][i], o[l][i])
		}
		return c
	})
}

// small2 is the polynomial with small signed coefficients.
func small2(c []int) poly2 {
	return each2(func(_ int, f *prime2) []uint64 {
		r := make([]uint64, degree)
		for i, v := range c {
			r[i] = uint64((int64(v)%int64(f.p) + int64(f.p))) % f.p
		}
		return r
	})
}

// big2 is the polynomial with the given integer coefficients modulo q.
func big2(c []*big.Int) poly2 {
	return each2(func(_ int, f *prime2) []uint64 {
		r, p, x := make([]uint64, degree), new(big.Int).SetUint64(f.p), new(big.Int)
		for i, v := range c {
			r[i] = x.Mod(v, p).Uint64()
		}
		return r
	})
}

// at is coefficient i as an integer in [0, q).
func (p poly2) at(i int) *big.Int {
	// v = v0 + q0 * ((v1 - v0) / q0 mod q1)
	y := field1.mul((p[1][i]+2*field1.p-p[0][i]%field1.p)%field1.p, q0InQ1)
	v := new(big.Int).SetUint64(y)
	v.Mul(v, new(big.Int).SetUint64(field0.p))
	return v.Add(v, new(big.Int).SetUint64(p[0][i]))
}

var q0InQ1 = field1.pow(field0.p%field1.p, field1.p-2)

// lift2 is 4.4.
func lift2(m, t uint64) *big.Int {
	v := new(big.Int).Mul(q2, new(big.Int).SetUint64(m))
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

func (s *stream2) ternary() int { return int(s.below(3)) - 1 }

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

func (s *stream2) permutation(c int) []int {
	o := make([]int, c)
	for i := range o {
		o[i] = i
	}
	for i := c - 1; i >= 1; i-- {
		j := s.below(uint64(i + 1))
		o[i], o[j] = o[j], o[i]
	}
	return o
}

func take(count int, sample func() int) []int {
	c := make([]int, count)
	for i := range c {
		c[i] = sample()
	}
	return c
}

// expand2 is A(label, ..) of 7.2 as transforms.
func expand2(public []byte, label string, index ...int) poly2 {
	s := newStream2(public, label, index...)
	return each2(func(_ int, f *prime2) []uint64 {
		c := make([]uint64, degree)
		for i := range c {
			c[i] = s.residue(f.p)
		}
		return c
	})
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
	probe                 template2
	seed, open            []byte
	plan                  *plan2
	session, keys, public []byte
	secret                poly2 // transform
	shares                [][]uint64
	prefixed, verdicts    int
	hit                   []bool // by entry
	opened                bool
}

func newOwner2(terms terms2, probe template2, root, nonce []byte) *owner2 {
	o := &owner2{terms: terms, probe: probe, seed: derive2(root, "puente/v1/key owner seed", nonce)}
	o.open = opening2(1, nonce, o.seed)
	for _, text := range []string{terms.requester, terms.holder, terms.watchlist, terms.scheme} {
		o.open = append(append(o.open, byte(len(text))), text...)
	}
	return o
}

func (o *owner2) start() [][]byte { return [][]byte{o.open} }

func (o *owner2) done() bool { return o.opened && o.verdicts == o.plan.batches() }

func (o *owner2) hits() (list []int) {
	for i, hit := range o.hit {
		if hit {
			list = append(list, i)
		}
	}
	return list
}

func (o *owner2) receive(m []byte) ([][]byte, error) {
	switch {
	case !o.opened:
		return o.accept(m)
	case len(m) > 0 && m[0] == 7 && o.verdicts < o.prefixed || len(o.shares) == o.plan.need2(o.plan.batches()):
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
	if o.plan, err = newPlan2(o.terms.scheme, int(n), int(width)); err != nil {
		return nil, err
	}
	o.opened, o.hit = true, make([]bool, n)
	o.session = session2(o.open, m)
	o.keys = derive2(o.seed, "puente/v1/key owner keys", o.session)
	o.public = derive2(o.keys, "puente/v1/he/public seed")
	o.secret = small2(take(degree, newStream2(o.keys, "puente/v1/he/secret key").ternary)).transform()

	key := append(bytes.Clone(o.public), o.encrypt("key", nil, 0, width2{wu: 100})...)
	out = append(out, header2(3, o.session, 0, key))
	for c, block := range o.plan.probe2(o.probe) {
		message := make([]uint64, degree)
		for i, v := range block {
			message[i] = uint64(v+1<<o.plan.k) % (1 << o.plan.k)
		}
		out = append(out, header2(4, o.session, c, o.encrypt("block", message, o.plan.score.t, o.plan.score, c)))
	}
	return out, nil
}

// encrypt is 7.2; no message is a message of zero.
func (o *owner2) encrypt(what string, message []uint64, t uint64, w width2, index ...int) []byte {
	a := expand2(o.public, "puente/v1/he/"+what+" a", index...)
	e := take(degree, newStream2(o.keys, "puente/v1/he/"+what+" error", index...).error)
	as := a.times(o.secret).inverse()
	list := make([]*big.Int, degree)
	for i := range list {
		b := new(big.Int).Sub(big.NewInt(int64(e[i])), as.at(i))
		if message != nil {
			b.Add(b, lift2(message[i], t))
		}
		list[i] = b.Mod(b, q2)
		b.Rsh(b, uint(w.drop))
	}
	return pack2(list, w.wu)
}

// unseal is 7.5.
func (o *owner2) unseal(data []byte, positions []int, w width2) (x []uint64, rest []byte, err error) {
	a, data, err := unpack2(data, degree, w.wa)
	if err != nil {
		return nil, nil, err
	}
	b, data, err := unpack2(data, len(positions), w.wb)
	if err != nil {
		return nil, nil, err
	}
	signed := make([]int, degree)
	for i, v := range a {
		if signed[i] = int(v.Int64()); signed[i] >= 1<<(w.wa-1) {
			signed[i] -= 1 << w.wa
		}
	}
	// The products stay far below q/2, so that modulo q they are exact.
	p := small2(signed).transform().times(o.secret).inverse()
	half := new(big.Int).Rsh(q2, 1)
	for i, c := range positions {
		y := p.at(c)
		if y.Cmp(half) > 0 {
			y.Sub(y, q2)
		}
		y.Add(y, b[i].Lsh(b[i], uint(w.wa-w.wb)))
		y.And(y, big.NewInt(1<<w.wa-1))
		y.Mul(y, new(big.Int).SetUint64(w.t)).Add(y, big.NewInt(1<<(w.wa-1))).Rsh(y, uint(w.wa))
		x = append(x, y.Uint64()%w.t)
	}
	return x, data, nil
}

func (o *owner2) share(m []byte) (out [][]byte, err error) {
	p, index := o.plan, len(o.shares)
	count := p.inShare(index) * p.shifts
	body, err := body2(m, 5, o.session, index, 512*p.score.wa+(count*p.score.wb+7)/8)
	if err != nil {
		return nil, err
	}
	if index >= p.need2(o.verdicts+16) {
		return nil, fmt.Errorf("window")
	}
	x, _, err := o.unseal(body, p.positions(index), p.score)
	if err != nil {
		return nil, err
	}
	o.shares = append(o.shares, x)
	for o.prefixed < p.batches() && len(o.shares) >= p.need2(o.prefixed+1) {
		var body []byte
		for level := range p.h {
			lanes := make([]uint64, degree)
			for i := range p.comparisons(o.prefixed) {
				c, number := p.shareOf(o.prefixed, i)
				lanes[i] = o.shares[c][number] >> level
			}
			body = append(body, o.encrypt("prefix", p.lanes.inverse(lanes), p.lanes.p, p.compare, o.prefixed, level)...)
		}
		out = append(out, header2(6, o.session, o.prefixed, body))
		o.prefixed++
	}
	return out, nil
}

func (o *owner2) verdict(m []byte) error {
	p, batch := o.plan, o.verdicts
	body, err := body2(m, 7, o.session, batch, (p.h+1)*512*(p.compare.wa+p.compare.wb))
	if err != nil {
		return err
	}
	every := make([]int, degree)
	for i := range every {
		every[i] = i
	}
	for range p.h + 1 {
		var x []uint64
		if x, body, err = o.unseal(body, every, p.compare); err != nil {
			return err
		}
		lanes := p.lanes.transform(x)
		for i := range p.comparisons(batch) {
			if lanes[i] == 0 {
				o.hit[batch*p.perBatch+i/p.shifts] = true
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
	weights        [][]poly2 // by ciphertext and block, transforms
	seed, reply    []byte
	session, masks []byte
	public         []byte
	pa, pb         poly2   // transforms
	probe          []byte  // what the probe digest is over
	a, b           []poly2 // blocks of the probe, transforms
	opened         bool
	sent, answered int
}

func newEvaluator2(terms terms2, list []template2, epoch, m int, root, nonce []byte) *evaluator2 {
	plan, err := newPlan2(terms.scheme, len(list), m)
	if err != nil {
		panic(err)
	}
	e := &evaluator2{terms: terms, plan: plan, seed: derive2(root, "puente/v1/evaluator seed", nonce)}
	e.reply = opening2(2, nonce, e.seed)
	e.reply = binary.BigEndian.AppendUint64(e.reply, uint64(epoch))
	e.reply = bytes.Join([][]byte{e.reply, u32(len(list)), u32(m)}, nil)
	for c := range plan.need2(plan.batches()) {
		rows := make([][]int, plan.blocks)
		for b := range rows {
			rows[b] = make([]int, degree)
		}
		for j := range plan.inShare(c) {
			for b, block := range plan.entry2(list[c*plan.per+j]) {
				for i, v := range block {
					rows[b][j*plan.stride+m-1-i] = v
				}
			}
		}
		weights := make([]poly2, plan.blocks)
		for b := range rows {
			weights[b] = small2(rows[b]).transform()
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
		want := []byte{1, 1}
		for _, text := range []string{e.terms.requester, e.terms.holder, e.terms.watchlist, e.terms.scheme} {
			want = append(append(want, byte(len(text))), text...)
		}
		if len(m) != 64+len(want) || !bytes.Equal(m[:2], want[:2]) || !bytes.Equal(m[66:], want[2:]) {
			return nil, fmt.Errorf("open on the agreed terms expected")
		}
		e.opened, e.session = true, session2(m, e.reply)
		return [][]byte{e.reply}, nil
	case e.public == nil:
		body, err := body2(m, 3, e.session, 0, 32+51200)
		if err != nil {
			return nil, err
		}
		e.public = bytes.Clone(body[:32])
		e.pa = expand2(e.public, "puente/v1/he/key a")
		e.probe = append(u32(len(m)), m...)
		e.pb, err = decode2(body[32:], width2{wu: 100})
		return nil, err
	case len(e.b) < p.blocks:
		index := len(e.b)
		body, err := body2(m, 4, e.session, index, 512*p.score.wu)
		if err != nil {
			return nil, err
		}
		b, err := decode2(body, p.score)
		if err != nil {
			return nil, err
		}
		e.a, e.b = append(e.a, expand2(e.public, "puente/v1/he/block a", index)), append(e.b, b)
		e.probe = append(append(e.probe, u32(len(m))...), m...)
		if len(e.b) < p.blocks {
			return nil, nil
		}
		digest := sha256.Sum256(e.probe)
		e.masks = derive2(e.seed, "puente/v1/masks", e.session, digest[:])
		return e.release(), nil
	}
	body, err := body2(m, 6, e.session, e.answered, p.h*512*p.compare.wu)
	if err != nil {
		return nil, err
	}
	verdict, err := e.verdict(m, body)
	if err != nil {
		return nil, err
	}
	out := [][]byte{header2(7, e.session, e.answered, verdict)}
	e.answered++
	return append(out, e.release()...), nil
}

// decode2 reads an upload (7.2) and transforms it.
func decode2(data []byte, w width2) (poly2, error) {
	list, _, err := unpack2(data, degree, w.wu)
	if err != nil {
		return poly2{}, err
	}
	limit := new(big.Int).Sub(q2, big.NewInt(1))
	limit.Rsh(limit, uint(w.drop))
	for _, v := range list {
		if v.Cmp(limit) > 0 {
			return poly2{}, fmt.Errorf("coefficient")
		}
		if v.Lsh(v, uint(w.drop)); w.drop > 0 {
			v.SetBit(v, w.drop-1, 1)
		}
	}
	return big2(list).transform(), nil
}

func (e *evaluator2) release() (out [][]byte) {
	p := e.plan
	for ; e.sent < p.need2(e.answered+16); e.sent++ {
		z := e.sent
		zero := small2(make([]int, degree))
		a, b := zero, zero
		for c, w := range e.weights[z] {
			a, b = a.plus(w.times(e.a[c])), b.plus(w.times(e.b[c]))
		}
		positions := p.positions(z)
		messages := make([]*big.Int, len(positions))
		for i, r := range e.maskList(z) {
			messages[i] = lift2((r+uint64(p.offset+1<<p.k))%(1<<p.k), p.score.t)
		}
		share := e.answer(a, b, positions, messages, newStream2(e.masks, "puente/v1/he/share noise", z), p.score)
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

// answer is 7.3 for a ciphertext in transforms.
func (e *evaluator2) answer(a, b poly2, positions []int, messages []*big.Int, s *stream2, w width2) []byte {
	u := small2(take(degree, s.ternary)).transform()
	a = a.plus(e.pa.times(u)).inverse().plus(small2(take(degree, s.error)))
	b = b.plus(e.pb.times(u)).inverse()
	first := make([]*big.Int, degree)
	for i := range first {
		first[i] = down2(a.at(i), w.wa)
	}
	second := make([]*big.Int, len(positions))
	for i, c := range positions {
		v := new(big.Int).Add(b.at(c), messages[i])
		v.Add(v, s.flooding(w.flood))
		v.Add(v, big.NewInt(int64(s.error())))
		second[i] = down2(v.Mod(v, q2), w.wb)
	}
	return append(pack2(first, w.wa), pack2(second, w.wb)...)
}

func down2(v *big.Int, w int) *big.Int {
	q0, q1 := new(big.Int).SetUint64(field0.p), new(big.Int).SetUint64(field1.p)
	v1 := new(big.Int).Mod(v, q1)
	if v1.Uint64() > (field1.p-1)/2 {
		v1.Sub(v1, q1)
	}
	t := new(big.Int).Sub(v, v1)
	t.Div(t, q1).Mod(t, q0)
	t.Lsh(t, uint(w)).Add(t, new(big.Int).SetUint64((field0.p-1)/2)).Div(t, q0)
	return t.And(t, big.NewInt(1<<w-1))
}

func (p *plan2) target(r uint64, level int) uint64 {
	v := r >> level
	if v%2 == 0 {
		return v + 1
	}
	return (v - 1 + 1<<(p.h-level)) % (1 << (p.k - level))
}

func (e *evaluator2) verdict(message, body []byte) ([]byte, error) {
	p, batch, digest := e.plan, e.answered, sha256.Sum256(message)
	seed := derive2(e.masks, "puente/v1/verdict", digest[:])
	spare := newStream2(seed, "puente/v1/he/spare slots", batch)
	r := make([]uint64, degree)
	lists := map[int][]uint64{}
	for i := range r {
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
	order := newStream2(seed, "puente/v1/he/order", batch).permutation(p.h + 1)
	every := make([]int, degree)
	tests := make([][]byte, p.h+1)
	for i := range tests {
		level := i % p.h // test h is on level 0
		b, err := decode2(body[level*512*p.compare.wu:(level+1)*512*p.compare.wu], p.compare)
		if err != nil {
			return nil, err
		}
		a := expand2(e.public, "puente/v1/he/prefix a", batch, level)
		rho, constant := make([]uint64, degree), make([]uint64, degree)
		blind := newStream2(seed, "puente/v1/he/blind", batch, i)
		for c := range rho {
			t := r[c]
			if i < p.h {
				t = p.target(r[c], level)
			}
			rho[c] = 1 + blind.below(p.lanes.p-1)
			constant[c] = (p.lanes.p - p.lanes.mul(rho[c], t)) % p.lanes.p
			every[c] = c
		}
		centred, messages := make([]int, degree), make([]*big.Int, degree)
		for c, v := range p.lanes.inverse(rho) {
			if centred[c] = int(v); v > (p.lanes.p-1)/2 {
				centred[c] -= int(p.lanes.p)
			}
		}
		for c, v := range p.lanes.inverse(constant) {
			messages[c] = lift2(v, p.lanes.p)
		}
		factor := small2(centred).transform()
		noise := newStream2(seed, "puente/v1/he/test noise", batch, i)
		tests[order[i]] = e.answer(factor.times(a), factor.times(b), every, messages, noise, p.compare)
	}
	return bytes.Join(tests, nil), nil
}
