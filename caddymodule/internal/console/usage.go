package console

import (
	"context"
	"time"
)

// Usage is what was used and what it cost, from the ledger.
type Usage interface {
	Groups(ctx context.Context, q UsageQuery) ([]UsageGroup, error)
}

// UsageQuery asks for totals. Zero times do not narrow.
type UsageQuery struct {
	By           string // provider, model, client, key, day, hour, session
	Since, Until time.Time
}

// UsageGroup is the total of what shares a key.
type UsageGroup struct {
	Key          string `json:"key"`
	Requests     int64  `json:"requests"`
	Failures     int64  `json:"failures"`
	TokensIn     int64  `json:"tokens_in"`
	TokensOut    int64  `json:"tokens_out"`
	TokensCached int64  `json:"tokens_cached"`
	CostMicroUSD int64  `json:"cost_microusd"`
	Estimated    int64  `json:"estimated"` // requests whose tokens are estimates
}

type usageAnswer struct {
	Groups []UsageGroup `json:"groups"`
	Next   string       `json:"next,omitzero"`
}

func getUsage(k *call) (any, error) {
	var q UsageQuery
	var err error
	if q.By, err = k.choice("by", "provider", "model", "client", "key", "day", "hour", "session"); err != nil {
		return nil, err
	}
	if q.Since, err = k.moment("since"); err != nil {
		return nil, err
	}
	if q.Until, err = k.moment("until"); err != nil {
		return nil, err
	}
	all, err := k.c.o.Backend.Usage.Groups(k.ctx(), q)
	if err != nil {
		return nil, err
	}
	var out usageAnswer
	out.Groups, out.Next, err = page(k, all, func(g UsageGroup) string { return g.Key })
	return out, err
}
