package openai

import (
	"slices"
	"strconv"

	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/dialect/repair"
	"github.com/aimux/aimux/caddymodule/internal/dialect/wire"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/tidwall/gjson"
)

// EncodeRequest writes r for a target that speaks Chat Completions.
func (Chat) EncodeRequest(r *llm.Request, t *dialect.Target) ([]byte, []string, error) {
	e := &requestEncoder{Fields: dialect.NewFields(t.Policy, dialect.SizeHint(r)), r: r, target: t}
	if err := dialect.Unsayable(r, llm.OpenAI); err != nil {
		return nil, nil, err
	}
	e.Str("model", t.ModelFor(r))
	e.messages(repair.History(r.Messages, repair.Options{
		Merge: true, KeepThinking: e.keepThinking, SystemAsUser: e.Policy().SystemFirst,
	}))
	e.tools()
	e.limits()
	e.sampling()
	e.reasoning()
	e.format()
	e.identity()
	e.Extra(&r.Extra, llm.OpenAI)
	if e.err != nil {
		return nil, e.Dropped, e.err
	}
	return e.Close()
}

type requestEncoder struct {
	*dialect.Fields
	r      *llm.Request
	target *dialect.Target
	last   bool // the newest turn is being written
	err    error
}

// keepThinking lets reasoning text through if the upstream wants it back, but
// not what Anthropic thought and signed.
func (e *requestEncoder) keepThinking(b *llm.Block) bool {
	if e.Policy().Reasoning == "" || b.Text == "" {
		return false
	}
	return b.Signature == "" || dialect.IsOwnSignature(b.Signature)
}

func (e *requestEncoder) refuse(err *llm.Error) {
	if e.err == nil {
		e.err = err
	}
}

// limits writes the token limit, the stop sequences and the form of delivery.
func (e *requestEncoder) limits() {
	r, p := e.r, e.Policy()
	limit := r.MaxTokens
	if p.MaxOutput > 0 && limit > 0 {
		limit = min(limit, p.MaxOutput)
	}
	if limit > 0 && e.Open("max_completion_tokens") {
		e.Buf = strconv.AppendInt(e.Buf, int64(limit), 10)
	}
	stop := r.Stop
	if p.MaxStop > 0 && len(stop) > p.MaxStop {
		stop = stop[:p.MaxStop]
		e.Drop("stop_sequences")
	}
	if len(stop) > 0 && e.Open("stop") {
		e.Buf = dialect.AppendStrings(e.Buf, stop)
	}
	if r.Stream {
		e.Raw("stream", []byte("true"))
		e.quiet("stream_options", `{"include_usage":true}`)
	}
}

// quiet writes a member the client did not ask for: leaving it out drops
// nothing of the client's.
func (e *requestEncoder) quiet(key, raw string) {
	before := len(e.Dropped)
	e.Raw(key, []byte(raw))
	e.Dropped = e.Dropped[:before]
}

func (e *requestEncoder) sampling() {
	r, p := e.r, e.Policy()
	if r.Temperature != nil && e.Open("temperature") {
		t := *r.Temperature
		if p.Temperature > 0 {
			t = min(t, p.Temperature)
		}
		e.Buf = strconv.AppendFloat(e.Buf, t, 'g', -1, 64)
	}
	if r.TopP != nil && e.Open("top_p") {
		e.Buf = strconv.AppendFloat(e.Buf, *r.TopP, 'g', -1, 64)
	}
	if r.TopK != nil {
		if r.Extra.From == llm.OpenAI || slices.Contains(p.Allow, "top_k") {
			e.Raw("top_k", strconv.AppendInt(nil, int64(*r.TopK), 10))
		} else {
			e.Drop("top_k")
		}
	}
}

// reasoning writes how much to think, in the way the upstream knows.
func (e *requestEncoder) reasoning() {
	a := e.r.Reasoning
	if a == nil {
		return
	}
	effort := dialect.NearestEffort(dialect.Effort(a), e.Policy().Efforts)
	switch e.Policy().Thinking {
	case "effort":
		e.Str("reasoning_effort", effort)
	case "thinking":
		mode := "enabled"
		if effort == "none" {
			mode = "disabled"
		}
		e.Raw("thinking", []byte(`{"type":"`+mode+`"}`))
		if mode == "enabled" && len(e.Policy().Efforts) > 0 {
			e.Str("reasoning_effort", effort)
		}
	case "reasoning":
		if effort != "" && e.Open("reasoning") {
			e.Buf = append(wire.Str(append(e.Buf, '{'), "effort", effort), '}')
		}
	default:
		if effort != "" {
			e.Drop("thinking")
		}
	}
}

func (e *requestEncoder) format() {
	f := e.r.Format
	if f == nil {
		return
	}
	if f.Kind != "json_schema" || e.Policy().NoSchema {
		e.Raw("response_format", []byte(`{"type":"json_object"}`))
		return
	}
	if !e.Open("response_format") {
		return
	}
	name := f.Name
	if name == "" {
		name = "output"
	}
	e.Buf = wire.Str(append(e.Buf, `{"type":"json_schema","json_schema":{`...), "name", name)
	if len(f.Schema) > 0 {
		e.Buf = wire.RawMember(e.Buf, "schema", f.Schema)
	}
	if f.Strict != nil {
		e.Buf = wire.Bool(e.Buf, "strict", *f.Strict)
	}
	e.Buf = append(e.Buf, '}', '}')
}

// tiers are the service tiers of Chat.
var tiers = []string{"auto", "default", "flex", "priority", "scale"}

// identity writes tier, cache key and who asks. What an Anthropic client says
// about its user holds device and account ids and goes nowhere.
func (e *requestEncoder) identity() {
	r := e.r
	if slices.Contains(tiers, r.ServiceTier) && (r.ServiceTier != "auto" || r.Extra.From != llm.Anthropic) {
		e.Str("service_tier", r.ServiceTier)
	} else if r.ServiceTier != "" {
		e.Drop("service_tier")
	}
	e.Str("verbosity", r.Verbosity)
	e.cacheKey()
	if r.Extra.From == llm.Anthropic {
		if len(r.Metadata) > 0 {
			e.Drop("metadata")
		}
		return
	}
	e.Str("user", r.User)
	e.Raw("metadata", r.Metadata)
}

// cacheKey writes the client's key, or for OpenAI one made of the session.
func (e *requestEncoder) cacheKey() {
	key := e.r.CacheKey
	if key == "" && (e.target.Vendor == "openai" || slices.Contains(e.Policy().Allow, "prompt_cache_key")) {
		key = dialect.SessionID(e.r)
	}
	e.Str("prompt_cache_key", key)
}

func typeOf(raw []byte) string { return gjson.Get(wire.View(raw), "type").Str }
