package harness

import (
	"context"
	"time"

	"github.com/aimux/aimux/caddymodule/simulator"
)

// Upstream is a simulated provider on a loopback socket.
type Upstream struct {
	*simulator.Server
	Listener *simulator.Listener
}

// NewUpstream starts a provider that ends with the test.
func NewUpstream(t T, o simulator.Options) *Upstream {
	t.Helper()
	return ListenUpstream(t, o, simulator.ListenOptions{})
}

// ListenUpstream is NewUpstream with a say in how it listens.
func ListenUpstream(t T, o simulator.Options, l simulator.ListenOptions) *Upstream {
	t.Helper()
	s := simulator.New(o)
	listener, err := simulator.Start(s, l)
	if err != nil {
		t.Fatalf("starting an upstream: %v", err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	return &Upstream{Server: s, Listener: listener}
}

// URL returns the base URL, without a path.
func (u *Upstream) URL() string { return u.Listener.URL() }

// As returns the upstream as a provider of that name and kind.
func (u *Upstream) As(name, kind string, keys ...string) Provider {
	return Provider{Name: name, Kind: kind, URL: u.URL(), Keys: keys}
}

// Keys returns the API keys that were used, in the order of the requests.
func (u *Upstream) Keys() []string {
	var keys []string
	for _, r := range u.Requests() {
		keys = append(keys, r.Key)
	}
	return keys
}

// Last returns the newest request; the test fails when there was none.
func (u *Upstream) Last(t T) simulator.Record {
	t.Helper()
	all := u.Requests()
	if len(all) == 0 {
		t.Fatalf("the upstream saw no request")
	}
	return all[len(all)-1]
}

// Wait blocks until done likes the requests; the test fails when that takes
// long.
func (u *Upstream) Wait(t T, what string, done func([]simulator.Record) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := u.Await(ctx, done); err != nil {
		t.Fatalf("the upstream saw no %s: %v", what, err)
	}
}

// WaitFor is Wait for a number of requests.
func (u *Upstream) WaitFor(t T, n int) {
	t.Helper()
	u.Wait(t, "request", func(all []simulator.Record) bool { return len(all) >= n })
}

// WaitCancel blocks until the gateway gave up a request, and returns when.
func (u *Upstream) WaitCancel(t T) time.Time {
	t.Helper()
	var at time.Time
	u.Wait(t, "cancellation", func(all []simulator.Record) bool {
		for _, r := range all {
			if r.Canceled {
				at = r.CanceledAt
				return true
			}
		}
		return false
	})
	return at
}
