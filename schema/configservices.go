package schema

// Vault says where provider keys are kept sealed, and what opens them.
type Vault struct {
	File string `json:"file,omitempty"`
	Key  string `json:"key"`
}

// Usage says what is kept of every request, and for how long.
type Usage struct {
	Enabled       bool   `json:"enabled"`
	File          string `json:"file,omitempty"`
	RetentionDays int    `json:"retention_days"`
	MaxSize       Size   `json:"max_size"`
	Capture       bool   `json:"capture"`
	CaptureBytes  Size   `json:"capture_bytes"`
	CaptureDays   int    `json:"capture_days"`
}

// Telemetry says where traces go and how often the health log is written.
type Telemetry struct {
	Traces       string               `json:"traces,omitempty"`
	TraceHeaders map[string]SecretRef `json:"trace_headers,omitempty"`
	TraceSample  float64              `json:"trace_sample"`
	Service      string               `json:"service"`
	Propagate    bool                 `json:"propagate"`
	HealthLog    Duration             `json:"health_log"`
}

// Audit says where the log of administrators' changes is kept.
type Audit struct {
	Directory string `json:"directory,omitempty"`
}

// Backups says when copies are made by the server itself.
type Backups struct {
	Directory  string    `json:"directory,omitempty"`
	Every      Duration  `json:"every"`
	KeepDaily  int       `json:"keep_daily"`
	KeepWeekly int       `json:"keep_weekly"`
	Passphrase SecretRef `json:"passphrase,omitzero"`
}

// Alerts says when somebody should look, and how they are told.
type Alerts struct {
	Rules         []AlertRule `json:"rules,omitempty"`
	Webhook       string      `json:"webhook,omitempty"`
	WebhookSecret SecretRef   `json:"webhook_secret,omitzero"`
}

// AlertRule is one figure that is watched.
type AlertRule struct {
	Name        string   `json:"name"`
	Metric      string   `json:"metric"`
	Threshold   float64  `json:"threshold"`
	Clear       *float64 `json:"clear,omitempty"`
	Window      string   `json:"window"`
	For         Duration `json:"for"`
	MinRequests int      `json:"min_requests"`
	Provider    string   `json:"provider,omitempty"`
	Enabled     *bool    `json:"enabled,omitempty"`
}

// On says whether the rule is watched. Default: true.
func (r AlertRule) On() bool { return r.Enabled == nil || *r.Enabled }

// Refers reports whether anything in use refers to a secret of that scheme:
// "env", "file" or "vault".
func (c *Config) Refers(scheme string) bool {
	for _, k := range c.Keys {
		if k.On() && c.Providers[k.Provider].On() && k.Secret.Scheme == scheme {
			return true
		}
	}
	for _, row := range c.Clients {
		if row.On() && row.Secret.Scheme == scheme {
			return true
		}
	}
	for _, ref := range c.Telemetry.TraceHeaders {
		if ref.Scheme == scheme {
			return true
		}
	}
	return c.Backups.Passphrase.Scheme == scheme || c.Alerts.WebhookSecret.Scheme == scheme
}
