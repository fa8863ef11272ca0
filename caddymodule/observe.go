package caddymodule

import (
	"sync"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/gateway"
	"github.com/aimux/aimux/caddymodule/internal/telemetry"
)

// metrics count over all configurations of this process; each configuration's
// registry gets the same ones.
var metrics = sync.OnceValue(telemetry.NewMetrics)

// observers are told of every exchange that ended, one after another. None of
// them blocks.
type observers []gateway.Observer

// Observe tells all of them.
func (o observers) Observe(r *gateway.Record) {
	for _, each := range o {
		each.Observe(r)
	}
}

// observers are what a runtime's exchanges are told to.
func (b *builder) observers() observers {
	names := b.names()
	s := &b.runtime.services
	b.runtime.names = names
	all := observers{b.runtime.recent, metrics().For(names), s.windows, b.consoles}
	if s.ledger != nil {
		all = append(all, s.ledger)
	}
	if t := b.runtime.tracer; t != nil {
		all = append(all, t)
	}
	return all
}

// names are what the configuration names: those that may be labels.
func (b *builder) names() telemetry.Names {
	var names telemetry.Names
	for _, p := range b.runtime.providers {
		names.Providers = append(names.Providers, telemetry.Provider{Name: p.Name, Kind: b.runtime.kinds[p.Name]})
	}
	for _, t := range b.runtime.router.Targets() {
		names.Targets = append(names.Targets, telemetry.Scope{Provider: t.Provider, Model: t.Model})
	}
	if registry := b.runtime.services.clients; registry != nil {
		for _, c := range registry.Clients() {
			names.Clients = append(names.Clients, c.Name)
		}
	}
	return names
}

// State says how things stand, for metrics, alerts and the console.
func (a *App) State() telemetry.State {
	rt := a.live.now()
	live := telemetry.Live{Providers: rt.providers, Targets: rt.router.Targets(), InFlight: rt.gateway.InFlight, Refusals: &rt.gateway.Traffic.Refusals, Rest: rt.state}
	return live.State()
}

// state adds what stands beside the pipeline.
func (rt *runtime) state(to *telemetry.State) {
	s := &rt.services
	for _, report := range rt.deliveries {
		to.Deliveries = append(to.Deliveries, report())
	}
	if s.ledger != nil {
		h := s.ledger.Health()
		to.Stores = append(to.Stores, telemetry.StoreState{Name: "ledger", Trouble: h.Trouble(time.Now()), Queued: h.Pending, Written: h.Written, Dropped: h.Dropped})
	}
	if s.capture != nil {
		h := s.capture.Health()
		to.Stores = append(to.Stores, telemetry.StoreState{Name: "capture", Trouble: h.Trouble(time.Now()), Queued: h.Pending, Written: h.Written, Dropped: h.Dropped})
	}
	to.Stores = append(to.Stores, s.auditor.state(), rt.archive.state())
	to.Budgets = append(to.Budgets, s.budgets()...)
	to.Firing = s.watch.Firing()
}
