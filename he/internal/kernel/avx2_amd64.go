package kernel

import (
	"math"
	"unsafe"
)

//go:generate go run -C gen ./avx2 -out ../kernel_avx2_amd64.s -stubs ../stubs_avx2_amd64.go -pkg kernel

// Lanes of a register, and the blocks of one call of accumulate, of AVX2: half of those
// of AVX-512.
const (
	lanesAVX2    = 4
	maxBatchAVX2 = maxBatch / 2
)

// vectors are the constants of the routines, each for four lanes; gen/avx2/field.go names
// them.
type vectors [13][lanesAVX2]uint64

// Bits of the doubles between which products are split; gen/avx2/vector.go says how.
const (
	bitsMagic = (1023 + 52) << 52  // 2^52
	bitsRound = bitsMagic | 1<<51  // 1.5*2^52
	bitsHigh  = (1023 + 102) << 52 // 2^102
	bitsLow   = bitsHigh | 6       // 2^102 + 1.5*2^52

	bitsFraction = (1023 + 104) << 52 // 2^104
)

func (m *portable) vectors() *vectors {
	c50, c100 := m.quotient(m.power(2, 50)), m.quotient(m.power(2, 100))
	c := new(vectors)
	for i, v := range [len(c)]uint64{
		math.Float64bits(float64(m.q)), math.Float64bits(1 / float64(m.q)), bitsRound, bitsMagic, m.q,
		math.Float64bits(c50[0]), math.Float64bits(c50[1]), math.Float64bits(c100[0]), math.Float64bits(c100[1]),
		1<<50 - 1, bitsHigh, bitsLow, bitsFraction,
	} {
		c[i] = [lanesAVX2]uint64{v, v, v, v}
	}
	return c
}

// quotient returns w modulo q, centred, and that divided by q: the factor of a routine.
func (m *portable) quotient(w uint64) [2]float64 {
	v := int64(w)
	if w > m.q/2 {
		v -= int64(m.q)
	}
	return [2]float64{float64(v), float64(v) / float64(m.q)}
}

// avx2 is the implementation in assembly for processors with AVX2 and FMA.
type avx2 struct {
	*portable
	c *vectors
	n int

	forward  []passAVX2 // the forward transform: these, then
	tail     []float64  // avx2ForwardTail with this table
	head     []float64  // the inverse: avx2InverseHead with this table, then
	backward []passAVX2 // these
}

func accelerateAVX2(p *portable, psi uint64) engine {
	m := &avx2{portable: p, n: p.sub.N, c: p.vectors()}
	if m.n >= minAssembly {
		m.tables(psi)
	}
	return m
}

// doubles is the memory of residues, in which a transform keeps doubles meanwhile.
func doubles(p []uint64) *float64 { return (*float64)(unsafe.Pointer(unsafe.SliceData(p))) }

func (m *avx2) ntt(p []uint64) {
	if m.n < minAssembly {
		m.portable.ntt(p)
		return
	}
	for _, s := range m.forward {
		s.routine(doubles(p), &s.table[0], &m.c[0][0], s.groups, s.stride)
	}
	avx2ForwardTail(doubles(p), &m.tail[0], &m.c[0][0], uint64(m.n/(2*blockAVX2)))
}

func (m *avx2) intt(p []uint64) {
	if m.n < minAssembly {
		m.portable.intt(p)
		return
	}
	avx2InverseHead(doubles(p), &m.head[0], &m.c[0][0], uint64(m.n/(2*blockAVX2)))
	for _, s := range m.backward {
		s.routine(doubles(p), &s.table[0], &m.c[0][0], s.groups, s.stride)
	}
}

func (m *avx2) mul(dst, a, b []uint64) {
	whole := len(dst) &^ (lanesAVX2 - 1)
	if whole > 0 {
		avx2Multiply(&dst[0], &a[0], &b[0], &m.c[0][0], uint64(whole/lanesAVX2))
	}
	m.portable.mul(dst[whole:], a[whole:], b[whole:])
}

func (m *avx2) mulAdd(dst, a, b []uint64) {
	whole := len(dst) &^ (lanesAVX2 - 1)
	if whole > 0 {
		avx2MultiplyAdd(&dst[0], &a[0], &b[0], &m.c[0][0], uint64(whole/lanesAVX2))
	}
	m.portable.mulAdd(dst[whole:], a[whole:], b[whole:])
}

func (m *avx2) accumulate(weights, rows, a, b []uint64, blocks int) {
	batch := max(1, maxBatchAVX2/blocks)
	n := uint64(blocks)
	start := [2]uint64{-n*bitsHigh - 1<<12, 1<<62 - n*bitsRound}
	for len(a) > 0 {
		tiles := min(batch, len(a)/Tile)
		avx2Accumulate(&weights[0], &rows[0], &a[0], &b[0], &m.c[0][0], &start[0], n, uint64(tiles))
		weights, rows = weights[tiles*blocks*Tile:], rows[2*tiles*blocks*Tile:]
		a, b = a[tiles*Tile:], b[tiles*Tile:]
	}
}

func (m *avx2) scale(dst, a []uint64, w *Factor) {
	whole := len(dst) &^ (lanesAVX2 - 1)
	if whole > 0 {
		factor := m.quotient(w[0])
		avx2Scale(&dst[0], &a[0], &factor[0], &m.c[0][0], uint64(whole/lanesAVX2))
	}
	m.portable.scale(dst[whole:], a[whole:], w)
}

func (m *avx2) scaleAdd(dst, a []uint64, w *Factor) {
	whole := len(dst) &^ (lanesAVX2 - 1)
	if whole > 0 {
		factor := m.quotient(w[0])
		avx2ScaleAdd(&dst[0], &a[0], &factor[0], &m.c[0][0], uint64(whole/lanesAVX2))
	}
	m.portable.scaleAdd(dst[whole:], a[whole:], w)
}

func (m *avx2) addFraction(sum, v []uint64, f *Fraction) {
	whole := len(sum) &^ (lanesAVX2 - 1)
	if whole > 0 {
		w := m.quotient(f[0])
		factor := [3]float64{w[0], w[1], float64(f[2])}
		avx2Fraction(&sum[0], &v[0], &factor[0], &m.c[0][0], uint64(whole/lanesAVX2))
	}
	m.portable.addFraction(sum[whole:], v[whole:], f)
}

func (m *avx2) addSmall(dst []uint64, small []int8) {
	whole := len(dst) &^ (lanesAVX2 - 1)
	if whole > 0 {
		avx2AddSmall(&dst[0], &small[0], &m.c[0][0], uint64(whole/lanesAVX2))
	}
	m.portable.addSmall(dst[whole:], small[whole:])
}

func (m *avx2) spread(dst []uint64, small []int32) {
	whole := len(dst) &^ (lanesAVX2 - 1)
	if whole > 0 {
		avx2Spread(&dst[0], &small[0], &m.c[0][0], uint64(whole/lanesAVX2))
	}
	m.portable.spread(dst[whole:], small[whole:])
}

// addProducts makes them one by one.
func (m *avx2) addProducts(a, b []uint64, x, ya, yb [][]uint64) {
	for l := range x {
		m.mulAdd(a, x[l], ya[l])
		m.mulAdd(b, x[l], yb[l])
	}
}

func (m *avx2) liftNTT(dst, src []uint64, t uint64) {
	m.lift(dst, src, t)
	m.ntt(dst)
}
