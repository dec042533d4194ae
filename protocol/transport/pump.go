package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync"
	"time"
)

// Options of Run. The zero value is usable.
type Options struct {
	// Pool runs the tasks; nil means a pool of this session's own.
	Pool *Pool
	// Ahead is the number of tasks that may have been started, or be finished,
	// before the messages of the oldest are sent. It bounds the memory of
	// results that wait for a slow line to Ahead+2 tasks' output. 0 means twice
	// the workers of the pool.
	Ahead int
	// ReceiveBytes ends the session when the peer has sent more; 0: no bound.
	ReceiveBytes int64
	// PeerTimeout and SendTimeout are those of Limits; 0: none.
	PeerTimeout, SendTimeout time.Duration
	// Progress, if set, is called after every message in either direction, one
	// call at a time. It holds up the session while it runs.
	Progress func(Stats)
}

// Run drives a role over a stream until the role is done and everything it
// produced has been sent, or until the first error: of the role, of a task, of
// the stream, a timeout, or the end of ctx. After an error no further task is
// started; Run waits for the tasks that are running and then returns. When it
// returns, none of its goroutines is left and the stream is no longer in use.
//
// Errors of Role.Receive match ErrPeerProtocol, and so do those of tasks that
// have a method PeerFault; an early end of the stream matches ErrPeerClosed, a
// silent or deaf peer ErrTimeout. Other errors of tasks and those of the stream
// are passed on; the end of ctx gives its cause.
func Run(ctx context.Context, role Role, stream Stream, o Options) (Stats, error) {
	if o.Pool == nil {
		o.Pool = NewPool(0)
	}
	if o.Ahead <= 0 {
		o.Ahead = 2 * o.Pool.Workers()
	}
	p := &pump{
		role: role, stream: stream, o: o,
		queue:    newQueue(),
		inflight: make(chan *job, o.Ahead),
		readDone: make(chan struct{}),
		active:   time.Now(),
	}
	p.ctx, p.fail = context.WithCancelCause(ctx)
	defer p.fail(nil)

	finished := make(chan struct{})
	var watcher sync.WaitGroup
	watcher.Go(func() { p.watch(finished) })
	p.work.Go(p.read)
	p.work.Go(p.dispatch)
	p.work.Go(p.send)
	p.work.Wait()
	close(finished)
	watcher.Wait()

	if p.complete {
		return p.stats, nil
	}
	return p.stats, context.Cause(p.ctx)
}

// pump is the state of one Run.
type pump struct {
	role   Role
	stream Stream
	o      Options

	ctx  context.Context // ends with the session
	fail context.CancelCauseFunc
	work sync.WaitGroup // everything but the watcher

	queue    *queue        // read -> dispatch
	inflight chan *job     // dispatch -> send; its capacity is Options.Ahead
	readDone chan struct{} // closed when read has returned
	complete bool          // set by send at the very end, read after work.Wait

	mu      sync.Mutex
	stats   Stats
	pending int       // tasks handed out whose messages are not all sent
	reading bool      // read is inside stream.Receive
	active  time.Time // when a message last arrived or pending became 0
}

// job is a dispatched task; msgs may be read once done is closed.
type job struct {
	done chan struct{}
	msgs [][]byte
}

// read feeds the role. It never waits for tasks or for sending.
func (p *pump) read() {
	defer close(p.readDone)
	var tasks []Task
	err := safely("Start", func() error { tasks = p.role.Start(); return nil })
	if err != nil {
		p.fail(err)
		return
	}
	p.enqueue(tasks)
	for {
		var done bool
		if err := safely("Done", func() error { done = p.role.Done(); return nil }); err != nil {
			p.fail(err)
			return
		}
		if done {
			p.queue.close()
			return
		}
		msg, err := p.receive()
		if err != nil {
			p.fail(err)
			return
		}
		err = safely("Receive", func() (err error) { tasks, err = p.role.Receive(msg); return err })
		if err != nil {
			p.fail(blame(err))
			return
		}
		p.enqueue(tasks)
	}
}

func (p *pump) receive() ([]byte, error) {
	p.setReading(true)
	msg, err := p.stream.Receive()
	p.setReading(false)
	switch {
	case errors.Is(err, io.EOF):
		return nil, ErrPeerClosed
	case err != nil:
		return nil, fmt.Errorf("receive: %w", err)
	}
	if total := p.count(0, len(msg)); p.o.ReceiveBytes > 0 && total.BytesDown > p.o.ReceiveBytes {
		return nil, fmt.Errorf("%w: it sent more than the %d bytes granted to this session", ErrPeerProtocol, p.o.ReceiveBytes)
	}
	return msg, nil
}

// dispatch starts the tasks in order, as the pool and Options.Ahead allow.
func (p *pump) dispatch() {
	for {
		task := p.queue.pop(p.ctx)
		if task == nil {
			break
		}
		j := &job{done: make(chan struct{})}
		select {
		case p.inflight <- j:
		case <-p.ctx.Done():
			return
		}
		if !p.o.Pool.acquire(p.ctx) {
			return
		}
		p.work.Go(func() {
			defer p.o.Pool.release()
			if err := safely("a task", func() (err error) { j.msgs, err = task(); return err }); err != nil {
				if errors.As(err, new(interface{ PeerFault() })) {
					err = blame(err)
				}
				p.fail(err)
				return
			}
			close(j.done)
		})
	}
	if p.ctx.Err() == nil {
		close(p.inflight)
	}
}

// send delivers the results in the order of the tasks.
func (p *pump) send() {
	for {
		var j *job
		var ok bool
		select {
		case j, ok = <-p.inflight:
		case <-p.ctx.Done():
			return
		}
		if !ok {
			p.complete = true
			return
		}
		select {
		case <-j.done:
		case <-p.ctx.Done():
			return
		}
		for i, msg := range j.msgs {
			if p.ctx.Err() != nil {
				return
			}
			if err := p.deliver(msg); err != nil {
				p.fail(err)
				return
			}
			j.msgs[i] = nil
			p.count(len(msg), 0)
		}
		p.settle()
	}
}

// deliver sends one message within the time allowed for it.
func (p *pump) deliver(msg []byte) error {
	if d := p.o.SendTimeout; d > 0 {
		timer := time.AfterFunc(d, func() {
			p.fail(fmt.Errorf("%w: the peer did not accept a message within %v", ErrTimeout, d))
		})
		defer timer.Stop()
	}
	err := p.stream.Send(msg)
	if err == nil {
		return nil
	}
	if !errors.Is(err, io.EOF) {
		return fmt.Errorf("send: %w", err)
	}
	// The peer has ended the stream; its reason is on the receiving side.
	select {
	case <-p.ctx.Done():
		return context.Cause(p.ctx)
	case <-p.readDone:
	}
	if p.ctx.Err() != nil {
		return context.Cause(p.ctx)
	}
	// The reader was done, so receiving is free: there should be only the reason left.
	switch _, err := p.stream.Receive(); {
	case err == nil:
		return errTooMany
	case errors.Is(err, io.EOF):
		return ErrPeerClosed
	default:
		return fmt.Errorf("send: %w", err)
	}
}

// watch ends a silent session, and aborts the stream when the session fails.
func (p *pump) watch(finished <-chan struct{}) {
	var alarm <-chan time.Time
	var timer *time.Timer
	if p.o.PeerTimeout > 0 {
		timer = time.NewTimer(p.o.PeerTimeout)
		defer timer.Stop()
		alarm = timer.C
	}
	for {
		select {
		case <-finished:
			return
		case <-p.ctx.Done():
			p.stream.Abort()
			return
		case <-alarm:
			left := p.patience()
			if left <= 0 {
				p.fail(fmt.Errorf("%w: nothing came from the peer for %v while it was its turn", ErrTimeout, p.o.PeerTimeout))
				continue
			}
			timer.Reset(left)
		}
	}
}

// patience gives the time that the peer may still stay silent.
func (p *pump) patience() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.pending > 0 || !p.reading {
		return p.o.PeerTimeout
	}
	return p.o.PeerTimeout - time.Since(p.active)
}

func (p *pump) enqueue(tasks []Task) {
	if len(tasks) == 0 {
		return
	}
	p.mu.Lock()
	p.pending += len(tasks)
	p.mu.Unlock()
	p.queue.push(tasks)
}

// settle notes that all messages of a task are sent.
func (p *pump) settle() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.pending--; p.pending == 0 {
		p.active = time.Now()
	}
}

func (p *pump) setReading(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reading = on
	if !on {
		p.active = time.Now()
	}
}

// count adds one message and reports the totals.
func (p *pump) count(up, down int) Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stats.Messages++
	p.stats.BytesUp += int64(up)
	p.stats.BytesDown += int64(down)
	if p.o.Progress != nil {
		p.o.Progress(p.stats)
	}
	return p.stats
}

// blame marks an error of Role.Receive as the peer's doing, except where the
// session could not even be opened, which has reasons of its own.
func blame(err error) error {
	var open *openError
	var broken *panicError
	if errors.As(err, &open) || errors.As(err, &broken) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrPeerProtocol, err)
}

// panicError is a panic in a role. One session's defect must not take down the
// sessions of all other partners, so it is an error of that session alone.
type panicError struct{ what, where string }

func (e *panicError) Error() string {
	return "transport: internal fault (panic) in " + e.what + " at " + e.where
}

// safely calls f and turns a panic into an error. The panic's value may quote
// data, so the error has only its type and the places, without arguments.
func safely(what string, f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &panicError{fmt.Sprintf("%s: %T", what, v), places()}
		}
	}()
	return f()
}

// places lists the functions and lines of the innermost callers.
func places() string {
	pc := make([]uintptr, 16)
	frames := runtime.CallersFrames(pc[:runtime.Callers(3, pc)])
	var b strings.Builder
	for {
		f, more := frames.Next()
		if !strings.HasPrefix(f.Function, "runtime.") {
			fmt.Fprintf(&b, "%s:%d ", f.Function, f.Line)
		}
		if !more {
			return strings.TrimSpace(b.String())
		}
	}
}
