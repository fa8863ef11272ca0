// Package tokens estimates how many input tokens a request has, for upstreams
// that cannot count them, and learns from real usage how far off it is.
//
// Estimate reads the wire form of a request in one pass without allocating:
// text counts a token for every 3.5 bytes, tools and schemas count as the JSON
// they are, pictures by their size, documents by their pages. What no model
// reads (ids, signatures, encrypted reasoning) counts nothing. A Correction
// holds, per model, the ratio of what providers reported to what was estimated.
package tokens

import (
	"bytes"

	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// Figures of the estimate, in tokens.
const (
	perMessage = 4    // role and separators
	perImage   = 1600 // a picture of unknown size, and the most one costs
	perPage    = 2000 // of a PDF document
	perFile    = 3 * perPage
)

// Estimate returns about how many input tokens body has, a request in dialect
// d. It never fails: of a body that is not JSON the bytes are counted. The
// result is at least 1.
func Estimate(body []byte, d llm.Dialect) int {
	s := scanner{b: body, dialect: d}
	s.space()
	if s.peek() != '{' || !s.top() {
		return max(1, fromBytes(len(body)))
	}
	return max(1, fromBytes(s.bytes)+s.tokens)
}

// fromBytes is the tokens of n bytes of text: one for every 3.5.
func fromBytes(n int) int { return (2*n + 6) / 7 }

// scanner walks over a request. It checks only what it needs to walk on.
type scanner struct {
	b       []byte
	i       int
	dialect llm.Dialect
	depth   int
	bytes   int // of text
	tokens  int // of what is not text
}

// base64Mark stands in a data: URL before its content.
const base64Mark = ";base64,"

// maxDepth is how deep a request may nest; recursion ends there.
const maxDepth = 200

// top walks the members of the request itself.
func (s *scanner) top() bool {
	return s.object(func(key []byte) bool {
		switch topMember(key, s.dialect) {
		case asContent:
			return s.content(key)
		case asJSON:
			return s.json()
		}
		return s.skip()
	})
}

// How a member's value counts.
const (
	asNothing = iota
	asContent
	asJSON
)

// topMember says how a member of a request of dialect d counts.
func topMember(key []byte, d llm.Dialect) int {
	switch string(key) {
	case "messages", "system", "instructions":
		return asContent
	case "input":
		if d == llm.Responses || d == "" {
			return asContent
		}
	case "tools", "functions", "response_format", "output_config", "output_format", "text":
		return asJSON
	}
	return asNothing
}

// contentMember says how a member of a message, an item or a part counts.
func contentMember(key []byte) int {
	switch string(key) {
	case "type", "id", "call_id", "tool_use_id", "tool_call_id", "item_id", "status", "phase", "detail", "media_type", "caller",
		"signature", "encrypted_content", "encrypted_index", "cache_control", "citations", "annotations", "logprobs", "format", "is_error":
		return asNothing
	case "parameters", "input_schema", "tools", "action":
		return asJSON
	}
	return asContent
}

// content walks a value the model reads; key is the member it stands in.
func (s *scanner) content(key []byte) bool {
	switch s.peek() {
	case '"':
		raw, ok := s.str()
		if ok {
			s.leaf(key, raw)
		}
		return ok
	case '[':
		return s.array(func() bool { return s.content(key) })
	case '{':
		if string(key) == "input" && s.depth > 1 && s.dialect != llm.Responses {
			return s.json() // the input of a call
		}
		return s.object(func(key []byte) bool {
			if string(key) == "role" {
				s.tokens += perMessage
				return s.skip()
			}
			switch contentMember(key) {
			case asNothing:
				return s.skip()
			case asJSON:
				return s.json()
			}
			return s.content(key)
		})
	}
	return s.json()
}

// leaf counts a string the model reads.
func (s *scanner) leaf(key, raw []byte) {
	if rest, ok := bytes.CutPrefix(raw, []byte("data:")); ok {
		if i := bytes.Index(rest[:min(len(rest), 200)], []byte(base64Mark)); i >= 0 {
			s.tokens += mediaTokens(rest[:i], rest[i+len(base64Mark):])
			return
		}
	}
	switch string(key) {
	case "data", "file_data":
		if n, ok := sniff(raw); ok {
			s.tokens += n
			return
		}
	case "url", "image_url":
		if bytes.HasPrefix(raw, []byte("http")) {
			s.tokens += perImage
			return
		}
	case "file_url":
		s.tokens += perFile
		return
	case "file_id":
		s.tokens += perImage
		return
	}
	s.bytes += textLen(raw)
}

// textLen is the length of a JSON string's content once its escapes are undone.
func textLen(raw []byte) int {
	n := len(raw)
	for {
		i := bytes.IndexByte(raw, '\\')
		if i < 0 || i+1 >= len(raw) {
			return n
		}
		skip := 2
		n--
		if raw[i+1] == 'u' {
			n -= 2 // \u00e4 and its like are two or three bytes
			skip = 6
		}
		raw = raw[min(i+skip, len(raw)):]
	}
}
