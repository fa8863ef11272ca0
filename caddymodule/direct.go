package caddymodule

import (
	"net/http"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// direct returns what finds the writer for answers below Caddy's guard against
// clients that stop reading. The guard sets a deadline before each write and
// each flush, two for every event of a stream; the gateway watches such clients
// itself, for stall, at the price of noting the time. A guard that is stricter
// than that, by a shorter time, a least rate or an end of all writing, stays,
// and so does whatever else a site has put between the two.
func direct(stall time.Duration) func(http.ResponseWriter) http.ResponseWriter {
	return func(w http.ResponseWriter) http.ResponseWriter {
		guard, ok := w.(*caddyhttp.IdleTimeoutWriter)
		if !ok || guard.ResponseWriterWrapper == nil {
			return w
		}
		if d := &guard.Deadline; d.Timeout < stall || d.MinRate > 0 || !d.HardDeadline.IsZero() {
			return w
		}
		below := guard.ResponseWriter
		if reads, ok := below.(readsOnly); ok {
			below = reads.Unwrap() // it changes deadlines of reading, and passes on all else
		}
		return below
	}
}

// readsOnly is the wrapper that Caddy's server puts below its guard: it directs
// deadlines of reading to the request's body.
type readsOnly interface {
	SetReadDeadline(time.Time) error
	Unwrap() http.ResponseWriter
}
