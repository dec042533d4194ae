package he

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
)

// Errors of the codecs. Every decoder checks the exact length first, then every
// coefficient, then that unused bits are zero: what is accepted re-encodes to the
// same bytes.
var (
	ErrTruncated   = errors.New("truncated")
	ErrTrailing    = errors.New("trailing bytes")
	ErrCoefficient = errors.New("coefficient out of range")
	ErrPadding     = errors.New("padding bits are not zero")
)

// packedSize returns the bytes that count values of width bits take.
func packedSize(count, width int) int { return (count*width + 7) / 8 }

// packer writes values of 1 to 128 bits one behind the other, least significant
// bit first.
type packer struct {
	out  []byte
	acc  uint64
	fill uint // bits in acc, below 64
}

func newPacker(size int) *packer { return &packer{out: make([]byte, 0, size+8)} }

// put appends the low width bits of v, 1 <= width <= 64; higher bits of v are zero.
func (w *packer) put(v uint64, width uint) {
	w.acc |= v << w.fill
	if w.fill+width < 64 {
		w.fill += width
		return
	}
	w.out = binary.LittleEndian.AppendUint64(w.out, w.acc)
	taken := 64 - w.fill // bits of v that went out
	w.fill = width - taken
	if taken == 64 {
		w.acc = 0
	} else {
		w.acc = v >> taken
	}
}

func (w *packer) put128(v uint128, width uint) {
	if width <= 64 {
		w.put(v.lo, width)
		return
	}
	w.put(v.lo, 64)
	w.put(v.hi, width-64)
}

// bytes flushes the last bits, padded with zeros to a byte.
func (w *packer) bytes() []byte {
	var tail [8]byte
	binary.LittleEndian.PutUint64(tail[:], w.acc)
	w.out = append(w.out, tail[:(w.fill+7)/8]...)
	w.acc, w.fill = 0, 0
	return w.out
}

// align pads with zero bits to a whole byte.
func (w *packer) align() {
	if rest := w.fill % 8; rest != 0 {
		w.put(0, 8-rest)
	}
}

// unpacker reads what packer wrote. The caller has checked the length.
type unpacker struct {
	in  []byte
	bit int
}

// get returns the next width bits, 1 <= width <= 64.
func (r *unpacker) get(width uint) uint64 {
	i, shift := r.bit>>3, uint(r.bit&7)
	r.bit += int(width)
	if i+9 <= len(r.in) { // 64 bits from any bit offset touch nine bytes
		v := binary.LittleEndian.Uint64(r.in[i:]) >> shift
		if shift+width > 64 {
			v |= uint64(r.in[i+8]) << (64 - shift)
		}
		return v & (^uint64(0) >> (64 - width))
	}
	var tail [9]byte
	copy(tail[:], r.in[i:])
	v := binary.LittleEndian.Uint64(tail[:]) >> shift
	if shift+width > 64 {
		v |= uint64(tail[8]) << (64 - shift)
	}
	return v & (^uint64(0) >> (64 - width))
}

func (r *unpacker) get128(width uint) uint128 {
	if width <= 64 {
		return uint128{0, r.get(width)}
	}
	lo := r.get(64)
	return uint128{r.get(width - 64), lo}
}

// align skips to the next whole byte and reports whether the skipped bits are zero.
func (r *unpacker) align() bool {
	rest := r.bit & 7
	if rest == 0 {
		return true
	}
	return r.get(uint(8-rest)) == 0
}

func checkLength(what string, got, want int) error {
	switch {
	case got < want:
		return fmt.Errorf("%s: %w: %d bytes, expected %d", what, ErrTruncated, got, want)
	case got > want:
		return fmt.Errorf("%s: %w: %d bytes, expected %d", what, ErrTrailing, got, want)
	}
	return nil
}

// compose returns the integer below q of the ring of scores with the given residues
// (Garner).
func (p *Params) compose(r0, r1 uint64) uint128 {
	q0, q1 := p.score.q[0], p.score.q[1]
	low := r0
	if low >= q1.q { // the primes differ by less than half
		low -= q1.q
	}
	hi, lo := bits.Mul64(q0.q, q1.mul(q1.subtract(r1, low), p.q0Inv1))
	return uint128{hi, lo}.add(uint128{0, r0})
}

// uploadSize is the length of an encoded b with drop low bits removed.
func (p *Params) uploadSize(b Budget) int { return packedSize(p.n, b.UploadBits) }

// packUpload encodes b (coefficient form) in the ring of scores: every coefficient as an
// integer below q without its low DroppedBits.
func (p *Params) packUpload(b poly, budget Budget) []byte {
	w := newPacker(p.uploadSize(budget))
	width, drop := uint(budget.UploadBits), uint(budget.DroppedBits)
	for i := 0; i < p.n; i++ {
		w.put128(p.compose(b[0][i], b[1][i]).shiftRight(drop), width)
	}
	return w.bytes()
}

// unpackUpload decodes what packUpload wrote into residues, dropped bits
// replaced by the middle of their range.
func (p *Params) unpackUpload(what string, data []byte, budget Budget, dst poly) error {
	if err := checkLength(what, len(data), p.uploadSize(budget)); err != nil {
		return err
	}
	r := unpacker{in: data}
	width, drop := uint(budget.UploadBits), uint(budget.DroppedBits)
	limit := p.whole.shiftRight(drop) // q is odd and drop small: the largest value is floor((q-1) >> drop)
	for i := 0; i < p.n; i++ {
		v := r.get128(width)
		if limit.less(v) || drop == 0 && !v.less(limit) {
			return fmt.Errorf("%s: %w: number %d is not below the modulus", what, ErrCoefficient, i)
		}
		v = v.shiftLeft(drop)
		if drop > 0 {
			v = v.add(uint128{0, 1 << (drop - 1)})
		}
		for l, q := range p.score.q {
			dst[l][i] = q.reduce(v.hi, v.lo)
		}
	}
	if !r.align() {
		return fmt.Errorf("%s: %w", what, ErrPadding)
	}
	return nil
}

// uploadSize is the length of an encoded b in the ring of comparisons.
func (l *lanes) uploadSize() int { return packedSize(len(l.r.q)*l.r.n, primeBits) }

// packUpload encodes b (coefficient form) in the ring of comparisons: the residues
// modulo each prime in turn.
func (l *lanes) packUpload(b poly) []byte {
	w := newPacker(l.uploadSize())
	for _, residues := range b {
		for _, v := range residues {
			w.put(v, primeBits)
		}
	}
	return w.bytes()
}

// unpackUpload decodes what packUpload wrote.
func (l *lanes) unpackUpload(what string, data []byte, dst poly) error {
	if err := checkLength(what, len(data), l.uploadSize()); err != nil {
		return err
	}
	r := unpacker{in: data}
	for j, q := range l.r.q {
		for i := range dst[j] {
			v := r.get(primeBits)
			if v >= q.q {
				return fmt.Errorf("%s: %w: residue %d of prime %d is not below it", what, ErrCoefficient, i, j)
			}
			dst[j][i] = v
		}
	}
	if !r.align() {
		return fmt.Errorf("%s: %w", what, ErrPadding)
	}
	return nil
}
