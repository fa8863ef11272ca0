package openai

import (
	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/dialect/wire"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/tidwall/gjson"
)

func (d *requestDecoder) messages(v gjson.Result) {
	if !v.IsArray() {
		d.fail("messages", "want an array")
		return
	}
	v.ForEach(func(_, m gjson.Result) bool {
		d.message(m)
		return d.err == nil
	})
}

// message reads one message. Leading system and developer messages become the
// system prompt; results of tools become blocks of one user turn.
func (d *requestDecoder) message(v gjson.Result) {
	r := d.r
	switch role := v.Get("role").Str; role {
	case "system", "developer":
		blocks := decodeParts(v.Get("content"))
		if len(r.Messages) == 0 {
			r.System = append(r.System, blocks...)
			return
		}
		d.add(v, llm.Role(role), blocks)
	case "user":
		d.add(v, llm.RoleUser, decodeParts(v.Get("content")))
	case "assistant":
		d.add(v, llm.RoleAssistant, decodeAssistant(v))
	case "tool", "function":
		d.addResult(decodeResult(v))
	default:
		d.fail("messages.role", "unknown role "+role)
	}
}

func (d *requestDecoder) add(v gjson.Result, role llm.Role, blocks []llm.Block) {
	d.r.Messages = append(d.r.Messages, llm.Message{Role: role, Name: v.Get("name").Str, Blocks: blocks})
}

// addResult puts a result into the user turn that answers the calls before it.
func (d *requestDecoder) addResult(b llm.Block) {
	if n := len(d.r.Messages); n > 0 {
		last := &d.r.Messages[n-1]
		if last.Role == llm.RoleUser && len(last.Blocks) > 0 && last.Blocks[0].Kind == llm.KindToolResult {
			last.Blocks = append(last.Blocks, b)
			return
		}
	}
	d.r.Messages = append(d.r.Messages, llm.Message{Role: llm.RoleUser, Blocks: []llm.Block{b}})
}

func decodeResult(v gjson.Result) llm.Block {
	id := v.Get("tool_call_id").Str
	if id == "" {
		id = legacyID(v.Get("name").Str)
	}
	return llm.Block{Kind: llm.KindToolResult, Result: &llm.ToolResult{CallID: id, Content: decodeParts(v.Get("content"))}}
}

// legacyID ties a function_call to the function message that answers it,
// which have no id.
func legacyID(name string) string { return "call_" + name }

// decodeParts reads content: a string, parts, or null.
func decodeParts(v gjson.Result) []llm.Block {
	if v.Type == gjson.String {
		return []llm.Block{{Kind: llm.KindText, Text: v.Str}}
	}
	if !v.IsArray() {
		return nil
	}
	var blocks []llm.Block
	v.ForEach(func(_, part gjson.Result) bool {
		if part.IsObject() {
			blocks = append(blocks, decodePart(part))
		}
		return true
	})
	return blocks
}

func decodePart(v gjson.Result) llm.Block {
	switch v.Get("type").Str {
	case "text":
		return llm.Block{Kind: llm.KindText, Text: v.Get("text").Str}
	case "refusal":
		return llm.Block{Kind: llm.KindRefusal, Text: v.Get("refusal").Str}
	case "image_url":
		s := dialect.SourceOfURL(v.Get("image_url.url").Str)
		s.Detail = v.Get("image_url.detail").Str
		return llm.Block{Kind: llm.KindImage, Source: s}
	case "file":
		return llm.Block{Kind: llm.KindDocument, Source: decodeFile(v.Get("file"))}
	}
	return llm.Block{Kind: llm.KindOther, Raw: wire.Raw(v.Raw), Extra: llm.Extra{From: llm.OpenAI}}
}

func decodeFile(v gjson.Result) *llm.Source {
	s := &llm.Source{}
	if data := v.Get("file_data").Str; data != "" {
		s = dialect.SourceOfURL(data)
	}
	if s.URL != "" && s.Data == "" { // base64 without a data: head is a PDF
		s.URL, s.Data, s.MediaType = "", s.URL, "application/pdf"
	}
	s.FileID, s.Name = v.Get("file_id").Str, v.Get("filename").Str
	return s
}

// decodeAssistant reads a turn of the model: reasoning first, then content,
// then calls.
func decodeAssistant(v gjson.Result) []llm.Block {
	blocks := decodeReasoning(v)
	blocks = append(blocks, decodeParts(v.Get("content"))...)
	if s := v.Get("refusal").Str; s != "" {
		blocks = append(blocks, llm.Block{Kind: llm.KindRefusal, Text: s})
	}
	v.Get("tool_calls").ForEach(func(_, c gjson.Result) bool {
		blocks = append(blocks, llm.Block{Kind: llm.KindToolCall, Call: decodeCall(c)})
		return true
	})
	if f := v.Get("function_call"); f.IsObject() {
		name := f.Get("name").Str
		blocks = append(blocks, llm.Block{Kind: llm.KindToolCall, Call: &llm.ToolCall{
			ID: legacyID(name), Name: name, Input: arguments(f.Get("arguments"))}})
	}
	return blocks
}

// decodeReasoning reads reasoning under any of its names. Details carry the
// signatures of the provider that thought, where a client gives them back.
func decodeReasoning(v gjson.Result) []llm.Block {
	var blocks []llm.Block
	v.Get("reasoning_details").ForEach(func(_, part gjson.Result) bool {
		b := llm.Block{Kind: llm.KindThinking, Text: part.Get("text").Str + part.Get("summary").Str,
			Signature: part.Get("signature").Str, Redacted: part.Get("data").Str}
		b.Extra.From = detailFrom(part.Get("format").Str)
		if b.Text+b.Signature+b.Redacted != "" {
			blocks = append(blocks, b)
		}
		return true
	})
	if len(blocks) > 0 {
		return blocks
	}
	for _, key := range [...]string{"reasoning_content", "reasoning"} {
		if s := v.Get(key).Str; s != "" {
			return []llm.Block{{Kind: llm.KindThinking, Text: s}}
		}
	}
	return nil
}

// anthropicFormat is how reasoning_details names Anthropic's thinking.
const anthropicFormat = "anthropic-claude-v1"

func detailFrom(format string) llm.Dialect {
	if format == anthropicFormat {
		return llm.Anthropic
	}
	return llm.OpenAI
}

func decodeCall(v gjson.Result) *llm.ToolCall {
	if v.Get("type").Str == "custom" {
		return &llm.ToolCall{ID: v.Get("id").Str, Name: v.Get("custom.name").Str,
			Text: v.Get("custom.input").Str, Custom: true}
	}
	f := v.Get("function")
	return &llm.ToolCall{ID: v.Get("id").Str, Name: f.Get("name").Str, Input: arguments(f.Get("arguments"))}
}

// arguments reads a call's arguments: JSON in a string, or the object itself
// as some servers give it. Empty means no arguments.
func arguments(v gjson.Result) []byte {
	raw := v.Str
	if v.IsObject() {
		raw = v.Raw
	}
	if raw == "" || raw == "null" {
		return []byte("{}")
	}
	return wire.Raw(raw)
}
