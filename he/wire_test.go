package he

import (
	"bytes"
	"errors"
	"fmt"
	"math/big"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

// TestPackerProperty writes values of 1 to 128 bits of mixed widths and reads them back;
// a big integer is the reference for the bytes.
func TestPackerProperty(t *testing.T) {
	checkProperty(t, 400, func(rt *rapid.T) {
		lists := rapid.SliceOfN(rapid.IntRange(1, 128), 0, 40).Draw(rt, "widths")
		values := make([]uint128, len(lists))
		bits, want := 0, new(big.Int)
		w := newPacker(0)
		for i, width := range lists {
			v := uint128{rapid.Uint64().Draw(rt, "hi"), rapid.Uint64().Draw(rt, "lo")}
			if rapid.Bool().Draw(rt, "ones") {
				v = uint128{^uint64(0), ^uint64(0)}
			}
			values[i] = v.shiftRight(uint(128 - width))
			want.Or(want, new(big.Int).Lsh(values[i].big(), uint(bits)))
			bits += width
			w.put128(values[i], uint(width))
			if rapid.IntRange(0, 9).Draw(rt, "align") == 0 {
				w.align()
				bits = (bits + 7) / 8 * 8
				lists[i] = -width // an aligned end
			}
		}
		data := w.bytes()
		if len(data) != packedSize(1, bits) {
			rt.Fatalf("%d bytes for %d bits", len(data), bits)
		}
		reversed := make([]byte, len(data))
		for i, b := range data {
			reversed[len(data)-1-i] = b
		}
		if new(big.Int).SetBytes(reversed).Cmp(want) != 0 {
			rt.Fatal("the bytes are not the little-endian number")
		}
		r := unpacker{in: data}
		for i, width := range lists {
			if got := r.get128(uint(max(width, -width))); got != values[i] {
				rt.Fatalf("value %d of %d bits is %x, expected %x", i, width, got, values[i])
			}
			if width < 0 && !r.align() {
				rt.Fatal("padding is not zero")
			}
		}
		if !r.align() {
			rt.Fatal("the last bits are not zero")
		}
	})
}

// TestEveryWidth packs three values of all ones and zeros at every width.
func TestEveryWidth(t *testing.T) {
	for width := uint(1); width <= 128; width++ {
		ones := uint128{^uint64(0), ^uint64(0)}.shiftRight(128 - width)
		for count := 1; count <= 9; count++ {
			w := newPacker(packedSize(count, int(width)))
			for i := range count {
				if i%2 == 0 {
					w.put128(ones, width)
				} else {
					w.put128(uint128{}, width)
				}
			}
			data := w.bytes()
			if len(data) != packedSize(count, int(width)) {
				t.Fatalf("%d values of %d bits take %d bytes", count, width, len(data))
			}
			r := unpacker{in: data}
			for i := range count {
				want := ones
				if i%2 == 1 {
					want = uint128{}
				}
				if got := r.get128(width); got != want {
					t.Fatalf("width %d, value %d of %d: %x", width, i, count, got)
				}
			}
			if count*int(width)%8 != 0 {
				data[len(data)-1] |= 0x80
				if r.align() {
					t.Fatalf("width %d, %d values: a padding bit goes unnoticed", width, count)
				}
			}
		}
	}
}

// rawUpload packs integers without any regard to the modulus.
func rawUpload(values []*big.Int, width int) []byte {
	w := newPacker(0)
	for _, v := range values {
		w.put128(uint128Of(v), uint(width))
	}
	return w.bytes()
}

// reencode is the inverse of unpackUpload by way of big integers: it takes the middle of
// the dropped range off again, modulo q.
func (p *Params) reencode(b poly, budget Budget) []byte {
	middle := new(big.Int)
	if budget.DroppedBits > 0 {
		middle.Lsh(big.NewInt(1), uint(budget.DroppedBits-1))
	}
	values := p.bigCRT(b)
	for _, v := range values {
		v.Sub(v, middle).Mod(v, p.bigQ()).Rsh(v, uint(budget.DroppedBits))
	}
	return rawUpload(values, budget.UploadBits)
}

// wireSession is a session with one message of every kind.
type wireSession struct {
	session
	key, block, prefixes, share, verdict []byte
	positions                            []int
	r                                    []uint32
}

func newWireSession(t testing.TB, need Need, count int) wireSession {
	t.Helper()
	p := mustNew(t, need)
	s := wireSession{session: newSession(t, p, 61)}
	s.positions = allPositions(p)[:count]
	s.key, s.block = s.owner.PublicKey(), s.owner.EncryptBlock(0, []int32{1})
	s.share = s.sums(t, []int32{1}, make([]int32, p.n))[0].Mask(0, s.positions, 0, testSeed(62))
	s.r = p.Masks(testSeed(62), 0, count)
	s.prefixes = s.owner.EncryptPrefixes(0, s.r)
	verdict, err := s.session.key.Verdict(0, s.prefixes, s.r, testSeed(62))
	if err != nil {
		t.Fatal(err)
	}
	s.verdict = verdict
	return s
}

// decoders gives every message to the function that reads it.
func (s wireSession) decoders() map[string]struct {
	valid []byte
	read  func(data []byte) error
} {
	type decoder = struct {
		valid []byte
		read  func(data []byte) error
	}
	return map[string]decoder{
		"public key": {s.key, func(data []byte) error { _, err := s.p.ParsePublicKey(data); return err }},
		"block":      {s.block, func(data []byte) error { return s.session.key.NewProbe(1).SetBlock(0, data) }},
		"prefixes": {s.prefixes, func(data []byte) error {
			_, err := s.session.key.Verdict(0, data, s.r, testSeed(1))
			return err
		}},
		"share": {s.share, func(data []byte) error { _, err := s.owner.OpenShare(data, s.positions); return err }},
		"verdict": {s.verdict, func(data []byte) error {
			return s.owner.OpenVerdict(data, make([]bool, s.p.n))
		}},
	}
}

func TestDecodersCheckLength(t *testing.T) {
	for name, need := range testNeeds {
		s := newWireSession(t, need, 3)
		sizes := map[string]int{"public key": s.p.PublicKeySize(), "block": s.p.BlockSize(),
			"prefixes": s.p.PrefixesSize(), "share": s.p.ShareSize(3), "verdict": s.p.VerdictSize()}
		for kind, d := range s.decoders() {
			if len(d.valid) != sizes[kind] {
				t.Errorf("%s, %s: %d bytes, announced %d", name, kind, len(d.valid), sizes[kind])
			}
			if err := d.read(d.valid); err != nil {
				t.Errorf("%s, %s: the valid message is refused: %v", name, kind, err)
			}
			for _, n := range []int{0, 1, 31, 32, len(d.valid) / 2, len(d.valid) - 1} {
				if err := d.read(d.valid[:n:n]); !errors.Is(err, ErrTruncated) {
					t.Errorf("%s, %s cut to %d bytes: %v", name, kind, n, err)
				}
			}
			for _, n := range []int{1, 100, len(d.valid)} {
				if err := d.read(append(append([]byte{}, d.valid...), make([]byte, n)...)); !errors.Is(err, ErrTrailing) {
					t.Errorf("%s, %s with %d bytes more: %v", name, kind, n, err)
				}
			}
			if err := d.read(nil); !errors.Is(err, ErrTruncated) {
				t.Errorf("%s, %s: nil: %v", name, kind, err)
			}
		}
	}
}

// TestDecodersCheckCoefficients sets single coefficients of uploads to the modulus and
// around it.
func TestDecodersCheckCoefficients(t *testing.T) {
	for name, need := range testNeeds {
		p := mustNew(t, need)
		s := newSession(t, p, 63)
		for kind, c := range map[string]struct {
			budget Budget
			parse  func(data []byte) error
		}{
			"public key": {p.keyBudget(), func(d []byte) error { _, err := p.ParsePublicKey(append(make([]byte, 32), d...)); return err }},
			"block":      {p.Score, func(d []byte) error { return s.key.NewProbe(1).SetBlock(0, d) }},
			"prefixes": {p.Compare, func(d []byte) error {
				return p.unpackUpload("prefixes", d, p.Compare, newPoly(p.n))
			}},
		} {
			drop := uint(c.budget.DroppedBits)
			most := new(big.Int).Rsh(new(big.Int).Sub(p.bigQ(), big.NewInt(1)), drop)
			over := new(big.Int).Add(most, big.NewInt(1))
			ones := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), uint(c.budget.UploadBits)), big.NewInt(1))
			for _, place := range []int{0, 1, p.n - 1} {
				values := make([]*big.Int, p.n)
				for i := range values {
					values[i] = new(big.Int)
				}
				set := func(v *big.Int) error { values[place] = v; return c.parse(rawUpload(values, c.budget.UploadBits)) }
				if err := set(most); err != nil {
					t.Errorf("%s, %s: the largest coefficient is refused at %d: %v", name, kind, place, err)
				}
				b := newPoly(p.n)
				if err := p.unpackUpload("", rawUpload(values, c.budget.UploadBits), c.budget, b); err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(p.reencode(b, c.budget), rawUpload(values, c.budget.UploadBits)) {
					t.Errorf("%s, %s: the largest coefficient does not encode to itself", name, kind)
				}
				for _, v := range []*big.Int{over, ones} {
					if over.BitLen() > c.budget.UploadBits {
						continue // every pattern is below the modulus
					}
					if err := set(v); !errors.Is(err, ErrCoefficient) {
						t.Errorf("%s, %s: coefficient %d is %v, %v", name, kind, place, v, err)
					}
				}
			}
		}
	}
}

// TestVerdictNamesTheLevel damages each level of the prefixes in turn.
func TestVerdictNamesTheLevel(t *testing.T) {
	s := newWireSession(t, testNeeds["iris 16384"], 1) // nothing is dropped: 100 ones exceed q
	size := s.p.uploadSize(s.p.Compare)
	for _, level := range []int{0, 1, s.p.HitBits - 1} {
		bad := append([]byte{}, s.prefixes...)
		for i := range 13 {
			bad[level*size+i] = 0xff
		}
		_, err := s.session.key.Verdict(0, bad, s.r, testSeed(1))
		want := fmt.Sprintf("prefixes, level %d", level)
		if !errors.Is(err, ErrCoefficient) || !bytes.Contains([]byte(err.Error()), []byte(want)) {
			t.Errorf("level %d: %v", level, err)
		}
	}
}

// TestSharePadding sets every unused bit of a share.
func TestSharePadding(t *testing.T) {
	for _, count := range []int{0, 1, 3, 8, 9} {
		s := newWireSession(t, testNeeds["vector 512"], count) // 17 bits a score
		used := count * s.p.Score.MessageBits % 8
		for bit := used; bit < 8 && used > 0; bit++ {
			bad := append([]byte{}, s.share...)
			bad[len(bad)-1] ^= 1 << bit
			if _, err := s.owner.OpenShare(bad, s.positions); !errors.Is(err, ErrPadding) {
				t.Errorf("%d scores, bit %d: %v", count, bit, err)
			}
		}
	}
}

// repack takes an answer apart into numbers and puts it together again.
func (p *Params) repack(data []byte, budget Budget, count, answers int) []byte {
	r, w := unpacker{in: data}, newPacker(0)
	for range answers {
		for range p.n {
			w.put(r.get(uint(budget.MaskBits)), uint(budget.MaskBits))
		}
		r.align()
		w.align()
		for range count {
			w.put(r.get(uint(budget.MessageBits)), uint(budget.MessageBits))
		}
		r.align()
		w.align()
	}
	return w.bytes()
}

// damage puts a patch into a valid message, and cuts or extends it.
func damage(valid []byte, offset uint32, patch []byte, length int16) []byte {
	data := append([]byte{}, valid...)
	copy(data[int(offset)%len(data):], patch)
	if length < 0 {
		return data[:max(0, len(data)+int(length))]
	}
	return append(data, make([]byte, length)...)
}

func addDamage(f *testing.F) {
	f.Add(uint32(0), []byte{}, int16(0))
	f.Add(uint32(0), []byte{}, int16(-1))
	f.Add(uint32(0), []byte{}, int16(1))
	f.Add(uint32(32), bytes.Repeat([]byte{0xff}, 40), int16(0))
	f.Add(^uint32(0), []byte{0xff}, int16(0))
}

// lastByte maps an offset so that the largest means the last byte.
func lastByte(offset uint32, data []byte) uint32 {
	if offset == ^uint32(0) {
		return uint32(len(data) - 1)
	}
	return offset
}

// classified fails unless an error belongs to one of the codec's classes.
func classified(t *testing.T, err error) {
	t.Helper()
	for _, class := range []error{ErrTruncated, ErrTrailing, ErrCoefficient, ErrPadding} {
		if errors.Is(err, class) {
			return
		}
	}
	t.Fatalf("an error of no class: %v", err)
}

func FuzzPublicKey(f *testing.F) {
	s := newWireSession(f, testNeeds["tiny"], 1)
	addDamage(f)
	f.Fuzz(func(t *testing.T, offset uint32, patch []byte, length int16) {
		data := damage(s.key, lastByte(offset, s.key), patch, length)
		k, err := s.p.ParsePublicKey(data)
		if err != nil {
			classified(t, err)
			return
		}
		b := copyPoly(k.b)
		if again := append(k.public[:], s.p.reencode(s.p.inverse(b), s.p.keyBudget())...); !bytes.Equal(again, data) {
			t.Fatal("accepted, but encodes differently")
		}
	})
}

func FuzzUpload(f *testing.F) {
	var sessions []wireSession
	for _, name := range []string{"vector 512", "iris 16384", "tiny"} {
		sessions = append(sessions, newWireSession(f, testNeeds[name], 1))
	}
	for which := range uint8(6) {
		f.Add(which, uint32(0), []byte{}, int16(0))
		f.Add(which, uint32(0), []byte{}, int16(-3))
		f.Add(which, uint32(7), bytes.Repeat([]byte{0xff}, 30), int16(0))
		f.Add(which, ^uint32(0), []byte{0xff}, int16(2))
	}
	f.Fuzz(func(t *testing.T, which uint8, offset uint32, patch []byte, length int16) {
		s := sessions[int(which>>1)%len(sessions)]
		budget, valid := s.p.Score, s.block
		if which&1 == 1 {
			budget, valid = s.p.Compare, s.prefixes[:s.p.uploadSize(s.p.Compare)]
		}
		data := damage(valid, lastByte(offset, valid), patch, length)
		b := newPoly(s.p.n)
		if err := s.p.unpackUpload("upload", data, budget, b); err != nil {
			classified(t, err)
			return
		}
		if !bytes.Equal(s.p.reencode(b, budget), data) {
			t.Fatal("accepted, but encodes differently")
		}
	})
}

func FuzzShare(f *testing.F) {
	s := newWireSession(f, testNeeds["vector 512"], 13)
	addDamage(f)
	f.Fuzz(func(t *testing.T, offset uint32, patch []byte, length int16) {
		data := damage(s.share, lastByte(offset, s.share), patch, length)
		x, err := s.owner.OpenShare(data, s.positions)
		if err != nil {
			classified(t, err)
			return
		}
		for _, v := range x {
			if v >= 1<<s.p.ScoreBits {
				t.Fatalf("a share of %d", v)
			}
		}
		if !bytes.Equal(s.p.repack(data, s.p.Score, len(s.positions), 1), data) {
			t.Fatal("accepted, but encodes differently")
		}
	})
}

func FuzzVerdict(f *testing.F) {
	s := newWireSession(f, testNeeds["tiny"], 5)
	addDamage(f)
	f.Fuzz(func(t *testing.T, offset uint32, patch []byte, length int16) {
		data := damage(s.verdict, lastByte(offset, s.verdict), patch, length)
		if err := s.owner.OpenVerdict(data, make([]bool, s.p.n)); err != nil {
			classified(t, err)
			return
		}
		if !bytes.Equal(s.p.repack(data, s.p.Compare, s.p.n, s.p.HitBits+1), data) {
			t.Fatal("accepted, but encodes differently")
		}
	})
}

// TestHonestUploadsReencode checks that an honest encoding survives decode and re-encode,
// and that random integers below q do as well.
func TestHonestUploadsReencode(t *testing.T) {
	rng := rand.New(rand.NewPCG(15, 16))
	for name, need := range testNeeds {
		p := mustNew(t, need)
		for _, budget := range []Budget{p.Score, p.Compare, p.keyBudget()} {
			b := newPoly(p.n)
			for i := range p.n {
				for l, q := range p.q {
					b[l][i] = rng.Uint64N(q.q)
				}
			}
			wire := p.packUpload(b, budget)
			back := newPoly(p.n)
			if err := p.unpackUpload("b", wire, budget, back); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(p.reencode(back, budget), wire) {
				t.Errorf("%s: another encoding", name)
			}
			want, got := p.bigCRT(b), p.bigCRT(back)
			limit := new(big.Int).Rsh(new(big.Int).Lsh(big.NewInt(1), uint(budget.DroppedBits)), 1)
			for i := range want {
				if d := centre(got[i].Sub(got[i], want[i]), p.bigQ()); d.CmpAbs(limit) > 0 {
					t.Fatalf("%s: coefficient %d moves by %v, at most %v", name, i, d, limit)
				}
			}
		}
	}
}
