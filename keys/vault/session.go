package vault

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/hashicorp/vault/api"
)

const (
	// A refused login is answered from memory for this long, so that a service
	// under load does not hammer Vault with credentials that do not work.
	refusedFor = time.Second
	// A token that is older than this is replaced after a denial even if it is
	// alive: policies may have been given to its role since.
	oldToken = time.Minute
	// The wait after a failed renewal doubles from the first to the last.
	firstRetry = time.Second
	lastRetry  = 30 * time.Second
)

// session keeps a valid token. Its zero generation means: not logged in.
type session struct {
	connection *connection
	log        *slog.Logger
	stop       context.CancelFunc
	done       chan struct{}

	mu         sync.Mutex
	now        grant
	generation uint64
	since      time.Time
	closed     bool

	login     sync.Mutex // held during a login, before mu
	refused   error
	refusedAt time.Time

	unwrapped     string // guarded by login
	unwrappedFrom [sha256.Size]byte
}

// newSession logs in and starts the renewal.
func newSession(ctx context.Context, c *connection, log *slog.Logger) (*session, error) {
	s := &session{connection: c, log: log, done: make(chan struct{})}
	if err := c.repeat(ctx, "log in", func(ctx context.Context) error { return s.relogin(ctx, 0) }); err != nil {
		return nil, err
	}
	keep, stop := context.WithCancel(context.Background())
	s.stop = stop
	go s.keep(keep)
	return s, nil
}

// current returns the client with the valid token, and its generation.
func (s *session) current() (*api.Client, uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, 0, ErrClosed
	}
	return s.now.client, s.generation, nil
}

// relogin replaces the token of a generation. If another call did so already
// there is nothing to do.
func (s *session) relogin(ctx context.Context, generation uint64) error {
	s.login.Lock()
	defer s.login.Unlock()
	if _, now, err := s.current(); err != nil || now != generation {
		return err
	}
	if s.refused != nil && time.Since(s.refusedAt) < refusedFor {
		return s.refused
	}
	s.refused = nil
	g, err := s.loginOnce(ctx)
	if err != nil {
		if errors.Is(err, ErrLogin) {
			s.refused, s.refusedAt = err, time.Now()
		}
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	g.full = g.ttl
	s.now, s.since = g, time.Now()
	s.generation++
	return nil
}

// do sends a request, again where that may help, and logs in again where the
// token has died.
func (s *session) do(ctx context.Context, r request) (*api.Secret, error) {
	var answer *api.Secret
	renewed := false
	err := s.connection.repeat(ctx, r.op, func(ctx context.Context) error {
		client, generation, err := s.current()
		if err != nil {
			return err
		}
		answer, err = s.connection.once(ctx, client, r)
		if !errors.Is(err, ErrDenied) || renewed || s.connection.config.Auth == AuthAgent {
			return err
		}
		alive, lookErr := s.alive(ctx, client)
		if lookErr != nil {
			return lookErr
		}
		if alive && !s.old(generation) {
			return err
		}
		renewed = true
		if err := s.relogin(ctx, generation); err != nil {
			return err
		}
		if client, _, err = s.current(); err != nil {
			return err
		}
		answer, err = s.connection.once(ctx, client, r)
		return err
	})
	return answer, err
}

// alive asks whether a token is valid: Vault answers 403 both for a dead token
// and for one without the right.
func (s *session) alive(ctx context.Context, client *api.Client) (bool, error) {
	_, err := s.connection.once(ctx, client, request{op: "look up token", path: "auth/token/lookup-self"})
	if errors.Is(err, ErrDenied) {
		return false, nil
	}
	return err == nil, err
}

func (s *session) old(generation uint64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.generation == generation && time.Since(s.since) > oldToken
}

// keep renews the token until its context ends.
func (s *session) keep(ctx context.Context) {
	defer close(s.done)
	retry := firstRetry
	for failed := false; ; {
		s.mu.Lock()
		wait, generation := s.now.ttl, s.generation
		s.mu.Unlock()
		switch {
		case failed:
			wait = min(retry, max(wait/4, 100*time.Millisecond))
			retry = min(2*retry, lastRetry)
		case wait == 0:
			// A token without end, or an agent's: there is nothing to keep. Look
			// now and then whether a relogin brought another.
			wait = time.Minute
		default:
			// 60 to 70 %: services that started together do not renew together.
			// Vault counts in seconds, so one may be missing.
			wait = max(wait-time.Second, wait/4)
			wait = wait*6/10 + rand.N(wait/10+1)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		err := s.renew(ctx, generation)
		switch {
		case err == nil && failed:
			s.log.Info("Vault login is valid again")
		case err != nil && !failed && ctx.Err() == nil:
			s.log.Warn("Vault login could not be renewed; trying on", "error", err)
		}
		if failed = err != nil; !failed {
			retry = firstRetry
		}
	}
}

// renew extends the token's life or, where that gives less than half of
// its first life (near the maximal life, at which a token dies however often it is
// renewed), logs in again.
func (s *session) renew(ctx context.Context, generation uint64) error {
	s.mu.Lock()
	g, now := s.now, s.generation
	s.mu.Unlock()
	if now != generation || g.ttl == 0 {
		return nil
	}
	limit, cancel := context.WithTimeout(ctx, time.Duration(s.connection.config.Timeout))
	defer cancel()
	if g.renewable {
		r := request{op: "renew token", path: "auth/token/renew-self", body: map[string]any{"increment": int(g.full / time.Second)}}
		answer, err := s.connection.once(limit, g.client, r)
		switch {
		case err == nil && answer.Auth != nil:
			if ttl := time.Duration(answer.Auth.LeaseDuration) * time.Second; ttl > g.full/2 {
				s.extend(generation, ttl)
				return nil
			}
		case err != nil && !errors.Is(err, ErrDenied):
			return err
		}
	}
	return s.relogin(limit, generation)
}

// extend notes a token's new life.
func (s *session) extend(generation uint64, ttl time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.generation == generation {
		s.now.ttl = ttl
	}
}

// close ends the renewal and revokes the token if this session made it.
func (s *session) close(ctx context.Context) error {
	s.mu.Lock()
	was, client := s.closed, s.now.client
	s.closed = true
	s.mu.Unlock()
	if was {
		return nil
	}
	s.stop()
	<-s.done
	defer s.connection.http.CloseIdleConnections()
	if auth := s.connection.config.Auth; auth == AuthToken || auth == AuthAgent {
		return nil
	}
	limit, cancel := context.WithTimeout(ctx, min(2*time.Second, time.Duration(s.connection.config.Timeout)))
	defer cancel()
	_, err := s.connection.once(limit, client, request{op: "revoke token", path: "auth/token/revoke-self", body: map[string]any{}})
	if err != nil && !errors.Is(err, ErrDenied) {
		return fmt.Errorf("revoke the token at %s: %w; it ends by itself", s.connection.config.Address, err)
	}
	return nil
}

// Format writes the address alone for every verb.
func (s *session) Format(f fmt.State, _ rune) { io.WriteString(f, s.connection.config.Address) }
