package anthropic

import (
	"github.com/aimux/aimux/caddymodule/internal/dialect/wire"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/tidwall/gjson"
)

// blocks reads content: a string, or an array of blocks.
func (d *requestDecoder) blocks(param string, v gjson.Result) []llm.Block {
	switch {
	case v.Type == gjson.String:
		return []llm.Block{{Kind: llm.KindText, Text: v.Str}}
	case v.IsArray():
		return decodeBlocks(v)
	case v.Type == gjson.Null:
		return nil
	}
	d.fail(param, "want a string or an array")
	return nil
}

func decodeBlocks(v gjson.Result) []llm.Block {
	blocks := make([]llm.Block, 0, 2)
	v.ForEach(func(_, b gjson.Result) bool {
		if b.IsObject() {
			blocks = append(blocks, decodeBlock(b))
		}
		return true
	})
	return blocks
}

// decodeBlock reads one content block. A block of a type only Anthropic knows
// stays whole.
func decodeBlock(v gjson.Result) llm.Block {
	var b llm.Block
	switch kind := v.Get("type").Str; kind {
	case "text":
		b.Kind = llm.KindText
	case "thinking", "redacted_thinking":
		b.Kind = llm.KindThinking
	case "image":
		b.Kind, b.Source = llm.KindImage, &llm.Source{}
	case "document":
		b.Kind, b.Source = llm.KindDocument, &llm.Source{}
	case "tool_use":
		b.Kind, b.Call = llm.KindToolCall, &llm.ToolCall{}
	case "tool_result":
		b.Kind, b.Result = llm.KindToolResult, &llm.ToolResult{}
	default:
		return other(v)
	}
	b.Extra.From = llm.Anthropic
	readable := true
	v.ForEach(func(k, f gjson.Result) bool {
		readable = blockField(&b, k.Str, f)
		return readable
	})
	if !readable {
		return other(v)
	}
	return b
}

func other(v gjson.Result) llm.Block {
	return llm.Block{Kind: llm.KindOther, Raw: wire.Raw(v.Raw), Extra: llm.Extra{From: llm.Anthropic}}
}

// blockField reads one member of a block. It returns false if the block can
// only be kept whole.
func blockField(b *llm.Block, key string, f gjson.Result) bool {
	switch key {
	case "type":
	case "text", "thinking":
		b.Text = f.Str
	case "signature":
		b.Signature = f.Str
	case "data":
		b.Redacted = f.Str
	case "cache_control":
		b.Cache = decodeCache(f)
	case "citations":
		if f.Type != gjson.Null {
			b.Citations = wire.Raw(f.Raw)
		}
	case "source":
		return b.Source != nil && decodeSource(b.Source, f)
	case "title":
		if b.Source == nil {
			return false
		}
		b.Source.Name = f.Str
	default:
		return toolField(b, key, f)
	}
	return true
}

// toolField reads a member of a tool_use or tool_result block, or keeps it.
func toolField(b *llm.Block, key string, f gjson.Result) bool {
	switch {
	case b.Call != nil && key == "id":
		b.Call.ID = f.Str
	case b.Call != nil && key == "name":
		b.Call.Name = f.Str
	case b.Call != nil && key == "input":
		b.Call.Input = wire.Raw(f.Raw)
	case b.Result != nil && key == "tool_use_id":
		b.Result.CallID = f.Str
	case b.Result != nil && key == "is_error":
		b.Result.IsError = f.Bool()
	case b.Result != nil && key == "content":
		if f.Type == gjson.String {
			b.Result.Content = []llm.Block{{Kind: llm.KindText, Text: f.Str}}
		} else if f.IsArray() {
			b.Result.Content = decodeBlocks(f)
		}
	default:
		b.Extra.Fields = append(b.Extra.Fields, llm.Field{Key: key, Value: wire.Raw(f.Raw)})
	}
	return true
}

// decodeSource reads where a picture's or document's bytes are. A document
// made of content blocks has no Source of ours.
func decodeSource(s *llm.Source, v gjson.Result) bool {
	switch v.Get("type").Str {
	case "base64":
		s.MediaType, s.Data = v.Get("media_type").Str, v.Get("data").Str
	case "text":
		s.MediaType, s.Data = "text/plain", v.Get("data").Str
	case "url":
		s.URL = v.Get("url").Str
	case "file":
		s.FileID = v.Get("file_id").Str
	default:
		return false
	}
	return true
}
