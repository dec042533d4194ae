package kernel

import (
	"os"

	"golang.org/x/sys/cpu"
)

// Variable names the environment variable that chooses the implementation. It is
// read once, when the program starts.
const Variable = "PUENTE_KERNEL"

const (
	pathIFMA     = "avx512ifma"
	pathPortable = "portable"
)

var chosen = choose(os.Getenv(Variable), supported())

// supported reports whether this build has the assembly and this processor, with
// its operating system, the instructions and registers that it needs.
func supported() bool {
	return haveAssembly && cpu.X86.HasAVX512F && cpu.X86.HasAVX512DQ && cpu.X86.HasAVX512VL && cpu.X86.HasAVX512IFMA &&
		cpu.X86.HasAVX512VPOPCNTDQ
}

// choose is the rule: "portable" is always obeyed; "avx512ifma" and any other
// value, also none, mean the assembly where it is supported and portable elsewhere.
// All give equal results, so that a wrong value costs time and nothing else.
func choose(value string, supported bool) string {
	if value == pathPortable || !supported {
		return pathPortable
	}
	return pathIFMA
}

// Name returns the implementation that New uses: "avx512ifma" or "portable".
func Name() string { return chosen }
