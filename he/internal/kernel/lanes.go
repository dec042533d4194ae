package kernel

import (
	"fmt"
	"math/bits"
)

// Factor is a constant w with floor(w*2^52/q) for Scale and ScaleAdd.
type Factor [2]uint64

// Factor prepares w < q.
func (m *Modulus) Factor(w uint64) Factor {
	hi, _ := bits.Div64(w>>12, w<<52, m.q)
	return Factor{w, hi}
}

// Scale sets dst[i] = a[i]*w mod q, for a[i] < 2^52. dst may be a. It panics if the lengths
// differ.
func (m *Modulus) Scale(dst, a []uint64, w Factor) {
	same("Scale", len(dst), a)
	m.scale(dst, a, &w)
}

// ScaleAdd sets dst[i] = dst[i] + a[i]*w mod q. a, aliasing and lengths as for Scale.
func (m *Modulus) ScaleAdd(dst, a []uint64, w Factor) {
	same("ScaleAdd", len(dst), a)
	m.scaleAdd(dst, a, &w)
}

// Fraction is a constant w with floor(w*2^52/q), and e, below 2^52, for AddFraction.
type Fraction [3]uint64

// Fraction prepares w < q and e.
func (m *Modulus) Fraction(w, e uint64) Fraction {
	f := m.Factor(w)
	return Fraction{f[0], f[1], e}
}

// AddFraction adds x*2^14 + floor(x*e/2^52), with x = v[i]*w mod q, to each sum[i], modulo
// 2^64, for v[i] < 2^52. It panics if the lengths differ.
func (m *Modulus) AddFraction(sum, v []uint64, f Fraction) {
	same("AddFraction", len(sum), v)
	m.addFraction(sum, v, &f)
}

// AddSmall sets dst[i] = dst[i] + small[i] mod q. It panics if the lengths differ or the
// modulus is not above 2^8.
func (m *Modulus) AddSmall(dst []uint64, small []int8) {
	if len(dst) != len(small) || m.q < 1<<8 {
		panic(fmt.Sprintf("kernel: AddSmall of %d bytes to %d words modulo %d", len(small), len(dst), m.q))
	}
	m.addSmall(dst, small)
}

// Spread sets dst[i] = small[i] mod q, for integers between -q and q. It panics if the
// lengths differ.
func (m *Modulus) Spread(dst []uint64, small []int32) {
	if len(dst) != len(small) {
		panic(fmt.Sprintf("kernel: Spread of %d integers to %d words", len(small), len(dst)))
	}
	m.spread(dst, small)
}

// Pick copies src[i] to dst[i] where bytes[i] is want, and clears the others. It panics
// if the lengths differ.
func Pick(dst, src []uint64, bytes []uint8, want uint8) {
	same("Pick", len(dst), src)
	if len(bytes) != len(dst) {
		panic(fmt.Sprintf("kernel: Pick by %d bytes of %d words", len(bytes), len(dst)))
	}
	whole := 0
	if chosen == pathIFMA {
		whole = pickVectors(dst, src, bytes, want)
	}
	if chosen == pathAVX2 {
		whole = pickAVX2(dst, src, bytes, want)
	}
	pickPortable(dst[whole:], src[whole:], bytes[whole:], want)
}

// CentredBinomial sets dst[i] to the number of ones among bits 0..20 of words[i] less that
// among bits 21..41. It panics if the lengths differ.
func CentredBinomial(dst []int8, words []uint64) {
	if len(dst) != len(words) {
		panic(fmt.Sprintf("kernel: CentredBinomial of %d words to %d bytes", len(words), len(dst)))
	}
	whole := 0
	if chosen == pathIFMA {
		whole = binomialVectors(dst, words)
	}
	binomialPortable(dst[whole:], words[whole:])
}

// binomialBits is the number of coin pairs of CentredBinomial.
const binomialBits = 21

func pickPortable(dst, src []uint64, bytes []uint8, want uint8) {
	for i, v := range src {
		if bytes[i] != want {
			v = 0
		}
		dst[i] = v
	}
}

func binomialPortable(dst []int8, words []uint64) {
	const mask = 1<<binomialBits - 1
	for i, w := range words {
		dst[i] = int8(bits.OnesCount64(w&mask) - bits.OnesCount64(w>>binomialBits&mask))
	}
}

// Planes recombines residues modulo one to three primes, the planes, to integers modulo
// their product t, and those to residues modulo two or three primes q.
type Planes struct {
	planes, limbs int
	words         planeWords
}

// planeWords are the constants; gen/lanes.go names them.
type planeWords [20]uint64

// NewPlanes prepares planes below 2^26 with a product t below 2^52, and primes of q above
// t/2 and below 2^50.
func NewPlanes(planes, q []uint64) *Planes {
	p := &Planes{planes: len(planes), limbs: len(q)}
	t := uint64(1)
	for _, m := range planes {
		t *= m
	}
	for i, m := range planes {
		copy(p.words[4*i:], []uint64{m, m / 2, t / m, 1 << 40 / m})
	}
	copy(p.words[12:], []uint64{t, t / 2, -(t / 2), 1 << 39})
	for i := range 3 {
		p.words[16+i] = q[min(i, len(q)-1)]
	}
	return p
}

// Recombine sets dst[l][i] to v mod q_l for the integer v of [-t/2, t/2] that is congruent
// to residues[p][i] * t/p modulo each plane p: the sum of the centred residues times t/p,
// less the multiple of t that is nearest. All lists have one length.
func (p *Planes) Recombine(dst, residues [][]uint64) {
	n := len(dst[0])
	same("Recombine", n, dst...)
	same("Recombine", n, residues...)
	if len(dst) != p.limbs || len(residues) != p.planes {
		panic(fmt.Sprintf("kernel: Recombine of %d planes to %d primes", len(residues), len(dst)))
	}
	whole := 0
	if chosen == pathIFMA {
		whole = p.vectors(dst, residues)
	}
	if chosen == pathAVX2 {
		whole = p.vectorsAVX2(dst, residues)
	}
	for i := whole; i < n; i++ {
		v := p.centred(residues, i)
		for l, d := range dst {
			d[i] = uint64(v) + uint64(v>>63)&p.words[16+l]
		}
	}
}

func (p *Planes) centred(residues [][]uint64, i int) int64 {
	var v, turns int64
	for j, r := range residues {
		w := p.words[4*j : 4*j+4]
		c := int64(r[i])
		if r[i] > w[1] {
			c -= int64(w[0])
		}
		v += c * int64(w[2])
		turns += c * int64(w[3])
	}
	t, half := int64(p.words[12]), int64(p.words[13])
	v -= (turns + 1<<39) >> 40 * t
	switch { // turns is a little short
	case v > half:
		v -= t
	case v < -half:
		v += t
	}
	return v
}
