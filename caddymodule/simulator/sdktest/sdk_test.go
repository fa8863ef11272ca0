// Package sdktest lets the official SDKs judge whether the simulator's answers are what their vendors send: their
// accumulators refuse events that do not fit. It is a package of its own because the SDKs take a minute to compile.
package sdktest

import (
	"net/http"
	"testing"

	"github.com/anthropics/anthropic-sdk-go"
	anthropicoption "github.com/anthropics/anthropic-sdk-go/option"
	"github.com/openai/openai-go/v3"
	openaioption "github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/responses"

	"github.com/aimux/aimux/caddymodule/simulator"
)

func strictServer(vendor string) *http.Client {
	s := simulator.New(simulator.Options{Strict: true, Vendor: vendor, Tokens: 8})
	return &http.Client{Transport: s.RoundTripper()}
}

func TestSDK_AnthropicAccumulatesThinkingTextAndCalls(t *testing.T) {
	c := anthropic.NewClient(anthropicoption.WithHTTPClient(strictServer("anthropic")), anthropicoption.WithAPIKey("k"), anthropicoption.WithMaxRetries(0))
	params := anthropic.MessageNewParams{
		Model: "m", MaxTokens: 4000,
		Thinking: anthropic.ThinkingConfigParamOfEnabled(1024),
		Tools:    []anthropic.ToolUnionParam{{OfTool: &anthropic.ToolParam{Name: "ls", InputSchema: anthropic.ToolInputSchemaParam{Properties: map[string]any{}}}}},
		Messages: []anthropic.MessageParam{anthropic.NewUserMessage(anthropic.NewTextBlock(`say:Looking. call:ls {"path":"/tmp"} call:ls`))},
	}
	stream := c.Messages.NewStreaming(t.Context(), params)
	var m anthropic.Message
	for stream.Next() {
		if err := m.Accumulate(stream.Current()); err != nil {
			t.Fatal(err)
		}
	}
	if err := stream.Err(); err != nil {
		t.Fatal(err)
	}
	if len(m.Content) != 4 || m.Content[0].Type != "thinking" || m.Content[1].Text != "Looking." || string(m.Content[2].Input) != `{"path":"/tmp"}` || m.StopReason != "tool_use" {
		t.Fatalf("%s", m.RawJSON())
	}
	// The answer goes back with results: the simulator takes its own thinking and ids.
	params.Messages = append(params.Messages, m.ToParam(), anthropic.NewUserMessage(
		anthropic.NewToolResultBlock(m.Content[2].ID, "a.txt", false), anthropic.NewToolResultBlock(m.Content[3].ID, "b.txt", false)))
	whole, err := c.Messages.New(t.Context(), params)
	if err != nil {
		t.Fatal(err)
	}
	got, err := simulator.CheckTranscript(whole.Content[1].Text)
	if err != nil || got.Words != 8 || whole.StopReason != "end_turn" {
		t.Errorf("%+v %v %s", got, err, whole.RawJSON())
	}
	n, err := c.Messages.CountTokens(t.Context(), anthropic.MessageCountTokensParams{Model: "m", Messages: params.Messages})
	if err != nil || n.InputTokens == 0 {
		t.Errorf("%v %v", n, err)
	}
}

func TestSDK_OpenAIAccumulatesTextAndCalls(t *testing.T) {
	c := openai.NewClient(openaioption.WithHTTPClient(strictServer("openai")), openaioption.WithAPIKey("k"), openaioption.WithMaxRetries(0))
	params := openai.ChatCompletionNewParams{
		Model:         "m",
		StreamOptions: openai.ChatCompletionStreamOptionsParam{IncludeUsage: openai.Bool(true)},
		Tools: []openai.ChatCompletionToolUnionParam{openai.ChatCompletionFunctionTool(openai.FunctionDefinitionParam{
			Name: "ls", Parameters: openai.FunctionParameters{"type": "object", "properties": map[string]any{}}})},
		Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage(`say:Looking. call:ls {"path":"/tmp"} call:ls`)},
	}
	stream := c.Chat.Completions.NewStreaming(t.Context(), params)
	var acc openai.ChatCompletionAccumulator
	for stream.Next() {
		if !acc.AddChunk(stream.Current()) {
			t.Fatal("the accumulator refused a chunk")
		}
	}
	if err := stream.Err(); err != nil {
		t.Fatal(err)
	}
	m := acc.Choices[0].Message
	if m.Content != "Looking." || len(m.ToolCalls) != 2 || m.ToolCalls[0].Function.Arguments != `{"path":"/tmp"}` || acc.Usage.TotalTokens == 0 || acc.Choices[0].FinishReason != "tool_calls" {
		t.Fatalf("%+v", acc.ChatCompletion)
	}
	params.StreamOptions = openai.ChatCompletionStreamOptionsParam{}
	params.Messages = append(params.Messages, m.ToParam(), openai.ToolMessage("a.txt", m.ToolCalls[0].ID), openai.ToolMessage("b.txt", m.ToolCalls[1].ID))
	whole, err := c.Chat.Completions.New(t.Context(), params)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := simulator.CheckTranscript(whole.Choices[0].Message.Content); err != nil || got.Words != 8 {
		t.Errorf("%+v %v", got, err)
	}
}

func TestSDK_OpenAIReadsResponses(t *testing.T) {
	c := openai.NewClient(openaioption.WithHTTPClient(strictServer("openai")), openaioption.WithAPIKey("k"), openaioption.WithMaxRetries(0))
	stream := c.Responses.NewStreaming(t.Context(), responses.ResponseNewParams{
		Model: "m", Input: responses.ResponseNewParamsInputUnion{OfString: openai.String("hi")},
		Reasoning: openai.ReasoningParam{Effort: "low"},
	})
	var text string
	var final responses.Response
	next := int64(0)
	for stream.Next() {
		e := stream.Current()
		if e.SequenceNumber != next {
			t.Errorf("%s has number %d, want %d", e.Type, e.SequenceNumber, next)
		}
		next++
		switch e.Type {
		case "response.output_text.delta":
			text += e.Delta
		case "response.completed":
			final = e.Response
		}
	}
	if err := stream.Err(); err != nil {
		t.Fatal(err)
	}
	got, err := simulator.CheckTranscript(text)
	if err != nil || got.Words != 8 || final.OutputText() != text || final.Usage.OutputTokensDetails.ReasoningTokens == 0 {
		t.Errorf("%+v %v, final %s", got, err, final.RawJSON())
	}
}

func TestSDK_ErrorsHaveTheirStatus(t *testing.T) {
	c := anthropic.NewClient(anthropicoption.WithHTTPClient(strictServer("anthropic")), anthropicoption.WithAPIKey("sim-529"), anthropicoption.WithMaxRetries(0))
	_, err := c.Messages.New(t.Context(), anthropic.MessageNewParams{Model: "m", MaxTokens: 9, Messages: []anthropic.MessageParam{anthropic.NewUserMessage(anthropic.NewTextBlock("x"))}})
	if e, ok := err.(*anthropic.Error); !ok || e.StatusCode != 529 {
		t.Errorf("%v", err)
	}
	o := openai.NewClient(openaioption.WithHTTPClient(strictServer("openai")), openaioption.WithAPIKey("sim-error-first"), openaioption.WithMaxRetries(0))
	stream := o.Chat.Completions.NewStreaming(t.Context(), openai.ChatCompletionNewParams{Model: "m", Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage("x")}})
	for stream.Next() {
	}
	if stream.Err() == nil {
		t.Error("the SDK overlooked an error event")
	}
}
