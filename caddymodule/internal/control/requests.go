package control

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/console"
	"github.com/aimux/aimux/caddymodule/internal/gateway"
	"github.com/aimux/aimux/caddymodule/internal/usage"
)

// requests is console.Requests: the ledger, and the last exchanges in memory,
// which know why they were routed as they were.
type requests struct{ *Plane }

// maxRecent is how many of the last exchanges are looked through.
const maxRecent = 10_000

// List returns exchanges, the newest first.
func (q requests) List(ctx context.Context, f console.RequestQuery) ([]console.Request, string, error) {
	v := q.Gateway.View()
	if v.Ledger == nil {
		return q.recent(v, f), "", nil
	}
	reader, err := v.Ledger.Reader(ctx)
	if err != nil {
		return q.recent(v, f), "", nil // the ledger is in trouble; Meta says so
	}
	page, err := reader.Exchanges(ctx, usage.Filter{
		Since: f.Since, Provider: f.Provider, Alias: f.Model, Client: f.Client, Session: f.Session, Class: f.Class, ID: f.Text,
	}, f.Limit, f.Cursor)
	if err != nil {
		return nil, "", err
	}
	out := make([]console.Request, len(page.Exchanges))
	for i := range page.Exchanges {
		out[i] = ShowExchange(&page.Exchanges[i])
	}
	return out, page.Next, nil
}

// recent answers from memory.
func (requests) recent(v View, f console.RequestQuery) []console.Request {
	out := []console.Request{}
	for _, r := range v.Recent(maxRecent) {
		x := usage.FromRecord(&r)
		switch {
		case f.Provider != "" && x.Provider != f.Provider, f.Model != "" && x.Alias != f.Model, f.Client != "" && x.Client != f.Client,
			f.Session != "" && x.Session != f.Session, f.Text != "" && !strings.HasPrefix(x.ID, f.Text),
			!f.Since.IsZero() && x.Start.Before(f.Since), f.Class == usage.ClassFailed && !x.Failed(),
			f.Class != "" && f.Class != usage.ClassFailed && x.Class != f.Class:
			continue
		}
		if out = append(out, ShowExchange(&x)); len(out) == f.Limit {
			break
		}
	}
	return out
}

// ShowExchange is an exchange as the console lists it.
func ShowExchange(x *usage.Exchange) console.Request {
	r := console.Request{
		ID: x.ID, Start: console.At(x.Start), Client: x.Client, Dialect: x.Dialect, Call: x.Call, Model: x.Alias, Stream: x.Stream,
		Session: x.Session, Agent: x.Agent, Provider: x.Provider, Target: x.Model, Status: x.Status, Reason: x.Reason,
		TTFTMS: millis(x.TTFT), DurationMS: millis(x.Duration), TokensIn: x.Input, TokensOut: x.Output, TokensCached: x.CacheRead,
		CostMicroUSD: x.Cost, Estimated: x.Estimated, Attempts: len(x.Attempts), BytesOut: x.BytesOut,
	}
	if x.Class != "ok" {
		r.Class = x.Class
	}
	return r
}

// Get returns an exchange with its attempts, and the decision behind it while
// it is in memory.
func (q requests) Get(ctx context.Context, id string) (console.RequestDetail, error) {
	v := q.Gateway.View()
	for _, r := range v.Recent(maxRecent) {
		if r.ID == id {
			x := usage.FromRecord(&r)
			d := detail(&x)
			d.Decision = decision(&r)
			messages(&d, &r)
			return d, nil
		}
	}
	if v.Ledger == nil {
		return console.RequestDetail{}, console.NotFound("there is no such request, or no longer")
	}
	reader, err := v.Ledger.Reader(ctx)
	if err != nil {
		return console.RequestDetail{}, err
	}
	x, err := reader.Exchange(ctx, id)
	if errors.Is(err, usage.ErrNotFound) {
		return console.RequestDetail{}, console.NotFound("there is no such request, or no longer")
	}
	return detail(&x), err
}

func detail(x *usage.Exchange) console.RequestDetail {
	d := console.RequestDetail{Request: ShowExchange(x), Tries: []console.Attempt{}}
	for _, a := range x.Attempts {
		class := a.Class
		if class == "ok" {
			class = ""
		}
		d.Tries = append(d.Tries, console.Attempt{
			Provider: a.Provider, Model: a.Model, Key: a.Key, Dialect: a.Dialect, StartMS: millis(a.Start), TTFTMS: millis(a.TTFT),
			DurationMS: millis(a.Duration), Status: a.Status, Class: class, Reason: a.Reason, Code: a.Code, WaitMS: millis(a.Wait), Dropped: []string{},
		})
	}
	return d
}

// messages adds what only memory knows of the attempts.
func messages(d *console.RequestDetail, r *gateway.Record) {
	for i := range min(len(d.Tries), len(r.Attempts)) {
		d.Tries[i].Message = r.Attempts[i].Message
		d.Tries[i].Dropped = append(d.Tries[i].Dropped, r.Attempts[i].Dropped...)
	}
}

// decision is how the targets of an exchange were chosen.
func decision(r *gateway.Record) *console.Decision {
	if r.Plan == nil {
		return nil
	}
	out := &console.Decision{Strategy: string(r.Plan.Strategy), Candidates: []console.DecisionTarget{}}
	if r.Plan.Sticky {
		out.Affinity = "the session's last target"
	}
	for i, c := range r.Plan.Candidates {
		t := console.DecisionTarget{
			Provider: c.Target.Provider, Model: c.Target.Model, Tier: c.Tier, ScoreMS: c.Cost * 1000, Reason: string(c.Reason),
			Picked: i == 0 && len(r.Plan.Targets) > 0,
		}
		if i >= len(r.Plan.Targets) {
			t.Filtered = string(c.Reason)
		}
		out.Candidates = append(out.Candidates, t)
	}
	return out
}

// Sessions returns the conversations since a time.
func (q requests) Sessions(ctx context.Context, since time.Time, cursor string, limit int) ([]console.Session, string, error) {
	out := []console.Session{}
	v := q.Gateway.View()
	if v.Ledger == nil || cursor != "" {
		return out, "", nil
	}
	reader, err := v.Ledger.Reader(ctx)
	if err != nil {
		return nil, "", err
	}
	all, err := reader.Sessions(ctx, since, limit)
	for _, s := range all {
		row := console.Session{
			ID: s.ID, Start: console.At(s.First), Last: console.At(s.Last), Requests: s.Requests, CostMicroUSD: s.Cost,
			TokensIn: s.Input, TokensOut: s.Output, Agents: []console.SessionAgent{},
		}
		for _, a := range s.Agents {
			row.Agents = append(row.Agents, console.SessionAgent{ID: a.ID, Requests: a.Requests, CostMicroUSD: a.Cost})
		}
		out = append(out, row)
	}
	return out, "", err
}
