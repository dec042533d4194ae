package he

import (
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestPlanePrimes checks for every k that the planes are prime, split, and are the least
// such primes that fit all values of k bits.
func TestPlanePrimes(t *testing.T) {
	pinned := map[int][3]uint64{
		13: {65537, 114689, 147457}, 16: {65537, 114689, 147457}, 17: {147457, 163841, 557057}, 20: {1097729, 1130497, 1146881},
	}
	for k := 1; k <= maxScoreBits; k++ {
		got := planePrimes(LaneDegree, k, maxPlanes)
		var want []uint64
		for v := uint64(1<<k) + 1; len(want) < maxPlanes; v++ {
			if v%(2*LaneDegree) == 1 && new(big.Int).SetUint64(v).ProbablyPrime(32) {
				want = append(want, v)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("k = %d: %d, expected %d", k, got, want)
		}
		if pin, ok := pinned[k]; ok && !slices.Equal(got, pin[:]) {
			t.Errorf("k = %d: %d, pinned is %d", k, got, pin)
		}
		for count := 1; count < maxPlanes; count++ {
			if !slices.Equal(planePrimes(LaneDegree, k, count), got[:count]) {
				t.Errorf("k = %d: the first %d planes hang on how many there are", k, count)
			}
		}
	}
}

// everyLanes calls f with the lanes of every number of planes, from the least k to the
// greatest.
func everyLanes(t *testing.T, f func(l *lanes)) {
	t.Helper()
	for _, need := range []Need{testNeeds["tiny"], {-1 << 15, 1<<15 - 2, 1}, testNeeds["iris 16384"], {-1 << 23, 1<<23 - 2, 1}} {
		for _, l := range mustNew(t, need).lanes {
			f(l)
		}
	}
}

// TestLanesJoin takes values of the planes to the ring as Answer does, modulo T and lifted,
// and holds them against math/big: at the ends of the range, around the half, and for all
// patterns of residues.
func TestLanesJoin(t *testing.T) {
	rng := rand.New(rand.NewPCG(21, 22))
	everyLanes(t, func(l *lanes) {
		t2, q, half := bigOf(l.t), l.r.bigQ(), int64(l.t/2)
		crt := chinese(l.planes)
		want, joined, again := make([]*big.Int, l.r.n), make([]uint64, l.r.n), make([]uint64, l.r.n)
		plain := newLists(len(l.planes), l.r.n)
		residues := make([]uint64, len(l.planes))
		for i := range want {
			d := int64(i / 8)
			for p, m := range l.planes {
				residue := func(v int64) uint64 { return new(big.Int).Mod(big.NewInt(v), bigOf(m.q)).Uint64() }
				switch i % 8 {
				case 0, 1, 2, 3:
					residues[p] = residue([]int64{d, -d, half - d, d - half}[i%4])
				case 4:
					residues[p] = residue(half - rng.Int64N(1<<(1+d%40)))
				case 5:
					residues[p] = rng.Uint64N(m.q)
				default:
					residues[p] = []uint64{0, 1, m.q / 2, m.q/2 + 1, m.q - 1}[rng.IntN(5)]
				}
				plain[p][i] = residues[p]
			}
			want[i] = centre(crt(residues...), t2)
		}
		for p, m := range l.planes {
			l.whole.ScaleAdd(joined, plain[p], l.unit[p])
			m.Scale(plain[p], plain[p], l.weight[p])
			l.whole.ScaleAdd(again, plain[p], l.share[p])
		}
		dst := l.r.newPoly()
		for i, q := range l.r.q {
			q.Lift(dst[i], joined, l.t)
		}
		for i, v := range l.r.bigCRT(dst) {
			if got := centre(v, q); got.Cmp(want[i]) != 0 || again[i] != joined[i] {
				t.Fatalf("%d planes, T = %d: coefficient %d is %v and %d, expected %v", len(l.planes), l.t, i, got, again[i], want[i])
			}
		}
	})
}

// TestOneTransformForAllPlanes: the transform modulo T is that modulo each plane.
func TestOneTransformForAllPlanes(t *testing.T) {
	rng := rand.New(rand.NewPCG(27, 28))
	everyLanes(t, func(l *lanes) {
		whole := make([]uint64, l.r.n)
		for i := range whole {
			whole[i] = rng.Uint64N(l.t)
		}
		start, parts := slices.Clone(whole), newLists(len(l.planes), l.r.n)
		for p, m := range l.planes {
			for i, v := range whole {
				parts[p][i] = v % m.q
			}
			m.NTT(parts[p])
		}
		l.whole.NTT(whole)
		for p, m := range l.planes {
			marked, hits := make([]bool, l.r.n), make([]bool, l.r.n)
			whole[7] -= whole[7] % m.q
			parts[p][7] = 0
			m.markMultiples(marked, whole)
			for i, v := range whole {
				if v%m.q != parts[p][i] && i != 7 {
					t.Fatalf("T = %d: value %d is another modulo %d", l.t, i, m.q)
				}
				hits[i] = v%m.q == 0
			}
			if !slices.Equal(marked, hits) {
				t.Fatalf("T = %d: the multiples of %d are others", l.t, m.q)
			}
		}
		copy(whole, start)
		l.whole.NTT(whole)
		l.whole.INTT(whole)
		if !slices.Equal(whole, start) {
			t.Fatalf("T = %d: the inverse transform gives another polynomial", l.t)
		}
	})
}

// TestLanesAddMessage holds the lift of messages against round(q*m/T), halves up.
func TestLanesAddMessage(t *testing.T) {
	rng := rand.New(rand.NewPCG(23, 24))
	everyLanes(t, func(l *lanes) {
		messages, b := make([]uint64, l.r.n), l.r.newPoly()
		for i := range messages {
			messages[i] = []uint64{0, 1, 2, l.t/2 - 1, l.t / 2, l.t/2 + 1, l.t - 1, rng.Uint64N(l.t), rng.Uint64N(l.t)}[i%9]
		}
		for j, q := range l.r.q {
			for i := range b[j] {
				b[j][i] = []uint64{0, q.q - 1, rng.Uint64N(q.q)}[rng.IntN(3)]
			}
		}
		want := copyPoly(b)
		for i, m := range messages {
			l.r.addBig(want, i, l.r.bigLift(m, l.t))
		}
		l.addMessage(b, slices.Clone(messages))
		for j := range b {
			if !slices.Equal(b[j], want[j]) {
				t.Fatalf("%d planes: a lift is not round(q*m/T) modulo prime %d", len(l.planes), j)
			}
		}
	})
}

// TestLanesMultiply: the product of a polynomial of the planes with the lift of another,
// both in the ring, has the products of the lanes. This is all that a comparison does.
func TestLanesMultiply(t *testing.T) {
	rng := rand.New(rand.NewPCG(25, 26))
	everyLanes(t, func(l *lanes) {
		x, y, want := newLists(len(l.planes), l.r.n), newLists(len(l.planes), l.r.n), newLists(len(l.planes), l.r.n)
		for p, m := range l.planes {
			for i := range x[p] {
				x[p][i], y[p][i] = rng.Uint64N(m.q), rng.Uint64N(m.q)
				want[p][i] = m.slowMul(x[p][i], y[p][i])
			}
		}
		lifted, factor := l.r.newPoly(), l.r.newPoly()
		l.addMessage(lifted, l.join(x))
		joined := l.join(y)
		for i, q := range l.r.q {
			q.Lift(factor[i], joined, l.t)
		}
		l.r.transform(lifted)
		l.r.transform(factor)
		l.r.mul(lifted, lifted, factor)
		product := l.r.coefficients(lifted)
		limit := new(big.Int).Mul(bigOf(l.t), big.NewInt(int64(l.r.n))) // n * T/2 halves of rounding, generously
		for i, m := range l.join(want) {
			one := make(poly, len(product))
			for j := range one {
				one[j] = product[j][i : i+1]
			}
			if e := l.r.noiseOf(l.r.bigCRT(one)[0], m, l.t); e.CmpAbs(limit) > 0 {
				t.Fatalf("%d planes: coefficient %d is off by %v", len(l.planes), i, e)
			}
		}
	})
}
