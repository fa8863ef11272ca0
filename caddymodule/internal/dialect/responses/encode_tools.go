package responses

import (
	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/dialect/wire"
	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// tools writes the declared tools. A server tool of another dialect is left
// out and noted.
func (e *requestEncoder) tools() {
	kept := make([]*llm.Tool, 0, len(e.r.Tools))
	for i := range e.r.Tools {
		t := &e.r.Tools[i]
		if t.Kind == llm.ToolServer && t.Extra.From != llm.Responses {
			e.Drop("tools." + t.Name)
			continue
		}
		kept = append(kept, t)
	}
	if len(kept) > 0 && e.Open("tools") {
		e.Buf = appendTools(e.Buf, kept, e.own)
	}
}

// appendTools appends the array of tools. Tools declared one after another in
// one namespace become that namespace again. own says that the request came
// in this dialect: then what it left out stays out.
func appendTools(dst []byte, tools []*llm.Tool, own bool) []byte {
	dst = append(dst, '[')
	for i := 0; i < len(tools); {
		t := tools[i]
		if t.Namespace == "" {
			dst = appendTool(dst, t, own)
			i++
			continue
		}
		dst = append(wire.Comma(dst), `{"type":"namespace","name":`...)
		dst = wire.Quote(dst, t.Namespace)
		if about := field(&t.Extra, namespaceText); about != nil {
			dst = wire.RawMember(dst, "description", about)
		}
		dst = append(wire.Key(dst, "tools"), '[')
		for ; i < len(tools) && tools[i].Namespace == t.Namespace; i++ {
			dst = appendTool(dst, tools[i], own)
		}
		dst = append(dst, ']', '}')
	}
	return append(dst, ']')
}

func appendTool(dst []byte, t *llm.Tool, own bool) []byte {
	dst = wire.Comma(dst)
	switch t.Kind {
	case llm.ToolServer:
		return append(dst, t.Raw...)
	case llm.ToolCustom:
		dst = append(dst, `{"type":"custom"`...)
	default:
		dst = append(dst, `{"type":"function"`...)
	}
	dst = wire.Str(dst, "name", toolName(t, own))
	dst = wire.StrIf(dst, "description", t.Description)
	if t.Kind == llm.ToolCustom {
		dst = appendGrammar(dst, t.Grammar)
	} else {
		dst = appendParameters(dst, t, own)
	}
	if t.Extra.From == llm.Responses {
		for _, f := range t.Extra.Fields {
			if f.Key != namespaceText {
				dst = wire.RawMember(dst, f.Key, f.Value)
			}
		}
	}
	return append(dst, '}')
}

// toolName is the name a tool goes by. One of this dialect's fits already.
func toolName(t *llm.Tool, own bool) string {
	if own || t.Namespace != "" {
		return t.Name
	}
	return dialect.WireName("", t.Name)
}

func appendGrammar(dst []byte, g *llm.Grammar) []byte {
	if g == nil {
		return dst
	}
	dst = append(wire.Key(dst, "format"), `{"type":"grammar"`...)
	dst = wire.Str(dst, "syntax", g.Syntax)
	dst = wire.Str(dst, "definition", g.Definition)
	return append(dst, '}')
}

// appendParameters appends schema and strictness. Here, unlike elsewhere, a
// function is strict unless it says otherwise.
func appendParameters(dst []byte, t *llm.Tool, own bool) []byte {
	switch {
	case !own:
		dst = wire.RawMember(dst, "parameters", dialect.ToolSchema(t.Schema))
	case len(t.Schema) > 0:
		dst = wire.RawMember(dst, "parameters", t.Schema)
	default:
		dst = wire.RawMember(dst, "parameters", []byte("null"))
	}
	if t.Strict != nil {
		return wire.Bool(dst, "strict", *t.Strict)
	}
	if own {
		return dst
	}
	return wire.Bool(dst, "strict", false)
}

// toolChoice writes how tools are chosen, unless the upstream only knows auto.
func (e *requestEncoder) toolChoice() {
	c := e.r.ToolChoice
	if c == nil {
		return
	}
	if e.Policy().NoToolChoice && c.Mode != "auto" {
		e.Drop("tool_choice")
		return
	}
	if !e.Open("tool_choice") {
		return
	}
	e.Buf = appendToolChoice(e.Buf, c, e.r.Tools, e.own)
}

func appendToolChoice(dst []byte, c *llm.ToolChoice, tools []llm.Tool, own bool) []byte {
	switch {
	case c.Mode == "tool":
		return appendToolRef(dst, c.Name, tools, own)
	case len(c.Allowed) > 0:
		mode := "auto"
		if c.Mode == "any" {
			mode = "required"
		}
		dst = wire.Str(append(dst, `{"type":"allowed_tools"`...), "mode", mode)
		dst = append(wire.Key(dst, "tools"), '[')
		for _, name := range c.Allowed {
			dst = appendToolRef(wire.Comma(dst), name, tools, own)
		}
		return append(dst, ']', '}')
	case c.Mode == "any":
		return append(dst, `"required"`...)
	}
	return wire.Quote(dst, c.Mode)
}

// appendToolRef appends the reference to the tool called name.
func appendToolRef(dst []byte, name string, tools []llm.Tool, own bool) []byte {
	kind := `{"type":"function"`
	for i := range tools {
		if tools[i].Name == name && tools[i].Kind == llm.ToolCustom {
			kind = `{"type":"custom"`
		}
	}
	if !own {
		name = dialect.WireName("", name)
	}
	return append(wire.Str(append(dst, kind...), "name", name), '}')
}
