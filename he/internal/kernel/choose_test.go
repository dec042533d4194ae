package kernel

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestChoose(t *testing.T) {
	all := All()
	for _, c := range []struct {
		value string
		paths []string
		want  string
	}{
		{"", all, "avx512ifma"},
		{"", all[1:], "avx2"},
		{"", all[2:], "portable"},
		{"portable", all, "portable"},
		{"portable", all[2:], "portable"},
		{"avx2", all, "avx2"},
		{"avx2", all[1:], "avx2"},
		{"avx2", all[2:], "portable"},
		{"avx512ifma", all, "avx512ifma"},
		{"avx512ifma", all[1:], "avx2"},
		{"avx512ifma", all[2:], "portable"},
		{"AVX2", all, "avx512ifma"},
		{"neon", all[1:], "avx2"},
		{"neon", all[2:], "portable"},
	} {
		if got := choose(c.value, c.paths); got != c.want {
			t.Errorf("choose(%q, %v) = %q, want %q", c.value, c.paths, got, c.want)
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
		engine := map[string]string{pathPortable: "*kernel.portable", pathAVX2: "*kernel.avx2", pathIFMA: "*kernel.avx512"}[Name()]
		if got := fmt.Sprintf("%T", m.engine); got != engine {
			t.Fatalf("New returns %s for Name() = %q, want %s", got, Name(), engine)
		}
		t.Log("name=" + Name())
		return
	}
	for _, value := range []string{"", pathPortable, pathAVX2, pathIFMA, "nonsense"} {
		c := exec.Command(os.Args[0], "-test.run=^TestVariable$", "-test.v")
		c.Env = append(os.Environ(), Variable+"="+value, "KERNEL_PRINT_NAME=1")
		out, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		if want := "name=" + choose(value, Paths()); !strings.Contains(string(out), want+"\n") {
			t.Errorf("with %s=%q the output lacks %s:\n%s", Variable, value, want, out)
		}
	}
}

// TestAVX2NeedsNoMore reads in the generated file which instructions it needs, of which
// choose must know, and looks for registers that only AVX-512 has.
func TestAVX2NeedsNoMore(t *testing.T) {
	text, err := os.ReadFile("kernel_avx2_amd64.s")
	if err != nil {
		t.Fatal(err)
	}
	lists := regexp.MustCompile(`(?m)^// Requires: (.*)$`).FindAllSubmatch(text, -1)
	if len(lists) < strings.Count(string(text), "\nTEXT ") || len(lists) == 0 {
		t.Fatalf("%d lists of what routines need", len(lists))
	}
	for _, list := range lists {
		for _, name := range strings.Split(string(list[1]), ", ") {
			if !slices.Contains([]string{"AVX", "AVX2", "FMA3", "MMX+"}, name) {
				t.Errorf("a routine needs %s", name)
			}
		}
	}
	if more := regexp.MustCompile(`\b(Y(1[6-9]|2\d|3[01])|Z\d+|K[0-7])\b`).Find(text); more != nil {
		t.Errorf("a routine uses %s", more)
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
