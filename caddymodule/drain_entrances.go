package caddymodule

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// entrances are the servers of Caddy's that a configuration's handlers stand in.
type entrances struct {
	mu    sync.Mutex
	known map[*caddyhttp.Server]*entrance
}

// entrance is one server of Caddy's.
type entrance struct {
	server *caddyhttp.Server
	key    string   // what it is at heart; empty: it has no heirs
	conns  sync.Map // of net.Conn to *atomic.Int32, its http.ConnState
}

// heirs are the entrances in force, by their keys: after a reload those of the new
// configuration.
var heirs sync.Map // of string to *entrance

type connKey struct{}

// of returns the entrance of server, whose connections are known from now on.
func (e *entrances) of(server *caddyhttp.Server) *entrance {
	e.mu.Lock()
	defer e.mu.Unlock()
	if found := e.known[server]; found != nil {
		return found
	}
	if e.known == nil {
		e.known = map[*caddyhttp.Server]*entrance{}
	}
	made := &entrance{server: server, key: heart(server)}
	e.known[server] = made
	server.RegisterConnContext(func(ctx context.Context, c net.Conn) context.Context {
		return context.WithValue(ctx, connKey{}, c)
	})
	server.RegisterConnState(made.note)
	server.RegisterOnShutdown(func() {
		heirs.CompareAndDelete(made.key, made)
		made.keep(http.StateNew)
	})
	return made
}

// note remembers what a connection is at.
func (e *entrance) note(c net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		e.conns.Store(c, new(atomic.Int32)) // which is StateNew
	case http.StateActive, http.StateIdle:
		if at, ok := e.conns.Load(c); ok {
			at.(*atomic.Int32).Store(int32(state))
		}
	default:
		e.conns.Delete(c)
	}
}

// expects reports whether there are connections whose first request has not been
// read.
func (e *entrances) expects() (yes bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, one := range e.known {
		one.conns.Range(func(_, at any) bool {
			yes = http.ConnState(at.(*atomic.Int32).Load()) == http.StateNew
			return !yes
		})
		if yes {
			return true
		}
	}
	return false
}

// keep gives connections without TLS on which no request is under way to the
// heir, and takes them from the server, which would close them: those that are
// idle at once, and those that have not been used yet with their first request.
func (e *entrance) keep(states ...http.ConnState) {
	if caddy.Exiting() || e.heir() == nil || slices.Contains(e.server.Protocols, "h2c") {
		return
	}
	e.conns.Range(func(c, at any) bool {
		tcp, ok := c.(*net.TCPConn)
		if !ok || !slices.Contains(states, http.ConnState(at.(*atomic.Int32).Load())) {
			return true
		}
		if copied := moved(tcp); copied != nil {
			go e.bequeath(copied)
		}
		return true
	})
}

// keep is that of all.
func (e *entrances) keep() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, one := range e.known {
		one.keep(http.StateNew, http.StateIdle)
	}
}

// open makes the servers the heirs of those that stood there before. They serve.
func (e *entrances) open() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, one := range e.known {
		if one.key != "" {
			heirs.Store(one.key, one)
		}
	}
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
	text, err := json.Marshal([]any{server.Listen, server.Protocols, server.ListenProtocols, server.TLSConnPolicies})
	if err != nil {
		return ""
	}
	return string(text)
}

// heir returns the HTTP server that stands where e stood; nil if there is none.
func (e *entrance) heir() *http.Server {
	found, _ := heirs.Load(e.key)
	if heir, _ := found.(*entrance); heir != nil && heir != e {
		return heir.http()
	}
	return nil
}

// http returns the server within Caddy's, which Caddy makes at its start and
// shows to connections only; nil if it is not found.
func (e *entrance) http() *http.Server {
	field := reflect.ValueOf(e.server).Elem().FieldByName("server")
	if !field.IsValid() || field.Type() != reflect.TypeFor[*http.Server]() {
		return nil
	}
	return (*http.Server)(field.UnsafePointer())
}
