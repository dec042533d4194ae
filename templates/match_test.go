package templates

import (
	"encoding/base64"
	"encoding/json"
	"math/bits"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestOpenIrisPair: the distances of the two outputs of the same eye that are
// in testdata, as the matcher of open-iris finds them.
func TestOpenIrisPair(t *testing.T) {
	a := mustRead(t, testdata(t, "orb_output_v1.9.2.json"), Options{})[0].(*Iris)
	b := mustRead(t, testdata(t, "orb_output_v1.9.7.json"), Options{})[0].(*Iris)
	for _, c := range []struct {
		name              string
		p, g              *Iris
		hd, common, shift int
	}{
		{"192 against itself", a, a, 0, 12153, 0},
		{"197 against itself", b, b, 0, 12194, 0},
		{"192 against 197", a, b, 442, 11633, -1},
		{"197 against 192", b, a, 442, 11633, 1},
	} {
		hd, common, shift, err := Distance(c.p, c.g, 31)
		if err != nil || hd != c.hd || common != c.common || shift != c.shift {
			t.Errorf("%s: %d/%d at %d (%v), want %d/%d at %d", c.name, hd, common, shift, err, c.hd, c.common, c.shift)
		}
	}
	m, err := NewMatcher(mustScheme(t, "iris-16384"), a)
	if err != nil {
		t.Fatal(err)
	}
	if !m.Hit(b) {
		t.Error("the two outputs of one eye do not hit")
	}
	scores := make([]int64, 31)
	m.Scores(b, scores)
	// Shift -1 is shift index 16.
	if want := int64(11633 - 2*442 - 2867); scores[16] != want {
		t.Errorf("score at shift -1 is %d, want %d", scores[16], want)
	}
}

// TestOpenIrisDistances compares with distances found by open-iris itself.
func TestOpenIrisDistances(t *testing.T) {
	var expected struct{ Rows [][6]any }
	if err := json.Unmarshal(sharedFile(t, "open-iris/expected_fhd.json"), &expected); err != nil {
		t.Fatal(err)
	}
	eyes := map[string]*Iris{}
	for name, file := range map[string]string{
		"orb192": "orb_output_v1.9.2.json", "orb197": "orb_output_v1.9.7.json",
		"mock": "matcher_mock_template.json", "simple": "simple_output_template.json",
	} {
		eyes[name] = mustRead(t, sharedFile(t, "open-iris/"+file), Options{})[0].(*Iris)
	}
	if len(expected.Rows) == 0 {
		t.Fatal("no rows")
	}
	for _, row := range expected.Rows {
		hd, common, shift, err := Distance(eyes[row[0].(string)], eyes[row[1].(string)], 31)
		if err != nil || float64(hd)/float64(common) != row[2] || float64(shift) != row[3] || float64(hd) != row[4] || float64(common) != row[5] {
			t.Errorf("%v: got %d/%d at %d (%v)", row, hd, common, shift, err)
		}
	}
}

// irisMPC gives the base64 lines and the lines after them, up to the first
// empty one, of a test file of iris-mpc.
func irisMPC(t *testing.T, name string, n int) (codes [][]byte, rest []string) {
	t.Helper()
	lines := strings.Split(string(sharedFile(t, "iris-mpc/"+name)), "\n")
	for _, line := range lines[:n] {
		b, err := base64.StdEncoding.DecodeString(line)
		if err != nil {
			t.Fatal(err)
		}
		codes = append(codes, b)
	}
	return codes, lines[n:]
}

var mpcShape = Shape{16, 200, 2, 2}

// TestIrisMPCRandom: two random codes at the distance that open-iris found,
// without rotation and with +-15 columns.
func TestIrisMPCRandom(t *testing.T) {
	c, rest := irisMPC(t, "random_codes.txt", 4)
	// As NDJSON, the form in which iris-mpc reads codes.
	pair := mustRead(t, []byte(openIrisLine(c[0], c[1])+"\n"+openIrisLine(c[2], c[3])+"\n"), Options{})
	if len(pair) != 2 {
		t.Fatalf("read %d templates of 2", len(pair))
	}
	for i, shifts := range []int{1, 31} {
		want, err := strconv.ParseFloat(rest[i], 64)
		if err != nil {
			t.Fatal(err)
		}
		hd, common, shift, err := Distance(pair[0].(*Iris), pair[1].(*Iris), shifts)
		if err != nil || float64(hd)/float64(common) != want {
			t.Errorf("%d shifts: %d/%d at %d (%v), want %v", shifts, hd, common, shift, err, want)
		}
	}
}

// TestIrisMPCFlipped: the second code is the first with the columns of either
// half in reverse and the imaginary bits negated, which shows that columns and
// planes are where they should be.
func TestIrisMPCFlipped(t *testing.T) {
	c, _ := irisMPC(t, "flipped_codes.txt", 4)
	a, err := NewIris(mpcShape, c[0], c[1])
	if err != nil {
		t.Fatal(err)
	}
	b, err := NewIris(mpcShape, c[2], c[3])
	if err != nil {
		t.Fatal(err)
	}
	half := mpcShape.Cols / 2
	for col := range mpcShape.Cols {
		from := col/half*half + half - 1 - col%half
		for line := range mpcShape.Lines() {
			x, u := a.Bit(line, from)
			y, v := b.Bit(line, col)
			imaginary := line%mpcShape.Planes == 1
			if u != v || u && (x != y) != imaginary {
				t.Fatalf("line %d, column %d differs", line, col)
			}
		}
	}
}

// TestIrisMPCRotations: all 31 rotations of a code, bit by bit. The file writes
// a code as 200 numbers of 64 bits in row-major order, each with its most
// significant bit, which is the last in the row, first.
func TestIrisMPCRotations(t *testing.T) {
	c, rest := irisMPC(t, "all_rotations.txt", 1)
	ones := make([]byte, len(c[0]))
	for i := range ones {
		ones[i] = 0xff
	}
	a, err := NewIris(mpcShape, c[0], ones)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, line := range rest {
		label, digits, ok := strings.Cut(line, ": ")
		if !ok {
			continue
		}
		shift, err := strconv.Atoi(label)
		if err != nil {
			t.Fatal(err)
		}
		n++
		want := make([]byte, 0, len(ones))
		for word := range strings.FieldsSeq(digits) {
			v, err := strconv.ParseUint(word, 2, 64)
			if err != nil {
				t.Fatal(err)
			}
			for ; len(word) >= 8; word = word[8:] {
				want = append(want, byte(v>>56))
				v <<= 8
			}
		}
		got, _ := a.Rotate(shift).Packed()
		if string(got) != string(want) {
			t.Errorf("rotation by %d differs", shift)
		}
	}
	if n != 31 {
		t.Errorf("found %d rotations, want 31", n)
	}
}

// TestDistanceTies: of equal distances the smallest shift wins, then the
// negative one.
func TestDistanceTies(t *testing.T) {
	shape := Shape{1, 16, 1, 1}
	make16 := func(code, mask uint64) *Iris {
		iris, err := NewIrisColumns(shape, []uint64{code}, []uint64{mask})
		if err != nil {
			t.Fatal(err)
		}
		return iris
	}
	zero := make16(0, 0xffff)
	for _, c := range []struct {
		name              string
		p, g              *Iris
		hd, common, shift int
	}{
		{"everything is equal", zero, zero, 0, 16, 0},
		{"two ways round", make16(0x5555, 0xffff), make16(0xaaaa, 0xffff), 0, 16, -1},
		{"positive only", make16(1<<3, 0xffff), make16(1<<5, 0xffff), 0, 16, 2},
		{"no overlap at 0", make16(0, 1<<3), make16(0, 1<<4), 0, 1, 1},
		{"no overlap at all", make16(0, 1), make16(0, 1<<8), 0, 0, 0},
		{"no mask", make16(0xffff, 0), zero, 0, 0, 0},
	} {
		hd, common, shift, err := Distance(c.p, c.g, 7)
		if err != nil || hd != c.hd || common != c.common || shift != c.shift {
			t.Errorf("%s: %d/%d at %d (%v), want %d/%d at %d", c.name, hd, common, shift, err, c.hd, c.common, c.shift)
		}
	}
	for _, shifts := range []int{0, 2, -1, 17} {
		if _, _, _, err := Distance(zero, zero, shifts); err == nil {
			t.Errorf("%d shifts of 16 columns are accepted", shifts)
		}
	}
	if _, _, _, err := Distance(zero, randomIris(t, seeded(1), mpcShape), 7); err == nil {
		t.Error("codes of different shapes are compared")
	}
}

// TestDistanceAgreesWithScores: with Delta out of the way, an entry hits exactly
// when the distance is at most the threshold.
func TestDistanceAgreesWithScores(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := drawScheme(rt)
		if s.Modality != ModalityIris {
			rt.Skip("vectors have no distance")
		}
		r := seeded(rapid.Uint64().Draw(rt, "seed"))
		p, g := randomIris(t, r, s.Shape), randomIris(t, r, s.Shape)
		m, err := NewMatcher(s, p)
		if err != nil {
			rt.Fatal(err)
		}
		scores := make([]int64, s.Shifts)
		m.Scores(g, scores)
		hd, common, shift, err := Distance(p, g, s.Shifts)
		if err != nil {
			rt.Fatal(err)
		}
		if want := s.Alpha*int64(common) - s.Beta*int64(hd); common > 0 && scores[(s.Shifts-1)/2-shift]+s.Delta != want {
			rt.Fatalf("score at shift %d is %d, want %d", shift, scores[(s.Shifts-1)/2-shift]+s.Delta, want)
		}
		near := common > 0 && s.Beta*int64(hd) <= s.Alpha*int64(common)
		for _, score := range scores {
			if score+s.Delta >= 1 && !near {
				rt.Fatal("a score is positive though no distance is below the threshold")
			}
		}
	})
}

// TestMatcherPanics: an entry that was not checked is a programming error.
func TestMatcherPanics(t *testing.T) {
	r := seeded(2)
	iris, vector := mustScheme(t, "iris-2048"), mustScheme(t, "vector-128")
	mi, err := NewMatcher(iris, randomTemplate(t, r, iris))
	if err != nil {
		t.Fatal(err)
	}
	mv, err := NewMatcher(vector, randomTemplate(t, r, vector))
	if err != nil {
		t.Fatal(err)
	}
	for name, f := range map[string]func(){
		"iris to vector":  func() { mi.Hit(randomVector(t, r, 128, 63)) },
		"vector to iris":  func() { mv.Hit(randomIris(t, r, iris.Shape)) },
		"other shape":     func() { mi.Hit(randomIris(t, r, mpcShape)) },
		"other dims":      func() { mv.Hit(randomVector(t, r, 127, 63)) },
		"room for scores": func() { mv.Scores(randomVector(t, r, 128, 63), make([]int64, 2)) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			f()
		}()
	}
	if _, err := NewMatcher(iris, randomVector(t, r, 128, 63)); err == nil {
		t.Error("a matcher is made of a probe that does not fit")
	}
	if _, err := NewMatcher(Scheme{}, nil); err == nil {
		t.Error("a matcher is made of no scheme")
	}
}

func BenchmarkMatcher(b *testing.B) {
	for _, name := range []string{"iris-2048", "iris-12800", "iris-16384", "vector-128", "vector-512"} {
		s := mustScheme(b, name)
		r := seeded(3)
		m, err := NewMatcher(s, randomTemplate(b, r, s))
		if err != nil {
			b.Fatal(err)
		}
		gallery := make([]Template, 256)
		for i := range gallery {
			gallery[i] = randomTemplate(b, r, s)
		}
		b.Run(name, func(b *testing.B) {
			hits := 0
			for i := 0; b.Loop(); i++ {
				if m.Hit(gallery[i%len(gallery)]) {
					hits++
				}
			}
			if hits > b.N/2 {
				b.Fatal("random templates hit", bits.Len(uint(hits)))
			}
		})
	}
}
