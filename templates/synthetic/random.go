package synthetic

import (
	"crypto/sha256"
	"encoding/binary"
	"math/bits"
	"math/rand/v2"
)

// kind separates the streams of random numbers.
type kind uint8

const (
	kindPerson kind = iota + 1
	kindMask
	kindStranger
	kindStrangerMask
	kindCapture
	kindRoll
	kindFinger
)

// stream is the source of random numbers for one purpose: of person i, and of a part
// and a capture or the like.
func (p *Population) stream(what kind, i int, more ...int) *rand.ChaCha8 {
	var in [64]byte
	b := append(in[:0], "puente synthetic 2\x00"...)
	b = binary.BigEndian.AppendUint64(b, p.seed)
	b = append(b, byte(what))
	b = binary.BigEndian.AppendUint64(b, uint64(int64(i)))
	for _, k := range more {
		b = binary.BigEndian.AppendUint64(b, uint64(int64(k)))
	}
	return rand.NewChaCha8(sha256.Sum256(b))
}

// fraction draws a number in [0, 1).
func fraction(r *rand.ChaCha8) float64 { return float64(r.Uint64()>>11) / (1 << 53) }

// normal draws from nearly the standard normal distribution: the sum of twelve
// uniform numbers (Irwin-Hall), which ends at +-6. Unlike the usual methods it
// is exact arithmetic.
func normal(r *rand.ChaCha8) float64 {
	var sum uint64
	for range 3 {
		w := r.Uint64()
		sum += w&0xffff + w>>16&0xffff + w>>32&0xffff + w>>48
	}
	// Twelve numbers of mean (2^16-1)/2.
	return float64(int64(sum)-6*(1<<16-1)) / (1 << 16)
}

// Probabilities are multiples of 1/probabilityOne.
const (
	probabilityBits = 12
	probabilityOne  = 1 << probabilityBits
)

// probability converts a probability for bernoulli.
func probability(p float64) int { return int(max(0, min(p, 1))*probabilityOne + 0.5) }

// bernoulli draws 64 bits that are each one with probability p/probabilityOne:
// it compares the binary fraction p with 64 random ones at once, from the lowest
// digit up.
func bernoulli(r *rand.ChaCha8, p int) uint64 {
	switch p {
	case 0:
		return 0
	case probabilityOne:
		return ^uint64(0)
	}
	var w uint64
	for i := bits.TrailingZeros(uint(p)); i < probabilityBits; i++ {
		if p>>uint(i)&1 == 1 {
			w |= r.Uint64()
		} else {
			w &= r.Uint64()
		}
	}
	return w
}
