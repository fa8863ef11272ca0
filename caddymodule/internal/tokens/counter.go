package tokens

import "github.com/aimux/aimux/caddymodule/internal/llm"

// Counter estimates prompts and corrects the estimates by what providers
// counted, per target. The zero value is ready for use; it is safe for
// concurrent use.
type Counter struct{ correction Correction }

// Estimate returns about how many input tokens body, a request in dialect d,
// has for target.
func (c *Counter) Estimate(target string, body []byte, d llm.Dialect) int {
	return c.correction.Apply(target, Estimate(body, d))
}

// Learn takes in that target counted the prompt of body as counted input
// tokens, cached ones included.
func (c *Counter) Learn(target string, body []byte, d llm.Dialect, counted int) {
	c.correction.Observe(target, Estimate(body, d), counted)
}
