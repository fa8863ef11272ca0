package anthropic

import (
	"slices"
	"strconv"
	"strings"

	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/dialect/repair"
	"github.com/aimux/aimux/caddymodule/internal/dialect/wire"
	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// defaultMaxTokens is asked for when the client said nothing: Messages demands
// a value, and a small one would cut answers. A policy's MaxOutput caps it.
const defaultMaxTokens = 32000

// EncodeRequest writes r for a target that speaks Messages.
func (Messages) EncodeRequest(r *llm.Request, t *dialect.Target) ([]byte, []string, error) {
	e := &requestEncoder{Fields: dialect.NewFields(t.Policy, dialect.SizeHint(r)), r: r, target: t}
	if err := dialect.Unsayable(r, llm.Anthropic); err != nil {
		return nil, nil, err
	}
	e.messages = repair.History(r.Messages, repair.Options{
		Merge: true, UserFirst: true, KeepThinking: e.keepThinking, SystemAsUser: e.Policy().SystemFirst || !e.Policy().Genuine,
	})
	e.Str("model", t.ModelFor(r))
	e.maxTokens()
	e.system()
	e.writeMessages()
	e.tools()
	e.sampling()
	e.thinking()
	e.outputConfig()
	e.identity()
	e.extra()
	if r.Stream && e.Open("stream") {
		e.Buf = append(e.Buf, "true"...)
	}
	if e.err != nil {
		return nil, e.Dropped, e.err
	}
	return e.Close()
}

type requestEncoder struct {
	*dialect.Fields
	r        *llm.Request
	target   *dialect.Target
	messages []llm.Message
	max      int
	last     bool // the newest message is being written
	err      error
}

// keepThinking lets thinking through that a Messages provider signed.
func (e *requestEncoder) keepThinking(b *llm.Block) bool {
	if b.Redacted != "" {
		return e.Policy().Genuine && b.Extra.From != llm.Responses
	}
	return b.Signature != "" && !dialect.IsOwnSignature(b.Signature)
}

func (e *requestEncoder) maxTokens() {
	e.max = e.r.MaxTokens
	if e.max == 0 {
		e.max = defaultMaxTokens
	}
	if limit := e.Policy().MaxOutput; limit > 0 {
		e.max = min(e.max, limit)
	}
	if e.Open("max_tokens") {
		e.Buf = strconv.AppendInt(e.Buf, int64(e.max), 10)
	}
}

// system writes the system blocks with their cache marks; the attribution
// block only to Anthropic itself.
func (e *requestEncoder) system() {
	blocks := make([]llm.Block, 0, len(e.r.System)+1)
	for i := range e.r.System {
		b := &e.r.System[i]
		if b.Kind != llm.KindText || b.Text == "" || dialect.IsAttribution(b) && !e.Policy().Genuine {
			continue
		}
		blocks = append(blocks, *b)
	}
	if f := e.r.Format; f != nil && (f.Kind == "json_object" || e.Policy().NoSchema) {
		blocks = append(blocks, llm.Block{Kind: llm.KindText, Text: dialect.SchemaPrompt(f)})
	}
	if len(blocks) > 0 && e.Open("system") {
		e.content(blocks)
	}
}

func (e *requestEncoder) writeMessages() {
	if !e.Open("messages") {
		return
	}
	e.Buf = append(e.Buf, '[')
	for i := range e.messages {
		m := &e.messages[i]
		e.last = i == len(e.messages)-1
		e.Buf = append(wire.Comma(e.Buf), '{')
		e.Buf = wire.Str(e.Buf, "role", string(m.Role))
		if m.Extra.From == llm.Anthropic {
			for _, f := range m.Extra.Fields {
				e.Buf = wire.RawMember(e.Buf, f.Key, f.Value)
			}
		}
		e.Buf = wire.Key(e.Buf, "content")
		e.content(m.Blocks)
		e.Buf = append(e.Buf, '}')
	}
	e.Buf = append(e.Buf, ']')
}

// sampling writes what steers the choice of tokens. Messages refuses stop
// sequences of white space alone.
func (e *requestEncoder) sampling() {
	r, p := e.r, e.Policy()
	if r.Temperature != nil && !e.thinkingImplied() && e.Open("temperature") {
		most := 1.0
		if p.Temperature > 0 {
			most = min(most, p.Temperature)
		}
		e.Buf = strconv.AppendFloat(e.Buf, min(*r.Temperature, most), 'g', -1, 64)
	}
	if r.TopP != nil && e.Open("top_p") {
		e.Buf = strconv.AppendFloat(e.Buf, *r.TopP, 'g', -1, 64)
	}
	if r.TopK != nil && e.Open("top_k") {
		e.Buf = strconv.AppendInt(e.Buf, int64(*r.TopK), 10)
	}
	stop := slices.DeleteFunc(slices.Clone(r.Stop), func(s string) bool { return strings.TrimSpace(s) == "" })
	if p.MaxStop > 0 && len(stop) > p.MaxStop {
		stop = stop[:p.MaxStop]
	}
	if len(stop) < len(r.Stop) {
		e.Drop("stop_sequences")
	}
	if len(stop) > 0 && e.Open("stop_sequences") {
		e.Buf = dialect.AppendStrings(e.Buf, stop)
	}
}

// identity writes who is asking: only to Anthropic itself, since user ids
// hold device and account ids.
func (e *requestEncoder) identity() {
	r := e.r
	switch {
	case len(r.Metadata) == 0 && r.User == "":
	case !e.Policy().Genuine && len(r.Metadata) > 0:
		e.Drop("metadata")
	case !e.Policy().Genuine:
		e.Drop("user")
	case r.Extra.From == llm.Anthropic:
		e.Raw("metadata", r.Metadata)
	case r.User != "" && e.Open("metadata"):
		e.Buf = append(wire.Str(append(e.Buf, '{'), "user_id", r.User), '}')
	}
	switch {
	case r.ServiceTier == "":
	case r.ServiceTier == "auto" || r.ServiceTier == "standard_only":
		e.Str("service_tier", r.ServiceTier)
	default:
		e.Drop("service_tier")
	}
}

func (e *requestEncoder) extra() {
	x := e.r.Extra
	if x.From != llm.Anthropic {
		e.Extra(&x, llm.Anthropic)
		return
	}
	for _, f := range x.Fields {
		if !strings.HasPrefix(f.Key, outputConfigKey) {
			e.Raw(f.Key, f.Value)
		}
	}
}
