package responses

import (
	"slices"

	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/dialect/wire"
	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// tools writes the declared tools and returns those. A server tool of another
// dialect is left out and noted. Where the upstream only knows auto, a choice of
// none is kept by offering no tools.
func (e *requestEncoder) tools() []*llm.Tool {
	if dialect.WithoutTools(e.r, e.Policy()) {
		e.Drop("tools")
		return nil
	}
	kept := make([]*llm.Tool, 0, len(e.r.Tools))
	for i := range e.r.Tools {
		t := &e.r.Tools[i]
		if t.Kind == llm.ToolServer && t.Extra.From != llm.Responses {
			e.Drop("tools." + t.Name)
			continue
		}
		kept = append(kept, t)
	}
	if len(kept) == 0 || !e.Open("tools") {
		return nil
	}
	e.Buf = appendTools(e.Buf, kept, e.own)
	return kept
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
// kept are the tools that were written: a choice of any other would be refused.
func (e *requestEncoder) toolChoice(kept []*llm.Tool) {
	c := e.r.ToolChoice
	if c == nil {
		return
	}
	if e.Policy().NoToolChoice && c.Mode != "auto" {
		e.Drop("tool_choice")
		return
	}
	refs := toolRefs{own: e.own}
	for _, t := range kept {
		refs.note(t)
	}
	if !refs.can(c) {
		e.Drop("tool_choice")
	} else if e.Open("tool_choice") {
		e.Buf = refs.appendChoice(e.Buf, c)
	}
}

// toolRefs writes references to tools.
type toolRefs struct {
	own   bool                    // the request came in this dialect
	kinds map[string]llm.ToolKind // of the tools that are there
}

func (t *toolRefs) note(tool *llm.Tool) {
	if t.kinds == nil {
		t.kinds = map[string]llm.ToolKind{}
	}
	if t.kinds[tool.Name] != llm.ToolCustom {
		t.kinds[tool.Name] = tool.Kind
	}
}

// can reports whether what c chooses is there. A request of this dialect may
// have tools that only the upstream knows, those of a stored prompt.
func (t *toolRefs) can(c *llm.ToolChoice) bool {
	switch {
	case t.own:
		return true
	case c.Mode == "tool":
		return t.has(c.Name)
	case len(c.Allowed) > 0:
		return slices.ContainsFunc(c.Allowed, t.has)
	}
	return c.Mode != "any" || len(t.kinds) > 0
}

func (t *toolRefs) has(name string) bool {
	_, ok := t.kinds[name]
	return ok || t.own
}

func (t *toolRefs) appendChoice(dst []byte, c *llm.ToolChoice) []byte {
	switch {
	case c.Mode == "tool":
		return t.append(dst, c.Name)
	case len(c.Allowed) > 0:
		mode := "auto"
		if c.Mode == "any" {
			mode = "required"
		}
		dst = wire.Str(append(dst, `{"type":"allowed_tools"`...), "mode", mode)
		dst = append(wire.Key(dst, "tools"), '[')
		for _, name := range c.Allowed {
			if t.has(name) {
				dst = t.append(wire.Comma(dst), name)
			}
		}
		return append(dst, ']', '}')
	case c.Mode == "any":
		return append(dst, `"required"`...)
	}
	return wire.Quote(dst, c.Mode)
}

// append appends the reference to the tool called name.
func (t *toolRefs) append(dst []byte, name string) []byte {
	kind := `{"type":"function"`
	if t.kinds[name] == llm.ToolCustom {
		kind = `{"type":"custom"`
	}
	if !t.own {
		name = dialect.WireName("", name)
	}
	return append(wire.Str(append(dst, kind...), "name", name), '}')
}
