package control

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/aimux/aimux/caddymodule/internal/console"
	"github.com/aimux/aimux/caddymodule/internal/gateway"
	"github.com/aimux/aimux/caddymodule/internal/usage"
)

// requests is console.Requests: the ledger, and the last exchanges in memory,
// which know why they were routed as they were.
type requests struct{ *Plane }

// maxRecent is how many of the last exchanges are looked through.
const maxRecent = 10_000

// unwritten is how many of the last exchanges may not be in the ledger yet,
// which writes in batches.
const unwritten = 1000

// List returns exchanges, the newest first.
func (q requests) List(ctx context.Context, f console.RequestQuery) ([]console.Request, string, error) {
	v := q.Gateway.View()
	if v.Ledger == nil {
		return q.recent(v, f, maxRecent), "", nil
	}
	reader, err := v.Ledger.Reader(ctx)
	if err != nil {
		return q.recent(v, f, maxRecent), "", nil // the ledger is in trouble; Meta says so
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
	return merge(out, q.recent(v, f, unwritten), f.Cursor == "", page.Next == ""), page.Next, nil
}

// merge adds to a page of the ledger what memory knows of it: how many attempts
// there were, and on the first page what is not written yet. That page may be
// longer than was asked for, by those.
func merge(page, recent []console.Request, first, last bool) []console.Request {
	at := make(map[string]int, len(page))
	for i := range page {
		at[page[i].ID] = i
	}
	n := len(page)
	for _, r := range recent {
		i, written := at[r.ID]
		switch {
		case written:
			page[i].Attempts = r.Attempts
		case first && (last || n == 0 || r.Start.After(page[n-1].Start.Time)):
			page = append(page, r)
		}
	}
	slices.SortStableFunc(page, func(a, b console.Request) int { return b.Start.Compare(a.Start.Time) })
	return page
}

// recent answers from memory, where it looks through the last n exchanges.
func (requests) recent(v View, f console.RequestQuery, n int) []console.Request {
	out := []console.Request{}
	for _, r := range v.Recent(n) {
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
	for i := range r.Plan.Candidates {
		c := &r.Plan.Candidates[i]
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
