package caddymodule

import (
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
