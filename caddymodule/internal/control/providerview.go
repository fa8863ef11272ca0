package control

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/console"
	"github.com/aimux/aimux/caddymodule/internal/gateway"
	"github.com/aimux/aimux/caddymodule/internal/health"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/aimux/aimux/caddymodule/internal/provider"
	"github.com/aimux/aimux/caddymodule/internal/route"
	"github.com/aimux/aimux/caddymodule/internal/telemetry"
	"github.com/aimux/aimux/schema"
)

// sparkSteps is how many steps of ten seconds a provider's spark line shows.
const sparkSteps = 30

// providers shows every configured provider.
func (v View) providers() []console.Provider {
	working := map[string]*gateway.Provider{}
	for _, p := range v.Providers {
		working[p.Name] = p
	}
	now := time.Now()
	out := []console.Provider{}
	for _, name := range slices.Sorted(maps.Keys(v.Result.Config.Providers)) {
		out = append(out, v.provider(name, working[name], now))
	}
	return out
}

// provider shows one provider; works is nil for one that does not serve.
func (v View) provider(name string, works *gateway.Provider, now time.Time) console.Provider {
	row := v.Result.Config.Providers[name]
	p := console.Provider{
		ID: name, Kind: row.Kind, Tier: row.Tier, Weight: row.Weight, Enabled: row.On(), Origin: v.layerWord("/providers/" + pointerStep(name) + "/kind"),
		BaseURL: row.BaseURL, AnthropicBaseURL: row.AnthropicBaseURL, ResponsesBaseURL: row.ResponsesBaseURL,
		Spark: console.Series{}, Keys: v.keysOf(name, works, now), Targets: []console.Target{},
	}
	if known, ok := provider.Catalogue().Vendor(row.Kind); ok {
		p.Title = known.Title
	}
	if works == nil {
		p.Status, p.StatusText = "disabled", "switched off"
		if p.Enabled {
			p.Status, p.StatusText = "down", "it has no key"
		}
		return p
	}
	p.BaseURL = firstOf(p.BaseURL, works.Vendor.Endpoints[llm.OpenAI].BaseURL)
	p.AnthropicBaseURL = firstOf(p.AnthropicBaseURL, works.Vendor.Endpoints[llm.Anthropic].BaseURL)
	p.ResponsesBaseURL = firstOf(p.ResponsesBaseURL, works.Vendor.Endpoints[llm.Responses].BaseURL)
	v.figures(&p, now)
	p.Status, p.StatusText = statusOf(&p)
	return p
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// layerWord says where a row comes from.
func (v View) layerWord(pointer string) string {
	switch layer := v.Result.LayerOf(pointer); {
	case layer == schema.LayerFile, layer == schema.LayerOverrides:
		return layer
	}
	return "environment"
}

// figures fills in what was measured.
func (v View) figures(p *console.Provider, now time.Time) {
	scope := telemetry.Scope{Provider: p.ID}
	stats := v.Windows.Stats(scope, time.Hour)
	p.Requests, p.Failures = int64(stats.Requests), int64(stats.Failed)
	if rate, known := stats.SuccessRate(); known {
		p.SuccessRate = &rate
	}
	p.TTFTMS = millis(stats.TTFT.P50)
	history := v.Windows.History(scope, 10*time.Second)
	for _, point := range history[max(0, len(history)-sparkSteps):] {
		p.Spark = append(p.Spark, float64(point.Requests))
	}
	uptimes, speed := 0.0, 0.0
	for _, t := range v.Router.Targets() {
		if t.Provider != p.ID || t.Health == nil {
			continue
		}
		s := t.Health.Snapshot(now)
		p.Targets = append(p.Targets, targetOf(t, s))
		p.InFlight += int64(s.InFlight)
		uptimes += s.Uptime
		speed = max(speed, s.TokensPerSecond)
		if p.PingMS == 0 || s.Ping > 0 && millis(s.Ping) < p.PingMS {
			p.PingMS = millis(s.Ping)
		}
	}
	p.TokensPerSecond = speed
	if n := len(p.Targets); n > 0 {
		p.Uptime = float(uptimes / float64(n))
	}
}

func targetOf(t *route.Target, s health.Status) console.Target {
	out := console.Target{Model: t.Model, Breaker: breakers[s.Phase], Until: console.At(s.OpenUntil), TokensPerSecond: s.TokensPerSecond}
	for _, ttft := range s.TTFT {
		if ttft > 0 {
			out.TTFTMS = millis(ttft)
			break
		}
	}
	if s.Hour.Total > 0 {
		out.SuccessRate = float(1 - float64(s.Hour.Failed)/float64(s.Hour.Total))
	}
	return out
}

var breakers = map[health.Phase]string{health.Closed: "closed", health.Open: "open", health.HalfOpen: "half-open"}

// statusOf sums a provider up in a word and a sentence.
func statusOf(p *console.Provider) (word, text string) {
	ready, open := 0, 0
	for _, k := range p.Keys {
		if k.State == "ready" {
			ready++
		}
	}
	var stuck []string
	for _, t := range p.Targets {
		if t.Breaker == "open" {
			open++
			stuck = append(stuck, t.Model)
		}
	}
	switch {
	case len(p.Keys) > 0 && ready == 0:
		return "resting", "every key is resting"
	case open > 0 && open == len(p.Targets):
		return "down", "it fails too often and is left alone for a while"
	case open > 0:
		return "degraded", "left alone for a while: " + strings.Join(stuck[:min(3, len(stuck))], ", ")
	case ready < len(p.Keys):
		return "degraded", fmt.Sprintf("%d of %d keys are ready", ready, len(p.Keys))
	case p.SuccessRate != nil && *p.SuccessRate < 0.9:
		return "degraded", fmt.Sprintf("%.0f %% of the last hour's requests went well", *p.SuccessRate*100)
	case p.Requests == 0:
		return "idle", "nothing was asked of it in the last hour"
	}
	return "ok", "in order"
}
