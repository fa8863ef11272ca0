package e2e

import (
	"context"
	"encoding/json"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/responses"
	"github.com/openai/openai-go/v3/shared"

	"github.com/aimux/aimux/caddymodule/simulator"
	"github.com/aimux/aimux/e2e/harness"
)

// behind are the upstreams that every SDK is tried against: one for each
// dialect, strict as its maker.
var behind = []struct {
	dialect      harness.Dialect
	kind, vendor string
}{
	{harness.Chat, "openai-compatible", ""},
	{harness.Messages, "anthropic", "anthropic"},
	{harness.Responses, "responses-only", ""},
}

// facing starts a gateway in front of a strict upstream that speaks one
// dialect only.
func facing(d harness.Dialect) (*harness.Gateway, *harness.Upstream) {
	GinkgoHelper()
	for _, b := range behind {
		if b.dialect != d {
			continue
		}
		up := harness.NewUpstream(GinkgoT(), simulator.Options{Strict: true, Vendor: b.vendor})
		p := up.As("one", b.kind, "upstream-key")
		if d == harness.Chat {
			p.More = []string{"params:", "  thinking: effort"}
		}
		if d == harness.Responses {
			p = harness.Provider{Name: "one", Kind: "openai-compatible", Keys: p.Keys, More: []string{
				"responses_base_url: \"" + up.URL() + "/v1\"", "allow_http: true",
			}}
		}
		gw := harness.Start(GinkgoT(), harness.Config{Providers: []harness.Provider{p}})
		return gw, up
	}
	Fail("no such upstream")
	return nil, nil
}

// came wants the newest request to have come in that dialect.
func came(up *harness.Upstream, d harness.Dialect) {
	GinkgoHelper()
	Expect(up.Last(GinkgoT()).Dialect).To(Equal(string(d)))
}

// entries are one for each upstream.
func entries() []TableEntry {
	var out []TableEntry
	for _, b := range behind {
		out = append(out, Entry("before an upstream that speaks "+string(b.dialect), b.dialect))
	}
	return out
}

func openAIClient(gw *harness.Gateway) openai.Client {
	return openai.NewClient(option.WithBaseURL(gw.URL+"/v1"), option.WithAPIKey(harness.ClientKey), option.WithMaxRetries(0))
}

var lsTool = openai.ChatCompletionFunctionTool(openai.FunctionDefinitionParam{
	Name: "ls", Description: openai.String("Lists a directory."),
	Parameters: openai.FunctionParameters{"type": "object", "properties": map[string]any{"path": map[string]any{"type": "string"}}},
})

// personSchema is what structured output is asked for.
var personSchema = map[string]any{
	"type": "object", "additionalProperties": false, "required": []string{"name", "age"},
	"properties": map[string]any{"name": map[string]any{"type": "string"}, "age": map[string]any{"type": "integer"}},
}

// wantPerson wants text to be a person.
func wantPerson(text string) {
	GinkgoHelper()
	var person struct {
		Name *string
		Age  *int
	}
	Expect(json.Unmarshal([]byte(text), &person)).To(Succeed(), text)
	Expect(person.Name).NotTo(BeNil(), text)
	Expect(person.Age).NotTo(BeNil(), text)
}

var _ = Describe("openai-go", func() {
	ctx := context.Background()

	DescribeTable("completes a chat", func(d harness.Dialect) {
		gw, up := facing(d)
		c := openAIClient(gw)
		r, err := c.Chat.Completions.New(ctx, openai.ChatCompletionNewParams{Model: "m", MaxTokens: openai.Int(2000), Messages: []openai.ChatCompletionMessageParamUnion{
			openai.SystemMessage("Be brief."), openai.UserMessage("hello"),
		}})
		Expect(err).NotTo(HaveOccurred())
		seen, err := simulator.CheckTranscript(r.Choices[0].Message.Content)
		Expect(err).NotTo(HaveOccurred())
		Expect(seen.Words).To(Equal(16))
		Expect(r.Choices[0].FinishReason).To(Equal("stop"))
		Expect(r.Usage.TotalTokens).To(BeNumerically(">", 10))
		came(up, d)
	}, entries())

	DescribeTable("streams a chat into its accumulator, calls tools in parallel and takes the results", func(d harness.Dialect) {
		gw, up := facing(d)
		c := openAIClient(gw)
		params := openai.ChatCompletionNewParams{
			Model: "m", Tools: []openai.ChatCompletionToolUnionParam{lsTool},
			StreamOptions: openai.ChatCompletionStreamOptionsParam{IncludeUsage: openai.Bool(true)},
			Messages:      []openai.ChatCompletionMessageParamUnion{openai.UserMessage(`say:Looking. call:ls {"path":"/tmp"} call:ls {"path":"/var"}`)},
		}
		acc := accumulateChat(c, params)
		m := acc.Choices[0].Message
		Expect(m.Content).To(Equal("Looking."))
		Expect(m.ToolCalls).To(HaveLen(2))
		Expect(m.ToolCalls[0].Function.Arguments).To(MatchJSON(`{"path":"/tmp"}`))
		Expect(m.ToolCalls[1].Function.Arguments).To(MatchJSON(`{"path":"/var"}`))
		Expect(acc.Choices[0].FinishReason).To(Equal("tool_calls"))
		Expect(acc.Usage.TotalTokens).To(BeNumerically(">", 10))
		params.Messages = append(params.Messages, m.ToParam(),
			openai.ToolMessage("a.txt", m.ToolCalls[0].ID), openai.ToolMessage("b.txt", m.ToolCalls[1].ID))
		acc = accumulateChat(c, params)
		Expect(acc.Choices[0].Message.Content).To(SatisfyAll(ContainSubstring("a.txt"), ContainSubstring("b.txt"), ContainSubstring(":15")))
		came(up, d)
	}, entries())

	DescribeTable("gets structured output", func(d harness.Dialect) {
		gw, up := facing(d)
		c := openAIClient(gw)
		r, err := c.Chat.Completions.New(ctx, openai.ChatCompletionNewParams{
			Model: "m", Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage("who?")},
			ResponseFormat: openai.ChatCompletionNewParamsResponseFormatUnion{OfJSONSchema: &shared.ResponseFormatJSONSchemaParam{
				JSONSchema: shared.ResponseFormatJSONSchemaJSONSchemaParam{Name: "person", Strict: openai.Bool(true), Schema: personSchema}}},
		})
		Expect(err).NotTo(HaveOccurred())
		wantPerson(r.Choices[0].Message.Content)
		came(up, d)
	}, entries())

	DescribeTable("uses the Responses API, streamed with its whole life cycle", func(d harness.Dialect) {
		gw, up := facing(d)
		c := openAIClient(gw)
		stream := c.Responses.NewStreaming(ctx, responses.ResponseNewParams{
			Model: "m", Input: responses.ResponseNewParamsInputUnion{OfString: openai.String("hi")}, Instructions: openai.String("Be brief."),
		})
		var text string
		var final responses.Response
		for next := int64(0); stream.Next(); next++ {
			e := stream.Current()
			Expect(e.SequenceNumber).To(Equal(next), e.Type)
			switch e.Type {
			case "response.output_text.delta":
				text += e.Delta
			case "response.completed":
				final = e.Response
			}
		}
		Expect(stream.Err()).NotTo(HaveOccurred())
		seen, err := simulator.CheckTranscript(text)
		Expect(err).NotTo(HaveOccurred())
		Expect(seen.Words).To(Equal(16))
		Expect(final.OutputText()).To(Equal(text))
		Expect(final.Usage.TotalTokens).To(BeNumerically(">", 10))
		came(up, d)
	}, entries())

	DescribeTable("calls a function and gives it structure over Responses", func(d harness.Dialect) {
		gw, up := facing(d)
		c := openAIClient(gw)
		tool := responses.ToolUnionParam{OfFunction: &responses.FunctionToolParam{Name: "ls", Strict: openai.Bool(false),
			Parameters: map[string]any{"type": "object", "properties": map[string]any{"path": map[string]any{"type": "string"}}}}}
		r, err := c.Responses.New(ctx, responses.ResponseNewParams{
			Model: "m", Tools: []responses.ToolUnionParam{tool},
			Input: responses.ResponseNewParamsInputUnion{OfString: openai.String(`call:ls {"path":"/tmp"}`)},
		})
		Expect(err).NotTo(HaveOccurred())
		call := r.Output[len(r.Output)-1].AsFunctionCall()
		Expect(call.Name).To(Equal("ls"))
		Expect(call.Arguments).To(MatchJSON(`{"path":"/tmp"}`))
		r, err = c.Responses.New(ctx, responses.ResponseNewParams{
			Model: "m", Tools: []responses.ToolUnionParam{tool},
			Input: responses.ResponseNewParamsInputUnion{OfInputItemList: responses.ResponseInputParam{
				responses.ResponseInputItemParamOfMessage(`call:ls {"path":"/tmp"}`, "user"),
				responses.ResponseInputItemParamOfFunctionCall(call.Arguments, call.CallID, "ls"),
				{OfFunctionCallOutput: &responses.ResponseInputItemFunctionCallOutputParam{CallID: openai.String(call.CallID),
					Output: responses.ResponseInputItemFunctionCallOutputOutputUnionParam{OfString: openai.String("file.txt")}}},
			}},
		})
		Expect(err).NotTo(HaveOccurred())
		Expect(r.OutputText()).To(ContainSubstring("file.txt"))
		r, err = c.Responses.New(ctx, responses.ResponseNewParams{
			Model: "m", Input: responses.ResponseNewParamsInputUnion{OfString: openai.String("who?")},
			Text: responses.ResponseTextConfigParam{Format: responses.ResponseFormatTextConfigParamOfJSONSchema("person", personSchema)},
		})
		Expect(err).NotTo(HaveOccurred())
		wantPerson(r.OutputText())
		came(up, d)
	}, entries())

	It("lists models and gets embeddings", func() {
		gw, _ := facing(harness.Chat)
		c := openAIClient(gw)
		page, err := c.Models.List(ctx)
		Expect(err).NotTo(HaveOccurred())
		Expect(page.Data).NotTo(BeEmpty())
		m, err := c.Models.Get(ctx, "one/m")
		Expect(err).NotTo(HaveOccurred())
		Expect(m.ID).To(Equal("one/m"))
		e, err := c.Embeddings.New(ctx, openai.EmbeddingNewParams{Model: "m", Input: openai.EmbeddingNewParamsInputUnion{OfArrayOfStrings: []string{"a", "b"}}})
		Expect(err).NotTo(HaveOccurred())
		Expect(e.Data).To(HaveLen(2))
		Expect(e.Data[0].Embedding).NotTo(BeEmpty())
	})

	DescribeTable("gets errors it understands", func(d harness.Dialect) {
		gw, up := facing(d)
		up.Script(simulator.Selector{}, simulator.Fail("context-exceeded"))
		c := openAIClient(gw)
		_, err := c.Chat.Completions.New(ctx, openai.ChatCompletionNewParams{Model: "m", Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage("x")}})
		var e *openai.Error
		Expect(err).To(BeAssignableToTypeOf(e))
		e = err.(*openai.Error)
		Expect(e.StatusCode).To(Equal(400))
		Expect(e.Code).To(Equal("context_length_exceeded"))
	}, entries())

	DescribeTable("notices an error in the middle of a stream", func(d harness.Dialect) {
		gw, up := facing(d)
		up.Script(simulator.Selector{}, simulator.Fail("cut"))
		c := openAIClient(gw)
		stream := c.Chat.Completions.NewStreaming(ctx, openai.ChatCompletionNewParams{Model: "m", Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage("x")}})
		for stream.Next() {
		}
		Expect(stream.Err()).To(HaveOccurred())
	}, entries())
})

// accumulateChat streams a chat and folds it.
func accumulateChat(c openai.Client, params openai.ChatCompletionNewParams) openai.ChatCompletionAccumulator {
	GinkgoHelper()
	stream := c.Chat.Completions.NewStreaming(context.Background(), params)
	var acc openai.ChatCompletionAccumulator
	for stream.Next() {
		Expect(acc.AddChunk(stream.Current())).To(BeTrue(), "the accumulator refused %s", stream.Current().RawJSON())
	}
	Expect(stream.Err()).NotTo(HaveOccurred())
	return acc
}
