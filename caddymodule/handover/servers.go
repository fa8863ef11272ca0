// Package handover lets a reload and a change of process cost nobody a request.
//
// When Caddy loads a configuration it starts new servers and shuts the old ones
// down. A server of net/http that shuts down closes its idle connections at
// once, closes without an answer those whose first request it reads only then,
// and closes a connection right after a stream that began before the reload:
// each time a request may be on its way. So what is open is kept for the new
// server:
//
//	Bequeath      the connection of a stream, when that has ended
//	Keep          idle and unused connections, and the queue of the old listener
//	AcceptNoMore  for sockets that outlive the process: newcomers wait in the queue
//
// A connection goes to the server that has the same addresses, protocols, listener
// wrappers and TLS policies (the heir), and to none if client certificates are
// asked for. It goes only if it is certain that nothing of its next request has
// been read: a request whose beginning is missing would be another one. Where
// anything is in doubt, it is closed, as net/http would.
//
// What net/http has read of a connection (inside), its server within Caddy's, and
// the listener of the kernel within that, are found by the names of fields and
// types, since nobody shows them. Should they be called otherwise one day,
// connections are closed as ever, and tests here and in the module notice.
package handover

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"reflect"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// Servers are the servers of Caddy's that a configuration's handlers stand in.
// The zero value is ready for use.
type Servers struct {
	mu    sync.Mutex
	known map[*caddyhttp.Server]*Server
}

// Server is one server of Caddy's. A nil Server keeps nothing.
type Server struct {
	caddy *caddyhttp.Server
	key   string   // what it is at heart; empty: it has no heirs
	conns sync.Map // of net.Conn to *held: those that are open
}

// heirs are the servers in force, by their keys: after a reload those of the new
// configuration.
var heirs sync.Map // of string to *Server

// waiting are connections that have no server until their next request comes, with
// the key of their heirs.
var waiting sync.Map // of net.Conn to string

type connKey struct{}

// Of returns what server is here. Its connections are known from now on: a
// handler asks while it is provisioned.
func (s *Servers) Of(server *caddyhttp.Server) *Server {
	s.mu.Lock()
	defer s.mu.Unlock()
	if found := s.known[server]; found != nil {
		return found
	}
	if s.known == nil {
		s.known = map[*caddyhttp.Server]*Server{}
	}
	made := &Server{caddy: server, key: heart(server)}
	s.known[server] = made
	server.RegisterConnContext(func(ctx context.Context, c net.Conn) context.Context {
		h := &held{conn: c}
		made.conns.Store(c, h)
		return context.WithValue(ctx, connKey{}, h)
	})
	server.RegisterConnState(made.note)
	server.RegisterOnShutdown(func() {
		if heirs.CompareAndDelete(made.key, made) {
			dismiss(made.key) // there is no other
		}
		made.keep()
	})
	return made
}

// dismiss has the connections closed that wait for an heir who will not come.
func dismiss(key string) {
	waiting.Range(func(c, of any) bool {
		if of == key {
			_ = c.(net.Conn).SetDeadline(time.Unix(1, 0))
		}
		return true
	})
}

// Open makes the servers the heirs of those that stood there before. They serve.
func (s *Servers) Open() {
	s.each(func(one *Server) {
		if one.key != "" {
			heirs.Store(one.key, one)
		}
	})
}

// heart returns what a connection need not be made anew for while it stays:
// addresses, protocols and how the other side is proved. A server that wants its
// clients' certificates gets no connection but its own.
func heart(server *caddyhttp.Server) string {
	for _, policy := range server.TLSConnPolicies {
		if policy.ClientAuthentication != nil {
			return ""
		}
	}
	text, err := json.Marshal([]any{server.Listen, server.ListenerWrappersRaw, server.Protocols, server.ListenProtocols, server.TLSConnPolicies})
	if err != nil {
		return ""
	}
	return string(text)
}

// heir returns the HTTP server that stands where s stood; nil if there is none.
func (s *Server) heir() *http.Server {
	found, _ := heirs.Load(s.key)
	if heir, _ := found.(*Server); heir != nil && heir != s {
		return heir.http()
	}
	return nil
}

// http returns the server within Caddy's, which Caddy makes at its start and
// shows to connections only; nil if it is not found.
func (s *Server) http() *http.Server {
	field := reflect.ValueOf(s.caddy).Elem().FieldByName("server")
	if !field.IsValid() || field.Type() != reflect.TypeFor[*http.Server]() {
		return nil
	}
	return (*http.Server)(field.UnsafePointer())
}
