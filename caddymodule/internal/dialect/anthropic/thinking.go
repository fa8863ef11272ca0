package anthropic

import (
	"strconv"
	"strings"

	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/dialect/wire"
	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// The least number of thinking tokens Anthropic takes.
const minBudget = 1024

// mode is the thinking.type to ask for, with the budget of "enabled"; "" for
// no thinking member at all. A client of Messages gets what it said.
func (e *requestEncoder) mode() (mode string, budget int) {
	a := e.r.Reasoning
	if a == nil || a.Mode == "" && a.Effort == "" {
		return "", 0
	}
	mode, budget = a.Mode, a.Budget
	if e.r.Extra.From != llm.Anthropic {
		mode, budget = e.modeOfEffort(a)
	}
	if mode != "enabled" {
		return mode, 0
	}
	most := e.max - 1
	if e.r.Extra.From != llm.Anthropic {
		most = e.max / 4 * 3 // leave room for the answer
	}
	budget = min(budget, most)
	if budget < minBudget || e.forced() || e.brokenTurn() {
		return "", 0
	}
	return mode, budget
}

// modeOfEffort is what an OpenAI client's effort means: a budget, or
// "adaptive" (the effort itself then goes into output_config) where budgets
// are refused. Anthropic's newest models cannot have thinking switched off,
// and refuse to be told to.
func (e *requestEncoder) modeOfEffort(a *llm.Reasoning) (mode string, budget int) {
	off := a.Mode == "disabled" || a.Effort == "none"
	switch {
	case off && e.Policy().Genuine:
		return "", 0
	case off:
		return "disabled", 0
	case !e.adaptive():
		return "enabled", dialect.EffortBudget(a.Effort)
	case e.forced():
		return "", 0
	}
	return "adaptive", 0
}

// adaptive reports whether the target decides itself how much to think:
// Anthropic's models since 4.6, and others by policy.
func (e *requestEncoder) adaptive() bool {
	return e.Policy().Thinking == "adaptive" || e.Policy().Thinking == "" && e.Policy().Genuine
}

// thinkingImplied reports whether thinking is on without the client having
// said so in Anthropic's terms, so that a temperature would be refused.
func (e *requestEncoder) thinkingImplied() bool {
	mode, _ := e.mode()
	return e.r.Extra.From != llm.Anthropic && (mode == "enabled" || mode == "adaptive")
}

// forced reports whether a tool call is forced, which rules thinking out.
func (e *requestEncoder) forced() bool {
	c := e.r.ToolChoice
	return c != nil && (c.Mode == "any" || c.Mode == "tool")
}

// brokenTurn reports whether the tool turn under way lost its thinking (it was
// another provider's). Anthropic refuses budgeted thinking then.
func (e *requestEncoder) brokenTurn() bool {
	n := len(e.messages)
	if n < 2 || e.messages[n-2].Role != llm.RoleAssistant {
		return false
	}
	hasCall := false
	for i := range e.messages[n-2].Blocks {
		switch e.messages[n-2].Blocks[i].Kind {
		case llm.KindThinking:
			return false
		case llm.KindToolCall:
			hasCall = true
		}
	}
	return hasCall
}

func (e *requestEncoder) thinking() {
	mode, budget := e.mode()
	if mode == "" {
		if e.r.Reasoning != nil && e.r.Reasoning.Mode == "enabled" {
			e.Drop("thinking")
		}
		return
	}
	if !e.Open("thinking") {
		return
	}
	e.Buf = wire.Str(append(e.Buf, '{'), "type", mode)
	if budget > 0 {
		e.Buf = append(wire.Key(e.Buf, "budget_tokens"), strconv.Itoa(budget)...)
	}
	if e.r.Extra.From == llm.Anthropic {
		e.Buf = wire.StrIf(e.Buf, "display", e.r.Reasoning.Display)
	}
	e.Buf = append(e.Buf, '}')
}

// outputConfig writes effort, format and what else a client of Messages put
// there.
func (e *requestEncoder) outputConfig() {
	effort := e.effort()
	f := e.r.Format
	if f != nil && (f.Kind != "json_schema" || e.Policy().NoSchema) {
		f = nil
	}
	inner := make([]byte, 0, 64)
	inner = wire.StrIf(append(inner, '{'), "effort", effort)
	if f != nil {
		inner = append(wire.Str(append(wire.Key(inner, "format"), '{'), "type", "json_schema"), `,"schema":`...)
		inner = append(append(inner, rawOr(f.Schema, "{}")...), '}')
	}
	if e.r.Extra.From == llm.Anthropic {
		for _, x := range e.r.Extra.Fields {
			if key, ok := strings.CutPrefix(x.Key, outputConfigKey); ok {
				inner = wire.RawMember(inner, key, x.Value)
			}
		}
	}
	if len(inner) > 1 {
		e.Raw("output_config", append(inner, '}'))
	}
}

// effort is the level for output_config: what a client of Messages said, or an
// OpenAI client's for a model that thinks adaptively.
func (e *requestEncoder) effort() string {
	a := e.r.Reasoning
	if a == nil || a.Effort == "" || a.Effort == "none" {
		return ""
	}
	if e.r.Extra.From != llm.Anthropic && !e.adaptive() {
		return ""
	}
	effort := a.Effort
	if effort == "minimal" {
		effort = "low"
	}
	return dialect.NearestEffort(effort, e.Policy().Efforts)
}
