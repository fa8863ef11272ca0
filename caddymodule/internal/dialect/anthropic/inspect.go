package anthropic

import (
	"errors"

	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/dialect/wire"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/aimux/aimux/caddymodule/internal/sse"
	"github.com/tidwall/gjson"
)

// Inspect says what an event is. It trusts the event line, and reads the type
// member only if there is none.
func (Messages) Inspect(ev *sse.Event) dialect.Inspection {
	if ev.Comment {
		return dialect.Inspection{Kind: dialect.EventPing}
	}
	data := wire.View(ev.Data)
	switch eventType(ev) {
	case "content_block_delta":
		return dialect.Inspection{Kind: dialect.EventContent}
	case "content_block_start":
		return dialect.Inspection{Kind: startKind(data)}
	case "message_start":
		return withUsage(dialect.EventPreamble, gjson.Get(data, "message.usage"))
	case "message_delta":
		in := withUsage(dialect.EventOther, gjson.Get(data, "usage"))
		in.Finished = gjson.Get(data, "delta.stop_reason").Type == gjson.String
		return in
	case "message_stop":
		return dialect.Inspection{Kind: dialect.EventTerminal, Finished: true}
	case "ping":
		return dialect.Inspection{Kind: dialect.EventPing}
	case "error":
		return dialect.Inspection{Kind: dialect.EventError, Err: dialect.ReadError(0, nil, ev.Data)}
	case "content_block_stop":
		return dialect.Inspection{Kind: dialect.EventOther}
	}
	return inspectUnknown(ev)
}

// eventType is the event's name, from the event line or else from the data.
func eventType(ev *sse.Event) string {
	if len(ev.Type) > 0 {
		return wire.View(ev.Type)
	}
	return gjson.Get(wire.View(ev.Data), "type").Str
}

// startKind tells blocks that come whole, and calls, which name a tool, from
// those whose content comes with deltas.
func startKind(data string) dialect.EventKind {
	switch gjson.Get(data, "content_block.type").Str {
	case "text", "thinking":
		return dialect.EventPreamble
	}
	return dialect.EventContent
}

func withUsage(kind dialect.EventKind, v gjson.Result) dialect.Inspection {
	in := dialect.Inspection{Kind: kind}
	if u := decodeUsage(v); u.Known {
		in.Usage = &u
	}
	return in
}

// inspectUnknown looks for a failure in an event of no known type; providers
// have put one into a plain message event.
func inspectUnknown(ev *sse.Event) dialect.Inspection {
	if wire.Valid(ev.Data) {
		if e := dialect.FailureIn(gjson.Parse(wire.View(ev.Data))); e != nil {
			return dialect.Inspection{Kind: dialect.EventError, Err: e}
		}
	}
	return dialect.Inspection{Kind: dialect.EventOther}
}

var errNoContent = errors.New("the answer has no content")

// CheckResponse looks at a complete answer that came with status 200.
func (Messages) CheckResponse(body []byte) (llm.Usage, error) {
	a, err := readAnswer(body)
	if err != nil {
		return llm.Usage{}, err
	}
	return decodeUsage(gjson.Parse(a.Usage)), nil
}

// readAnswer reads what is certainly a message: with content, or with none and
// a reason to stop.
func readAnswer(body []byte) (*dialect.Answer, error) {
	a, err := dialect.ReadAnswer(body)
	if err != nil {
		return nil, err
	}
	if a.Content == "" || a.Content[0] != '[' || len(a.Content) <= 2 && (a.StopReason == "" || a.StopReason[0] != '"') {
		return nil, errNoContent
	}
	return a, nil
}
