package transport

import (
	"fmt"
	"sync"
)

// admission counts what runs at one time, in all and for each partner.
type admission struct {
	what       string // plural, for the error
	total, per int    // limits

	mu        sync.Mutex
	running   int
	byPartner map[string]int
}

func newAdmission(what string, total, per int) *admission {
	return &admission{what: what, total: total, per: per, byPartner: map[string]int{}}
}

// enter takes a place and gives the function that returns it, to be called once.
func (a *admission) enter(partner string) (leave func(), err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.byPartner[partner] >= a.per:
		return nil, Refuse(ClassExhausted, fmt.Sprintf("you have %d %s running, the most allowed; try again later", a.per, a.what), nil)
	case a.running >= a.total:
		return nil, Refuse(ClassExhausted, fmt.Sprintf("too many %s are running; try again later", a.what), nil)
	}
	a.running++
	a.byPartner[partner]++
	return func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.running--
		if a.byPartner[partner]--; a.byPartner[partner] == 0 {
			delete(a.byPartner, partner)
		}
	}, nil
}
