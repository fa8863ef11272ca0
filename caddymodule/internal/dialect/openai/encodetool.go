package openai

import (
	"slices"

	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/dialect/wire"
	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// tools writes the tools and the choice among them. Free-form tools become
// functions of one string, since few upstreams know them.
func (e *requestEncoder) tools() {
	if dialect.WithoutTools(e.r, e.Policy()) {
		e.Drop("tools")
		e.Drop("tool_choice")
		return
	}
	kept := make([]*llm.Tool, 0, len(e.r.Tools))
	for i := range e.r.Tools {
		if t := &e.r.Tools[i]; e.offered(t) {
			kept = append(kept, t)
		}
	}
	if len(kept) == 0 {
		if dialect.ForcesCall(e.r) {
			e.Drop("tool_choice")
		}
		return
	}
	if !e.Open("tools") {
		return
	}
	e.Buf = append(e.Buf, '[')
	for _, t := range kept {
		e.tool(t)
	}
	e.Buf = append(e.Buf, ']')
	e.toolChoice(kept)
	if p := e.r.Parallel; p != nil && e.Open("parallel_tool_calls") {
		e.Buf = appendBool(e.Buf, *p)
	}
}

func appendBool(dst []byte, v bool) []byte {
	if v {
		return append(dst, "true"...)
	}
	return append(dst, "false"...)
}

func (e *requestEncoder) offered(t *llm.Tool) bool {
	if t.Kind == llm.ToolServer && t.Extra.From != llm.OpenAI {
		e.Drop("tools." + typeOf(t.Raw))
		return false
	}
	c := e.r.ToolChoice
	return c == nil || len(c.Allowed) == 0 || slices.Contains(c.Allowed, t.Name)
}

func (e *requestEncoder) tool(t *llm.Tool) {
	e.Buf = wire.Comma(e.Buf)
	if t.Kind == llm.ToolServer {
		e.Buf = append(e.Buf, t.Raw...)
		return
	}
	description, schema := t.Description, t.Schema
	if t.Kind == llm.ToolCustom {
		description, schema = dialect.CustomDescription(t), []byte(dialect.CustomSchema)
	}
	e.Buf = append(e.Buf, `{"type":"function","function":{`...)
	e.Buf = wire.Str(e.Buf, "name", dialect.WireName(t.Namespace, t.Name))
	e.Buf = wire.StrIf(e.Buf, "description", description)
	e.Buf = wire.RawMember(e.Buf, "parameters", dialect.ToolSchema(schema))
	if t.Strict != nil {
		e.Buf = wire.Bool(e.Buf, "strict", *t.Strict)
	}
	e.Buf = append(e.Buf, '}', '}')
}

// toolChoice writes the choice among the tools offered. One that names another
// tool would be refused.
func (e *requestEncoder) toolChoice(offered []*llm.Tool) {
	c := e.r.ToolChoice
	if c == nil {
		return
	}
	name := dialect.ChosenTool(e.r, offered)
	if e.Policy().NoToolChoice && c.Mode != "auto" || c.Mode == "tool" && name == "" {
		e.Drop("tool_choice")
		return
	}
	switch c.Mode {
	case "any":
		e.Str("tool_choice", "required")
	case "tool":
		if e.Open("tool_choice") {
			e.Buf = append(e.Buf, `{"type":"function","function":{`...)
			e.Buf = append(wire.Str(e.Buf, "name", name), '}', '}')
		}
	default:
		e.Str("tool_choice", c.Mode)
	}
}
