package gateway

import (
	"fmt"
	"math/rand/v2"
	"net/http"

	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/aimux/aimux/caddymodule/internal/provider"
)

// Tokens estimates how many input tokens a request has, where no provider can
// be asked, and learns from the usage that answers state.
type Tokens interface {
	// Estimate returns the input tokens of a request body for a target.
	Estimate(target string, body []byte, d llm.Dialect) int
	// Learn compares the estimate for body with the usage its answer stated.
	Learn(target string, body []byte, d llm.Dialect, input int)
}

// countLocally answers a question for the size of a prompt that no provider of
// the model can answer.
func (x *Exchange) countLocally() *llm.Error {
	if x.gateway.Tokens == nil || len(x.plan.Targets) == 0 {
		return &llm.Error{Type: llm.ErrNotFound, Status: http.StatusNotFound, Message: "no provider of this model counts tokens"}
	}
	n := x.gateway.Tokens.Estimate(x.plan.Targets[0].ID, x.body.bytes(), x.Dialect)
	out := fmt.Appendf(nil, "{\"input_tokens\":%d}\n", n)
	if x.endpoint.call == provider.CallInputTokens {
		out = fmt.Appendf(nil, "{\"object\":\"response.input_tokens\",\"input_tokens\":%d}\n", n)
	}
	x.Status, x.Reason = http.StatusOK, "estimated"
	_ = x.send.whole(out, func() { x.send.set("X-Aimux-Provider", "aimux") })
	return nil
}

// always is the size of a body up to which every answer teaches; of larger ones,
// whose estimate costs more, every sixteenth does.
const always = 16 << 10

// learnTokens compares a known usage with the estimate for the same bytes.
func (x *Exchange) learnTokens(target string) {
	sampled := rand.Uint32()%16 == 0 // #nosec G404 -- a sample for statistics
	if len(x.outline.data) > always && !sampled {
		return
	}
	if x.gateway.Tokens == nil || !x.Usage.Known || x.Usage.Input == 0 || x.endpoint.call != provider.CallMain {
		return
	}
	x.gateway.Tokens.Learn(target, x.body.bytes(), x.Dialect, x.Usage.Input)
}
