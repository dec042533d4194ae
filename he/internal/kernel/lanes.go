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

func binomialPortable(dst []int8, words []uint64) {
	const mask = 1<<binomialBits - 1
	for i, w := range words {
		dst[i] = int8(bits.OnesCount64(w&mask) - bits.OnesCount64(w>>binomialBits&mask))
	}
}
