package openai

import (
	"github.com/aimux/aimux/caddymodule/internal/dialect/wire"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/tidwall/gjson"
)

func (d *requestDecoder) messages(c *wire.Cursor) {
	if c.Kind() != '[' {
		d.fail("messages", "want an array")
	}
	for range c.Elements() {
		m := readMessage(c)
		d.message(&m)
	}
}

// A message is one message with its members read, whatever its role.
type message struct {
	role, name string
	content    []llm.Block
	refusal    string
	reasoning  [2]string // reasoning_content and reasoning
	details    string    // reasoning_details, raw
	calls      []llm.Block
	answers    string // tool_call_id
}

// readMessage reads one message in one pass.
func readMessage(c *wire.Cursor) message {
	var m message
	for key := range c.Members() {
		switch key {
		case "role":
			m.role = c.Str()
		case "name":
			m.name = c.Str()
		case "content":
			m.content = readParts(c)
		case "tool_call_id":
			m.answers = c.Str()
		default:
			m.assistantMember(key, c)
		}
	}
	return m
}

func (m *message) assistantMember(key string, c *wire.Cursor) {
	switch key {
	case "refusal":
		m.refusal = c.Str()
	case "reasoning_content":
		m.reasoning[0] = c.Str()
	case "reasoning":
		m.reasoning[1] = c.Str()
	case "reasoning_details":
		m.details = c.Raw()
	case "tool_calls":
		for range c.Elements() {
			m.calls = append(m.calls, llm.Block{Kind: llm.KindToolCall, Call: readCall(c)})
		}
	case "function_call":
		if c.Kind() == '{' {
			call := &llm.ToolCall{}
			readFunction(call, c)
			call.ID = legacyID(call.Name)
			m.calls = append(m.calls, llm.Block{Kind: llm.KindToolCall, Call: call})
		}
	}
}

// message puts a message into the request. Leading system and developer
// messages become the system prompt; results of tools become blocks of one
// user turn.
func (d *requestDecoder) message(m *message) {
	r := d.r
	switch m.role {
	case "system", "developer":
		if len(r.Messages) == 0 {
			r.System = append(r.System, m.content...)
			return
		}
		d.add(m, m.content)
	case "user":
		d.add(m, m.content)
	case "assistant":
		d.add(m, m.blocks())
	case "tool", "function":
		if m.answers == "" {
			m.answers = legacyID(m.name)
		}
		d.addResult(llm.Block{Kind: llm.KindToolResult, Result: &llm.ToolResult{CallID: m.answers, Content: m.content}})
	default:
		d.fail("messages.role", "unknown role "+m.role)
	}
}

func (d *requestDecoder) add(m *message, blocks []llm.Block) {
	d.r.Messages = append(d.r.Messages, llm.Message{Role: llm.Role(m.role), Name: m.name, Blocks: blocks})
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

// legacyID ties a function_call to the function message that answers it,
// which have no id.
func legacyID(name string) string { return "call_" + name }

// blocks is a turn of the model: reasoning first, then content, then calls.
func (m *message) blocks() []llm.Block {
	blocks := m.thinking()
	if blocks == nil && m.refusal == "" && len(m.calls) == 0 {
		return m.content
	}
	blocks = append(blocks, m.content...)
	if m.refusal != "" {
		blocks = append(blocks, llm.Block{Kind: llm.KindRefusal, Text: m.refusal})
	}
	return append(blocks, m.calls...)
}

// thinking is reasoning under any of its names. Details carry the signatures
// of the provider that thought, where a client gives them back.
func (m *message) thinking() []llm.Block {
	var blocks []llm.Block
	gjson.Parse(m.details).ForEach(func(_, part gjson.Result) bool {
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
	for _, s := range m.reasoning {
		if s != "" {
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

func readCall(c *wire.Cursor) *llm.ToolCall {
	call := &llm.ToolCall{Input: []byte("{}")}
	for key := range c.Members() {
		switch key {
		case "id":
			call.ID = c.Str()
		case "function":
			readFunction(call, c)
		case "custom":
			call.Custom, call.Input = true, nil
			readFunction(call, c)
		}
	}
	return call
}

// readFunction reads the name and input of a call. Arguments are JSON in a
// string, or the object itself as some servers give it; empty means none.
func readFunction(call *llm.ToolCall, c *wire.Cursor) {
	for key := range c.Members() {
		switch key {
		case "name":
			call.Name = c.Str()
		case "input":
			call.Text = c.Str()
		case "arguments":
			args := ""
			if c.Kind() == '{' {
				args = c.Raw()
			} else {
				args = c.Str()
			}
			call.Input = []byte("{}")
			if args != "" && args != "null" {
				call.Input = wire.Raw(args)
			}
		}
	}
}
