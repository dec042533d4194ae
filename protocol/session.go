package protocol

// A Task is a piece of pure computation that a role hands out. Its messages are to
// be sent in the order in which tasks were handed out; tasks may run at the same time
// as each other and as the role's methods, but are begun in order: a task may wait for
// one that was handed out before it, and for nothing else but the processor.
type Task = func() ([][]byte, error)

// Role is one party of a session: a state machine without connection, clock or
// logger. Its methods are not for concurrent use. After an error the session is
// dead and every further call returns ErrDead.
type Role interface {
	// Start returns what there is to do before anything is received.
	Start() []Task
	// Receive takes one message of the peer. The role may keep the slice.
	Receive(message []byte) ([]Task, error)
	// Done reports whether the last message of the peer has been received.
	Done() bool
}

// Stage is a part of the computation, for measurements.
type Stage int

// The stages in the order of the data.
const (
	StageEncryptProbe Stage = iota
	StageLoadProbe
	StageMultiplyAccumulate
	StageRerandomise
	StageDecryptShares
	StageEncryptPrefixes
	StageCompare
	StageReadVerdicts
	Stages int = iota
)

// A Meter is told when a stage begins on the calling goroutine and returns what to
// call when it ends. A nil Meter measures nothing.
type Meter func(Stage) (end func())

func (m Meter) begin(s Stage) func() {
	if m == nil {
		return func() {}
	}
	return m(s)
}
