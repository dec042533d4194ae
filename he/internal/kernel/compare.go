package kernel

import (
	"fmt"
	"math/bits"
)

// Nonzero turns uniform words into uniform integers of [1, p), 2 <= p <= 2^32: one more
// than the upper half of (low half of the word)*(p-1), where words are skipped whose
// product has a lower half under 2^32 mod (p-1) (Lemire, ACM TOMACS 29(1), 2019,
// algorithm 5). The integers stand in front; it returns how many there are.
func Nonzero(words []uint64, p uint64) (kept int) {
	if p < 2 || p > 1<<32 {
		panic(fmt.Sprintf("kernel: Nonzero modulo %d", p))
	}
	bound := p - 1
	least, whole := uint64(1<<32)%bound, 0
	if chosen == pathIFMA {
		whole, kept = nonzeroVectors(words, bound, least)
	}
	for _, w := range words[whole:] {
		product := w & (1<<32 - 1) * bound
		if product&(1<<32-1) >= least {
			words[kept] = 1 + product>>32
			kept++
		}
	}
	return kept
}

// Targets says what lanes test, each another level of 0..hitBits-1: levels[i] is
// turns[i] + number, less hitBits where it reaches it, and targets[i] what the mask's
// prefix masks[i]>>level has to be for the test to hold: with the prefix's last bit
// turned, the next one (bit 0) or the one of the block of 2^hitBits behind (bit 1), modulo
// 2^(scoreBits-level). turns and number are below hitBits, masks below 2^scoreBits,
// hitBits <= scoreBits <= 32. It panics if the lengths differ.
func Targets(targets []uint64, levels []uint8, masks []uint32, turns []uint8, number, hitBits, scoreBits int) {
	if len(levels) != len(targets) || len(masks) != len(targets) || len(turns) != len(targets) {
		panic(fmt.Sprintf("kernel: Targets of %d masks and %d turns to %d words and %d bytes", len(masks), len(turns), len(targets), len(levels)))
	}
	block, cut, whole := uint64(1)<<hitBits, uint64(1)<<scoreBits-1, 0
	if chosen == pathIFMA {
		whole = targetVectors(targets, levels, masks, turns, &[5]uint64{uint64(number), uint64(hitBits), block, cut, 1})
	}
	for i := whole; i < len(targets); i++ {
		level := int(turns[i]) + number
		if level >= hitBits {
			level -= hitBits
		}
		prefix := uint64(masks[i]) >> level
		levels[i], targets[i] = uint8(level), (prefix^1+-(prefix&1)&(block>>level))&(cut>>level)
	}
}

// Pick sets dst[i] to the sum modulo q of those lists' word i whose key is want; list l
// has the keys from l*len(dst) on. It panics if a length does not fit or there are not
// one to three lists.
func (m *Modulus) Pick(dst []uint64, lists [][]uint64, keys []uint8, want uint8) {
	same("Pick", len(dst), lists...)
	if len(lists) < 1 || len(lists) > 3 || len(keys) != len(lists)*len(dst) {
		panic(fmt.Sprintf("kernel: Pick from %d lists of %d words with %d keys", len(lists), len(dst), len(keys)))
	}
	m.pick(dst, lists, keys, want)
}

// Lift sets dst[i] to v mod q for the integer v of [-t/2, t/2] that is congruent to
// src[i] < t modulo an odd t < 2q. dst may be src. It panics if the lengths differ.
func (m *Modulus) Lift(dst, src []uint64, t uint64) {
	same("Lift", len(dst), src)
	m.lift(dst, src, t)
}

// LiftNTT sets dst to the transform of what Lift returns. It panics if a list has not n
// words.
func (m *Modulus) LiftNTT(dst, src []uint64, t uint64) {
	same("LiftNTT", m.n, dst, src)
	m.liftNTT(dst, src, t)
}

// AddProducts adds to a[i] the sum of x[l][i]*ya[l][i] over the lists l, and to b[i] that
// of x[l][i]*yb[l][i], modulo q. It panics if the lengths differ or there are more than
// 2^10 lists.
func (m *Modulus) AddProducts(a, b []uint64, x, ya, yb [][]uint64) {
	same("AddProducts", len(a), b)
	for _, lists := range [][][]uint64{x, ya, yb} {
		same("AddProducts", len(a), lists...)
		if len(lists) != len(x) || len(lists) > 1<<10 {
			panic(fmt.Sprintf("kernel: AddProducts of %d and %d lists", len(x), len(lists)))
		}
	}
	m.addProducts(a, b, x, ya, yb)
}

func (m *portable) pick(dst []uint64, lists [][]uint64, keys []uint8, want uint8) {
	for l, list := range lists {
		for i, key := range keys[l*len(dst):][:len(dst)] {
			v := list[i] & uint64(int64(uint64(key^want)-1)>>63)
			if l > 0 {
				if v += dst[i]; v >= m.q {
					v -= m.q
				}
			}
			dst[i] = v
		}
	}
}

func (m *portable) lift(dst, src []uint64, t uint64) {
	for i, v := range src {
		dst[i] = v + uint64(int64(t/2-v)>>63)&(m.q-t)
	}
}

func (m *portable) liftNTT(dst, src []uint64, t uint64) {
	m.lift(dst, src, t)
	m.ntt(dst)
}

// addProducts keeps the sums of a run of words in 128 bits.
func (m *portable) addProducts(a, b []uint64, x, ya, yb [][]uint64) {
	const run = 64
	for first := 0; first < len(a); first += run {
		var high, low [2][run]uint64
		last := min(first+run, len(a))
		for l := range x {
			for s, y := range [][]uint64{ya[l][first:last], yb[l][first:last]} {
				for i, v := range x[l][first:last] {
					hi, lo := bits.Mul64(v, y[i])
					var carry uint64
					low[s][i], carry = bits.Add64(low[s][i], lo, 0)
					high[s][i] += hi + carry
				}
			}
		}
		for s, dst := range [][]uint64{a[first:last], b[first:last]} {
			for i := range dst {
				r := dst[i] + m.reduce(high[s][i], low[s][i])
				if r >= m.q {
					r -= m.q
				}
				dst[i] = r
			}
		}
	}
}
