// Package traces turns finished exchanges into OpenTelemetry spans and sends
// them to a collector by OTLP over HTTP: one span for the exchange, one for each
// attempt, one for each translation.
//
// A Tracer exists only where one is configured. Telling it of an exchange costs
// a decision and a place in a bounded queue; everything else happens in Run. A
// collector that is slow, full or dead costs spans, which are counted, and
// nothing else.
package traces

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/gateway"
	"github.com/aimux/aimux/caddymodule/internal/telemetry"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// Options say where traces go. Endpoint is required.
type Options struct {
	// Endpoint is the collector's URL. Without a path it is /v1/traces, as OTLP
	// has it.
	Endpoint string
	// Headers are sent along, for collectors that want a credential.
	Headers map[string]string
	// Ratio is the share of exchanges that is traced, of those whose client has
	// not decided it. Default: 1; negative: none.
	Ratio float64
	// Service is how aimux is called in the traces. Default: "aimux".
	Service, Version string
	// Kinds are the catalogue's kinds of the providers, by name.
	Kinds map[string]string
	// Logger hears when spans get lost, and when they arrive again. Default:
	// nobody.
	Logger *slog.Logger
	// Queue is how many exchanges may wait. Default: 1024.
	Queue int
	// Every is how often spans are sent. Default: 5s.
	Every time.Duration
	// Timeout is how long sending may take, repetitions included. Default: 10s.
	Timeout time.Duration
	// Transport sends. Default: one of its own, without proxies.
	Transport http.RoundTripper
	// Counts go on over tracers that share them. Default: one's own.
	Counts *Counts
}

// Counts are what was sent and lost. The zero value is ready for use.
type Counts struct {
	sent, failed, dropped atomic.Int64
}

// batch is how many spans are sent at once.
const batch = 512

// Tracer makes spans of exchanges. It is safe for concurrent use.
type Tracer struct {
	o      Options
	host   string
	queue  chan *gateway.Record
	tracer trace.Tracer

	ended    collector
	exporter sdk.SpanExporter
	provider *sdk.TracerProvider
	losing   bool
	closed   atomic.Bool // Run takes nothing more

	begun  sync.Once
	cancel context.CancelFunc // nil until Start
	done   chan struct{}

	*Counts
}

// New returns a tracer that sends once Run is called.
func New(o Options) (*Tracer, error) {
	target, err := endpoint(o.Endpoint)
	if err != nil {
		return nil, err
	}
	o = o.withDefaults()
	t := &Tracer{o: o, host: target.Host, queue: make(chan *gateway.Record, o.Queue), Counts: o.Counts}
	// The exporter takes what is not given here from the usual variables of the
	// environment (OTEL_EXPORTER_OTLP_…).
	options := []otlptracehttp.Option{
		otlptracehttp.WithEndpointURL(target.String()), otlptracehttp.WithTimeout(o.Timeout),
		otlptracehttp.WithRetry(otlptracehttp.RetryConfig{Enabled: true, InitialInterval: time.Second, MaxInterval: 5 * time.Second, MaxElapsedTime: o.Timeout}),
		otlptracehttp.WithHTTPClient(&http.Client{
			Transport: o.Transport, Timeout: o.Timeout,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}),
	}
	if len(o.Headers) > 0 {
		options = append(options, otlptracehttp.WithHeaders(o.Headers))
	}
	if t.exporter, err = otlptracehttp.New(context.Background(), options...); err != nil {
		return nil, fmt.Errorf("traces: %w", err)
	}
	t.provider = sdk.NewTracerProvider(sdk.WithSpanProcessor(&t.ended), sdk.WithIDGenerator(ids{}), sdk.WithSampler(sdk.AlwaysSample()),
		sdk.WithResource(resource.NewSchemaless(attribute.String("service.name", o.Service), attribute.String("service.version", o.Version))))
	t.tracer = t.provider.Tracer("github.com/aimux/aimux")
	return t, nil
}

func (o Options) withDefaults() Options {
	if o.Ratio == 0 {
		o.Ratio = 1
	}
	if o.Service == "" {
		o.Service = "aimux"
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Queue <= 0 {
		o.Queue = 1024
	}
	if o.Every <= 0 {
		o.Every = 5 * time.Second
	}
	if o.Timeout <= 0 {
		o.Timeout = 10 * time.Second
	}
	if o.Counts == nil {
		o.Counts = new(Counts)
	}
	if o.Transport == nil {
		o.Transport = &http.Transport{ForceAttemptHTTP2: true, MaxIdleConns: 2, IdleConnTimeout: 30 * time.Second,
			TLSHandshakeTimeout: 5 * time.Second, MaxResponseHeaderBytes: 64 << 10}
	}
	return o
}

// endpoint checks a collector's URL and gives it the usual path.
func endpoint(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	switch {
	case err != nil, u.Host == "", u.User != nil, u.Scheme != "http" && u.Scheme != "https":
		return nil, errors.New("traces: the endpoint must be an http or https URL without a user")
	case strings.Trim(u.Path, "/") == "":
		u.Path = "/v1/traces"
	}
	return u, nil
}

// Observe queues an exchange that ended, if it is to be traced.
func (t *Tracer) Observe(r *gateway.Record) {
	if !placeOf(r, t.o.Ratio).sampled {
		return
	}
	own := *r
	select {
	case t.queue <- &own:
	default:
		t.dropped.Add(1)
	}
	if t.closed.Load() { // before or after it was queued: nobody takes it out
		t.drop()
	}
}

// drop counts what waits as dropped.
func (t *Tracer) drop() {
	for {
		select {
		case <-t.queue:
			t.dropped.Add(1)
		default:
			return
		}
	}
}

// Upstream returns the traceparent to send with the attempt that is about to be
// made in an exchange: the one after those recorded so far.
func (t *Tracer) Upstream(r *gateway.Record) string {
	p := placeOf(r, t.o.Ratio)
	flags := "-00"
	if p.sampled {
		flags = "-01"
	}
	return "00-" + p.trace.String() + "-" + spanID(r.ID, attemptSpan, len(r.Attempts)).String() + flags
}

// State says how the deliveries go: Sent and Failed count spans, Dropped
// exchanges.
func (t *Tracer) State() telemetry.DeliveryState {
	return telemetry.DeliveryState{To: "traces", Sent: t.sent.Load(), Failed: t.failed.Load(), Dropped: t.dropped.Load()}
}

// Interface guard.
var _ gateway.Observer = (*Tracer)(nil)
