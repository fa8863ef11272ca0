// Package telemetry says how aimux is doing: metrics for Prometheus, rolling
// statistics and their history for the console, a health line for the log, and,
// in the packages below it, alerts and traces.
//
// Metrics and Windows are observers of the gateway: both are told of every
// exchange that ended, and together take less than 2 µs for it. What is a state
// rather than an event (keys that rest, breakers, requests in flight) is never
// pushed; it is read from a Source when somebody looks.
//
// Nothing here holds a prompt, an answer or a secret, and no name that a client
// made up becomes a label: Names lists what the configuration names, everything
// else is "other".
package telemetry

import (
	"sync"

	"github.com/aimux/aimux/caddymodule/internal/failover"
	"github.com/aimux/aimux/caddymodule/internal/gateway"
	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// Names are the names a configuration gives: those that may be labels.
type Names struct {
	Providers []Provider
	Targets   []Scope
	Clients   []string
}

// Provider is a provider's name and what kind it is in the catalogue.
type Provider struct{ Name, Kind string }

// other is the label of everything nobody configured.
const other = "other"

// clientLimit begins the code of a refusal by one of the client's own limits.
const clientLimit = "client_"

// codes are the result codes there are, apart from the classes of failure.
var codes = sync.OnceValue(func() map[string]bool {
	known := map[string]bool{"ok": true, "panic": true, "estimated": true}
	for _, limit := range [...]string{"requests", "tokens", "streams", "daily_spend", "monthly_spend", "invalid"} {
		known[clientLimit+limit] = true
	}
	for ceiling := range new(gateway.Refusals).All() {
		known[ceiling] = true
	}
	for _, reason := range failover.Reasons() {
		known[reason] = true
	}
	for _, e := range [...]llm.ErrorType{
		llm.ErrInvalidRequest, llm.ErrUnauthenticated, llm.ErrForbidden, llm.ErrNotFound, llm.ErrModelNotFound,
		llm.ErrMethod, llm.ErrTimeoutBody, llm.ErrTooLarge, llm.ErrMediaType, llm.ErrRateLimited,
		llm.ErrInternal, llm.ErrUpstream, llm.ErrUnavailable, llm.ErrTimeout,
	} {
		known[string(e)] = true
	}
	for class := range classes {
		known[llm.Class(class).String()] = true
	}
	return known
})

// codeOf bounds a result code to those there are.
func codeOf(reason string) string {
	if codes()[reason] {
		return reason
	}
	return other
}
