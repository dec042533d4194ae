package suite

import (
	"os"
	"os/exec"
	"runtime"
	"strings"

	"golang.org/x/sys/cpu"
	"golang.org/x/sys/unix"
)

// Machine is where and with what was measured.
type Machine struct {
	Processor  string `json:"processor"`
	Processors int    `json:"processors"`
	Memory     int64  `json:"memory_bytes"`
	System     string `json:"system"`
	Go         string `json:"go"`
	Commit     string `json:"commit"`
	Modified   bool   `json:"modified"` // files of the work tree differ from the commit
	// Kernel is PUENTE_KERNEL, or empty where the program chose the fastest arithmetic.
	Kernel string `json:"kernel"`
	// IFMA reports whether the processor has AVX-512 IFMA, which is then chosen.
	IFMA bool `json:"avx512_ifma"`
}

// thisMachine fills in what can be found out; what cannot is "unknown".
func thisMachine() Machine {
	m := Machine{Processor: "unknown", Processors: runtime.NumCPU(), System: runtime.GOOS + "/" + runtime.GOARCH,
		Go: runtime.Version(), Commit: "unknown", Kernel: os.Getenv("PUENTE_KERNEL"), IFMA: cpu.X86.HasAVX512IFMA}
	if info, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(info)) {
			if name, value, _ := strings.Cut(line, ":"); strings.TrimSpace(name) == "model name" {
				m.Processor = strings.TrimSpace(value)
				break
			}
		}
	}
	var info unix.Sysinfo_t
	if err := unix.Sysinfo(&info); err == nil {
		m.Memory = int64(info.Totalram) * int64(info.Unit)
	}
	if out, err := exec.Command("git", "rev-parse", "HEAD").Output(); err == nil {
		m.Commit = strings.TrimSpace(string(out))
		// Results and the pages made of them do not change what is measured.
		out, err = exec.Command("git", "status", "--porcelain", "--", ":/", ":!/docs").Output()
		m.Modified = err != nil || len(out) > 0
	}
	return m
}
