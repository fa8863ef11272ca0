package console

import (
	"context"
	"fmt"
	"time"
)

// Clients are those who may use the gateway.
type Clients interface {
	List(ctx context.Context) ([]Client, error)
	// Create makes a client and its token, which nobody can read again.
	Create(ctx context.Context, s ClientSettings) (c Client, token string, err error)
	Put(ctx context.Context, id string, s ClientSettings) (Client, error)
	Delete(ctx context.Context, id string) error
	// Rotate makes a new token; the old one works for the grace period.
	Rotate(ctx context.Context, id string, grace time.Duration) (c Client, token string, err error)
}

// Client is somebody who may use the gateway.
type Client struct {
	ID string `json:"id"`
	ClientSettings
	Created            Time   `json:"created,omitzero"`
	SpentTodayMicroUSD int64  `json:"spent_today_microusd"`
	SpentMonthMicroUSD int64  `json:"spent_month_microusd"`
	Streams            int64  `json:"streams"` // running now
	Source             string `json:"source"`  // store, config
}

// ClientSettings are what a user may set. A limit of zero does not limit, an
// empty list allows all.
type ClientSettings struct {
	Name              string   `json:"name"`
	Team              string   `json:"team"`
	Expires           Time     `json:"expires,omitzero"`
	Enabled           *bool    `json:"enabled,omitzero"` // absent: true
	Models            []string `json:"models"`
	Dialects          []string `json:"dialects"`
	Networks          []string `json:"networks"`
	RequestsPerMinute int64    `json:"requests_per_minute"`
	TokensPerMinute   int64    `json:"tokens_per_minute"`
	MaxStreams        int64    `json:"max_streams"`
	DailyMicroUSD     int64    `json:"daily_microusd"`
	MonthlyMicroUSD   int64    `json:"monthly_microusd"`
}

const (
	maxScope = 500
	// maxAmount keeps sums of limits within int64.
	maxAmount = 1 << 50
)

func (s ClientSettings) check() error {
	var p problems
	p.text("/name", s.Name, true)
	p.text("/team", s.Team, false)
	lists := []struct {
		name string
		rows []string
	}{{"models", s.Models}, {"dialects", s.Dialects}, {"networks", s.Networks}}
	for _, l := range lists {
		if len(l.rows) > maxScope {
			p.add("/"+l.name, "more rows than a client may have")
			continue
		}
		for i, v := range l.rows {
			p.text(fmt.Sprintf("/%s/%d", l.name, i), v, true)
		}
	}
	p.natural("/requests_per_minute", s.RequestsPerMinute, maxAmount)
	p.natural("/tokens_per_minute", s.TokensPerMinute, maxAmount)
	p.natural("/max_streams", s.MaxStreams, maxAmount)
	p.natural("/daily_microusd", s.DailyMicroUSD, maxAmount)
	p.natural("/monthly_microusd", s.MonthlyMicroUSD, maxAmount)
	return p.err()
}

type clientsAnswer struct {
	Clients []Client `json:"clients"`
	Next    string   `json:"next,omitzero"`
}

// tokenAnswer is the only place where a client's token is ever shown.
type tokenAnswer struct {
	Client Client `json:"client"`
	Token  string `json:"token"`
}

func listClients(k *call) (any, error) {
	all, err := k.c.o.Backend.Clients.List(k.ctx())
	if err != nil {
		return nil, err
	}
	var out clientsAnswer
	out.Clients, out.Next, err = page(k, all, func(c Client) string { return c.ID })
	return out, err
}

func createClient(k *call) (any, error) {
	var in ClientSettings
	if err := k.read(&in); err != nil {
		return nil, err
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	var out tokenAnswer
	err := k.change(in.Name, nil, in, func() (err error) {
		out.Client, out.Token, err = k.c.o.Backend.Clients.Create(k.settled(), in)
		return err
	})
	return created{out}, err
}

func putClient(k *call) (any, error) {
	var in ClientSettings
	if err := k.read(&in); err != nil {
		return nil, err
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	before, err := k.client(k.names[0])
	if err != nil {
		return nil, err
	}
	var out Client
	err = k.change(k.names[0], before.ClientSettings, in, func() (err error) {
		out, err = k.c.o.Backend.Clients.Put(k.settled(), k.names[0], in)
		return err
	})
	return out, err
}

func (k *call) client(id string) (Client, error) {
	all, err := k.c.o.Backend.Clients.List(k.ctx())
	if err != nil {
		return Client{}, err
	}
	for _, c := range all {
		if c.ID == id {
			return c, nil
		}
	}
	return Client{}, NotFound("there is no such client")
}

func deleteClient(k *call) (any, error) {
	if err := k.read(&struct{}{}); err != nil {
		return nil, err
	}
	before, err := k.client(k.names[0])
	if err != nil {
		return nil, err
	}
	return done{}, k.change(k.names[0], before.ClientSettings, nil, func() error {
		return k.c.o.Backend.Clients.Delete(k.settled(), k.names[0])
	})
}

const maxGrace = 30 * 24 * 3600 // seconds

func rotateClient(k *call) (any, error) {
	var in struct {
		GraceSeconds int64 `json:"grace_seconds"`
	}
	if err := k.read(&in); err != nil {
		return nil, err
	}
	var p problems
	p.natural("/grace_seconds", in.GraceSeconds, maxGrace)
	if err := p.err(); err != nil {
		return nil, err
	}
	var out tokenAnswer
	err := k.change(k.names[0], nil, in, func() (err error) {
		out.Client, out.Token, err = k.c.o.Backend.Clients.Rotate(k.settled(), k.names[0], time.Duration(in.GraceSeconds)*time.Second)
		return err
	})
	return out, err
}
