package alert

import (
	"time"

	"github.com/aimux/aimux/caddymodule/internal/telemetry"
)

// reading is the value of a metric for one subject.
type reading struct {
	subject string // a provider, a budget, a store; empty: all of aimux
	value   float64
	known   bool // there was enough traffic to tell
}

// read returns the rule's readings.
func (r *Rule) read(w *telemetry.Windows, state *telemetry.State) []reading {
	switch r.Metric {
	case Budget:
		return r.budgets(state)
	case LedgerTrouble:
		return store(state, "ledger")
	case AuditTrouble:
		return store(state, "audit")
	case KeyResting, ProviderDown:
		return r.providers(state)
	}
	if r.Provider == "" {
		return []reading{r.traffic(w, "")}
	}
	var out []reading
	for i := range state.Providers {
		if name := state.Providers[i].Name; r.Provider == "*" || r.Provider == name {
			out = append(out, r.traffic(w, name))
		}
	}
	return out
}

func (r *Rule) traffic(w *telemetry.Windows, provider string) reading {
	s := w.Stats(telemetry.Scope{Provider: provider}, r.Window)
	out := reading{subject: provider}
	judged := s.Requests - s.Rejected - s.Canceled
	if judged < uint64(max(r.MinRequests, 1)) {
		return out
	}
	out.known = true
	switch r.Metric {
	case P95Latency:
		out.value = seconds(s.Duration.P95)
	case P95TTFT:
		out.value, out.known = seconds(s.TTFT.P95), s.TTFT.Count > 0
	case ErrorRate:
		out.value = float64(s.Failed) / float64(judged)
	default:
		out.value, _ = s.SuccessRate()
	}
	return out
}

// seconds returns d in seconds, to the millisecond.
func seconds(d time.Duration) float64 { return d.Round(time.Millisecond).Seconds() }

func (r *Rule) providers(state *telemetry.State) []reading {
	var out []reading
	for i := range state.Providers {
		p := &state.Providers[i]
		if r.Provider != "" && r.Provider != "*" && r.Provider != p.Name {
			continue
		}
		one := reading{subject: p.Name, known: true}
		switch {
		case r.Metric == KeyResting:
			one.value = float64(notReady(p))
		case p.Down():
			one.value = 1
		}
		out = append(out, one)
	}
	return out
}

func notReady(p *telemetry.ProviderState) (n int) {
	for i := range p.Keys {
		if telemetry.KeyState(&p.Keys[i]) != telemetry.KeyReady {
			n++
		}
	}
	return n
}

func (r *Rule) budgets(state *telemetry.State) []reading {
	out := make([]reading, len(state.Budgets))
	for i, b := range state.Budgets {
		out[i] = reading{subject: b.Name, value: b.Share(), known: b.Limit > 0}
	}
	return out
}

func store(state *telemetry.State, name string) []reading {
	for _, s := range state.Stores {
		if s.Name != name {
			continue
		}
		one := reading{subject: name, known: true}
		if s.Trouble != "" {
			one.value = 1
		}
		return []reading{one}
	}
	return nil
}
