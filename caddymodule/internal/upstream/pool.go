package upstream

import (
	"net/http"
	"sync/atomic"
	"time"
)

// connectionAge is how long connections of one pool are used (reliability row
// 102): a provider that moves to other addresses is followed within that time,
// however busy its connections are.
const connectionAge = 5 * time.Minute

// pool is a transport that begins anew from time to time. Requests under way
// end on the connections they have; what is idle by then is closed, and what
// becomes idle later closes by its own time-out.
type pool struct {
	fresh   func() *http.Transport
	age     time.Duration
	current atomic.Pointer[generation]
}

type generation struct {
	*http.Transport
	born time.Time
}

func newPool(age time.Duration, fresh func() *http.Transport) *pool {
	p := &pool{fresh: fresh, age: age}
	p.current.Store(&generation{fresh(), time.Now()})
	return p
}

// RoundTrip sends r on a connection that is not too old.
func (p *pool) RoundTrip(r *http.Request) (*http.Response, error) {
	return p.transport().RoundTrip(r)
}

func (p *pool) transport() *http.Transport {
	old := p.current.Load()
	now := time.Now()
	if now.Sub(old.born) < p.age {
		return old.Transport
	}
	next := &generation{p.fresh(), now}
	if !p.current.CompareAndSwap(old, next) {
		return p.current.Load().Transport
	}
	old.CloseIdleConnections()
	return next.Transport
}

// CloseIdleConnections closes what no request uses.
func (p *pool) CloseIdleConnections() { p.current.Load().CloseIdleConnections() }

var _ http.RoundTripper = (*pool)(nil)
