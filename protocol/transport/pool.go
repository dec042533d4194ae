package transport

import (
	"context"
	"runtime"
)

// Pool bounds the number of tasks that run at once, over all sessions that
// share it. Waiting sessions get their turn in the order in which they asked,
// one task at a time, so a long session does not starve a short one.
type Pool struct {
	slots chan struct{}
}

// NewPool makes a pool for workers tasks at once; 0 or less means one for each
// processor that Go uses.
func NewPool(workers int) *Pool {
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	return &Pool{slots: make(chan struct{}, workers)}
}

// Workers gives the number of tasks that may run at once.
func (p *Pool) Workers() int { return cap(p.slots) }

// acquire waits for a free worker and reports false if ctx ended first.
func (p *Pool) acquire(ctx context.Context) bool {
	if ctx.Err() != nil {
		return false // a select would pick at random
	}
	select {
	case p.slots <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

func (p *Pool) release() { <-p.slots }
