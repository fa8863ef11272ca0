package telemetry

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"time"
)

// HealthLog writes one line about each provider to a log, again and again: what
// it was asked since the last line, how that went, and how it stands. Windows,
// Source and Logger are required.
type HealthLog struct {
	Windows *Windows
	Source  Source
	Logger  *slog.Logger
	// Idle also writes about providers that nobody used since the last line.
	Idle bool

	told map[string]toldOf
}

// toldOf is where a provider's counts stood at its last line.
type toldOf struct {
	counts Counts
	codes  map[string]uint64
	down   bool
}

// Run writes whenever ticks says so, until ctx ends. What happened before it was
// called is not told.
func (h *HealthLog) Run(ctx context.Context, ticks <-chan time.Time) {
	h.begin()
	for {
		select {
		case <-ticks:
			h.Write(ctx)
		case <-ctx.Done():
			return
		}
	}
}

// begin takes the present as what has been told.
func (h *HealthLog) begin() {
	h.told = map[string]toldOf{}
	for _, p := range h.Source.State().Providers {
		var now toldOf
		now.counts, now.codes = h.Windows.Totals(Scope{Provider: p.Name})
		h.told[p.Name] = now
	}
}

// Write writes the lines. It must not be called from two goroutines at once.
func (h *HealthLog) Write(ctx context.Context) {
	if !h.Logger.Enabled(ctx, slog.LevelInfo) {
		return
	}
	state := h.Source.State()
	told := make(map[string]toldOf, len(state.Providers))
	for i := range state.Providers {
		p := &state.Providers[i]
		now := toldOf{down: p.Down()}
		now.counts, now.codes = h.Windows.Totals(Scope{Provider: p.Name})
		before := h.told[p.Name]
		if now.counts.Requests < before.counts.Requests {
			before = toldOf{} // it went and came back
		}
		told[p.Name] = now
		if h.Idle || now.counts.Requests != before.counts.Requests || now.down != before.down {
			h.write(ctx, p, now, before)
		}
	}
	h.told = told
}

func (h *HealthLog) write(ctx context.Context, p *ProviderState, now, before toldOf) {
	level := slog.LevelInfo
	if now.down {
		level = slog.LevelWarn
	}
	c := now.counts.since(&before.counts)
	rate, _ := c.SuccessRate()
	last := h.Windows.Stats(Scope{Provider: p.Name}, 5*time.Minute)
	ready := 0
	for i := range p.Keys {
		if KeyState(&p.Keys[i]) == KeyReady {
			ready++
		}
	}
	h.Logger.LogAttrs(ctx, level, "provider health",
		slog.String("provider", p.Name), slog.Bool("up", !now.down),
		slog.Float64("ping_ms", milliseconds(p.Ping())),
		slog.Uint64("attempts", c.Requests), slog.Uint64("failed", c.Failed), slog.Uint64("canceled", c.Canceled),
		slog.Float64("success_rate", rate), slog.Float64("uptime", p.Uptime()),
		slog.Uint64("tokens_in", c.TokensIn), slog.Uint64("tokens_out", c.TokensOut),
		slog.Uint64("bytes_in", c.BytesIn), slog.Uint64("bytes_out", c.BytesOut),
		slog.Int64("cost_microusd", c.Cost),
		slog.Float64("ttft_p50_ms", milliseconds(last.TTFT.P50)), slog.Float64("ttft_p95_ms", milliseconds(last.TTFT.P95)),
		slog.Int("keys_ready", ready), slog.Int("keys", len(p.Keys)),
		errorsOf(now.codes, before.codes))
}

// errorsOf is a group of the codes of failure that occurred, with how often.
func errorsOf(now, before map[string]uint64) slog.Attr {
	var all []slog.Attr
	for _, code := range slices.Sorted(maps.Keys(now)) {
		if n := now[code] - before[code]; n > 0 {
			all = append(all, slog.Uint64(code, n))
		}
	}
	return slog.GroupAttrs("errors", all...)
}

// milliseconds returns d with a tenth of a millisecond's precision.
func milliseconds(d time.Duration) float64 {
	return float64(d.Round(100*time.Microsecond)) / float64(time.Millisecond)
}
