package vault

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// proxied puts a handler between a store and its Vault.
func proxied(t *testing.T, e env, handler func(next http.Handler) http.Handler) Config {
	t.Helper()
	target, err := url.Parse(e.base.Address)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	if conn, err := newConnection(e.admin(t)); err == nil {
		proxy.Transport = conn.http.Transport
	}
	server := httptest.NewServer(handler(proxy))
	t.Cleanup(server.Close)
	c := e.login(t, roleService)
	c.Address, c.CAFile = server.URL, ""
	return c
}

// TestSlow: 100 ms for each request is slow but works; beyond the timeout it is
// ErrTimeout, and a healthy store beside it is not slowed down.
func TestSlow(t *testing.T) {
	e := sharedEnv(t).mount(t)
	var delay atomic.Int64
	delay.Store(int64(100 * time.Millisecond))
	c := proxied(t, e, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			select {
			case <-time.After(time.Duration(delay.Load())):
				next.ServeHTTP(w, r)
			case <-r.Context().Done():
			}
		})
	})
	c.Timeout = Duration(300 * time.Millisecond)
	s := mustOpen(t, c)
	if err := s.Create(t.Context(), "sessions"); err != nil {
		t.Fatal(err)
	}
	delay.Store(int64(5 * time.Second))
	start := time.Now()
	_, err := s.Seed(t.Context(), "sessions")
	want(t, "slow", err, ErrTimeout)
	if took := time.Since(start); took > time.Second {
		t.Errorf("the timeout of 300 ms was kept after %v", took)
	}
	delay.Store(0)
	if _, err := s.Seed(t.Context(), "sessions"); err != nil {
		t.Errorf("fast again: %v", err)
	}
}

// TestVanished: a connection whose other end is gone without a word (a firewall
// forgot it, a machine lost power) is given up, and a new one made.
func TestVanished(t *testing.T) {
	e := sharedEnv(t).mount(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	var generation, dead atomic.Int32 // connections of generations up to dead swallow everything
	go func() {
		for {
			in, err := listener.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", strings.TrimPrefix(e.base.Address, "https://"))
			if err != nil {
				in.Close()
				return
			}
			mine := generation.Load() + 1
			pass := func(to, from net.Conn) {
				defer to.Close()
				buf := make([]byte, 32<<10)
				for {
					n, err := from.Read(buf)
					if err != nil {
						return
					}
					if dead.Load() >= mine {
						continue
					}
					if _, err := to.Write(buf[:n]); err != nil {
						return
					}
				}
			}
			go pass(in, out)
			go pass(out, in)
		}
	}()
	c := e.login(t, roleService)
	c.Address, c.Timeout = "https://"+listener.Addr().String(), Duration(500*time.Millisecond)
	s := mustOpen(t, c)
	if err := s.Create(t.Context(), "sessions"); err != nil {
		t.Fatal(err)
	}
	dead.Store(1)
	generation.Store(1)
	_, err = s.Seed(t.Context(), "sessions")
	if err != nil && !errors.Is(err, ErrTimeout) && !errors.Is(err, ErrUnreachable) {
		t.Errorf("vanished: %v", err)
	}
	start := time.Now()
	eventually(t, "a new connection", func() error { _, err := s.Seed(t.Context(), "sessions"); return err })
	if took := time.Since(start); took > 2*time.Second {
		t.Errorf("it took %v to give up a dead connection", took)
	}
}

// TestFlaky: answers of an overloaded proxy are tried again; answers that make no
// sense are errors without the server's bytes.
func TestFlaky(t *testing.T) {
	e := sharedEnv(t).mount(t)
	var bad atomic.Int32
	var status atomic.Int32
	body := "<html>hvs.someone-elses-token</html>"
	c := proxied(t, e, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if bad.Add(-1) >= 0 {
				w.WriteHeader(int(status.Load()))
				w.Write([]byte(body))
				return
			}
			next.ServeHTTP(w, r)
		})
	})
	c.Timeout = Duration(2 * time.Second)
	s := mustOpen(t, c)
	if err := s.Create(t.Context(), "sessions"); err != nil {
		t.Fatal(err)
	}
	for _, code := range []int32{429, 502, 503, 504} {
		status.Store(code)
		bad.Store(2)
		if _, err := s.Seed(t.Context(), "sessions"); err != nil {
			t.Errorf("two answers %d: %v", code, err)
		}
	}
	for _, tc := range []struct {
		code int32
		body string
	}{{200, body}, {200, `{"data":{"x":"` + strings.Repeat("x", 2*maxAnswer) + `"}}`}, {200, "[]"}, {200, `{"data":[1]}`}, {500, `{"errors":["no"]}`}} {
		status.Store(tc.code)
		body = tc.body
		bad.Store(1)
		_, err := s.Seed(t.Context(), "sessions")
		want(t, "nonsense", err, ErrServer)
		if err != nil && strings.Contains(err.Error(), "someone") {
			t.Errorf("the answer is in the error: %v", err)
		}
	}
}
