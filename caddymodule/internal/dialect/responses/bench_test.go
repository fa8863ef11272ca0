package responses

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/aimux/aimux/caddymodule/internal/sse"
)

// bigRequest is a Codex conversation of about 200 KB.
func bigRequest() []byte {
	var sb strings.Builder
	sb.WriteString(`{"model":"coder","stream":true,"store":false,"include":["reasoning.encrypted_content"],"tools":[`)
	for i := range 20 {
		fmt.Fprintf(&sb, `{"type":"function","name":"tool_%d","description":"%s","strict":false,"parameters":{"type":"object","properties":{"a":{"type":"string"}}}},`, i, strings.Repeat("words ", 100))
	}
	sb.WriteString(`{"type":"web_search"}],"input":[{"type":"message","role":"developer","content":[{"type":"input_text","text":"` + strings.Repeat("do this. ", 2000) + `"}]}`)
	for i := range 120 {
		fmt.Fprintf(&sb, `,{"type":"message","role":"user","content":[{"type":"input_text","text":"%s"}]}`, strings.Repeat("ask\\n", 60))
		fmt.Fprintf(&sb, `,{"type":"function_call","id":"fc_%d","call_id":"call_%d","name":"tool_1","arguments":"{\"a\":\"%d\"}"}`, i, i, i)
		fmt.Fprintf(&sb, `,{"type":"function_call_output","call_id":"call_%d","output":"%s"}`, i, strings.Repeat("line of output\\n", 50))
	}
	sb.WriteString(`]}`)
	return []byte(sb.String())
}

func BenchmarkRequest200KB(b *testing.B) {
	body := bigRequest()
	r, err := testDialect.DecodeRequest(body)
	if err != nil {
		b.Fatal(err)
	}
	foreign := *r
	foreign.Extra.From = llm.Anthropic
	b.Run("decode", func(b *testing.B) {
		b.SetBytes(int64(len(body)))
		b.ReportAllocs()
		for b.Loop() {
			if _, err := testDialect.DecodeRequest(body); err != nil {
				b.Fatal(err)
			}
		}
	})
	for name, r := range map[string]*llm.Request{"encode own": r, "encode foreign": &foreign} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := testDialect.EncodeRequest(r, openTarget); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("yardstick: encoding/json Unmarshal", func(b *testing.B) {
		b.SetBytes(int64(len(body)))
		b.ReportAllocs()
		for b.Loop() {
			var v any
			if err := json.Unmarshal(body, &v); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkInspect(b *testing.B) {
	for name, data := range map[string]string{
		"delta":     `{"type":"response.output_text.delta","sequence_number":10,"item_id":"msg_1","output_index":0,"content_index":0,"delta":" and some words","logprobs":[]}`,
		"completed": `{"type":"response.completed","response":` + providerAnswer + `}`,
	} {
		ev := &sse.Event{Type: []byte("response.output_text.delta"), Data: []byte(data)}
		if name == "completed" {
			ev.Type = []byte(evCompleted)
		}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				testDialect.Inspect(ev)
			}
		})
	}
}

func BenchmarkStreamDecoder(b *testing.B) {
	ev := &sse.Event{Type: []byte("response.output_text.delta"),
		Data: []byte(`{"type":"response.output_text.delta","sequence_number":10,"item_id":"msg_1","output_index":0,"content_index":0,"delta":" and some words","logprobs":[]}`)}
	b.Run("delta", func(b *testing.B) {
		dec := testDialect.NewStreamDecoder()
		var events []llm.Event
		b.ReportAllocs()
		for b.Loop() {
			var err error
			if events, err = dec.Decode(events[:0], ev); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("yardstick: encoding/json Unmarshal", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var v any
			if err := json.Unmarshal(ev.Data, &v); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkStreamEncoder(b *testing.B) {
	r, err := testDialect.DecodeRequest([]byte(codexRequest))
	if err != nil {
		b.Fatal(err)
	}
	b.Run("delta", func(b *testing.B) {
		enc := testDialect.NewStreamEncoder(r)
		out := enc.Encode(nil, &llm.Event{Type: llm.EventBlockStart, Block: &llm.Block{}})
		ev := &llm.Event{Type: llm.EventDelta, Text: " and some words"}
		n := 0
		b.ReportAllocs()
		for b.Loop() {
			if n++; n%10000 == 0 { // the encoder keeps the text, so that item.done can repeat it
				enc = testDialect.NewStreamEncoder(r)
				enc.Encode(nil, &llm.Event{Type: llm.EventBlockStart, Block: &llm.Block{}})
			}
			out = enc.Encode(out[:0], ev)
		}
	})
	b.Run("whole answer", func(b *testing.B) {
		events := slices.Collect(llm.Unfold(wholeLife()))
		var out []byte
		b.ReportAllocs()
		for b.Loop() {
			enc := testDialect.NewStreamEncoder(r)
			out = out[:0]
			for i := range events {
				out = enc.Encode(out, &events[i])
			}
		}
	})
}
