package control

import (
	"context"
	"net/netip"
	"strconv"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/client"
	"github.com/aimux/aimux/caddymodule/internal/console"
	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// clients is console.Clients.
type clients struct{ *Plane }

// List returns the clients with what they have used.
func (c clients) List(context.Context) ([]console.Client, error) {
	out := []console.Client{}
	registry := c.Gateway.View().Registry
	if registry == nil {
		return out, nil
	}
	now := time.Now()
	for _, x := range registry.Clients() {
		shown := showClient(x.Record)
		used := x.Usage(now)
		shown.Streams, shown.SpentTodayMicroUSD, shown.SpentMonthMicroUSD = used.Streams, used.TodayMicroUSD, used.MonthMicroUSD
		shown.Source = string(x.Source)
		out = append(out, shown)
	}
	return out, nil
}

func showClient(r client.Record) console.Client {
	on := !r.Disabled
	s := console.ClientSettings{
		Name: r.Name, Team: r.Team, Expires: console.At(r.Expires), Enabled: &on, Models: append([]string{}, r.Models...),
		Dialects: []string{}, Networks: []string{},
		RequestsPerMinute: r.Limits.RequestsPerMinute, TokensPerMinute: r.Limits.TokensPerMinute, MaxStreams: r.Limits.MaxStreams,
		DailyMicroUSD: r.Limits.DailyMicroUSD, MonthlyMicroUSD: r.Limits.MonthlyMicroUSD,
	}
	for _, d := range r.Dialects {
		s.Dialects = append(s.Dialects, string(d))
	}
	for _, n := range r.Networks {
		s.Networks = append(s.Networks, n.String())
	}
	return console.Client{ID: r.ID, ClientSettings: s, Created: console.At(r.Created), Source: string(client.FromStore)}
}

// fill writes settings into a record.
func fill(r *client.Record, s console.ClientSettings) error {
	r.Name, r.Team, r.Expires, r.Models = s.Name, s.Team, s.Expires.Time, s.Models
	r.Disabled = s.Enabled != nil && !*s.Enabled
	r.Dialects, r.Networks = nil, nil
	for _, d := range s.Dialects {
		r.Dialects = append(r.Dialects, llm.Dialect(d))
	}
	for i, n := range s.Networks {
		prefix, err := netip.ParsePrefix(n)
		if err != nil {
			return console.Invalid(console.Problem{Pointer: "/networks/" + itoa(i), Message: "not a network such as 10.0.0.0/8"})
		}
		r.Networks = append(r.Networks, prefix)
	}
	r.Limits = client.Limits{
		RequestsPerMinute: s.RequestsPerMinute, TokensPerMinute: s.TokensPerMinute, MaxStreams: s.MaxStreams,
		DailyMicroUSD: s.DailyMicroUSD, MonthlyMicroUSD: s.MonthlyMicroUSD,
	}
	if err := r.Validate(); err != nil {
		return console.Invalid(console.Problem{Message: err.Error()})
	}
	return nil
}

// store opens the clients' store.
func (c clients) store(ctx context.Context) (*client.Store, error) {
	if s := c.Gateway.View().Store; s != nil {
		return s, nil
	}
	v, err := c.vault(ctx)
	if err != nil {
		return nil, err
	}
	return c.OpenStore(v)
}

// Create makes a client and its token.
func (c clients) Create(ctx context.Context, s console.ClientSettings) (console.Client, string, error) {
	var r client.Record
	if err := fill(&r, s); err != nil {
		return console.Client{}, "", err
	}
	store, err := c.store(ctx)
	if err != nil {
		return console.Client{}, "", err
	}
	made, token, err := store.Create(r)
	if err != nil {
		return console.Client{}, "", told(err)
	}
	if err := c.Gateway.Apply(); err != nil {
		_ = store.Revoke(made.ID)
		return console.Client{}, "", told(err)
	}
	return showClient(made), token.Reveal(), nil
}

// Put changes a client. A registry that has the store sees that by itself, and so
// the change is in force whatever the configuration's files say by now.
func (c clients) Put(ctx context.Context, id string, s console.ClientSettings) (console.Client, error) {
	store, err := c.owned(ctx, id)
	if err != nil {
		return console.Client{}, err
	}
	changed, err := store.Update(id, func(r *client.Record) error { return fill(r, s) })
	if err != nil {
		return console.Client{}, told(err)
	}
	if v := c.Gateway.View(); v.Registry == nil || v.Store == nil {
		err = told(c.Gateway.Apply())
	}
	return showClient(changed), err
}

// owned returns the store if the client is one of its own.
func (c clients) owned(ctx context.Context, id string) (*client.Store, error) {
	if registry := c.Gateway.View().Registry; registry != nil {
		if x, ok := registry.Find(id); ok && x.Source == client.FromConfig {
			return nil, console.Conflict("the client is a row of the configuration; change it there")
		}
	}
	return c.store(ctx)
}

// Delete revokes a client. Its key stops working at once, even if it was the
// last: then nobody may use the gateway.
func (c clients) Delete(ctx context.Context, id string) error {
	store, err := c.owned(ctx, id)
	if err != nil {
		return err
	}
	return told(store.Revoke(id))
}

// Rotate gives a client a new token.
func (c clients) Rotate(ctx context.Context, id string, grace time.Duration) (console.Client, string, error) {
	store, err := c.owned(ctx, id)
	if err != nil {
		return console.Client{}, "", err
	}
	r, token, err := store.Rotate(id, grace)
	if err != nil {
		return console.Client{}, "", told(err)
	}
	return showClient(r), token.Reveal(), nil
}

func itoa(i int) string { return strconv.Itoa(i) }
