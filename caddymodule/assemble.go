package caddymodule

import (
	"fmt"
	"log/slog"
	"maps"

	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/dialect/anthropic"
	"github.com/aimux/aimux/caddymodule/internal/dialect/openai"
	"github.com/aimux/aimux/caddymodule/internal/dialect/responses"
	"github.com/aimux/aimux/caddymodule/internal/failover"
	"github.com/aimux/aimux/caddymodule/internal/gateway"
	"github.com/aimux/aimux/caddymodule/internal/keypool"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/aimux/aimux/caddymodule/internal/provider"
	"github.com/aimux/aimux/caddymodule/internal/tokens"
	"github.com/aimux/aimux/schema"
	"github.com/caddyserver/caddy/v2"
)

// builder puts a runtime together from a configuration. It is the only place
// that makes the parts of a gateway.
type builder struct {
	runtime  *runtime
	config   *schema.Config
	logger   *slog.Logger
	logs     loggers
	consoles *consoles
	byName   map[string]*gateway.Provider
}

func (b *builder) build() error {
	b.byName = map[string]*gateway.Provider{}
	if err := b.services(); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(b.config.Providers)) {
		if row := b.config.Providers[name]; row.On() {
			if err := b.provider(name, row); err != nil {
				return fmt.Errorf("provider %q: %w", name, err)
			}
		}
	}
	if err := b.openReceivers(); err != nil {
		return err
	}
	router, models, err := b.routes()
	if err != nil {
		return err
	}
	b.runtime.router = router
	b.runtime.gateway = gateway.New(gateway.Options{
		Dialects:  dialect.NewSet(anthropic.New(), openai.New(), responses.New()),
		Strippers: strippers(),
		Pins:      share(b.runtime, "pins", func() *gateway.Pins { return new(gateway.Pins) }),
		Router:    router,
		Providers: b.byName,
		Models:    models,
		Budget:    failover.NewBudget(time.Now, failover.Limits{Targets: b.config.Routing.MaxTargets}),
		Limits:    b.limits(),
		Tokens:    share(b.runtime, "tokens", func() *tokens.Counter { return new(tokens.Counter) }),
		Observer:  b.observers(),
		Capture:   b.runtime.services.captures(),
		Ready:     func() bool { return serving.Load() != nil && !caddy.Exiting() }, // Caddy may open listeners before it starts the app
		Logger:    b.logs.part(logExchanges),
		LogLevel:  gateway.LogLevel(b.config.Log.Exchanges),
		InFlight:  share(b.runtime, "in_flight", func() *atomic.Int64 { return new(atomic.Int64) }),
		Traffic:   share(b.runtime, "traffic", func() *gateway.Traffic { return new(gateway.Traffic) }),
		Version:   Version,
		Clients:   b.clients(),
		ClientIP:  clientIP,
		Trace:     b.trace(),
		AskUsage:  b.config.Usage.Enabled || b.runtime.guarded,
		Direct:    direct(b.config.Limits.WriteIdle.Std()),
	})
	return nil
}

// clients is who may use the gateway; nil: everybody.
func (b *builder) clients() gateway.Clients {
	if b.runtime.services.clients == nil {
		return nil
	}
	return door{b.runtime.services.clients}
}

// strippers returns what takes sealed thinking out of each dialect that has it.
func strippers() map[llm.Dialect]gateway.Stripper {
	return map[llm.Dialect]gateway.Stripper{
		llm.Anthropic: {Refused: anthropic.IsThinkingRefused, Strip: anthropic.StripThinking},
		llm.Responses: {Refused: responses.IsReasoningRefused, Strip: func(body []byte) ([]byte, bool) {
			out, removed := responses.StripReasoning(body)
			return out, removed > 0
		}},
	}
}

func (b *builder) limits() gateway.Limits {
	l := b.config.Limits
	return gateway.Limits{
		Body: int64(l.Body), Depth: l.Depth, Response: int64(l.Response), Event: int(l.Event),
		BodyIdle: l.BodyIdle.Std(), BodyTotal: l.BodyTotal.Std(),
		Header: int(l.HeaderBytes), InFlight: int64(l.InFlight), Decompression: l.Decompression,
		Queue: or(l.Queue, -1), QueueWait: l.QueueWait.Std(), Streams: int64(l.Streams), Memory: int64(l.Memory), ClientStall: l.WriteIdle.Std(),
	}
}

// provider makes one upstream with its keys.
func (b *builder) provider(name string, row schema.Provider) error {
	known, ok := provider.Catalogue().Vendor(row.Kind)
	if !ok {
		return fmt.Errorf("no kind %q", row.Kind)
	}
	vendor, err := customize(known, row)
	if err != nil {
		return err
	}
	origin := vendor.Origin()
	keys, err := b.keys(name, origin, vendor, known)
	if err != nil {
		return err
	}
	if len(keys) == 0 && !vendor.KeyOptional {
		b.logger.Warn("provider has no key and is left out", "provider", name)
		return nil
	}
	if len(keys) == 0 {
		keys = []*keypool.Key{{Name: "none", State: b.runtime.keyState(origin, ""), MaxInFlight: row.MaxInFlight}}
	}
	connections, err := b.client(name, vendor, row)
	if err != nil {
		return err
	}
	p := &gateway.Provider{Name: name, Vendor: vendor, Client: connections, Keys: b.pool(name, row, keys), MaxInFlight: int64(row.MaxInFlight)}
	b.byName[name] = p
	b.runtime.providers = append(b.runtime.providers, p)
	b.runtime.kinds[name] = row.Kind
	return nil
}

func (b *builder) pool(name string, row schema.Provider, keys []*keypool.Key) *keypool.Pool {
	logger := b.logs.part(logKeys)
	return keypool.New(keypool.Policy(row.Policy), keys, keypool.Options{OnRest: func(r keypool.Rested) {
		metrics().Rested(name, r)
		logger.Info("key resting", "provider", name, "key", r.Key.Name, "model", r.Model, "account", r.Account,
			"code", r.Class.String(), "for", time.Until(r.Until).Round(time.Millisecond))
	}})
}

// builtIn reports whether a provider is the simulator inside this process.
func builtIn(row schema.Provider) bool {
	return row.Kind == schema.SimulatorKind && row.BaseURL == "" && row.AnthropicBaseURL == "" && row.ResponsesBaseURL == ""
}

// customize lays what a configuration says of a provider over its catalogue
// entry.
func customize(known *provider.Vendor, row schema.Provider) (*provider.Vendor, error) {
	v, err := known.At(provider.Bases{Main: row.BaseURL, Anthropic: row.AnthropicBaseURL, Responses: row.ResponsesBaseURL})
	if err != nil {
		return nil, err
	}
	if len(row.Headers) > 0 {
		for d, e := range v.Endpoints {
			e.Headers = maps.Clone(e.Headers)
			if e.Headers == nil {
				e.Headers = map[string]string{}
			}
			maps.Copy(e.Headers, row.Headers)
			v.Endpoints[d] = e
		}
	}
	v.Models = slices.Clone(v.Models)
	for _, m := range row.Models {
		customizeModel(v, m)
	}
	customizePolicies(v, row.Params)
	return v, nil
}

func customizeModel(v *provider.Vendor, row schema.Model) {
	i := slices.IndexFunc(v.Models, func(m provider.Model) bool { return strings.EqualFold(m.ID, row.ID) })
	if i < 0 {
		// Of a model nobody described everything is expected.
		v.Models = append(v.Models, provider.Model{ID: row.ID, Tools: true, Vision: true, PDF: true, Thinking: true, Structured: true})
		i = len(v.Models) - 1
	}
	m := &v.Models[i]
	m.Aliases = append(slices.Clone(m.Aliases), row.Aliases...)
	m.Context, m.MaxOutput = or(row.Context, m.Context), or(row.MaxOutput, m.MaxOutput)
	for field, value := range map[*bool]*bool{
		&m.Tools: row.Tools, &m.Vision: row.Vision, &m.PDF: row.PDF, &m.Thinking: row.Thinking, &m.Structured: row.Structured,
	} {
		if value != nil {
			*field = *value
		}
	}
	for field, dollars := range map[*int64]*float64{
		&m.Price.Input: row.InputPrice, &m.Price.Output: row.OutputPrice,
		&m.Price.CacheRead: row.CacheReadPrice, &m.Price.CacheWrite: row.CacheWritePrice,
	} {
		if dollars != nil {
			*field = int64(*dollars*1e6 + 0.5)
		}
	}
}

func or[T comparable](value, otherwise T) T {
	var zero T
	if value != zero {
		return value
	}
	return otherwise
}
