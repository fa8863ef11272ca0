package anthropic

import (
	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/dialect/wire"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/tidwall/gjson"
)

// blocks reads content: a string, or an array of blocks.
func (d *requestDecoder) blocks(param string, c *wire.Cursor) []llm.Block {
	switch c.Kind() {
	case '"', '[', 'n':
		return contentOf(c)
	}
	d.fail(param, "want a string or an array")
	return nil
}

// contentOf reads content of the kinds that blocks allows, and nothing else.
func contentOf(c *wire.Cursor) []llm.Block {
	switch c.Kind() {
	case '"':
		return []llm.Block{{Kind: llm.KindText, Text: c.Str()}}
	case '[':
		return readBlocks(c)
	}
	c.Skip()
	return nil
}

func decodeBlocks(v gjson.Result) []llm.Block { return readBlocks(wire.NewCursor(v.Raw)) }

func decodeBlock(v gjson.Result) llm.Block { return readBlock(wire.NewCursor(v.Raw)) }

func readBlocks(c *wire.Cursor) []llm.Block {
	var few [4]llm.Block // most messages hold no more; what is returned has no slack
	blocks := few[:0]
	for range c.Elements() {
		if c.Kind() == '{' {
			blocks = append(blocks, readBlock(c))
		}
	}
	return append(make([]llm.Block, 0, len(blocks)), blocks...)
}

// readBlock reads one content block in one pass: the type, which says what the
// members mean, may come last.
func readBlock(c *wire.Cursor) llm.Block {
	var p blockParts
	at := c.Pos()
	for key := range c.Members() {
		p.member(key, c)
	}
	return p.assemble(c.Since(at))
}

// blockParts are the members of a block of any type.
type blockParts struct {
	kind     string
	thinking string
	block    llm.Block
	source   llm.Source
	known    bool // source is of a type that llm.Source can hold
	call     llm.ToolCall
	result   llm.ToolResult
}

func (p *blockParts) member(key string, c *wire.Cursor) {
	b := &p.block
	switch key {
	case "type":
		p.kind = c.Str()
	case "text":
		b.Text = c.Str()
	case "thinking":
		p.thinking = c.Str()
	case "signature":
		b.Signature = c.Str()
	case "data":
		b.Redacted = c.Str()
	case "cache_control":
		b.Cache = decodeCache(c.Result())
	case "citations":
		if c.Kind() != 'n' {
			b.Citations = wire.Raw(c.Raw())
		}
	case "source":
		p.readSource(c)
	case "title":
		p.source.Name = c.Str()
	default:
		p.toolMember(key, c)
	}
}

// toolMember reads a member of a tool_use or tool_result block, or keeps it.
func (p *blockParts) toolMember(key string, c *wire.Cursor) {
	switch key {
	case "id":
		p.call.ID = c.Str()
	case "name":
		p.call.Name = c.Str()
	case "input":
		p.call.Input = wire.Raw(c.Raw())
	case "tool_use_id":
		p.result.CallID = c.Str()
	case "is_error":
		p.result.IsError = c.Kind() == 't'
	case "content":
		p.result.Content = contentOf(c)
	default:
		p.block.Extra.Fields = append(p.block.Extra.Fields, llm.Field{Key: wire.KeyText(key), Value: wire.Raw(c.Raw())})
	}
}

// readSource reads where a picture's or document's bytes are. A document made
// of content blocks has no Source of ours.
func (p *blockParts) readSource(c *wire.Cursor) {
	kind, s := "", &p.source
	for key := range c.Members() {
		switch key {
		case "type":
			kind = c.Str()
		case "media_type":
			s.MediaType = c.Str()
		case "data":
			s.Data = c.Str()
		case "url":
			s.URL = c.Str()
		case "file_id":
			s.FileID = c.Str()
		}
	}
	switch kind {
	case "text":
		s.MediaType = "text/plain"
		p.known = true
	case "base64":
		dialect.PlainText(s)
		p.known = true
	case "url", "file":
		p.known = true
	}
}

// assemble makes the block of its parts. A block of a type only Anthropic
// knows stays whole, as raw.
func (p *blockParts) assemble(raw string) llm.Block {
	b := p.block
	b.Extra.From = llm.Anthropic
	switch {
	case p.kind == "text":
		b.Kind = llm.KindText
	case p.kind == "thinking":
		b.Kind, b.Text = llm.KindThinking, p.thinking
	case p.kind == "redacted_thinking":
		b.Kind = llm.KindThinking
	case p.kind == "image" && p.known, p.kind == "document" && p.known:
		b.Kind = llm.KindImage
		if p.kind == "document" {
			b.Kind = llm.KindDocument
		}
		source := p.source
		b.Source = &source
	case p.kind == "tool_use":
		call := p.call
		b.Kind, b.Call = llm.KindToolCall, &call
	case p.kind == "tool_result":
		result := p.result
		b.Kind, b.Result = llm.KindToolResult, &result
	default:
		return llm.Block{Kind: llm.KindOther, Raw: wire.Raw(raw), Extra: llm.Extra{From: llm.Anthropic}}
	}
	return b
}
