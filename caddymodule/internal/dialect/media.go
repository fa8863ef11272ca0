package dialect

import (
	"strings"

	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// SourceOfURL reads a URL as OpenAI gives pictures and files: a data: URL with
// base64 becomes bytes, any other stays a URL.
func SourceOfURL(url string) *llm.Source {
	rest, ok := strings.CutPrefix(url, "data:")
	if !ok {
		return &llm.Source{URL: url}
	}
	head, data, ok := strings.Cut(rest, ",")
	media, isBase64 := strings.CutSuffix(head, ";base64")
	if !ok || !isBase64 {
		return &llm.Source{URL: url}
	}
	media, _, _ = strings.Cut(media, ";")
	return &llm.Source{MediaType: strings.ToLower(media), Data: data}
}

// SourceURL is the reverse: the URL, or a data: URL of the bytes.
func SourceURL(s *llm.Source) string {
	if s.URL != "" {
		return s.URL
	}
	return "data:" + s.MediaType + ";base64," + s.Data
}

// IsText reports whether a document is plain text, kept in Data as it is.
func IsText(s *llm.Source) bool { return s.MediaType == "text/plain" && s.Data != "" }

// DocumentText is a plain text document as it stands in a prompt.
func DocumentText(s *llm.Source) string {
	if s.Name == "" {
		return s.Data
	}
	return s.Name + ":\n" + s.Data
}

// NoPicture stands for a picture that the target cannot see.
const NoPicture = "[a picture was here; this model cannot see pictures]"

// NoDocument stands for a document that the target cannot read.
func NoDocument(s *llm.Source) string {
	if s.Name == "" {
		return "[a document was here; this model cannot read documents]"
	}
	return "[the document " + s.Name + " was here; this model cannot read documents]"
}
