package templates

import (
	"encoding/binary"
	"math/bits"
)

// Codes are held as bit strings: bit i is bit i%64 of word i/64, and bits past
// the end are zero.

// load64 reads 64 bits of b starting at bit i; bits past the end read as zero.
func load64(b []uint64, i int) uint64 {
	w, o := i>>6, uint(i&63)
	v := b[w] >> o
	if o != 0 && w+1 < len(b) {
		v |= b[w+1] << (64 - o)
	}
	return v
}

// orBits ors n bits of src from bit si on into dst from bit di on.
func orBits(dst []uint64, di int, src []uint64, si, n int) {
	for n > 0 {
		v := load64(src, si)
		if n < 64 {
			v &= 1<<uint(n) - 1
		}
		w, o := di>>6, uint(di&63)
		dst[w] |= v << o
		if o != 0 && v>>(64-o) != 0 {
			dst[w+1] |= v >> (64 - o)
		}
		di, si, n = di+64, si+64, n-64
	}
}

// rotated is the bit string of n bits with bit i moved to (i+k) mod n, for
// 0 <= k < n.
func rotated(src []uint64, n, k int) []uint64 {
	dst := make([]uint64, len(src))
	orBits(dst, k, src, 0, n-k)
	orBits(dst, 0, src, n-k, k)
	return dst
}

// tailClear reports whether all bits from bit n on are zero.
func tailClear(b []uint64, n int) bool {
	return n&63 == 0 || b[n>>6]>>uint(n&63) == 0
}

func onesCount(b []uint64) int {
	n := 0
	for _, w := range b {
		n += bits.OnesCount64(w)
	}
	return n
}

// bytesOf writes a bit string of n bits as bytes, bit i being bit i%8 (of value
// 1<<(i%8)) of byte i/8.
func bytesOf(dst []byte, src []uint64, n int) []byte {
	for _, w := range src {
		dst = binary.LittleEndian.AppendUint64(dst, w)
	}
	return dst[:len(dst)-len(src)*8+(n+7)/8]
}

// wordsOf is the inverse of bytesOf.
func wordsOf(src []byte) []uint64 {
	dst := make([]uint64, (len(src)+7)/8)
	i := 0
	for ; len(src) >= 8; i++ {
		dst[i] = binary.LittleEndian.Uint64(src)
		src = src[8:]
	}
	for j, b := range src {
		dst[i] |= uint64(b) << uint(8*j)
	}
	return dst
}

// transpose moves bits between the two orders of a code: for every row, column
// and cell (filter and plane), visit is called with the bit's place in the
// row-major order of open-iris and in the column-major order of this package.
func (s Shape) transpose(visit func(rowMajor, colMajor int)) {
	cell, lines := s.Filters*s.Planes, s.Lines()
	i := 0
	for row := range s.Rows {
		for col := range s.Cols {
			j := col*lines + row*cell
			for k := range cell {
				visit(i, j+k)
				i++
			}
		}
	}
}

// fromRowMajor converts a code packed most significant bit first in open-iris
// order. When the bits of one cell divide a byte, whole cells are moved.
func (s Shape) fromRowMajor(src []byte) []uint64 {
	dst := make([]uint64, s.words())
	cell := s.Filters * s.Planes
	if cell > 8 || 8%cell != 0 {
		s.transpose(func(i, j int) {
			dst[j>>6] |= uint64(src[i>>3]>>(7-uint(i&7))&1) << uint(j&63)
		})
		return dst
	}
	lines, drop := s.Lines(), uint(8-cell)
	i := 0
	for row := range s.Rows {
		j := row * cell
		for range s.Cols {
			v := bits.Reverse8(src[i>>3]<<uint(i&7)>>drop) >> drop
			dst[j>>6] |= uint64(v) << uint(j&63)
			i, j = i+cell, j+lines
		}
	}
	return dst
}

// toRowMajor is the inverse of fromRowMajor.
func (s Shape) toRowMajor(src []uint64) []byte {
	dst := make([]byte, s.packedLen())
	s.transpose(func(i, j int) {
		dst[i>>3] |= byte(src[j>>6]>>uint(j&63)&1) << (7 - uint(i&7))
	})
	return dst
}
