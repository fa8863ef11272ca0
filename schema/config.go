package schema

// Version is the version of the configuration language this package reads.
const Version = 1

// Config is the effective configuration: defaults, file, overrides and
// environment merged, checked and completed. Its fields mirror
// aimux.schema.json, where each is described.
type Config struct {
	Version   int                 `json:"version"`
	Providers map[string]Provider `json:"providers,omitempty"`
	Discover  *bool               `json:"discover,omitempty"`
	Keys      []Key               `json:"keys,omitempty"`
	Models    []Route             `json:"models,omitempty"`
	Aliases   map[string]Alias    `json:"aliases,omitempty"`
	Routing   Routing             `json:"routing"`
	Timeouts  Timeouts            `json:"timeouts"`
	Limits    Limits              `json:"limits"`
	Log       Log                 `json:"log"`
	Clients   []Client            `json:"clients,omitempty"`
	Teams     []Team              `json:"teams,omitempty"`
	Vault     Vault               `json:"vault"`
	Usage     Usage               `json:"usage"`
	Telemetry Telemetry           `json:"telemetry"`
	Audit     Audit               `json:"audit"`
	Backups   Backups             `json:"backups"`
	Alerts    Alerts              `json:"alerts"`

	// Implicit says that providers were looked for in the environment and that no
	// row of models restricts what clients may ask for.
	Implicit bool `json:"-"`
}

// Provider is one upstream. Empty fields mean what the catalogue says for Kind.
type Provider struct {
	// Kind is the catalogue entry; Load fills it with the provider's name when
	// the document leaves it out.
	Kind             string            `json:"kind,omitempty"`
	BaseURL          string            `json:"base_url,omitempty"`
	AnthropicBaseURL string            `json:"anthropic_base_url,omitempty"`
	ResponsesBaseURL string            `json:"responses_base_url,omitempty"`
	Tier             int               `json:"tier,omitempty"`
	Weight           int               `json:"weight,omitempty"`
	Enabled          *bool             `json:"enabled,omitempty"`
	Policy           string            `json:"policy,omitempty"`
	Timeouts         ProviderTimeouts  `json:"timeouts,omitzero"`
	MaxInFlight      int               `json:"max_in_flight,omitempty"`
	Headers          map[string]string `json:"headers,omitempty"`
	AllowPrivate     bool              `json:"allow_private,omitempty"`
	CAFile           string            `json:"ca_file,omitempty"`
	Proxy            string            `json:"proxy,omitempty"`
	AllowHTTP        bool              `json:"allow_http,omitempty"`
	Models           []Model           `json:"models,omitempty"`
	Params           Params            `json:"params,omitzero"`
}

// On says whether the provider is to be used. Default: true.
func (p Provider) On() bool { return p.Enabled == nil || *p.Enabled }

// ProviderTimeouts are the time limits of one provider. Zero: as in Timeouts.
type ProviderTimeouts struct {
	Connect    Duration `json:"connect,omitempty"`
	FirstEvent Duration `json:"first_event,omitempty"`
	Idle       Duration `json:"idle,omitempty"`
	Total      Duration `json:"total,omitempty"`
}

// Model describes a model of a provider that the catalogue does not know, or
// knows otherwise. A nil or zero field is what the catalogue says.
type Model struct {
	ID         string   `json:"id"`
	Aliases    []string `json:"aliases,omitempty"`
	Context    int      `json:"context,omitempty"`
	MaxOutput  int      `json:"max_output,omitempty"`
	Tools      *bool    `json:"tools,omitempty"`
	Vision     *bool    `json:"vision,omitempty"`
	PDF        *bool    `json:"pdf,omitempty"`
	Thinking   *bool    `json:"thinking,omitempty"`
	Structured *bool    `json:"structured,omitempty"`
	// Prices are in US dollars per million tokens. Nil: the catalogue's.
	InputPrice      *float64 `json:"input_price,omitempty"`
	OutputPrice     *float64 `json:"output_price,omitempty"`
	CacheReadPrice  *float64 `json:"cache_read_price,omitempty"`
	CacheWritePrice *float64 `json:"cache_write_price,omitempty"`
}

// Params overrides what the catalogue says about the request fields a provider
// takes. A nil or zero field is what the catalogue says.
type Params struct {
	Allow        []string          `json:"allow,omitempty"`
	Drop         []string          `json:"drop,omitempty"`
	Refuse       []string          `json:"refuse,omitempty"`
	Rename       map[string]string `json:"rename,omitempty"`
	MaxOutput    int               `json:"max_output,omitempty"`
	Temperature  float64           `json:"temperature,omitempty"`
	MaxStop      int               `json:"max_stop,omitempty"`
	Reasoning    string            `json:"reasoning,omitempty"`
	Thinking     string            `json:"thinking,omitempty"`
	Efforts      []string          `json:"efforts,omitempty"`
	NoToolChoice *bool             `json:"no_tool_choice,omitempty"`
	NoImages     *bool             `json:"no_images,omitempty"`
	NoImageURLs  *bool             `json:"no_image_urls,omitempty"`
	NoDocuments  *bool             `json:"no_documents,omitempty"`
	NoDeveloper  *bool             `json:"no_developer,omitempty"`
	NoSchema     *bool             `json:"no_schema,omitempty"`
	SystemFirst  *bool             `json:"system_first,omitempty"`
}

// Key is one API key of a provider.
type Key struct {
	Provider    string    `json:"provider"`
	Name        string    `json:"name,omitempty"`
	Account     string    `json:"account,omitempty"`
	Secret      SecretRef `json:"secret"`
	Weight      int       `json:"weight,omitempty"`
	MaxInFlight int       `json:"max_in_flight,omitempty"`
	Models      []string  `json:"models,omitempty"`
	Enabled     *bool     `json:"enabled,omitempty"`
}

// On says whether the key is to be used. Default: true.
func (k Key) On() bool { return k.Enabled == nil || *k.Enabled }

// Route is a row of `models`: one provider's model that may answer an alias.
type Route struct {
	Alias    string `json:"alias"`
	Provider string `json:"provider"`
	Model    string `json:"model"`
	// Tier and Weight are the provider's when 0.
	Tier    int   `json:"tier,omitempty"`
	Weight  int   `json:"weight,omitempty"`
	Enabled *bool `json:"enabled,omitempty"`
}

// On says whether the route is to be used. Default: true.
func (r Route) On() bool { return r.Enabled == nil || *r.Enabled }

// Alias holds the settings of one alias; empty fields are those of Routing.
type Alias struct {
	Strategy    string    `json:"strategy,omitempty"`
	AffinityTTL *Duration `json:"affinity_ttl,omitempty"`
	MaxTargets  int       `json:"max_targets,omitempty"`
	Thinking    string    `json:"thinking,omitempty"`
	Vision      string    `json:"vision,omitempty"`
	Tools       string    `json:"tools,omitempty"`
	LongContext string    `json:"long_context,omitempty"`
	SmallFast   string    `json:"small_fast,omitempty"`
}

// Routing says how a target is chosen.
type Routing struct {
	Strategy        string   `json:"strategy"`
	AffinityTTL     Duration `json:"affinity_ttl"`
	MaxTargets      int      `json:"max_targets"`
	Explore         float64  `json:"explore"`
	LongContextFrom int      `json:"long_context_from"`
	Purposes        Purposes `json:"purposes,omitzero"`
}

// Purposes names, for each kind of request, the alias or provider/model that
// answers it instead of the alias it asked for. Empty: no such rule.
type Purposes struct {
	Thinking    string `json:"thinking,omitempty"`
	Vision      string `json:"vision,omitempty"`
	Tools       string `json:"tools,omitempty"`
	LongContext string `json:"long_context,omitempty"`
	SmallFast   string `json:"small_fast,omitempty"`
}

// Timeouts are the time limits of one attempt at an upstream.
type Timeouts struct {
	Connect    Duration `json:"connect"`
	TLS        Duration `json:"tls"`
	FirstEvent Duration `json:"first_event"`
	Idle       Duration `json:"idle"`
	Total      Duration `json:"total"`
	NoProgress Duration `json:"no_progress"`
}

// Limits are the ceilings that keep one client, or one upstream, from taking
// the whole machine.
type Limits struct {
	Body          Size     `json:"body"`
	Depth         int      `json:"depth"`
	HeaderBytes   Size     `json:"header_bytes"`
	Event         Size     `json:"event"`
	Response      Size     `json:"response"`
	InFlight      int      `json:"in_flight"`
	Queue         int      `json:"queue"`
	QueueWait     Duration `json:"queue_wait"`
	Streams       int      `json:"streams"`
	Memory        Size     `json:"memory"`
	WriteIdle     Duration `json:"write_idle"`
	BodyIdle      Duration `json:"body_idle"`
	BodyTotal     Duration `json:"body_total"`
	Decompression int      `json:"decompression"`
}

// Log says what is written for each exchange.
type Log struct {
	Exchanges string `json:"exchanges"`
	Decisions int    `json:"decisions"`
}

// TimeoutsOf returns the time limits that hold for a provider: its own where it
// has any, the general ones elsewhere.
func (c *Config) TimeoutsOf(provider string) Timeouts {
	t, p := c.Timeouts, c.Providers[provider].Timeouts
	t.Connect = orDuration(p.Connect, t.Connect)
	t.FirstEvent = orDuration(p.FirstEvent, t.FirstEvent)
	t.Idle = orDuration(p.Idle, t.Idle)
	t.Total = orDuration(p.Total, t.Total)
	return t
}

func orDuration(own, general Duration) Duration {
	if own != 0 {
		return own
	}
	return general
}
