package minutiae

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/puente-project/puente/templates"
)

// seeded is a fixed stream of random numbers.
func seeded(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 1)) }

// randomView is an unordered heap of n minutiae on a square of 2 cm, with the
// steps of a record: whole pixels at 1000 dpi, 256 directions.
func randomView(r *rand.Rand, n int) View {
	v := View{ResX: 394, ResY: 394, Width: 788, Height: 788}
	for range n {
		v.Minutiae = append(v.Minutiae, Minutia{
			X: r.IntN(788), Y: r.IntN(788), Angle: 2 * math.Pi * float64(r.IntN(256)) / 256,
			Kind: Kind(1 + r.IntN(2)), Quality: uint8(1 + r.IntN(100)),
		})
	}
	return v
}

// moved turns a view counter-clockwise, scales it to another resolution and
// moves it.
func moved(v View, angle float64, resX, resY, dx, dy int) View {
	sin, cos := math.Sincos(angle)
	out := View{ResX: resX, ResY: resY}
	for _, m := range v.Minutiae {
		x, y := float64(m.X)/float64(v.ResX), float64(m.Y)/float64(v.ResY)
		x, y = x*cos+y*sin, y*cos-x*sin // y downwards
		m.X, m.Y = dx+int(math.Round(x*float64(resX))), dy+int(math.Round(y*float64(resY)))
		m.Angle = math.Mod(m.Angle+angle, 2*math.Pi)
		out.Minutiae = append(out.Minutiae, m)
	}
	return out
}

func mustVector(t testing.TB, dims int, view View) []float64 {
	t.Helper()
	v, err := NewVectoriser(dims)
	if err != nil {
		t.Fatal(err)
	}
	unit, err := v.Vector(view)
	if err != nil {
		t.Fatal(err)
	}
	return unit
}

func dot(a, b []float64) (sum float64) {
	for i := range a {
		sum += a[i] * b[i]
	}
	return sum
}

func TestVectorIsUnit(t *testing.T) {
	r := seeded(1)
	for _, dims := range []int{MinDims, 130, 256, DefaultDims, 1024, MaxDims} {
		for _, n := range []int{MinVectorMinutiae, 40, 80, MaxMinutiae} {
			unit := mustVector(t, dims, randomView(r, n))
			if len(unit) != dims {
				t.Fatalf("%d coordinates, want %d", len(unit), dims)
			}
			if length := math.Sqrt(dot(unit, unit)); math.Abs(length-1) > 1e-12 {
				t.Errorf("%d dimensions, %d minutiae: length %v", dims, n, length)
			}
		}
	}
}

func TestVectorOfDifferentFingers(t *testing.T) {
	r := seeded(2)
	a, b := mustVector(t, DefaultDims, randomView(r, 40)), mustVector(t, DefaultDims, randomView(r, 40))
	if c := dot(a, b); math.Abs(c) > 0.3 {
		t.Errorf("cosine of unrelated minutiae is %.3f", c)
	}
}

func TestVectorInvariance(t *testing.T) {
	view := randomView(seeded(3), 60)
	for _, c := range []struct {
		name               string
		angle              float64
		resX, resY, dx, dy int
		least              float64
	}{
		{"translation", 0, 394, 394, 500, 77, 1 - 1e-12},
		{"quarter turn", math.Pi / 2, 394, 394, 0, 1000, 1 - 1e-9},
		{"half turn", math.Pi, 394, 394, 1000, 1000, 1 - 1e-9},
		{"0.3 rad", 0.3, 394, 394, 100, 1000, 0.99},
		{"2.1 rad", 2.1, 394, 394, 1000, 2000, 0.99},
		{"5 rad", 5, 394, 394, 1000, 1000, 0.99},
		{"other resolution", 0, 788, 788, 3, 5, 1 - 1e-9},
		{"resolution that differs by axis", 1, 500, 1000, 2000, 3000, 0.99},
	} {
		got := moved(view, c.angle, c.resX, c.resY, c.dx, c.dy)
		if cos := dot(mustVector(t, DefaultDims, view), mustVector(t, DefaultDims, got)); cos < c.least {
			t.Errorf("%s: cosine %.12f, want %.12f", c.name, cos, c.least)
		}
	}
	// A mirror image is another finger.
	mirror := view
	mirror.Minutiae = slices.Clone(view.Minutiae)
	for i, m := range mirror.Minutiae {
		mirror.Minutiae[i].X, mirror.Minutiae[i].Angle = 787-m.X, math.Mod(3*math.Pi-m.Angle, 2*math.Pi)
	}
	if cos := dot(mustVector(t, DefaultDims, view), mustVector(t, DefaultDims, mirror)); cos > 0.5 {
		t.Errorf("mirror image: cosine %.3f", cos)
	}
}

func TestVectorIgnoresOrderAndKind(t *testing.T) {
	r := seeded(4)
	for _, n := range []int{MinVectorMinutiae, 60, MaxVectorMinutiae + 50} {
		view := randomView(r, n)
		want, before := mustVector(t, DefaultDims, view), slices.Clone(view.Minutiae)
		shuffled := view
		shuffled.Minutiae = slices.Clone(view.Minutiae)
		r.Shuffle(n, func(i, j int) {
			shuffled.Minutiae[i], shuffled.Minutiae[j] = shuffled.Minutiae[j], shuffled.Minutiae[i]
		})
		for i := range shuffled.Minutiae {
			shuffled.Minutiae[i].Kind = Other
		}
		if !slices.Equal(want, mustVector(t, DefaultDims, shuffled)) {
			t.Errorf("%d minutiae: order or kind matters", n)
		}
		if !slices.Equal(before, view.Minutiae) {
			t.Error("the view was changed")
		}
	}
}

// TestVectorUsesTheBest: beyond the limit, minutiae of the lowest quality do not
// matter at all.
func TestVectorUsesTheBest(t *testing.T) {
	r := seeded(5)
	view := randomView(r, MaxVectorMinutiae)
	for i := range view.Minutiae {
		view.Minutiae[i].Quality = 90
	}
	want := mustVector(t, DefaultDims, view)
	more := randomView(r, 100)
	for i := range more.Minutiae {
		more.Minutiae[i].Quality = 10
	}
	view.Minutiae = append(more.Minutiae, view.Minutiae...)
	if !slices.Equal(want, mustVector(t, DefaultDims, view)) {
		t.Error("minutiae beyond the limit matter")
	}
}

// TestVectorWeighsQuality: spurious minutiae do less harm with a low quality.
func TestVectorWeighsQuality(t *testing.T) {
	r := seeded(6)
	view, spurious := randomView(r, 40), randomView(r, 20)
	for i := range view.Minutiae {
		view.Minutiae[i].Quality = 80
	}
	want := mustVector(t, DefaultDims, view)
	with := func(quality uint8) float64 {
		v := view
		v.Minutiae = slices.Clone(view.Minutiae)
		for _, m := range spurious.Minutiae {
			m.Quality = quality
			v.Minutiae = append(v.Minutiae, m)
		}
		return dot(want, mustVector(t, DefaultDims, v))
	}
	if low, high, none := with(5), with(80), with(0); low <= none || none <= high {
		t.Errorf("cosine %.3f with low quality, %.3f with high, %.3f without", low, high, none)
	}
}

// TestVectorGolden pins the last bit. It must pass on every processor, and on
// amd64 also with GOAMD64=v3, where the compiler may fuse operations.
func TestVectorGolden(t *testing.T) {
	for dims, want := range map[int]string{
		MinDims:     "932a6336247c90ee4d528110c8f4fa1b0611f4126977838ceadd4bf1b08d655a",
		DefaultDims: "0e59211929ed1ca69c56a9180e3c29d7e310c37ad8d4ba25ad92fa3523e54acd",
		MaxDims:     "1e0ac59a174b14535fcc065224d5847aac59ea9e151fcd70e36e81e0b4c9412e",
	} {
		var b []byte
		for _, x := range mustVector(t, dims, randomView(seeded(7), 70)) {
			b = binary.BigEndian.AppendUint64(b, math.Float64bits(x))
		}
		digest := sha256.Sum256(b)
		if got := hex.EncodeToString(digest[:]); got != want {
			t.Errorf("%d dimensions: digest %s, want %s", dims, got, want)
		}
	}
}

func TestVectorFaults(t *testing.T) {
	good := randomView(seeded(8), 30)
	for _, c := range []struct {
		name  string
		spoil func(v *View)
	}{
		{"none", func(v *View) { v.Minutiae = nil }},
		{"too few", func(v *View) { v.Minutiae = v.Minutiae[:MinVectorMinutiae-1] }},
		{"too many", func(v *View) { v.Minutiae = make([]Minutia, MaxMinutiae+1) }},
		{"all at one place", func(v *View) { v.Minutiae = make([]Minutia, 30) }},
		{"all far apart", func(v *View) {
			for i := range v.Minutiae {
				v.Minutiae[i].X, v.Minutiae[i].Y = 501*i, 0
			}
		}},
		{"no resolution", func(v *View) { v.ResX = 0 }},
		{"resolution of one axis", func(v *View) { v.ResY = -394 }},
		{"huge resolution", func(v *View) { v.ResY = math.MaxInt }},
		{"negative coordinate", func(v *View) { v.Minutiae[3].X = -1 }},
		{"huge coordinate", func(v *View) { v.Minutiae[3].Y = math.MaxInt }},
		{"angle of a full turn", func(v *View) { v.Minutiae[3].Angle = 2 * math.Pi }},
		{"negative angle", func(v *View) { v.Minutiae[3].Angle = -0.1 }},
		{"angle not a number", func(v *View) { v.Minutiae[3].Angle = math.NaN() }},
		{"quality above the scale", func(v *View) { v.Minutiae[3].Quality = 101 }},
	} {
		v, err := NewVectoriser(DefaultDims)
		if err != nil {
			t.Fatal(err)
		}
		bad := good
		bad.Minutiae = slices.Clone(good.Minutiae)
		c.spoil(&bad)
		if _, err := v.Vector(bad); !errors.Is(err, ErrVector) {
			t.Errorf("%s: error %v", c.name, err)
		}
	}
	for _, dims := range []int{-2, 0, 1, MinDims - 2, MinDims + 1, MaxDims + 2, math.MaxInt} {
		if _, err := NewVectoriser(dims); !errors.Is(err, ErrVector) {
			t.Errorf("%d dimensions: error %v", dims, err)
		}
	}
}

// TestVectorAcrossFormats: the two fingers that the samples have in common give
// the same vectors from every format, up to its steps of angle and quality.
func TestVectorAcrossFormats(t *testing.T) {
	var want [][]float64
	for _, name := range []string{"iso19794p2v2005-sample.dat", "iso19794p2v2011-sample.dat", "ansi378v2004-sample.dat", "ansi378v2009-sample.dat", "fmr.ansi2004", "fmr.iso2005"} {
		views, err := Decode(samples(t)[name], Options{})
		if err != nil {
			t.Fatal(err)
		}
		got := [][]float64{mustVector(t, DefaultDims, views[0]), mustVector(t, DefaultDims, views[1])}
		if want == nil {
			want = got
		}
		for i := range got {
			for j := range want {
				if cos := dot(got[i], want[j]); (cos > 0.9) != (i == j) || (cos < 0.3) != (i != j) {
					t.Errorf("%s: view %d against view %d of another format: cosine %.3f", name, i, j, cos)
				}
			}
		}
	}
	views, err := Decode(samples(t)["nist.xyt"], Options{})
	if err != nil {
		t.Fatal(err)
	}
	if cos := dot(want[0], mustVector(t, DefaultDims, views[0])); cos < 0.99 {
		t.Errorf("xyt: cosine %.3f", cos)
	}
}

// TestVectorQuantises: the integers of the product keep the angle between vectors.
func TestVectorQuantises(t *testing.T) {
	r := seeded(9)
	for _, dims := range []int{MinDims, DefaultDims, MaxDims} {
		unit := mustVector(t, dims, randomView(r, 50))
		v, err := templates.Quantise(unit, testNorm)
		if err != nil {
			t.Fatal(err)
		}
		inner, square := 0.0, 0.0
		for i, x := range v.Coords {
			inner += unit[i] * float64(x)
			square += float64(x) * float64(x)
		}
		if cos := inner / math.Sqrt(square); cos < 0.97 {
			t.Errorf("%d dimensions: rounding to integers turns the vector: cosine %.4f", dims, cos)
		}
	}
}

func BenchmarkVector(b *testing.B) {
	v, err := NewVectoriser(DefaultDims)
	if err != nil {
		b.Fatal(err)
	}
	view := randomView(seeded(10), 80)
	for b.Loop() {
		if _, err := v.Vector(view); err != nil {
			b.Fatal(err)
		}
	}
}
