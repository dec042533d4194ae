package kernel

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"
)

// The fuzz targets compare the portable path with the others. selector picks the modulus
// and, together with it, the other path; data the first residues and, through a seed, the
// others.

var fuzzPrimes = append(primes(4096), 40961, 65537)

func pairOf(t testing.TB, n int, selector byte) (p, s *Modulus) {
	fast := paths(t)[1:]
	if len(fast) == 0 {
		t.Skip("no assembly here to compare with")
	}
	q := fuzzPrimes[int(selector)%len(fuzzPrimes)]
	path := fast[int(selector)/len(fuzzPrimes)%len(fast)]
	return mustBuild(t, n, q, pathPortable), mustBuild(t, n, q, path)
}

// expand returns count residues: words of data modulo q, then a mixture of
// extremes and random values that depends on data.
func expand(data []byte, count int, q uint64) []uint64 {
	s := make([]uint64, count)
	seed := uint64(len(data))
	for i := range s {
		if len(data) >= 8 {
			v := binary.LittleEndian.Uint64(data)
			s[i], seed, data = v%q, seed*31+v, data[8:]
			continue
		}
		r := rand.New(rand.NewPCG(seed, uint64(len(data))))
		for ; i < count; i++ {
			s[i] = fills[r.IntN(len(fills))].next(r, q)
		}
		break
	}
	return s
}

// seeds adds each seed for two paths.
func seeds(f *testing.F) {
	for path := range 2 {
		first := byte(path * len(fuzzPrimes))
		f.Add(first, []byte{})
		f.Add(first+1, []byte("\xff\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00\x00\x00\x00\x00"))
		f.Add(first+4, []byte("a seed of more than two words"))
	}
}

func FuzzNTT(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, selector byte, data []byte) {
		p, s := pairOf(t, 4096, selector)
		x := expand(data, 4096, p.q)
		y := clone(x)
		start := clone(x)
		p.NTT(x)
		s.NTT(y)
		equal(t, "NTT", y, x)
		s.INTT(y)
		equal(t, "round trip", y, start)
		p.INTT(start)
		s.INTT(y)
		equal(t, "INTT", y, start)
	})
}

func FuzzMul(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, selector byte, data []byte) {
		p, s := pairOf(t, 64, selector)
		const length = 203
		all := expand(data, 3*length, p.q)
		a, b, x := all[:length], all[length:2*length], all[2*length:]
		y := clone(x)
		p.MulAdd(x, a, b)
		s.MulAdd(y, a, b)
		equal(t, "MulAdd", y, x)
		p.Mul(x, x, b)
		s.Mul(y, y, b)
		equal(t, "Mul", y, x)
	})
}

func FuzzAccumulate(f *testing.F) {
	for path := range 2 {
		first := byte(path * len(fuzzPrimes))
		f.Add(first, uint16(0), []byte{})
		f.Add(first+1, uint16(8191), []byte("\xff\xff\xff\xff\xff\xff\xff\xff"))
		f.Add(first+4, uint16(4096), []byte("a seed of more than two words"))
	}
	f.Fuzz(func(t *testing.T, selector byte, size uint16, data []byte) {
		p, s := pairOf(t, 64, selector)
		const tiles = 2
		blocks := 1 + int(size)%MaxBlocks
		all := expand(data, 3*blocks*tiles*Tile, p.q)
		weights, rows := all[:blocks*tiles*Tile], all[blocks*tiles*Tile:]
		var got [4][tiles * Tile]uint64
		p.Accumulate(weights, rows, got[0][:], got[1][:], blocks)
		s.Accumulate(weights, rows, got[2][:], got[3][:], blocks)
		equal(t, "a", got[2][:], got[0][:])
		equal(t, "b", got[3][:], got[1][:])
	})
}
