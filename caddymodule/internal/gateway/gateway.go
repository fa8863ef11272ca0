// Package gateway is the request pipeline: what happens between a client's
// request and the answer it gets.
//
// The stages, in this order:
//
//	admit         while the process goes down, or is out of descriptors, nobody
//	authenticate  who asks, before anything of the body is read
//	place         a place among the exchanges under way, waited for in turn
//	accept        the body, read once under a cap
//	decode        one pass over the bytes for what routing needs
//	authorize     may this client ask for this model
//	route         model name → ranked targets
//	reserve       what the request may come to, from the client's limits
//	— attempt loop, until commit or until the budget is spent —
//	select        a key from the target's pool
//	encode        the client's own bytes with the model spliced in, or a translation
//	send          up to the first event that bears content
//	commit        status and headers to the client; no failover from here on
//	relay         events to the client, one by one
//	settle        key returned, usage and latency recorded, one log line
//
// A Gateway is immutable and serves any number of exchanges at once. What it
// learns lives in the keys' and targets' states, which outlive it. It knows
// nothing of Caddy.
package gateway

import (
	"log/slog"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/clock"
	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/failover"
	"github.com/aimux/aimux/caddymodule/internal/keypool"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/aimux/aimux/caddymodule/internal/provider"
	"github.com/aimux/aimux/caddymodule/internal/route"
	"github.com/aimux/aimux/caddymodule/internal/upstream"
)

// Options is what a Gateway is made of. Dialects, Router, Providers and Budget
// are required.
type Options struct {
	Dialects  *dialect.Set
	Router    *route.Router
	Providers map[string]*Provider // by name
	Budget    *failover.Budget
	Limits    Limits
	// Clients tells who asks. Default: everyone may, and is nobody in particular.
	Clients Clients
	// ClientIP returns the address a request comes from. Default: its
	// connection's peer.
	ClientIP func(*http.Request) netip.Addr
	// AskUsage has Chat streams state their tokens even if the client did not
	// ask for that; the chunk that does so is kept from it.
	AskUsage bool
	// Trace returns the traceparent to tell a provider of an attempt that is about
	// to be made. Default: it is told none.
	Trace func(*Record) string
	// Strippers take out sealed thinking, by the provider's dialect. Default:
	// none.
	Strippers map[llm.Dialect]Stripper
	// Pins remembers who made answers that requests refer to. Default: one of
	// its own.
	Pins *Pins
	// Models is what the model lists show. Default: nothing.
	Models []ModelInfo
	// Tokens estimates the size of prompts. Default: it is not estimated.
	Tokens Tokens
	// Observer is told of every exchange that ended. Default: nobody.
	Observer Observer
	// Capture keeps what clients sent and what they were sent, for operators who
	// asked for it. Default: nothing is kept.
	Capture Capture
	// Ready reports whether new work is welcome; /readyz says so. Default: always.
	Ready func() bool
	// Logger gets one line an exchange. Default: none.
	Logger *slog.Logger
	// LogLevel is from which outcome on an exchange gets its line: LogAll,
	// LogFailures or LogNone. Default: LogAll.
	LogLevel LogLevel
	// Traffic is what is under way; successive gateways of one process share it.
	// Default: one of its own.
	Traffic *Traffic
	// InFlight counts the exchanges that have been admitted and have not ended,
	// for metrics. Default: one of its own.
	InFlight *atomic.Int64
	// Direct returns where an answer is written to that was asked for through w: w,
	// or a writer below it, if those between do nothing that the gateway does not
	// do itself. Default: w.
	Direct func(w http.ResponseWriter) http.ResponseWriter
	// Now is the clock. Default: clock.Now.
	Now func() time.Time
	// Version is shown at "/".
	Version string
}

// Provider is one upstream with its keys.
type Provider struct {
	Name   string
	Vendor *provider.Vendor
	Client *upstream.Client
	Keys   *keypool.Pool
	// MaxInFlight is how many attempts may be under way at once. Default: no
	// limit.
	MaxInFlight int64

	policies sync.Map // of policyKey to *dialect.Policy
	urls     sync.Map // of urlKey to *url.URL
}

// Limits are the ceilings of one exchange. A zero field takes its default.
type Limits struct {
	Body     int64 // bytes of a request body. Default: 32 MiB
	Depth    int   // nesting of a request body. Default: 128
	Response int64 // bytes of a whole answer. Default: 64 MiB
	Event    int   // bytes of one stream event. Default: 8 MiB
	Header   int   // bytes of all request headers. Default: 64 KiB
	InFlight int64 // exchanges at once. Default: no limit
	Streams  int64 // of those, streaming ones. Default: no limit
	// Queue is how many exchanges may wait for a place among those in flight, in
	// the order they came; below 0, none. Default: 256.
	Queue int
	// QueueWait is how long one may wait. Default: 5s.
	QueueWait time.Duration
	// Memory is the number of live bytes of which exchanges may use nine tenths:
	// what is too large for the rest is refused. Default: GOMEMLIMIT, if set.
	Memory int64
	// Files is how many descriptors may be open, some of them kept in reserve.
	// Default: what the operating system allows.
	Files int64
	// Decompression is how many bytes one byte of a compressed answer may
	// become. Default: 200
	Decompression int
	BodyIdle      time.Duration // between two reads of a request body. Default: 30s
	BodyTotal     time.Duration // for a whole request body. Default: 2m
	FirstPing     time.Duration // of silence before a stream is kept alive. Default: 10s
	Ping          time.Duration // of silence between pings. Default: 15s
	ClientStall   time.Duration // that a client may read nothing of what is sent. Default: 60s
}

func (l Limits) withDefaults() Limits {
	l.Body = or(l.Body, 32<<20)
	l.Depth = or(l.Depth, 128)
	l.Response = or(l.Response, 64<<20)
	l.Event = or(l.Event, 8<<20)
	l.Header = or(l.Header, 64<<10)
	l.Decompression = or(l.Decompression, 200)
	l.BodyIdle = or(l.BodyIdle, 30*time.Second)
	l.BodyTotal = or(l.BodyTotal, 2*time.Minute)
	l.FirstPing = or(l.FirstPing, 10*time.Second)
	l.Ping = or(l.Ping, 15*time.Second)
	l.ClientStall = or(l.ClientStall, time.Minute)
	l.QueueWait = or(l.QueueWait, 5*time.Second)
	if l.Queue == 0 {
		l.Queue = 256
	}
	return l
}

func or[T int | int64 | time.Duration](value, otherwise T) T {
	if value > 0 {
		return value
	}
	return otherwise
}

// Gateway serves exchanges. Make one with New.
type Gateway struct{ Options }

// New returns a gateway.
func New(o Options) *Gateway {
	o.Limits = o.Limits.withDefaults()
	if o.Clients == nil {
		o.Clients = everyone{}
	}
	if o.ClientIP == nil {
		o.ClientIP = peer
	}
	if o.Observer == nil {
		o.Observer = nobody{}
	}
	if o.Ready == nil {
		o.Ready = func() bool { return true }
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Pins == nil {
		o.Pins = new(Pins)
	}
	if o.InFlight == nil {
		o.InFlight = new(atomic.Int64)
	}
	if o.Traffic == nil {
		o.Traffic = new(Traffic)
	}
	if o.Direct == nil {
		o.Direct = func(w http.ResponseWriter) http.ResponseWriter { return w }
	}
	if o.Now == nil {
		o.Now = clock.Now
	}
	return &Gateway{Options: o}
}

// stages is what every request to a model goes through. attempt is the loop
// over select, encode, send, commit and relay; settle is deferred.
var stages = [...]func(*Exchange) *llm.Error{
	(*Exchange).admit,
	(*Exchange).authenticate,
	(*Exchange).place,
	(*Exchange).accept,
	(*Exchange).decode,
	(*Exchange).openStream,
	(*Exchange).authorize,
	(*Exchange).route,
	(*Exchange).reserve,
	(*Exchange).attempt,
}

// ServeHTTP answers r.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	call := endpointOf(r)
	if call.page != nil {
		call.page(g, w, r)
		return
	}
	x := newExchange(g, call, w, r)
	g.Traffic.enter(x)
	defer g.Traffic.leave(x)
	defer x.giveBack()
	defer x.settle()
	for _, stage := range stages {
		if err := stage(x); err != nil {
			x.refuse(err)
			return
		}
	}
}
