package responses

import (
	"bytes"
	"errors"
	"strings"

	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/dialect/wire"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/aimux/aimux/caddymodule/internal/sse"
	"github.com/tidwall/gjson"
)

// Types of events that are acted on in more than one place.
const (
	evCreated    = "response.created"
	evInProgress = "response.in_progress"
	evQueued     = "response.queued"
	evCompleted  = "response.completed"
	evIncomplete = "response.incomplete"
	evFailed     = "response.failed"
	evCancelled  = "response.cancelled"
	evError      = "error"
	evKeepAlive  = "keepalive"
	evItemAdded  = "response.output_item.added"
	evItemDone   = "response.output_item.done"
)

var (
	errNoOutput   = errors.New("the answer has no output")
	doneMark      = []byte("[DONE]")
	emptyDelta    = []byte(`"delta":""`)
	typeIsMessage = []byte(`"type":"message"`)
)

// Inspect says what an event is. Most are told by their type alone.
//
// An added item counts as content, since the model is at work on it (reasoning
// without a summary shows nothing else for minutes); an added message does
// not, since its text follows at once or never.
func (Responses) Inspect(ev *sse.Event) dialect.Inspection {
	if ev.Comment || len(ev.Data) == 0 {
		return dialect.Inspection{Kind: dialect.EventPing}
	}
	switch typ := eventType(ev); typ {
	case evCreated, evInProgress, evQueued:
		return dialect.Inspection{Kind: dialect.EventPreamble}
	case evKeepAlive, "ping":
		return dialect.Inspection{Kind: dialect.EventPing}
	case evCompleted, evIncomplete, evCancelled:
		return inspectEnd(ev.Data)
	case evFailed, evError:
		return dialect.Inspection{Kind: dialect.EventError, Err: decodeFailure(gjson.Parse(wire.View(ev.Data)))}
	case evItemAdded:
		if bytes.Contains(ev.Data[:min(len(ev.Data), 400)], typeIsMessage) {
			return dialect.Inspection{Kind: dialect.EventPreamble}
		}
		return dialect.Inspection{Kind: dialect.EventContent}
	case "response.content_part.added", "response.reasoning_summary_part.added":
		return dialect.Inspection{Kind: dialect.EventPreamble}
	case evItemDone:
		return dialect.Inspection{Kind: dialect.EventContent}
	case "":
		return inspectUntyped(ev.Data)
	default:
		return inspectDelta(typ, ev.Data)
	}
}

func inspectDelta(typ string, data []byte) dialect.Inspection {
	switch {
	case !strings.HasSuffix(typ, ".delta"):
		return dialect.Inspection{Kind: dialect.EventOther}
	case bytes.Contains(data, emptyDelta):
		return dialect.Inspection{Kind: dialect.EventPreamble}
	}
	return dialect.Inspection{Kind: dialect.EventContent}
}

// inspectUntyped is for data that names no type: the [DONE] some servers send
// after the terminal event, or a bare error object.
func inspectUntyped(data []byte) dialect.Inspection {
	if bytes.Equal(bytes.TrimSpace(data), doneMark) {
		return dialect.Inspection{Kind: dialect.EventOther}
	}
	root := gjson.Parse(wire.View(data))
	if e := dialect.FailureIn(root); e != nil {
		return dialect.Inspection{Kind: dialect.EventError, Err: decodeFailure(root)}
	}
	return dialect.Inspection{Kind: dialect.EventOther}
}

// inspectEnd looks at an event that carries the whole response.
func inspectEnd(data []byte) dialect.Inspection {
	response := gjson.Get(wire.View(data), "response")
	if response.Get("status").Str == "failed" {
		return dialect.Inspection{Kind: dialect.EventError, Err: decodeFailure(response)}
	}
	in := dialect.Inspection{Kind: dialect.EventTerminal, Finished: true}
	if u := decodeUsage(response.Get("usage")); u.Known {
		in.Usage = &u
	}
	return in
}

// eventType is the type of an event: of its event field or, for servers that
// send data only, of the data; empty if neither has one.
func eventType(ev *sse.Event) string {
	if len(ev.Type) > 0 && string(ev.Type) != "message" {
		return wire.View(ev.Type)
	}
	return gjson.Get(wire.View(ev.Data), "type").Str
}

// CheckResponse looks at a complete answer that came with status 200.
func (Responses) CheckResponse(body []byte) (llm.Usage, error) {
	a, err := readAnswer(body)
	if err != nil {
		return llm.Usage{}, err
	}
	return decodeUsage(gjson.Parse(a.Usage)), nil
}

// readAnswer reads what is certainly a response that has not failed.
func readAnswer(body []byte) (*dialect.Answer, error) {
	a, err := dialect.ReadAnswer(body)
	switch {
	case err != nil:
		return nil, err
	case gjson.Parse(a.Status).Str == "failed":
		return nil, decodeFailure(a.Root())
	case a.Output == "" || a.Output[0] != '[':
		return nil, errNoOutput
	}
	return a, nil
}
