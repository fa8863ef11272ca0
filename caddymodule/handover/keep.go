package handover

import (
	"net"
	"net/http"
	"time"

	"github.com/caddyserver/caddy/v2"
)

// Meet gets to know the connection of a request: one that is idle later can be
// kept only if it is known what net/http has read of it. A handler calls it first.
func (s *Server) Meet(w http.ResponseWriter, r *http.Request) {
	if r.ProtoMajor != 1 || s == nil {
		return
	}
	if h, _ := r.Context().Value(connKey{}).(*held); h != nil && h.inside == nil {
		h.inside = insideOf(w)
	}
}

// note tells a connection what net/http says of it, and forgets it at its end.
func (s *Server) note(c net.Conn, state http.ConnState) {
	if state == http.StateClosed || state == http.StateHijacked {
		defer s.conns.Delete(c)
	}
	if h, ok := s.conns.Load(c); ok {
		h.(*held).note(state)
	}
}

const (
	// settleFor bounds the wait for servers that are about to read a request, to
	// which Keep looks every settleStep.
	settleFor  = 100 * time.Millisecond
	settleStep = 2 * time.Millisecond
)

// Keep takes from the servers what they would close, and keeps it for their
// heirs. Servers that have a request before them are given the time to begin
// with it: what they serve they do not close.
func (s *Servers) Keep() {
	s.each((*Server).empty)
	for range settleFor / settleStep {
		soon := false
		s.each(func(one *Server) { soon = one.keep() || soon })
		if !soon {
			return
		}
		time.Sleep(settleStep)
	}
}

// keep takes the connections that are idle or have not been used yet from the
// server, which would close them, and keeps them for the heir. Those with TLS,
// and those that Caddy or a listener wrapper reads itself, stay. It reports
// whether the server is about to read requests.
func (s *Server) keep() (soon bool) {
	if caddy.Exiting() || s.heir() == nil {
		return false
	}
	s.conns.Range(func(c, known any) bool {
		if tcp, ok := c.(*net.TCPConn); ok {
			soon = s.take(tcp, known.(*held)) || soon
		}
		return true
	})
	return soon
}

// take takes a connection, and passes it on when the server has given it up. If
// the server had begun to read a request by then, there is nobody to answer that,
// and the copy is closed as well. It reports whether the server is about to read
// one.
func (s *Server) take(tcp *net.TCPConn, h *held) (soon bool) {
	copied, soon := h.take(tcp)
	if copied == nil {
		return soon
	}
	go func() {
		select {
		case <-h.taken:
			if h.untouched(copied) {
				s.bequeath(copied)
				return
			}
		case <-time.After(time.Second): // it hangs
		}
		copied.Close()
	}()
	return false
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
		one.conns.Range(func(_, known any) bool {
			h := known.(*held)
			h.mu.Lock()
			defer h.mu.Unlock()
			yes = yes || h.state == http.StateNew
			return !yes
		})
	})
	return yes
}
