package bench

import (
	"runtime"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/puente-project/puente/protocol"
)

// stopwatch adds up CPU time by stage.
type stopwatch [protocol.Stages]atomic.Int64

// meter is the protocol.Meter of the stopwatch. The goroutine stays on its thread for
// the length of a stage, so that the thread's clock is the stage's.
func (w *stopwatch) meter(s protocol.Stage) func() {
	runtime.LockOSThread()
	start := cpuTime(unix.CLOCK_THREAD_CPUTIME_ID)
	return func() {
		w[s].Add(int64(cpuTime(unix.CLOCK_THREAD_CPUTIME_ID) - start))
		runtime.UnlockOSThread()
	}
}

func (w *stopwatch) stage(s protocol.Stage) time.Duration { return time.Duration(w[s].Load()) }

// cpuTime reads one of the CPU clocks of the process or thread.
func cpuTime(clock int32) time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(clock, &t); err != nil {
		panic("bench: no CPU clock: " + err.Error()) // Linux has had both since 2.6.12
	}
	return time.Duration(t.Nano())
}

// peakRSS returns the largest resident set of the process so far in bytes.
func peakRSS() int64 {
	var usage unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return usage.Maxrss * 1024
}
