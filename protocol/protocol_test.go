package protocol

import (
	"bytes"
	"context"
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/puente-project/puente/he"
	"github.com/puente-project/puente/templates"
)

func seed(n uint64) (s he.Seed) {
	binary.LittleEndian.PutUint64(s[:], n)
	return s
}

func nonce(n uint64) (s Nonce) {
	binary.LittleEndian.PutUint64(s[:], n)
	return s
}

// pair is a session between two roles in one process.
type pair struct {
	owner    *KeyOwner
	eval     *Evaluator
	up, down [][]byte // messages in the order in which they were sent
}

// meet opens a session and delivers the opening messages.
func meet(t testing.TB, terms Terms, probes []templates.Template, g *Gallery, ownerRoot, evalRoot uint64) *pair {
	t.Helper()
	owner, err := NewKeyOwner(terms, probes, seed(ownerRoot), nonce(ownerRoot), nil)
	if err != nil {
		t.Fatal(err)
	}
	p := &pair{owner: owner}
	p.up = run(t, owner.Start())
	if p.eval, err = NewEvaluator(terms, len(probes), g, seed(evalRoot), nonce(evalRoot), nil); err != nil {
		t.Fatal(err)
	}
	p.down = run(t, append(p.eval.Start(), mustReceive(t, p.eval, p.up[0])...))
	return p
}

func run(t testing.TB, tasks []Task) [][]byte {
	t.Helper()
	var out [][]byte
	for _, task := range tasks {
		m, err := task()
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, m...)
	}
	return out
}

// finish delivers everything, one message at a time, alternating.
func (p *pair) finish(t testing.TB) [][]int {
	t.Helper()
	for u, d := 1, 0; u < len(p.up) || d < len(p.down); {
		if d < len(p.down) {
			tasks, err := p.owner.Receive(p.down[d])
			if err != nil {
				t.Fatal(err)
			}
			p.up = append(p.up, run(t, tasks)...)
			d++
		}
		if u < len(p.up) {
			tasks, err := p.eval.Receive(p.up[u])
			if err != nil {
				t.Fatal(err)
			}
			p.down = append(p.down, run(t, tasks)...)
			u++
		}
	}
	if !p.owner.Done() || !p.eval.Done() {
		t.Fatal("no more messages, but the session is not complete")
	}
	return p.owner.Hits()
}

func gallery(t testing.TB, scheme templates.Scheme, width int, list []templates.Template) *Gallery {
	t.Helper()
	g, err := NewGallery(context.Background(), scheme, 1, len(list), width, 2, templates.Sequence(list), nil)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// randomTemplate returns a template with independent bits or coordinates, which
// reaches more of the score range than realistic ones do.
func randomTemplate(rng *rand.Rand, s templates.Scheme) templates.Template {
	switch s.Modality {
	case templates.ModalityVector:
		return randomVector(rng, s)
	case templates.ModalityIris:
		return randomIris(rng, s)
	}
	for { // each part with probability 3/4, and one at least
		var eyes [2]*templates.Iris
		for i := range s.Eyes {
			if rng.IntN(4) > 0 {
				eyes[i] = randomIris(rng, s)
			}
		}
		fingers := map[int]templates.Vector{}
		for _, f := range s.Fingers.Positions() {
			if rng.IntN(4) > 0 {
				fingers[f] = randomVector(rng, s)
			}
		}
		if t, err := templates.NewFused(eyes[0], eyes[1], fingers); err == nil {
			return t
		}
	}
}

func randomVector(rng *rand.Rand, s templates.Scheme) templates.Vector {
	unit := make([]float64, s.Dims)
	for i := range unit {
		unit[i] = rng.NormFloat64()
	}
	v, err := templates.Quantise(unit, s.Norm)
	if err != nil {
		panic(err)
	}
	return v
}

func randomIris(rng *rand.Rand, s templates.Scheme) *templates.Iris {
	code, mask := make([]byte, (s.Shape.Bits()+7)/8), make([]byte, (s.Shape.Bits()+7)/8)
	for i := range code {
		code[i], mask[i] = byte(rng.Uint32()), byte(rng.Uint32()|rng.Uint32())
	}
	if rest := s.Shape.Bits() % 8; rest != 0 {
		code[len(code)-1] &= 0xff << (8 - rest)
		mask[len(mask)-1] &= 0xff << (8 - rest)
	}
	iris, err := templates.NewIris(s.Shape, code, mask)
	if err != nil {
		panic(err)
	}
	return iris
}

func terms(s templates.Scheme) Terms {
	return Terms{Requester: "cl", Holder: "us", Watchlist: "wanted", Scheme: s}
}

// expected returns the slots that the plaintext matcher hits.
func expected(t testing.TB, s templates.Scheme, probe templates.Template, list []templates.Template) []int {
	t.Helper()
	m, err := templates.NewMatcher(s, probe)
	if err != nil {
		t.Fatal(err)
	}
	var hits []int
	for slot, entry := range list {
		if m.Hit(entry) {
			hits = append(hits, slot)
		}
	}
	return hits
}

func mustScheme(t testing.TB, text string) templates.Scheme {
	t.Helper()
	s, err := templates.SchemeByName(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestDecisionsEqualPlaintext compares every encrypted decision with the plaintext
// matcher, over layouts, shifts and sizes around a full ciphertext, a full plane and a
// full batch.
func TestDecisionsEqualPlaintext(t *testing.T) {
	vector, iris := mustScheme(t, "vector:16:norm=20:theta=20"), mustScheme(t, "iris:8x16x1x2:shifts=5:threshold=12/25:delta=8")
	one := iris
	one.Shifts = 1
	// 130 entries of 63 shifts fill a plane and 390 a batch, or 260 where large scores
	// leave room for two planes only.
	many, large := mustScheme(t, "iris:1x64x1x1:shifts=63:threshold=8/25:delta=60"), mustScheme(t, "iris:2x64x1x1:shifts=63:threshold=320/999:delta=1000")
	for _, c := range []struct {
		name    string
		scheme  templates.Scheme
		width   int
		entries []int
	}{
		{"vector, wide blocks", vector, 16, []int{1, 255, 256, 257, 8192, 8193}},
		{"vector, narrow blocks", vector, 1, []int{1, 4096, 4097, 16384, 16385, 24576, 24577}},
		{"vector, uneven blocks", vector, 5, []int{1, 818, 819, 820, 24577}},
		{"iris, whole lines", iris, 16, []int{1, 203, 204, 205, 1638, 1639}},
		{"iris, parts of lines", iris, 7, []int{1, 371, 372, 373, 3276, 3277, 4915, 4916}},
		{"iris, one shift", one, 16, []int{1, 256, 257, 8192, 8193}},
		{"iris, many shifts", many, 64, []int{1, 130, 131, 260, 261, 390, 391, 521}},
		{"iris, large scores", large, 64, []int{1, 130, 131, 260, 261}},
	} {
		t.Run(c.name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(7, 7))
			all := make([]templates.Template, slices.Max(c.entries))
			for i := range all {
				all[i] = randomTemplate(rng, c.scheme)
			}
			for _, n := range c.entries {
				probe := randomTemplate(rng, c.scheme)
				list := slices.Clone(all[:n])
				list[n-1] = probe // the last slot always hits
				p := meet(t, terms(c.scheme), []templates.Template{probe}, gallery(t, c.scheme, c.width, list), 1, 2)
				got, want := p.finish(t)[0], expected(t, c.scheme, probe, list)
				if !slices.Equal(got, want) {
					t.Fatalf("%d entries: encrypted hits %v, plaintext %v", n, got, want)
				}
				if len(want) == 0 || n > 300 && len(want) == n {
					t.Fatalf("%d entries: %d hits show nothing", n, len(want))
				}
			}
		})
	}
}

// TestSameSeedsSameBytes runs a session twice and expects the same bytes, and
// another holder nonce to change every answer.
func TestSameSeedsSameBytes(t *testing.T) {
	scheme := mustScheme(t, "vector:16:norm=20:theta=20")
	rng := rand.New(rand.NewPCG(8, 8))
	list := []templates.Template{randomTemplate(rng, scheme), randomTemplate(rng, scheme)}
	g := gallery(t, scheme, 16, list)
	play := func(evalRoot uint64) *pair {
		p := meet(t, terms(scheme), list[1:], g, 1, evalRoot)
		p.finish(t)
		return p
	}
	a, b, c := play(2), play(2), play(3)
	if !slices.EqualFunc(a.up, b.up, bytes.Equal) || !slices.EqualFunc(a.down, b.down, bytes.Equal) {
		t.Error("the same seeds gave different bytes")
	}
	for i := range a.down {
		if bytes.Equal(a.down[i][headerSize:], c.down[i][headerSize:]) {
			t.Errorf("answer %d does not depend on the evaluator's nonce", i)
		}
	}
}
