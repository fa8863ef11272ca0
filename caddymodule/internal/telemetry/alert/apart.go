package alert

import (
	"sync"

	"github.com/aimux/aimux/caddymodule/internal/telemetry"
)

// Apart is a Sink for a function that may take long or never come back: it is
// called away from the Watch, with one event after another. If it hangs, a few
// events wait and the oldest are dropped; nothing else waits, not even the end of
// the configuration. There is a goroutine only while there are events.
type Apart struct {
	f func(Event)

	mu      sync.Mutex
	waiting []Event
	busy    bool
	counts  telemetry.DeliveryState
}

// room is how many events may wait in an Apart.
const room = 64

// NewApart returns a Sink that calls f. to is its name in the metrics.
func NewApart(to string, f func(Event)) *Apart {
	return &Apart{f: f, counts: telemetry.DeliveryState{To: to}}
}

// Deliver hands an event over.
func (a *Apart) Deliver(e Event) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.waiting) == room {
		a.waiting = a.waiting[1:]
		a.counts.Dropped++
	}
	a.waiting = append(a.waiting, e)
	if !a.busy {
		a.busy = true
		go a.work()
	}
}

// work ends when nothing waits.
func (a *Apart) work() {
	for {
		a.mu.Lock()
		if len(a.waiting) == 0 {
			a.busy, a.waiting = false, nil
			a.mu.Unlock()
			return
		}
		e := a.waiting[0]
		a.waiting = a.waiting[1:]
		a.mu.Unlock()
		a.f(e)
		a.mu.Lock()
		a.counts.Sent++
		a.mu.Unlock()
	}
}

// State says how the deliveries go.
func (a *Apart) State() telemetry.DeliveryState {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.counts
}

// Interface guard.
var _ Sink = (*Apart)(nil)
