package gateway

import (
	"sync"
	"sync/atomic"
)

// Traffic is what is under way, over all gateways of a process: configurations
// that follow one another share it, so that limits hold over a reload, counters
// only grow, and a drain reaches the streams of every configuration. The zero
// value is ready. It is safe for concurrent use.
type Traffic struct {
	// Refusals counts what was turned away or ended because of a ceiling.
	Refusals Refusals

	places    gate
	providers sync.Map // of name to *gate
	streams   atomic.Int64
	pressure  pressure
	draining  atomic.Bool

	mu    sync.Mutex
	open  map[*Exchange]struct{}
	empty chan struct{} // closed when a drain finds nothing open any more
}

// InFlight returns how many exchanges have been admitted and have not ended.
func (t *Traffic) InFlight() int64 {
	inside, _ := t.places.count()
	return inside
}

// Queued returns how many exchanges wait for a place.
func (t *Traffic) Queued() int {
	_, waiting := t.places.count()
	return waiting
}

// Streams returns how many answers are being streamed.
func (t *Traffic) Streams() int64 { return t.streams.Load() }

// AtProvider returns how many attempts are under way at a provider and how many
// exchanges wait to make one, as far as the provider has a ceiling.
func (t *Traffic) AtProvider(name string) (inside int64, waiting int) {
	if g, ok := t.providers.Load(name); ok {
		return g.(*gate).count()
	}
	return 0, 0
}

// Draining reports whether new exchanges are refused because the process goes
// down.
func (t *Traffic) Draining() bool { return t.draining.Load() }

func (t *Traffic) provider(name string) *gate {
	if g, ok := t.providers.Load(name); ok {
		return g.(*gate)
	}
	g, _ := t.providers.LoadOrStore(name, new(gate))
	return g.(*gate)
}

// enter notes that an exchange is open, and leave that it has ended.
func (t *Traffic) enter(x *Exchange) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.open == nil {
		t.open = make(map[*Exchange]struct{})
	}
	t.open[x] = struct{}{}
}

func (t *Traffic) leave(x *Exchange) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.open, x)
	if t.empty != nil && len(t.open) == 0 {
		close(t.empty)
		t.empty = nil
	}
}
