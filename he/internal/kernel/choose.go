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

// Paths returns the implementations that this build has and this processor, with its
// operating system, can run, the fastest first: some of "avx512ifma", "avx2" and
// "portable", of which the last always.
func Paths() []string {
	var paths []string
	if supported() {
		paths = append(paths, pathIFMA)
	}
	if haveAssembly && cpu.X86.HasAVX2 && cpu.X86.HasFMA {
		paths = append(paths, pathAVX2)
	}
	return append(paths, pathPortable)
}

// supported reports whether there are the instructions and registers that the
// AVX-512 assembly needs.
func supported() bool {
	return haveAssembly && cpu.X86.HasAVX512F && cpu.X86.HasAVX512DQ && cpu.X86.HasAVX512VL && cpu.X86.HasAVX512IFMA &&
		cpu.X86.HasAVX512VPOPCNTDQ
}

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
