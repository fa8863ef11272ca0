package anthropic

import (
	"strings"

	"github.com/aimux/aimux/caddymodule/internal/dialect/wire"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/tidwall/gjson"
)

// IsThinkingRefused reports whether e says that a provider does not take the
// thinking blocks of a history: signed for another model or conversation, by
// another provider, or missing from a tool turn. StripThinking may help, once.
func IsThinkingRefused(e *llm.Error) bool {
	if e == nil || !strings.Contains(e.Message, "thinking") {
		return false
	}
	msg := strings.ToLower(e.Message)
	for _, w := range [...]string{"invalid signature", "invalid `signature`", "expected `thinking`", "expected thinking",
		"cannot be modified", "must start with a thinking block"} {
		if strings.Contains(msg, w) {
			return true
		}
	}
	return false
}

// StripThinking takes all thinking out of the history of a Messages request,
// and budgeted thinking out of the request, which needs the blocks of the tool
// turn under way. Everything else stays byte-identical. stripped is false if
// there was nothing to take out, so that sending again is no use. body must be
// one valid JSON object.
func StripThinking(body []byte) (edited []byte, stripped bool) {
	root := gjson.Parse(wire.View(body))
	s := wire.NewSplice(body)
	root.Get("messages").ForEach(func(_, m gjson.Result) bool {
		if stripMessage(s, m.Get("content")) {
			stripped = true
		}
		return true
	})
	if !stripped {
		return body, false
	}
	s.Remove(root, func(k, v gjson.Result) bool {
		return k.Str == "thinking" && v.Get("type").Str == "enabled"
	})
	return s.Bytes(), true
}

func stripMessage(s *wire.Splice, content gjson.Result) bool {
	isThinking := func(_, b gjson.Result) bool {
		kind := b.Get("type").Str
		return kind == "thinking" || kind == "redacted_thinking"
	}
	total, thinking := 0, 0
	content.ForEach(func(k, b gjson.Result) bool {
		total++
		if isThinking(k, b) {
			thinking++
		}
		return true
	})
	switch {
	case !content.IsArray() || thinking == 0:
		return false
	case thinking == total:
		s.Replace(content.Raw, `[{"type":"text","text":"(no answer)"}]`)
	default:
		s.Remove(content, isThinking)
	}
	return true
}
