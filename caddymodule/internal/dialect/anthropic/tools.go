package anthropic

import (
	"slices"

	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/dialect/wire"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/tidwall/gjson"
)

// tools writes the tools and the choice among them. OpenAI's allowed_tools is
// kept by offering only those.
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
}

func (e *requestEncoder) offered(t *llm.Tool) bool {
	if t.Kind == llm.ToolServer && t.Extra.From != llm.Anthropic {
		e.Drop("tools." + gjson.Get(wire.View(t.Raw), "type").Str)
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
	e.Buf = wire.Str(append(e.Buf, '{'), "name", dialect.WireName(t.Namespace, t.Name))
	e.Buf = wire.StrIf(e.Buf, "description", description)
	e.Buf = wire.RawMember(e.Buf, "input_schema", dialect.ToolSchema(schema))
	if t.Strict != nil && e.Policy().Genuine {
		e.Buf = wire.Bool(e.Buf, "strict", *t.Strict)
	}
	e.Buf = appendCache(e.Buf, t.Cache)
	if t.Extra.From == llm.Anthropic {
		for _, f := range t.Extra.Fields {
			e.Buf = wire.RawMember(e.Buf, f.Key, f.Value)
		}
	}
	e.Buf = append(e.Buf, '}')
}

// toolChoice writes the choice among the tools offered, and that calls come one
// at a time. A choice that names another tool would be refused.
func (e *requestEncoder) toolChoice(offered []*llm.Tool) {
	c, single := e.r.ToolChoice, e.r.Parallel != nil && !*e.r.Parallel
	name := dialect.ChosenTool(e.r, offered)
	if c != nil && c.Mode == "tool" && name == "" {
		e.Drop("tool_choice")
		c = nil
	}
	if c == nil && !single {
		return
	}
	if c == nil {
		c = &llm.ToolChoice{Mode: "auto"}
	}
	if e.Policy().NoToolChoice && c.Mode != "auto" {
		e.Drop("tool_choice")
		return
	}
	if !e.Open("tool_choice") {
		return
	}
	e.Buf = wire.Str(append(e.Buf, '{'), "type", c.Mode)
	if c.Mode == "tool" {
		e.Buf = wire.Str(e.Buf, "name", name)
	}
	if single && c.Mode != "none" {
		e.Buf = wire.Bool(e.Buf, "disable_parallel_tool_use", true)
	}
	e.Buf = append(e.Buf, '}')
}

// inputObject is input if it is a JSON object; Messages takes nothing else, so
// anything else is put into one.
func inputObject(input []byte) []byte {
	if wire.Valid(input) {
		return input
	}
	return append(wire.Str([]byte{'{'}, "input", string(input)), '}')
}
