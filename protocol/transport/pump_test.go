package transport

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// The tests run in synctest bubbles: time is simulated, so a day passes in a
// moment and to the nanosecond, and a goroutine that Run leaves behind fails the
// test, because the bubble cannot end.

// gauge watches how many tasks run at once.
type gauge struct{ running, peak, started, ended atomic.Int64 }

func (g *gauge) enter() {
	g.started.Add(1)
	n := g.running.Add(1)
	for {
		old := g.peak.Load()
		if n <= old || g.peak.CompareAndSwap(old, n) {
			return
		}
	}
}
func (g *gauge) leave() { g.running.Add(-1); g.ended.Add(1) }

func TestRunOrder(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		workers := rapid.IntRange(1, 5).Draw(rt, "workers")
		ahead := rapid.IntRange(1, 8).Draw(rt, "ahead")
		slowLine := rapid.IntRange(0, 50).Draw(rt, "line")
		atStart := rapid.SliceOfN(rapid.IntRange(0, 40), 0, 20).Draw(rt, "start")
		perMessage := rapid.SliceOfN(rapid.SliceOfN(rapid.IntRange(0, 40), 0, 5), 0, 8).Draw(rt, "messages")

		var g gauge
		var sent, worst atomic.Int64 // tasks whose first message has arrived
		var want, got []string
		task := func(ms int) Task {
			name := fmt.Sprint("task ", len(want)/2)
			want = append(want, name+" a", name+" b")
			return func() ([][]byte, error) {
				g.enter()
				defer g.leave()
				if n := g.started.Load() - sent.Load(); n > worst.Load() {
					worst.Store(n)
				}
				time.Sleep(time.Duration(ms) * time.Millisecond)
				return [][]byte{[]byte(name + " a"), []byte(name + " b")}, nil
			}
		}
		role := &fakeRole{want: len(perMessage)}
		for _, ms := range atStart {
			role.start = append(role.start, task(ms))
		}
		next := 0
		role.receive = func([]byte) (tasks []Task, err error) {
			for _, ms := range perMessage[next] {
				tasks = append(tasks, task(ms))
			}
			next++
			return tasks, nil
		}
		var stats Stats
		var err error
		synctest.Test(t, func(t *testing.T) {
			a, b := memPair(0)
			var peer sync.WaitGroup
			peer.Go(func() {
				for range perMessage {
					if b.Send([]byte("go")) != nil {
						return
					}
				}
			})
			peer.Go(func() {
				for {
					msg, err := b.Receive()
					if err != nil {
						return
					}
					got = append(got, string(msg))
					if len(got)%2 == 1 {
						sent.Add(1)
					}
					time.Sleep(time.Duration(slowLine) * time.Millisecond)
				}
			})
			stats, err = Run(t.Context(), role, a, Options{Pool: NewPool(workers), Ahead: ahead, PeerTimeout: time.Hour})
			a.end()
			peer.Wait()
		})
		switch {
		case err != nil:
			rt.Fatalf("Run: %v", err)
		case strings.Join(got, "|") != strings.Join(want, "|"):
			rt.Fatalf("messages arrived as %v, want %v", got, want)
		case g.peak.Load() > int64(workers):
			rt.Fatalf("%d tasks ran at once with %d workers", g.peak.Load(), workers)
		case worst.Load() > int64(ahead+2):
			rt.Fatalf("%d tasks were started before the oldest was sent, Ahead is %d", worst.Load(), ahead)
		case stats.Messages != int64(len(want)+len(perMessage)):
			rt.Fatalf("stats count %d messages, want %d", stats.Messages, len(want)+len(perMessage))
		}
	})
}

// TestRunBothProduce has both ends send 64 MiB before either needs an answer,
// over a stream without any buffer. If one end stopped reading while it sends,
// both would hang.
func TestRunBothProduce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n, size = 64, 1 << 20
		role := func(fill byte) *fakeRole {
			r := &fakeRole{want: 2 * n}
			for range n {
				r.start = append(r.start, func() ([][]byte, error) {
					time.Sleep(time.Millisecond)
					return [][]byte{bytes.Repeat([]byte{fill}, size)}, nil
				})
			}
			r.receive = func(msg []byte) ([]Task, error) {
				if len(msg) != size {
					return nil, nil // an answer
				}
				return []Task{sends([]byte{fill})}, nil
			}
			return r
		}
		a, b := memPair(0)
		pool := NewPool(2) // shared, as in a server
		var group sync.WaitGroup
		for _, end := range []struct {
			s *memStream
			r *fakeRole
		}{{a, role('a')}, {b, role('b')}} {
			group.Go(func() {
				calls := int64(0)
				stats, err := Run(t.Context(), end.r, end.s, Options{
					Pool: pool, PeerTimeout: time.Minute, SendTimeout: time.Minute,
					Progress: func(Stats) { calls++ },
				})
				want := Stats{BytesUp: n*size + n, BytesDown: n*size + n, Messages: 4 * n}
				if err != nil || stats != want || calls != stats.Messages {
					t.Errorf("Run gave %+v, %v with %d progress calls; want %+v", stats, err, calls, want)
				}
			})
		}
		group.Wait()
	})
}

// TestRunCancelAnywhere cancels at every millisecond of a session.
func TestRunCancelAnywhere(t *testing.T) {
	finished := false
	for at := 0; !finished; at++ {
		if at > 1000 {
			t.Fatal("the session never completes")
		}
		synctest.Test(t, func(t *testing.T) {
			var g gauge
			slow := func() ([][]byte, error) {
				g.enter()
				defer g.leave()
				time.Sleep(3500 * time.Microsecond)
				return [][]byte{[]byte("x")}, nil
			}
			role := &fakeRole{want: 4, start: []Task{slow, slow, slow}}
			role.receive = func([]byte) ([]Task, error) { return []Task{slow, slow}, nil }
			a, b := memPair(0)
			var peer sync.WaitGroup
			peer.Go(func() {
				for range 4 {
					time.Sleep(2 * time.Millisecond)
					if b.Send([]byte("go")) != nil {
						return
					}
				}
			})
			peer.Go(func() {
				for {
					if _, err := b.Receive(); err != nil {
						return
					}
					time.Sleep(1500 * time.Microsecond)
				}
			})
			cause := errors.New("the operator changed his mind")
			ctx, cancel := context.WithCancelCause(t.Context())
			var cancelled time.Time
			var startedThen int64
			fired := make(chan struct{})
			time.AfterFunc(time.Duration(at)*time.Millisecond, func() {
				defer close(fired)
				cancelled = time.Now()
				cancel(cause)
				synctest.Wait()
				startedThen = g.started.Load()
			})
			_, err := Run(ctx, role, a, Options{Pool: NewPool(2)})
			returned := time.Now()
			<-fired
			took := returned.Sub(cancelled)
			switch {
			case err == nil:
				finished = true
				if g.ended.Load() != 3+4*2 {
					t.Errorf("at %d ms: complete after %d of 11 tasks", at, g.ended.Load())
				}
			case !errors.Is(err, cause):
				t.Errorf("at %d ms: Run: %v, want the cause of the cancellation", at, err)
			case g.started.Load() != startedThen:
				t.Errorf("at %d ms: %d tasks were started after the cancellation", at, g.started.Load()-startedThen)
			case g.running.Load() != 0:
				t.Errorf("at %d ms: Run returned while %d tasks ran", at, g.running.Load())
			case took > 4*time.Millisecond:
				t.Errorf("at %d ms: Run took %v to return", at, took)
			}
			cancel(nil)
			a.end()
			b.Abort()
			peer.Wait()
		})
	}
}

func TestRunFailures(t *testing.T) {
	fault := errors.New("deliberate fault")
	boom := func() ([][]byte, error) { panic("secret value zebra") }
	for name, c := range map[string]struct {
		role *fakeRole
		peer func(a, b *memStream) // plays the other end
		o    Options
		want error
		at   time.Duration // when Run returns
	}{
		"task fails": {
			role: &fakeRole{want: 1, start: []Task{func() ([][]byte, error) { return nil, fault }}},
			want: fault,
		},
		"a later task fails while an earlier one runs": {
			role: &fakeRole{want: 1, start: []Task{
				func() ([][]byte, error) { time.Sleep(time.Second); return nil, nil },
				func() ([][]byte, error) { return nil, fault },
			}},
			want: fault, at: time.Second,
		},
		"a task finds the peer at fault": {
			role: &fakeRole{want: 1, start: []Task{func() ([][]byte, error) { return nil, peerFault{fault} }}},
			want: ErrPeerProtocol,
		},
		"receive fails": {
			role: &fakeRole{want: 2, receive: func([]byte) ([]Task, error) { return nil, fault }},
			peer: func(_, b *memStream) { b.Send([]byte("x")) },
			want: ErrPeerProtocol,
		},
		"send fails": {
			role: &fakeRole{want: 1, start: []Task{sends([]byte("x"))}},
			peer: func(a, _ *memStream) {},
			want: fault,
		},
		"peer closes early": {
			role: &fakeRole{want: 2},
			peer: func(_, b *memStream) { b.Send([]byte("x")); time.Sleep(time.Second); b.end() },
			want: ErrPeerClosed, at: time.Second,
		},
		"peer ends the stream with a reason while we send": {
			role: &fakeRole{want: 1, start: []Task{sends([]byte("x"))}},
			peer: func(a, b *memStream) { a.reason = fault; b.end() },
			want: fault,
		},
		"peer ends the stream with a reason when only our sending is left": {
			role: &fakeRole{want: 1, start: []Task{func() ([][]byte, error) { time.Sleep(time.Second); return [][]byte{{1}}, nil }}},
			peer: func(a, b *memStream) { b.Send([]byte("x")); a.reason = fault; b.end() },
			want: fault, at: time.Second,
		},
		"peer ends the stream with a message too many when only our sending is left": {
			role: &fakeRole{want: 1, start: []Task{func() ([][]byte, error) { time.Sleep(time.Second); return [][]byte{{1}}, nil }}},
			peer: func(_, b *memStream) { b.Send([]byte("x")); b.Send([]byte("y")); b.end() },
			want: ErrPeerProtocol, at: time.Second,
		},
		"peer is silent from the start": {
			role: &fakeRole{want: 1}, peer: func(_, b *memStream) {},
			o: Options{PeerTimeout: time.Minute}, want: ErrTimeout, at: time.Minute,
		},
		"peer falls silent after a message": {
			role: &fakeRole{want: 2},
			peer: func(_, b *memStream) { time.Sleep(59 * time.Second); b.Send([]byte("x")) },
			o:    Options{PeerTimeout: time.Minute}, want: ErrTimeout, at: 119 * time.Second,
		},
		"peer falls silent after our work": {
			role: &fakeRole{want: 1, start: []Task{func() ([][]byte, error) { time.Sleep(time.Hour); return [][]byte{{1}}, nil }}},
			peer: func(_, b *memStream) { b.Receive() },
			o:    Options{PeerTimeout: time.Minute}, want: ErrTimeout, at: time.Hour + time.Minute,
		},
		"peer does not read": {
			role: &fakeRole{want: 1, start: []Task{sends([]byte("x"))}}, peer: func(_, b *memStream) {},
			o: Options{PeerTimeout: time.Hour, SendTimeout: time.Minute}, want: ErrTimeout, at: time.Minute,
		},
		"peer sends too much": {
			role: &fakeRole{want: 3},
			peer: func(_, b *memStream) { b.Send(make([]byte, 60)); b.Send(make([]byte, 60)) },
			o:    Options{ReceiveBytes: 100}, want: ErrPeerProtocol,
		},
		"task panics":    {role: &fakeRole{want: 1, start: []Task{boom}}, want: errAnyPanic},
		"receive panics": {role: &fakeRole{want: 2, receive: func([]byte) ([]Task, error) { panic("secret value zebra") }}, peer: func(_, b *memStream) { b.Send([]byte("x")) }, want: errAnyPanic},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, b := memPair(1)
				if name == "send fails" {
					a.sendErr = fault
				}
				if name == "peer does not read" {
					a.out <- []byte("fills the buffer")
				}
				var peer sync.WaitGroup
				if c.peer != nil {
					peer.Go(func() { c.peer(a, b) })
				}
				began := time.Now()
				_, err := Run(t.Context(), c.role, a, c.o)
				if took := time.Since(began); took != c.at {
					t.Errorf("Run returned after %v, want %v", took, c.at)
				}
				var p *panicError
				if c.want == errAnyPanic {
					if !errors.As(err, &p) || strings.Contains(err.Error(), "zebra") || !strings.Contains(err.Error(), "transport.") {
						t.Errorf("Run: %v, want a panic's place without its value", err)
					}
					if errors.Is(err, ErrPeerProtocol) {
						t.Errorf("a panic of ours is blamed on the peer: %v", err)
					}
				} else if !errors.Is(err, c.want) {
					t.Errorf("Run: %v, want %v", err, c.want)
				}
				b.Abort()
				peer.Wait()
			})
		})
	}
}

// peerFault marks an error as the protocol package does.
type peerFault struct{ error }

func (peerFault) PeerFault() {}

var errAnyPanic = errors.New("any panic")

// TestRunPatience: a peer may be silent for as long as this end has work.
func TestRunPatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := memPair(0)
		role := &fakeRole{want: 1, start: []Task{func() ([][]byte, error) { time.Sleep(24 * time.Hour); return [][]byte{{1}}, nil }}}
		go func() { b.Receive(); time.Sleep(59 * time.Second); b.Send([]byte("thanks")) }()
		if _, err := Run(t.Context(), role, a, Options{PeerTimeout: time.Minute}); err != nil {
			t.Errorf("Run: %v, want patience while the task runs", err)
		}
	})
}

// TestPoolShared runs many sessions over one pool: the bound is of the pool, and
// a session with few tasks is not stuck behind one with many.
func TestPoolShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const workers = 3
		pool := NewPool(workers)
		var g gauge
		var group sync.WaitGroup
		run := func(tasks int) (took time.Duration) {
			role := &fakeRole{}
			for range tasks {
				role.start = append(role.start, func() ([][]byte, error) {
					g.enter()
					defer g.leave()
					time.Sleep(time.Second)
					return nil, nil
				})
			}
			a, _ := memPair(0)
			began := time.Now()
			if _, err := Run(t.Context(), role, a, Options{Pool: pool, Ahead: 100}); err != nil {
				t.Errorf("Run: %v", err)
			}
			return time.Since(began)
		}
		for range 4 {
			group.Go(func() { run(300) })
		}
		time.Sleep(time.Millisecond)
		if took := run(3); took > 10*time.Second {
			t.Errorf("three tasks took %v beside four long sessions", took)
		}
		group.Wait()
		if g.peak.Load() != workers {
			t.Errorf("%d tasks ran at once, want exactly %d", g.peak.Load(), workers)
		}
	})
}
