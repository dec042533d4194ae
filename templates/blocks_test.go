package templates

import (
	"testing"

	"pgregory.net/rapid"
)

// blockSum is the score at shift index s as the encrypted computation finds it:
// the coefficient of the polynomial product, plus what it must not disturb.
func blockSum(l Layout, entry, probe [][]int32, s int) int64 {
	var sum int64
	for b := range entry {
		for i, w := range entry[b] {
			if k := l.ScoreCoefficient(0, s) - i; k >= 0 && k < len(probe[b]) {
				sum += int64(w) * int64(probe[b][k])
			}
		}
	}
	return sum
}

// spill is the greatest coefficient of the product that is not zero: it must stay
// below the first score of the next entry.
func spill(entry, probe [][]int32) int {
	last := func(row []int32) int {
		for i := len(row) - 1; i >= 0; i-- {
			if row[i] != 0 {
				return i
			}
		}
		return 0
	}
	top := 0
	for b := range entry {
		top = max(top, last(entry[b])+last(probe[b]))
	}
	return top
}

// naiveScore evaluates the definition of the score bit by bit.
func naiveScore(s Scheme, p, g Template, shiftIndex int) int64 {
	switch p := p.(type) {
	case *Iris:
		return naiveEye(s, p, g.(*Iris), shiftIndex) - s.Delta
	case Vector:
		return naiveDot(p, g.(Vector)) - s.Theta
	}
	probe, entry := p.(*Fused), g.(*Fused)
	sum := -s.Delta - s.Theta
	pl, pr := probe.Eyes()
	gl, gr := entry.Eyes()
	if pl != nil && gl != nil {
		sum += naiveEye(s, pl, gl, shiftIndex)
	}
	if pr != nil && gr != nil {
		sum += naiveEye(s, pr, gr, shiftIndex)
	}
	for f := 1; f <= Fingers; f++ {
		a, ok := probe.Finger(f)
		if b, both := entry.Finger(f); ok && both {
			sum += s.Weight*naiveDot(a, b) - s.Each
		}
	}
	return sum
}

func naiveDot(p, g Vector) int64 {
	var sum int64
	for i, c := range p.Coords {
		sum += int64(c) * int64(g.Coords[i])
	}
	return sum
}

func naiveEye(s Scheme, probe, entry *Iris, shiftIndex int) int64 {
	roll := (s.Shifts-1)/2 - shiftIndex
	var hd, common int64
	for col := range s.Shape.Cols {
		from := ((col-roll)%s.Shape.Cols + s.Shape.Cols) % s.Shape.Cols
		for line := range s.Shape.Lines() {
			x, u := probe.Bit(line, from)
			y, v := entry.Bit(line, col)
			if u && v {
				common++
				if x != y {
					hd++
				}
			}
		}
	}
	return s.Alpha*common - s.Beta*hd
}

var someSchemes = []string{
	"iris:16x256x2x2:shifts=31:threshold=8/25:delta=4096",
	"iris:16x128x1x1:shifts=31:threshold=8/25:delta=512",
	"iris:8x128x1x2:shifts=31:threshold=69/200:delta=1",
	"iris:1x8x1x1:shifts=7:threshold=1/3:delta=1",
	"iris:5x13x1x1:shifts=13:threshold=2/5:delta=7",
	"iris:7x61x3x1:shifts=61:threshold=1/1000:delta=20",
	"iris:32x16x2x2:shifts=15:threshold=8/25:delta=20",
	"iris:3x67x11x2:shifts=1:threshold=33/100:delta=9",
	"vector:512:norm=63:theta=1191",
	"vector:1:norm=1:theta=1",
	"vector:299:norm=127:theta=5000",
	"fingers:2,3,7,8:32:norm=63:theta=1059+335",
	"fingers:1,2,3,4,5,6,7,8,9,10:17:norm=127:theta=1+0",
	"fingers:10:3:norm=9:theta=2+79",
	"eyes:4x16x2x1:shifts=5:threshold=5/12:delta=20",
	"eyes:4x16x1x1:shifts=1:threshold=5/12:delta=20:fingers=1,6:9:norm=30:weight=3:each=100",
	"eyes:2x64x1x2:shifts=11:threshold=5/12:delta=99:fingers=2,7:33:norm=63:weight=64:each=0",
	"eyes:1x8x1x1:shifts=7:threshold=1/3:delta=1:fingers=5:10:norm=3:weight=1:each=8",
}

// TestBlocksGiveScore: for every shift the blocks give the score of the
// definition plus Delta or Theta, as does the matcher, at dividing and not
// dividing widths.
func TestBlocksGiveScore(t *testing.T) {
	for n, text := range someSchemes {
		s := mustScheme(t, text)
		r := seeded(uint64(n))
		p, g := randomTemplate(t, r, s), randomTemplate(t, r, s)
		m, err := NewMatcher(s, p)
		if err != nil {
			t.Fatal(err)
		}
		scores := make([]int64, s.Shifts)
		m.Scores(g, scores)
		hit := false
		for i, got := range scores {
			if want := naiveScore(s, p, g, i); got != want {
				t.Fatalf("%s shift index %d: matcher says %d, the definition %d", text, i, got, want)
			}
			hit = hit || got >= 0
		}
		if m.Hit(g) != hit {
			t.Errorf("%s: Hit is not whether a score is positive", text)
		}
		length := s.lineLength()
		for _, width := range []int{1, 2, 3, 7, 8, 16, 31, 64, 100, (length + 1) / 2, length - 1, length} {
			if width < 1 || width > length || width < 3 && length > 200 {
				continue
			}
			l, err := s.Layout(4096, width)
			if err != nil {
				t.Fatal(err)
			}
			pb, gb := l.NewBlocks(), l.NewBlocks()
			for i := range gb {
				for j := range gb[i] {
					gb[i][j] = 99 // to be overwritten, the padding too
				}
			}
			if err := s.ProbeBlocks(l, p, pb); err != nil {
				t.Fatal(err)
			}
			if err := s.EntryBlocks(l, g, gb); err != nil {
				t.Fatal(err)
			}
			for i, want := range scores {
				if got := blockSum(l, gb, pb, i) - s.Offset(); got != want {
					t.Fatalf("%s width %d shift index %d: the blocks give %d, want %d", text, width, i, got, want)
				}
			}
			if got := l1(gb); got > s.WeightBound() {
				t.Errorf("%s: weights add up to %d, over the bound %d", text, got, s.WeightBound())
			}
			if got := spill(gb, pb); got >= l.ScoreCoefficient(1, 0) {
				t.Errorf("%s width %d: the product reaches coefficient %d, into the scores of the next entry", text, width, got)
			}
		}
	}
}

func l1(blocks [][]int32) int64 {
	var sum int64
	for _, b := range blocks {
		for _, w := range b {
			sum += max(int64(w), -int64(w))
		}
	}
	return sum
}

// TestBlocksProperty is TestBlocksGiveScore for arbitrary small schemes.
func TestBlocksProperty(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := drawScheme(rt)
		r := seeded(rapid.Uint64().Draw(rt, "seed"))
		p, g := randomTemplate(t, r, s), randomTemplate(t, r, s)
		l, err := s.Layout(4096, rapid.IntRange(1, s.lineLength()).Draw(rt, "width"))
		if err != nil {
			rt.Fatal(err)
		}
		m, err := NewMatcher(s, p)
		if err != nil {
			rt.Fatal(err)
		}
		scores := make([]int64, s.Shifts)
		m.Scores(g, scores)
		pb, gb := l.NewBlocks(), l.NewBlocks()
		if err := s.ProbeBlocks(l, p, pb); err != nil {
			rt.Fatal(err)
		}
		if err := s.EntryBlocks(l, g, gb); err != nil {
			rt.Fatal(err)
		}
		lo, hi := s.ScoreRange()
		for i, want := range scores {
			if got := blockSum(l, gb, pb, i) - s.Offset(); got != want {
				rt.Fatalf("shift index %d: blocks give %d, matcher %d", i, got, want)
			}
			if want < lo || want > hi {
				rt.Fatalf("score %d outside %d..%d", want, lo, hi)
			}
		}
		if l1(gb) > s.WeightBound() {
			rt.Fatal("weights over the bound")
		}
		if spill(gb, pb) >= l.ScoreCoefficient(1, 0) {
			rt.Fatal("the product reaches into the scores of the next entry")
		}
	})
}

// drawScheme draws a small valid scheme.
func drawScheme(rt *rapid.T) Scheme {
	if rapid.Bool().Draw(rt, "fused") {
		return drawFused(rt)
	}
	if rapid.Bool().Draw(rt, "vector") {
		norm := rapid.IntRange(20, MaxNorm).Draw(rt, "norm")
		return Scheme{
			Modality: ModalityVector, Shifts: 1, Dims: rapid.IntRange(1, 100).Draw(rt, "dims"), Norm: norm,
			Theta: rapid.Int64Range(1, int64(norm*norm)).Draw(rt, "theta"),
		}
	}
	s := drawEyes(rt)
	s.Modality = ModalityIris
	if err := s.Validate(); err != nil {
		rt.Fatal(err)
	}
	return s
}

// drawFused draws a small valid scheme of eyes, fingers or both.
func drawFused(rt *rapid.T) Scheme {
	s := Scheme{Shifts: 1}
	what := rapid.IntRange(1, 3).Draw(rt, "parts")
	if what&1 != 0 {
		s = drawEyes(rt)
		s.Eyes = 2
	}
	s.Modality = ModalityFused
	if what&2 != 0 {
		s.Fingers = FingerSet(rapid.IntRange(1, 1<<Fingers-1).Draw(rt, "fingers") << 1)
		s.Dims, s.Norm, s.Weight = rapid.IntRange(1, 20).Draw(rt, "dims"), rapid.IntRange(20, MaxNorm).Draw(rt, "norm"), 1
		if s.Eyes > 0 {
			s.Weight = rapid.Int64Range(1, MaxWeight).Draw(rt, "weight")
		}
		s.Each = rapid.Int64Range(0, s.fingerTop()-1).Draw(rt, "each")
		if s.Eyes == 0 {
			s.Theta = rapid.Int64Range(1, int64(s.Fingers.Len())*(s.fingerTop()-s.Each)).Draw(rt, "theta")
		}
	}
	if err := s.Validate(); err != nil {
		rt.Fatal(err)
	}
	if back, err := ParseScheme(s.String()); err != nil || back != s {
		rt.Fatalf("%s is read as %s, %v", s, back, err)
	}
	return s
}

// drawEyes draws the fields of a scheme with eyes.
func drawEyes(rt *rapid.T) Scheme {
	shape := Shape{
		Rows: rapid.IntRange(1, 9).Draw(rt, "rows"), Cols: rapid.IntRange(MinCols, 80).Draw(rt, "cols"),
		Filters: rapid.IntRange(1, 4).Draw(rt, "filters"), Planes: rapid.IntRange(1, 3).Draw(rt, "planes"),
	}
	beta := rapid.Int64Range(3, MaxBeta).Draw(rt, "beta")
	alpha := rapid.Int64Range(1, (beta-1)/2).Draw(rt, "alpha")
	g := gcd(alpha, beta)
	s := Scheme{
		Shape: shape, Alpha: alpha / g, Beta: beta / g,
		Shifts: 2*rapid.IntRange(0, (min(shape.Cols, MaxShifts)-1)/2).Draw(rt, "shifts") + 1,
	}
	s.Delta = rapid.Int64Range(1, s.Alpha*int64(shape.Bits())).Draw(rt, "delta")
	return s
}

// TestBoundsAreAttained: the extreme scores and weights are those of real
// templates, so the bounds could not be smaller.
func TestBoundsAreAttained(t *testing.T) {
	s := mustScheme(t, "iris-2048")
	n := s.Shape.packedLen()
	ones, zeros := make([]byte, n), make([]byte, n)
	for i := range ones {
		ones[i] = 0xff
	}
	one, _ := NewIris(s.Shape, ones, ones)
	zero, _ := NewIris(s.Shape, zeros, ones)
	lo, hi := s.ScoreRange()
	for _, c := range []struct {
		name  string
		entry *Iris
		want  int64
	}{{"equal", one, hi}, {"opposite", zero, lo}} {
		m, err := NewMatcher(s, one)
		if err != nil {
			t.Fatal(err)
		}
		scores := make([]int64, s.Shifts)
		m.Scores(c.entry, scores)
		for _, got := range scores {
			if got != c.want {
				t.Errorf("%s codes score %d, want %d", c.name, got, c.want)
			}
		}
	}
	l := s.BestLayout(4096, 1000)
	gb := l.NewBlocks()
	if err := s.EntryBlocks(l, one, gb); err != nil {
		t.Fatal(err)
	}
	if got := l1(gb); got != s.WeightBound() {
		t.Errorf("weights of the code of ones add up to %d, the bound is %d", got, s.WeightBound())
	}

	v := Scheme{Modality: ModalityVector, Shifts: 1, Dims: 16, Norm: 4, Theta: 3}
	flat, err := NewVector([]int8{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}, 4)
	if err != nil {
		t.Fatal(err)
	}
	m, _ := NewMatcher(v, flat)
	score := make([]int64, 1)
	m.Scores(flat, score)
	if _, hi := v.ScoreRange(); score[0] != hi || v.WeightBound() != 16 {
		t.Errorf("score %d of %d, weight bound %d of 16", score[0], hi, v.WeightBound())
	}
}

// TestBlocksRefuse: layouts of other schemes and wrong room are errors.
func TestBlocksRefuse(t *testing.T) {
	s, other := mustScheme(t, "iris-2048"), mustScheme(t, "iris-2048-8")
	r := seeded(1)
	iris := randomIris(t, r, s.Shape)
	l, err := s.Layout(4096, 100)
	if err != nil {
		t.Fatal(err)
	}
	foreign, _ := mustScheme(t, "iris-12800").Layout(4096, 100)
	wrong := l
	wrong.Stride++
	for name, f := range map[string]func() error{
		"foreign layout": func() error { return s.EntryBlocks(foreign, iris, foreign.NewBlocks()) },
		"zero layout":    func() error { return s.ProbeBlocks(Layout{}, iris, nil) },
		"wrong stride":   func() error { return s.ProbeBlocks(wrong, iris, wrong.NewBlocks()) },
		"few blocks":     func() error { return s.ProbeBlocks(l, iris, l.NewBlocks()[1:]) },
		"short blocks": func() error {
			b := l.NewBlocks()
			b[3] = b[3][1:]
			return s.ProbeBlocks(l, iris, b)
		},
		"other shape": func() error {
			return s.EntryBlocks(l, randomIris(t, r, other.Shape), l.NewBlocks())
		},
		"vector":      func() error { return s.EntryBlocks(l, randomVector(t, r, 5, 63), l.NewBlocks()) },
		"no template": func() error { return s.EntryBlocks(l, nil, l.NewBlocks()) },
		"nil iris":    func() error { return s.EntryBlocks(l, (*Iris)(nil), l.NewBlocks()) },
	} {
		if f() == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func BenchmarkEntryBlocks(b *testing.B) {
	for _, name := range []string{"iris-2048", "iris-16384", "vector-512", "fingers-10x512"} {
		s := mustScheme(b, name)
		g := randomTemplate(b, seeded(1), s)
		l := s.BestLayout(4096, 10000)
		dst := l.NewBlocks()
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if err := s.EntryBlocks(l, g, dst); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
