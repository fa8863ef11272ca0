package telemetry

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// lazy is a series of a metric, looked up when it is first needed and held from
// then on: finding a series by its labels takes ten times as long as counting in
// it, and a series nobody needs should not be scraped.
type lazy[T any] struct{ held atomic.Pointer[T] }

func (l *lazy[T]) get(find func() T) T {
	if p := l.held.Load(); p != nil {
		return *p
	}
	found := find()
	l.held.Store(&found)
	return found
}

// providerHandles are the series of a provider. Failures are rare and found by
// their labels.
type providerHandles struct {
	name     string
	requests [3]lazy[prometheus.Counter] // that went well, by dialect
	streams  lazy[prometheus.Counter]    // that went well
	in, out  lazy[prometheus.Counter]    // bytes
}

// targetHandles are the series of one model of a provider.
type targetHandles struct {
	provider, model, system string

	attempts             lazy[prometheus.Counter] // that went well
	ttft, inter, seconds lazy[prometheus.Observer]
	tokens               [2][len(kinds)]lazy[prometheus.Counter] // stated, estimated
	cost                 lazy[prometheus.Counter]
	genAI                genAIHandles
}

// clientHandles are the series of a configured client.
type clientHandles struct {
	name     string
	requests lazy[prometheus.Counter] // that went well
	tokens   [2]lazy[prometheus.Counter]
	cost     lazy[prometheus.Counter]
}

// The kinds of tokens. The last three are parts of the first two.
var kinds = [...]string{"input", "output", "cache_read", "cache_write", "reasoning"}

// sources are where counts of tokens come from.
var sources = [...]string{"stated", "estimated"}
