package caddymodule

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/gateway"
	"github.com/caddyserver/caddy/v2"
)

// Admin adds to Caddy's admin API:
//
//	GET  /aimux/status                       what is configured, how it is doing, the last exchanges with their decisions
//	GET  /aimux/keys                         every key: in flight, resting until when and why
//	POST /aimux/keys/{provider}/{name}/reset wakes a resting key
//	     /aimux/api/…                        the console's API (docs/api.md), for commands on this machine
//
// Nothing here shows a secret; there is no endpoint that could.
type Admin struct{}

// CaddyModule returns the module's information.
func (Admin) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "admin.api.aimux", New: func() caddy.Module { return new(Admin) }}
}

// Routes returns the admin endpoints.
func (Admin) Routes() []caddy.AdminRoute {
	return []caddy.AdminRoute{
		{Pattern: "/aimux/api/", Handler: caddy.AdminHandlerFunc(serveAPI)},
		{Pattern: "GET /aimux/status", Handler: caddy.AdminHandlerFunc(serveStatus)},
		{Pattern: "GET /aimux/keys", Handler: caddy.AdminHandlerFunc(serveKeys)},
		{Pattern: "POST /aimux/keys/{provider}/{name}/reset", Handler: caddy.AdminHandlerFunc(resetKey)},
	}
}

var errNotServing = caddy.APIError{HTTPStatus: http.StatusNotFound, Err: errors.New("the running configuration has no aimux handler")}

// inForce is the runtime that serves, nil if none does.
func inForce() *runtime {
	if app := serving.Load(); app != nil {
		return app.live.now()
	}
	return nil
}

// statusAnswer is the answer of /aimux/status.
type statusAnswer struct {
	Version   string           `json:"version"`
	Source    string           `json:"source,omitempty"`
	Simulated bool             `json:"simulated,omitempty"`
	Providers []providerStatus `json:"providers"`
	Recent    []recentExchange `json:"recent"`
}

type providerStatus struct {
	Name    string         `json:"name"`
	Kind    string         `json:"kind"`
	Keys    int            `json:"keys"`
	Resting int            `json:"resting"`
	Targets []targetStatus `json:"targets"`
}

type targetStatus struct {
	Model    string       `json:"model"`
	Tier     int          `json:"tier"`
	Dialects []string     `json:"dialects"`
	Health   *healthShown `json:"health,omitempty"`
}

func serveStatus(w http.ResponseWriter, _ *http.Request) error {
	rt := inForce()
	if rt == nil {
		return errNotServing
	}
	now := time.Now()
	answer := statusAnswer{Version: Version, Source: rt.source, Simulated: rt.simulated(), Recent: recentExchanges(rt.recent.last(50))}
	for _, p := range rt.providers {
		answer.Providers = append(answer.Providers, rt.providerStatus(p, now))
	}
	return writeJSON(w, answer)
}

func (rt *runtime) providerStatus(p *gateway.Provider, now time.Time) providerStatus {
	keys := p.Keys.Snapshot(now)
	s := providerStatus{Name: p.Name, Kind: rt.kinds[p.Name], Keys: len(keys)}
	for _, k := range keys {
		if len(k.Rests) > 0 {
			s.Resting++
		}
	}
	for _, t := range rt.router.Targets() {
		if t.Provider != p.Name {
			continue
		}
		ts := targetStatus{Model: t.Model, Tier: t.Tier}
		for _, d := range t.Dialects {
			ts.Dialects = append(ts.Dialects, string(d))
		}
		if t.Health != nil {
			ts.Health = showHealth(t.Health.Snapshot(now))
		}
		s.Targets = append(s.Targets, ts)
	}
	return s
}

func serveKeys(w http.ResponseWriter, _ *http.Request) error {
	rt := inForce()
	if rt == nil {
		return errNotServing
	}
	type row struct {
		Provider string     `json:"provider"`
		Keys     []keyShown `json:"keys"`
	}
	rows := make([]row, len(rt.providers))
	for i, p := range rt.providers {
		rows[i] = row{Provider: p.Name, Keys: keysShown(p.Keys.Snapshot(time.Now()))}
	}
	return writeJSON(w, rows)
}

func resetKey(w http.ResponseWriter, r *http.Request) error {
	rt := inForce()
	if rt == nil {
		return errNotServing
	}
	for _, p := range rt.providers {
		if p.Name != r.PathValue("provider") {
			continue
		}
		if !p.Keys.Reset(r.PathValue("name")) {
			return caddy.APIError{HTTPStatus: http.StatusNotFound, Err: fmt.Errorf("provider %q has no key %q", p.Name, r.PathValue("name"))}
		}
		return writeJSON(w, map[string]string{"reset": p.Name + "/" + r.PathValue("name")})
	}
	return caddy.APIError{HTTPStatus: http.StatusNotFound, Err: fmt.Errorf("no provider %q", r.PathValue("provider"))}
}

func writeJSON(w http.ResponseWriter, v any) error {
	w.Header().Set("Content-Type", "application/json")
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(v)
}

// Interface guards.
var _ caddy.AdminRouter = (*Admin)(nil)
