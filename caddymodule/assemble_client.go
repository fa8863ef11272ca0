package caddymodule

import (
	"fmt"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/egress"
	"github.com/aimux/aimux/caddymodule/internal/provider"
	"github.com/aimux/aimux/caddymodule/internal/upstream"
	"github.com/aimux/aimux/caddymodule/simulator"
	"github.com/aimux/aimux/schema"
)

// client returns the connections to a provider, kept over reloads as long as
// its address, its timers and its rules stay.
func (b *builder) client(name string, vendor *provider.Vendor, row schema.Provider) (*upstream.Client, error) {
	t := b.config.TimeoutsOf(name)
	timeouts := upstream.Timeouts{
		Connect: t.Connect.Std(), TLS: t.TLS.Std(), FirstEvent: t.FirstEvent.Std(),
		Idle: t.Idle.Std(), NoProgress: t.NoProgress.Std(), Total: t.Total.Std(),
	}
	if builtIn(row) {
		return share(b.runtime, fmt.Sprintf("client|%s|simulator|%v", name, timeouts), func() *upstream.Client {
			return upstream.New(timeouts, simulator.New(simulator.Options{
				Name: name, TTFT: 20 * time.Millisecond, TokensPerSecond: 200, MaxRecords: -1,
			}).RoundTripper())
		}), nil
	}
	rules, err := rulesFor(vendor, row)
	if err != nil {
		return nil, err
	}
	key := fmt.Sprintf("client|%s|%s|%v|%v|%s|%s", name, vendor.Origin(), timeouts, rules.Policy, row.CAFile, row.Proxy)
	return shareOr(b.runtime, key, func() (*upstream.Client, error) { return upstream.NewGuarded(timeouts, rules.Apply) })
}

// rulesFor says where a provider's connections may lead: to public addresses;
// to private ones if its row allows that; to this machine if, and then only if,
// its addresses say so.
func rulesFor(vendor *provider.Vendor, row schema.Provider) (egress.Rules, error) {
	rules := egress.Rules{CAFile: row.CAFile}
	first := true
	for _, e := range vendor.Endpoints {
		base, err := egress.CheckURL(e.BaseURL, row.AllowHTTP)
		if err != nil {
			return rules, err
		}
		policy := egress.PolicyFor(base, row.AllowPrivate)
		if first {
			rules.Policy, first = policy, false
			continue
		}
		rules.Policy.AllowPrivate = rules.Policy.AllowPrivate || policy.AllowPrivate
		rules.Policy.AllowLoopback = rules.Policy.AllowLoopback || policy.AllowLoopback
		rules.Policy.OnlyLoopback = rules.Policy.OnlyLoopback && policy.OnlyLoopback
	}
	if row.Proxy == "" {
		return rules, nil
	}
	var err error
	rules.Proxy, err = egress.ParseProxy(row.Proxy)
	return rules, err
}
