package responses

import (
	"strings"

	"github.com/aimux/aimux/caddymodule/internal/dialect/wire"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/tidwall/gjson"
)

// StripReasoning returns body, a request, without the reasoning items of its
// input, and how many those were. Encrypted reasoning can be read only by the
// organisation it was made for: a conversation that moves to another key or
// provider goes on without it. Everything else stays byte for byte; body is
// returned as it is if there is nothing to strip or it cannot be read.
func StripReasoning(body []byte) (stripped []byte, removed int) {
	input := gjson.Get(wire.View(body), "input")
	if !input.IsArray() || input.Index <= 0 || !gjson.ValidBytes(body) {
		return body, 0
	}
	kept := append(make([]byte, 0, len(body)), body[:input.Index]...)
	kept = append(kept, '[')
	input.ForEach(func(_, item gjson.Result) bool {
		if item.Get("type").Str == "reasoning" {
			removed++
			return true
		}
		kept = append(wire.Comma(kept), item.Raw...)
		return true
	})
	if removed == 0 {
		return body, 0
	}
	kept = append(kept, ']')
	return append(kept, body[input.Index+len(input.Raw):]...), removed
}

// IsReasoningRefused reports whether e says that a provider could not read the
// encrypted reasoning of a request, which StripReasoning cures.
func IsReasoningRefused(e *llm.Error) bool {
	return e.Code == "invalid_encrypted_content" ||
		strings.Contains(e.Message, "encrypted content") && strings.Contains(e.Message, "could not be verified")
}
