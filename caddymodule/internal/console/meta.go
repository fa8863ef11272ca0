package console

import "context"

// Meta says what process this is.
type Meta interface {
	Meta(ctx context.Context) (About, error)
}

// About is the process behind the console.
type About struct {
	Version      string `json:"version"`
	Started      Time   `json:"started"`
	Go           string `json:"go"`
	ConfigSource string `json:"config_source"`
	// GatewayURL is where clients reach the gateway; empty: not known.
	GatewayURL string `json:"gateway_url,omitzero"`
	// DevLogin is filled in by the console.
	DevLogin bool `json:"dev_login"`
	// Simulated is true while the simulator answers for lack of providers.
	Simulated bool       `json:"simulated"`
	Vault     VaultState `json:"vault"`
	Health    Health     `json:"health"`
	// SetupNeeded asks the page to guide through the first steps.
	SetupNeeded bool `json:"setup_needed"`
}

// VaultState is whether keys can be kept: "open", "locked", "absent", "failed".
type VaultState struct {
	State  string `json:"state"`
	Source string `json:"source,omitzero"`
}

// Health is how the parts that watch are doing themselves.
type Health struct {
	Ledger    Condition `json:"ledger"`
	Audit     Condition `json:"audit"`
	Telemetry Condition `json:"telemetry"`
}

// Condition is good, or says what is not.
type Condition struct {
	OK      bool   `json:"ok"`
	Message string `json:"message,omitzero"`
}

func getMeta(k *call) (any, error) {
	about, err := k.c.o.Backend.Meta.Meta(k.ctx())
	about.DevLogin = k.c.o.Auth.DevLogin()
	return about, err
}

type healthAnswer struct {
	Status string `json:"status"`
}

func getHealth(*call) (any, error) { return healthAnswer{"ok"}, nil }
