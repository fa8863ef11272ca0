package dialect

import (
	"encoding/base64"
	"net/url"
	"strings"

	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// SourceOfURL reads a URL as OpenAI gives pictures and files: a data: URL with
// base64 becomes bytes, any other stays a URL.
func SourceOfURL(address string) *llm.Source {
	rest, ok := strings.CutPrefix(address, dataHead)
	if !ok {
		return &llm.Source{URL: address}
	}
	head, data, ok := strings.Cut(rest, ",")
	media, isBase64 := strings.CutSuffix(head, ";base64")
	if !ok || !isBase64 {
		return &llm.Source{URL: address}
	}
	media, _, _ = strings.Cut(media, ";")
	return &llm.Source{MediaType: strings.ToLower(media), Data: data}
}

// dataHead begins a URL that holds what it stands for.
const dataHead = "data:"

// IsDataURL reports whether s is a data: URL that SourceOfURL could not read.
// No provider can fetch one.
func IsDataURL(s *llm.Source) bool { return strings.HasPrefix(s.URL, dataHead) }

// SourceOfFile reads a file as OpenAI's clients give it: a data: URL, or base64
// alone, which is a PDF. Text of any kind becomes plain text, see PlainText.
func SourceOfFile(data string) *llm.Source {
	if !strings.HasPrefix(data, dataHead) {
		return &llm.Source{MediaType: "application/pdf", Data: data}
	}
	s := SourceOfURL(data)
	if s.URL == "" {
		PlainText(s)
		return s
	}
	head, rest, _ := strings.Cut(data[len(dataHead):], ",")
	if text, err := url.PathUnescape(rest); err == nil && isTextType(head) {
		return &llm.Source{MediaType: plainText, Data: strings.ToValidUTF8(text, "\uFFFD")}
	}
	return s
}

const plainText = "text/plain"

func isTextType(media string) bool {
	return strings.HasPrefix(strings.ToLower(media), "text/")
}

// PlainText decodes a source of base64 that is text (plain, Markdown, CSV …)
// into plain text, kept as IsText wants it. What is not base64 is taken for the
// text itself. Other sources stay as they are.
func PlainText(s *llm.Source) {
	if s.Data == "" || !isTextType(s.MediaType) {
		return
	}
	s.MediaType = plainText
	encoding := base64.RawStdEncoding
	if strings.ContainsAny(s.Data, "-_") {
		encoding = base64.RawURLEncoding
	}
	if text, err := encoding.DecodeString(strings.TrimRight(s.Data, "=\r\n")); err == nil {
		s.Data = strings.ToValidUTF8(string(text), "\uFFFD")
	}
}

// SourceURL is the reverse of SourceOfURL: the URL, or a data: URL of the bytes.
func SourceURL(s *llm.Source) string {
	if s.URL != "" {
		return s.URL
	}
	return dataHead + s.MediaType + ";base64," + s.Data
}

// IsText reports whether a document is plain text, kept in Data as it is.
func IsText(s *llm.Source) bool { return s.MediaType == plainText && s.Data != "" }

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
