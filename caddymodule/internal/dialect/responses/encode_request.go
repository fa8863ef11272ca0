package responses

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/dialect/wire"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/tidwall/gjson"
)

// minOutput is the least max_output_tokens OpenAI takes.
const minOutput = 16

// EncodeRequest writes r for a Responses upstream. Requests of other dialects
// are stateless, so they ask not to be stored and, if the model shall think,
// for the encrypted reasoning the next turn has to bring back.
func (Responses) EncodeRequest(r *llm.Request, t *dialect.Target) ([]byte, []string, error) {
	if err := dialect.Unsayable(r, llm.Responses); err != nil {
		return nil, nil, err
	}
	e := &requestEncoder{Fields: dialect.NewFields(t.Policy, dialect.SizeHint(r)), r: r, own: ownRequest(r)}
	e.Str("model", t.ModelFor(r))
	e.instructions()
	if e.Open("input") {
		e.input()
	}
	e.toolChoice(e.tools())
	e.sampling()
	e.reasoning()
	e.text()
	e.labels()
	e.extra()
	if e.fault != nil {
		return nil, e.Dropped, e.fault
	}
	return e.Close()
}

type requestEncoder struct {
	*dialect.Fields
	r     *llm.Request
	own   bool // r came in this dialect
	fault *llm.Error
	// customs holds the ids of calls with raw text, whose outputs are of
	// another type than those of functions.
	customs map[string]bool
}

// ownRequest reports whether r was decoded from this dialect.
func ownRequest(r *llm.Request) bool { return r.Extra.From == llm.Responses }

// instructions writes the system blocks up to the first that was an item of
// its own.
func (e *requestEncoder) instructions() {
	text := dialect.SystemText(e.r.System[:e.systemItems()])
	if f := e.r.Format; f != nil && f.Kind == "json_schema" && e.Policy().NoSchema {
		text = strings.TrimSpace(text + "\n\n" + dialect.SchemaPrompt(f))
	}
	e.Str("instructions", text)
}

// systemItems is the index of the first system block that begins an item.
func (e *requestEncoder) systemItems() int {
	for i := range e.r.System {
		if field(&e.r.System[i].Extra, roleField) != nil {
			return i
		}
	}
	return len(e.r.System)
}

func (e *requestEncoder) sampling() {
	r, p := e.r, e.Policy()
	if n := r.MaxTokens; n > 0 && e.Open("max_output_tokens") {
		if p.MaxOutput > 0 {
			n = min(n, p.MaxOutput)
		}
		e.Buf = strconv.AppendInt(e.Buf, int64(max(n, minOutput)), 10)
	}
	if r.Temperature != nil && e.Open("temperature") {
		v := *r.Temperature
		if p.Temperature > 0 {
			v = min(v, p.Temperature)
		}
		e.Buf = strconv.AppendFloat(e.Buf, v, 'g', -1, 64)
	}
	if r.TopP != nil && e.Open("top_p") {
		e.Buf = strconv.AppendFloat(e.Buf, *r.TopP, 'g', -1, 64)
	}
	if r.TopK != nil {
		e.Drop("top_k")
	}
	if len(r.Stop) > 0 {
		e.Drop("stop")
	}
	if r.Parallel != nil && e.Open("parallel_tool_calls") {
		e.Buf = strconv.AppendBool(e.Buf, *r.Parallel)
	}
	if r.Stream && e.Open("stream") {
		e.Buf = append(e.Buf, "true"...)
	}
}

func (e *requestEncoder) reasoning() {
	r := e.r.Reasoning
	if r == nil {
		return
	}
	effort := dialect.NearestEffort(dialect.Effort(r), e.Policy().Efforts)
	summary := r.Display
	if !e.own {
		summary = ""
		if thinks(r) && r.Display != "omitted" {
			summary = "auto"
		}
	}
	if effort == "" && summary == "" || !e.Open("reasoning") {
		return
	}
	e.Buf = append(e.Buf, '{')
	e.Buf = wire.StrIf(e.Buf, "effort", effort)
	e.Buf = wire.StrIf(e.Buf, "summary", summary)
	e.Buf = append(e.Buf, '}')
}

// thinks reports whether r asks for thinking, and to see it.
func thinks(r *llm.Reasoning) bool {
	return r != nil && (r.Mode == "enabled" || r.Mode == "adaptive")
}

func (e *requestEncoder) text() {
	f := e.r.Format
	if f == nil && e.r.Verbosity == "" || !e.Open("text") {
		return
	}
	e.Buf = append(e.Buf, '{')
	if f != nil {
		e.Buf = append(wire.Key(e.Buf, "format"), '{')
		e.format(f)
		e.Buf = append(e.Buf, '}')
	}
	e.Buf = wire.StrIf(e.Buf, "verbosity", e.r.Verbosity)
	e.Buf = append(e.Buf, '}')
}

func (e *requestEncoder) format(f *llm.Format) {
	if f.Kind != "json_schema" || e.Policy().NoSchema {
		e.Buf = wire.Str(e.Buf, "type", "json_object")
		return
	}
	name := f.Name
	if name == "" {
		name = "output"
	}
	e.Buf = wire.Str(e.Buf, "type", "json_schema")
	e.Buf = wire.Str(e.Buf, "name", name)
	if len(f.Schema) > 0 {
		e.Buf = wire.RawMember(e.Buf, "schema", f.Schema)
	}
	if f.Strict != nil {
		e.Buf = wire.Bool(e.Buf, "strict", *f.Strict)
	}
}

// labels writes what names the request. A user id of Anthropic's holds device
// ids and goes to nobody else; its session serves as the cache key.
func (e *requestEncoder) labels() {
	r := e.r
	openAI := e.own || r.Extra.From == llm.OpenAI
	if len(r.Metadata) > 0 && openAI {
		e.Raw("metadata", r.Metadata)
	}
	e.Str("service_tier", e.tier())
	e.Str("previous_response_id", r.PreviousID)
	if r.User != "" && openAI && field(&r.Extra, "safety_identifier") == nil {
		e.Str("user", r.User)
	} else if r.User != "" && !openAI {
		e.Drop("user")
	}
	if key := r.CacheKey; key != "" {
		e.Str("prompt_cache_key", key)
	} else if key := sessionOf(r.User); key != "" {
		e.Str("prompt_cache_key", key)
	}
}

// tier is the service tier, if it means the same here.
func (e *requestEncoder) tier() string {
	if tier := e.r.ServiceTier; tier != "standard_only" {
		return tier
	}
	return "default"
}

// sessionOf reads the session out of Claude Code's user id: a JSON object with
// session_id, or, before that, user_…_session_….
func sessionOf(user string) string {
	if strings.HasPrefix(user, "{") {
		return gjson.Get(user, "session_id").Str
	}
	if _, session, ok := strings.Cut(user, "_session_"); ok && strings.HasPrefix(user, "user_") {
		return session
	}
	return ""
}

// sharedWithChat are members that mean the same in Chat requests.
var sharedWithChat = [...]string{
	"store", "safety_identifier", "prompt_cache_retention", "prompt_cache_options", "moderation", "top_logprobs",
}

// extra writes the members nothing above has written: all of this dialect's
// own, those shared with Chat, and the defaults of a stateless request.
func (e *requestEncoder) extra() {
	x := &e.r.Extra
	if e.own {
		e.Extra(x, llm.Responses)
		return
	}
	stored := false
	for _, f := range x.Fields {
		if x.From == llm.OpenAI && slices.Contains(sharedWithChat[:], f.Key) {
			stored = stored || f.Key == "store"
			e.Raw(f.Key, f.Value)
		} else {
			e.Drop(f.Key)
		}
	}
	if !stored {
		e.Raw("store", json.RawMessage("false"))
	}
	if thinks(e.r.Reasoning) || e.r.Reasoning != nil && e.r.Reasoning.Effort != "none" && e.r.Reasoning.Mode == "" {
		e.Raw("include", json.RawMessage(`["reasoning.encrypted_content"]`))
	}
}
