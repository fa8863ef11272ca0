package caddymodule

import (
	"errors"
	"sync"

	"github.com/aimux/aimux/caddymodule/internal/gateway"
	"github.com/prometheus/client_golang/prometheus"
)

// observer is told of every exchange that ended.
type observer struct {
	ring    *ring
	metrics *metrics
	targets map[string]bool // by id, as configured
}

// Observe keeps the exchange among the recent ones and counts it.
func (o *observer) Observe(r *gateway.Record) {
	o.ring.add(*r)
	o.metrics.observe(r, o.label)
}

// label is a model's name as a metric label: clients may address models nobody
// configured, and must not make labels.
func (o *observer) label(provider, model string) string {
	if o.targets[provider+"/"+model] {
		return model
	}
	return "other"
}

// ring keeps the records of the last exchanges, decisions included.
type ring struct {
	mu      sync.Mutex
	records []gateway.Record
	next    int
}

func newRing(n int) *ring { return &ring{records: make([]gateway.Record, 0, n)} }

func (r *ring) add(record gateway.Record) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.records) < cap(r.records) {
		r.records = append(r.records, record)
		return
	}
	if len(r.records) == 0 {
		return // nothing is to be remembered
	}
	r.records[r.next] = record
	r.next = (r.next + 1) % len(r.records)
}

// last returns up to n records, the newest first.
func (r *ring) last(n int) []gateway.Record {
	r.mu.Lock()
	defer r.mu.Unlock()
	n = min(n, len(r.records))
	out := make([]gateway.Record, 0, n)
	for i := 1; i <= n; i++ {
		at := (r.next - i + 2*len(r.records)) % len(r.records)
		out = append(out, r.records[at])
	}
	return out
}

// metrics are aimux's collectors. Labels come from the configuration and from
// fixed lists, never from clients.
type metrics struct {
	requests, attempts *prometheus.CounterVec
	ttft, duration     *prometheus.HistogramVec
	tokens             *prometheus.CounterVec
}

// collectors are made once, so that counters go on over reloads; each
// configuration's registry gets the same ones.
var collectors = sync.OnceValue(func() *metrics {
	opts := func(name, help string) prometheus.CounterOpts {
		return prometheus.CounterOpts{Namespace: "caddy", Subsystem: "aimux", Name: name, Help: help}
	}
	histogram := func(name, help string) prometheus.HistogramOpts {
		return prometheus.HistogramOpts{Namespace: "caddy", Subsystem: "aimux", Name: name, Help: help,
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800}}
	}
	return &metrics{
		requests: prometheus.NewCounterVec(opts("requests_total", "Exchanges by the provider that answered and how they ended."), []string{"dialect", "provider", "code"}),
		attempts: prometheus.NewCounterVec(opts("attempts_total", "Attempts at providers by result."), []string{"provider", "model", "code"}),
		ttft:     prometheus.NewHistogramVec(histogram("time_to_first_token_seconds", "Time from the request to the first content."), []string{"provider", "model"}),
		duration: prometheus.NewHistogramVec(histogram("request_duration_seconds", "Time from the request to the end of its answer."), []string{"provider", "model"}),
		tokens:   prometheus.NewCounterVec(opts("tokens_total", "Tokens as the providers stated them."), []string{"provider", "model", "kind"}),
	}
})

// newMetrics registers the collectors with a configuration's registry.
func newMetrics(registry *prometheus.Registry) *metrics {
	m := collectors()
	for _, c := range [...]prometheus.Collector{m.requests, m.attempts, m.ttft, m.duration, m.tokens} {
		var already prometheus.AlreadyRegisteredError
		if err := registry.Register(c); err != nil && !errors.As(err, &already) {
			panic("aimux: registering metrics: " + err.Error()) // a programming error: two collectors of one name
		}
	}
	return m
}

func (m *metrics) observe(r *gateway.Record, label func(provider, model string) string) {
	m.requests.WithLabelValues(string(r.Dialect), r.Provider, r.Reason).Inc()
	for i := range r.Attempts {
		a := &r.Attempts[i]
		m.attempts.WithLabelValues(a.Provider, label(a.Provider, a.Model), a.Reason).Inc()
	}
	if r.Provider == "" {
		return
	}
	model := label(r.Provider, r.Target)
	m.ttft.WithLabelValues(r.Provider, model).Observe(r.TTFT.Seconds())
	m.duration.WithLabelValues(r.Provider, model).Observe(r.Duration.Seconds())
	if r.Usage.Known {
		m.tokens.WithLabelValues(r.Provider, model, "input").Add(float64(r.Usage.Input))
		m.tokens.WithLabelValues(r.Provider, model, "output").Add(float64(r.Usage.Output))
	}
}
