package transport

import (
	"context"
	"sync"
)

// queue holds the tasks that a role has handed out and that are not dispatched
// yet, first in, first out. It has no bound of its own; see Role.
type queue struct {
	mu     sync.Mutex
	tasks  []Task
	closed bool
	wake   chan struct{} // holds one token when there may be something new
}

func newQueue() *queue { return &queue{wake: make(chan struct{}, 1)} }

func (q *queue) push(tasks []Task) {
	q.mu.Lock()
	q.tasks = append(q.tasks, tasks...)
	q.mu.Unlock()
	q.signal()
}

// close says that no more tasks will come.
func (q *queue) close() {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	q.signal()
}

func (q *queue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// pop waits for the next task. It gives nil when the queue is closed and empty
// or when ctx has ended. For one consumer.
func (q *queue) pop(ctx context.Context) Task {
	for {
		q.mu.Lock()
		if len(q.tasks) > 0 {
			task := q.tasks[0]
			q.tasks[0] = nil // what it holds can be freed once it has run
			q.tasks = q.tasks[1:]
			q.mu.Unlock()
			return task
		}
		closed := q.closed
		q.mu.Unlock()
		if closed {
			return nil
		}
		select {
		case <-q.wake:
		case <-ctx.Done():
			return nil
		}
	}
}
