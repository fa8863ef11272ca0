// Package console serves the operators' side of aimux: a REST API, a live feed
// and the embedded page that uses both.
//
// New makes an http.Handler from a Backend, which is how the console sees the
// gateway, and an auth.Authority, which knows the users. Every request passes
// the guard (exact Host names, origins, content type, size), then exactly one
// entry of the route table, which names the role it takes; what has no entry
// does not exist. A change is written to the audit log before it is made and is
// refused if that fails.
//
// The gateway tells the Feed what happened; while nobody looks at the console
// that costs it one atomic load.
//
// The package knows nothing of Caddy. docs/api.md describes the API for people,
// docs/openapi.json for machines, and a test holds the two against every answer.
package console

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/console/auth"
)

// Backend is the gateway as the console sees it. All parts are required and
// must be safe for concurrent use. An error that is an *Error is told to the
// caller as it is; any other is logged, and the caller is told of a failure
// without its text.
type Backend struct {
	Meta      Meta
	Metrics   Metrics
	Providers Providers
	Keys      Keys
	Models    Models
	Requests  Requests
	Usage     Usage
	Clients   Clients
	Alerts    Alerts
	Audit     Audit
	Config    Config
}

func (b Backend) missing() string {
	parts := []struct {
		name string
		part any
	}{
		{"Meta", b.Meta}, {"Metrics", b.Metrics}, {"Providers", b.Providers}, {"Keys", b.Keys},
		{"Models", b.Models}, {"Requests", b.Requests}, {"Usage", b.Usage}, {"Clients", b.Clients},
		{"Alerts", b.Alerts}, {"Audit", b.Audit}, {"Config", b.Config},
	}
	for _, p := range parts {
		if p.part == nil {
			return p.name
		}
	}
	return ""
}

// Options make a Console.
type Options struct {
	Backend Backend
	// Auth knows the users. It may outlive the console.
	Auth *auth.Authority
	// Hosts are the values of the Host header that are answered, exactly as
	// browsers send them: "127.0.0.1:8081", "console.example.com". Required;
	// see HostsOf.
	Hosts []string
	// Secure reports whether the browser came by TLS. Default: the request has
	// a TLS state.
	Secure func(*http.Request) bool
	// ClientIP is who asks, as far as it can be trusted. Default: the other end
	// of the connection.
	ClientIP func(*http.Request) netip.Addr
	// Now is the clock. Default: time.Now.
	Now func() time.Time
	// Logger is told of failures. Default: slog.Default().
	Logger *slog.Logger
}

// Console is the http.Handler. Close it to end the live feeds.
type Console struct {
	o      Options
	hosts  map[string]bool
	cross  *http.CrossOriginProtection
	routes table
	assets map[string]asset
	feed   *Feed
}

// New returns a console. It starts no goroutine until somebody opens a feed.
func New(o Options) (*Console, error) {
	if name := o.Backend.missing(); name != "" {
		return nil, fmt.Errorf("console: the backend has no %s", name)
	}
	if o.Auth == nil {
		return nil, errors.New("console: no users")
	}
	if len(o.Hosts) == 0 {
		return nil, errors.New("console: no host names that may be answered")
	}
	if o.Secure == nil {
		o.Secure = func(r *http.Request) bool { return r.TLS != nil }
	}
	if o.ClientIP == nil {
		o.ClientIP = peerIP
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	o.Logger = cmp.Or(o.Logger, slog.Default())
	assets, err := loadAssets()
	if err != nil {
		return nil, fmt.Errorf("console: %w", err)
	}
	c := &Console{
		o: o, hosts: map[string]bool{}, cross: http.NewCrossOriginProtection(),
		routes: newTable(routes()), assets: assets,
	}
	for _, h := range o.Hosts {
		c.hosts[strings.ToLower(h)] = true
	}
	c.feed = newFeed(o.Backend, o.Now, o.Logger)
	return c, nil
}

// Feed is where the gateway tells what happens.
func (c *Console) Feed() *Feed { return c.feed }

// Close ends all live feeds and waits until their goroutines are gone. The
// console answers everything else as before; new feeds are refused.
func (c *Console) Close() { c.feed.close() }

// HostsOf returns the host names by which a browser reaches listeners, which
// are written as Caddy writes them. A loopback listener is reached by the name
// localhost and by both loopback addresses; one bound to all addresses has no
// name of its own, so that the user has to give some.
func HostsOf(listeners []string) ([]string, error) {
	var out []string
	for _, l := range listeners {
		ap, err := netip.ParseAddrPort(strings.Replace(strings.TrimPrefix(l, "tcp/"), "localhost:", "127.0.0.1:", 1))
		if err != nil || ap.Addr().IsUnspecified() {
			return nil, fmt.Errorf("console: listener %q has no host name of its own; name the hosts by which the console is reached", l)
		}
		if !ap.Addr().IsLoopback() {
			out = append(out, ap.String())
			continue
		}
		for _, host := range []string{"127.0.0.1", "localhost", "[::1]"} {
			out = append(out, fmt.Sprintf("%s:%d", host, ap.Port()))
		}
	}
	return out, nil
}

func peerIP(r *http.Request) netip.Addr {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap()
}

var _ http.Handler = (*Console)(nil)
