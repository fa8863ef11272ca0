package responses

import (
	"fmt"

	"github.com/aimux/aimux/caddymodule/internal/dialect/wire"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/tidwall/gjson"
)

// namespaceText is the member of a tool's Extra that holds the description of
// the namespace the tool was declared in.
const namespaceText = "namespace.description"

// tools adds a list of declared tools. A tool that is already declared by the
// same name is not added twice.
func (d *requestDecoder) tools(param string, v gjson.Result) {
	if v.Type == gjson.Null {
		return
	}
	if !v.IsArray() {
		d.fail(param, "expected an array")
		return
	}
	n := 0
	v.ForEach(func(_, tool gjson.Result) bool {
		d.tool(fmt.Sprintf("%s[%d]", param, n), tool)
		n++
		return d.err == nil
	})
}

func (d *requestDecoder) tool(param string, v gjson.Result) {
	if !d.object(param, v) {
		d.fail(param, "expected an object")
		return
	}
	switch typ := v.Get("type").Str; typ {
	case "function", "custom":
		d.addTool(d.declared(param, v))
	case "namespace":
		d.namespace(param, v)
	case "":
		d.fail(param+".type", "is missing")
	default:
		d.addTool(llm.Tool{Kind: llm.ToolServer, Name: typ, Raw: wire.Raw(v.Raw), Extra: llm.Extra{From: llm.Responses}})
	}
}

// toolKey is what tells declared tools apart.
type toolKey struct{ namespace, name string }

func (d *requestDecoder) addTool(t llm.Tool) {
	key := toolKey{t.Namespace, t.Name}
	if d.known[key] {
		return
	}
	if t.Kind != llm.ToolServer {
		if d.known == nil {
			d.known = map[toolKey]bool{}
		}
		d.known[key] = true
	}
	d.r.Tools = append(d.r.Tools, t)
}

// declared reads a function or custom tool. Chat's nested form, which some
// clients send here too, is taken as well.
func (d *requestDecoder) declared(param string, v gjson.Result) llm.Tool {
	var t llm.Tool
	if v.Get("type").Str == "custom" {
		t.Kind = llm.ToolCustom
	}
	if inner := v.Get("function"); inner.IsObject() {
		v = inner
	}
	v.ForEach(func(k, v gjson.Result) bool {
		d.toolMember(&t, param, k, v)
		return true
	})
	if t.Name == "" {
		d.fail(param+".name", "is missing")
	}
	return t
}

func (d *requestDecoder) toolMember(t *llm.Tool, param string, k, v gjson.Result) {
	switch k.Str {
	case "type":
	case "name":
		t.Name = d.str(param+".name", v)
	case "description":
		t.Description = d.str(param+".description", v)
	case "parameters":
		if d.object(param+".parameters", v) {
			t.Schema = wire.Raw(v.Raw)
		}
	case "strict":
		t.Strict = d.boolean(param+".strict", v)
	case "format":
		if v.Get("type").Str == "grammar" {
			t.Grammar = &llm.Grammar{Syntax: v.Get("syntax").Str, Definition: v.Get("definition").Str}
		}
	default:
		t.Extra.From = llm.Responses
		t.Extra.Fields = append(t.Extra.Fields, rawField(k, v))
	}
}

// namespace takes a namespace apart into its tools.
func (d *requestDecoder) namespace(param string, v gjson.Result) {
	name, about := v.Get("name").Str, v.Get("description")
	v.Get("tools").ForEach(func(_, tool gjson.Result) bool {
		if !tool.IsObject() {
			d.fail(param+".tools", "expected an array of objects")
			return false
		}
		t := d.declared(param+".tools", tool)
		t.Namespace = name
		if about.Type == gjson.String {
			t.Extra.From = llm.Responses
			t.Extra.Fields = append(t.Extra.Fields, llm.Field{Key: namespaceText, Value: wire.Raw(about.Raw)})
		}
		d.addTool(t)
		return d.err == nil
	})
}

// toolChoice reads tool_choice. A choice of a server tool has no equal
// elsewhere and is kept as it is.
func (d *requestDecoder) toolChoice(k, v gjson.Result) {
	c := &llm.ToolChoice{}
	switch choice := v.Get("type").Str; {
	case v.Type == gjson.Null:
		return
	case v.Type == gjson.String && v.Str == "required":
		c.Mode = "any"
	case v.Type == gjson.String && (v.Str == "auto" || v.Str == "none"):
		c.Mode = v.Str
	case choice == "function" || choice == "custom":
		c.Mode, c.Name = "tool", v.Get("name").Str
	case choice == "allowed_tools":
		c.Mode = "auto"
		if v.Get("mode").Str == "required" {
			c.Mode = "any"
		}
		v.Get("tools").ForEach(func(_, t gjson.Result) bool {
			c.Allowed = append(c.Allowed, t.Get("name").Str)
			return true
		})
	case choice != "":
		d.keep(k, v)
		return
	default:
		d.fail("tool_choice", "expected auto, none, required or an object")
	}
	d.r.ToolChoice = c
}
