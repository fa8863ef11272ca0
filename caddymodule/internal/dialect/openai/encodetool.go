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
	kept := make([]*llm.Tool, 0, len(e.r.Tools))
	for i := range e.r.Tools {
		if t := &e.r.Tools[i]; e.offered(t) {
			kept = append(kept, t)
		}
	}
	if len(kept) == 0 || !e.Open("tools") {
		return
	}
	e.Buf = append(e.Buf, '[')
	for _, t := range kept {
		e.tool(t)
	}
	e.Buf = append(e.Buf, ']')
	e.toolChoice()
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
	if c == nil {
		return true
	}
	if c.Mode == "none" && e.Policy().NoToolChoice {
		return false
	}
	return len(c.Allowed) == 0 || slices.Contains(c.Allowed, t.Name)
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

func (e *requestEncoder) toolChoice() {
	c := e.r.ToolChoice
	if c == nil {
		return
	}
	if e.Policy().NoToolChoice && c.Mode != "auto" {
		e.Drop("tool_choice")
		return
	}
	switch c.Mode {
	case "any":
		e.Str("tool_choice", "required")
	case "tool":
		if e.Open("tool_choice") {
			e.Buf = append(e.Buf, `{"type":"function","function":{`...)
			e.Buf = append(wire.Str(e.Buf, "name", e.chosenName(c.Name)), '}', '}')
		}
	default:
		e.Str("tool_choice", c.Mode)
	}
}

// chosenName is the wire name of the tool a choice names, namespace and all.
func (e *requestEncoder) chosenName(name string) string {
	for i := range e.r.Tools {
		if t := &e.r.Tools[i]; t.Name == name {
			return dialect.WireName(t.Namespace, t.Name)
		}
	}
	return dialect.WireName("", name)
}
