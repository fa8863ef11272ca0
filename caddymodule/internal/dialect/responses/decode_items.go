package responses

import (
	"fmt"
	"strings"

	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/dialect/wire"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/tidwall/gjson"
)

// item is what is acted on in one item of input or output.
type item struct {
	typ, role, id               string
	callID, name, namespace     string
	content, text, output, list gjson.Result // text: arguments or input; list: summary or tools
	secret                      string       // encrypted_content
	raw                         string
	fields                      []llm.Field // role and what else belongs to the item, for a message
}

// readItem notes the members of an item.
func readItem(v gjson.Result) item {
	it := item{raw: v.Raw}
	if !v.IsObject() {
		return it // ForEach would visit the value itself
	}
	v.ForEach(func(k, v gjson.Result) bool {
		switch k.Str {
		case "type":
			it.typ = v.Str
			return true
		case "content":
			it.content = v
			return true
		case "role":
			it.role = v.Str
		case "id":
			it.id = v.Str
		case "call_id":
			it.callID = v.Str
		case "name":
			it.name = v.Str
		case "namespace":
			it.namespace = v.Str
		case "arguments", "input":
			it.text = v
		case "output":
			it.output = v
		case "summary", "tools":
			it.list = v
		case "encrypted_content":
			it.secret = v.Str
		}
		if it.typ == "" || it.typ == "message" {
			it.fields = append(it.fields, rawField(k, v))
		}
		return true
	})
	if it.typ == "" && it.role != "" {
		it.typ = "message"
	}
	return it
}

// input reads the conversation.
func (d *requestDecoder) input(v gjson.Result) {
	switch {
	case v.Type == gjson.String:
		d.message(llm.Message{Role: llm.RoleUser, Blocks: []llm.Block{{Text: v.Str}}})
	case v.IsArray():
		n := 0
		v.ForEach(func(_, v gjson.Result) bool {
			d.item(fmt.Sprintf("input[%d]", n), readItem(v))
			n++
			return d.err == nil
		})
	case v.Type != gjson.Null:
		d.fail("input", "expected a string or an array of items")
	}
}

func (d *requestDecoder) item(param string, it item) {
	switch it.typ {
	case "message":
		d.messageItem(param, it)
		return
	case "function_call", "custom_tool_call":
		d.assistant(callBlock(it))
	case "function_call_output", "custom_tool_call_output":
		d.result(param, it)
	case "reasoning":
		d.assistant(thinkingBlock(it))
	case "additional_tools":
		d.tools(param+".tools", it.list)
		return
	case "tool_search_output":
		d.tools(param+".tools", it.list)
		d.user(otherBlock(it))
	case "":
		d.fail(param, "has neither type nor role")
	default:
		d.other(param, it)
	}
	d.begun = true
}

// messageItem adds a message. Of the model's own messages only the blocks are
// kept apart, since a turn of it may be several items.
func (d *requestDecoder) messageItem(param string, it item) {
	blocks := d.parts(param+".content", it.content)
	switch it.role {
	case "assistant":
		if len(blocks) > 0 {
			blocks[0].Extra = extra(it.fields)
		}
		d.assistant(blocks...)
	case "user":
		d.message(llm.Message{Role: llm.RoleUser, Blocks: blocks, Extra: extra(withoutRole(it.fields))})
	case "system", "developer":
		d.systemItem(it, blocks)
		return
	default:
		d.fail(param+".role", "%q is not a role", it.role)
	}
	d.begun = true
}

// systemItem adds a system or developer turn: to the system blocks if nothing
// else came before, else at its place.
func (d *requestDecoder) systemItem(it item, blocks []llm.Block) {
	if len(blocks) == 0 {
		return
	}
	if !d.begun {
		blocks[0].Extra = extra(it.fields)
		d.r.System = append(d.r.System, blocks...)
		return
	}
	d.message(llm.Message{Role: llm.Role(it.role), Blocks: blocks, Extra: extra(withoutRole(it.fields))})
}

func withoutRole(fields []llm.Field) []llm.Field {
	kept := fields[:0]
	for _, f := range fields {
		if f.Key != roleField {
			kept = append(kept, f)
		}
	}
	return kept
}

func (d *requestDecoder) message(m llm.Message) {
	d.r.Messages = append(d.r.Messages, m)
}

// assistant adds blocks to the model's turn, which begins with the first.
func (d *requestDecoder) assistant(blocks ...llm.Block) {
	d.extend(llm.RoleAssistant, blocks, func(last *llm.Message) bool { return last.Role == llm.RoleAssistant })
}

// user adds a block to the answer to the model's calls.
func (d *requestDecoder) user(b llm.Block) {
	d.extend(llm.RoleUser, []llm.Block{b}, func(last *llm.Message) bool {
		return last.Role == llm.RoleUser && last.Blocks[0].Kind == llm.KindToolResult
	})
}

func (d *requestDecoder) extend(role llm.Role, blocks []llm.Block, joins func(*llm.Message) bool) {
	if len(blocks) == 0 {
		return
	}
	if n := len(d.r.Messages); n > 0 && len(d.r.Messages[n-1].Blocks) > 0 && joins(&d.r.Messages[n-1]) {
		last := &d.r.Messages[n-1]
		last.Blocks = append(last.Blocks, blocks...)
		return
	}
	d.message(llm.Message{Role: role, Blocks: blocks})
}

// result adds the output of a call. Anything but text and parts stands as the
// JSON it is.
func (d *requestDecoder) result(param string, it item) {
	if it.callID == "" {
		d.fail(param+".call_id", "is missing")
	}
	res := &llm.ToolResult{CallID: it.callID, Custom: it.typ == "custom_tool_call_output"}
	switch {
	case it.output.IsArray():
		res.Content = d.parts(param+".output", it.output)
	case it.output.Type == gjson.String:
		res.Content = []llm.Block{{Text: it.output.Str}}
	case it.output.Type != gjson.Null:
		res.Content = []llm.Block{{Text: it.output.Raw}}
	}
	d.user(llm.Block{Kind: llm.KindToolResult, Result: res, Extra: idOf(it)})
}

// other keeps an item only this dialect knows, on the side it belongs to.
func (d *requestDecoder) other(param string, it item) {
	b := otherBlock(it)
	if it.typ == "item_reference" || it.typ == "compaction" {
		b.Extra.Fields = dialect.ItemPlace(param)
	}
	if strings.HasSuffix(it.typ, "_call") || strings.HasPrefix(it.typ, "mcp_") {
		d.assistant(b)
		return
	}
	d.message(llm.Message{Role: llm.RoleUser, Blocks: []llm.Block{b}})
}

func otherBlock(it item) llm.Block {
	return llm.Block{Kind: llm.KindOther, Raw: wire.Raw(it.raw), Extra: llm.Extra{From: llm.Responses}}
}

func idOf(it item) llm.Extra {
	if it.id == "" {
		return llm.Extra{}
	}
	return extra([]llm.Field{{Key: "id", Value: wire.Quote(nil, it.id)}})
}

// callBlock reads a call. Arguments that are not a JSON object are kept
// visible instead of becoming an empty object.
func callBlock(it item) llm.Block {
	c := &llm.ToolCall{ID: it.callID, ItemID: it.id, Name: it.name, Namespace: it.namespace}
	if it.typ == "custom_tool_call" {
		c.Custom, c.Text = true, it.text.Str
	} else {
		c.Input = arguments(it.text)
	}
	return llm.Block{Kind: llm.KindToolCall, Call: c}
}

// arguments reads the arguments of a function call: JSON in a string, or an
// object from servers that do not know better.
func arguments(v gjson.Result) []byte {
	text := v.Str
	if v.IsObject() {
		text = v.Raw
	}
	switch trimmed := strings.TrimSpace(text); {
	case trimmed == "":
		return []byte("{}")
	case trimmed[0] == '{' && gjson.Valid(trimmed):
		return wire.Raw(trimmed)
	}
	return dialect.WrapInput(text)
}
