package telemetry

import (
	"errors"
	"fmt"

	"github.com/aimux/aimux/caddymodule/internal/gateway"
	"github.com/aimux/aimux/caddymodule/internal/keypool"
	"github.com/prometheus/client_golang/prometheus"
)

// Metrics are aimux's counters and histograms. They are made once in a process,
// so that they go on over reloads; each configuration's registry gets the same
// ones, and a Recorder of its own.
type Metrics struct {
	requests   *prometheus.CounterVec
	attempts   *prometheus.CounterVec
	twice      *prometheus.CounterVec
	ttft       *prometheus.HistogramVec
	interToken *prometheus.HistogramVec
	duration   *prometheus.HistogramVec
	tokens     *prometheus.CounterVec
	cost       *prometheus.CounterVec
	streamEnds *prometheus.CounterVec
	bytes      *prometheus.CounterVec
	rests      *prometheus.CounterVec

	clientRequests *prometheus.CounterVec
	clientTokens   *prometheus.CounterVec
	clientCost     *prometheus.CounterVec

	genAI genAI
}

const (
	namespace = "caddy"
	subsystem = "aimux"
)

// seconds are the bounds of histograms of whole requests and first tokens,
// shorts those of the time from one token to the next.
var (
	seconds = []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800}
	shorts  = []float64{.0005, .001, .002, .005, .01, .02, .035, .05, .075, .1, .2, .5, 1, 5}
)

// NewMetrics returns metrics that count from 0.
func NewMetrics() *Metrics {
	target := []string{"provider", "model"}
	return &Metrics{
		requests:   counter("requests_total", "Exchanges by the provider that answered and how they ended.", "dialect", "provider", "code"),
		attempts:   counter("attempts_total", "Attempts at providers by class of failure and result code.", "provider", "model", "class", "code"),
		twice:      counter("maybe_double_billed_total", "Failed attempts whose whole request the provider had, and after which another was made.", "provider", "model"),
		ttft:       histogramOf("time_to_first_token_seconds", "Time from the request to the first content.", seconds, target),
		interToken: histogramOf("inter_token_seconds", "Mean time from one output token of a stream to the next.", shorts, target),
		duration:   histogramOf("request_duration_seconds", "Time from the request to the end of its answer.", seconds, target),
		tokens:     counter("tokens_total", "Tokens by kind; source says whether the provider stated them or aimux estimated them.", "provider", "model", "kind", "source"),
		cost:       counter("cost_dollars_total", "What answers cost in US dollars, by the configured prices.", "provider", "model"),
		streamEnds: counter("stream_ends_total", "Streams by how they ended.", "provider", "code"),
		bytes:      counter("bytes_total", "Bytes of request bodies (in) and answers (out).", "provider", "direction"),
		rests:      counter("rests_total", "Rests of keys that began or grew.", "provider", "key", "class"),

		clientRequests: counter("client_requests_total", "Exchanges by configured client and class of failure.", "client", "class"),
		clientTokens:   counter("client_tokens_total", "Tokens by configured client.", "client", "kind"),
		clientCost:     counter("client_cost_dollars_total", "Cost in US dollars by configured client.", "client"),

		genAI: newGenAI(),
	}
}

func counter(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Subsystem: subsystem, Name: name, Help: help}, labels)
}

func histogramOf(name, help string, bounds []float64, labels []string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: namespace, Subsystem: subsystem, Name: name, Help: help, Buckets: bounds}, labels)
}

func (m *Metrics) collectors() []prometheus.Collector {
	return append(m.genAI.collectors(),
		m.requests, m.attempts, m.twice, m.ttft, m.interToken, m.duration, m.tokens, m.cost, m.streamEnds, m.bytes, m.rests,
		m.clientRequests, m.clientTokens, m.clientCost)
}

// Register adds the metrics to a configuration's registry, together with gauges
// that read source at every scrape. version is aimux's.
func (m *Metrics) Register(registry prometheus.Registerer, source Source, version string) error {
	for _, c := range append(m.collectors(), newScrape(source, version)) {
		var already prometheus.AlreadyRegisteredError
		if err := registry.Register(c); err != nil && !errors.As(err, &already) {
			return fmt.Errorf("registering metrics: %w", err)
		}
	}
	return nil
}

// Rested counts a rest of a key. It is what a pool's OnRest should call.
func (m *Metrics) Rested(provider string, r keypool.Rested) {
	m.rests.WithLabelValues(provider, r.Key.Name, r.Class.String()).Inc()
}

// For returns what observes exchanges of a configuration with these names.
func (m *Metrics) For(names Names) *Recorder {
	r := &Recorder{metrics: m, providers: map[string]*providerHandles{}, targets: map[Scope]*targetHandles{}, clients: map[string]*clientHandles{}}
	kinds := map[string]string{}
	for _, p := range names.Providers {
		kinds[p.Name] = p.Kind
		r.providers[p.Name] = &providerHandles{name: p.Name}
		r.targets[Scope{p.Name, other}] = &targetHandles{provider: p.Name, model: other, system: System(p.Kind)}
	}
	for _, t := range names.Targets {
		r.targets[t] = &targetHandles{provider: t.Provider, model: t.Model, system: System(kinds[t.Provider])}
	}
	for _, c := range append([]string{"none", other}, names.Clients...) {
		r.clients[c] = &clientHandles{name: c}
	}
	r.nowhere, r.unknown = &providerHandles{}, &providerHandles{name: other}
	r.anything = &targetHandles{provider: other, model: other, system: other}
	return r
}

// Interface guard.
var _ gateway.Observer = (*Recorder)(nil)
