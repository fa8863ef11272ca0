package responses

import (
	"encoding/json"
	"strconv"

	"github.com/aimux/aimux/caddymodule/internal/dialect/wire"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/tidwall/gjson"
)

// envelope is the response object around the items: who answers, and what the
// client asked for, which the API repeats.
type envelope struct {
	id      string
	model   string
	created int64
	r       *llm.Request // may be nil
}

// state is what changes in a response object while it is made.
type state struct {
	status  string
	reason  string     // of an incomplete response
	failure *llm.Error // of a failed one
	output  []byte     // the items, separated by commas
	usage   *llm.Usage // nil: not known yet
	ended   int64      // Unix seconds, of a completed response
}

// endState says how a response ends whose model stopped for the given reason.
// refused tells a refusal in the model's own words from one by a filter.
func endState(stop llm.StopReason, refused bool) (status, reason string) {
	switch stop {
	case llm.StopMax, llm.StopContext:
		return incomplete, "max_output_tokens"
	case llm.StopRefusal:
		if !refused {
			return incomplete, "content_filter"
		}
	case llm.StopCancelled:
		return incomplete, "interrupted"
	}
	return completed, ""
}

// append appends the response object.
func (v *envelope) append(dst []byte, s *state) []byte {
	dst = wire.Str(append(dst, '{'), "id", v.id)
	dst = wire.Str(dst, "object", "response")
	dst = appendInt(dst, "created_at", v.created)
	dst = wire.Str(dst, "status", s.status)
	if s.ended > 0 {
		dst = appendInt(dst, "completed_at", s.ended)
	} else {
		dst = appendNull(dst, "completed_at")
	}
	if s.failure != nil {
		dst = appendFailure(dst, s.failure)
	} else {
		dst = appendNull(dst, "error")
	}
	if s.reason != "" {
		dst = append(wire.Str(append(wire.Key(dst, "incomplete_details"), '{'), "reason", s.reason), '}')
	} else {
		dst = appendNull(dst, "incomplete_details")
	}
	dst = wire.Str(dst, "model", v.model)
	dst = append(append(append(wire.Key(dst, "output"), '['), s.output...), ']')
	dst = v.appendEcho(dst)
	if s.usage != nil {
		dst = appendUsage(dst, s.usage)
	} else {
		dst = appendNull(dst, "usage")
	}
	return append(dst, '}')
}

// echoed are the members of a request that its response repeats, with what
// stands there if the client did not send them. Nothing is stored here, so the
// default of store is not OpenAI's.
var echoed = [...]struct{ key, otherwise string }{
	{"background", "false"}, {"max_tool_calls", "null"}, {"prompt_cache_retention", "null"},
	{"safety_identifier", "null"}, {"store", "false"}, {"top_logprobs", "0"}, {"truncation", `"disabled"`},
}

// appendEcho appends what the client asked for.
func (v *envelope) appendEcho(dst []byte) []byte {
	r := v.r
	if r == nil {
		r = &llm.Request{}
	}
	dst = appendStrOrNull(dst, "instructions", instructionsOf(r))
	if r.MaxTokens > 0 {
		dst = wire.Int(dst, "max_output_tokens", r.MaxTokens)
	} else {
		dst = appendNull(dst, "max_output_tokens")
	}
	dst = wire.Bool(dst, "parallel_tool_calls", r.Parallel == nil || *r.Parallel)
	dst = appendStrOrNull(dst, "previous_response_id", r.PreviousID)
	dst = appendStrOrNull(dst, "prompt_cache_key", r.CacheKey)
	dst = appendReasoningEcho(dst, r.Reasoning)
	dst = wire.Str(dst, "service_tier", firstOf(r.ServiceTier, "default"))
	dst = appendNumberOr(dst, "temperature", r.Temperature, 1)
	dst = appendTextEcho(dst, r)
	dst = appendToolEcho(dst, r)
	dst = appendNumberOr(dst, "top_p", r.TopP, 1)
	dst = appendStrOrNull(dst, "user", r.User)
	if len(r.Metadata) > 0 {
		dst = wire.RawMember(dst, "metadata", wire.Compact(r.Metadata))
	} else {
		dst = wire.RawMember(dst, "metadata", []byte("{}"))
	}
	for _, e := range echoed {
		value := wire.Compact(field(&r.Extra, e.key))
		if len(value) == 0 {
			value = []byte(e.otherwise)
		}
		dst = wire.RawMember(dst, e.key, value)
	}
	return dst
}

// instructionsOf is the text the client gave as instructions.
func instructionsOf(r *llm.Request) string {
	if len(r.System) == 0 || field(&r.System[0].Extra, roleField) != nil {
		return ""
	}
	return r.System[0].Text
}

func appendReasoningEcho(dst []byte, r *llm.Reasoning) []byte {
	if r == nil {
		r = &llm.Reasoning{}
	}
	dst = append(wire.Key(dst, "reasoning"), '{')
	dst = appendStrOrNull(dst, "effort", r.Effort)
	return append(appendStrOrNull(dst, "summary", r.Display), '}')
}

func appendTextEcho(dst []byte, r *llm.Request) []byte {
	dst = append(wire.Key(dst, "text"), `{"format":{`...)
	switch f := r.Format; {
	case f == nil:
		dst = wire.Str(dst, "type", "text")
	case f.Kind == "json_schema":
		dst = wire.Str(wire.Str(dst, "type", f.Kind), "name", f.Name)
		if len(f.Schema) > 0 {
			dst = wire.RawMember(dst, "schema", wire.Compact(f.Schema))
		}
		if f.Strict != nil {
			dst = wire.Bool(dst, "strict", *f.Strict)
		}
	default:
		dst = wire.Str(dst, "type", f.Kind)
	}
	dst = append(dst, '}')
	return append(wire.Str(dst, "verbosity", firstOf(r.Verbosity, "medium")), '}')
}

func appendToolEcho(dst []byte, r *llm.Request) []byte {
	dst = wire.Key(dst, "tool_choice")
	if r.ToolChoice != nil {
		refs := toolRefs{own: true}
		for i := range r.Tools {
			refs.note(&r.Tools[i])
		}
		dst = refs.appendChoice(dst, r.ToolChoice)
	} else if c := field(&r.Extra, "tool_choice"); c != nil {
		dst = append(dst, wire.Compact(c)...)
	} else {
		dst = append(dst, `"auto"`...)
	}
	tools := make([]*llm.Tool, len(r.Tools))
	for i := range r.Tools {
		tools[i] = &r.Tools[i]
	}
	dst = wire.Key(dst, "tools")
	from := len(dst)
	dst = appendTools(dst, tools, true)
	return append(dst[:from], wire.Compact(dst[from:])...)
}

func appendNull(dst []byte, key string) []byte { return append(wire.Key(dst, key), "null"...) }

func appendStrOrNull(dst []byte, key, s string) []byte {
	if s == "" {
		return appendNull(dst, key)
	}
	return wire.Str(dst, key, s)
}

func appendInt(dst []byte, key string, n int64) []byte {
	return strconv.AppendInt(wire.Key(dst, key), n, 10)
}

func appendNumberOr(dst []byte, key string, f *float64, otherwise float64) []byte {
	if f != nil {
		otherwise = *f
	}
	return wire.Float(dst, key, otherwise)
}

// wantsSecrets reports whether a request's include asks for encrypted reasoning.
func wantsSecrets(include json.RawMessage) bool {
	for _, v := range gjson.ParseBytes(include).Array() {
		if v.Str == "reasoning.encrypted_content" {
			return true
		}
	}
	return false
}
