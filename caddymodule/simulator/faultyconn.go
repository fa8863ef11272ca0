package simulator

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
)

// faultyConn is a connection of a Listener, which can die between two requests and can go silent.
type faultyConn struct {
	net.Conn
	gate   *gate
	doomed atomic.Bool
	once   sync.Once
	closed chan struct{}
}

// Read hides from the server what arrives after the connection was doomed, and closes it.
func (c *faultyConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.gate.pass(c.closed)
	if n > 0 && c.doomed.Load() {
		c.Close()
		return 0, net.ErrClosed
	}
	return n, err
}

// Write blocks while the connection is silent.
func (c *faultyConn) Write(b []byte) (int, error) {
	c.gate.pass(c.closed)
	return c.Conn.Write(b)
}

// Close closes the connection and ends its silence.
func (c *faultyConn) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}

// NetConn returns the connection inside.
func (c *faultyConn) NetConn() net.Conn { return c.Conn }

// gate holds up what passes while it is shut. The zero gate is open.
type gate struct {
	opening atomic.Pointer[chan struct{}] // closed when the gate opens; nil while it is open
}

// pass blocks until the gate is open or until is closed.
func (g *gate) pass(until <-chan struct{}) {
	if opening := g.opening.Load(); opening != nil {
		select {
		case <-*opening:
		case <-until:
		}
	}
}

func (g *gate) shut() {
	opening := make(chan struct{})
	g.opening.CompareAndSwap(nil, &opening)
}

func (g *gate) open() {
	if opening := g.opening.Swap(nil); opening != nil {
		close(*opening)
	}
}

// connKey finds the connection of a request in its context.
type connKey struct{}

// doom makes the request's connection fail its next request, where a Listener accepted it.
func doom(ctx context.Context) {
	if c, ok := ctx.Value(connKey{}).(*faultyConn); ok && c != nil {
		c.doomed.Store(true)
	}
}

// faultyListener accepts such connections.
type faultyListener struct {
	net.Listener
	gate *gate
}

// Accept implements net.Listener.
func (l faultyListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &faultyConn{Conn: c, gate: l.gate, closed: make(chan struct{})}, nil
}

// underneath finds the faulty connection below TLS.
func underneath(c net.Conn) *faultyConn {
	if t, ok := c.(interface{ NetConn() net.Conn }); ok {
		if f, ok := t.NetConn().(*faultyConn); ok {
			return f
		}
	}
	f, _ := c.(*faultyConn)
	return f
}
