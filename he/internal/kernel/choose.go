package kernel

import (
	"os"
	"slices"

	"golang.org/x/sys/cpu"
)

// Variable names the environment variable that chooses the implementation. It is
// read once, when the program starts.
const Variable = "PUENTE_KERNEL"

const (
	pathIFMA     = "avx512ifma"
	pathAVX2     = "avx2"
	pathPortable = "portable"
)

var chosen = choose(os.Getenv(Variable), Paths())

// All returns the names of all implementations, the fastest first: "avx512ifma", "avx2"
// and "portable".
func All() []string { return []string{pathIFMA, pathAVX2, pathPortable} }

// Paths returns those of All that this build has and this processor, with its operating
// system, can run: "portable" always.
func Paths() []string {
	return slices.DeleteFunc(All(), func(path string) bool {
		return path == pathIFMA && !supported() || path == pathAVX2 && !supportedAVX2()
	})
}

// supported reports whether there are the instructions and registers that the
// AVX-512 assembly needs.
func supported() bool {
	return haveAssembly && cpu.X86.HasAVX512F && cpu.X86.HasAVX512DQ && cpu.X86.HasAVX512VL && cpu.X86.HasAVX512IFMA &&
		cpu.X86.HasAVX512VPOPCNTDQ
}

// supportedAVX2 reports the same for the AVX2 assembly.
func supportedAVX2() bool { return haveAssembly && cpu.X86.HasAVX2 && cpu.X86.HasFMA }

// choose is the rule: the name of an implementation that can run is obeyed; any other
// value, also none, means the fastest. All give equal results, so that a wrong value
// costs time and nothing else.
func choose(value string, paths []string) string {
	if slices.Contains(paths, value) {
		return value
	}
	return paths[0]
}

// Name returns the implementation that New uses, one of Paths.
func Name() string { return chosen }
