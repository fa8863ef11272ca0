package openai

import (
	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/dialect/wire"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/tidwall/gjson"
)

// DecodeRequest reads a client's request. The result shares memory with body.
func (Chat) DecodeRequest(body []byte) (*llm.Request, error) {
	root, err := wire.Parse(body)
	if err != nil {
		return nil, dialect.Invalid("", "the request body is "+err.Error())
	}
	d := requestDecoder{r: &llm.Request{Extra: llm.Extra{From: llm.OpenAI}}}
	c := wire.NewCursor(root.Raw)
	for key := range c.Members() {
		switch {
		case key == "messages":
			d.messages(c)
		case c.Kind() != 'n':
			d.field(key, c.Result())
		}
	}
	if d.err != nil {
		return nil, d.err
	}
	return d.r, nil
}

type requestDecoder struct {
	r   *llm.Request
	err *llm.Error
}

// fail keeps the first complaint.
func (d *requestDecoder) fail(param, message string) {
	if d.err == nil {
		d.err = dialect.Invalid(param, param+": "+message)
	}
}

func (d *requestDecoder) field(key string, v gjson.Result) {
	r := d.r
	switch key {
	case "model":
		r.Model = v.Str
	case "tools":
		d.tools(v)
	case "tool_choice":
		r.ToolChoice = decodeToolChoice(v)
	case "functions":
		d.functions(v)
	case "function_call":
		r.ToolChoice = decodeFunctionCall(v)
	case "max_completion_tokens", "max_tokens":
		r.MaxTokens = max(r.MaxTokens, count(v))
	case "stream":
		r.Stream = v.Bool()
	case "stream_options":
		r.IncludeUsage = v.Get("include_usage").Bool()
	default:
		d.option(key, v)
	}
}

// option reads the members that tune an answer.
func (d *requestDecoder) option(key string, v gjson.Result) {
	r := d.r
	switch key {
	case "temperature":
		r.Temperature = dialect.Number(v)
	case "top_p":
		r.TopP = dialect.Number(v)
	case "top_k":
		if v.Type == gjson.Number {
			k := int(v.Int())
			r.TopK = &k
		}
	case "stop":
		r.Stop = dialect.Strings(v)
	case "response_format":
		r.Format = decodeFormat(v)
	case "reasoning_effort":
		d.reasoning().Effort = v.Str
	case "reasoning":
		d.reasoning().Effort = v.Get("effort").Str
		r.Reasoning.Budget = count(v.Get("max_tokens"))
	case "thinking":
		d.reasoning().Mode = v.Get("type").Str
	case "parallel_tool_calls":
		parallel := v.Bool()
		r.Parallel = &parallel
	default:
		d.identity(key, v)
	}
}

// identity reads the members that say who asks, and keeps unknown ones.
func (d *requestDecoder) identity(key string, v gjson.Result) {
	r := d.r
	switch key {
	case "verbosity":
		r.Verbosity = v.Str
	case "service_tier":
		r.ServiceTier = v.Str
	case "prompt_cache_key":
		r.CacheKey = v.Str
	case "user":
		r.User = v.Str
	case "metadata":
		r.Metadata = wire.Raw(v.Raw)
	default:
		r.Extra.Fields = append(r.Extra.Fields, llm.Field{Key: wire.KeyText(key), Value: wire.Raw(v.Raw)})
	}
}

func (d *requestDecoder) reasoning() *llm.Reasoning {
	if d.r.Reasoning == nil {
		d.r.Reasoning = &llm.Reasoning{}
	}
	return d.r.Reasoning
}

func decodeFormat(v gjson.Result) *llm.Format {
	switch kind := v.Get("type").Str; kind {
	case "json_object":
		return &llm.Format{Kind: kind}
	case "json_schema":
		s := v.Get("json_schema")
		f := &llm.Format{Kind: kind, Name: s.Get("name").Str, Schema: wire.Raw(s.Get("schema").Raw)}
		f.Strict = boolean(s.Get("strict"))
		return f
	}
	return nil
}

// boolean is a JSON boolean, or nil for anything else.
func boolean(v gjson.Result) *bool {
	if v.Type != gjson.True && v.Type != gjson.False {
		return nil
	}
	b := v.Bool()
	return &b
}

func (d *requestDecoder) tools(v gjson.Result) {
	v.ForEach(func(_, t gjson.Result) bool {
		if t.IsObject() {
			d.r.Tools = append(d.r.Tools, decodeTool(t))
		}
		return true
	})
}

func decodeTool(v gjson.Result) llm.Tool {
	from := llm.Extra{From: llm.OpenAI}
	switch v.Get("type").Str {
	case "function", "":
		return decodeFunction(v.Get("function"))
	case "custom":
		c := v.Get("custom")
		t := llm.Tool{Kind: llm.ToolCustom, Name: c.Get("name").Str, Description: c.Get("description").Str, Extra: from}
		if g := c.Get("format.grammar"); g.IsObject() {
			t.Grammar = &llm.Grammar{Syntax: g.Get("syntax").Str, Definition: g.Get("definition").Str}
		}
		return t
	}
	return llm.Tool{Kind: llm.ToolServer, Raw: wire.Raw(v.Raw), Extra: from}
}

func decodeFunction(f gjson.Result) llm.Tool {
	return llm.Tool{
		Name: f.Get("name").Str, Description: f.Get("description").Str,
		Schema: wire.Raw(f.Get("parameters").Raw), Strict: boolean(f.Get("strict")),
		Extra: llm.Extra{From: llm.OpenAI},
	}
}

// functions reads the tools of the time before tools.
func (d *requestDecoder) functions(v gjson.Result) {
	v.ForEach(func(_, f gjson.Result) bool {
		d.r.Tools = append(d.r.Tools, decodeFunction(f))
		return true
	})
}

func decodeFunctionCall(v gjson.Result) *llm.ToolChoice {
	if v.IsObject() {
		return &llm.ToolChoice{Mode: "tool", Name: v.Get("name").Str}
	}
	return decodeToolChoice(v)
}

func decodeToolChoice(v gjson.Result) *llm.ToolChoice {
	if v.Type == gjson.String {
		return modeChoice(v.Str)
	}
	switch v.Get("type").Str {
	case "function":
		return &llm.ToolChoice{Mode: "tool", Name: v.Get("function.name").Str}
	case "custom":
		return &llm.ToolChoice{Mode: "tool", Name: v.Get("custom.name").Str}
	case "allowed_tools":
		allowed := v.Get("allowed_tools")
		c := modeChoice(allowed.Get("mode").Str)
		if c == nil {
			c = &llm.ToolChoice{Mode: "auto"}
		}
		allowed.Get("tools").ForEach(func(_, t gjson.Result) bool {
			c.Allowed = append(c.Allowed, t.Get("function.name").Str+t.Get("custom.name").Str)
			return true
		})
		return c
	}
	return nil
}

func modeChoice(mode string) *llm.ToolChoice {
	switch mode {
	case "auto", "none":
		return &llm.ToolChoice{Mode: mode}
	case "required":
		return &llm.ToolChoice{Mode: "any"}
	}
	return nil
}
