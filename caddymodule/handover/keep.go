package handover

import (
	"net"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"
)

// held is what is known of an open connection.
type held struct {
	state atomic.Int32 // its http.ConnState
	// idle is that it was idle when its configuration began to leave, and read
	// what had been read from it by then. The one who leaves has them.
	idle bool
	read uint64
}

func (h *held) is(state http.ConnState) bool { return http.ConnState(h.state.Load()) == state }

// note remembers what a connection is at.
func (s *Server) note(c net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		s.conns.Store(c, new(held)) // whose state is StateNew
	case http.StateActive, http.StateIdle:
		if h, ok := s.conns.Load(c); ok {
			h.(*held).state.Store(int32(state))
		}
	default:
		s.conns.Delete(c)
	}
}

// unsecured goes over the connections without TLS whose server tells what they
// are at.
func (s *Server) unsecured(yield func(*net.TCPConn, *held) bool) {
	if slices.Contains(s.caddy.Protocols, "h2c") {
		return
	}
	s.conns.Range(func(c, h any) bool {
		tcp, ok := c.(*net.TCPConn)
		return !ok || yield(tcp, h.(*held))
	})
}

// Look marks the connections that are idle. Keep follows, after the time that the
// others get to hear of the end.
func (s *Servers) Look() { s.each((*Server).look) }

// Keep takes from the servers what they would close, and keeps it for their
// heirs.
func (s *Servers) Keep() {
	s.each((*Server).keep)
	s.each((*Server).empty)
}

func (s *Server) look() {
	for tcp, h := range s.unsecured {
		if h.is(http.StateIdle) {
			h.read, h.idle = taken(tcp)
		}
	}
}

// keep takes connections from the server, which would close them, and keeps them
// for the heir: those that have not been used yet, and those that have been idle
// since the last look.
func (s *Server) keep() {
	if caddy.Exiting() || s.heir() == nil {
		return
	}
	for tcp, h := range s.unsecured {
		if h.is(http.StateNew) || h.idle && h.is(http.StateIdle) {
			s.take(tcp, h)
		}
	}
}

// take copies the connection and closes the server's own, which the other side
// does not notice. If the server had begun to read a request, there is nobody to
// answer it, and the copy is closed as well.
func (s *Server) take(tcp *net.TCPConn, h *held) {
	if _, known := taken(tcp); !known {
		return
	}
	copied := moved(tcp)
	if copied == nil {
		return
	}
	go func() {
		if s.gone(tcp) && untouched(copied, h.read) {
			s.bequeath(copied)
			return
		}
		copied.Close()
	}()
}

// untouched reports whether exactly so many bytes have ever been read from tcp.
func untouched(tcp *net.TCPConn, read uint64) bool {
	bytes, known := taken(tcp)
	return known && bytes == read
}

// gone waits until the server has given up a connection that was closed.
func (s *Server) gone(tcp *net.TCPConn) bool {
	for deadline := time.Now().Add(time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if _, there := s.conns.Load(tcp); !there {
			return true
		}
	}
	return false
}

// moved returns the connection anew and closes tcp; nil if that cannot be done.
func moved(tcp *net.TCPConn) *net.TCPConn {
	file, err := tcp.File()
	if err != nil {
		return nil
	}
	defer file.Close()
	copied, err := net.FileConn(file)
	if err != nil {
		return nil
	}
	tcp.Close()
	return copied.(*net.TCPConn)
}

// each calls do for all.
func (s *Servers) each(do func(*Server)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range s.known {
		do(one)
	}
}

// Expect reports whether there are connections whose first request has not been
// read.
func (s *Servers) Expect() (yes bool) {
	s.each(func(one *Server) {
		one.conns.Range(func(_, h any) bool {
			yes = yes || h.(*held).is(http.StateNew)
			return !yes
		})
	})
	return yes
}
