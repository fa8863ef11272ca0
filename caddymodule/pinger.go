package caddymodule

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/gateway"
	"github.com/aimux/aimux/caddymodule/internal/route"
)

// pinger measures how far away providers are, by a free request to the address
// the catalogue names for it. It sends no key and costs nothing; any answer
// counts. Providers that nobody used lately are left in peace, so that an idle
// laptop is silent.
type pinger struct {
	runtime *runtime
	client  *http.Client
}

const (
	pingEvery   = time.Minute
	pingTimeout = 5 * time.Second
	usedLately  = 10 * time.Minute
)

func newPinger(rt *runtime) *pinger {
	return &pinger{
		runtime: rt,
		client: &http.Client{
			Timeout:       pingTimeout,
			Transport:     &http.Transport{DisableKeepAlives: true},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// round pings every provider that was used lately, one after another.
func (p *pinger) round(ctx context.Context) {
	now := time.Now()
	rt := p.runtime
	for _, provider := range rt.providers {
		targets := rt.used(provider, now)
		if provider.Vendor.Ping == "" || len(targets) == 0 {
			continue
		}
		took, err := p.ping(ctx, provider.Vendor.Ping)
		if err != nil {
			continue // traffic tells whether the provider works; a ping only measures
		}
		for _, t := range targets {
			t.Health.Ping(took)
		}
	}
}

// used returns the provider's targets, if any of them was used lately.
func (rt *runtime) used(provider *gateway.Provider, now time.Time) (targets []*route.Target) {
	lately := false
	for _, t := range rt.router.Targets() {
		if t.Provider != provider.Name || t.Health == nil {
			continue
		}
		targets = append(targets, t)
		lately = lately || now.Sub(t.Health.Snapshot(now).LastUsed) < usedLately
	}
	if !lately {
		return nil
	}
	return targets
}

// ping returns how long the address took to answer anything.
func (p *pinger) ping(ctx context.Context, address string) (time.Duration, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return 0, err
	}
	r.Header.Set("User-Agent", "aimux/"+Version)
	begun := time.Now()
	resp, err := p.client.Do(r)
	if err != nil {
		return 0, err
	}
	took := time.Since(begun)
	_, _ = io.CopyN(io.Discard, resp.Body, 64<<10)
	return took, resp.Body.Close()
}
