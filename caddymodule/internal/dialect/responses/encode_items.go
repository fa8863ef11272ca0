package responses

import (
	"encoding/base64"

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
	} else if text := dialect.OtherText(b); text != "" {
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

// part writes one block as part of a message or an output.
func (e *requestEncoder) part(role llm.Role, b *llm.Block) {
	switch b.Kind {
	case llm.KindText:
		if b.Text != "" {
			e.textPart(role, b.Text, b)
		}
	case llm.KindRefusal:
		e.Buf = wire.Str(append(wire.Comma(e.Buf), `{"type":"refusal"`...), "refusal", b.Text)
		e.Buf = append(e.Buf, '}')
	case llm.KindImage:
		e.image(role, b.Source)
	case llm.KindDocument:
		e.document(role, b.Source)
	case llm.KindOther:
		if b.Extra.From == llm.Responses {
			e.raw(b.Raw)
		} else if text := dialect.OtherText(b); text != "" {
			e.textPart(role, text, b)
		}
	}
}

func (e *requestEncoder) textPart(role llm.Role, text string, b *llm.Block) {
	kind := `{"type":"input_text"`
	if role == llm.RoleAssistant {
		kind = `{"type":"output_text"`
	}
	e.Buf = wire.Str(append(wire.Comma(e.Buf), kind...), "text", text)
	if len(b.Citations) > 0 && e.own {
		e.Buf = wire.RawMember(e.Buf, "annotations", b.Citations)
	}
	e.Buf = append(e.Buf, '}')
}

// image writes a picture, or says in words that there was one.
func (e *requestEncoder) image(role llm.Role, s *llm.Source) {
	p := e.Policy()
	if p.NoImages {
		e.Drop("image")
		e.textPart(role, "[a picture was here; the model cannot see pictures]", &llm.Block{})
		return
	}
	if s.URL != "" && p.NoImageURLs {
		e.refuse("input", "the model's provider takes no pictures by URL")
		return
	}
	e.Buf = append(wire.Comma(e.Buf), `{"type":"input_image"`...)
	if s.FileID != "" {
		e.Buf = wire.Str(e.Buf, "file_id", s.FileID)
	} else {
		e.Buf = wire.Str(e.Buf, "image_url", dialect.SourceURL(s))
	}
	e.Buf = wire.StrIf(e.Buf, "detail", s.Detail)
	e.Buf = append(e.Buf, '}')
}

// document writes a file. Plain text goes as text, which every model takes.
func (e *requestEncoder) document(role llm.Role, s *llm.Source) {
	if dialect.IsText(s) && (!e.own || e.Policy().NoDocuments) {
		e.textPart(role, dialect.DocumentText(s), &llm.Block{})
		return
	}
	if e.Policy().NoDocuments {
		e.refuse("input", "the model's provider takes no documents")
		return
	}
	e.Buf = append(wire.Comma(e.Buf), `{"type":"input_file"`...)
	switch {
	case s.FileID != "":
		e.Buf = wire.Str(e.Buf, "file_id", s.FileID)
	case s.URL != "":
		e.Buf = wire.Str(e.Buf, "file_url", s.URL)
	case dialect.IsText(s):
		e.fileData(s, base64.StdEncoding.EncodeToString([]byte(s.Data)), "document.txt")
	default:
		e.fileData(s, s.Data, "document.pdf")
	}
	e.Buf = append(e.Buf, '}')
}

// fileData writes a file's bytes with a name, without which OpenAI refuses them.
func (e *requestEncoder) fileData(s *llm.Source, data, name string) {
	if s.Name != "" {
		name = s.Name
	}
	e.Buf = wire.Str(e.Buf, "filename", name)
	e.Buf = append(wire.Key(e.Buf, "file_data"), `"data:`...)
	e.Buf = wire.AppendEscaped(e.Buf, s.MediaType)
	e.Buf = append(append(append(e.Buf, ";base64,"...), data...), '"')
}

func (e *requestEncoder) refuse(param, message string) {
	if e.fault == nil {
		e.fault = badField(param, "%s", message)
		e.fault.Code = "unsupported_content"
	}
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
	if text, ok := plainText(res); ok {
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
func plainText(res *llm.ToolResult) (string, bool) {
	text := ""
	for i := range res.Content {
		b := &res.Content[i]
		part := b.Text
		switch {
		case b.Kind == llm.KindOther && b.Extra.From != llm.Responses:
			part = dialect.OtherText(b)
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
