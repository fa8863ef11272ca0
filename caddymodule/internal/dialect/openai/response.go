package openai

import (
	"strings"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/dialect/wire"
	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// decodeStop reads a finish_reason, the vendors' own among them.
func decodeStop(finish string) llm.StopReason {
	switch finish {
	case "length", "max_tokens":
		return llm.StopMax
	case "tool_calls", "function_call":
		return llm.StopTool
	case "content_filter", "sensitive":
		return llm.StopRefusal
	case "model_context_window_exceeded":
		return llm.StopContext
	}
	return llm.StopEnd
}

// encodeStop is the finish_reason to give. Whether it is a tool turn follows
// from the calls the client got.
func encodeStop(s llm.StopReason, hasCall bool) string {
	switch {
	case s == llm.StopMax || s == llm.StopContext:
		return "length"
	case s == llm.StopRefusal:
		return "content_filter"
	case hasCall:
		return "tool_calls"
	}
	return "stop"
}

// settle makes the reason to stop fit the blocks: calls mean a tool turn,
// whatever the provider said, unless the answer was cut; and none mean none.
func settle(s llm.StopReason, hasCall bool) llm.StopReason {
	switch {
	case hasCall && (s == llm.StopEnd || s == llm.StopSequence):
		return llm.StopTool
	case !hasCall && s == llm.StopTool:
		return llm.StopEnd
	}
	return s
}

// DecodeResponse reads a complete answer. The result shares memory with body.
func (Chat) DecodeResponse(body []byte) (*llm.Response, error) {
	answer, err := readAnswer(body)
	if err != nil {
		return nil, err
	}
	root, first := answer.Root(), firstChoice(answer.Choices)
	a := &llm.Response{
		ID: root.Get("id").String(), Model: root.Get("model").Str, Created: root.Get("created").Int(),
		Usage: findUsage(root), Extra: llm.Extra{From: llm.OpenAI},
	}
	a.Blocks = answerBlocks(first.message, a.ID)
	a.Stop = stopOf(decodeStop(first.finish), a.Blocks)
	if a.Stop == llm.StopEnd && isStopText(first.matched) {
		a.Stop, a.StopText = llm.StopSequence, first.matched
	}
	return a, nil
}

// isStopText reports whether a choice's stop_reason is the stop sequence that
// matched, as vLLM and SGLang say it, and not a word for how the answer ended.
func isStopText(s string) bool {
	switch s {
	case "", "stop", "eos", "end_turn", "length", "max_tokens", "tool_calls", "tool_use", "abort":
		return false
	}
	return true
}

// stopOf settles the reason to stop by the blocks of a whole answer.
func stopOf(s llm.StopReason, blocks []llm.Block) llm.StopReason {
	hasCall := false
	for i := range blocks {
		switch blocks[i].Kind {
		case llm.KindRefusal:
			return llm.StopRefusal
		case llm.KindToolCall:
			hasCall = true
		}
	}
	return settle(s, hasCall)
}

// answerBlocks is an assistant turn as it comes from a provider: <think> text
// taken apart, empty text left out, calls with ids.
func answerBlocks(message, answer string) []llm.Block {
	blocks := make([]llm.Block, 0, 4)
	thought := false
	m := readMessage(wire.NewCursor(message))
	for _, b := range m.blocks() {
		switch {
		case b.Kind == llm.KindThinking:
			thought = true
		case b.Kind == llm.KindText && b.Text == "":
			continue
		case b.Kind == llm.KindText && !thought:
			blocks = appendUnthought(blocks, b)
			continue
		case b.Kind == llm.KindToolCall && b.Call.Name == "":
			continue
		case b.Kind == llm.KindToolCall && b.Call.ID == "":
			b.Call.ID = dialect.MadeID(answer, len(blocks), b.Call.Name)
		}
		blocks = append(blocks, b)
	}
	return blocks
}

// appendUnthought appends a text block, its leading <think> part as a thinking
// block of its own.
func appendUnthought(blocks []llm.Block, b llm.Block) []llm.Block {
	var s thinkSplitter
	for _, p := range s.end(s.split(nil, b.Text)) {
		if n := len(blocks); n > 0 && blocks[n-1].Kind == p.kind {
			blocks[n-1].Text += p.text
			continue
		}
		blocks = append(blocks, llm.Block{Kind: p.kind, Text: p.text})
	}
	return blocks
}

// EncodeResponse writes a complete answer for the client that sent r.
func (c Chat) EncodeResponse(a *llm.Response, r *llm.Request) ([]byte, error) {
	names := dialect.NamesOf(r)
	dst := appendHead(make([]byte, 0, 1024), "chat.completion", a, r, c.now)
	dst = append(dst, `,"choices":[{"index":0,"message":{"role":"assistant"`...)
	dst, hasCall := appendAnswer(dst, a.Blocks, names)
	dst = append(dst, `},"logprobs":null`...)
	dst = append(wire.Str(dst, "finish_reason", encodeStop(a.Stop, hasCall)), '}', ']')
	return append(appendUsage(dst, dialect.UsageOf(a, r)), '}'), nil
}

// appendHead appends what answers and chunks begin with. The model is the one
// the client asked for.
func appendHead(dst []byte, object string, a *llm.Response, r *llm.Request, now func() time.Time) []byte {
	model := a.Model
	if r != nil && r.Model != "" {
		model = r.Model
	}
	dst = wire.Str(append(dst, '{'), "id", answerID(a.ID))
	dst = wire.Str(dst, "object", object)
	if a.Created == 0 && now != nil {
		dst = wire.Int(dst, "created", int(now().Unix()))
	} else {
		dst = wire.Int(dst, "created", int(a.Created))
	}
	return wire.Str(dst, "model", model)
}

// answerID gives an answer an id of Chat's form.
func answerID(id string) string {
	if strings.HasPrefix(id, "chatcmpl-") {
		return id
	}
	return "chatcmpl-" + id
}

// appendAnswer appends content, reasoning, refusal and calls of a message.
func appendAnswer(dst []byte, blocks []llm.Block, names dialect.Names) ([]byte, bool) {
	var thought, refusal strings.Builder
	var calls []llm.ToolCall
	for i := range blocks {
		switch b := &blocks[i]; b.Kind {
		case llm.KindThinking:
			thought.WriteString(b.Text)
		case llm.KindRefusal:
			refusal.WriteString(b.Text)
		case llm.KindToolCall:
			c := *b.Call
			names.Restore(&c)
			calls = append(calls, c)
		}
	}
	dst = appendText(dst, "content", answerText(blocks))
	dst = appendText(dst, "refusal", refusal.String())
	if thought.Len() > 0 {
		dst = wire.Str(dst, "reasoning_content", thought.String())
	}
	dst = appendDetails(dst, blocks)
	dst = append(dst, `,"annotations":[]`...)
	if len(calls) == 0 {
		return dst, false
	}
	dst = append(wire.Key(dst, "tool_calls"), '[')
	for i := range calls {
		dst = appendAnswerCall(wire.Comma(dst), &calls[i])
	}
	return append(dst, ']'), true
}

// answerText is a turn's text without refusals, which have a field of their own.
func answerText(blocks []llm.Block) string {
	plain := make([]llm.Block, 0, len(blocks))
	for i := range blocks {
		if blocks[i].Kind != llm.KindRefusal {
			plain = append(plain, blocks[i])
		}
	}
	return assistantText(plain)
}

func appendText(dst []byte, key, s string) []byte {
	if s == "" {
		return append(wire.Key(dst, key), "null"...)
	}
	return wire.Str(dst, key, s)
}

// appendDetails appends reasoning_details for thinking that its provider
// signed: clients that give them back keep the chain of thought whole.
func appendDetails(dst []byte, blocks []llm.Block) []byte {
	open := false
	for i := range blocks {
		b := &blocks[i]
		if b.Kind != llm.KindThinking || b.Signature+b.Redacted == "" || b.Extra.From != llm.Anthropic {
			continue
		}
		if !open {
			dst, open = append(wire.Key(dst, "reasoning_details"), '['), true
		}
		dst = appendDetail(wire.Comma(dst), b, b.Text)
	}
	if open {
		dst = append(dst, ']')
	}
	return dst
}

func appendDetail(dst []byte, b *llm.Block, text string) []byte {
	if b.Redacted != "" {
		dst = wire.Str(append(dst, `{"type":"reasoning.encrypted"`...), "data", b.Redacted)
	} else {
		dst = wire.Str(append(dst, `{"type":"reasoning.text"`...), "text", text)
		dst = wire.Str(dst, "signature", b.Signature)
	}
	return append(wire.Str(dst, "format", anthropicFormat), '}')
}

// appendAnswerCall appends a tool call the client can run under the name it
// declared.
func appendAnswerCall(dst []byte, c *llm.ToolCall) []byte {
	dst = wire.Str(append(dst, '{'), "id", dialect.WireID(c.ID))
	if c.Custom {
		text := c.Text
		if len(c.Input) > 0 {
			text = dialect.CustomInput(string(c.Input))
		}
		dst = wire.Str(append(dst, `,"type":"custom","custom":{`...), "name", c.Name)
		return append(wire.Str(dst, "input", text), '}', '}')
	}
	dst = wire.Str(append(dst, `,"type":"function","function":{`...), "name", c.Name)
	return append(wire.Str(dst, "arguments", wire.View(dialect.CallInput(c))), '}', '}')
}
