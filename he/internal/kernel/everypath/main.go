// Command everypath tests that all implementations of the arithmetic that this processor
// can run give the same bytes:
//
//	go run ./he/internal/kernel/everypath
//
// For each it runs all tests of package he and, of package protocol, those that hold whole
// sessions from fixed seeds against pinned hashes (TestGolden, TestSpec) and against
// themselves at several numbers of threads (TestSameSeedsSameBytes). Since what they are
// compared with is the same for all, passing on each path is the comparison between the
// paths. The other tests of package protocol ask what the bytes mean; one path is enough
// for them, also for the slow second implementation, which pins down the same sessions.
//
// It ends with status 1 if a test fails, if a path was not the one asked for, or if one of
// the tests named here did not run. The last lines say which paths were compared and
// which the processor lacks.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"

	"github.com/puente-project/puente/he/internal/kernel"
)

// runs are the tests: what the output must show, and the arguments.
var runs = []struct{ must, args []string }{
	{
		[]string{"--- PASS: TestGolden ", " arithmetic: PATH\n"},
		[]string{"./he"},
	},
	{
		[]string{"--- PASS: TestSpec ", "--- PASS: TestSameSeedsSameBytes "},
		[]string{"-run", "^(TestSpec|TestSameSeedsSameBytes)$", "./protocol"},
	},
}

func main() {
	paths := kernel.Paths()
	slices.Reverse(paths)
	for _, path := range paths {
		for _, run := range runs {
			if err := test(path, run.must, run.args); err != nil {
				fmt.Fprintf(os.Stderr, "kernels: on the %s path: %v\n", path, err)
				os.Exit(1)
			}
		}
		fmt.Printf("kernels: %s passes\n", path)
	}
	if len(paths) == 1 {
		fmt.Printf("kernels: only %s, nothing to compare it with\n", paths[0])
	} else {
		fmt.Printf("kernels: %s give equal bytes\n", strings.Join(paths, ", "))
	}
	for _, path := range kernel.All() {
		if !slices.Contains(paths, path) {
			fmt.Printf("kernels: %s was not compared, since this processor cannot run it\n", path)
		}
	}
}

// test runs go test with a path chosen. The result is never taken from go's cache, which
// does not see a variable that is read before the tests start.
func test(path string, must, args []string) error {
	c := exec.Command("go", append([]string{"test", "-count=1", "-v", "-vet=off"}, args...)...)
	c.Env = append(os.Environ(), kernel.Variable+"="+path)
	out, err := c.CombinedOutput()
	if err != nil {
		os.Stderr.Write(out)
		return fmt.Errorf("go test %s: %w", strings.Join(args, " "), err)
	}
	for _, line := range must {
		line = strings.ReplaceAll(line, "PATH", path)
		if !strings.Contains(string(out), line) {
			return fmt.Errorf("the output of go test %s lacks %q", strings.Join(args, " "), line)
		}
	}
	return nil
}
