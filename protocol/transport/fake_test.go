package transport

import (
	"errors"
	"io"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeRole is a Role made of functions. It is done after want messages.
type fakeRole struct {
	start   []Task
	receive func(msg []byte) ([]Task, error)
	want    int
	got     int
}

func (r *fakeRole) Start() []Task { return r.start }
func (r *fakeRole) Done() bool    { return r.got >= r.want }
func (r *fakeRole) Receive(msg []byte) ([]Task, error) {
	r.got++
	if r.receive == nil {
		return nil, nil
	}
	return r.receive(msg)
}

func sends(msgs ...[]byte) Task { return func() ([][]byte, error) { return msgs, nil } }

// memStream is one end of an in-memory stream. A Send returns when the other
// end has received, as with net.Pipe, unless buffered.
type memStream struct {
	in, out     chan []byte
	inEnd       <-chan struct{} // the other end has ended its side
	outEnd      chan struct{}
	aborted     chan struct{}
	abort, once sync.Once
	sendErr     error // if set, Send fails
	reason      error // if set, what Receive gives at the end instead of io.EOF
}

func memPair(buffer int) (*memStream, *memStream) {
	ab, ba := make(chan []byte, buffer), make(chan []byte, buffer)
	aEnd, bEnd := make(chan struct{}), make(chan struct{})
	return &memStream{in: ba, out: ab, inEnd: bEnd, outEnd: aEnd, aborted: make(chan struct{})},
		&memStream{in: ab, out: ba, inEnd: aEnd, outEnd: bEnd, aborted: make(chan struct{})}
}

var errAborted = errors.New("stream aborted")

func (s *memStream) Send(msg []byte) error {
	if s.sendErr != nil {
		return s.sendErr
	}
	select {
	case <-s.inEnd: // first: a select with several ready cases picks at random
		return io.EOF
	default:
	}
	select {
	case s.out <- msg:
		return nil
	case <-s.inEnd:
		return io.EOF
	case <-s.aborted:
		return errAborted
	}
}

func (s *memStream) Receive() ([]byte, error) {
	select {
	case msg := <-s.in:
		return msg, nil
	case <-s.inEnd:
		select { // what was sent before the end still arrives
		case msg := <-s.in:
			return msg, nil
		default:
		}
		if s.reason != nil {
			return nil, s.reason
		}
		return nil, io.EOF
	case <-s.aborted:
		return nil, errAborted
	}
}

func (s *memStream) Abort() { s.abort.Do(func() { close(s.aborted) }) }
func (s *memStream) end()   { s.once.Do(func() { close(s.outEnd) }) }
