package responses

import (
	"encoding/json"
	"strings"

	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/dialect/wire"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/tidwall/gjson"
)

// cite says how a text's citations reach the client: as annotations, if they
// are this dialect's already or all name a web page, else as words after the
// text.
func cite(b *llm.Block, text string) (annotations json.RawMessage, suffix string) {
	if len(b.Citations) == 0 {
		return nil, ""
	}
	if b.Extra.From == llm.Responses {
		return wire.Compact(b.Citations), ""
	}
	dst := []byte{'['}
	allPages := true
	gjson.ParseBytes(b.Citations).ForEach(func(_, c gjson.Result) bool {
		url := pageOf(c)
		if url == "" {
			allPages = false
			return false
		}
		dst = appendPage(dst, url, c.Get("title").Str, text)
		return true
	})
	if !allPages {
		return nil, dialect.CitationText(b.Citations)
	}
	return append(dst, ']'), ""
}

// pageOf is the web page a citation of another dialect names, or "".
func pageOf(c gjson.Result) string {
	for _, key := range [...]string{"url", "url_citation.url", "source"} {
		if url := c.Get(key).Str; strings.HasPrefix(url, "http://") || strings.HasPrefix(url, "https://") {
			return url
		}
	}
	return ""
}

// appendPage appends the citation of a page by all of text. Indices count
// characters.
func appendPage(dst []byte, url, title, text string) []byte {
	dst = append(wire.Comma(dst), `{"type":"url_citation","start_index":0`...)
	dst = wire.Int(dst, "end_index", len([]rune(text)))
	dst = wire.Str(dst, "title", title)
	return append(wire.Str(dst, "url", url), '}')
}
