package openai

import (
	"strings"

	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/dialect/wire"
	"github.com/aimux/aimux/caddymodule/internal/llm"
)

func (e *requestEncoder) messages(turns []llm.Message) {
	if !e.Open("messages") {
		return
	}
	e.Buf = append(e.Buf, '[')
	if s := e.systemText(); s != "" {
		e.open("system", "")
		e.Buf = append(wire.Str(e.Buf, "content", s), '}')
	}
	for i := range turns {
		e.last = i == len(turns)-1
		switch m := &turns[i]; m.Role {
		case llm.RoleAssistant:
			e.assistant(m)
		case llm.RoleSystem:
			e.plain("system", m, m.Blocks)
		default:
			e.user(m)
		}
	}
	e.Buf = append(e.Buf, ']')
}

// systemText is the system prompt, with a schema the upstream has no field for.
func (e *requestEncoder) systemText() string {
	s := dialect.SystemText(e.r.System)
	if f := e.r.Format; f != nil && f.Kind == "json_schema" && e.Policy().NoSchema {
		s = strings.TrimPrefix(s+"\n\n"+dialect.SchemaPrompt(f), "\n\n")
	}
	return s
}

// open begins a message object.
func (e *requestEncoder) open(role, name string) {
	e.Buf = wire.Str(append(wire.Comma(e.Buf), '{'), "role", role)
	e.Buf = wire.StrIf(e.Buf, "name", name)
}

// user writes a user turn: a tool message for each result, then what the
// results show, then the rest.
func (e *requestEncoder) user(m *llm.Message) {
	var shown, rest []llm.Block
	for i := range m.Blocks {
		b := &m.Blocks[i]
		if b.Kind == llm.KindToolResult {
			shown = append(shown, e.result(b.Result)...)
		} else {
			rest = append(rest, *b)
		}
	}
	if rest = append(shown, rest...); len(rest) > 0 {
		e.plain("user", m, rest)
	}
}

// result writes a tool message. Those take only text: pictures and documents
// are returned, to follow in a user message.
func (e *requestEncoder) result(t *llm.ToolResult) []llm.Block {
	var texts []string
	var shown []llm.Block
	for i := range t.Content {
		b := &t.Content[i]
		switch b.Kind {
		case llm.KindImage, llm.KindDocument:
			if s, ok := e.inWords(b); ok {
				texts = append(texts, s)
				continue
			}
			texts = append(texts, attached[b.Kind])
			shown = append(shown, *b)
		default:
			if s := e.words(b); s != "" {
				texts = append(texts, s)
			}
		}
	}
	text := strings.Join(texts, "\n")
	if t.IsError {
		text = "Error: " + text
	}
	e.open("tool", "")
	e.Buf = wire.Str(e.Buf, "tool_call_id", dialect.ProviderID(t.CallID))
	e.Buf = append(wire.Str(e.Buf, "content", text), '}')
	return shown
}

var attached = map[llm.BlockKind]string{
	llm.KindImage: "[image attached below]", llm.KindDocument: "[document attached below]",
}

// words is what a block says in text.
func (e *requestEncoder) words(b *llm.Block) string {
	switch b.Kind {
	case llm.KindText, llm.KindRefusal:
		return b.Text + dialect.CitationText(citationsOf(b))
	case llm.KindOther:
		if e.ownPart(b) {
			return dialect.OtherText(b)
		}
		return e.OtherText(b)
	}
	return ""
}

func citationsOf(b *llm.Block) []byte {
	if len(b.Citations) > 0 && b.Citations[0] == '[' {
		return b.Citations
	}
	return nil
}

// inWords is the text in place of a picture or document that the target does
// not take as such. ok is false if it does.
func (e *requestEncoder) inWords(b *llm.Block) (text string, ok bool) {
	p, s := e.Policy(), b.Source
	switch {
	case b.Kind == llm.KindImage && p.NoImages:
		return dialect.NoPicture, true
	case b.Kind == llm.KindDocument && dialect.IsText(s):
		return dialect.DocumentText(s), true
	case b.Kind == llm.KindDocument && (p.NoDocuments || s.URL != ""):
		if e.last {
			e.refuse(dialect.Invalid("messages", "the model's provider does not take this document"))
		}
		return dialect.NoDocument(s), true
	case b.Kind == llm.KindImage && s.FileID != "":
		e.refuse(dialect.Invalid("messages", "pictures by file id can only be sent to the provider that holds the file"))
	case b.Kind == llm.KindImage && s.URL != "" && p.NoImageURLs:
		e.refuse(dialect.Invalid("messages", "the model's provider does not fetch pictures by URL; send the bytes"))
	}
	return "", false
}

// plain writes a message of text and media: one string if it is all text,
// since several upstreams refuse parts.
func (e *requestEncoder) plain(role string, m *llm.Message, blocks []llm.Block) {
	parts := make([]llm.Block, 0, len(blocks))
	textOnly := true
	for i := range blocks {
		b := blocks[i]
		if b.Kind == llm.KindImage || b.Kind == llm.KindDocument {
			if s, ok := e.inWords(&b); ok {
				b = llm.Block{Kind: llm.KindText, Text: s}
			}
		}
		if s := e.words(&b); s != "" {
			b = llm.Block{Kind: llm.KindText, Text: s}
		} else if b.Kind != llm.KindImage && b.Kind != llm.KindDocument && !e.ownPart(&b) {
			continue
		}
		textOnly = textOnly && b.Kind == llm.KindText
		parts = append(parts, b)
	}
	if len(parts) == 0 {
		return
	}
	e.open(role, m.Name)
	if textOnly {
		e.Buf = append(wire.Quote(wire.Key(e.Buf, "content"), joinTexts(parts)), '}')
		return
	}
	e.Buf = append(wire.Key(e.Buf, "content"), '[')
	for i := range parts {
		e.part(&parts[i])
	}
	e.Buf = append(e.Buf, ']', '}')
}

// ownPart reports whether b is a part only Chat knows (audio).
func (e *requestEncoder) ownPart(b *llm.Block) bool {
	return b.Kind == llm.KindOther && b.Extra.From == llm.OpenAI
}

func joinTexts(parts []llm.Block) string {
	if len(parts) == 1 {
		return parts[0].Text
	}
	texts := make([]string, len(parts))
	for i := range parts {
		texts[i] = parts[i].Text
	}
	return strings.Join(texts, "\n\n")
}

func (e *requestEncoder) part(b *llm.Block) {
	e.Buf = wire.Comma(e.Buf)
	switch b.Kind {
	case llm.KindImage:
		e.Buf = wire.Str(append(e.Buf, `{"type":"image_url","image_url":{`...), "url", dialect.SourceURL(b.Source))
		e.Buf = append(wire.StrIf(e.Buf, "detail", b.Source.Detail), '}', '}')
	case llm.KindDocument:
		e.file(b.Source)
	case llm.KindOther:
		e.Buf = append(e.Buf, b.Raw...)
	default:
		e.Buf = append(wire.Str(append(e.Buf, `{"type":"text"`...), "text", b.Text), '}')
	}
}

func (e *requestEncoder) file(s *llm.Source) {
	e.Buf = append(e.Buf, `{"type":"file","file":{`...)
	if s.FileID != "" {
		e.Buf = wire.Str(e.Buf, "file_id", s.FileID)
	} else {
		name := s.Name
		if name == "" {
			name = "document.pdf"
		}
		e.Buf = wire.Str(wire.Str(e.Buf, "filename", name), "file_data", dialect.SourceURL(s))
	}
	e.Buf = append(e.Buf, '}', '}')
}
