// Package conformance holds what the dialects write against the official
// SDKs' own readers. It has tests only, apart from the others because the SDKs
// take long to compile.
package conformance

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aimux/aimux/caddymodule/internal/sse"
	anthropicsdk "github.com/anthropics/anthropic-sdk-go"
	openaisdk "github.com/openai/openai-go/v3"
)

// goldens calls run with the data of the events of each golden stream.
func goldens(t *testing.T, pattern string, run func(t *testing.T, name string, data []string)) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "testdata", "*", pattern))
	if err != nil || len(files) == 0 {
		t.Fatal("no golden streams", err)
	}
	for _, file := range files {
		stream, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		r := sse.NewReader(bytes.NewReader(stream), sse.Options{})
		var data []string
		for {
			ev, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if !ev.Comment {
				data = append(data, string(ev.Data))
			}
		}
		r.Close()
		t.Run(filepath.Base(filepath.Dir(file))+"/"+filepath.Base(file), func(t *testing.T) {
			run(t, file, data)
		})
	}
}

func TestAnthropicSDK_AccumulatesEveryStream(t *testing.T) {
	goldens(t, "stream.*-to-anthropic.sse", func(t *testing.T, name string, data []string) {
		var m anthropicsdk.Message
		for _, d := range data {
			if strings.Contains(d, `"type":"error"`) || strings.Contains(d, `"type":"ping"`) {
				continue
			}
			var ev anthropicsdk.MessageStreamEventUnion
			if err := json.Unmarshal([]byte(d), &ev); err != nil {
				t.Fatal(err)
			}
			if err := m.Accumulate(ev); err != nil {
				t.Fatalf("%s: %v", d, err)
			}
		}
		if !strings.Contains(data[len(data)-1], "message_stop") {
			return
		}
		if m.ID == "" || m.Role != "assistant" || m.StopReason == "" || m.Usage.OutputTokens == 0 && m.Usage.InputTokens == 0 && len(m.Content) == 0 {
			t.Errorf("not a whole message: %+v", m)
		}
		for _, b := range m.Content {
			if b.Type == "thinking" && b.Signature == "" {
				t.Error("thinking without a signature")
			}
			if b.Type == "tool_use" && m.StopReason != "max_tokens" && !json.Valid(b.Input) {
				t.Errorf("input %s", b.Input)
			}
		}
	})
}

func TestOpenAISDK_AccumulatesEveryStream(t *testing.T) {
	goldens(t, "stream.*-to-openai.sse", func(t *testing.T, name string, data []string) {
		var acc openaisdk.ChatCompletionAccumulator
		for _, d := range data {
			if d == "[DONE]" || strings.HasPrefix(d, `{"error"`) {
				continue
			}
			var c openaisdk.ChatCompletionChunk
			if err := json.Unmarshal([]byte(d), &c); err != nil {
				t.Fatal(err)
			}
			if !acc.AddChunk(c) {
				t.Fatalf("refused: %s", d)
			}
		}
		if data[len(data)-1] != "[DONE]" {
			return
		}
		if len(acc.Choices) != 1 || acc.Choices[0].FinishReason == "" {
			t.Fatalf("not a whole answer: %+v", acc.ChatCompletion)
		}
		for _, c := range acc.Choices[0].Message.ToolCalls {
			if acc.Choices[0].FinishReason != "length" && !json.Valid([]byte(c.Function.Arguments)) {
				t.Errorf("arguments %s", c.Function.Arguments)
			}
		}
	})
}

func TestSDKs_ReadEveryWholeAnswer(t *testing.T) {
	for pattern, into := range map[string]func() any{
		"response.*-to-anthropic.json": func() any { return new(anthropicsdk.Message) },
		"response.*-to-openai.json":    func() any { return new(openaisdk.ChatCompletion) },
	} {
		files, _ := filepath.Glob(filepath.Join("..", "testdata", "*", pattern))
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(data, into()); err != nil {
				t.Errorf("%s: %v", file, err)
			}
		}
	}
}
