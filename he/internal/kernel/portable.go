package kernel

import (
	"math/bits"

	"github.com/tuneinsight/lattigo/v5/ring"
)

// portable is the implementation in Go: Lattigo's transforms, and products in
// 128 bits with Montgomery's reduction (1985).
type portable struct {
	sub  *ring.SubRing
	q    uint64
	qInv uint64 // q^-1 mod 2^64
	r2   uint64 // 2^128 mod q
}

func newPortable(sub *ring.SubRing) *portable {
	m := &portable{sub: sub, q: sub.Modulus, qInv: sub.MRedConstant}
	r := bits.Rem64(1, 0, m.q)
	hi, lo := bits.Mul64(r, r)
	m.r2 = bits.Rem64(hi, lo, m.q)
	return m
}

// redc returns (hi*2^64 + lo) * 2^-64 mod q for hi < q.
func (m *portable) redc(hi, lo uint64) uint64 {
	h, _ := bits.Mul64(lo*m.qInv, m.q)
	r := hi - h + m.q
	if r >= m.q {
		r -= m.q
	}
	return r
}

// reduce returns hi*2^64 + lo mod q for hi < q.
func (m *portable) reduce(hi, lo uint64) uint64 {
	return m.redc(bits.Mul64(m.redc(hi, lo), m.r2))
}

func (m *portable) product(x, y uint64) uint64 { return m.reduce(bits.Mul64(x, y)) }

// power returns x^e mod q.
func (m *portable) power(x, e uint64) uint64 {
	result := uint64(1)
	for ; e > 0; e >>= 1 {
		if e&1 == 1 {
			result = m.product(result, x)
		}
		x = m.product(x, x)
	}
	return result
}

func (m *portable) ntt(p []uint64)  { m.sub.NTT(p, p) }
func (m *portable) intt(p []uint64) { m.sub.INTT(p, p) }

func (m *portable) mul(dst, a, b []uint64) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := range dst {
		dst[i] = m.product(a[i], b[i])
	}
}

func (m *portable) mulAdd(dst, a, b []uint64) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := range dst {
		r := dst[i] + m.product(a[i], b[i])
		if r >= m.q {
			r -= m.q
		}
		dst[i] = r
	}
}

func (m *portable) scale(dst, a []uint64, w *Factor) {
	for i, v := range a {
		dst[i] = m.shoupProduct(v, w[0], w[1])
	}
}

func (m *portable) scaleAdd(dst, a []uint64, w *Factor) {
	for i, v := range a {
		r := dst[i] + m.shoupProduct(v, w[0], w[1])
		if r >= m.q {
			r -= m.q
		}
		dst[i] = r
	}
}

// shoupProduct returns v*w mod q with wq = floor(w*2^52/q), for v < 2^52.
func (m *portable) shoupProduct(v, w, wq uint64) uint64 {
	hi, lo := bits.Mul64(v, wq)
	r := v*w - (hi<<12|lo>>52)*m.q
	if r >= m.q {
		r -= m.q
	}
	return r
}

func (m *portable) addFraction(sum, v []uint64, f *Fraction) {
	for i, y := range v {
		x := m.shoupProduct(y, f[0], f[1])
		hi, lo := bits.Mul64(x, f[2])
		sum[i] += x<<14 + hi<<12 + lo>>52
	}
}

func (m *portable) addSmall(dst []uint64, small []int8) {
	for i, e := range small {
		r := dst[i] + m.q + uint64(int64(e))
		if r >= m.q {
			r -= m.q
		}
		if r >= m.q {
			r -= m.q
		}
		dst[i] = r
	}
}

func (m *portable) spread(dst []uint64, small []int32) {
	for i, v := range small {
		dst[i] = uint64(int64(v)) + uint64(int64(v)>>63)&m.q
	}
}

func (m *portable) accumulate(weights, rows, a, b []uint64, blocks int) {
	for len(a) > 0 {
		m.accumulateTile(weights[:blocks*Tile], rows[:2*blocks*Tile], a[:Tile], b[:Tile])
		weights, rows, a, b = weights[blocks*Tile:], rows[2*blocks*Tile:], a[Tile:], b[Tile:]
	}
}

// accumulateTile computes two coefficients of both sums at a time, so that the
// eight accumulator words stay in registers. Products are below q^2, so the high
// word of the sum of 2^13 stays below q for every q < 2^50.
func (m *portable) accumulateTile(weights, rows, a, b []uint64) {
	for i := 0; i < Tile; i += 2 {
		var a0h, a0l, a1h, a1l, b0h, b0l, b1h, b1l uint64
		w, r := weights, rows
		for len(w) >= Tile && len(r) >= 2*Tile {
			w0, w1 := w[i&(Tile-2)], w[i&(Tile-2)+1]
			var c uint64
			hi, lo := bits.Mul64(w0, r[i&(Tile-2)])
			a0l, c = bits.Add64(a0l, lo, 0)
			a0h += hi + c
			hi, lo = bits.Mul64(w1, r[i&(Tile-2)+1])
			a1l, c = bits.Add64(a1l, lo, 0)
			a1h += hi + c
			hi, lo = bits.Mul64(w0, r[i&(Tile-2)+Tile])
			b0l, c = bits.Add64(b0l, lo, 0)
			b0h += hi + c
			hi, lo = bits.Mul64(w1, r[i&(Tile-2)+Tile+1])
			b1l, c = bits.Add64(b1l, lo, 0)
			b1h += hi + c
			w, r = w[Tile:], r[2*Tile:]
		}
		a[i], a[i+1] = m.reduce(a0h, a0l), m.reduce(a1h, a1l)
		b[i], b[i+1] = m.reduce(b0h, b0l), m.reduce(b1h, b1l)
	}
}
