package anthropic

import (
	"strings"

	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/dialect/wire"
	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// content appends an array of blocks.
func (e *requestEncoder) content(blocks []llm.Block) {
	e.Buf = append(e.Buf, '[')
	for i := range blocks {
		e.block(&blocks[i])
	}
	if e.Buf[len(e.Buf)-1] == '[' {
		e.text(&llm.Block{Text: "(empty)"})
	}
	e.Buf = append(e.Buf, ']')
}

func (e *requestEncoder) block(b *llm.Block) {
	switch b.Kind {
	case llm.KindText, llm.KindRefusal:
		e.text(b)
	case llm.KindThinking:
		e.Buf = appendThinking(wire.Comma(e.Buf), b)
	case llm.KindImage:
		e.image(b)
	case llm.KindDocument:
		e.document(b)
	case llm.KindToolCall:
		e.call(b)
	case llm.KindToolResult:
		e.result(b)
	case llm.KindOther:
		e.other(b)
	}
}

func (e *requestEncoder) text(b *llm.Block) {
	if b.Text == "" {
		return
	}
	e.Buf = wire.Str(append(wire.Comma(e.Buf), `{"type":"text"`...), "text", b.Text)
	if b.Extra.From == llm.Anthropic && len(b.Citations) > 0 {
		e.Buf = wire.RawMember(e.Buf, "citations", b.Citations)
	}
	e.endBlock(b)
}

// endBlock appends the cache mark, what of a Messages block was not
// understood, and the closing brace.
func (e *requestEncoder) endBlock(b *llm.Block) {
	e.Buf = appendCache(e.Buf, b.Cache)
	if b.Extra.From == llm.Anthropic {
		for _, f := range b.Extra.Fields {
			e.Buf = wire.RawMember(e.Buf, f.Key, f.Value)
		}
	}
	e.Buf = append(e.Buf, '}')
}

func appendCache(dst []byte, c *llm.Cache) []byte {
	if c == nil {
		return dst
	}
	dst = append(wire.Key(dst, "cache_control"), `{"type":"ephemeral"`...)
	return append(wire.StrIf(dst, "ttl", c.TTL), '}')
}

func appendThinking(dst []byte, b *llm.Block) []byte {
	if b.Redacted != "" {
		return append(wire.Str(append(dst, `{"type":"redacted_thinking"`...), "data", b.Redacted), '}')
	}
	dst = wire.Str(append(dst, `{"type":"thinking"`...), "thinking", b.Text)
	return append(wire.Str(dst, "signature", b.Signature), '}')
}

func (e *requestEncoder) image(b *llm.Block) {
	p := e.Policy()
	if p.NoImages {
		e.text(&llm.Block{Text: dialect.NoPicture})
		return
	}
	if b.Source.URL != "" && p.NoImageURLs {
		e.refuse(dialect.Invalid("messages", "the model's provider does not fetch pictures by URL; send the bytes"))
		return
	}
	e.Buf = append(wire.Comma(e.Buf), `{"type":"image"`...)
	e.source(b.Source)
	e.endBlock(b)
}

func (e *requestEncoder) document(b *llm.Block) {
	if e.Policy().NoDocuments {
		if dialect.IsText(b.Source) {
			e.text(&llm.Block{Text: dialect.DocumentText(b.Source), Cache: b.Cache})
			return
		}
		if e.last {
			e.refuse(dialect.Invalid("messages", "the model's provider does not take documents"))
		}
		e.text(&llm.Block{Text: dialect.NoDocument(b.Source)})
		return
	}
	e.Buf = append(wire.Comma(e.Buf), `{"type":"document"`...)
	e.source(b.Source)
	e.Buf = wire.StrIf(e.Buf, "title", b.Source.Name)
	if b.Extra.From == llm.Anthropic && len(b.Citations) > 0 {
		e.Buf = wire.RawMember(e.Buf, "citations", b.Citations)
	}
	e.endBlock(b)
}

func (e *requestEncoder) source(s *llm.Source) {
	if dialect.IsDataURL(s) {
		e.refuse(dialect.Invalid("messages", "a picture or file in a data: URL has to be in base64"))
	}
	e.Buf = append(wire.Key(e.Buf, "source"), '{')
	switch {
	case s.URL != "":
		e.Buf = wire.Str(wire.Str(e.Buf, "type", "url"), "url", s.URL)
	case s.FileID != "":
		e.Buf = wire.Str(wire.Str(e.Buf, "type", "file"), "file_id", s.FileID)
	case dialect.IsText(s):
		e.Buf = wire.Str(wire.Str(wire.Str(e.Buf, "type", "text"), "media_type", s.MediaType), "data", s.Data)
	default:
		e.Buf = wire.Str(wire.Str(wire.Str(e.Buf, "type", "base64"), "media_type", s.MediaType), "data", s.Data)
	}
	e.Buf = append(e.Buf, '}')
}

func (e *requestEncoder) call(b *llm.Block) {
	e.Buf = appendCall(wire.Comma(e.Buf), b.Call)
	e.endBlock(b)
}

// appendCall appends a tool_use block but for its closing brace.
func appendCall(dst []byte, c *llm.ToolCall) []byte {
	dst = wire.Str(append(dst, `{"type":"tool_use"`...), "id", dialect.WireID(c.ID))
	dst = wire.Str(dst, "name", dialect.WireName(c.Namespace, c.Name))
	return wire.RawMember(dst, "input", inputObject(dialect.CallInput(c)))
}

func (e *requestEncoder) result(b *llm.Block) {
	t := b.Result
	e.Buf = wire.Str(append(wire.Comma(e.Buf), `{"type":"tool_result"`...), "tool_use_id", dialect.WireID(t.CallID))
	switch {
	case len(t.Content) == 1 && t.Content[0].Kind == llm.KindText && t.Content[0].Cache == nil:
		e.Buf = wire.Str(e.Buf, "content", t.Content[0].Text)
	case len(t.Content) > 0:
		e.Buf = wire.Key(e.Buf, "content")
		e.content(t.Content)
	}
	if t.IsError {
		e.Buf = wire.Bool(e.Buf, "is_error", true)
	}
	e.endBlock(b)
}

// other writes back a block only Messages knows, to Anthropic itself or with
// its text to others; tool references are understood by both.
func (e *requestEncoder) other(b *llm.Block) {
	isReference := strings.Contains(wire.View(b.Raw), `"tool_reference"`)
	if b.Extra.From == llm.Anthropic && (e.Policy().Genuine || isReference) {
		e.Buf = append(wire.Comma(e.Buf), b.Raw...)
		return
	}
	e.text(&llm.Block{Text: e.OtherText(b)})
}

func (e *requestEncoder) refuse(err *llm.Error) {
	if e.err == nil {
		e.err = err
	}
}
