package telemetry

import (
	"runtime"
	"strings"

	"github.com/aimux/aimux/caddymodule/internal/health"
	"github.com/prometheus/client_golang/prometheus"
)

// scrape are the gauges: states, read from the source when Prometheus asks.
type scrape struct {
	source  Source
	version string

	build, inFlight, refusals         *prometheus.Desc
	keyState, keyFlight, keyModels    *prometheus.Desc
	breaker, targetFlight, speed      *prometheus.Desc
	ping, uptime, up                  *prometheus.Desc
	storeUp, storeQueue               *prometheus.Desc
	storeWritten, storeDropped        *prometheus.Desc
	budgetSpent, budgetLimit, alert   *prometheus.Desc
	delivered, undelivered, unstarted *prometheus.Desc
}

func newScrape(source Source, version string) *scrape {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(prometheus.BuildFQName(namespace, subsystem, name), help, labels, nil)
	}
	return &scrape{
		source: source, version: version,
		build:        desc("build_info", "Always 1; the labels say what runs.", "version", "goversion"),
		inFlight:     desc("in_flight", "Exchanges under way."),
		refusals:     desc("refusals_total", "Exchanges refused or ended because of a ceiling of the gateway.", "ceiling"),
		keyState:     desc("key_state", "1 for the state a key is in: ready, resting or disabled.", "provider", "key", "state"),
		keyFlight:    desc("key_in_flight", "Requests under way with a key.", "provider", "key"),
		keyModels:    desc("key_resting_models", "Models that a key may not be used for now.", "provider", "key"),
		breaker:      desc("breaker_state", "1 for the state of a target's breaker: closed, half_open or open.", "provider", "model", "state"),
		targetFlight: desc("target_in_flight", "Requests under way at a target.", "provider", "model"),
		speed:        desc("target_tokens_per_second", "Estimated output speed of a target; 0: not known.", "provider", "model"),
		ping:         desc("ping_seconds", "Latest measured distance to a provider; 0: never measured.", "provider"),
		uptime:       desc("uptime_ratio", "Share of the last hour's attempts at a provider that succeeded.", "provider"),
		up:           desc("provider_up", "1 if some key is ready and some breaker is not open.", "provider"),
		storeUp:      desc("store_up", "1 if the store (ledger, audit) is in order.", "store"),
		storeQueue:   desc("store_queue_length", "Entries that wait to be written.", "store"),
		storeWritten: desc("store_written_total", "Entries written.", "store"),
		storeDropped: desc("store_dropped_total", "Entries lost for want of room or disk.", "store"),
		budgetSpent:  desc("budget_spent_dollars", "Spent of a budget in its present period, in US dollars.", "budget"),
		budgetLimit:  desc("budget_limit_dollars", "Limit of a budget in US dollars.", "budget"),
		alert:        desc("alert_firing", "1 for an alert that fires.", "alert", "subject"),
		delivered:    desc("deliveries_sent_total", "Messages that arrived at a receiver.", "to"),
		undelivered:  desc("deliveries_failed_total", "Messages that did not arrive after all attempts.", "to"),
		unstarted:    desc("deliveries_dropped_total", "Messages dropped because the queue was full.", "to"),
	}
}

// Describe sends every description.
func (s *scrape) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range [...]*prometheus.Desc{
		s.build, s.inFlight, s.refusals, s.keyState, s.keyFlight, s.keyModels, s.breaker, s.targetFlight, s.speed, s.ping, s.uptime, s.up,
		s.storeUp, s.storeQueue, s.storeWritten, s.storeDropped, s.budgetSpent, s.budgetLimit, s.alert,
		s.delivered, s.undelivered, s.unstarted,
	} {
		ch <- d
	}
}

// Collect reads the source once and sends what it says.
func (s *scrape) Collect(ch chan<- prometheus.Metric) {
	out := newSink(ch)
	out.gauge(s.build, 1, s.version, runtime.Version())
	if s.source == nil {
		return
	}
	state := s.source.State()
	out.gauge(s.inFlight, float64(state.InFlight))
	if state.Refusals != nil {
		for ceiling, n := range state.Refusals.All() {
			out.counter(s.refusals, float64(n), ceiling)
		}
	}
	for i := range state.Providers {
		s.provider(out, &state.Providers[i])
	}
	s.stores(out, &state)
}

func (s *scrape) provider(out *sink, p *ProviderState) {
	out.gauge(s.ping, p.Ping().Seconds(), p.Name)
	out.gauge(s.uptime, p.Uptime(), p.Name)
	out.gauge(s.up, one(!p.Down()), p.Name)
	for i := range p.Keys {
		k := &p.Keys[i]
		is, models := KeyState(k), 0
		for _, r := range k.Rests {
			if r.Model != "" {
				models++
			}
		}
		for _, state := range [...]string{KeyReady, KeyResting, KeyDisabled} {
			out.gauge(s.keyState, one(state == is), p.Name, k.Name, state)
		}
		out.gauge(s.keyFlight, float64(k.InFlight), p.Name, k.Name)
		out.gauge(s.keyModels, float64(models), p.Name, k.Name)
	}
	for i := range p.Targets {
		t := &p.Targets[i]
		for _, phase := range [...]health.Phase{health.Closed, health.HalfOpen, health.Open} {
			out.gauge(s.breaker, one(phase == t.Phase), p.Name, t.Model, phase.String())
		}
		out.gauge(s.targetFlight, float64(t.InFlight), p.Name, t.Model)
		out.gauge(s.speed, t.TokensPerSecond, p.Name, t.Model)
	}
}

func (s *scrape) stores(out *sink, state *State) {
	for _, store := range state.Stores {
		out.gauge(s.storeUp, one(store.Trouble == ""), store.Name)
		out.gauge(s.storeQueue, float64(store.Queued), store.Name)
		out.counter(s.storeWritten, float64(store.Written), store.Name)
		out.counter(s.storeDropped, float64(store.Dropped), store.Name)
	}
	for _, b := range state.Budgets {
		out.gauge(s.budgetSpent, dollars(b.Spent), b.Name)
		out.gauge(s.budgetLimit, dollars(b.Limit), b.Name)
	}
	for _, a := range state.Firing {
		out.gauge(s.alert, 1, a.Rule, a.Subject)
	}
	for _, d := range state.Deliveries {
		out.counter(s.delivered, float64(d.Sent), d.To)
		out.counter(s.undelivered, float64(d.Failed), d.To)
		out.counter(s.unstarted, float64(d.Dropped), d.To)
	}
}

// sink takes the values of one scrape. A series that comes twice is left out,
// as is one whose labels are no text: either would fail the whole scrape.
type sink struct {
	ch   chan<- prometheus.Metric
	seen map[labelled]bool
}

// labelled names one value of a scrape.
type labelled struct {
	desc   *prometheus.Desc
	labels string
}

func newSink(ch chan<- prometheus.Metric) *sink { return &sink{ch: ch, seen: map[labelled]bool{}} }

func (s *sink) gauge(d *prometheus.Desc, v float64, labels ...string) {
	s.send(d, prometheus.GaugeValue, v, labels)
}

func (s *sink) counter(d *prometheus.Desc, v float64, labels ...string) {
	s.send(d, prometheus.CounterValue, v, labels)
}

func (s *sink) send(d *prometheus.Desc, kind prometheus.ValueType, v float64, labels []string) {
	id := labelled{d, strings.Join(labels, "\x00")}
	if s.seen[id] {
		return
	}
	s.seen[id] = true
	if m, err := prometheus.NewConstMetric(d, kind, v, labels...); err == nil {
		s.ch <- m
	}
}

// one is 1 if b holds.
func one(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
