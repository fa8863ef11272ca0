package caddymodule

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/client"
	"github.com/aimux/aimux/caddymodule/internal/gateway"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/aimux/aimux/caddymodule/internal/telemetry"
	"github.com/aimux/aimux/caddymodule/internal/usage"
	"github.com/aimux/aimux/caddymodule/place"
	"github.com/aimux/aimux/schema"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// pepperLabel names the subkey of the vault that client tokens are hashed with.
const pepperLabel = "aimux client tokens"

// openClients reads who may use the gateway: the rows of the configuration and
// the clients aimux made. With neither, everybody may, unless there was a client
// of the store before: after the last was revoked nobody may.
func (b *builder) openClients() error {
	s := &b.runtime.services
	pepper := make([]byte, 32)
	_, _ = rand.Read(pepper) // never fails, by its documentation
	if s.vault != nil {
		var err error
		if pepper, err = s.vault.Derive(pepperLabel); err != nil {
			return err
		}
		s.store, err = shareOr(b.runtime, "clients|"+place.Clients(), func() (*client.Store, error) {
			return client.OpenStore(place.Clients(), pepper, nil)
		})
		if err != nil {
			return fmt.Errorf("reading the client keys: %w", err)
		}
		if _, err := s.store.Reload(); err != nil {
			return fmt.Errorf("reading the client keys: %w", err)
		}
	} else if place.Exists(place.Clients()) {
		return fmt.Errorf("%s holds client keys, but the vault they are sealed with, %s, is not there", place.Clients(), place.Vault(b.config))
	}
	static, err := b.staticClients()
	if err != nil {
		return err
	}
	s.kept = s.store != nil && s.store.Guards()
	if len(static) == 0 && !s.kept {
		return nil
	}
	s.clients, err = client.NewRegistry(client.Options{
		Pepper: pepper, Accounts: s.accounts, Store: s.store, Static: static, Teams: b.teams(),
	})
	b.runtime.guarded = err == nil
	return err
}

// staticClients are the rows of the configuration with their tokens.
func (b *builder) staticClients() ([]client.Static, error) {
	var out []client.Static
	for _, row := range b.config.Clients {
		if !row.On() {
			continue
		}
		token, err := b.runtime.services.fetch(row.Secret)
		if err != nil {
			return nil, fmt.Errorf("client %q: %w", row.Name, err)
		}
		expires, err := schema.ParseExpiry(row.Expires)
		if err != nil {
			return nil, fmt.Errorf("client %q: %w", row.Name, err)
		}
		c := client.Static{Token: client.TokenOf(token), Record: client.Record{
			Name: row.Name, Team: row.Team, Expires: expires, Scope: client.Scope{Models: row.Models}, Limits: limitsOf(row.Allowance),
		}}
		for _, d := range row.Dialects {
			c.Dialects = append(c.Dialects, llm.Dialect(d))
		}
		for _, n := range row.Networks {
			prefix, err := netip.ParsePrefix(n)
			if err != nil {
				return nil, fmt.Errorf("client %q: %w", row.Name, err)
			}
			c.Networks = append(c.Networks, prefix)
		}
		out = append(out, c)
	}
	return out, nil
}

func (b *builder) teams() []client.Team {
	var out []client.Team
	for _, row := range b.config.Teams {
		out = append(out, client.Team{Name: row.Name, Limits: limitsOf(row.Allowance)})
	}
	return out
}

func limitsOf(a schema.Allowance) client.Limits {
	return client.Limits{
		RequestsPerMinute: int64(a.RequestsPerMinute), TokensPerMinute: int64(a.TokensPerMinute), MaxStreams: int64(a.MaxStreams),
		DailyMicroUSD: int64(a.DailyUSD*1e6 + 0.5), MonthlyMicroUSD: int64(a.MonthlyUSD*1e6 + 0.5),
	}
}

// budgets are the spend limits in force and how much of each is used.
func (s *services) budgets() []telemetry.BudgetState {
	if s.clients == nil {
		return nil
	}
	var out []telemetry.BudgetState
	add := func(name string, l client.Limits, u client.Usage) {
		if l.DailyMicroUSD > 0 {
			out = append(out, telemetry.BudgetState{Name: name + "/day", Spent: u.TodayMicroUSD, Limit: l.DailyMicroUSD, Refused: u.TodayRefused})
		}
		if l.MonthlyMicroUSD > 0 {
			out = append(out, telemetry.BudgetState{Name: name + "/month", Spent: u.MonthMicroUSD, Limit: l.MonthlyMicroUSD, Refused: u.MonthRefused})
		}
	}
	now := time.Now()
	for _, c := range s.clients.Clients() {
		add("client "+c.Name, c.Limits, c.Usage(now))
	}
	for _, t := range s.clients.Teams(now) {
		add("team "+t.Name, t.Limits, t.Usage)
	}
	return out
}

// recall makes what clients and teams with a budget have spent at least what the
// ledger knows of this day and month, once: the state file may be lost, or older
// than a crash. After an error the next call tries again.
func (s *services) recall(ctx context.Context, now time.Time) error {
	if s.clients == nil || s.ledger == nil || s.recalled.Load() {
		return nil
	}
	if len(s.budgets()) == 0 {
		return nil
	}
	if err := s.ledger.Flush(ctx); err != nil {
		return err
	}
	reader, err := s.ledger.Reader(ctx)
	if err != nil {
		return err
	}
	if err := s.recallClients(ctx, reader, now); err != nil {
		return err
	}
	teams, err := spentBy(ctx, reader, usage.ByTeam, now)
	if err != nil {
		return err
	}
	for _, t := range s.clients.Teams(now) {
		s.clients.RaiseTeam(t.Name, teams[t.Name], now)
	}
	s.recalled.Store(true)
	return nil
}

// recallClients is recall for the clients. The ledger knows them by name: of one
// that was made in this month only what came after that is its own.
func (s *services) recallClients(ctx context.Context, reader *usage.Reader, now time.Time) error {
	all, err := spentBy(ctx, reader, usage.ByClient, now)
	if err != nil {
		return err
	}
	_, month := periods(now)
	for _, c := range s.clients.Clients() {
		if c.Limits.DailyMicroUSD <= 0 && c.Limits.MonthlyMicroUSD <= 0 {
			continue
		}
		spent := all[c.Name]
		if c.Created.After(month) {
			if spent, err = spentSince(ctx, reader, c.Name, c.Created, now); err != nil {
				return err
			}
		}
		s.clients.Raise(c, spent, now)
	}
	return nil
}

// periods are the beginnings of the day and the month of UTC.
func periods(now time.Time) (day, month time.Time) {
	y, m, d := now.UTC().Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC), time.Date(y, m, 1, 0, 0, 0, 0, time.UTC)
}

// spentBy adds up what the ledger knows of this day and month, by name.
func spentBy(ctx context.Context, reader *usage.Reader, by usage.By, now time.Time) (map[string]client.Spending, error) {
	out := map[string]client.Spending{}
	day, month := periods(now)
	today, err := reader.Totals(ctx, usage.Query{By: by, Filter: usage.Filter{Since: day}, Limit: 10_000})
	if err != nil {
		return nil, err
	}
	whole, err := reader.Totals(ctx, usage.Query{By: by, Filter: usage.Filter{Since: month}, Limit: 10_000})
	for _, g := range whole.Groups {
		out[g.Key] = client.Spending{Month: g.Cost}
	}
	for _, g := range today.Groups {
		out[g.Key] = client.Spending{Today: g.Cost, Month: out[g.Key].Month}
	}
	return out, err
}

// spentSince is what the ledger knows of a client after a time in this month.
func spentSince(ctx context.Context, reader *usage.Reader, name string, since, now time.Time) (client.Spending, error) {
	day, _ := periods(now)
	if since.After(day) {
		day = since
	}
	today, err := reader.Totals(ctx, usage.Query{Filter: usage.Filter{Client: name, Since: day}})
	if err != nil {
		return client.Spending{}, err
	}
	whole, err := reader.Totals(ctx, usage.Query{Filter: usage.Filter{Client: name, Since: since}})
	return client.Spending{Today: today.Total.Cost, Month: whole.Total.Cost}, err
}

// clientIP is where a request comes from, as Caddy's trusted_proxies allow to
// believe.
func clientIP(r *http.Request) netip.Addr {
	text, _ := caddyhttp.GetVar(r.Context(), caddyhttp.ClientIPVarKey).(string)
	addr, _ := netip.ParseAddr(text)
	return addr.Unmap()
}

// door tells clients by their keys: the gateway's view of the registry.
type door struct{ registry *client.Registry }

// Identify lets in who has a key.
func (d door) Identify(credential string, from netip.Addr) (gateway.Client, *llm.Error) {
	c, err := d.registry.Identify(credential, from)
	if err == nil {
		return guest{c}, nil
	}
	var reason client.Reason
	if !errors.As(err, &reason) {
		reason = client.Unknown
	}
	return nil, &llm.Error{Type: llm.ErrUnauthenticated, Status: http.StatusUnauthorized, Code: "invalid_api_key", Message: reason.Public()}
}

// guest is a client with a key.
type guest struct{ *client.Client }

// Name names the client in records.
func (g guest) Name() string { return g.Client.Name }

// Team names the client's team in records.
func (g guest) Team() string { return g.Client.Team }

// Reserve asks the limits of the key and its team.
func (g guest) Reserve(a gateway.Ask) (gateway.Grant, *gateway.Denial) {
	r, denial := g.Client.Reserve(client.Ask{Tokens: a.Tokens, Cost: a.Cost, Now: a.Now})
	if denial == nil {
		return r, nil
	}
	return nil, &gateway.Denial{
		Kind: string(denial.Kind), Team: denial.Scope == client.OfTeam, Limit: denial.Limit, Remaining: denial.Remaining, Reset: max(denial.Reset, time.Second),
	}
}
