package dialect_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// BenchmarkTranslateBack is a request of the other two dialects on its way to each that is not its own.
func BenchmarkTranslateBack(b *testing.B) {
	target := &dialect.Target{Model: "m", Policy: &dialect.Policy{}}
	for _, from := range []llm.Dialect{llm.OpenAI, llm.Responses} {
		for _, to := range names {
			if to == from {
				continue
			}
			b.Run(fmt.Sprintf("%s-to-%s", from, to), func(b *testing.B) {
				sizes(b, func(b *testing.B, body []byte) {
					body = retold(b, body, from)
					b.SetBytes(int64(len(body)))
					for b.Loop() {
						r, err := dialects.Get(from).DecodeRequest(body)
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
}

// retold is Anthropic's request as a client of another dialect says it.
func retold(b *testing.B, body []byte, to llm.Dialect) []byte {
	b.Helper()
	r, err := dialects.Get(llm.Anthropic).DecodeRequest(body)
	if err != nil {
		b.Fatal(err)
	}
	out, _, err := dialects.Get(to).EncodeRequest(r, &dialect.Target{Model: "m", Policy: &dialect.Policy{}})
	if err != nil {
		b.Fatal(err)
	}
	return out
}

// BenchmarkTranslateResponse is a whole answer with text and a call of a tool, from each dialect to each other.
func BenchmarkTranslateResponse(b *testing.B) {
	answer := fmt.Sprintf(`{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[{"type":"text","text":%q},`+
		`{"type":"tool_use","id":"toolu_1","name":"Read","input":{"path":"/src/file.go","n":7}}],"stop_reason":"tool_use",`+
		`"stop_sequence":null,"usage":{"input_tokens":900,"output_tokens":200}}`, strings.Repeat("A sentence of \"some\" words.\n", 30))
	first, err := dialects.Get(llm.Anthropic).DecodeResponse([]byte(answer))
	if err != nil {
		b.Fatal(err)
	}
	request := &llm.Request{Model: "m"}
	for _, from := range names {
		body, err := dialects.Get(from).EncodeResponse(first, request)
		if err != nil {
			b.Fatal(err)
		}
		for _, to := range names {
			if to == from {
				continue
			}
			b.Run(fmt.Sprintf("%s-to-%s", from, to), func(b *testing.B) {
				b.SetBytes(int64(len(body)))
				b.ReportAllocs()
				for b.Loop() {
					a, err := dialects.Get(from).DecodeResponse(body)
					if err != nil {
						b.Fatal(err)
					}
					if _, err := dialects.Get(to).EncodeResponse(a, request); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
