package dialect

import (
	"strings"

	"github.com/aimux/aimux/caddymodule/internal/dialect/wire"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/tidwall/gjson"
)

// attribution begins the first system block of Claude Code: a line for
// Anthropic's bookkeeping that varies and spoils other providers' caches.
const attribution = "x-anthropic-billing-header"

// IsAttribution reports whether b is Claude Code's attribution block.
func IsAttribution(b *llm.Block) bool {
	return b.Kind == llm.KindText && strings.HasPrefix(b.Text, attribution)
}

// SystemText joins the system blocks with blank lines, the attribution block
// left out.
func SystemText(blocks []llm.Block) string {
	parts := make([]string, 0, len(blocks))
	for i := range blocks {
		if b := &blocks[i]; b.Kind == llm.KindText && b.Text != "" && !IsAttribution(b) {
			parts = append(parts, b.Text)
		}
	}
	return strings.Join(parts, "\n\n")
}

// Reminder wraps a system turn as user text, for targets that take system
// text only at the beginning.
func Reminder(text string) string {
	return "<system-reminder>\n" + text + "\n</system-reminder>"
}

// SchemaPrompt asks in words for output that fits a schema, for targets that
// cannot be asked otherwise.
func SchemaPrompt(f *llm.Format) string {
	if len(f.Schema) == 0 {
		return "Answer with one JSON object and nothing else."
	}
	return "Answer with one JSON object and nothing else. It must be valid against this JSON Schema:\n" + string(wire.Compact(f.Schema))
}

// OtherText is what a block only one dialect knows says in plain text, or ""
// if it says nothing a model could use. Raw is JSON.
func OtherText(b *llm.Block) string {
	v := gjson.Parse(wire.View(b.Raw))
	switch v.Get("type").Str {
	case "tool_reference":
		return "Tool " + v.Get("tool_name").Str + " is loaded and can be called now."
	case "search_result":
		return sourceLine(v.Get("title").Str, v.Get("source").Str) + textsOf(v.Get("content"))
	case "web_search_tool_result":
		var sb strings.Builder
		v.Get("content").ForEach(func(_, hit gjson.Result) bool {
			sb.WriteString(sourceLine(hit.Get("title").Str, hit.Get("url").Str))
			return true
		})
		return strings.TrimSuffix(sb.String(), "\n")
	case "document":
		return strings.TrimPrefix(v.Get("title").Str+"\n", "\n") + textsOf(v.Get("source.content"))
	case "server_tool_use", "mcp_tool_use", "container_upload", "":
		return ""
	}
	return textsOf(v.Get("content")) + v.Get("content.stdout").Str + outputText(v)
}

// outputText is what an item of Responses says that is the output of a call, or
// holds it: one string, or the parts or outputs of several commands.
func outputText(item gjson.Result) string {
	output := item.Get("output")
	text := textsOf(output)
	if output.IsArray() && text == "" {
		var parts []string
		output.ForEach(func(_, part gjson.Result) bool {
			if s := part.Get("stdout").Str + part.Get("stderr").Str; s != "" {
				parts = append(parts, s)
			}
			return true
		})
		text = strings.Join(parts, "\n")
	}
	if text != "" && strings.HasSuffix(item.Get("type").Str, "_output") {
		return "Result of an earlier tool call:\n" + text
	}
	return text
}

// OtherText is the text that stands for a block only one dialect knows, as the
// function of this name gives it. A block that says nothing is noted as dropped,
// by where the client put it and its type.
func (f *Fields) OtherText(b *llm.Block) string {
	text := OtherText(b)
	if text == "" {
		list := "messages."
		if b.Extra.From == llm.Responses {
			list = "input."
		}
		f.Drop(list + gjson.Get(wire.View(b.Raw), "type").Str)
	}
	return text
}

func sourceLine(title, url string) string {
	if title == "" {
		return url + "\n"
	}
	return title + " (" + url + ")\n"
}

// textsOf joins the texts of a content array, or is the string content is.
func textsOf(content gjson.Result) string {
	if content.Type == gjson.String {
		return content.Str
	}
	var parts []string
	content.ForEach(func(_, part gjson.Result) bool {
		if s := part.Get("text").Str; s != "" {
			parts = append(parts, s)
		}
		return true
	})
	return strings.Join(parts, "\n")
}

// CitationText is what the citations of a text block say in plain text, to
// stand after it; "" if there are none.
func CitationText(raw []byte) string {
	var sb strings.Builder
	seen := map[string]bool{}
	gjson.Parse(wire.View(raw)).ForEach(func(_, c gjson.Result) bool {
		s := citation(c)
		if s != "" && !seen[s] {
			seen[s] = true
			sb.WriteString(" [" + s + "]")
		}
		return true
	})
	return sb.String()
}

func citation(c gjson.Result) string {
	title := firstString(c, "document_title", "title")
	switch c.Get("type").Str {
	case "web_search_result_location":
		return strings.TrimSpace(title + " " + c.Get("url").Str)
	case "search_result_location":
		return strings.TrimSpace(title + " " + c.Get("source").Str)
	case "page_location":
		return strings.TrimSpace(title + " p. " + c.Get("start_page_number").String())
	}
	return title
}
