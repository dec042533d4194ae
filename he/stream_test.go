package he

import (
	"bytes"
	"crypto/aes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"log/slog"
	"math"
	"math/big"
	"strconv"
	"strings"
	"testing"
)

// TestStreamKnownAnswer rebuilds the stream from RFC 5869 and SP 800-38A with nothing
// but HMAC and the AES block function.
func TestStreamKnownAnswer(t *testing.T) {
	var seed Seed
	for i := range seed {
		seed[i] = byte(i)
	}
	mac := func(key []byte, parts ...[]byte) []byte {
		h := hmac.New(sha256.New, key)
		for _, p := range parts {
			h.Write(p)
		}
		return h.Sum(nil)
	}
	prk := mac(make([]byte, sha256.Size), seed[:])
	key := mac(prk, []byte("a label\x00"), []byte{0, 0, 0, 5, 0xff, 0xff, 0xff, 0xfe}, []byte{1})
	if got := seed.Derive("a label", []byte{0, 0, 0, 5}, []byte{0xff, 0xff, 0xff, 0xfe}); !bytes.Equal(got[:], key) {
		t.Fatal("Derive is not HKDF-SHA256")
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	st := NewStream(seed, "a label", 5, 0xfffffffe)
	var first []byte
	for counter := uint64(0); counter < 3000; counter++ { // 48 kB: twelve buffers
		var in, out [16]byte
		binary.BigEndian.PutUint64(in[8:], counter)
		block.Encrypt(out[:], in[:])
		for half := range 2 {
			if want, got := binary.LittleEndian.Uint64(out[8*half:]), st.Uint64(); got != want {
				t.Fatalf("word %d is %x, expected %x", 2*counter+uint64(half), got, want)
			}
		}
		if counter < 2 {
			first = append(first, out[:]...)
		}
	}
	const pinned = "76ec112f3f7a964831f24d56328721423e4923d2620ad0f9f356d1c74480e0ea"
	if got := hex.EncodeToString(first); got != pinned {
		t.Errorf("the first 32 bytes are %s, pinned %s", got, pinned)
	}
}

// TestLabelsDistinct reads labels.go: every label is a different text without zero
// bytes, and every label constant of the package stands in that file.
func TestLabelsDistinct(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "labels.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]string{}
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok {
			for i, name := range spec.Names {
				text, err := strconv.Unquote(spec.Values[i].(*ast.BasicLit).Value)
				if err != nil {
					t.Fatal(err)
				}
				if other := seen[text]; other != "" {
					t.Errorf("%s and %s are both %q", name.Name, other, text)
				}
				if !strings.HasPrefix(text, "puente/v1/he/") || strings.ContainsRune(text, 0) {
					t.Errorf("%s is %q", name.Name, text)
				}
				seen[text] = name.Name
			}
		}
		return true
	})
	if len(seen) != 17 {
		t.Errorf("labels.go has %d labels, expected 17", len(seen))
	}
}

func TestDeriveSeparates(t *testing.T) {
	seed := testSeed(1)
	seen := map[Seed]string{}
	note := func(what string, s Seed) {
		if other, ok := seen[s]; ok {
			t.Errorf("%s and %s give the same seed", what, other)
		}
		seen[s] = what
	}
	note("the seed", seed)
	note("x", seed.Derive("x"))
	note("x, 0", seed.Derive("x", []byte{0}))
	note("x zero", seed.Derive("x\x00", []byte{0}))
	note("xy", seed.Derive("xy"))
	note("x, y", seed.Derive("x", []byte("y")))
	note("other", testSeed(2).Derive("x"))
	words := map[uint64]bool{}
	for i := range uint32(50) {
		for _, st := range []*Stream{NewStream(seed, labelMask, i), NewStream(seed, labelBlind, i, 0), NewStream(seed, labelBlind, 0, i+1)} {
			if w := st.Uint64(); words[w] {
				t.Errorf("two streams begin alike at index %d", i)
			} else {
				words[w] = true
			}
		}
	}
}

// TestSmallError tests the error against the exact law: binomial(42, 1/2) - 21.
func TestSmallError(t *testing.T) {
	n := samples(1 << 20)
	weights := make([]float64, 2*errorBound+1)
	for i := range weights {
		c, _ := new(big.Float).SetInt(new(big.Int).Binomial(2*errorBound, int64(i))).Float64()
		weights[i] = c
	}
	st := NewStream(testSeed(21), "test small error")
	counts, pairs := make([]int, len(weights)), [2][]int{make([]int, 3), make([]int, 3)}
	squares, last := 0.0, int64(0)
	all := make([]int8, n)
	st.smallErrors(all)
	for _, small := range all {
		e := int64(small)
		if e < -errorBound || e > errorBound {
			t.Fatalf("error %d", e)
		}
		counts[e+errorBound]++
		squares += float64(e * e)
		if e != 0 && last != 0 {
			pairs[(1-sign(last))/2][1+sign(e)]++
		}
		last = e
	}
	accept(t, "small error", chiSquare(counts, weights))
	accept(t, "neighbouring errors", sameP(pairs[0], pairs[1]))
	if d := math.Sqrt(squares / float64(n)); math.Abs(d-errorSigma) > 6*errorSigma/math.Sqrt(2*float64(n)) {
		t.Errorf("deviation %v, expected %v", d, errorSigma)
	}
	if math.Abs(errorSigma-math.Sqrt(errorBound/2.0)) > 1e-15 || errorSigma < 3.19 {
		t.Errorf("errorSigma is %v", errorSigma)
	}
	// The ends of the range, which no sample reaches: all bits of one side set.
	for word, want := range map[uint64]int64{1<<21 - 1: 21, (1<<21 - 1) << 21: -21, 0: 0, math.MaxUint64: 0} {
		st, got := fixedStream(5, word, 7), make([]int8, 2)
		if st.smallErrors(got); int64(got[1]) != want || got[0] != 2 || st.pos != 2 {
			t.Errorf("word %x gives %d after %d words, expected %d", word, got, st.pos, want)
		}
	}
}

func sign(v int64) int {
	switch {
	case v > 0:
		return 1
	case v < 0:
		return -1
	}
	return 0
}

// fixedStream is a stream whose words are given; what follows no rejection rule skips.
func fixedStream(words ...uint64) *Stream {
	s := &Stream{ctr: &canned{}}
	for i := range s.buf {
		s.buf[i] = 1<<31 + 1
	}
	copy(s.buf[:], words)
	return s
}

func TestTrits(t *testing.T) {
	st := NewStream(testSeed(22), "test trits")
	values := make([]int8, samples(1<<18)+3) // the last byte gives three
	counts, groups := make([]int, 3), make([]int, 243)
	pairs := newCounts(7, 9) // at distances up to 7
	st.trits(values)
	for i, v := range values {
		counts[v+1]++
		for d := range pairs {
			if i > d {
				pairs[d][3*(v+1)+values[i-d-1]+1]++
			}
		}
		if i%5 == 4 {
			cell := 0
			for _, w := range values[i-4 : i+1] {
				cell = 3*cell + int(w) + 1
			}
			groups[cell]++
		}
	}
	accept(t, "ternary", uniformP(counts))
	accept(t, "five of a byte", uniformP(groups))
	for d := range pairs {
		accept(t, fmt.Sprintf("pairs at distance %d", d+1), uniformP(pairs[d]))
	}
}

// TestTritsRule takes every byte: below 243 it gives its digits to base 3, from there on
// nothing, and a list of any length uses whole words.
func TestTritsRule(t *testing.T) {
	for first := 0; first < 256; first++ {
		for _, length := range []int{1, 4, 5, 6, 40, 41} {
			// 121 is 11111 to base 3: all zeros.
			st := fixedStream(uint64(first)|0x79797979797979<<8, 0x7979797979797900)
			values := make([]int8, length)
			st.trits(values)
			words := 1 + (length-1)/40
			if first >= 243 {
				words = 1 + (length-1)/35
			}
			if st.pos != words {
				t.Fatalf("byte %d, %d values: %d words are used, expected %d", first, length, st.pos, words)
			}
			for i, rest := 0, first; i < length; i, rest = i+1, rest/3 {
				want := int8(0)
				switch {
				case first < 243 && i < 5:
					want = int8(rest%3) - 1
				case first < 243 && i == 40 || first >= 243 && i >= 35 && i < 40:
					want = -1 // byte 0 of the second word
				}
				if values[i] != want {
					t.Fatalf("byte %d: value %d is %d, expected %d", first, i, values[i], want)
				}
			}
		}
	}
}

func TestBelow(t *testing.T) {
	for _, bound := range []uint64{1, 2, 3, 5, 40960, 65536, 557056, 3 << 30, 1<<32 - 1, 1 << 32} {
		st := NewStream(testSeed(23), "test below", uint32(bound>>8))
		cells := min(bound, 64)
		high, low := make([]int, cells), make([]int, min(bound, 2))
		for range samples(1 << 18) {
			v := st.Below(bound)
			if v >= bound {
				t.Fatalf("Below(%d) gave %d", bound, v)
			}
			high[v*cells/bound]++
			low[v%2]++
		}
		exact := func(of func(cell uint64) uint64, cells int) (weights []float64) {
			for c := range cells {
				weights = append(weights, float64(of(uint64(c+1))-of(uint64(c))))
			}
			return weights
		}
		if bound == 1 {
			continue // chi-square has nothing to compare
		}
		accept(t, fmt.Sprintf("Below(%d)", bound), chiSquare(high, exact(func(c uint64) uint64 { return (c*bound + cells - 1) / cells }, int(cells))))
		accept(t, fmt.Sprintf("parity of Below(%d)", bound), chiSquare(low, []float64{float64((bound + 1) / 2), float64(bound / 2)}))
	}
}

// TestBelowRejects checks Lemire's rule itself: words whose product falls into the
// biased rest are skipped, all others are used, high half of the word ignored.
func TestBelowRejects(t *testing.T) {
	for _, c := range []struct {
		bound uint64
		words []uint64
		want  uint64
	}{
		{3, []uint64{0, 1 << 31}, 1},                             // 2^32 mod 3 = 1: only word 0 is skipped
		{3, []uint64{1}, 0},                                      //
		{3, []uint64{0xffffffff00000000, 0xffffffff55555556}, 1}, // low word zero
		{557056, []uint64{0, 7709, 7710}, 0},                     // 2^32 mod 557056 = 65536
		{1 << 32, []uint64{0}, 0},                                // nothing is skipped
		{1 << 32, []uint64{0x12345678ffffffff}, 1<<32 - 1},       //
		{1<<32 - 1, []uint64{0, 2}, 1},                           // 2^32 mod bound = 1
		{40960, []uint64{0, 104858, 104859}, 1},                  // 2^32 mod 40960 = 24576, 104858*40960 - 2^32 = 16384
	} {
		st := fixedStream(c.words...)
		got := st.Below(c.bound)
		// The reference: read words until the product is not in the rest.
		used := 0
		for i, w := range c.words {
			if (w&math.MaxUint32)*c.bound%(1<<32) >= (1<<32)%c.bound {
				used = i + 1
				if want := (w & math.MaxUint32) * c.bound >> 32; got != want {
					t.Errorf("Below(%d) of %x: %d, expected %d", c.bound, c.words, got, want)
				}
				break
			}
		}
		if used != st.pos || got != c.want {
			t.Errorf("Below(%d) of %x: %d after %d words, expected %d after %d", c.bound, c.words, got, st.pos, c.want, used)
		}
	}
}

func TestUniformResidues(t *testing.T) {
	p := mustNew(t, testNeeds["vector 512"])
	for _, q := range append(p.Moduli(), p.widest().r.q[2].q, p.lanes[0].planes[0].q, 40961) {
		st := NewStream(testSeed(24), "test uniform", uint32(q>>20))
		values := make([]uint64, samples(1<<18))
		st.uniform(values, q)
		high, low := make([]int, 256), make([]int, 256)
		weights := make([]float64, 256)
		for c := range uint64(256) {
			hi, lo := bigDivUp((c+1)*q, 256), bigDivUp(c*q, 256)
			weights[c] = float64(hi - lo)
		}
		var most, least uint64 = 0, math.MaxUint64
		for _, v := range values {
			if v >= q {
				t.Fatalf("%d is not below %d", v, q)
			}
			hi := new(big.Int).Mul(bigOf(v), big.NewInt(256))
			high[hi.Div(hi, bigOf(q)).Uint64()]++
			low[v%256]++
			most, least = max(most, v), min(least, v)
		}
		if q < 1<<50/256 {
			accept(t, fmt.Sprintf("residues modulo %d", q), chiSquare(high, weights))
		} else {
			accept(t, fmt.Sprintf("residues modulo %d", q), uniformP(high))
			accept(t, fmt.Sprintf("low byte modulo %d", q), uniformP(low))
		}
		if float64(q-most) > float64(q)*30/float64(len(values)) || float64(least) > float64(q)*30/float64(len(values)) {
			t.Errorf("the ends of [0, %d) are not reached: %d to %d", q, least, most)
		}
	}
	// The rejection rule: words not below q are skipped, high bits ignored.
	dst := make([]uint64, 2)
	fixedStream(65537, 1<<17-1, 65536|5<<40, 3).uniform(dst, 65537)
	if dst[0] != 65536 || dst[1] != 3 {
		t.Errorf("residues %d", dst)
	}
}

func bigDivUp(x, y uint64) uint64 { return (x + y - 1) / y }

// TestFlood checks range, uniformity and, above all, the low bits: a sampler that
// leaves a grid lets small noise show between its lines.
func TestFlood(t *testing.T) {
	p := mustNew(t, testNeeds["vector 512"])
	if maxFloodBits != 99 {
		t.Errorf("floods of up to %d bits are not covered", maxFloodBits)
	}
	for _, bits := range []int{50, 51, 63, 64, 72, 79, 84, 91, 98, 99} {
		t.Run(fmt.Sprint(bits), func(t *testing.T) {
			r := p.score
			if bits > 91 {
				r = p.widest().r
			}
			limit := new(big.Int).Lsh(big.NewInt(1), uint(bits))
			work := r.newPoly()
			// values returns count samples, added to what is there: i modulo q.
			values := func(st *Stream, count int) []*big.Int {
				b := make(poly, len(r.q))
				for l, q := range r.q {
					b[l] = make([]uint64, count)
					for i := range b[l] {
						b[l][i] = q.q - uint64(i) - 1
					}
				}
				r.flood(b, bits, st, work)
				out := r.bigCRT(b)
				for i, v := range out {
					out[i] = centre(v.Add(v, big.NewInt(int64(i)+1)), r.bigQ())
				}
				return out
			}
			for _, c := range []struct {
				words []uint64
				want  *big.Int
			}{
				{[]uint64{0, 0}, new(big.Int).Neg(limit)},
				{[]uint64{math.MaxUint64, math.MaxUint64}, new(big.Int).Sub(limit, big.NewInt(1))},
				{[]uint64{1 << 63, 0}, big.NewInt(0)},
			} {
				if got := values(fixedStream(c.words...), 1)[0]; got.Cmp(c.want) != 0 {
					t.Errorf("words %x give %v, expected %v", c.words, got, c.want)
				}
			}
			st := NewStream(testSeed(26), "test flood", uint32(bits))
			high := make([]int, 256)
			low := make([][]int, (bits-8)/8)
			for i := range low {
				low[i] = make([]int, 256)
			}
			for _, v := range values(st, min(samples(1<<13), r.n)) {
				v.Add(v, limit)
				if v.Sign() < 0 || v.BitLen() > bits+1 {
					t.Fatalf("a sample is outside [-2^%d, 2^%d)", bits, bits)
				}
				high[new(big.Int).Rsh(v, uint(bits-7)).Uint64()]++
				for i := range low {
					low[i][new(big.Int).Rsh(v, uint(8*i)).Uint64()&255]++
				}
			}
			accept(t, "upper byte", uniformP(high))
			for i := range low {
				accept(t, fmt.Sprintf("byte %d from below", i), uniformP(low[i]))
			}
		})
	}
}

// TestSecretsDoNotPrint prints everything that holds a secret in every way that Go
// programs print.
func TestSecretsDoNotPrint(t *testing.T) {
	var seed Seed
	for i := range seed {
		seed[i] = 0xA7
	}
	p := mustNew(t, testNeeds["tiny"])
	owner := p.NewKeyOwner(seed)
	weights := p.NewWeights([][]int32{{1}})
	stream := NewStream(seed, labelMask)
	first64 := stream.Uint64()
	var first []byte
	for _, w := range stream.buf {
		first = binary.LittleEndian.AppendUint64(first, w)
	}
	session := newSession(t, p, 1)
	sum := session.sums(t, []int32{1}, []int32{1})[0]
	batch := session.collect(t, 0, []uint32{0}, []uint32{167})
	if err := batch.Close(seed); err != nil {
		t.Fatal(err)
	}
	type holder struct {
		Seed Seed
		List []Seed
	}
	for name, v := range map[string]any{
		"Seed": seed, "*Seed": &seed, "struct": holder{seed, []Seed{seed}}, "map": map[string]Seed{"x": seed},
		"KeyOwner": *owner, "*KeyOwner": owner, "*Weights": weights, "Weights": *weights,
		"Stream": *stream, "*Stream": stream, "Sum": sum, "*Sum": &sum, "[]Sum": []Sum{sum},
		"Batch": *batch, "*Batch": batch,
	} {
		var out strings.Builder
		for _, verb := range []string{"%v", "%+v", "%#v", "%x", "%X", "%s", "%q", "%d", "%08b"} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
		options := &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey { // milliseconds may be 167
				return slog.Attr{}
			}
			return a
		}}
		slog.New(slog.NewTextHandler(&out, options)).Info("x", "secret", v)
		slog.New(slog.NewJSONHandler(&out, options)).Info("x", slog.Any("secret", v))
		fmt.Fprintln(&out, v, fmt.Errorf("wrapped: %v", v))
		if data, err := json.Marshal(v); err == nil {
			out.Write(data)
		}
		got := strings.ToLower(out.String())
		for _, bad := range []string{"a7", "167", "10100111", "p6en", fmt.Sprint(owner.score[0][0]), fmt.Sprint(owner.lane[0][0]), fmt.Sprint(weights.data[0][0]),
			fmt.Sprint((*sum.a)[0][0]), fmt.Sprint(first64), fmt.Sprintf("%x", first[:4])} {
			if strings.Contains(got, bad) {
				t.Errorf("%s shows %q", name, bad)
			}
		}
		if !strings.Contains(got, "secret)") {
			t.Errorf("%s: no placeholder", name)
		}
		if len(got) > 8000 {
			t.Errorf("%s prints %d bytes", name, len(got))
		}
	}
}
