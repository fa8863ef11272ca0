package openai

import (
	"bytes"

	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/dialect/wire"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/aimux/aimux/caddymodule/internal/sse"
	"github.com/tidwall/gjson"
)

var (
	doneMark    = []byte("[DONE]")
	errorKey    = []byte(`"error"`)
	choicesKey  = []byte(`"choices"`)
	baseRespKey = []byte(`"base_resp"`)
	usageKey    = []byte(`"usage"`)
	usageNull   = []byte(`"usage":null`)
	noChoices   = []byte(`"choices":[]`)
	deltaKey    = []byte(`"delta":{`)
	finishKey   = []byte(`"finish_reason":"`)
)

// Inspect says what a chunk is. Failures and usage are looked for by their
// bytes before anything is parsed.
func (Chat) Inspect(ev *sse.Event) dialect.Inspection {
	data := ev.Data
	if ev.Comment || len(data) == 0 {
		return dialect.Inspection{Kind: dialect.EventPing}
	}
	if isDone(data) {
		return dialect.Inspection{Kind: dialect.EventTerminal, Finished: true}
	}
	root := gjson.Result{Type: gjson.JSON, Raw: wire.View(data)}
	in, ok := scanDeltas(data)
	if !ok || in.Kind != dialect.EventContent {
		if e := chunkFailure(ev, root); e != nil {
			return dialect.Inspection{Kind: dialect.EventError, Err: e}
		}
	}
	if !ok {
		in = inspectChoices(root)
	}
	if bytes.Contains(data, usageKey) && !bytes.Contains(data, usageNull) {
		if u := findUsage(root); u.Known {
			in.Usage = &u
			in.UsageOnly = bytes.Contains(data, noChoices)
		}
	}
	return in
}

func isDone(data []byte) bool {
	return data[0] == '[' && bytes.Equal(bytes.TrimSpace(data), doneMark)
}

// chunkFailure returns the failure a provider reported in a chunk, or nil.
func chunkFailure(ev *sse.Event, root gjson.Result) *llm.Error {
	named := len(ev.Type) > 0 && string(ev.Type) == "error"
	if !named && bytes.Contains(ev.Data, choicesKey) && !bytes.Contains(ev.Data, errorKey) && !bytes.Contains(ev.Data, baseRespKey) {
		return nil
	}
	if e := dialect.FailureIn(root); e != nil || !named {
		if e != nil {
			e.Status = int(root.Get("status_code").Int())
		}
		return e
	}
	return dialect.ReadError(0, nil, ev.Data)
}

// scanDeltas is the quick way through a chunk in compact JSON: it jumps to the
// deltas by their key. A quoted key cannot occur inside a JSON string, where
// its quotes would be escaped. ok is false if the chunk needs a closer look.
func scanDeltas(data []byte) (in dialect.Inspection, ok bool) {
	if bytes.Contains(data, finishKey) {
		return in, false
	}
	for {
		i := bytes.Index(data, deltaKey)
		if i < 0 {
			return in, ok
		}
		data = data[i+len(deltaKey)-1:]
		ok = true
		if startsWithText(data) {
			in.Kind = dialect.EventContent
			return in, true
		}
		if in.Kind = deltaKind(gjson.Result{Type: gjson.JSON, Raw: wire.View(data)}); in.Kind == dialect.EventContent {
			return in, true
		}
	}
}

// startsWithText reports whether the first member of a delta is text that is
// not empty, as in nearly all of them.
func startsWithText(delta []byte) bool {
	for _, head := range [...]string{`{"content":"`, `{"reasoning_content":"`, `{"reasoning":"`} {
		if n := len(head); len(delta) > n && string(delta[:n]) == head {
			return delta[n] != '"'
		}
	}
	return false
}

// inspectChoices looks for content and for the reason to stop in any choice.
func inspectChoices(root gjson.Result) dialect.Inspection {
	in := dialect.Inspection{Kind: dialect.EventOther}
	root.Get("choices").ForEach(func(_, choice gjson.Result) bool {
		inspectChoice(&in, choice)
		return in.Err == nil
	})
	if in.Finished && in.Kind == dialect.EventPreamble {
		in.Kind = dialect.EventOther
	}
	return in
}

func inspectChoice(in *dialect.Inspection, choice gjson.Result) {
	var finish, cause string
	choice.ForEach(func(k, v gjson.Result) bool {
		switch k.Str {
		case "delta", "message":
			if in.Kind != dialect.EventContent {
				in.Kind = deltaKind(v)
			}
		case "finish_reason":
			finish = v.Str
		case "error":
			cause = v.Raw
		}
		return true
	})
	in.Finished = in.Finished || finish != ""
	if e := brokenOff(finish, cause); e != nil {
		in.Kind, in.Err = dialect.EventError, e
	}
}

// deltaKind is EventContent if a delta gives the client anything.
func deltaKind(delta gjson.Result) dialect.EventKind {
	kind := dialect.EventPreamble
	delta.ForEach(func(k, v gjson.Result) bool {
		switch k.Str {
		case "content", "reasoning", "reasoning_content", "refusal":
			if v.Type == gjson.String && v.Str != "" {
				kind = dialect.EventContent
			}
		case "tool_calls", "reasoning_details", "function_call", "audio":
			if len(v.Raw) > 2 && v.IsArray() || v.IsObject() {
				kind = dialect.EventContent
			}
		}
		return kind != dialect.EventContent
	})
	return kind
}

// CheckResponse looks at a complete answer that came with status 200.
func (Chat) CheckResponse(body []byte) (llm.Usage, error) {
	a, err := readAnswer(body)
	if err != nil {
		return llm.Usage{}, err
	}
	if u := decodeUsage(gjson.Parse(a.Usage)); u.Known {
		return u, nil
	}
	return findUsage(a.Root()), nil
}
