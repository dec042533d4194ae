package bench

import (
	"io"
	"sync"
)

// pipe returns the two ends of an in-memory message stream, as a network of
// unlimited speed would be: up to pipeBytes of messages wait until they are read.
func pipe() (a, b *end) {
	x, y := newMailbox(), newMailbox()
	return &end{out: x, in: y}, &end{out: y, in: x}
}

// pipeBytes is like the window of a connection: enough for the messages that the two sides
// have under way, so that neither waits for the other in vain.
const pipeBytes = 4 << 20

// end is one end of a pipe; it implements transport.Stream.
type end struct{ out, in *mailbox }

func (e *end) Send(message []byte) error { return e.out.put(message) }

func (e *end) Receive() ([]byte, error) { return e.in.take() }

func (e *end) Abort() {
	e.out.close()
	e.in.close()
}

type mailbox struct {
	mu       sync.Mutex
	changed  sync.Cond
	messages [][]byte
	bytes    int // of the messages
	closed   bool
}

func newMailbox() *mailbox {
	m := &mailbox{}
	m.changed.L = &m.mu
	return m
}

func (m *mailbox) put(message []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for m.bytes > pipeBytes && !m.closed {
		m.changed.Wait()
	}
	if m.closed {
		return io.EOF
	}
	m.messages = append(m.messages, message)
	m.bytes += len(message)
	m.changed.Broadcast()
	return nil
}

func (m *mailbox) take() ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for len(m.messages) == 0 && !m.closed {
		m.changed.Wait()
	}
	if len(m.messages) == 0 {
		return nil, io.EOF
	}
	message := m.messages[0]
	m.messages = m.messages[1:]
	m.bytes -= len(message)
	m.changed.Broadcast()
	return message, nil
}

// unread puts a message back at the head.
func (m *mailbox) unread(message []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.messages = append([][]byte{message}, m.messages...)
	m.bytes += len(message)
	m.changed.Broadcast()
}

func (m *mailbox) close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	m.changed.Broadcast()
}
