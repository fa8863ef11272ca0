package anthropic

import (
	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/dialect/wire"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/tidwall/gjson"
)

// stopReasons maps Messages' stop_reason to the vocabulary.
var stopReasons = map[string]llm.StopReason{
	"end_turn": llm.StopEnd, "max_tokens": llm.StopMax, "stop_sequence": llm.StopSequence,
	"tool_use": llm.StopTool, "refusal": llm.StopRefusal, "pause_turn": llm.StopPause,
	"model_context_window_exceeded": llm.StopContext,
}

// decodeStop reads a stop_reason. Reasons not known end the turn.
func decodeStop(s string) llm.StopReason {
	if r, ok := stopReasons[s]; ok {
		return r
	}
	return llm.StopEnd
}

// encodeStop is the stop_reason to give. Whether it is a tool turn follows
// from the blocks the client got, not from what the provider said.
func encodeStop(s llm.StopReason, stopText string, hasCall bool) string {
	switch s {
	case llm.StopMax:
		return "max_tokens"
	case llm.StopContext:
		return "model_context_window_exceeded"
	case llm.StopRefusal:
		return "refusal"
	case llm.StopPause:
		return "pause_turn"
	}
	switch {
	case hasCall:
		return "tool_use"
	case s == llm.StopSequence && stopText != "":
		return "stop_sequence"
	}
	return "end_turn"
}

// DecodeResponse reads a complete answer. The result shares memory with body.
func (Messages) DecodeResponse(body []byte) (*llm.Response, error) {
	answer, err := readAnswer(body)
	if err != nil {
		return nil, err
	}
	root := answer.Root()
	a := &llm.Response{Extra: llm.Extra{From: llm.Anthropic}, Stop: llm.StopEnd}
	root.ForEach(func(k, v gjson.Result) bool {
		switch k.Str {
		case "id":
			a.ID = v.Str
		case "model":
			a.Model = v.Str
		case "content":
			a.Blocks = decodeBlocks(v)
		case "stop_reason":
			a.Stop = decodeStop(v.Str)
		case "stop_sequence":
			a.StopText = v.Str
		case "usage":
			a.Usage = decodeUsage(v)
		case "type", "role":
		default:
			a.Extra.Fields = append(a.Extra.Fields, llm.Field{Key: wire.KeyText(k.Str), Value: wire.Raw(v.Raw)})
		}
		return true
	})
	return a, nil
}

// EncodeResponse writes a complete answer for the client that sent r.
func (Messages) EncodeResponse(a *llm.Response, r *llm.Request) ([]byte, error) {
	dst := appendHead(make([]byte, 0, 1024), a, r)
	dst = append(wire.Key(dst, "content"), '[')
	names, hasCall := dialect.NamesOf(r), false
	for i := range a.Blocks {
		b := &a.Blocks[i]
		hasCall = hasCall || b.Kind == llm.KindToolCall
		dst = appendAnswerBlock(dst, b, names)
	}
	stop := encodeStop(a.Stop, a.StopText, hasCall)
	dst = wire.Str(append(dst, ']'), "stop_reason", stop)
	dst = appendStopSequence(dst, stop, a.StopText)
	return append(appendUsage(dst, dialect.UsageOf(a, r)), '}'), nil
}

// appendHead appends what an answer begins with, for the non-stream answer and
// for message_start alike. The model is the one the client asked for.
func appendHead(dst []byte, a *llm.Response, r *llm.Request) []byte {
	id, model := a.ID, a.Model
	if r != nil && r.Model != "" {
		model = r.Model
	}
	dst = append(dst, '{')
	dst = wire.Str(dst, "id", messageID(id))
	dst = append(dst, `,"type":"message","role":"assistant"`...)
	return wire.Str(dst, "model", model)
}

// messageID gives an answer an id of Messages' form.
func messageID(id string) string {
	if len(id) >= 4 && id[:4] == "msg_" {
		return id
	}
	return "msg_" + dialect.WireID(id)
}

func appendStopSequence(dst []byte, stop, text string) []byte {
	if stop != "stop_sequence" {
		return append(wire.Key(dst, "stop_sequence"), "null"...)
	}
	return wire.Str(dst, "stop_sequence", text)
}

// appendAnswerBlock appends a block of an answer, or nothing for one that
// Messages does not know or that says nothing.
func appendAnswerBlock(dst []byte, b *llm.Block, names dialect.Names) []byte {
	switch b.Kind {
	case llm.KindText, llm.KindRefusal:
		if b.Text == "" {
			return dst
		}
		dst = wire.Str(append(wire.Comma(dst), `{"type":"text"`...), "text", b.Text)
		if b.Extra.From == llm.Anthropic && len(b.Citations) > 0 {
			dst = wire.RawMember(dst, "citations", b.Citations)
		}
		return append(dst, '}')
	case llm.KindThinking:
		return appendAnswerThinking(dst, b)
	case llm.KindToolCall:
		c := *b.Call
		names.Restore(&c)
		return append(appendAnswerCall(wire.Comma(dst), &c), '}')
	case llm.KindOther:
		if b.Extra.From == llm.Anthropic {
			return append(wire.Comma(dst), b.Raw...)
		}
	}
	return dst
}

// appendAnswerThinking gives thinking that no Messages provider signed a
// signature of ours: clients fail without one, and it marks the block.
func appendAnswerThinking(dst []byte, b *llm.Block) []byte {
	if b.Extra.From == llm.Anthropic || dialect.IsOwnSignature(b.Signature) {
		return appendThinking(wire.Comma(dst), b)
	}
	if b.Text == "" {
		return dst
	}
	return appendThinking(wire.Comma(dst), &llm.Block{Text: b.Text, Signature: dialect.OwnSignature(b.Text)})
}

// appendAnswerCall appends a tool_use block, but for its closing brace, under
// the name the client knows.
func appendAnswerCall(dst []byte, c *llm.ToolCall) []byte {
	dst = wire.Str(append(dst, `{"type":"tool_use"`...), "id", dialect.WireID(c.ID))
	dst = wire.Str(dst, "name", c.Name)
	return wire.RawMember(dst, "input", inputObject(callInput(c)))
}

// callInput is the argument object of a call in an answer, free-form or not.
func callInput(c *llm.ToolCall) []byte {
	if c.Custom && len(c.Input) > 0 {
		return c.Input // the provider was given a function in its place
	}
	return dialect.CallInput(c)
}
