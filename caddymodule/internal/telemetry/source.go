package telemetry

import (
	"slices"
	"sync/atomic"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/gateway"
	"github.com/aimux/aimux/caddymodule/internal/health"
	"github.com/aimux/aimux/caddymodule/internal/keypool"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/aimux/aimux/caddymodule/internal/route"
)

// Source tells how things stand. It is asked at every scrape, evaluation of
// alerts and health line, from any goroutine, and must not block.
type Source interface {
	State() State
}

// State is how things stand at one moment.
type State struct {
	Providers []ProviderState
	// InFlight is how many exchanges are under way.
	InFlight int64
	// Refusals count what was refused because of a ceiling. nil: not known.
	Refusals *gateway.Refusals
	Stores   []StoreState
	Budgets  []BudgetState
	Firing   []FiringAlert
	// Deliveries are what was sent to others: webhooks, traces.
	Deliveries []DeliveryState
}

// ProviderState is how a provider's keys and targets are doing.
type ProviderState struct {
	Name    string
	Keys    []keypool.KeyStatus
	Targets []TargetState
}

// TargetState is how one model of a provider is doing.
type TargetState struct {
	Model string
	health.Status
}

// StoreState is how something that writes to disk is doing: the ledger, the
// audit log.
type StoreState struct {
	Name string // "ledger", "audit"
	// Trouble is what is wrong, for people; empty: it is in order.
	Trouble string
	// Queued waits to be written; Written and Dropped count since the start.
	Queued, Written, Dropped int64
}

// BudgetState is how much of an amount of money is spent, in micro-dollars.
type BudgetState struct {
	Name         string // as configured
	Spent, Limit int64
	// Refused says that a request was refused because it might have cost more
	// than is left: a limit that works is never quite reached.
	Refused bool
}

// Share returns what part of the budget is spent; 0 without a limit, and at
// least 1 once a request was refused for it.
func (b BudgetState) Share() float64 {
	if b.Limit <= 0 {
		return 0
	}
	share := float64(b.Spent) / float64(b.Limit)
	if b.Refused {
		return max(share, 1)
	}
	return share
}

// FiringAlert is an alert that fires.
type FiringAlert struct{ Rule, Subject string }

// DeliveryState counts what was sent to one receiver since the start.
type DeliveryState struct {
	To string // "webhook", "traces"
	// Sent arrived, Failed did not after all attempts, Dropped found no room.
	Sent, Failed, Dropped int64
}

// The states of a key.
const (
	KeyReady    = "ready"
	KeyResting  = "resting"
	KeyDisabled = "disabled" // until a probe succeeds or somebody wakes it
)

// KeyState returns the state of a whole key: a key of which only some models
// rest is ready.
func KeyState(k *keypool.KeyStatus) string {
	state := KeyReady
	for i := range k.Rests {
		switch r := &k.Rests[i]; {
		case r.Model != "":
		case r.Until.IsZero() || r.Class == llm.ClassPlanDead:
			return KeyDisabled
		default:
			state = KeyResting
		}
	}
	return state
}

// Down reports whether nothing can be expected of the provider now: no key is
// ready, or the breaker of every target is open.
func (p *ProviderState) Down() bool {
	ready, closed := len(p.Keys) == 0, len(p.Targets) == 0
	for i := range p.Keys {
		ready = ready || KeyState(&p.Keys[i]) == KeyReady
	}
	for i := range p.Targets {
		closed = closed || p.Targets[i].Phase != health.Open
	}
	return !ready || !closed
}

// Uptime is the share of the last hour's attempts at the provider that
// succeeded; 1 if there were none.
func (p *ProviderState) Uptime() float64 {
	total, failed := 0, 0
	for i := range p.Targets {
		total += p.Targets[i].Hour.Total
		failed += p.Targets[i].Hour.Failed
	}
	if total == 0 {
		return 1
	}
	return 1 - float64(failed)/float64(total)
}

// Ping is the latest measured distance to the provider; 0: never measured.
func (p *ProviderState) Ping() time.Duration {
	var at time.Time
	var ping time.Duration
	for i := range p.Targets {
		if t := &p.Targets[i]; t.PingedAt.After(at) {
			at, ping = t.PingedAt, t.Status.Ping
		}
	}
	return ping
}

// Live is the Source of a running configuration. Providers is required, the
// rest may be nil.
type Live struct {
	Providers []*gateway.Provider
	Targets   []*route.Target
	InFlight  *atomic.Int64
	Refusals  *gateway.Refusals
	// Now is the clock. Default: time.Now.
	Now func() time.Time
	// Rest adds what Live cannot see: stores, budgets, alerts, deliveries.
	Rest func(*State)
}

// State returns how things stand now.
func (l *Live) State() State {
	now := time.Now()
	if l.Now != nil {
		now = l.Now()
	}
	state := State{Providers: make([]ProviderState, len(l.Providers)), Refusals: l.Refusals}
	for i, p := range l.Providers {
		state.Providers[i] = ProviderState{Name: p.Name, Keys: awake(p.Keys.Snapshot(now), now), Targets: l.targets(p.Name, now)}
	}
	if l.InFlight != nil {
		state.InFlight = l.InFlight.Load()
	}
	if l.Rest != nil {
		l.Rest(&state)
	}
	return state
}

// awake leaves out rests that are over: the pool remembers them for a while, to
// rest longer if the same happens again, but the key may be used.
func awake(keys []keypool.KeyStatus, now time.Time) []keypool.KeyStatus {
	for i := range keys {
		keys[i].Rests = slices.DeleteFunc(keys[i].Rests, func(r keypool.Rest) bool { return !r.Until.IsZero() && !r.Until.After(now) })
	}
	return keys
}

func (l *Live) targets(provider string, now time.Time) []TargetState {
	var out []TargetState
	for _, t := range l.Targets {
		if t.Provider == provider && t.Health != nil {
			out = append(out, TargetState{Model: t.Model, Status: t.Health.Snapshot(now)})
		}
	}
	return out
}
