package responses

import (
	"strings"

	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/dialect/wire"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/tidwall/gjson"
)

// parts reads the content of a message or an output: a string or parts.
func (d *reader) parts(param string, v gjson.Result) []llm.Block {
	switch {
	case v.Type == gjson.String:
		return []llm.Block{{Text: v.Str}}
	case v.IsArray():
		var blocks []llm.Block
		v.ForEach(func(_, part gjson.Result) bool {
			blocks = append(blocks, partBlock(part))
			return true
		})
		return blocks
	case v.Type != gjson.Null:
		d.fail(param, "expected a string or an array of parts")
	}
	return nil
}

// partBlock reads one part. An unknown part is kept whole.
func partBlock(v gjson.Result) llm.Block {
	var typ, text string
	var annotations gjson.Result
	v.ForEach(func(k, v gjson.Result) bool {
		switch k.Str {
		case "type":
			typ = v.Str
		case "text", "refusal":
			text = v.Str
		case "annotations":
			annotations = v
		}
		return true
	})
	switch typ {
	case "input_text", "output_text", "text", "summary_text":
		b := llm.Block{Text: text}
		if annotations.IsArray() && len(annotations.Raw) > 2 {
			b.Citations = wire.Raw(annotations.Raw)
		}
		return b
	case "refusal":
		return llm.Block{Kind: llm.KindRefusal, Text: text}
	case "input_image":
		return llm.Block{Kind: llm.KindImage, Source: imageSource(v)}
	case "input_file":
		return llm.Block{Kind: llm.KindDocument, Source: fileSource(v)}
	}
	return llm.Block{Kind: llm.KindOther, Raw: wire.Raw(v.Raw), Extra: llm.Extra{From: llm.Responses}}
}

func imageSource(v gjson.Result) *llm.Source {
	url := v.Get("image_url")
	if url.IsObject() { // Chat's form
		url = url.Get("url")
	}
	s := dialect.SourceOfURL(url.Str)
	s.FileID, s.Detail = v.Get("file_id").Str, v.Get("detail").Str
	return s
}

func fileSource(v gjson.Result) *llm.Source {
	s := &llm.Source{URL: v.Get("file_url").Str, FileID: v.Get("file_id").Str}
	if data := v.Get("file_data").Str; data != "" {
		s = dialect.SourceOfFile(data)
	}
	s.Name = v.Get("filename").Str
	return s
}

// isPart reports whether a block of KindOther is a content part of a message
// rather than an item of its own.
func isPart(raw []byte) bool {
	typ := gjson.Get(wire.View(raw), "type").Str
	return strings.HasPrefix(typ, "input_") || strings.HasPrefix(typ, "output_")
}
