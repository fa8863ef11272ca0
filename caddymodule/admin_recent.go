package caddymodule

import (
	"time"

	"github.com/aimux/aimux/caddymodule/internal/gateway"
	"github.com/aimux/aimux/caddymodule/internal/route"
)

// recentExchange is a finished exchange as /aimux/status shows it: what was
// asked, who was considered and why, what was tried.
type recentExchange struct {
	ID         string           `json:"id"`
	Start      time.Time        `json:"start"`
	Call       string           `json:"call"`
	Client     string           `json:"client,omitempty"`
	Model      string           `json:"model"`
	Stream     bool             `json:"stream"`
	Provider   string           `json:"provider,omitempty"`
	Target     string           `json:"target,omitempty"`
	Status     int              `json:"status"`
	Code       string           `json:"code"`
	TTFT       float64          `json:"ttft_ms"`
	Duration   float64          `json:"duration_ms"`
	Input      int              `json:"input_tokens"`
	Output     int              `json:"output_tokens"`
	Strategy   string           `json:"strategy,omitempty"`
	Sticky     bool             `json:"sticky,omitempty"`
	Candidates []candidateShown `json:"candidates,omitempty"`
	Attempts   []attemptShown   `json:"attempts"`
}

type candidateShown struct {
	Target   string     `json:"target"`
	Tier     int        `json:"tier"`
	Ready    bool       `json:"ready"`
	Reason   string     `json:"reason,omitempty"`
	Expected float64    `json:"expected_ms"`
	Known    bool       `json:"known"`
	InFlight int        `json:"in_flight"`
	Until    *time.Time `json:"until,omitempty"`
}

type attemptShown struct {
	Provider string   `json:"provider"`
	Model    string   `json:"model"`
	Key      string   `json:"key"`
	Dialect  string   `json:"dialect"`
	Start    float64  `json:"start_ms"`
	TTFT     float64  `json:"ttft_ms"`
	Duration float64  `json:"duration_ms"`
	Status   int      `json:"status"`
	Class    string   `json:"class"`
	Code     string   `json:"code"`
	Vendor   string   `json:"vendor_code,omitempty"`
	Wait     float64  `json:"wait_ms,omitempty"`
	Dropped  []string `json:"dropped,omitempty"`
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func recentExchanges(records []gateway.Record) []recentExchange {
	out := make([]recentExchange, len(records))
	for i := range records {
		out[i] = shown(&records[i])
	}
	return out
}

func shown(r *gateway.Record) recentExchange {
	e := recentExchange{
		ID: r.ID, Start: r.Start, Call: r.Call, Client: r.Client, Model: r.Model, Stream: r.Stream,
		Provider: r.Provider, Target: r.Target, Status: r.Status, Code: r.Reason,
		TTFT: millis(r.TTFT), Duration: millis(r.Duration), Input: r.Usage.Input, Output: r.Usage.Output,
		Attempts: make([]attemptShown, len(r.Attempts)),
	}
	for i, a := range r.Attempts {
		e.Attempts[i] = attemptShown{
			Provider: a.Provider, Model: a.Model, Key: a.Key, Dialect: string(a.Dialect), Start: millis(a.Start),
			TTFT: millis(a.TTFT), Duration: millis(a.Duration), Status: a.Status, Class: a.Class.String(),
			Code: a.Reason, Vendor: a.Code, Wait: millis(a.Wait), Dropped: a.Dropped,
		}
	}
	if r.Plan != nil {
		e.Strategy, e.Sticky = string(r.Plan.Strategy), r.Plan.Sticky
		e.Candidates = candidates(r.Plan)
	}
	return e
}

func candidates(p *route.Plan) []candidateShown {
	out := make([]candidateShown, len(p.Candidates))
	for i := range p.Candidates {
		c := &p.Candidates[i]
		out[i] = candidateShown{
			Target: c.Target.ID, Tier: c.Tier, Ready: c.Ready, Reason: string(c.Reason),
			Expected: millis(c.Expected), Known: c.Known, InFlight: c.InFlight,
		}
		if !c.Until.IsZero() {
			out[i].Until = &c.Until
		}
	}
	return out
}
