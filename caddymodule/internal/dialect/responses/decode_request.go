package responses

import (
	"github.com/aimux/aimux/caddymodule/internal/dialect/wire"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/tidwall/gjson"
)

// DecodeRequest reads a client's request. instructions and the system and
// developer items before anything else become the system blocks. The result
// shares memory with body.
func (Responses) DecodeRequest(body []byte) (*llm.Request, error) {
	root, err := wire.Parse(body)
	if err != nil {
		return nil, &llm.Error{
			Type: llm.ErrInvalidRequest, Class: llm.ClassBadRequest, Message: "the request body is " + err.Error(),
		}
	}
	d := requestDecoder{r: &llm.Request{Extra: llm.Extra{From: llm.Responses}}}
	root.ForEach(func(k, v gjson.Result) bool {
		d.member(k, v)
		return d.err == nil
	})
	if d.err == nil {
		d.input(d.items)
	}
	if d.err != nil {
		return nil, d.err
	}
	return d.r, nil
}

type requestDecoder struct {
	reader
	r     *llm.Request
	items gjson.Result     // input, which is read last: instructions go before it
	begun bool             // an item other than a system turn has been seen
	known map[toolKey]bool // the tools declared so far, but for server tools
}

// member reads one top-level member.
func (d *requestDecoder) member(k, v gjson.Result) {
	r := d.r
	switch k.Str {
	case "model":
		r.Model = d.str("model", v)
	case "input":
		d.items = v
	case "instructions":
		d.instructions(v)
	case "tools":
		d.tools("tools", v)
	case "tool_choice":
		d.toolChoice(k, v)
	case "reasoning":
		d.reasoning(v)
	case "text":
		d.text(v)
	case "max_output_tokens":
		r.MaxTokens = d.integer("max_output_tokens", v)
	case "temperature":
		r.Temperature = d.float("temperature", v)
	case "top_p":
		r.TopP = d.float("top_p", v)
	case "parallel_tool_calls":
		r.Parallel = d.boolean("parallel_tool_calls", v)
	case "stream":
		b := d.boolean("stream", v)
		r.Stream = b != nil && *b
	default:
		d.label(k, v)
	}
}

// label reads the members that name or describe the request, and keeps what
// is known to this dialect only.
func (d *requestDecoder) label(k, v gjson.Result) {
	r := d.r
	switch k.Str {
	case "metadata":
		if d.object("metadata", v) {
			r.Metadata = wire.Raw(v.Raw)
		}
	case "service_tier":
		r.ServiceTier = d.str("service_tier", v)
	case "prompt_cache_key":
		r.CacheKey = d.str("prompt_cache_key", v)
	case "user":
		r.User = d.str("user", v)
	case "previous_response_id":
		r.PreviousID = d.str("previous_response_id", v)
	case "safety_identifier":
		if r.User == "" {
			r.User = d.str("safety_identifier", v)
		}
		d.keep(k, v)
	default:
		d.keep(k, v)
	}
}

// keep carries a member along unread.
func (d *requestDecoder) keep(k, v gjson.Result) {
	if v.Type != gjson.Null {
		d.r.Extra.Fields = append(d.r.Extra.Fields, rawField(k, v))
	}
}

// instructions puts the instructions before whatever system blocks there are.
func (d *requestDecoder) instructions(v gjson.Result) {
	switch {
	case v.IsArray(): // a list of items, as the API echoes prompts
		v.ForEach(func(_, item gjson.Result) bool {
			d.r.System = append(d.r.System, d.parts("instructions", item.Get("content"))...)
			return true
		})
	default:
		if s := d.str("instructions", v); s != "" {
			d.r.System = append(d.r.System, llm.Block{Text: s})
		}
	}
}

func (d *requestDecoder) reasoning(v gjson.Result) {
	if !d.object("reasoning", v) {
		return
	}
	out := &llm.Reasoning{}
	v.ForEach(func(k, v gjson.Result) bool {
		switch k.Str {
		case "effort":
			out.Effort = d.str("reasoning.effort", v)
		case "summary":
			out.Display = d.str("reasoning.summary", v)
		case "generate_summary":
			if out.Display == "" {
				out.Display = d.str("reasoning.generate_summary", v)
			}
		}
		return true
	})
	d.r.Reasoning = out
}

func (d *requestDecoder) text(v gjson.Result) {
	if !d.object("text", v) {
		return
	}
	v.ForEach(func(k, v gjson.Result) bool {
		switch k.Str {
		case "verbosity":
			d.r.Verbosity = d.str("text.verbosity", v)
		case "format":
			d.format(v)
		}
		return true
	})
}

func (d *requestDecoder) format(v gjson.Result) {
	if !d.object("text.format", v) {
		return
	}
	kind := v.Get("type").Str
	if kind != "json_object" && kind != "json_schema" {
		return
	}
	f := &llm.Format{Kind: kind, Name: v.Get("name").Str}
	if s := v.Get("schema"); s.IsObject() {
		f.Schema = wire.Raw(s.Raw)
	}
	f.Strict = d.boolean("text.format.strict", v.Get("strict"))
	d.r.Format = f
}
