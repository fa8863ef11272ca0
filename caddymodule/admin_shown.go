package caddymodule

import (
	"time"

	"github.com/aimux/aimux/caddymodule/internal/health"
	"github.com/aimux/aimux/caddymodule/internal/keypool"
)

// keyShown is a key as /aimux/keys shows it. It cannot hold a secret.
type keyShown struct {
	Name      string      `json:"name"`
	Account   string      `json:"account,omitempty"`
	InFlight  int         `json:"in_flight"`
	Limit     int         `json:"limit,omitempty"` // requests under way, as configured or learned
	Rests     []restShown `json:"rests"`
	LastClass string      `json:"last_class,omitempty"`
	LastError *time.Time  `json:"last_error,omitempty"`
	LastUsed  *time.Time  `json:"last_used,omitempty"`
	Used      int64       `json:"used"`
	Succeeded int64       `json:"succeeded"`
	Failed    int64       `json:"failed"`
	TTFT      float64     `json:"ttft_ms,omitempty"`
	Speed     float64     `json:"tokens_per_second,omitempty"`
}

type restShown struct {
	Model   string     `json:"model,omitempty"` // empty: the whole key
	Account bool       `json:"account,omitempty"`
	Class   string     `json:"class"`
	Until   *time.Time `json:"until,omitempty"`
	Probe   *time.Time `json:"probe,omitempty"`
	Probing bool       `json:"probing,omitempty"`
}

func keysShown(keys []keypool.KeyStatus) []keyShown {
	out := make([]keyShown, len(keys))
	for i, k := range keys {
		out[i] = keyShown{
			Name: k.Name, Account: k.Account, InFlight: k.InFlight, Limit: k.Limit, Rests: make([]restShown, len(k.Rests)),
			LastError: moment(k.LastError), LastUsed: moment(k.LastUsed),
			Used: k.Used, Succeeded: k.Succeeded, Failed: k.Failed, TTFT: millis(k.TTFT), Speed: k.TokensPerSecond,
		}
		if !k.LastError.IsZero() {
			out[i].LastClass = k.LastClass.String()
		}
		for j, r := range k.Rests {
			out[i].Rests[j] = restShown{
				Model: r.Model, Account: r.Account, Class: r.Class.String(),
				Until: moment(r.Until), Probe: moment(r.Probe), Probing: r.Probing,
			}
		}
	}
	return out
}

// moment returns nil for the zero time, which JSON cannot leave out.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// healthShown is how a target is doing, as /aimux/status shows it.
type healthShown struct {
	Breaker   string      `json:"breaker"` // closed, open, half_open
	OpenUntil *time.Time  `json:"open_until,omitempty"`
	InFlight  int         `json:"in_flight"`
	Uptime    float64     `json:"uptime"`
	TTFT      []float64   `json:"ttft_ms"` // estimates by prompt size; 0: not known
	Speed     float64     `json:"tokens_per_second,omitempty"`
	Ping      float64     `json:"ping_ms,omitempty"`
	Minute    windowShown `json:"minute"`
	Hour      windowShown `json:"hour"`
	LastUsed  *time.Time  `json:"last_used,omitempty"`
	LastClass string      `json:"last_class,omitempty"`
	LastError *time.Time  `json:"last_error,omitempty"`
}

type windowShown struct {
	Total  int     `json:"total"`
	Failed int     `json:"failed"`
	P50    float64 `json:"ttft_p50_ms"`
	P95    float64 `json:"ttft_p95_ms"`
	P99    float64 `json:"ttft_p99_ms"`
}

func showHealth(s health.Status) *healthShown {
	out := &healthShown{
		Breaker: s.Phase.String(), OpenUntil: moment(s.OpenUntil), InFlight: s.InFlight, Uptime: s.Uptime,
		Speed: s.TokensPerSecond, Ping: millis(s.Ping), Minute: showWindow(s.Minute), Hour: showWindow(s.Hour),
		LastUsed: moment(s.LastUsed), LastError: moment(s.LastError),
	}
	for _, d := range s.TTFT {
		out.TTFT = append(out.TTFT, millis(d))
	}
	if out.LastError != nil {
		out.LastClass = s.LastClass.String()
	}
	return out
}

func showWindow(w health.Window) windowShown {
	return windowShown{Total: int(w.Total), Failed: int(w.Failed), P50: millis(w.P50), P95: millis(w.P95), P99: millis(w.P99)}
}
