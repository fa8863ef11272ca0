package console

import "context"

// Providers are the upstreams, as configured and as they are doing.
type Providers interface {
	// List returns all providers in the order of the configuration.
	List(ctx context.Context) ([]Provider, error)
	// Get returns one provider and the version of its settings.
	Get(ctx context.Context, id string) (p Provider, etag string, err error)
	// Create adds a provider with its keys, all or nothing.
	Create(ctx context.Context, p NewProvider) (Provider, error)
	// Put changes settings if their version is still match, or match is "*".
	// Otherwise the error is Stale.
	Put(ctx context.Context, id, match string, c ProviderChange) (p Provider, etag string, err error)
	// Delete removes a provider. match may be empty: any version.
	Delete(ctx context.Context, id, match string) error
	// Test asks the provider something that costs nothing, with one of its keys
	// or, if key is empty, with the first that is ready.
	Test(ctx context.Context, id, key string) (TestResult, error)
	// Toggle turns a provider on or off.
	Toggle(ctx context.Context, id string, enabled bool) (Provider, error)
	// Order sets the tiers of the providers named, all or nothing.
	Order(ctx context.Context, tiers map[string]int) error
	// Catalogue returns the kinds of provider aimux knows.
	Catalogue(ctx context.Context) ([]Kind, error)
}

// Provider is an upstream.
type Provider struct {
	ID               string   `json:"id"`
	Kind             string   `json:"kind"`
	Title            string   `json:"title"`
	BaseURL          string   `json:"base_url"`
	AnthropicBaseURL string   `json:"anthropic_base_url,omitzero"`
	ResponsesBaseURL string   `json:"responses_base_url,omitzero"`
	Tier             int      `json:"tier"`
	Weight           int      `json:"weight"`
	Enabled          bool     `json:"enabled"`
	Origin           string   `json:"origin"` // file, overrides, environment
	Status           string   `json:"status"` // ok, degraded, resting, down, disabled, idle
	StatusText       string   `json:"status_text"`
	SuccessRate      *float64 `json:"success_rate,omitzero"` // 0..1
	Uptime           *float64 `json:"uptime,omitzero"`       // 0..1
	Requests         int64    `json:"requests"`
	Failures         int64    `json:"failures"`
	InFlight         int64    `json:"in_flight"`
	PingMS           float64  `json:"ping_ms,omitzero"`
	TTFTMS           float64  `json:"ttft_ms,omitzero"`
	TokensPerSecond  float64  `json:"tokens_per_second,omitzero"`
	Spark            Series   `json:"spark"` // requests per 10 s, oldest first
	Keys             []Key    `json:"keys"`
	Targets          []Target `json:"targets"`
}

// Target is one model of a provider, as far as it was used.
type Target struct {
	Model           string   `json:"model"`
	Breaker         string   `json:"breaker"` // closed, open, half-open
	Until           Time     `json:"until,omitzero"`
	TTFTMS          float64  `json:"ttft_ms,omitzero"`
	TokensPerSecond float64  `json:"tokens_per_second,omitzero"`
	SuccessRate     *float64 `json:"success_rate,omitzero"` // 0..1
}

// ProviderChange is what a user may set of a provider. Nil stays as it is, or
// for a new provider as the catalogue has it; an empty URL goes back to the
// catalogue's.
type ProviderChange struct {
	Kind             *string `json:"kind,omitzero"`
	BaseURL          *string `json:"base_url,omitzero"`
	AnthropicBaseURL *string `json:"anthropic_base_url,omitzero"`
	ResponsesBaseURL *string `json:"responses_base_url,omitzero"`
	Tier             *int    `json:"tier,omitzero"`
	Weight           *int    `json:"weight,omitzero"`
	Enabled          *bool   `json:"enabled,omitzero"`
}

// NewProvider is a provider to be added. Kind is set.
type NewProvider struct {
	ID string `json:"id"`
	ProviderChange
	Keys []ProviderKey `json:"keys,omitzero"`
}

// ProviderKey is a key that comes with a new provider.
type ProviderKey struct {
	Name    string `json:"name"`
	Account string `json:"account,omitzero"`
	Secret  Secret `json:"secret"`
}

// TestResult is what a provider said to a question that costs nothing.
type TestResult struct {
	OK      bool    `json:"ok"`
	Status  int     `json:"status"` // HTTP; 0: no answer
	Code    string  `json:"code"`
	Message string  `json:"message"`
	MS      float64 `json:"ms"`
	Paid    bool    `json:"paid"`
}

// Kind is a provider of the catalogue.
type Kind struct {
	Kind         string      `json:"kind"`
	Title        string      `json:"title"`
	NeedsBaseURL bool        `json:"needs_base_url"`
	KeyOptional  bool        `json:"key_optional"`
	Env          []string    `json:"env"`
	Models       []KindModel `json:"models"`
}

// KindModel is a model of the catalogue. Prices are micro-dollars a million
// tokens; nil is unknown.
type KindModel struct {
	ID          string `json:"id"`
	Context     int64  `json:"context,omitzero"`
	MaxOutput   int64  `json:"max_output,omitzero"`
	Tools       bool   `json:"tools"`
	Vision      bool   `json:"vision"`
	Thinking    bool   `json:"thinking"`
	InputPrice  *int64 `json:"input_price,omitzero"`
	OutputPrice *int64 `json:"output_price,omitzero"`
}

// Bounds of the numbers a user may set.
const (
	maxTier   = 1000
	maxWeight = 1_000_000
	maxKeys   = 100
)

func (c ProviderChange) check(p *problems) {
	if c.Kind != nil {
		p.text("/kind", *c.Kind, true)
	}
	p.url("/base_url", c.BaseURL)
	p.url("/anthropic_base_url", c.AnthropicBaseURL)
	p.url("/responses_base_url", c.ResponsesBaseURL)
	if c.Tier != nil {
		p.natural("/tier", int64(*c.Tier), maxTier)
	}
	if c.Weight != nil {
		p.natural("/weight", int64(*c.Weight), maxWeight)
	}
}

// settings is what of a provider a user may set, for the audit log.
func (v Provider) settings() ProviderChange {
	return ProviderChange{
		Kind: &v.Kind, BaseURL: &v.BaseURL, AnthropicBaseURL: &v.AnthropicBaseURL, ResponsesBaseURL: &v.ResponsesBaseURL,
		Tier: &v.Tier, Weight: &v.Weight, Enabled: &v.Enabled,
	}
}
