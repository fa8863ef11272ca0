package responses

import (
	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/dialect/repair"
	"github.com/aimux/aimux/caddymodule/internal/dialect/wire"
	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// input writes the conversation as items.
func (e *requestEncoder) input() {
	e.Buf = append(e.Buf, '[')
	e.systemTurns(e.r.System[e.systemItems():])
	for _, m := range e.history() {
		e.message(&m)
	}
	e.Buf = append(e.Buf, ']')
}

// history is the conversation, repaired if another dialect's client sent it. A
// conversation that continues a stored one is not whole and stays as it is.
func (e *requestEncoder) history() []llm.Message {
	if e.own || e.r.PreviousID != "" {
		return e.r.Messages
	}
	return repair.History(e.r.Messages, repair.Options{
		KeepThinking: madeHere,
		SystemAsUser: e.Policy().SystemFirst,
	})
}

// systemTurns writes system blocks that were items, grouped as they were.
func (e *requestEncoder) systemTurns(blocks []llm.Block) {
	for from := 0; from < len(blocks); {
		to := from + 1
		for to < len(blocks) && field(&blocks[to].Extra, roleField) == nil {
			to++
		}
		role := llm.RoleDeveloper
		if string(field(&blocks[from].Extra, roleField)) == `"system"` {
			role = llm.RoleSystem
		}
		e.messageItem(role, blocks[from:to], &blocks[from].Extra)
		from = to
	}
}

func (e *requestEncoder) message(m *llm.Message) {
	switch m.Role {
	case llm.RoleAssistant:
		e.assistant(m.Blocks)
	case llm.RoleSystem, llm.RoleDeveloper:
		e.systemTurn(m)
	default:
		e.user(m)
	}
}

// systemTurn writes a system turn in mid-conversation.
func (e *requestEncoder) systemTurn(m *llm.Message) {
	if e.Policy().SystemFirst {
		text := dialect.Reminder(dialect.SystemText(m.Blocks))
		e.messageItem(llm.RoleUser, []llm.Block{{Text: text}}, nil)
		return
	}
	role := m.Role
	if !e.own {
		role = llm.RoleDeveloper
	}
	e.messageItem(role, m.Blocks, &m.Extra)
}

// user writes a user turn: outputs as items of their own, the rest as messages.
func (e *requestEncoder) user(m *llm.Message) {
	from := 0
	for i := range m.Blocks {
		b := &m.Blocks[i]
		if item := b.Kind == llm.KindOther && e.isItem(b); !item && b.Kind != llm.KindToolResult {
			continue
		}
		e.messageItem(llm.RoleUser, m.Blocks[from:i], &m.Extra)
		from = i + 1
		if b.Kind == llm.KindOther {
			e.raw(b.Raw)
		} else {
			e.result(b)
		}
	}
	e.messageItem(llm.RoleUser, m.Blocks[from:], &m.Extra)
}

// isItem reports whether b is an item of this dialect kept whole.
func (e *requestEncoder) isItem(b *llm.Block) bool {
	return b.Extra.From == llm.Responses && !isPart(b.Raw)
}

func (e *requestEncoder) raw(item []byte) { e.Buf = append(wire.Comma(e.Buf), item...) }

// assistant takes a turn of the model apart: texts that follow one another
// are one message unless they were several.
func (e *requestEncoder) assistant(blocks []llm.Block) {
	for from := 0; from < len(blocks); {
		to := from + 1
		switch b := &blocks[from]; b.Kind {
		case llm.KindText, llm.KindRefusal:
			for to < len(blocks) && isText(&blocks[to]) && field(&blocks[to].Extra, roleField) == nil {
				to++
			}
			e.messageItem(llm.RoleAssistant, blocks[from:to], &b.Extra)
		case llm.KindToolCall:
			e.call(b.Call)
		case llm.KindThinking:
			e.thinking(b)
		case llm.KindOther:
			e.otherItem(b)
		}
		from = to
	}
}

func isText(b *llm.Block) bool { return b.Kind == llm.KindText || b.Kind == llm.KindRefusal }

// otherItem writes an item only this dialect knows; another dialect's says
// what it has to say in plain text.
func (e *requestEncoder) otherItem(b *llm.Block) {
	if b.Extra.From == llm.Responses {
		e.raw(b.Raw)
	} else if text := e.OtherText(b); text != "" {
		e.messageItem(llm.RoleAssistant, []llm.Block{{Text: text}}, nil)
	}
}

// messageItem writes a message, if it says anything. from holds the members
// the item came with, if it was one.
func (e *requestEncoder) messageItem(role llm.Role, blocks []llm.Block, from *llm.Extra) {
	if !says(blocks) {
		return
	}
	if role == llm.RoleDeveloper && e.Policy().NoDeveloper {
		role = llm.RoleSystem
	}
	begun := len(e.Buf)
	e.Buf = append(wire.Comma(e.Buf), `{"type":"message"`...)
	e.Buf = wire.Str(e.Buf, "role", string(role))
	if from != nil && from.From == llm.Responses {
		for _, f := range from.Fields {
			if f.Key != roleField {
				e.Buf = wire.RawMember(e.Buf, f.Key, f.Value)
			}
		}
	}
	e.Buf = append(wire.Key(e.Buf, "content"), '[')
	for i := range blocks {
		e.part(role, &blocks[i])
	}
	if e.Buf[len(e.Buf)-1] == '[' { // nothing in it can be said here
		e.Buf = e.Buf[:begun]
		return
	}
	e.Buf = append(e.Buf, ']', '}')
}

// says reports whether any of blocks would be written.
func says(blocks []llm.Block) bool {
	for i := range blocks {
		if b := &blocks[i]; b.Kind != llm.KindText || b.Text != "" && !dialect.IsAttribution(b) {
			return true
		}
	}
	return false
}

// call writes a call the model made.
func (e *requestEncoder) call(c *llm.ToolCall) {
	id := dialect.ProviderID(c.ID)
	if e.own {
		id = c.ID
	}
	kind, prefix := `{"type":"function_call"`, "fc_"
	if c.Custom {
		kind, prefix = `{"type":"custom_tool_call"`, "ctc_"
		if e.customs == nil {
			e.customs = map[string]bool{}
		}
		e.customs[c.ID] = true
	}
	e.Buf = append(wire.Comma(e.Buf), kind...)
	if e.own || len(c.ItemID) > len(prefix) && c.ItemID[:len(prefix)] == prefix {
		e.Buf = wire.StrIf(e.Buf, "id", c.ItemID)
	}
	e.Buf = wire.Str(e.Buf, "call_id", id)
	name := c.Name
	if !e.own && c.Namespace == "" {
		name = dialect.WireName("", name)
	}
	e.Buf = wire.Str(e.Buf, "name", name)
	e.Buf = wire.StrIf(e.Buf, "namespace", c.Namespace)
	if c.Custom {
		e.Buf = wire.Str(e.Buf, "input", c.Text)
	} else {
		e.Buf = wire.Str(e.Buf, "arguments", wire.View(dialect.CallInput(c)))
	}
	e.Buf = append(e.Buf, '}')
}

// result writes the output of a call: as a string if it is one text, else as
// parts. A failure has no field of its own here and is said in words.
func (e *requestEncoder) result(b *llm.Block) {
	res := b.Result
	id := dialect.ProviderID(res.CallID)
	if e.own {
		id = res.CallID
	}
	kind := `{"type":"function_call_output"`
	if res.Custom || e.customs[res.CallID] {
		kind = `{"type":"custom_tool_call_output"`
	}
	e.Buf = append(wire.Comma(e.Buf), kind...)
	if own := field(&b.Extra, "id"); own != nil {
		e.Buf = wire.RawMember(e.Buf, "id", own)
	}
	e.Buf = wire.Key(wire.Str(e.Buf, "call_id", id), "output")
	if text, ok := e.plainText(res); ok {
		e.Buf = wire.Quote(e.Buf, text)
	} else {
		e.Buf = append(e.Buf, '[')
		if res.IsError {
			e.textPart(llm.RoleUser, "Error:", &llm.Block{})
		}
		for i := range res.Content {
			e.part(llm.RoleUser, &res.Content[i])
		}
		e.Buf = append(e.Buf, ']')
	}
	e.Buf = append(e.Buf, '}')
}

// plainText returns a result's text, if it is text and nothing else.
func (e *requestEncoder) plainText(res *llm.ToolResult) (string, bool) {
	text := ""
	for i := range res.Content {
		b := &res.Content[i]
		part := b.Text
		switch {
		case b.Kind == llm.KindOther && b.Extra.From != llm.Responses:
			part = e.OtherText(b)
		case b.Kind != llm.KindText:
			return "", false
		}
		if i > 0 && part != "" && text != "" {
			text += "\n"
		}
		text += part
	}
	if res.IsError {
		text = "Error: " + text
	}
	return text, true
}

// thinking writes reasoning back to who made it: a reasoning item of this
// dialect. Anyone else's is left out.
func (e *requestEncoder) thinking(b *llm.Block) {
	if raw := field(&b.Extra, "item"); raw != nil {
		e.raw(raw)
		return
	}
	id, secret, ok := openItem(b.Signature)
	if !ok {
		return
	}
	e.Buf = wire.StrIf(append(wire.Comma(e.Buf), `{"type":"reasoning"`...), "id", id)
	e.Buf = append(wire.Key(e.Buf, "summary"), '[')
	if b.Text != "" {
		e.Buf = appendSummary(e.Buf, b.Text)
	}
	e.Buf = append(e.Buf, ']')
	e.Buf = append(wire.Str(e.Buf, "encrypted_content", secret), '}')
}

// appendSummary appends one part of a reasoning item's summary.
func appendSummary(dst []byte, text string) []byte {
	return append(wire.Str(append(dst, `{"type":"summary_text"`...), "text", text), '}')
}
