package he

import "encoding/binary"

// The packing a second time, one integer after the other, to hold messages against.

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

// align skips to the next whole byte and reports whether the skipped bits are zero.
func (r *unpacker) align() bool {
	rest := r.bit & 7
	if rest == 0 {
		return true
	}
	return r.get(uint(8-rest)) == 0
}
