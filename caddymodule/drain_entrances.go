package caddymodule

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"reflect"
	"sync"

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
	conns  sync.Map // of net.Conn to *held
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
		made.keep()
	})
	return made
}

// open makes the servers the heirs of those that stood there before. They serve.
func (e *entrances) open() {
	e.each(func(one *entrance) {
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
