package gateway

import (
	"iter"
	"sync/atomic"
)

// Ceiling is one of the limits that keep a client, or a provider, from taking
// the whole machine.
type Ceiling uint8

// The ceilings, in the order of the stages that hold them.
const (
	CeilingDraining    Ceiling = iota // the process is going down
	CeilingFiles                      // file descriptors
	CeilingMemory                     // near the memory limit
	CeilingInFlight                   // the queue for a place is full
	CeilingQueueWait                  // no place became free in time
	CeilingHeader                     // request headers
	CeilingBody                       // request body
	CeilingBodyTime                   // the request body came too slowly
	CeilingDepth                      // nesting of the request
	CeilingStreams                    // open streams
	CeilingProvider                   // exchanges at one provider
	CeilingEvent                      // one event of an answer
	CeilingResponse                   // a whole answer
	CeilingEncoding                   // a compressed answer that grows without end
	CeilingClientStall                // the client stopped reading
	ceilings
)

var ceilingNames = [ceilings]string{
	CeilingDraining: "draining", CeilingFiles: "files", CeilingMemory: "memory", CeilingInFlight: "in_flight",
	CeilingQueueWait: "queue_wait", CeilingHeader: "header_bytes", CeilingBody: "body", CeilingBodyTime: "body_time",
	CeilingDepth: "depth", CeilingStreams: "streams", CeilingProvider: "provider_in_flight", CeilingEvent: "event",
	CeilingResponse: "response", CeilingEncoding: "decompression", CeilingClientStall: "client_stall",
}

// String returns the name used in metrics.
func (c Ceiling) String() string {
	if c < ceilings {
		return ceilingNames[c]
	}
	return "unknown"
}

// Refusals counts, by ceiling, what was refused or ended because of it. The
// zero value is ready. It is safe for concurrent use.
type Refusals struct{ counts [ceilings]atomic.Int64 }

func (r *Refusals) add(c Ceiling) { r.counts[c].Add(1) }

// Count returns how often a ceiling was reached.
func (r *Refusals) Count(c Ceiling) int64 { return r.counts[c].Load() }

// All yields every ceiling's name and how often it was reached.
func (r *Refusals) All() iter.Seq2[string, int64] {
	return func(yield func(string, int64) bool) {
		for c := range r.counts {
			if !yield(ceilingNames[c], r.counts[c].Load()) {
				return
			}
		}
	}
}
