package client

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// Source says where a client comes from.
type Source string

// Where clients come from.
const (
	FromStore  Source = "store"
	FromConfig Source = "config"
)

// Client is who may use the gateway. Its fields must not be changed.
type Client struct {
	Record
	Source Source `json:"source"`

	exact      map[string]struct{}
	beginnings []string
	key        *account
	team       *account // nil: of no team
	teamLimits Limits
}

func newClient(r Record, source Source, accounts *Accounts, teams map[string]Limits) *Client {
	c := &Client{Record: r.clone(), Source: source, exact: map[string]struct{}{}}
	for _, m := range r.Models {
		if beginning, open := strings.CutSuffix(m, "*"); open {
			c.beginnings = append(c.beginnings, beginning)
		} else {
			c.exact[m] = struct{}{}
		}
	}
	c.key = accounts.get(keyAccount(r.ID))
	if r.Team != "" {
		c.team, c.teamLimits = accounts.get(teamAccount(r.Team)), teams[r.Team]
	}
	return c
}

// Allows reports whether the client may ask for model in that dialect. model must
// be the very name that is routed afterwards. It does not allocate.
func (c *Client) Allows(model string, dialect llm.Dialect) bool {
	return c.AllowsModel(model) && (len(c.Dialects) == 0 || slices.Contains(c.Dialects, dialect))
}

// AllowsModel reports whether the client may ask for model, in lists of models for
// instance.
func (c *Client) AllowsModel(model string) bool {
	if len(c.Models) == 0 {
		return true
	}
	if _, ok := c.exact[model]; ok {
		return true
	}
	return slices.ContainsFunc(c.beginnings, func(b string) bool { return strings.HasPrefix(model, b) })
}

// AllowsFrom reports whether the client may come from that address.
func (c *Client) AllowsFrom(from netip.Addr) bool {
	if len(c.Networks) == 0 {
		return true
	}
	from = from.Unmap().WithZone("")
	return slices.ContainsFunc(c.Networks, func(n netip.Prefix) bool { return n.Contains(from) })
}

// check reports why the client is turned away, or 0.
func (c *Client) check(now time.Time, from netip.Addr) Reason {
	switch {
	case c.Disabled:
		return Disabled
	case !c.Expires.IsZero() && !now.Before(c.Expires):
		return Expired
	case !c.AllowsFrom(from):
		return WrongNetwork
	}
	return 0
}

// Usage returns what the client has used.
func (c *Client) Usage(now time.Time) Usage { return c.key.usage(now) }

// TeamUsage returns what the client's team has used; nothing without a team.
func (c *Client) TeamUsage(now time.Time) Usage {
	if c.team == nil {
		return Usage{}
	}
	return c.team.usage(now)
}

// TeamLimits returns the limits the client shares with its team.
func (c *Client) TeamLimits() Limits { return c.teamLimits }
