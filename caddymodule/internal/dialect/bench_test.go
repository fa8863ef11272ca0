package dialect_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/dialect/wire"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/aimux/aimux/caddymodule/internal/sse"
	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/tidwall/gjson"
)

// claudeCode is a request as Claude Code sends it late in a session, of about
// the given size: tools and system first, then turns of calls and results.
func claudeCode(size int) []byte {
	var b bytes.Buffer
	b.WriteString(`{"model":"my-model","max_tokens":32000,"stream":true,"thinking":{"type":"adaptive","display":"omitted"},"system":[`)
	fmt.Fprintf(&b, `{"type":"text","text":%q,"cache_control":{"type":"ephemeral"}}],"tools":[`, strings.Repeat("You are careful.\n", size/60/18+1))
	for i := range 20 {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"name":"Tool%d","description":%q,"input_schema":{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object","properties":{"path":{"type":"string","description":"a path"},"n":{"type":"integer","minimum":0}},"required":["path"],"additionalProperties":false}}`,
			i, strings.Repeat("Does a thing with \"files\".\n", size/40/28/10+1))
	}
	b.WriteString(`],"messages":[{"role":"user","content":[{"type":"text","text":"<system-reminder>x</system-reminder>"},{"type":"text","text":"fix it"}]}`)
	for i := 0; b.Len() < size; i++ {
		fmt.Fprintf(&b, `,{"role":"assistant","content":[{"type":"thinking","thinking":"","signature":"EqkBCkYIARgC"},{"type":"text","text":"I look at file %d."},{"type":"tool_use","id":"toolu_%d","name":"Tool1","input":{"path":"/src/file%d.go","n":%d}}]}`, i, i, i, i)
		fmt.Fprintf(&b, `,{"role":"user","content":[{"tool_use_id":"toolu_%d","type":"tool_result","content":%q}]}`, i,
			strings.Repeat(fmt.Sprintf("%d\tfunc f(s string) { return \"<%d>\" } // größer\n", i, i), 12))
	}
	b.WriteString(`]}`)
	return b.Bytes()
}

func sizes(b *testing.B, run func(b *testing.B, body []byte)) {
	for _, size := range []int{1 << 10, 200 << 10} {
		body := claudeCode(size)
		b.Run(fmt.Sprintf("%dKB", len(body)>>10), func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			run(b, body)
		})
	}
}

func BenchmarkTranslateRequest(b *testing.B) {
	target := &dialect.Target{Model: "m", Policy: &dialect.Policy{}}
	for _, to := range names {
		b.Run("anthropic-to-"+string(to), func(b *testing.B) {
			sizes(b, func(b *testing.B, body []byte) {
				for b.Loop() {
					r, err := dialects.Get(llm.Anthropic).DecodeRequest(body)
					if err != nil {
						b.Fatal(err)
					}
					if _, _, err := dialects.Get(to).EncodeRequest(r, target); err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
}

func BenchmarkDecodeRequest(b *testing.B) {
	sizes(b, func(b *testing.B, body []byte) {
		for b.Loop() {
			if _, err := dialects.Get(llm.Anthropic).DecodeRequest(body); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkApplyPolicy(b *testing.B) {
	p := &dialect.Policy{Drop: []string{"thinking"}, MaxOutput: 1000, Genuine: true}
	sizes(b, func(b *testing.B, body []byte) {
		for b.Loop() {
			if _, _, err := dialect.ApplyPolicy(body, llm.Anthropic, p); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// The yardsticks: what only reading the same bytes costs, by library. The
// types say as much as a translator needs, contents kept raw where they can be.
type (
	yardRequest struct {
		Model    string
		System   json.RawMessage
		Tools    []yardTool
		Messages []yardMessage
	}
	yardTool struct {
		Name, Description string
		Schema            json.RawMessage `json:"input_schema"`
	}
	yardMessage struct {
		Role    string
		Content []yardBlock
	}
	yardBlock struct {
		Type, Text, Thinking, Signature, ID, Name string
		ToolUseID                                 string `json:"tool_use_id"`
		Input, Content                            json.RawMessage
	}
)

func BenchmarkYardstick(b *testing.B) {
	for _, y := range []struct {
		name string
		read func(body []byte) error
	}{
		{"encodingjson-typed", func(body []byte) error { return json.Unmarshal(body, new(yardRequest)) }},
		{"encodingjson-any", func(body []byte) error { return json.Unmarshal(body, new(any)) }},
		{"jsonv2-typed", func(body []byte) error {
			return jsonv2.Unmarshal(body, new(yardRequest), jsonv2.MatchCaseInsensitiveNames(true))
		}},
		{"jsontext-valid", func(body []byte) error { jsontext.Value(body).IsValid(); return nil }},
		{"gjson-valid", func(body []byte) error { gjson.ValidBytes(body); return nil }},
		{"wire-parse", func(body []byte) error { _, err := wire.Parse(body); return err }},
	} {
		b.Run(y.name, func(b *testing.B) {
			sizes(b, func(b *testing.B, body []byte) {
				for b.Loop() {
					if err := y.read(body); err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
}

// BenchmarkTranslateStream is the cost of one event of an answer of 1000 text
// deltas, decoded and encoded.
func BenchmarkTranslateStream(b *testing.B) {
	deltas := map[llm.Dialect]string{
		llm.Anthropic: `{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":" word, and \"more\"\n"}}`,
		llm.OpenAI:    `{"id":"chatcmpl-123","object":"chat.completion.chunk","created":1790000000,"model":"glm-5.2","choices":[{"index":0,"delta":{"content":" word, and \"more\"\n"},"finish_reason":null}]}`,
	}
	for from, data := range deltas {
		for _, to := range names {
			b.Run(fmt.Sprintf("%s-to-%s", from, to), func(b *testing.B) {
				ev := &sse.Event{Data: []byte(data)}
				if from == llm.Anthropic {
					ev.Type = []byte("content_block_delta")
				}
				var dec dialect.StreamDecoder
				var enc dialect.StreamEncoder
				var events []llm.Event
				var out []byte
				b.ReportAllocs()
				for i := 0; b.Loop(); i++ {
					if i%1000 == 0 {
						dec, enc = dialects.Get(from).NewStreamDecoder(), dialects.Get(to).NewStreamEncoder(&llm.Request{Model: "m"})
					}
					events, _ = dec.Decode(events[:0], ev)
					out = out[:0]
					for j := range events {
						out = enc.Encode(out, &events[j])
					}
				}
			})
		}
		b.Run(fmt.Sprintf("yardstick-encodingjson-%s", from), func(b *testing.B) {
			var chunk struct {
				ID, Model, Type string
				Delta           struct{ Type, Text string }
				Choices         []struct {
					Delta struct{ Content string }
				}
			}
			b.ReportAllocs()
			for b.Loop() {
				if err := json.Unmarshal([]byte(data), &chunk); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
