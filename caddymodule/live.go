package caddymodule

import (
	"github.com/aimux/aimux/caddymodule/handover"
	"sync"
	"sync/atomic"
)

// live is the runtime in force of one app. It can be replaced while requests
// are under way: each holds the runtime it began with.
//
// The app and its handlers share it; requests may still arrive when the app has
// been cleaned up, and are served until the last of them has let go.
type live struct {
	runtime atomic.Pointer[runtime]
	holders atomic.Int64

	changing sync.Mutex // held while a new runtime is made

	servers  handover.Servers // its handlers stand in
	leaving  atomic.Bool      // connections are told to close with their next answer
	draining atomic.Bool
	drained  sync.WaitGroup
}

// newLive takes over its caller's reference to rt, and is held once.
func newLive(rt *runtime) *live {
	l := new(live)
	l.runtime.Store(rt)
	l.holders.Store(1)
	return l
}

func (l *live) hold() { l.holders.Add(1) }

// drop gives up a hold. With the last one the runtime is released.
func (l *live) drop() {
	if l.holders.Add(-1) == 0 {
		l.runtime.Load().release()
	}
}

// use returns the runtime in force with a reference for its caller, who
// releases it. One that has ended still serves what arrives late: it has only
// given up its share of what was learned.
func (l *live) use() *runtime {
	for {
		rt := l.runtime.Load()
		if rt.acquire() {
			return rt
		}
		if l.runtime.Load() == rt {
			rt.refs.Add(1)
			return rt
		}
	}
}

// now returns the runtime in force for a look at it.
func (l *live) now() *runtime { return l.runtime.Load() }

// replace puts rt in force and lets the one before end with its last exchange.
func (l *live) replace(rt *runtime) { l.runtime.Swap(rt).release() }
