package transport

// Task is a piece of computation that a Role hands out. It gives the messages
// to send, in order. It is called once, from any goroutine, possibly while
// other tasks and the role's own methods run, and must not block on anything
// but the processor. An alias, so that the protocol package can declare the
// same type without importing this one.
type Task = func() ([][]byte, error)

// Role is one party's side of one session: a state machine without I/O.
//
// Its methods are not called concurrently. Messages are passed to Receive in
// the order of arrival and may be kept. Tasks are started in the order in which
// they were returned, and their messages are sent in that order.
//
// A role bounds its own memory: Run always reads what the peer sends (if both
// ends stopped reading while they have work to send, neither would go on), so
// Receive must refuse a peer that runs ahead of the protocol's window. Run in
// turn bounds the results that wait for the line; see Options.Ahead.
type Role interface {
	// Start gives the tasks to run before anything is received.
	Start() []Task
	// Receive takes one message. An error ends the session.
	Receive(msg []byte) ([]Task, error)
	// Done reports whether the last message has been received. Tasks may still
	// be running then; the session is complete when their messages are sent.
	Done() bool
}

// Stream is an ordered, reliable, bidirectional flow of messages.
//
// Send and Receive are each called from one goroutine at a time, and may
// overlap. Receive returns io.EOF when the peer has ended its side in order;
// Send returns io.EOF when the peer has ended the stream and Receive knows why.
type Stream interface {
	// Send delivers one message. It may keep msg until it returns.
	Send(msg []byte) error
	// Receive gives the next message, which is the caller's to keep.
	Receive() ([]byte, error)
	// Abort makes pending and later calls of the other two return soon. It may
	// be called at any time and more than once.
	Abort()
}

// Stats counts what one end of a session has moved, as protocol messages and
// their bytes, without framing. Up is what this end sent.
type Stats struct {
	BytesUp, BytesDown int64
	Messages           int64 // both directions
}
