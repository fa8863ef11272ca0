package console

import (
	"context"
	"time"
)

// Metrics are the figures of the whole gateway over rolling windows.
type Metrics interface {
	// Now returns the figures of the last minute, five minutes or hour.
	Now(ctx context.Context, window time.Duration) (Figures, error)
	// History returns the columns of the charts for the last hour or day.
	History(ctx context.Context, span time.Duration) (History, error)
}

// Figures are what the gateway did in a window of time that ends now.
type Figures struct {
	Now               Time        `json:"now"`
	Window            string      `json:"window"` // filled in by the console
	Requests          int64       `json:"requests"`
	Failures          int64       `json:"failures"`
	RequestsPerSecond float64     `json:"requests_per_second"`
	SuccessRate       *float64    `json:"success_rate,omitzero"` // 0..1
	InFlight          int64       `json:"in_flight"`
	TTFT              Percentiles `json:"ttft_ms"`
	Duration          Percentiles `json:"duration_ms"`
	TokensIn          int64       `json:"tokens_in"`
	TokensOut         int64       `json:"tokens_out"`
	TokensPerSecond   float64     `json:"tokens_per_second"`
	CostMicroUSD      int64       `json:"cost_microusd"`
	Attempts          int64       `json:"attempts"`
	Failovers         int64       `json:"failovers"`
	MemoryBytes       int64       `json:"memory_bytes"`
	Streams           int64       `json:"streams"`
}

// Percentiles of a duration in milliseconds; zero is unknown.
type Percentiles struct {
	P50 float64 `json:"p50,omitzero"`
	P95 float64 `json:"p95,omitzero"`
	P99 float64 `json:"p99,omitzero"`
}

// History is the columns of the charts, oldest first, all of one length.
type History struct {
	From        Time    `json:"from"`
	StepSeconds int     `json:"step_seconds"`
	Time        []int64 `json:"time"` // unix seconds
	Requests    Series  `json:"requests"`
	Failures    Series  `json:"failures"`
	TTFTP50     Series  `json:"ttft_p50_ms"`
	TTFTP95     Series  `json:"ttft_p95_ms"`
	TokensIn    Series  `json:"tokens_in"`
	TokensOut   Series  `json:"tokens_out"`
	Cost        Series  `json:"cost_microusd"`
	InFlight    Series  `json:"in_flight"`
}

// back returns the newest point but n.
func (h History) back(n int) point {
	i := len(h.Time) - 1 - n
	if i < 0 {
		return point{}
	}
	return point{
		Time:     h.Time[i],
		Requests: h.Requests.at(i), Failures: h.Failures.at(i),
		TTFTP50: h.TTFTP50.at(i), TTFTP95: h.TTFTP95.at(i),
		In: h.TokensIn.at(i), Out: h.TokensOut.at(i),
		Cost: h.Cost.at(i), InFlight: h.InFlight.at(i),
	}
}

var windows = map[string]time.Duration{"1m": time.Minute, "5m": 5 * time.Minute, "1h": time.Hour}

var spans = map[string]time.Duration{"1h": time.Hour, "24h": 24 * time.Hour}

func getMetrics(k *call) (any, error) {
	window, err := k.choice("window", "1m", "5m", "1h")
	if err != nil {
		return nil, err
	}
	f, err := k.c.o.Backend.Metrics.Now(k.ctx(), windows[window])
	f.Window = window
	return f, err
}

func getHistory(k *call) (any, error) {
	span, err := k.choice("span", "1h", "24h")
	if err != nil {
		return nil, err
	}
	return k.c.o.Backend.Metrics.History(k.ctx(), spans[span])
}
