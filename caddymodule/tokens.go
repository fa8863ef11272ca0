package caddymodule

import (
	"github.com/aimux/aimux/caddymodule/internal/gateway"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/aimux/aimux/caddymodule/internal/tokens"
)

// estimator is the gateway's Tokens: a local estimate, corrected per target by
// what providers stated.
type estimator struct{ tokens.Correction }

// Estimate returns the input tokens of a request body for a target.
func (e *estimator) Estimate(target string, body []byte, d llm.Dialect) int {
	return e.Apply(target, tokens.Estimate(body, d))
}

// Learn compares the estimate for body with what its answer stated.
func (e *estimator) Learn(target string, body []byte, d llm.Dialect, input int) {
	e.Observe(target, tokens.Estimate(body, d), input)
}

// Interface guards.
var _ gateway.Tokens = (*estimator)(nil)
