package transport

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// gate is a listener that bounds connections: those that have not shown a
// partner's certificate in number over all, those that have by partner. So a
// flood of strangers cannot displace a partner's connection, nor one partner
// another's.
type gate struct {
	net.Listener
	limits Limits

	mu         sync.Mutex
	closing    bool
	strangers  int
	byPartner  map[string]int
	turnedAway int64
}

func newGate(l net.Listener, limits Limits) *gate {
	return &gate{Listener: l, limits: limits, byPartner: map[string]int{}}
}

// Accept gives the next connection for which there is room and closes others.
func (g *gate) Accept() (net.Conn, error) {
	for {
		c, err := g.Listener.Accept()
		if err != nil {
			return nil, err
		}
		g.mu.Lock()
		room := g.strangers < g.limits.Handshakes
		if room {
			g.strangers++
		} else {
			g.turnedAway++
		}
		g.mu.Unlock()
		if room {
			return &gatedConn{Conn: c, gate: g}, nil
		}
		c.Close()
	}
}

// drain stops the lingering of refused connections, for a quick shutdown.
func (g *gate) drain() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closing = true
}

// config makes a TLS configuration that tells the gate which partner has come.
func (g *gate) config(base *tls.Config, partnerOf func(tls.ConnectionState) (string, error)) *tls.Config {
	outer := base.Clone()
	outer.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		c, ok := hello.Conn.(*gatedConn)
		if !ok {
			return nil, fmt.Errorf("transport: a connection came past the gate")
		}
		inner := base.Clone()
		inner.VerifyConnection = func(state tls.ConnectionState) error {
			partner, err := partnerOf(state)
			if err != nil {
				return err
			}
			return c.admit(partner)
		}
		return inner, nil
	}
	return outer
}

// gatedConn is a connection that holds one of the gate's places.
type gatedConn struct {
	net.Conn
	gate    *gate
	partner string // once admitted; guarded by gate.mu
	closed  bool   // guarded by gate.mu
}

// admit moves the connection from the strangers' places to the partner's.
func (c *gatedConn) admit(partner string) error {
	g := c.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	if c.closed || c.partner != "" {
		return net.ErrClosed
	}
	if g.byPartner[partner] >= g.limits.ConnectionsPerPartner {
		return fmt.Errorf("transport: partner %q already has %d connections", partner, g.limits.ConnectionsPerPartner)
	}
	g.byPartner[partner]++
	g.strangers--
	c.partner = partner
	return nil
}

// Close gives the place back. A peer that was refused in the handshake has
// probably sent its first request already; closing at once would answer that
// with a reset, which overtakes the alert that says why. So the connection is
// closed for writing, and read for a moment.
func (c *gatedConn) Close() error {
	g := c.gate
	g.mu.Lock()
	again, linger := c.closed, c.partner == "" && !g.closing
	c.closed = true
	g.mu.Unlock()
	if again {
		return net.ErrClosed
	}
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok && linger && half.CloseWrite() == nil {
		_ = c.SetReadDeadline(time.Now().Add(lingerTime))
		_, _ = io.CopyN(io.Discard, c.Conn, lingerBytes)
	}
	err := c.Conn.Close()
	g.mu.Lock()
	defer g.mu.Unlock()
	if c.partner == "" {
		g.strangers--
		return err
	}
	if g.byPartner[c.partner]--; g.byPartner[c.partner] == 0 {
		delete(g.byPartner, c.partner)
	}
	return err
}
