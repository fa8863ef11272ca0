package console

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// Bounds of the live feed.
const (
	requestsPerSecond  = 10  // told one by one; the others are counted
	providersPerSecond = 40  // told; the others wait for the next second
	pending            = 128 // messages a slow console may be behind
	maxFeeds           = 100 // consoles at once
)

// Feed tells consoles what happens. The gateway calls Ended, Provider, Alert
// and Config from any goroutine, also from the path of a request: none of them
// waits, and while no console is open each is one atomic load. Every message is
// written once, however many consoles read it. A console that cannot keep up is
// disconnected.
type Feed struct {
	metrics   Metrics
	providers Providers
	now       func() time.Time
	log       *slog.Logger

	open    atomic.Int32 // consoles
	budget  atomic.Int32 // requests that may still be told this second
	skipped atomic.Int64 // requests that were not told since the last that was
	ended   chan Request
	news    chan message

	mu     sync.Mutex // guards what follows
	subs   map[*subscriber]struct{}
	dirty  map[string]struct{} // providers to be told of
	cancel context.CancelFunc  // ends the pump that runs
	closed bool
	pumps  sync.WaitGroup
}

// message is what consoles get, as JSON.
type message struct {
	Type string `json:"type"` // hello, metrics, provider, request, alert, config, ping
	Data any    `json:"data"`
}

// frame is a message that was written out.
type frame struct {
	kind string
	text []byte
}

// subscriber is an open console. Whoever takes it out of Feed.subs closes lost.
type subscriber struct {
	frames chan frame
	lost   chan struct{}
	why    string // set before lost is closed
}

func newFeed(b Backend, now func() time.Time, log *slog.Logger) *Feed {
	return &Feed{
		metrics: b.Metrics, providers: b.Providers, now: now, log: log,
		ended: make(chan Request, requestsPerSecond), news: make(chan message, pending/2),
		subs: map[*subscriber]struct{}{}, dirty: map[string]struct{}{},
	}
}

// Watched reports whether any console is open.
func (f *Feed) Watched() bool { return f.open.Load() > 0 }

// Ended tells that a request ended that a provider answered; provider may be
// empty. build is called at once, and only if the request will be shown.
func (f *Feed) Ended(provider string, build func() Request) {
	if !f.Watched() {
		return
	}
	f.Provider(provider)
	if f.budget.Add(-1) < 0 {
		f.skipped.Add(1)
		return
	}
	select {
	case f.ended <- build():
	default:
		f.skipped.Add(1)
	}
}

// Provider tells that a provider changed. It is read and shown within a second.
func (f *Feed) Provider(id string) {
	if id == "" || !f.Watched() {
		return
	}
	f.mu.Lock()
	f.dirty[id] = struct{}{}
	f.mu.Unlock()
}

// Alert tells of an alert that changed its state.
func (f *Feed) Alert(a Alert) {
	if f.Watched() {
		f.tell(message{"alert", a})
	}
}

// configNews is what a console hears of a new configuration.
type configNews struct {
	Etag string `json:"etag"`
}

// Config tells that the configuration changed.
func (f *Feed) Config(etag string) {
	if f.Watched() {
		f.tell(message{"config", configNews{etag}})
	}
}

func (f *Feed) tell(m message) {
	select {
	case f.news <- m:
	default: // consoles also ask by themselves
	}
}

// subscribe opens a console, and starts the pump for the first one.
func (f *Feed) subscribe() (*subscriber, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil, &Error{Status: 503, Code: "closing", Message: "the console is being replaced; connect again", retryAfter: 1}
	}
	if len(f.subs) >= maxFeeds {
		return nil, limited("too many live feeds are open", 10)
	}
	s := &subscriber{frames: make(chan frame, pending), lost: make(chan struct{})}
	f.subs[s] = struct{}{}
	f.open.Store(int32(len(f.subs)))
	if len(f.subs) == 1 {
		f.start()
	}
	return s, nil
}

// start runs a pump until the last console leaves. The caller holds the lock.
func (f *Feed) start() {
	ctx, cancel := context.WithCancel(context.Background())
	f.cancel = cancel
	f.budget.Store(requestsPerSecond)
	f.skipped.Store(0)
	p := &pump{feed: f, sent: map[string]uint64{}}
	f.pumps.Go(func() { p.run(ctx) })
}

// drop takes a console out; the first reason stands.
func (f *Feed) drop(s *subscriber, why string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.remove(s, why)
}

func (f *Feed) remove(s *subscriber, why string) {
	if _, ok := f.subs[s]; !ok {
		return
	}
	delete(f.subs, s)
	s.why = why
	close(s.lost)
	f.open.Store(int32(len(f.subs)))
	if len(f.subs) == 0 {
		f.cancel()
		clear(f.dirty)
	}
}

// broadcast hands a frame to all consoles and drops those with no room for it.
func (f *Feed) broadcast(fr frame) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for s := range f.subs {
		select {
		case s.frames <- fr:
		default:
			f.remove(s, "too slow")
		}
	}
}

// takeDirty returns up to n providers that changed.
func (f *Feed) takeDirty(n int) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	ids := make([]string, 0, min(n, len(f.dirty)))
	for id := range f.dirty {
		if len(ids) == n {
			break
		}
		ids = append(ids, id)
		delete(f.dirty, id)
	}
	return ids
}

// close drops all consoles and waits for the pump.
func (f *Feed) close() {
	f.mu.Lock()
	f.closed = true
	for s := range f.subs {
		f.remove(s, "restarting")
	}
	f.mu.Unlock()
	f.pumps.Wait()
}
