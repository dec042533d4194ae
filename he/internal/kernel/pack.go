package kernel

import (
	"crypto/cipher"
	"encoding/binary"
	"fmt"
	"math/bits"
	"unsafe"
)

// What uploads are made of besides arithmetic: key streams, residues drawn from them,
// integers put together from residues, and the bits of all that on the wire.

// KeyStream sets dst to the next words of a key stream, little-endian on every machine.
func KeyStream(dst []uint64, from cipher.Stream) {
	if len(dst) == 0 {
		return
	}
	raw := unsafe.Slice((*byte)(unsafe.Pointer(&dst[0])), 8*len(dst))
	clear(raw)
	from.XORKeyStream(raw, raw)
	if binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
		for i, w := range dst {
			dst[i] = bits.ReverseBytes64(w)
		}
	}
}

// Residues cuts words to the bit length of q-1, moves those that are then below q to the
// front in their order, and returns their number. Which are not says nothing about those
// that are kept, so it may take time.
func Residues(words []uint64, q uint64) int {
	mask := uint64(1)<<bits.Len64(q-1) - 1
	kept := 0
	if chosen == pathIFMA {
		kept = residuesVectors(words, mask, q)
	}
	for _, v := range words[kept:] {
		if v &= mask; v < q {
			words[kept] = v
			kept++
		}
	}
	return kept
}

// Widen sets dst[i] = src[i]>>shift. It panics if the lengths differ.
func Widen(dst []uint64, src []uint32, shift uint) {
	if len(dst) != len(src) {
		panic(fmt.Sprintf("kernel: Widen of %d integers to %d words", len(src), len(dst)))
	}
	whole := 0
	if chosen == pathIFMA {
		whole = widenVectors(dst, src, shift)
	}
	for i, v := range src[whole:] {
		dst[whole+i] = uint64(v) >> shift
	}
}

// Digit is the number of bits of the lower digit that Join makes.
const Digit = 50

// Join replaces low[i] by (v mod 2^Digit)>>drop and high[i] by v>>Digit, of the integer
// v = low[i] + q*high[i], for low and high below 2^Digit. It panics if the lengths differ
// or q is not below 2^Digit.
func Join(low, high []uint64, q uint64, drop uint) {
	same("Join", len(low), high)
	if q>>Digit != 0 {
		panic(fmt.Sprintf("kernel: Join with a modulus of %d bits", bits.Len64(q)))
	}
	whole := 0
	if chosen == pathIFMA {
		whole = joinVectors(low, high, q, drop)
	}
	for i := whole; i < len(low); i++ {
		hi, lo := bits.Mul64(q, high[i])
		lo, carry := bits.Add64(lo, low[i], 0)
		low[i], high[i] = lo&(1<<Digit-1)>>drop, (hi+carry)<<(64-Digit)|lo>>Digit
	}
}

// maxWidth is the largest number of bits of a packed part: from any bit on, it touches
// no more than nine bytes.
const maxWidth = 63

// Layout is how lists of words lie on the wire, one part behind the other, least
// significant bit first, a part being the low bits of a word. It is immutable.
type Layout struct {
	widths [2]uint // of the parts of the lists
	single bool    // there is one list
	tables layoutTables
}

// Run is the layout of one list of parts of width bits, 1..63.
func Run(width uint) *Layout { return newLayout(width, width, true) }

// Pairs is the layout of two lists, the first part of the one of low bits, 1..63, before
// the first of the other of high bits, 1..63, and so on: integers in two digits.
func Pairs(low, high uint) *Layout { return newLayout(low, high, false) }

func newLayout(low, high uint, single bool) *Layout {
	if low < 1 || high < 1 || max(low, high) > maxWidth {
		panic(fmt.Sprintf("kernel: parts of %d and %d bits", low, high))
	}
	l := &Layout{widths: [2]uint{low, high}, single: single}
	l.tables = l.makeTables()
	return l
}

// Size returns the bytes that lists of count words take.
func (l *Layout) Size(count int) int {
	width := l.widths[0]
	if !l.single {
		width += l.widths[1]
	}
	return (count*int(width) + 7) / 8
}

func (l *Layout) check(what string, wire []byte, low, high []uint64) {
	if l.single {
		same(what, 0, high)
	} else {
		same(what, len(low), high)
	}
	if len(wire) != l.Size(len(low)) {
		panic(fmt.Sprintf("kernel: %s of %d words and %d bytes", what, len(low), len(wire)))
	}
}

// Pack writes the lists to dst, filled up with zero bits; high is nil for a run. Bits of
// the words above the width must be zero. It panics if a length does not fit.
func (l *Layout) Pack(dst []byte, low, high []uint64) {
	l.check("Pack", dst, low, high)
	if chosen == pathIFMA {
		words, bytes := l.packVectors(dst, low, high)
		dst, low = dst[bytes:], low[words:]
		if !l.single {
			high = high[words:]
		}
	}
	at, acc, fill := 0, uint64(0), uint(0)
	if l.single {
		for _, v := range low {
			at, acc, fill = put(dst, at, acc, fill, v, l.widths[0])
		}
	} else {
		for i, v := range low {
			at, acc, fill = put(dst, at, acc, fill, v, l.widths[0])
			at, acc, fill = put(dst, at, acc, fill, high[i], l.widths[1])
		}
	}
	for ; at < len(dst); at++ {
		dst[at] = byte(acc)
		acc >>= 8
	}
}

// put appends the width bits of v to the fill bits, below 64, that wait in acc.
func put(dst []byte, at int, acc uint64, fill uint, v uint64, width uint) (int, uint64, uint) {
	acc |= v << (fill & 63)
	if fill += width; fill >= 64 {
		binary.LittleEndian.PutUint64(dst[at:], acc)
		at, fill = at+8, fill-64
		acc = v >> ((width - fill) & 63) // width-fill bits went out, at least 1
	}
	return at, acc, fill
}

// Unpack reads what Pack wrote, but for the bits that fill up the last byte. It panics if
// a length does not fit.
func (l *Layout) Unpack(src []byte, low, high []uint64) {
	l.check("Unpack", src, low, high)
	if chosen == pathIFMA {
		words, bytes := l.unpackVectors(src, low, high)
		src, low = src[bytes:], low[words:]
		if !l.single {
			high = high[words:]
		}
	}
	bit := uint(0)
	if l.single {
		for i := range low {
			low[i] = get(src, bit, l.widths[0])
			bit += l.widths[0]
		}
		return
	}
	for i := range low {
		low[i] = get(src, bit, l.widths[0])
		high[i] = get(src, bit+l.widths[0], l.widths[1])
		bit += l.widths[0] + l.widths[1]
	}
}

// get returns width bits from a bit on.
func get(src []byte, bit, width uint) uint64 {
	at, shift, mask := int(bit/8), bit&7, uint64(1)<<(width&63)-1
	if at+9 <= len(src) {
		return (binary.LittleEndian.Uint64(src[at:])>>shift | uint64(src[at+8])<<(64-shift)) & mask
	}
	return getLast(src[at:], shift) & mask
}

func getLast(src []byte, shift uint) uint64 {
	var last [9]byte
	copy(last[:], src)
	return binary.LittleEndian.Uint64(last[:])>>shift | uint64(last[8])<<(64-shift)
}
