package caddymodule

import (
	"context"

	"github.com/aimux/aimux/caddymodule/internal/quota"
)

// quotas asks providers, for free, whether keys that rest for a spent plan, for
// want of money or because they were refused may return.
func (bg *background) quotas(ctx context.Context, a *App, rt *runtime) {
	asker := &quota.Asker{Logger: a.logger}
	seats := make([]quota.Seat, len(rt.providers))
	for i, p := range rt.providers {
		seats[i] = quota.Seat{Provider: p.Name, Vendor: p.Vendor, Keys: p.Keys, Client: p.Client}
	}
	bg.every(ctx, pingEvery, func() { asker.Round(ctx, seats) })
}
