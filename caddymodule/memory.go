package caddymodule

import (
	"os"
	goruntime "runtime"
	"runtime/debug"
	"sync"
)

// gcPercent is how far the heap grows between two collections, unless GOGC says
// otherwise. A gateway's live heap is some 10 MB, most of what it allocates dies
// with its request, and Go's own setting collects a hundred times a second under
// load for the sake of memory that is given back anyway when the load is over.
const gcPercent = 400

// tuned sets gcPercent once in a process.
var tuned = sync.OnceFunc(func() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
})

// idler gives memory back to the system when a process that was busy has become
// idle: at the second look that finds nothing new.
type idler struct {
	seen  uint64 // exchanges, at the last look
	quiet int    // looks since there was something new
	owes  bool   // there was traffic since memory was given back
	free  func()
}

// relax closes the connections to providers that a burst has left.
func (rt *runtime) relax() {
	for _, p := range rt.gateway.Providers {
		if p.Client != nil {
			p.Client.Relax()
		}
	}
}

// giveBack returns to the system what an idle process does not need. What pools
// keep goes with the second collection only, of which FreeOSMemory makes one.
func giveBack() {
	goruntime.GC()
	debug.FreeOSMemory()
	releaseProgram()
}

// idleLooks is how many looks in a row must find nothing.
const idleLooks = 2

// look is called every few seconds.
func (i *idler) look(rt *runtime) {
	if n := rt.answered(); n != i.seen || rt.gateway.InFlight.Load() > 0 {
		i.seen, i.quiet, i.owes = n, 0, true
		return
	}
	i.quiet++
	if i.quiet == idleLooks-1 && i.owes {
		rt.relax() // first, so that what the connections held is given back with the rest
	}
	if i.quiet >= idleLooks && i.owes {
		i.owes = false
		i.free()
	}
}
