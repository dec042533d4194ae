package he

import (
	"bytes"
	"errors"
	"fmt"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
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
	values, q := p.score.bigCRT(b), p.score.bigQ()
	for _, v := range values {
		v.Sub(v, middle).Mod(v, q).Rsh(v, uint(budget.DroppedBits))
	}
	return rawUpload(values, budget.UploadBits)
}

// reencode does the same for the ring of comparisons.
func (l *lanes) reencode(b poly) []byte {
	var values []*big.Int
	for _, residues := range b {
		for _, v := range residues {
			values = append(values, bigOf(v))
		}
	}
	return rawUpload(values, primeBits)
}

// wireSession is a session with one message of every kind.
type wireSession struct {
	session
	key, block, prefix, share, verdict []byte
	positions                          []int
	r                                  []uint32
}

// newWireSession makes a share of count scores and a batch of lanes comparisons.
func newWireSession(t testing.TB, need Need, count, lanes int) wireSession {
	t.Helper()
	p := mustNew(t, need)
	s := wireSession{session: newSession(t, p, 61)}
	s.positions = allPositions(p)[:count]
	s.key, s.block = s.owner.PublicKey(), s.owner.EncryptBlock(0, []int32{1})
	s.share = s.sums(t, []int32{1}, make([]int32, p.n))[0].Mask(0, s.positions, 0, testSeed(62))
	s.r = p.Masks(testSeed(62), 0, lanes)
	s.prefix = s.owner.EncryptPrefix(0, 0, s.r)
	batch := s.collect(t, 0, s.r, s.r)
	if err := batch.Close(testSeed(62)); err != nil {
		t.Fatal(err)
	}
	s.verdict = batch.Answer(0)
	return s
}

// decoder is a message and the function that reads it.
type decoder struct {
	valid []byte
	read  func(data []byte) error
}

// decoders gives every message to the function that reads it.
func (s wireSession) decoders(t testing.TB) map[string]decoder {
	t.Helper()
	batch, err := s.session.key.NewBatch(0, s.r)
	if err != nil {
		t.Fatal(err)
	}
	hits := make([]bool, len(s.r))
	return map[string]decoder{
		"public key": {s.key, func(data []byte) error { _, err := s.p.ParsePublicKey(data); return err }},
		"block":      {s.block, func(data []byte) error { return s.session.key.NewProbe(0, 1).SetBlock(0, data) }},
		"prefixes": {s.prefix, func(data []byte) error {
			batch.levels[0] = level{} // as often as asked
			return batch.SetPrefix(0, data)
		}},
		"share":   {s.share, func(data []byte) error { _, err := s.owner.OpenShare(data, s.positions); return err }},
		"verdict": {s.verdict, func(data []byte) error { return s.owner.OpenVerdict(data, hits) }},
	}
}

// TestDecodersCheckLength cuts and extends every message, for one plane and for all. All
// lengths at the ends are tried, and one in 499 between.
func TestDecodersCheckLength(t *testing.T) {
	for name, need := range testNeeds {
		sizes := []int{3}
		if name == "tiny" {
			sizes = append(sizes, LaneDegree+1, 3*LaneDegree)
		}
		for _, lanes := range sizes {
			s := newWireSession(t, need, 3, lanes)
			sizes := map[string]int{"public key": s.p.PublicKeySize(), "block": s.p.BlockSize(),
				"prefixes": s.p.PrefixSize(lanes), "share": s.p.ShareSize(3), "verdict": s.p.VerdictSize(lanes)}
			for kind, d := range s.decoders(t) {
				if len(d.valid) != sizes[kind] {
					t.Errorf("%s, %s: %d bytes, announced %d", name, kind, len(d.valid), sizes[kind])
				}
				if err := d.read(d.valid); err != nil {
					t.Errorf("%s, %s: the valid message is refused: %v", name, kind, err)
				}
				for n := 0; n < len(d.valid); n++ {
					if err := d.read(d.valid[:n:n]); !errors.Is(err, ErrTruncated) {
						t.Fatalf("%s, %s cut to %d bytes: %v", name, kind, n, err)
					}
					if n > 100 && n < len(d.valid)-100 {
						n += 498
					}
				}
				for _, n := range []int{1, 100, len(d.valid)} {
					if err := d.read(append(slices.Clone(d.valid), make([]byte, n)...)); !errors.Is(err, ErrTrailing) {
						t.Errorf("%s, %s with %d bytes more: %v", name, kind, n, err)
					}
				}
				if err := d.read(nil); !errors.Is(err, ErrTruncated) {
					t.Errorf("%s, %s: nil: %v", name, kind, err)
				}
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
			"public key": {p.keyBudget(), func(d []byte) error {
				_, err := p.ParsePublicKey(slices.Concat(make([]byte, 32), d, make([]byte, p.widest().uploadSize())))
				return err
			}},
			"block": {p.Score, func(d []byte) error { return s.key.NewProbe(0, 1).SetBlock(0, d) }},
		} {
			drop := uint(c.budget.DroppedBits)
			most := new(big.Int).Rsh(new(big.Int).Sub(p.score.bigQ(), big.NewInt(1)), drop)
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
				b := p.score.newPoly()
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

// TestDecodersCheckResidues does the same for the uploads in the ring of comparisons:
// every prime, at both ends.
func TestDecodersCheckResidues(t *testing.T) {
	for _, name := range []string{"tiny", "iris 16384"} { // three planes and two
		p := mustNew(t, testNeeds[name])
		s := newSession(t, p, 63)
		blank := make([]byte, len(Seed{})+p.uploadSize(p.keyBudget()))
		for planes, l := range p.lanes {
			parsers := map[string]func(data []byte) error{"prefixes": func(data []byte) error {
				batch, err := s.key.NewBatch(0, make([]uint32, planes*l.r.n+1))
				if err != nil {
					t.Fatal(err)
				}
				return batch.SetPrefix(0, data)
			}}
			if l == p.widest() {
				parsers["public key"] = func(data []byte) error {
					_, err := p.ParsePublicKey(slices.Concat(blank, data))
					return err
				}
			}
			for kind, parse := range parsers {
				for j, q := range l.r.q {
					for _, place := range []int{0, 1, l.r.n - 1} {
						values := make([]*big.Int, len(l.r.q)*l.r.n)
						for i := range values {
							values[i] = new(big.Int)
						}
						for _, v := range []uint64{q.q - 1, q.q, q.q + 1, 1<<primeBits - 1} {
							values[j*l.r.n+place] = bigOf(v)
							err := parse(rawUpload(values, primeBits))
							if v < q.q && err != nil {
								t.Errorf("%s, %s: the largest residue is refused at %d: %v", name, kind, place, err)
							}
							want := fmt.Sprintf("residue %d of prime %d", place, j)
							if v >= q.q && (!errors.Is(err, ErrCoefficient) || !strings.Contains(err.Error(), want)) {
								t.Errorf("%s, %s: residue %d of prime %d is %d, %v", name, kind, place, j, v, err)
							}
						}
					}
				}
			}
		}
	}
}

// TestPrefixNamesTheLevel damages each level of the prefixes in turn.
func TestPrefixNamesTheLevel(t *testing.T) {
	s := newWireSession(t, testNeeds["iris 16384"], 1, 1)
	batch, err := s.session.key.NewBatch(0, s.r)
	if err != nil {
		t.Fatal(err)
	}
	bad := slices.Clone(s.prefix)
	for i := range 13 {
		bad[i] = 0xff // 100 ones exceed any prime
	}
	for level := range s.p.HitBits {
		err := batch.SetPrefix(level, bad)
		want := fmt.Sprintf("prefixes, level %d:", level)
		if !errors.Is(err, ErrCoefficient) || !strings.Contains(err.Error(), want) {
			t.Errorf("level %d: %v", level, err)
		}
	}
}

// TestSharePadding sets every unused bit of a share.
func TestSharePadding(t *testing.T) {
	for _, count := range []int{0, 1, 3, 8, 9} {
		s := newWireSession(t, testNeeds["vector 512"], count, 1) // 17 bits a score
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

// TestAnswerPadding: only the end of a share has unused bits; every bit of the other
// messages counts.
func TestAnswerPadding(t *testing.T) {
	p := mustNew(t, testNeeds["vector 512"])
	for _, l := range p.lanes {
		if l.r.n*l.budget.MaskBits%8 != 0 || l.r.n*l.budget.MessageBits%8 != 0 || len(l.r.q)*l.r.n*primeBits%8 != 0 {
			t.Errorf("%d planes: a message has padding", len(l.planes))
		}
	}
	if p.n*p.Score.MaskBits%8 != 0 || p.n*p.Score.UploadBits%8 != 0 {
		t.Error("a score message has padding before its end")
	}
}

// repack takes an answer apart into numbers and puts it together again.
func repack(data []byte, n int, budget Budget, count int) []byte {
	r, w := unpacker{in: data}, newPacker(0)
	for range n {
		w.put(r.get(uint(budget.MaskBits)), uint(budget.MaskBits))
	}
	r.align()
	w.align()
	for range count {
		w.put(r.get(uint(budget.MessageBits)), uint(budget.MessageBits))
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
	s := newWireSession(f, testNeeds["tiny"], 1, 1)
	addDamage(f)
	f.Fuzz(func(t *testing.T, offset uint32, patch []byte, length int16) {
		data := damage(s.key, lastByte(offset, s.key), patch, length)
		k, err := s.p.ParsePublicKey(data)
		if err != nil {
			classified(t, err)
			return
		}
		wide := s.p.widest()
		again := slices.Concat(k.public[:], s.p.reencode(s.p.score.coefficients(k.score.b), s.p.keyBudget()), wide.reencode(wide.r.coefficients(k.lane.b)))
		if !bytes.Equal(again, data) {
			t.Fatal("accepted, but encodes differently")
		}
	})
}

func FuzzUpload(f *testing.F) {
	var sessions []wireSession
	for _, name := range []string{"vector 512", "iris 16384", "tiny"} {
		p := mustNew(f, testNeeds[name])
		sessions = append(sessions, newWireSession(f, testNeeds[name], 1, 1), newWireSession(f, testNeeds[name], 1, p.Lanes()))
	}
	for which := range uint8(12) {
		f.Add(which, uint32(0), []byte{}, int16(0))
		f.Add(which, uint32(0), []byte{}, int16(-3))
		f.Add(which, uint32(7), bytes.Repeat([]byte{0xff}, 30), int16(0))
		f.Add(which, ^uint32(0), []byte{0xff}, int16(2))
	}
	f.Fuzz(func(t *testing.T, which uint8, offset uint32, patch []byte, length int16) {
		s := sessions[int(which>>1)%len(sessions)]
		if which&1 == 0 {
			data := damage(s.block, lastByte(offset, s.block), patch, length)
			b := s.p.score.newPoly()
			if err := s.p.unpackUpload("upload", data, s.p.Score, b); err != nil {
				classified(t, err)
			} else if !bytes.Equal(s.p.reencode(b, s.p.Score), data) {
				t.Fatal("accepted, but encodes differently")
			}
			return
		}
		data, l := damage(s.prefix, lastByte(offset, s.prefix), patch, length), s.p.lanesFor(len(s.r))
		b := l.r.newPoly()
		if err := l.unpackUpload("upload", data, b); err != nil {
			classified(t, err)
		} else if !bytes.Equal(l.reencode(b), data) {
			t.Fatal("accepted, but encodes differently")
		}
	})
}

func FuzzShare(f *testing.F) {
	s := newWireSession(f, testNeeds["vector 512"], 13, 1)
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
		if !bytes.Equal(repack(data, s.p.n, s.p.Score, len(s.positions)), data) {
			t.Fatal("accepted, but encodes differently")
		}
	})
}

func FuzzVerdict(f *testing.F) {
	var sessions []wireSession
	for _, lanes := range []int{5, LaneDegree + 5, 2*LaneDegree + 5} {
		sessions = append(sessions, newWireSession(f, testNeeds["tiny"], 1, lanes))
	}
	for which := range uint8(3) {
		f.Add(which, uint32(0), []byte{}, int16(0))
		f.Add(which, uint32(0), []byte{}, int16(-1))
		f.Add(which, uint32(32), bytes.Repeat([]byte{0xff}, 40), int16(1))
		f.Add(which, ^uint32(0), []byte{0xff}, int16(0))
	}
	f.Fuzz(func(t *testing.T, which uint8, offset uint32, patch []byte, length int16) {
		s := sessions[int(which)%len(sessions)]
		data, l := damage(s.verdict, lastByte(offset, s.verdict), patch, length), s.p.lanesFor(len(s.r))
		if err := s.owner.OpenVerdict(data, make([]bool, len(s.r))); err != nil {
			classified(t, err)
			return
		}
		if !bytes.Equal(repack(data, l.r.n, l.budget, l.r.n), data) {
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
		for _, budget := range []Budget{p.Score, p.keyBudget()} {
			b := p.score.newPoly()
			for i := range p.n {
				for l, q := range p.score.q {
					b[l][i] = rng.Uint64N(q.q)
				}
			}
			wire := p.packUpload(copyPoly(b), budget)
			back := p.score.newPoly()
			if err := p.unpackUpload("b", wire, budget, back); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(p.reencode(back, budget), wire) {
				t.Errorf("%s: another encoding", name)
			}
			want, got := p.score.bigCRT(b), p.score.bigCRT(back)
			limit := new(big.Int).Rsh(new(big.Int).Lsh(big.NewInt(1), uint(budget.DroppedBits)), 1)
			for i := range want {
				if d := centre(got[i].Sub(got[i], want[i]), p.score.bigQ()); d.CmpAbs(limit) > 0 {
					t.Fatalf("%s: coefficient %d moves by %v, at most %v", name, i, d, limit)
				}
			}
		}
		for _, l := range p.lanes {
			b, back := l.r.newPoly(), l.r.newPoly()
			for j, q := range l.r.q {
				for i := range b[j] {
					b[j][i] = rng.Uint64N(q.q)
				}
			}
			wire := l.packUpload(b)
			if err := l.unpackUpload("b", wire, back); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(l.reencode(b), wire) || !slices.EqualFunc(b, back, slices.Equal[[]uint64]) {
				t.Errorf("%s, %d planes: another encoding", name, len(l.planes))
			}
		}
	}
}
