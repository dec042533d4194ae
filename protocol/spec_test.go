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
	probe  template2
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
	var out templates.Template
	var err error
	if c.scheme.Modality == templates.ModalityVector {
		coords := make([]int8, len(x.v))
		for i, v := range x.v {
			coords[i] = int8(v)
		}
		out, err = templates.NewVector(coords, c.scheme.Norm)
	} else {
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
		out, err = templates.NewIris(s, code, mask)
	}
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (c *table) owner(t testing.TB) *protocol.KeyOwner {
	t.Helper()
	k, err := protocol.NewKeyOwner(c.agreed(), c.ours(t, c.probe), id(1), id(1), nil)
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
	e, err := protocol.NewEvaluator(c.agreed(), g, id(2), id(2), nil)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func (c *table) owner2() *owner2 {
	return newOwner2(c.terms, c.probe, bytesOf(id(1)), bytesOf(id(1)))
}

func (c *table) evaluator2() *evaluator2 {
	return newEvaluator2(c.terms, c.list, 1, c.m, bytesOf(id(2)), bytesOf(id(2)))
}

// random gives the table a probe and entries, of which every fifth resembles the probe.
func (c *table) random(entries int, seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 1))
	s := newScheme2(c.terms.scheme)
	bit := func(p float64) int {
		if rng.Float64() < p {
			return 1
		}
		return 0
	}
	noisy := func(like *template2, flip float64) (x template2) {
		if !s.iris {
			x.v = make([]int, s.dims)
			left := s.norm * s.norm
			for _, i := range rng.Perm(s.dims) {
				v := rng.IntN(5) - 2
				if like != nil {
					v += like.v[i]
				} else {
					v *= 2
				}
				if v*v <= left {
					x.v[i], left = v, left-v*v
				}
			}
			return x
		}
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
		return x
	}
	c.probe = noisy(nil, 0)
	for i := range entries {
		var like *template2
		if i%5 == 0 {
			like = &c.probe
		}
		c.list = append(c.list, noisy(like, 0.1))
	}
}

// TestSecondImplementation plays this project's parties against those of the second
// implementation, in both roles: same decisions as the plain ones, and every message the
// same as between two of this project's parties.
func TestSecondImplementation(t *testing.T) {
	for _, c := range []struct {
		name, scheme string
		m, entries   int
	}{
		{"one batch", "vector:16:norm=20:theta=20", 8, 3},
		{"uneven blocks", "vector:16:norm=20:theta=20", 5, 900},
		{"batches across ciphertexts", "iris:4x16x1x2:shifts=5:threshold=1/4:delta=8", 7, 850},
		{"longer than the window", "iris:1x64x1x1:shifts=63:threshold=1/3:delta=33", 64, 1045},
		{"nothing dropped", "iris:2x128x1x1:shifts=3:threshold=499/1000:delta=9000", 128, 6},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			in := newTable(t, c.scheme, c.m)
			in.random(c.entries, 5)
			var want []int
			s := newScheme2(c.scheme)
			for i, g := range in.list {
				for shift := range s.shifts {
					if s.score2(in.probe, g, shift) >= 0 {
						want = append(want, i)
						break
					}
				}
			}
			if len(want) == 0 || len(want) == c.entries {
				t.Fatalf("%d of %d entries hit: that shows nothing", len(want), c.entries)
			}
			ours := in.owner(t)
			up, down := play(t, adapter{ours}, adapter{in.evaluator(t)})
			if !slices.Equal(ours.Hits(), want) {
				t.Fatalf("hits %v, the plain decision is %v", ours.Hits(), want)
			}
			second := in.owner2()
			up2, down2 := play(t, second, adapter{in.evaluator(t)})
			if !slices.Equal(second.hits(), want) {
				t.Errorf("second key owner: hits %v, the plain decision is %v", second.hits(), want)
			}
			compare(t, "second key owner", up2, up)
			compare(t, "evaluator with the second key owner", down2, down)

			ours = in.owner(t)
			up2, down2 = play(t, adapter{ours}, in.evaluator2())
			if !slices.Equal(ours.Hits(), want) {
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
	for _, f := range []*prime2{field0, field1, slotPrime(10)} {
		c := make([]uint64, degree)
		for i := range c {
			c[i] = rng.Uint64N(f.p)
		}
		values := f.transform(c)
		for _, i := range []int{0, 1, 2, 3, 1000, 4095} {
			at, sum := f.pow(f.psi, uint64(2*brv(i)+1)), uint64(0)
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
	in.probe = template2{x: [][]int{{1, 1, 0, 1, 0, 0, 0, 1}, {0, 1, 1, 0, 1, 0, 1, 0}}, u: [][]int{{1, 1, 1, 1, 0, 1, 1, 1}, {1, 1, 1, 0, 1, 1, 1, 1}}}
	in.list = []template2{{x: [][]int{{1, 0, 1, 0, 0, 0, 1, 1}, {1, 1, 0, 1, 0, 1, 0, 0}}, u: [][]int{{1, 1, 1, 0, 1, 1, 1, 1}, {1, 1, 0, 1, 1, 1, 1, 0}}}}
	plan, err := newPlan2(in.terms.scheme, 1, in.m)
	if err != nil {
		t.Fatal(err)
	}
	l, err := in.scheme.Layout(degree, in.m)
	if err != nil {
		t.Fatal(err)
	}
	ours, probe, entry := make([]int64, plan.shifts), l.NewProbeBlocks(), l.NewEntryBlocks()
	m, err := templates.NewMatcher(in.scheme, in.ours(t, in.probe))
	if err != nil {
		t.Fatal(err)
	}
	m.Scores(in.ours(t, in.list[0]), ours)
	if err := in.scheme.ProbeBlocks(l, in.ours(t, in.probe), probe); err != nil {
		t.Fatal(err)
	}
	if err := in.scheme.EntryBlocks(l, in.ours(t, in.list[0]), entry); err != nil {
		t.Fatal(err)
	}
	var scores []int
	for s := range plan.shifts {
		scores = append(scores, plan.score2(in.probe, in.list[0], s))
	}
	if a, b := fmt.Sprint(ours, probe, entry), fmt.Sprint(scores, plan.probe2(in.probe), plan.entry2(in.list[0])); a != b {
		t.Errorf("the implementations differ:\n%s\n%s", a, b)
	}

	var b strings.Builder
	fmt.Fprintf(&b, "\n```\nscheme          %s, m = %d\n", in.terms.scheme, in.m)
	for _, x := range []struct {
		name string
		template2
	}{{"probe", in.probe}, {"entry", in.list[0]}} {
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
	row("`q0`", field0)
	row("`q1`", field1)
	for k, first := 2, 2; k <= 24; k++ {
		f := slotPrime(k)
		if k < 24 && slotPrime(k+1).p == f.p {
			continue
		}
		name := fmt.Sprintf("`T'`, k = %d", k)
		if first < k {
			name = fmt.Sprintf("`T'`, k = %d..%d", first, k)
		}
		row(name, f)
		first = k + 1
	}
	fmt.Fprintf(&b, "\n`q` = %d = hexadecimal %x\n\n", q2, q2)
	return b.String()
}

// parameters is the table of section 16, computed by both implementations.
func parameters(t testing.TB) string {
	var b strings.Builder
	b.WriteString("\n```\n")
	for _, c := range []struct {
		name, text string
		m          int
	}{
		{"iris-2048", "iris:16x128x1x1:shifts=31:threshold=8/25:delta=512", 32},
		{"iris-2048-8", "iris:8x128x1x2:shifts=31:threshold=8/25:delta=512", 32},
		{"iris-12800", "iris:16x200x2x2:shifts=31:threshold=8/25:delta=3200", 100},
		{"iris-16384", "iris:16x256x2x2:shifts=31:threshold=8/25:delta=4096", 86},
		{"vector-128", "vector:128:norm=63:theta=1191", 3},
		{"vector-512", "vector:512:norm=63:theta=1191", 6},
		{"vector-640", "vector:640:norm=63:theta=1191", 6},
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
		ours := fmt.Sprintf("%-12s %s\n", c.name, scheme)
		ours += fmt.Sprintf("  layout     m=%d B=%d stride=%d P=%d E=%d\n", l.Width, l.Blocks, l.Stride, l.PerCiphertext, degree/l.Shifts)
		ours += fmt.Sprintf("  range      SMIN=%d SMAX=%d L1=%d h=%d k=%d T'=%d\n",
			low, high, int64(l.PerCiphertext)*scheme.WeightBound(), p.HitBits, p.ScoreBits, p.SlotModulus())
		ours += fmt.Sprintf("  score      drop=%d wu=%d wa=%d wb=%d flood=%d hiding=%.2f\n",
			p.Score.DroppedBits, p.Score.UploadBits, p.Score.MaskBits, p.Score.MessageBits, p.Score.FloodBits, p.Score.HidingBits)
		ours += fmt.Sprintf("  compare    drop=%d wu=%d wa=%d wb=%d flood=%d hiding=%.2f\n",
			p.Compare.DroppedBits, p.Compare.UploadBits, p.Compare.MaskBits, p.Compare.MessageBits, p.Compare.FloodBits, p.Compare.HidingBits)
		ours += fmt.Sprintf("  bytes      key=%d block=%d share=%d prefixes=%d verdict=%d\n",
			p.PublicKeySize(), p.BlockSize(), p.ShareSize(l.PerCiphertext*l.Shifts), p.PrefixesSize(), p.VerdictSize())

		s, err := newPlan2(c.text, 1, c.m)
		if err != nil {
			t.Fatal(err)
		}
		second := fmt.Sprintf("%-12s %s\n", c.name, c.text)
		second += fmt.Sprintf("  layout     m=%d B=%d stride=%d P=%d E=%d\n", s.m, s.blocks, s.stride, s.per, s.perBatch)
		second += fmt.Sprintf("  range      SMIN=%d SMAX=%d L1=%d h=%d k=%d T'=%d\n", s.smin, s.smax, s.l1, s.h, s.k, s.lanes.p)
		for _, d := range []struct {
			name string
			width2
		}{{"score", s.score}, {"compare", s.compare}} {
			second += fmt.Sprintf("  %-10s drop=%d wu=%d wa=%d wb=%d flood=%d hiding=%.2f\n", d.name, d.drop, d.wu, d.wa, d.wb, d.flood, d.hiding)
		}
		second += fmt.Sprintf("  bytes      key=%d block=%d share=%d prefixes=%d verdict=%d\n", 32+51200, 512*s.score.wu,
			512*s.score.wa+(s.per*s.shifts*s.score.wb+7)/8, s.h*512*s.compare.wu, (s.h+1)*512*(s.compare.wa+s.compare.wb))
		if ours != second {
			t.Errorf("the implementations differ:\n%s%s", ours, second)
		}
		b.WriteString(ours)
	}
	b.WriteString("```\n\n")
	return b.String()
}

// session is the example of section 17: messages from this project's parties, values on
// the way from the second implementation, which sends the same messages.
func session(t testing.TB) string {
	in := newTable(t, "vector:16:norm=20:theta=20", 8)
	in.probe = template2{v: []int{8, -4, 3, 0, 7, -8, 2, 5, -1, 6, -3, 4, 1, -5, 8, 2}}
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
	line("probe", in.probe.v)
	for i, g := range in.list {
		line(fmt.Sprintf("entry %d", i), g.v)
	}
	for i, g := range in.list {
		line(fmt.Sprintf("score of entry %d", i), o.plan.score2(in.probe, g, 0))
	}
	line("hits", owner.Hits())
	b.WriteString("\n")
	digest := sha256.Sum256(e.probe)
	prefixes := sha256.Sum256(up[len(up)-1])
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
	line("s", take(few, newStream2(o.keys, "puente/v1/he/secret key").ternary))
	a := expand2(o.public, "puente/v1/he/key a")
	line("key a, transform mod q0", a[0][:2])
	line("key a, transform mod q1", a[1][:2])
	coefficients := a.inverse()
	line("key a, coefficients", []any{coefficients.at(0), coefficients.at(1)})
	line("key error", take(few, newStream2(o.keys, "puente/v1/he/key error").error))
	blocks := o.plan.probe2(in.probe)
	line("block 0 integers", blocks[0])
	line("lift of 8 mod 2^k", lift2(8, o.plan.score.t))
	noise := newStream2(e.masks, "puente/v1/he/share noise", 0)
	line("share 0 u", take(degree, noise.ternary)[:few])
	line("share 0 e1", take(degree, noise.error)[:few])
	line("share 0 positions", o.plan.positions(0))
	line("share 0 f, e0 of entry 0", []any{noise.flooding(o.plan.score.flood), noise.error()})
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
	lanes := make([]uint64, degree)
	copy(lanes, o.shares[0])
	line("prefixes level 0, M", o.plan.lanes.inverse(lanes)[:8])
	line("order", newStream2(vs, "puente/v1/he/order", 0).permutation(o.plan.h+1))
	spare := newStream2(vs, "puente/v1/he/spare slots", 0)
	line("spare lanes", []uint64{spare.bits(o.plan.k), spare.bits(o.plan.k), spare.bits(o.plan.k)})
	blind := newStream2(vs, "puente/v1/he/blind", 0, 0)
	line("test 0 rho", take(8, func() int { return int(1 + blind.below(o.plan.lanes.p-1)) }))
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
