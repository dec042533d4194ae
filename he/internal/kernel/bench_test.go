package kernel

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

const benchDegree = 4096

// benchPaths runs a benchmark for each path, one after the other, so that the
// ratio is of one run.
func benchPaths(b *testing.B, run func(b *testing.B, m *Modulus)) {
	q := primes(benchDegree)[0]
	before := chosen
	defer func() { chosen = before }()
	for _, path := range paths(b) {
		m := mustBuild(b, benchDegree, q, path)
		chosen = path // for what has no modulus
		b.Run(path, func(b *testing.B) { run(b, m) })
	}
}

func residues(m *Modulus, count int) []uint64 {
	s, r := make([]uint64, count), rand.New(rand.NewPCG(5, m.q))
	for i := range s {
		s[i] = r.Uint64N(m.q)
	}
	return s
}

func BenchmarkNTT(b *testing.B) {
	benchPaths(b, func(b *testing.B, m *Modulus) {
		p := residues(m, benchDegree)
		for b.Loop() {
			m.NTT(p)
		}
	})
}

func BenchmarkINTT(b *testing.B) {
	benchPaths(b, func(b *testing.B, m *Modulus) {
		p := residues(m, benchDegree)
		for b.Loop() {
			m.INTT(p)
		}
	})
}

func BenchmarkMul(b *testing.B) {
	benchPaths(b, func(b *testing.B, m *Modulus) {
		d, x, y := residues(m, benchDegree), residues(m, benchDegree), residues(m, benchDegree)
		for b.Loop() {
			m.Mul(d, x, y)
		}
	})
}

func BenchmarkMulAdd(b *testing.B) {
	benchPaths(b, func(b *testing.B, m *Modulus) {
		d, x, y := residues(m, benchDegree), residues(m, benchDegree), residues(m, benchDegree)
		for b.Loop() {
			m.MulAdd(d, x, y)
		}
	})
}

// BenchmarkAccumulate is 32 tiles whose rows and weights stay in cache.
func BenchmarkAccumulate(b *testing.B) {
	for _, blocks := range []int{16, 64, 128} {
		b.Run(fmt.Sprintf("blocks=%d", blocks), func(b *testing.B) {
			benchPaths(b, func(b *testing.B, m *Modulus) { benchAccumulate(b, m, blocks, 1) })
		})
	}
}

// BenchmarkAccumulateStreamed reads 128 MiB of weights past the same rows: what a
// scan of a watchlist does.
func BenchmarkAccumulateStreamed(b *testing.B) {
	benchPaths(b, func(b *testing.B, m *Modulus) { benchAccumulate(b, m, 64, 1024) })
}

func benchAccumulate(b *testing.B, m *Modulus, blocks, operands int) {
	const tiles = 32
	size := blocks * tiles * Tile
	weights, rows := make([]uint64, operands*size), residues(m, 2*size)
	for i, pattern := 0, residues(m, size); i < len(weights); i += size {
		copy(weights[i:], pattern)
	}
	x, y := make([]uint64, tiles*Tile), make([]uint64, tiles*Tile)
	b.SetBytes(int64(8 * len(weights)))
	for b.Loop() {
		for i := 0; i < len(weights); i += size {
			m.Accumulate(weights[i:i+size], rows, x, y, blocks)
		}
	}
	products := float64(b.N) * float64(2*len(weights))
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/products, "ns/product")
}

// BenchmarkLanes measures what comparisons and errors are made of.
func BenchmarkLanes(b *testing.B) {
	type operands struct {
		x, y  []uint64
		small []int8
		wide  []int32
		bytes []uint8
	}
	for _, c := range []struct {
		name string
		run  func(m *Modulus, o *operands) func()
	}{
		{"Scale", func(m *Modulus, o *operands) func() {
			f := m.Factor(12345)
			return func() { m.Scale(o.x, o.y, f) }
		}},
		{"ScaleAdd", func(m *Modulus, o *operands) func() {
			f := m.Factor(12345)
			return func() { m.ScaleAdd(o.x, o.y, f) }
		}},
		{"AddFraction", func(m *Modulus, o *operands) func() {
			f := m.Fraction(12345, 67890)
			return func() { m.AddFraction(o.x, o.y, f) }
		}},
		{"AddSmall", func(m *Modulus, o *operands) func() { return func() { m.AddSmall(o.x, o.small) } }},
		{"Spread", func(m *Modulus, o *operands) func() { return func() { m.Spread(o.x, o.wide) } }},
		{"Pick", func(m *Modulus, o *operands) func() { return func() { m.Pick(o.x, [][]uint64{o.y}, o.bytes, 3) } }},
		{"Lift", func(m *Modulus, o *operands) func() { return func() { m.Lift(o.x, o.y, m.q-2) } }},
		{"AddProducts", func(m *Modulus, o *operands) func() {
			lists := [][]uint64{o.y, o.y, o.y, o.y}
			return func() { m.AddProducts(o.x, o.x, lists, lists, lists) }
		}},
		{"CentredBinomial", func(_ *Modulus, o *operands) func() { return func() { CentredBinomial(o.small, o.y) } }},
	} {
		b.Run(c.name, func(b *testing.B) {
			benchPaths(b, func(b *testing.B, m *Modulus) {
				o := &operands{residues(m, benchDegree), residues(m, benchDegree), make([]int8, benchDegree), make([]int32, benchDegree), make([]uint8, benchDegree)}
				for i := range o.bytes {
					o.bytes[i], o.small[i], o.wide[i] = uint8(o.y[i]%12), int8(o.y[i]), int32(o.y[i])
				}
				run := c.run(m, o)
				for b.Loop() {
					run()
				}
			})
		})
	}
}
