//go:build killpoints

package evidence

import (
	"os"
	"syscall"
)

// At kills this process without warning at the step that PUENTE_KILL_AT names. Only
// programs built with the tag killpoints do this: for the test of crashes.
func At(step string) {
	if os.Getenv("PUENTE_KILL_AT") == step {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
}
