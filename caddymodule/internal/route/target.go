// Package route turns the model name a client asked for into a ranked list of
// targets, each of which is one model at one provider.
//
// A Router is compiled from a configuration and never changes. Plan resolves
// the name (an alias, a pattern, provider/model, a bare model id), leaves out
// the targets that cannot serve the request, and ranks the others: those that
// are ready before those that rest, better tiers before worse, and within a
// tier by the alias's Strategy. What it saw and why it chose so is in the Plan,
// for the log and the console.
//
// The router holds no health and no keys of its own; it asks each target's. It
// never waits, and it reads the time only from the query.
package route

import (
	"slices"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/health"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/aimux/aimux/caddymodule/internal/provider"
)

// Target is one model at one provider. It is read only once it belongs to a
// Router.
type Target struct {
	// ID names the target in logs and metrics, and carries its affinity over a
	// reload. Default: Provider/Model.
	ID string
	// Provider is the provider's name in the configuration, Model the model's
	// name there.
	Provider, Model string
	// Tier orders targets: all of tier 1 are asked before any of tier 2. An
	// alias may say otherwise for its own purposes.
	Tier int
	// Weight is the target's share under the Weighted strategy. Default: 1.
	Weight int
	// Caps is what the catalogue knows about the model. If its ID is empty
	// nothing is known, and the target is taken to be able to do everything.
	Caps provider.Model
	// Dialects are the wire formats the target speaks itself.
	Dialects []llm.Dialect
	// Health is what was learned about the target. nil: nothing, ever.
	Health *health.State
	// Keys says whether the provider's keys rest. nil: they never do.
	Keys KeyView
}

// KeyView is what the router wants to know of a key pool.
type KeyView interface {
	// RestingAt reports whether no key may be used for model at now, until when
	// and why.
	RestingAt(model string, now time.Time) (until time.Time, class llm.Class, resting bool)
}

// Speaks reports whether the target takes dialect d without translation.
func (t *Target) Speaks(d llm.Dialect) bool { return slices.Contains(t.Dialects, d) }

// Needs is what a request asks of a model.
type Needs struct {
	Tools, Vision, PDF, Thinking, Structured bool
	// PromptBytes is the size of the request's prompt; with images in it the
	// size says little about tokens.
	PromptBytes int
	// MaxTokens is the longest answer asked for; 0: not said.
	MaxTokens int
}

// Query is what a plan is asked for.
type Query struct {
	// Model is the name the client sent.
	Model string
	// Dialect is the client's.
	Dialect llm.Dialect
	// NativeOnly leaves out targets that do not speak Dialect themselves.
	NativeOnly bool
	Needs      Needs
	// Session groups the requests that share a prompt prefix; empty: none.
	Session string
	// CacheTTL is how long the provider keeps the prompt cached after this
	// request (cache_control.ttl). Default: the router's Affinity TTL.
	CacheTTL time.Duration
	Wish     Wish
	// Now is the time of the request. Default: clock.Now().
	Now time.Time
}
