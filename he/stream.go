package he

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"log/slog"

	"github.com/puente-project/puente/he/internal/kernel"
)

// Seed is a 32-byte secret from which streams are derived. It prints as a
// placeholder in every format.
type Seed [32]byte

// Format implements fmt.Formatter without showing the seed.
func (Seed) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("he.Seed(secret)")) }

// LogValue implements slog.LogValuer without showing the seed.
func (Seed) LogValue() slog.Value { return slog.StringValue("he.Seed(secret)") }

// MarshalText implements encoding.TextMarshaler without showing the seed.
func (Seed) MarshalText() ([]byte, error) { return []byte("he.Seed(secret)"), nil }

// Derive returns the seed HKDF-SHA256(secret = s, no salt, info = label | context).
// Labels end in a zero byte, so that no label is a prefix of another.
func (s Seed) Derive(label string, context ...[]byte) Seed {
	info := append([]byte(label), 0)
	for _, c := range context {
		info = append(info, c...)
	}
	key, err := hkdf.Key(sha256.New, s[:], nil, string(info), len(s))
	if err != nil {
		panic(fmt.Sprintf("he: HKDF-SHA256 cannot give 32 bytes: %v", err)) // RFC 5869 allows 8160
	}
	return Seed(key)
}

// A Stream is a deterministic source of uniform bits: the AES-256-CTR key stream
// (zero IV, big-endian counter; NIST SP 800-38A) under Seed.Derive(label, indices),
// read as little-endian 64-bit words in order.
type Stream struct {
	ctr cipher.Stream
	buf [512]uint64
	pos int // in buf
}

// NewStream returns the stream of a seed for a label and big-endian 32-bit indices.
func NewStream(seed Seed, label string, index ...uint32) *Stream {
	context := make([]byte, 0, 16)
	for _, i := range index {
		context = binary.BigEndian.AppendUint32(context, i)
	}
	key := seed.Derive(label, context)
	block, err := aes.NewCipher(key[:])
	if err != nil {
		panic(fmt.Sprintf("he: AES-256 refuses a 32-byte key: %v", err))
	}
	s := &Stream{ctr: cipher.NewCTR(block, make([]byte, aes.BlockSize))}
	s.pos = len(s.buf)
	return s
}

func (s *Stream) refill() {
	kernel.KeyStream(s.buf[:], s.ctr)
	s.pos = 0
}

// Uint64 returns the next word of the stream.
func (s *Stream) Uint64() uint64 {
	if s.pos == len(s.buf) {
		s.refill()
	}
	w := s.buf[s.pos]
	s.pos++
	return w
}

// next returns the next words, 1 to so many of them, where they lie.
func (s *Stream) next(most int) []uint64 {
	if s.pos == len(s.buf) {
		s.refill()
	}
	words := s.buf[s.pos:min(s.pos+most, len(s.buf))]
	s.pos += len(words)
	return words
}

// Below returns a uniform integer in [0, bound), 1 <= bound <= 2^32, by Lemire's
// rule (ACM TOMACS 29(1), 2019, algorithm 5) on the low half of each word: the
// word is skipped when the low 32 bits of half*bound are under 2^32 mod bound.
func (s *Stream) Below(bound uint64) uint64 {
	for {
		product := (s.Uint64() & 0xffffffff) * bound
		low := product & 0xffffffff
		if low >= bound || low >= (1<<32)%bound { // the division is needed once in 2^32/bound words
			return product >> 32
		}
	}
}

// words fills dst with the next words, of which those that would fill the buffer go by it.
func (s *Stream) words(dst []uint64) {
	for len(dst) > 0 {
		if whole := len(dst) &^ (len(s.buf) - 1); whole > 0 && s.pos == len(s.buf) {
			kernel.KeyStream(dst[:whole], s.ctr)
			dst = dst[whole:]
			continue
		}
		dst = dst[copy(dst, s.next(len(dst))):]
	}
}

// uniform fills dst with independent uniform residues modulo q: words cut to
// the bit length of q, skipped when not below q.
func (s *Stream) uniform(dst []uint64, q uint64) {
	for len(dst) > 0 {
		part := dst[:min(len(dst), len(s.buf))]
		s.words(part)
		dst = dst[kernel.Residues(part, q):]
	}
}

// errorBound is the largest absolute value that smallError returns, errorSigma
// its standard deviation sqrt(21/2).
const (
	errorBound = 21
	errorSigma = 3.2403703492039302
)

// smallErrors fills dst with samples of the centred binomial distribution with 21
// coin pairs, one a word: standard deviation 3.24, bound 21, two population counts and no
// table. It is what Microsoft SEAL 4 samples in place of the discrete Gaussian
// of deviation 3.2, and what FIPS 203 section 4.2.2 does for its smaller noise.
func (s *Stream) smallErrors(dst []int8) {
	for len(dst) > 0 {
		words := s.next(len(dst))
		kernel.CentredBinomial(dst[:len(words)], words)
		dst = dst[len(words):]
	}
}

// trits fills dst with uniform values of {-1, 0, 1}: each byte of a word below 3^5, from
// the least significant one on, gives its five digits to base 3, the least significant
// first, less 1. What is left of the last word is dropped.
func (s *Stream) trits(dst []int8) {
	for {
		w := s.Uint64()
		for range 8 {
			b := byte(w)
			w >>= 8
			if b >= 243 {
				continue
			}
			if n := copy(dst, digits[b][:]); n < len(dst) {
				dst = dst[n:]
				continue
			}
			return
		}
	}
}

// digits are the five digits to base 3 of each byte below 243, less 1.
var digits = func() (table [243][5]int8) {
	for b := range table {
		for i, rest := 0, b; i < 5; i, rest = i+1, rest/3 {
			table[b][i] = int8(rest%3) - 1
		}
	}
	return table
}()
