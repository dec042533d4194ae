package kernel

import "math/bits"

//go:generate go run -C gen . -out ../kernel_amd64.s -stubs ../stubs_amd64.go -pkg kernel

const haveAssembly = true

// minAssembly is the smallest degree of the transforms in assembly: six stages
// in registers and at least one radix-8 pass.
const minAssembly = 512

// lanes is the number of words of a register.
const lanes = 8

// maxBatch bounds the blocks of one call of accumulate to some 50 microseconds:
// the runtime cannot preempt assembly.
const maxBatch = 1 << 14

// constants is the last argument of the routines; gen/field.go names the words.
type constants [13]uint64

func (m *portable) constants() constants {
	length := bits.Len64(m.q)
	var hi, lo uint64 // 2^(2*length)
	if length < 32 {
		lo = 1 << (2 * length)
	} else {
		hi = 1 << (2*length - 64)
	}
	barrett, _ := bits.Div64(hi, lo, m.q)
	r52, r102 := m.power(2, 52), m.power(2, 102)
	return constants{
		m.q, 2 * m.q, 4 * m.q, 1<<52 - m.q, 1<<52 - 1, 1<<50 - 1, uint64(52 - length), barrett,
		m.shoup(1), r52, m.shoup(r52), r102, m.shoup(r102),
	}
}

// avx512 is the implementation in assembly.
type avx512 struct {
	*portable
	c constants
	n int

	forward  []pass   // the forward transform: these, then
	tail     []uint64 // forwardTail with this table
	head     []uint64 // the inverse: inverseHead with this table, then
	backward []pass   // these
}

func accelerate(p *portable, psi uint64) engine {
	m := &avx512{portable: p, n: p.sub.N, c: p.constants()}
	if m.n >= minAssembly {
		m.tables(psi)
	}
	return m
}

func (m *avx512) ntt(p []uint64) {
	if m.n < minAssembly {
		m.portable.ntt(p)
		return
	}
	m.finish(p, m.forward)
}

// finish does the last passes of a forward transform and its tail.
func (m *avx512) finish(p []uint64, passes []pass) {
	for _, s := range passes {
		s.routine(&p[0], &s.table[0], &m.c[0], s.groups, s.stride)
	}
	forwardTail(&p[0], &m.tail[0], &m.c[0], uint64(m.n/blockSize))
}

func (m *avx512) intt(p []uint64) {
	if m.n < minAssembly {
		m.portable.intt(p)
		return
	}
	inverseHead(&p[0], &m.head[0], &m.c[0], uint64(m.n/blockSize))
	for _, s := range m.backward {
		s.routine(&p[0], &s.table[0], &m.c[0], s.groups, s.stride)
	}
}

func (m *avx512) mul(dst, a, b []uint64) {
	whole := len(dst) &^ (lanes - 1)
	if whole > 0 {
		multiply(&dst[0], &a[0], &b[0], &m.c[0], uint64(whole/lanes))
	}
	m.portable.mul(dst[whole:], a[whole:], b[whole:])
}

func (m *avx512) mulAdd(dst, a, b []uint64) {
	whole := len(dst) &^ (lanes - 1)
	if whole > 0 {
		multiplyAdd(&dst[0], &a[0], &b[0], &m.c[0], uint64(whole/lanes))
	}
	m.portable.mulAdd(dst[whole:], a[whole:], b[whole:])
}

func (m *avx512) accumulate(weights, rows, a, b []uint64, blocks int) {
	batch := max(1, maxBatch/blocks)
	for len(a) > 0 {
		tiles := min(batch, len(a)/Tile)
		accumulate(&weights[0], &rows[0], &a[0], &b[0], &m.c[0], uint64(blocks), uint64(tiles))
		weights, rows = weights[tiles*blocks*Tile:], rows[2*tiles*blocks*Tile:]
		a, b = a[tiles*Tile:], b[tiles*Tile:]
	}
}

func (m *avx512) scale(dst, a []uint64, w *Factor) {
	whole := len(dst) &^ (lanes - 1)
	if whole > 0 {
		scale(&dst[0], &a[0], &w[0], &m.c[0], uint64(whole/lanes))
	}
	m.portable.scale(dst[whole:], a[whole:], w)
}

func (m *avx512) scaleAdd(dst, a []uint64, w *Factor) {
	whole := len(dst) &^ (lanes - 1)
	if whole > 0 {
		scaleAdd(&dst[0], &a[0], &w[0], &m.c[0], uint64(whole/lanes))
	}
	m.portable.scaleAdd(dst[whole:], a[whole:], w)
}

func (m *avx512) addFraction(sum, v []uint64, f *Fraction) {
	whole := len(sum) &^ (lanes - 1)
	if whole > 0 {
		fraction(&sum[0], &v[0], &f[0], &m.c[0], uint64(whole/lanes))
	}
	m.portable.addFraction(sum[whole:], v[whole:], f)
}

func (m *avx512) addSmall(dst []uint64, small []int8) {
	whole := len(dst) &^ (lanes - 1)
	if whole > 0 {
		addSmall(&dst[0], &small[0], &m.c[0], uint64(whole/lanes))
	}
	m.portable.addSmall(dst[whole:], small[whole:])
}

func (m *avx512) spread(dst []uint64, small []int32) {
	whole := len(dst) &^ (lanes - 1)
	if whole > 0 {
		spread(&dst[0], &small[0], &m.c[0], uint64(whole/lanes))
	}
	m.portable.spread(dst[whole:], small[whole:])
}

// The functions below do what fills whole registers and return how much that was.

func binomialVectors(dst []int8, words []uint64) int {
	whole := len(dst) &^ (lanes - 1)
	if whole > 0 {
		centredBinomial(&dst[0], &words[0], 1<<binomialBits-1, uint64(whole/lanes))
	}
	return whole
}
