package openai

import (
	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/dialect/wire"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/tidwall/gjson"
)

// readParts reads content: a string, parts, or null.
func readParts(c *wire.Cursor) []llm.Block {
	switch c.Kind() {
	case '"':
		return []llm.Block{{Kind: llm.KindText, Text: c.Str()}}
	case '[':
		var blocks []llm.Block
		for range c.Elements() {
			if c.Kind() == '{' {
				blocks = append(blocks, readPart(c))
			}
		}
		return blocks
	}
	c.Skip()
	return nil
}

func readPart(c *wire.Cursor) llm.Block {
	kind, text := "", ""
	at := c.Pos()
	for key := range c.Members() {
		switch key {
		case "type":
			kind = c.Str()
		case "text":
			text = c.Str()
		}
	}
	if kind == "text" {
		return llm.Block{Kind: llm.KindText, Text: text}
	}
	return decodePart(kind, gjson.Parse(c.Since(at)))
}

// decodePart reads a part that is not text.
func decodePart(kind string, v gjson.Result) llm.Block {
	switch kind {
	case "refusal":
		return llm.Block{Kind: llm.KindRefusal, Text: v.Get("refusal").Str}
	case "image_url":
		url := v.Get("image_url")
		if url.IsObject() { // some clients give the address alone
			url = url.Get("url")
		}
		s := dialect.SourceOfURL(url.Str)
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
		s = dialect.SourceOfFile(data)
	}
	s.FileID, s.Name = v.Get("file_id").Str, v.Get("filename").Str
	return s
}
