package protocol_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"fmt"
	"go/parser"
	"go/token"
	"iter"
	"math/big"
	"math/bits"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/puente-project/puente/protocol"
	"github.com/puente-project/puente/templates"
)

// These tests hold SPEC.md, this project's parties and the parties of second_test.go,
// which were written from SPEC.md, against each other.

var update = flag.Bool("update", false, "rewrite the computed sections of SPEC.md")

// adapter gives one of this project's roles the form of the second implementation's.
type adapter struct{ protocol.Role }

func (a adapter) do(tasks []protocol.Task) (out [][]byte, err error) {
	for _, task := range tasks {
		m, err := task()
		if err != nil {
			return nil, err
		}
		out = append(out, m...)
	}
	return out, nil
}

func (a adapter) start() [][]byte {
	out, _ := a.do(a.Start())
	return out
}

func (a adapter) receive(m []byte) ([][]byte, error) {
	tasks, err := a.Receive(m)
	if err != nil {
		return nil, err
	}
	return a.do(tasks)
}

func (a adapter) done() bool { return a.Done() }

// play delivers messages in turn until none is left and returns what each party sent.
func play(t testing.TB, owner, evaluator role2) (up, down [][]byte) {
	t.Helper()
	up, down = owner.start(), evaluator.start()
	for u, d := 0, 0; u < len(up) || d < len(down); {
		if u < len(up) {
			out, err := evaluator.receive(up[u])
			if err != nil {
				t.Fatalf("message %d of the key owner: %v", u, err)
			}
			down, u = append(down, out...), u+1
		}
		if d < len(down) {
			out, err := owner.receive(down[d])
			if err != nil {
				t.Fatalf("message %d of the evaluator: %v", d, err)
			}
			up, d = append(up, out...), d+1
		}
	}
	if !owner.done() || !evaluator.done() {
		t.Fatal("no message is left and the session is not complete")
	}
	return up, down
}

func id(first byte) (b [32]byte) {
	b[0] = first
	return b
}

func bytesOf(b [32]byte) []byte { return b[:] }

// table is a session's input, for both implementations.
type table struct {
	scheme templates.Scheme
	terms  terms2
	m      int
	probes []template2
	list   []template2
}

func newTable(t testing.TB, text string, m int) *table {
	t.Helper()
	scheme, err := templates.ParseScheme(text)
	if err != nil {
		t.Fatal(err)
	}
	return &table{scheme: scheme, terms: terms2{"cl", "us", "wanted", text}, m: m}
}

func (c *table) agreed() protocol.Terms {
	return protocol.Terms{Requester: c.terms.requester, Holder: c.terms.holder, Watchlist: c.terms.watchlist, Scheme: c.scheme}
}

// ours converts a template.
func (c *table) ours(t testing.TB, x template2) templates.Template {
	t.Helper()
	vector := func(values []int) templates.Vector {
		coords := make([]int8, len(values))
		for i, v := range values {
			coords[i] = int8(v)
		}
		v, err := templates.NewVector(coords, c.scheme.Norm)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	iris := func(x *template2) *templates.Iris {
		if x == nil {
			return nil
		}
		s := c.scheme.Shape
		code, mask := make([]byte, (s.Bits()+7)/8), make([]byte, (s.Bits()+7)/8)
		cell := s.Filters * s.Planes
		for l := range x.x {
			for col := range s.Cols {
				i := (l/cell*s.Cols+col)*cell + l%cell // rows, columns, filters, planes
				code[i/8] |= byte(x.x[l][col]) << (7 - i%8)
				mask[i/8] |= byte(x.u[l][col]) << (7 - i%8)
			}
		}
		out, err := templates.NewIris(s, code, mask)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	switch c.scheme.Modality {
	case templates.ModalityVector:
		return vector(x.v)
	case templates.ModalityIris:
		return iris(&x)
	}
	fingers := map[int]templates.Vector{}
	for f, v := range x.finger {
		fingers[f] = vector(v)
	}
	out, err := templates.NewFused(iris(x.eye[0]), iris(x.eye[1]), fingers)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (c *table) owner(t testing.TB) *protocol.KeyOwner {
	t.Helper()
	var probes []templates.Template
	for _, x := range c.probes {
		probes = append(probes, c.ours(t, x))
	}
	k, err := protocol.NewKeyOwner(c.agreed(), probes, id(1), id(1), nil)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func (c *table) evaluator(t testing.TB) *protocol.Evaluator {
	t.Helper()
	var source iter.Seq2[templates.Template, error] = func(yield func(templates.Template, error) bool) {
		for _, x := range c.list {
			if !yield(c.ours(t, x), nil) {
				return
			}
		}
	}
	g, err := protocol.NewGallery(context.Background(), c.scheme, 1, len(c.list), c.m, 1, source, nil)
	if err != nil {
		t.Fatal(err)
	}
	e, err := protocol.NewEvaluator(c.agreed(), len(c.probes), g, id(2), id(2), nil)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func (c *table) owner2() *owner2 {
	return newOwner2(c.terms, c.probes, bytesOf(id(1)), bytesOf(id(1)))
}

func (c *table) evaluator2() *evaluator2 {
	return newEvaluator2(c.terms, len(c.probes), c.list, 1, c.m, bytesOf(id(2)), bytesOf(id(2)))
}

// random gives the table probes and entries, of which every fifth resembles a probe.
func (c *table) random(probes, entries int, seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 1))
	s := newScheme2(c.terms.scheme)
	bit := func(p float64) int {
		if rng.Float64() < p {
			return 1
		}
		return 0
	}
	vector := func(like []int) []int {
		out, left := make([]int, s.dims), s.norm*s.norm
		for _, i := range rng.Perm(s.dims) {
			v := rng.IntN(5) - 2
			if like != nil {
				v += like[i]
			} else {
				v *= 2
			}
			if v*v <= left {
				out[i], left = v, left-v*v
			}
		}
		return out
	}
	iris := func(like *template2, flip float64) *template2 {
		var x template2
		for l := range s.lines {
			x.x, x.u = append(x.x, make([]int, s.cols)), append(x.u, make([]int, s.cols))
			for col := range s.cols {
				x.u[l][col] = bit(0.9)
				v := bit(0.5)
				if like != nil {
					v = like.x[l][col] ^ bit(flip)
				}
				x.x[l][col] = v & x.u[l][col]
			}
		}
		return &x
	}
	noisy := func(like *template2, flip float64) template2 {
		if like == nil {
			like = &template2{}
		}
		switch {
		case c.scheme.Modality == templates.ModalityVector:
			return template2{v: vector(like.v)}
		case c.scheme.Modality == templates.ModalityIris && like.x == nil:
			return *iris(nil, flip)
		case c.scheme.Modality == templates.ModalityIris:
			return *iris(like, flip)
		}
		for { // one part in four is missing, but never all
			x := template2{finger: map[int][]int{}}
			for i := range s.eyes {
				if rng.IntN(4) > 0 {
					x.eye[i] = iris(like.eye[i], flip)
				}
			}
			for _, f := range s.set {
				if rng.IntN(4) > 0 {
					x.finger[f] = vector(like.finger[f])
				}
			}
			if x.eye != [2]*template2{} || len(x.finger) > 0 {
				return x
			}
		}
	}
	for range probes {
		c.probes = append(c.probes, noisy(nil, 0))
	}
	for i := range entries {
		var like *template2
		if i%5 == 0 {
			like = &c.probes[i/5%probes]
		}
		c.list = append(c.list, noisy(like, 0.1))
	}
}

// TestSecondImplementation plays this project's parties against those of the second
// implementation, in both roles: same decisions as the plain ones, and every message the
// same as between two of this project's parties.
func TestSecondImplementation(t *testing.T) {
	for _, c := range []struct {
		name, scheme       string
		m, probes, entries int
	}{
		{"one batch", "vector:16:norm=20:theta=20", 8, 1, 3},
		{"uneven blocks", "vector:16:norm=20:theta=20", 5, 1, 900},
		{"batches across ciphertexts", "iris:2x32x1x2:shifts=31:threshold=1/4:delta=8", 13, 1, 850},
		{"longer than the window", "iris:1x64x1x1:shifts=63:threshold=1/3:delta=33", 64, 1, 1700},
		{"probes of two tiers", "iris:1x64x1x1:shifts=63:threshold=1/3:delta=33", 64, 4, 300},
		{"probes of two waves", "vector:257:norm=20:theta=8", 1, 2, 12},
		{"two planes", "eyes:1x64x1x1:shifts=63:threshold=1/3:delta=33:fingers=4:2:norm=60:weight=12:each=30", 40, 1, 140},
		{"fingers", "fingers:2,3,7:10:norm=20:theta=60+20", 7, 1, 900},
		{"eyes", "eyes:2x16x1x2:shifts=5:threshold=1/4:delta=8", 9, 1, 850},
		{"eyes and fingers", "eyes:1x64x1x1:shifts=5:threshold=1/3:delta=33:fingers=1,10:7:norm=20:weight=2:each=30", 20, 3, 400},
		{"nothing dropped", "iris:2x128x1x1:shifts=3:threshold=499/1000:delta=9000", 128, 1, 6},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			in := newTable(t, c.scheme, c.m)
			in.random(c.probes, c.entries, 5)
			want, all := make([][]int, c.probes), 0
			s := newScheme2(c.scheme)
			for p, probe := range in.probes {
				for i, g := range in.list {
					for shift := range s.shifts {
						if s.score2(probe, g, shift) >= 0 {
							want[p] = append(want[p], i)
							all++
							break
						}
					}
				}
			}
			if all == 0 || all == c.probes*c.entries {
				t.Fatalf("%d of %d pairs hit: that shows nothing", all, c.probes*c.entries)
			}
			ours := in.owner(t)
			up, down := play(t, adapter{ours}, adapter{in.evaluator(t)})
			if !slices.EqualFunc(ours.Hits(), want, slices.Equal[[]int]) {
				t.Fatalf("hits %v, the plain decision is %v", ours.Hits(), want)
			}
			second := in.owner2()
			up2, down2 := play(t, second, adapter{in.evaluator(t)})
			if !slices.EqualFunc(second.hits(), want, slices.Equal[[]int]) {
				t.Errorf("second key owner: hits %v, the plain decision is %v", second.hits(), want)
			}
			compare(t, "second key owner", up2, up)
			compare(t, "evaluator with the second key owner", down2, down)

			ours = in.owner(t)
			up2, down2 = play(t, adapter{ours}, in.evaluator2())
			if !slices.EqualFunc(ours.Hits(), want, slices.Equal[[]int]) {
				t.Errorf("second evaluator: hits %v, the plain decision is %v", ours.Hits(), want)
			}
			compare(t, "key owner with the second evaluator", up2, up)
			compare(t, "second evaluator", down2, down)
		})
	}
}

func compare(t *testing.T, who string, got, want [][]byte) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d messages, expected %d", who, len(got), len(want))
	}
	for i := range got {
		if !bytes.Equal(got[i], want[i]) {
			t.Fatalf("%s: message %d, %v, differs", who, i, protocol.KindOf(want[i]))
		}
	}
}

// TestSecondTransform compares the second implementation's transform with its definition.
func TestSecondTransform(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 6))
	for _, f := range append(slices.Clone(scoreRing.fields), append(newLanes2(3, 10, 9).planes, laneRings[3].fields...)...) {
		c := make([]uint64, f.n)
		for i := range c {
			c[i] = rng.Uint64N(f.p)
		}
		values := f.transform(c)
		for _, i := range []int{0, 1, 2, 3, 1000, 4095} {
			at, sum := f.pow(f.psi, uint64(2*f.brv(i)+1)), uint64(0)
			for j := len(c) - 1; j >= 0; j-- {
				sum = (f.mul(sum, at) + c[j]) % f.p
			}
			if values[i] != sum {
				t.Errorf("modulus %d: position %d is not the value at psi^(2 brv(i) + 1)", f.p, i)
			}
		}
		if !slices.Equal(f.inverse(values), c) {
			t.Errorf("modulus %d: the inverse is none", f.p)
		}
	}
}

// TestSecondImplementationIsIndependent: it imports nothing but the standard library.
func TestSecondImplementationIsIndependent(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "second_test.go", nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range file.Imports {
		if strings.Contains(i.Path.Value, ".") {
			t.Errorf("imports %s", i.Path.Value)
		}
	}
}

// TestSpec compares the computed sections of SPEC.md with what the code gives.
func TestSpec(t *testing.T) {
	raw, err := os.ReadFile("SPEC.md")
	if err != nil {
		t.Fatal(err)
	}
	text := string(raw)
	for _, section := range []struct {
		name    string
		content string
	}{
		{"iris", irisExample(t)}, {"primes", primes()}, {"parameters", parameters(t)}, {"session", session(t)},
	} {
		begin, end := "<!-- "+section.name+" -->\n", "<!-- end -->\n"
		before, rest, found := strings.Cut(text, begin)
		old, after, closed := strings.Cut(rest, end)
		if !found || !closed {
			t.Fatalf("SPEC.md has no section %s", section.name)
		}
		if old != section.content && !*update {
			t.Errorf("section %s of SPEC.md is not what the code gives; run this test with -update and review the difference", section.name)
		}
		text = before + begin + section.content + end + after
	}
	if *update {
		if err := os.WriteFile("SPEC.md", []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// irisExample is section 3.5, computed by both implementations.
func irisExample(t testing.TB) string {
	in := newTable(t, "iris:1x8x1x2:shifts=3:threshold=1/4:delta=2", 3)
	in.probes = []template2{{x: [][]int{{1, 1, 0, 1, 0, 0, 0, 1}, {0, 1, 1, 0, 1, 0, 1, 0}}, u: [][]int{{1, 1, 1, 1, 0, 1, 1, 1}, {1, 1, 1, 0, 1, 1, 1, 1}}}}
	in.list = []template2{{x: [][]int{{1, 0, 1, 0, 0, 0, 1, 1}, {1, 1, 0, 1, 0, 1, 0, 0}}, u: [][]int{{1, 1, 1, 0, 1, 1, 1, 1}, {1, 1, 0, 1, 1, 1, 1, 0}}}}
	plan, err := newPlan2(in.terms.scheme, 1, 1, in.m)
	if err != nil {
		t.Fatal(err)
	}
	l, err := in.scheme.Layout(degree, in.m)
	if err != nil {
		t.Fatal(err)
	}
	ours, probe, entry := make([]int64, plan.shifts), l.NewBlocks(), l.NewBlocks()
	m, err := templates.NewMatcher(in.scheme, in.ours(t, in.probes[0]))
	if err != nil {
		t.Fatal(err)
	}
	m.Scores(in.ours(t, in.list[0]), ours)
	if err := in.scheme.ProbeBlocks(l, in.ours(t, in.probes[0]), probe); err != nil {
		t.Fatal(err)
	}
	if err := in.scheme.EntryBlocks(l, in.ours(t, in.list[0]), entry); err != nil {
		t.Fatal(err)
	}
	var scores []int
	for s := range plan.shifts {
		scores = append(scores, plan.score2(in.probes[0], in.list[0], s))
	}
	if a, b := fmt.Sprint(ours, probe, entry), fmt.Sprint(scores, plan.probe2(in.probes[0]), plan.entry2(in.list[0])); a != b {
		t.Errorf("the implementations differ:\n%s\n%s", a, b)
	}

	var b strings.Builder
	fmt.Fprintf(&b, "\n```\nscheme          %s, m = %d\n", in.terms.scheme, in.m)
	for _, x := range []struct {
		name string
		template2
	}{{"probe", in.probes[0]}, {"entry", in.list[0]}} {
		for l := range x.x {
			fmt.Fprintf(&b, "%s, line %d   x = %v u = %v\n", x.name, l, x.x[l], x.u[l])
		}
	}
	for i := range plan.blocks {
		fmt.Fprintf(&b, "block %-2d        probe %v entry %v\n", i, probe[i], entry[i])
	}
	fmt.Fprintf(&b, "scores          %v for s = 0, 1, 2\n```\n\n", scores)
	return b.String()
}

// primes is the table of section 4.1.
func primes() string {
	var b strings.Builder
	b.WriteString("\n| Prime | Decimal | Hexadecimal | g | psi |\n|---|---|---|---|---|\n")
	row := func(name string, f *prime2) {
		fmt.Fprintf(&b, "| %s | %d | %x | %d | %d |\n", name, f.p, f.p, f.g, f.psi)
	}
	for i, f := range scoreRing.fields {
		row(fmt.Sprintf("`q%d`, n = 4096", i), f)
	}
	for i, f := range laneRings[3].fields {
		row(fmt.Sprintf("`q%d`, n = 8192", i), f)
	}
	all := func(k int) (list []*prime2) {
		for p := uint64(1); len(list) < 3; p += 2 * laneDegree {
			if p > 1<<k && isPrime(p) {
				list = append(list, newPrime2(p, laneDegree))
			}
		}
		return list
	}
	for k, first := 1, 1; k <= 24; k++ {
		list := all(k)
		if k < 24 && all(k + 1)[0].p == list[0].p {
			continue
		}
		for i, f := range list {
			name := fmt.Sprintf("`t%d`, k = %d", i, k)
			if first < k {
				name = fmt.Sprintf("`t%d`, k = %d..%d", i, first, k)
			}
			row(name, f)
		}
		first = k + 1
	}
	for _, r := range []*ring2{scoreRing, laneRings[2], laneRings[3]} {
		fmt.Fprintf(&b, "\n`q` of %d primes at n = %d is %d\n", len(r.fields), r.n, r.q())
	}
	return b.String() + "\n"
}

// parameters is the table of section 16, computed by both implementations.
func parameters(t testing.TB) string {
	var b strings.Builder
	b.WriteString("\n```\n")
	named := map[string]bool{}
	for _, c := range []struct {
		name, text string
		m          int
	}{
		{"iris-2048", "iris:16x128x1x1:shifts=31:threshold=1/2:delta=358", 32},
		{"iris-2048-8", "iris:8x128x1x2:shifts=31:threshold=1/2:delta=358", 32},
		{"iris-9600", "iris:20x240x1x2:shifts=31:threshold=1/2:delta=1680", 80},
		{"iris-12800", "iris:16x200x2x2:shifts=31:threshold=1/2:delta=2240", 100},
		{"iris-16384", "iris:16x256x2x2:shifts=31:threshold=1/2:delta=2867", 86},
		{"iris-16384-strict", "iris:16x256x2x2:shifts=31:threshold=1/2:delta=3276", 86},
		{"iris-16384-s21", "iris:16x256x2x2:shifts=21:threshold=1/2:delta=2867", 86},
		{"iris-16384-s11", "iris:16x256x2x2:shifts=11:threshold=1/2:delta=2867", 64},
		{"iris-8192-wavelet", "iris:16x256x1x2:shifts=11:threshold=1/2:delta=1433", 64},
		{"iris-8192-rows", "iris:8x256x2x2:shifts=11:threshold=1/2:delta=1433", 64},
		{"eyes-16384", "eyes:16x256x2x2:shifts=31:threshold=1/2:delta=2867", 128},
		{"vector-128", "vector:128:norm=63:theta=1191", 3},
		{"vector-512", "vector:512:norm=63:theta=1191", 6},
		{"vector-640", "vector:640:norm=63:theta=1191", 6},
		{"fingers-4x512", "fingers:2,3,7,8:512:norm=50:theta=667+211", 12},
		{"fingers-10x512", "fingers:1,2,3,4,5,6,7,8,9,10:512:norm=50:theta=667+211", 24},
		{"minutiae-10x512", "fingers:1,2,3,4,5,6,7,8,9,10:512:norm=50:theta=1201+380", 24},
		{"eyes and fingers", "eyes:16x256x1x2:shifts=11:threshold=5/12:delta=5120:fingers=2,7:512:norm=63:weight=4:each=1200", 64},
		{"section 17", "vector:16:norm=20:theta=20", 8},
		{"wide scores", "iris:2x128x1x1:shifts=3:threshold=499/1000:delta=9000", 128},
		{"widest codes", "iris:64x1024x1x1:shifts=31:threshold=8/25:delta=16384", 64},
	} {
		scheme, err := templates.ParseScheme(c.text)
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range templates.Schemes() {
			if n.Name == c.name && n.Scheme != scheme {
				t.Errorf("scheme %s is %v", c.name, n.Scheme)
			}
			named[n.Name] = named[n.Name] || n.Name == c.name
		}
		l, err := scheme.Layout(degree, c.m)
		if err != nil {
			t.Fatal(err)
		}
		p, err := protocol.Params(scheme, l)
		if err != nil {
			t.Fatal(err)
		}
		low, high := scheme.ScoreRange()
		count := p.Lanes()
		_, planes := p.LaneModuli(count)
		ours := fmt.Sprintf("%-17s %s\n", c.name, scheme)
		ours += fmt.Sprintf("  layout     m=%d B=%d stride=%d P=%d E=%d\n", l.Width, l.Blocks, l.Stride, l.PerCiphertext, count/l.Shifts)
		ours += fmt.Sprintf("  range      SMIN=%d SMAX=%d L1=%d h=%d k=%d planes=%d\n",
			low, high, int64(l.PerCiphertext)*scheme.WeightBound(), p.HitBits, p.ScoreBits, planes)
		ours += fmt.Sprintf("  score      drop=%d wu=%d wa=%d wb=%d flood=%d hiding=%.2f\n",
			p.Score.DroppedBits, p.Score.UploadBits, p.Score.MaskBits, p.Score.MessageBits, p.Score.FloodBits, p.Score.HidingBits)
		for n := laneDegree; n <= count; n += laneDegree {
			d := p.LaneBudget(n)
			ours += fmt.Sprintf("  %d planes   wu=%d wa=%d wb=%d flood=%d hiding=%.2f\n", n/laneDegree, d.UploadBits, d.MaskBits, d.MessageBits, d.FloodBits, d.HidingBits)
		}
		ours += fmt.Sprintf("  bytes      key=%d block=%d share=%d prefixes=%d verdict=%d\n",
			p.PublicKeySize(), p.BlockSize(), p.ShareSize(l.PerCiphertext*l.Shifts), p.PrefixSize(count), p.VerdictSize(count))

		s, err := newPlan2(c.text, 1, 1, c.m)
		if err != nil {
			t.Fatal(err)
		}
		top := s.lanes[len(s.lanes)-1]
		var moduli []uint64
		for _, f := range top.planes {
			moduli = append(moduli, f.p)
		}
		second := fmt.Sprintf("%-17s %s\n", c.name, c.text)
		second += fmt.Sprintf("  layout     m=%d B=%d stride=%d P=%d E=%d\n", s.m, s.blocks, s.stride, s.per, s.perBatch)
		second += fmt.Sprintf("  range      SMIN=%d SMAX=%d L1=%d h=%d k=%d planes=%d\n", s.smin, s.smax, s.l1, s.h, s.k, moduli)
		second += fmt.Sprintf("  score      drop=%d wu=%d wa=%d wb=%d flood=%d hiding=%.2f\n", s.score.drop, s.score.wu, s.score.wa, s.score.wb, s.score.flood, s.score.hiding)
		for i, d := range s.lanes {
			second += fmt.Sprintf("  %d planes   wu=%d wa=%d wb=%d flood=%d hiding=%.2f\n", i+1, d.wu, d.wa, d.wb, d.flood, d.hiding)
		}
		second += fmt.Sprintf("  bytes      key=%d block=%d share=%d prefixes=%d verdict=%d\n", 32+51200+51200*len(top.fields), 512*s.score.wu,
			512*s.score.wa+(s.per*s.shifts*s.score.wb+7)/8, 1024*top.wu, 1024*(top.wa+top.wb))
		if ours != second {
			t.Errorf("the implementations differ:\n%s%s", ours, second)
		}
		b.WriteString(ours)
	}
	for name, listed := range named {
		if !listed {
			t.Errorf("scheme %s is missing", name)
		}
	}
	b.WriteString("```\n\n")
	return b.String()
}

// session is the example of section 17: messages from this project's parties, values on
// the way from the second implementation, which sends the same messages.
func session(t testing.TB) string {
	in := newTable(t, "vector:16:norm=20:theta=20", 8)
	in.probes = []template2{{v: []int{8, -4, 3, 0, 7, -8, 2, 5, -1, 6, -3, 4, 1, -5, 8, 2}}}
	in.list = []template2{
		{v: []int{1, 2, -3, 4, -5, 6, -7, 7, -8, 7, -6, 5, -4, 3, -2, 1}},
		{v: []int{8, -4, 3, 1, 6, -8, 2, 5, -1, 6, -3, 4, 0, -5, 7, 2}},
		{v: []int{2, -1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}},
	}
	owner := in.owner(t)
	up, down := play(t, adapter{owner}, adapter{in.evaluator(t)})
	o, e := in.owner2(), in.evaluator2()
	up2, down2 := play(t, o, e)
	if !slices.EqualFunc(append(up2, down2...), append(slices.Clone(up), down...), bytes.Equal) {
		t.Fatal("the implementations send different messages")
	}

	var b strings.Builder
	line := func(name string, value any) { fmt.Fprintf(&b, "%-28s %v\n", name, value) }
	b.WriteString("\n```\n")
	line("probe", in.probes[0].v)
	for i, g := range in.list {
		line(fmt.Sprintf("entry %d", i), g.v)
	}
	for i, g := range in.list {
		line(fmt.Sprintf("score of entry %d", i), o.plan.score2(in.probes[0], g, 0))
	}
	line("hits", owner.Hits()[0])
	b.WriteString("\n")
	digest := sha256.Sum256(e.probe)
	prefixes := sha256.Sum256(bytes.Join(up[len(up)-o.plan.h:], nil))
	vs := derive2(e.masks, "puente/v1/verdict", prefixes[:])
	for _, v := range []struct {
		name string
		seed []byte
	}{
		{"key owner session seed", o.seed}, {"evaluator session seed", e.seed}, {"session", o.session}, {"keys", o.keys},
		{"public", o.public}, {"probe digest", digest[:]}, {"masks", e.masks}, {"SHA-256(prefixes)", prefixes[:]}, {"vs", vs},
	} {
		line(v.name, hex.EncodeToString(v.seed))
	}
	b.WriteString("\n")
	const few = 16
	line("s", newStream2(o.keys, "puente/v1/he/secret key").ternary(few))
	line("s of the ring of lanes", newStream2(o.keys, "puente/v1/he/lane secret key").ternary(few))
	a := scoreRing.expand2(o.public, "puente/v1/he/key a")
	line("key a, transform mod q0", a.c[0][:2])
	line("key a, transform mod q1", a.c[1][:2])
	coefficients := a.inverse()
	line("key a, coefficients", []any{coefficients.at(0), coefficients.at(1)})
	line("key error", take(few, newStream2(o.keys, "puente/v1/he/key error").error))
	blocks := o.plan.probe2(in.probes[0])
	line("block 0 integers", blocks[0])
	line("lift of 8 mod 2^k", scoreRing.lift2(8, o.plan.score.t))
	noise := newStream2(e.masks, "puente/v1/he/share noise", 0)
	line("share 0 u", noise.ternary(degree)[:few])
	line("share 0 e1", take(degree, noise.error)[:few])
	positions := o.plan.positions(0)
	line("share 0 positions", positions)
	var floods []any
	for range positions {
		floods = append(floods, noise.flooding(o.plan.score.flood))
	}
	line("share 0 f", floods)
	line("share 0 e0", take(len(positions), noise.error))
	r := e.maskList(0)
	line("r", r)
	line("x", o.shares[0])
	for i, x := range r {
		var targets []uint64
		for level := range o.plan.h {
			targets = append(targets, o.plan.target(x, level))
		}
		line(fmt.Sprintf("targets of entry %d", i), targets)
	}
	l := o.plan.lanesOf(0)
	lanes := make([]uint64, l.n)
	copy(lanes, o.shares[0])
	line("prefixes level 0, M", l.message2(lanes)[:8])
	order := newStream2(vs, "puente/v1/he/order", 0)
	line("turns", take(few, func() int { return int(order.below(uint64(o.plan.h))) }))
	spare := newStream2(vs, "puente/v1/he/spare lanes", 0)
	line("spare lanes", []uint64{spare.bits(o.plan.k), spare.bits(o.plan.k), spare.bits(o.plan.k)})
	blind := newStream2(vs, "puente/v1/he/blind", 0, 0)
	line("answer 0 rho", take(8, func() int { return int(1 + blind.below(l.planes[0].p-1)) }))
	line("down of q/3 to 20 bits", l.down2(new(big.Int).Div(l.q(), big.NewInt(3)), 20))
	b.WriteString("```\n\n")
	b.WriteString("Messages in the order in which each party sends them. `digest` is the SHA-256 of the whole message.\n\n```\n")
	for _, side := range []struct {
		who  string
		list [][]byte
	}{{"key owner", up}, {"evaluator", down}} {
		for _, m := range side.list {
			kind := protocol.KindOf(m)
			sum := sha256.Sum256(m)
			if kind == protocol.KindOpen || kind == protocol.KindAccept {
				fmt.Fprintf(&b, "%v from %s, %d bytes\n", kind, side.who, len(m))
				for part := range slices.Chunk(m, 32) {
					fmt.Fprintf(&b, "  %x\n", part)
				}
				fmt.Fprintf(&b, "  digest %x\n", sum)
				continue
			}
			body := m[37:]
			fmt.Fprintf(&b, "%v from %s, body of %d bytes\n  header %x\n  begins %x\n  ends   %x\n  digest %x\n",
				kind, side.who, len(body), m[:37], body[:32], body[len(body)-16:], sum)
		}
	}
	b.WriteString("```\n\n")
	return b.String()
}

// TestBudgetMargins is what section 5.3 says of binary64: for every named scheme, at every
// width, no decision of the search is near to falling otherwise.
func TestBudgetMargins(t *testing.T) {
	for _, n := range templates.Schemes() {
		var margins []float64
		for m := 1; m <= 4096; m++ {
			l, err := n.Scheme.Layout(degree, m)
			if err != nil || l.Blocks > protocol.MaxBlocks {
				continue
			}
			if margins == nil {
				p, err := newPlan2(n.Scheme.String(), 1, 1, m)
				if err != nil {
					t.Fatal(err)
				}
				for _, d := range p.lanes {
					margins = append(margins, d.margin)
				}
			}
			s := newScheme2(n.Scheme.String())
			h := bits.Len(uint(s.smax + 1))
			k := bits.Len(uint(1<<h - s.smin - 2))
			weights := float64(l.PerCiphertext * s.wmax)
			margins = append(margins, search2(scoreRing.direction(1<<k, weights, weights, 48, true), k).margin)
		}
		if least := slices.Min(margins); least < 1e-4 {
			t.Errorf("%s: a decision is %.1g away from another", n.Name, least)
		}
	}
}
