package alert

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
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
type Webhook struct {
	o      WebhookOptions
	host   string
	client *http.Client
	queue  chan Event

	sent, failed, dropped atomic.Int64
}

// NewWebhook returns a webhook that sends once Run is called.
func NewWebhook(o WebhookOptions) (*Webhook, error) {
	target, err := checkURL(o.URL)
	if err != nil {
		return nil, err
	}
	o.Attempts, o.Queue = or(o.Attempts, 5), or(o.Queue, 64)
	o.Timeout, o.Backoff = or(o.Timeout, 10*time.Second), or(o.Backoff, time.Second)
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Transport == nil {
		o.Transport = transport(target)
	}
	return &Webhook{
		o: o, host: target.Host, queue: make(chan Event, o.Queue),
		client: &http.Client{
			Transport: o.Transport, Timeout: o.Timeout,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
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
	defer w.client.CloseIdleConnections()
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
		again, err := w.post(ctx, body)
		if err == nil {
			w.sent.Add(1)
			return
		}
		if !again || attempt >= w.o.Attempts || !pause(ctx, w.pauseAfter(attempt)) {
			w.gaveUp(e, err)
			return
		}
	}
}

func (w *Webhook) gaveUp(e Event, err error) {
	w.failed.Add(1)
	w.o.Logger.Warn("alert not delivered", "host", w.host, "event", e.ID, "cause", err.Error())
}

// pauseAfter is how long to wait after the nth failure.
func (w *Webhook) pauseAfter(n int) time.Duration {
	d := min(w.o.Backoff<<min(n-1, 16), time.Minute)
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

// post sends the body once. again says whether another attempt may help.
func (w *Webhook) post(ctx context.Context, body []byte) (again bool, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.o.URL, bytes.NewReader(body))
	if err != nil {
		return false, errors.New("the URL cannot be used")
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "aimux")
	if len(w.o.Secret) > 0 {
		req.Header.Set(SignatureHeader, Sign(w.o.Secret, w.o.Now(), body))
	}
	answer, err := w.client.Do(req)
	if err != nil {
		return true, withoutURL(err)
	}
	defer answer.Body.Close()
	_, _ = io.CopyN(io.Discard, answer.Body, 4<<10) // so that the connection serves again
	switch status := answer.StatusCode; {
	case status/100 == 2:
		return false, nil
	case status == http.StatusRequestTimeout, status == http.StatusTooManyRequests, status >= 500:
		return true, fmt.Errorf("status %d", status)
	default:
		return false, fmt.Errorf("status %d", status)
	}
}

// withoutURL takes the URL out of a client's error: it may hold a secret.
func withoutURL(err error) error {
	var failed *url.Error
	if errors.As(err, &failed) {
		return failed.Err
	}
	return err
}

// Interface guard.
var _ Sink = (*Webhook)(nil)
