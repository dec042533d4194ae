package kernel

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

func TestChoose(t *testing.T) {
	for _, c := range []struct {
		value     string
		supported bool
		want      string
	}{
		{"", true, "avx512ifma"},
		{"", false, "portable"},
		{"portable", true, "portable"},
		{"portable", false, "portable"},
		{"avx512ifma", true, "avx512ifma"},
		{"avx512ifma", false, "portable"},
		{"AVX512IFMA", true, "avx512ifma"},
		{"neon", true, "avx512ifma"},
		{"neon", false, "portable"},
	} {
		if got := choose(c.value, c.supported); got != c.want {
			t.Errorf("choose(%q, %v) = %q, want %q", c.value, c.supported, got, c.want)
		}
	}
}

// TestVariable runs this program again with the variable set.
func TestVariable(t *testing.T) {
	if os.Getenv("KERNEL_PRINT_NAME") != "" {
		m, err := New(512, primes(512)[0])
		if err != nil {
			t.Fatal(err)
		}
		_, isPortable := m.engine.(*portable)
		if isPortable != (Name() == pathPortable) {
			t.Fatalf("New does not follow Name() = %q", Name())
		}
		t.Log("name=" + Name())
		return
	}
	for _, value := range []string{"", pathPortable, pathIFMA, "nonsense"} {
		c := exec.Command(os.Args[0], "-test.run=^TestVariable$", "-test.v")
		c.Env = append(os.Environ(), Variable+"="+value, "KERNEL_PRINT_NAME=1")
		out, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		if want := "name=" + choose(value, supported()); !strings.Contains(string(out), want+"\n") {
			t.Errorf("with %s=%q the output lacks %s:\n%s", Variable, value, want, out)
		}
	}
}

func TestNewRejects(t *testing.T) {
	good := primes(4096)[0]
	if _, err := New(4096, good); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		n    int
		q    uint64
	}{
		{"degree zero", 0, good},
		{"degree negative", -4096, good},
		{"degree below a block", 32, good},
		{"degree no power of two", 4095, good},
		{"degree too large", 1 << 17, 1<<20 + 1},
		{"modulus zero", 4096, 0},
		{"modulus one", 4096, 1},
		{"modulus not 1 mod 2n", 8192, 40961},
		{"modulus of 51 bits", 64, prime(1<<50+1, 128)},
		{"modulus composite", 64, 129 * 257},
		{"modulus composite, small", 64, 129},
	} {
		if m, err := New(c.n, c.q); err == nil || m != nil {
			t.Errorf("%s: New(%d, %d) = %v, %v", c.name, c.n, c.q, m, err)
		}
	}
}
