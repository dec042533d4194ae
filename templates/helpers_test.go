package templates

import (
	"encoding/base64"
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// shared is a folder of further sample data which is not part of the source.
const shared = "../../shared/data"

// sharedFile reads a sample file, or skips the test where it is not there.
func sharedFile(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(shared, name))
	if err != nil {
		t.Skipf("sample data %s is not on this machine", name)
	}
	return b
}

func testdata(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("../testdata/open-iris", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// seeded is a fixed stream of random numbers.
func seeded(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 1)) }

// randomBytes packs random bits for a shape, with the padding clear.
func randomBytes(r *rand.Rand, s Shape) []byte {
	b := make([]byte, s.packedLen())
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	b[len(b)-1] &^= byte(1<<uint(len(b)*8-s.Bits()) - 1)
	return b
}

func randomIris(t testing.TB, r *rand.Rand, s Shape) *Iris {
	t.Helper()
	iris, err := NewIris(s, randomBytes(r, s), randomBytes(r, s))
	if err != nil {
		t.Fatal(err)
	}
	return iris
}

func randomVector(t testing.TB, r *rand.Rand, dims, norm int) Vector {
	t.Helper()
	unit := make([]float64, dims)
	for i := range unit {
		unit[i] = r.NormFloat64()
	}
	v, err := Quantise(unit, norm)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// randomTemplate is an admissible template of a scheme.
func randomTemplate(t testing.TB, r *rand.Rand, s Scheme) Template {
	switch s.Modality {
	case ModalityVector:
		return randomVector(t, r, s.Dims, s.Norm)
	case ModalityFused:
		return randomFused(t, r, s)
	}
	return randomIris(t, r, s.Shape)
}

// randomFused has each part of the scheme with probability 3/4, and one at least.
func randomFused(t testing.TB, r *rand.Rand, s Scheme) *Fused {
	for {
		var eyes [2]*Iris
		for i := range s.Eyes {
			if r.IntN(4) > 0 {
				eyes[i] = randomIris(t, r, s.Shape)
			}
		}
		fingers := map[int]Vector{}
		for _, f := range s.Fingers.Positions() {
			if r.IntN(4) > 0 {
				fingers[f] = randomVector(t, r, s.Dims, s.Norm)
			}
		}
		if eyes == [2]*Iris{} && len(fingers) == 0 {
			continue
		}
		f, err := NewFused(eyes[0], eyes[1], fingers)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
}

// mustScheme gives a scheme by name or text.
func mustScheme(t testing.TB, text string) Scheme {
	t.Helper()
	s, err := SchemeByName(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return s
}

func mustRead(t *testing.T, b []byte, o Options) []Template {
	t.Helper()
	all, err := Read(strings.NewReader(string(b)), o)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// openIrisLine makes a line as iris-mpc reads it.
func openIrisLine(code, mask []byte) string {
	b, _ := json.Marshal(map[string]string{
		"iris_codes": base64.StdEncoding.EncodeToString(code),
		"mask_codes": base64.StdEncoding.EncodeToString(mask),
	})
	return string(b)
}
