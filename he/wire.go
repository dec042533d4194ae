package he

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/puente-project/puente/he/internal/kernel"
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

// layouts are those of lists of integers, by width.
var layouts = func() (list [64]func() *kernel.Layout) {
	for width := range list {
		list[width] = sync.OnceValue(func() *kernel.Layout { return kernel.Run(uint(width)) })
	}
	return list
}()

// answerSize is the length of an answer with count coefficients of b.
func (r *ring) answerSize(budget Budget, count int) int {
	return packedSize(r.n, budget.MaskBits) + packedSize(count, budget.MessageBits)
}

// unpackAnswer decodes the integers of an answer: all of a, and of b as many as there is
// room for.
func (r *ring) unpackAnswer(what string, data []byte, budget Budget, a, b []uint64) error {
	if err := checkLength(what, len(data), r.answerSize(budget, len(b))); err != nil {
		return err
	}
	for _, part := range []struct {
		list  []uint64
		width int
	}{{a, budget.MaskBits}, {b, budget.MessageBits}} {
		layout := layouts[part.width]()
		size := layout.Size(len(part.list))
		if used := len(part.list) * part.width % 8; used > 0 && data[size-1]>>used != 0 {
			return fmt.Errorf("%s: %w", what, ErrPadding)
		}
		layout.Unpack(data[:size], part.list, nil)
		data = data[size:]
	}
	return nil
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

// upload is how the b of a ciphertext travels in the ring of scores: every coefficient as an
// integer below q without its low bits, in two digits to base 2^50. It is immutable.
type upload struct {
	drop   uint
	layout *kernel.Layout
	limit  [2]uint64          // the largest integer, floor((q-1) / 2^drop), in digits
	digits [2][]kernel.Factor // what the digits that arrive are multiples of, modulo the primes of q
	middle uint64             // 1 for half of what the lower digit is a multiple of
}

// uploadSize is the length of an encoded b with drop low bits removed.
func (p *Params) uploadSize(b Budget) int { return packedSize(p.n, b.UploadBits) }

// newUpload prepares dropping so many bits, less than a digit.
func (p *Params) newUpload(drop uint) *upload {
	u := &upload{drop: drop, layout: kernel.Pairs(kernel.Digit-drop, kernel.Digit)}
	u.limit = [2]uint64{(p.whole.lo - 1) & (1<<kernel.Digit - 1) >> drop, p.whole.shiftRight(kernel.Digit).lo} // q is odd
	unit := uint64(1)
	if drop > 0 { // the lower digit d stands for d*2^drop + 2^(drop-1)
		unit, u.middle = 1<<(drop-1), 1
	}
	for _, m := range p.score.q {
		u.digits[0] = append(u.digits[0], m.Factor(unit))
		u.digits[1] = append(u.digits[1], m.Factor(1<<kernel.Digit-m.q))
	}
	return u
}

// packUpload encodes b (coefficient form), which it overwrites, in the ring of scores. The
// integer with residues b0 and b1 is b0 + q0*x with x = (b1-b0) * q0^-1 mod q1 (Garner).
func (p *Params) packUpload(b poly, budget Budget) []byte {
	u, q0, q1 := p.uploads[budget.DroppedBits], p.score.q[0], p.score.q[1]
	q1.Scale(b[1], b[1], p.q0Inv1[0])
	q1.ScaleAdd(b[1], b[0], p.q0Inv1[1])
	kernel.Join(b[0], b[1], q0.q, u.drop)
	out := make([]byte, p.uploadSize(budget))
	u.layout.Pack(out, b[0], b[1])
	return out
}

// unpackUpload decodes what packUpload wrote into residues, dropped bits
// replaced by the middle of their range. There are no bits to fill up a byte.
func (p *Params) unpackUpload(what string, data []byte, budget Budget, dst poly) error {
	if err := checkLength(what, len(data), p.uploadSize(budget)); err != nil {
		return err
	}
	lent := p.score.borrow()
	defer p.score.giveBack(lent)
	u, low, high := p.uploads[budget.DroppedBits], (*lent)[0], (*lent)[1]
	u.layout.Unpack(data, low, high)
	for i, h := range high {
		if h >= u.limit[1] && (h > u.limit[1] || low[i] > u.limit[0]) {
			return fmt.Errorf("%s: %w: number %d is not below the modulus", what, ErrCoefficient, i)
		}
		low[i] = low[i]<<u.middle | u.middle
	}
	for l, q := range p.score.q {
		q.Scale(dst[l], low, u.digits[0][l])
		q.ScaleAdd(dst[l], high, u.digits[1][l])
	}
	return nil
}

// uploadSize is the length of an encoded b in the ring of comparisons.
func (l *lanes) uploadSize() int { return packedSize(len(l.r.q)*l.r.n, primeBits) }

// residueLayout is that of a list of residues modulo a prime of q.
var residueLayout = kernel.Run(primeBits)

// packUpload encodes b (coefficient form) in the ring of comparisons: the residues
// modulo each prime in turn.
func (l *lanes) packUpload(b poly) []byte {
	out := make([]byte, l.uploadSize())
	size := residueLayout.Size(l.r.n)
	for j, residues := range b {
		residueLayout.Pack(out[j*size:(j+1)*size], residues, nil)
	}
	return out
}

// unpackUpload decodes what packUpload wrote. There are no bits to fill up a byte.
func (l *lanes) unpackUpload(what string, data []byte, dst poly) error {
	if err := checkLength(what, len(data), l.uploadSize()); err != nil {
		return err
	}
	size := residueLayout.Size(l.r.n)
	for j, q := range l.r.q {
		residueLayout.Unpack(data[j*size:(j+1)*size], dst[j], nil)
		if i := slices.IndexFunc(dst[j], func(v uint64) bool { return v >= q.q }); i >= 0 {
			return fmt.Errorf("%s: %w: residue %d of prime %d is not below it", what, ErrCoefficient, i, j)
		}
	}
	return nil
}
