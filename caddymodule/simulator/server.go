package simulator

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
)

// Server is a simulated provider. It is safe for concurrent use.
type Server struct {
	opts    Options
	vendor  *vendor
	script  script
	journal journal
	cache   promptCache
	limiter limiter
	total   atomic.Int64
	pool    sync.Pool
}

// New returns a simulator with the given habits.
func New(o Options) *Server {
	o = o.withDefaults()
	s := &Server{opts: o, vendor: vendorNamed(o.Vendor)}
	s.journal.max, s.journal.maxBytes = o.MaxRecords, 64<<20
	s.limiter.limits = o.Limits
	s.pool.New = func() any { return new(exchange) }
	return s
}

// Reset forgets scripts, records, the prompt cache and the spent limits, and counts requests from 1 again.
func (s *Server) Reset() {
	s.script.clear()
	s.journal.mu.Lock()
	s.journal.records, s.journal.bytes = nil, 0
	s.journal.notify()
	s.journal.mu.Unlock()
	s.cache.clear()
	s.limiter.clear()
	s.total.Store(0)
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := s.begin(w, r)
	defer s.end(x)
	if !x.read() {
		return
	}
	x.understand()
	x.choose()
	x.answer()
}

// exchange is one request on its way through the simulator. Exchanges are pooled.
type exchange struct {
	s      *Server
	w      http.ResponseWriter
	r      *http.Request
	ctx    context.Context
	vendor *vendor

	number   int // of the request, from 1
	target   target
	body     []byte
	ask      ask
	meta     Record  // what selectors look at; kept when records are on
	record   *Record // the kept record, or nil
	unhook   func() bool
	complete bool // all of the answer is on its way
	// release gives back the request's place under a limit, nil when it has none.
	release func()

	step  Step
	fault Fault
	plan  plan
	wire  wire
	clock pacer
	buf   []byte // the part of the answer not yet written
}

func (s *Server) begin(w http.ResponseWriter, r *http.Request) *exchange {
	x := s.pool.Get().(*exchange)
	x.s, x.w, x.r, x.ctx, x.vendor = s, w, r, r.Context(), s.vendor
	x.number = int(s.total.Add(1))
	x.target = targetOf(r.URL.Path)
	x.wire.w = w
	return x
}

// end completes the record and gives the exchange back, with its buffers.
func (s *Server) end(x *exchange) {
	if x.record != nil {
		x.settle()
	}
	x.clock.stop()
	if x.release != nil {
		x.release()
	}
	if cap(x.buf)+cap(x.body) > 1<<20 {
		return // a rare giant is left to the collector
	}
	*x = exchange{buf: x.buf[:0], body: x.body[:0], plan: x.plan.reuse(), ask: x.ask.reuse(), wire: x.wire.reuse()}
	s.pool.Put(x)
}

// settle completes the record.
func (x *exchange) settle() {
	x.unhook()
	gone, now := x.ctx.Err() != nil && !x.complete || x.wire.err != nil, x.s.opts.Now()
	x.s.journal.update(x.record, func(r *Record) {
		r.Done, r.Status, r.Used = true, x.wire.status, x.used()
		if gone && !r.Canceled {
			r.Canceled, r.CanceledAt = true, now
		}
	})
}

// understand fills in what scripts can select by and what the answer depends on.
func (x *exchange) understand() {
	x.ask.read(x.target.dialect, x.body)
	key, both := keyOf(x.r)
	x.meta = Record{
		Number: x.number, Time: x.s.opts.Now(),
		Method: x.r.Method, Path: x.r.URL.Path, Query: x.r.URL.RawQuery, Host: x.r.Host, Proto: x.r.Proto,
		Header: x.r.Header, Key: key, BothKeys: both,
		Model: x.ask.model, Dialect: x.target.dialect.String(), Stream: x.ask.stream,
	}
}

// choose finds out what is to go wrong: the script says first, then the request's header, key and model.
func (x *exchange) choose() {
	step, scripted := x.s.script.next(&x.meta)
	x.step, x.fault = step, step.Fault
	var err error
	if !scripted && !x.s.opts.NoRequestFaults {
		x.fault, err = faultIn(&x.meta)
	}
	if x.fault.Kind == BaseRespError {
		x.fault.Vendor = or(x.fault.Vendor, "minimax") // nobody else has base_resp
	}
	if x.fault.Vendor != "" {
		x.vendor = vendorNamed(x.fault.Vendor)
	}
	if err != nil {
		x.fault = Fault{Kind: "400", Message: err.Error()}
	}
	x.meta.Fault = x.fault.String()
	x.keep()
}

// faultIn reads the fault that the request itself asks for.
func faultIn(r *Record) (Fault, error) {
	if h := r.Header["X-Sim-Fault"]; len(h) > 0 {
		return ParseFault(h[0])
	}
	if f, ok := faultInKey(r.Key); ok {
		return f, nil
	}
	f, _ := faultInModel(r.Model)
	return f, nil
}

// keep stores the record and watches for the client going away.
func (x *exchange) keep() {
	if x.s.opts.MaxRecords < 0 {
		return
	}
	rec := x.meta
	rec.Header = rec.Header.Clone()
	rec.Body = append([]byte(nil), x.body...)
	x.record = &rec
	s := x.s
	s.journal.add(&rec)
	x.unhook = context.AfterFunc(x.ctx, func() {
		now := s.opts.Now()
		s.journal.update(&rec, func(r *Record) {
			if !r.Done {
				r.Canceled, r.CanceledAt = true, now
			}
		})
	})
}

var _ http.Handler = (*Server)(nil)
