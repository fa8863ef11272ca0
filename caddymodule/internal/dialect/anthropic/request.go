package anthropic

import (
	"encoding/json"

	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/dialect/wire"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/tidwall/gjson"
)

// DecodeRequest reads a client's request. The result shares memory with body.
func (Messages) DecodeRequest(body []byte) (*llm.Request, error) {
	root, err := wire.Parse(body)
	if err != nil {
		return nil, dialect.Invalid("", "the request body is "+err.Error())
	}
	d := requestDecoder{r: &llm.Request{Extra: llm.Extra{From: llm.Anthropic}}}
	c := wire.NewCursor(root.Raw)
	for key := range c.Members() {
		d.field(key, c)
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

// field reads the members that hold most of the bytes straight from the
// cursor, the others at leisure.
func (d *requestDecoder) field(key string, c *wire.Cursor) {
	switch key {
	case "system":
		d.r.System = d.blocks("system", c)
	case "messages":
		d.messages(c)
	default:
		d.setting(key, c.Result())
	}
}

func (d *requestDecoder) setting(key string, v gjson.Result) {
	r := d.r
	switch key {
	case "model":
		r.Model = v.Str
	case "max_tokens":
		r.MaxTokens = count(v)
	case "tools":
		d.tools(v)
	case "tool_choice":
		d.toolChoice(v)
	case "stop_sequences":
		r.Stop = dialect.Strings(v)
	case "stream":
		r.Stream = v.Bool()
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
	case "thinking":
		d.reasoning().Mode = v.Get("type").Str
		r.Reasoning.Budget = count(v.Get("budget_tokens"))
		r.Reasoning.Display = v.Get("display").Str
	case "output_config":
		d.outputConfig(v)
	case "output_format":
		r.Format = decodeFormat(v)
	case "metadata":
		r.Metadata, r.User = wire.Raw(v.Raw), v.Get("user_id").String()
	case "service_tier":
		r.ServiceTier = v.Str
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

// outputConfig reads effort and format; anything else in it is kept whole.
func (d *requestDecoder) outputConfig(v gjson.Result) {
	v.ForEach(func(k, m gjson.Result) bool {
		switch k.Str {
		case "effort":
			d.reasoning().Effort = m.Str
		case "format":
			d.r.Format = decodeFormat(m)
		default:
			d.r.Extra.Fields = append(d.r.Extra.Fields,
				llm.Field{Key: outputConfigKey + wire.KeyText(k.Str), Value: wire.Raw(m.Raw)})
		}
		return true
	})
}

// outputConfigKey marks the Extra fields that belong into output_config.
const outputConfigKey = "output_config."

func decodeFormat(v gjson.Result) *llm.Format {
	if v.Get("type").Str != "json_schema" {
		return nil
	}
	return &llm.Format{Kind: "json_schema", Name: v.Get("name").Str, Schema: wire.Raw(v.Get("schema").Raw)}
}

func (d *requestDecoder) messages(c *wire.Cursor) {
	if c.Kind() != '[' {
		d.fail("messages", "want an array")
	}
	for range c.Elements() {
		d.message(c)
	}
}

func (d *requestDecoder) message(c *wire.Cursor) {
	m := llm.Message{Extra: llm.Extra{From: llm.Anthropic}}
	for key := range c.Members() {
		switch key {
		case "role":
			m.Role = llm.Role(c.Str())
		case "content":
			m.Blocks = d.blocks("messages.content", c)
		default:
			m.Extra.Fields = append(m.Extra.Fields, llm.Field{Key: wire.KeyText(key), Value: wire.Raw(c.Raw())})
		}
	}
	switch m.Role {
	case llm.RoleUser, llm.RoleAssistant, llm.RoleSystem:
		d.r.Messages = append(d.r.Messages, m)
	default:
		d.fail("messages.role", "unknown role "+string(m.Role))
	}
}

func (d *requestDecoder) tools(v gjson.Result) {
	v.ForEach(func(_, t gjson.Result) bool {
		if t.IsObject() {
			d.r.Tools = append(d.r.Tools, decodeTool(t))
		}
		return true
	})
}

// decodeTool reads a function tool; a tool with a dated type is the
// provider's own and stays whole.
func decodeTool(v gjson.Result) llm.Tool {
	if kind := v.Get("type").Str; kind != "" && kind != "custom" {
		return llm.Tool{Kind: llm.ToolServer, Name: v.Get("name").Str, Raw: wire.Raw(v.Raw),
			Extra: llm.Extra{From: llm.Anthropic}}
	}
	t := llm.Tool{Extra: llm.Extra{From: llm.Anthropic}}
	v.ForEach(func(k, f gjson.Result) bool {
		switch k.Str {
		case "name":
			t.Name = f.Str
		case "description":
			t.Description = f.Str
		case "input_schema":
			t.Schema = wire.Raw(f.Raw)
		case "strict":
			strict := f.Bool()
			t.Strict = &strict
		case "cache_control":
			t.Cache = decodeCache(f)
		default:
			t.Extra.Fields = append(t.Extra.Fields, llm.Field{Key: wire.KeyText(k.Str), Value: wire.Raw(f.Raw)})
		}
		return true
	})
	return t
}

func (d *requestDecoder) toolChoice(v gjson.Result) {
	if v.Get("disable_parallel_tool_use").Bool() {
		parallel := false
		d.r.Parallel = &parallel
	}
	if mode := v.Get("type").Str; mode != "" {
		d.r.ToolChoice = &llm.ToolChoice{Mode: mode, Name: v.Get("name").Str}
	}
}

func decodeCache(v gjson.Result) *llm.Cache {
	if !v.IsObject() {
		return nil
	}
	return &llm.Cache{TTL: v.Get("ttl").Str}
}

// rawOr is raw, or otherwise if there is none.
func rawOr(raw json.RawMessage, otherwise string) string {
	if len(raw) == 0 {
		return otherwise
	}
	return wire.View(raw)
}
