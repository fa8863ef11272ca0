package alert

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/telemetry"
)

// WebhookOptions describe the receiver of a Webhook. URL is required.
type WebhookOptions struct {
	// URL is where events are posted: https, or http to this machine. It may be
	// a secret in itself and is never logged.
	URL string
	// Secret is the key of the signature. Empty: events are not signed.
	Secret []byte
	// Logger hears of events that could not be delivered. Default: nobody.
	Logger *slog.Logger
	// Attempts is how often an event is sent at most. Default: 5.
	Attempts int
	// Timeout is how long one attempt may take. Default: 10s.
	Timeout time.Duration
	// Backoff is the pause after the first failure; it doubles with each, up to
	// a minute, and varies by half. Default: 1s.
	Backoff time.Duration
	// Queue is how many events may wait; beyond that the oldest is dropped.
	// Default: 64.
	Queue int
	// Transport sends. Default: one that only dials what URL allows.
	Transport http.RoundTripper
	// Now is the clock. Default: time.Now.
	Now func() time.Time
}

// Webhook is a Sink that posts events as JSON to a URL.
//
// The body is an Event:
//
//	{"id": "errors/zai/firing/1795309200000", "rule": "errors", "metric": "error_rate",
//	 "severity": "critical", "subject": "zai", "state": "firing", "value": 0.31, "threshold": 0.2,
//	 "since": "…", "fired": "…", "at": "…", "summary": "zai: error_rate is 31.0 %, over 20.0 %"}
//
// With a secret it bears the header X-Aimux-Signature: t=1795309200,v1=5257a8…,
// where v1 is the HMAC-SHA256 in hexadecimal, under the secret, of the number
// after t, a full stop and the body. Receivers should refuse a t that is more
// than five minutes off. An event may arrive more than once, with the same id.
//
// Any 2xx counts as delivered. No answer, 408, 429 and 5xx are tried again, any
// other status, redirects among them, is not. Events wait in a short queue and
// are sent one after another by Run; nothing ever waits for the receiver.
//
// A Webhook may outlive a configuration: Configure gives it another receiver, who
// gets what waits, and it goes on counting.
type Webhook struct {
	to    atomic.Pointer[receiver]
	queue chan Event

	begun  sync.Once
	cancel context.CancelFunc // nil until Start
	done   chan struct{}

	sent, failed, dropped atomic.Int64
}

// NewWebhook returns a webhook that sends once Run is called.
func NewWebhook(o WebhookOptions) (*Webhook, error) {
	to, err := newReceiver(o)
	if err != nil {
		return nil, err
	}
	w := &Webhook{queue: make(chan Event, or(o.Queue, 64))}
	w.to.Store(to)
	return w, nil
}

// Configure gives the webhook another receiver, or the same with another secret,
// from the next attempt on. Options.Queue stays as it was. After an error nothing
// has changed.
func (w *Webhook) Configure(o WebhookOptions) error {
	old := w.to.Load()
	if o.Transport == nil && o.URL == old.o.URL {
		o.Transport = old.o.Transport
	}
	to, err := newReceiver(o)
	if err != nil {
		return err
	}
	w.to.Store(to)
	if o.URL != old.o.URL {
		old.client.CloseIdleConnections()
	}
	return nil
}

// Start has Run called until Close. Later calls do nothing.
func (w *Webhook) Start() {
	w.begun.Do(func() {
		ctx, cancel := context.WithCancel(context.Background())
		w.cancel, w.done = cancel, make(chan struct{})
		go func() {
			defer close(w.done)
			w.Run(ctx)
		}()
	})
}

// Close ends what Start began, and waits for it.
func (w *Webhook) Close() {
	w.begun.Do(func() {})
	if w.cancel != nil {
		w.cancel()
		<-w.done
	}
}

func or[T int | time.Duration](value, otherwise T) T {
	if value > 0 {
		return value
	}
	return otherwise
}

// Deliver queues an event.
func (w *Webhook) Deliver(e Event) {
	for range cap(w.queue) + 1 {
		select {
		case w.queue <- e:
			return
		default:
		}
		select {
		case <-w.queue:
			w.dropped.Add(1)
		default:
		}
	}
	w.dropped.Add(1)
}

// Run sends events until ctx ends. What is queued then is dropped.
func (w *Webhook) Run(ctx context.Context) {
	defer func() { w.to.Load().client.CloseIdleConnections() }()
	for {
		select {
		case e := <-w.queue:
			w.send(ctx, e)
		case <-ctx.Done():
			w.drop()
			return
		}
	}
}

func (w *Webhook) drop() {
	for {
		select {
		case <-w.queue:
			w.dropped.Add(1)
		default:
			return
		}
	}
}

// State says how the deliveries go.
func (w *Webhook) State() telemetry.DeliveryState {
	return telemetry.DeliveryState{To: "webhook", Sent: w.sent.Load(), Failed: w.failed.Load(), Dropped: w.dropped.Load()}
}

// send tries to deliver an event, again and again within bounds.
func (w *Webhook) send(ctx context.Context, e Event) {
	body, err := json.Marshal(e)
	if err != nil {
		w.gaveUp(e, fmt.Errorf("encoding the event: %w", err))
		return
	}
	for attempt := 1; ; attempt++ {
		to := w.to.Load()
		again, err := to.post(ctx, body)
		if err == nil {
			w.sent.Add(1)
			return
		}
		if !again || attempt >= to.o.Attempts || !pause(ctx, to.pauseAfter(attempt)) {
			w.gaveUp(e, err)
			return
		}
	}
}

func (w *Webhook) gaveUp(e Event, err error) {
	w.failed.Add(1)
	to := w.to.Load()
	to.o.Logger.Warn("alert not delivered", "host", to.host, "event", e.ID, "cause", err.Error())
}

// pauseAfter is how long to wait after the nth failure.
func (r *receiver) pauseAfter(n int) time.Duration {
	d := min(r.o.Backoff<<min(n-1, 16), time.Minute)
	return d/2 + rand.N(d) // #nosec G404 -- spreads attempts in time; nobody gains by guessing it
}

// pause waits, unless ctx ends before.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// Interface guard.
var _ Sink = (*Webhook)(nil)
