package e2e

import (
	"context"
	"fmt"

	"github.com/anthropics/anthropic-sdk-go"
	anthropicoption "github.com/anthropics/anthropic-sdk-go/option"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/openai/openai-go/v3"
	openaioption "github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/responses"

	"github.com/aimux/aimux/caddymodule/simulator"
	"github.com/aimux/aimux/e2e/harness"
)

// tour is the order in which the providers of the specs below are asked, so
// that every one follows on every other.
var tour = []string{"chat", "messages", "responses", "messages", "chat", "responses", "chat"}

// three starts a gateway before three picky providers, one for each dialect,
// that all serve the same model.
func three() *harness.Gateway {
	GinkgoHelper()
	c := harness.Config{}
	for _, b := range behind {
		up := harness.NewUpstream(GinkgoT(), simulator.Options{Name: string(b.dialect), Strict: true, Vendor: b.vendor})
		p := up.As(string(b.dialect), "openai-compatible", "key-"+string(b.dialect))
		switch b.dialect {
		case harness.Chat:
			p.More = []string{"params:", "  thinking: effort"}
		case harness.Messages:
			p.Kind = b.kind
		case harness.Responses:
			p.URL, p.More = "", []string{`responses_base_url: "` + up.URL() + `/v1"`, "allow_http: true"}
		}
		c.Providers = append(c.Providers, p)
	}
	return harness.Start(GinkgoT(), c)
}

var _ = Describe("A conversation that changes its provider at every turn", func() {
	ctx := context.Background()
	prompt := func(turn int) string { return fmt.Sprintf(`say:Turn. call:ls {"path":"/%d"} call:ls`, turn) }
	only := func(name string) (string, string) { return "X-Aimux-Route", "only=" + name }

	It("keeps thoughts, calls and results valid over Messages", func() {
		c := anthropicClient(three())
		params := anthropic.MessageNewParams{
			Model: "m", MaxTokens: 8000, Thinking: anthropic.ThinkingConfigParamOfEnabled(1024), Tools: []anthropic.ToolUnionParam{anthropicTool},
		}
		for turn, name := range tour {
			params.Messages = append(params.Messages, userSays(prompt(turn)))
			asked, err := c.Messages.New(ctx, params, anthropicoption.WithHeader(only(name)))
			Expect(err).NotTo(HaveOccurred(), "turn %d at %s", turn, name)
			Expect(calls(*asked)).To(HaveLen(2))
			params.Messages = append(params.Messages, asked.ToParam(), anthropic.NewUserMessage(
				anthropic.NewToolResultBlock(calls(*asked)[0].ID, "done", false), anthropic.NewToolResultBlock(calls(*asked)[1].ID, "", true)))
			told, err := c.Messages.New(ctx, params, anthropicoption.WithHeader(only(name)))
			Expect(err).NotTo(HaveOccurred(), "turn %d at %s", turn, name)
			seen, err := simulator.CheckTranscript(said(*told))
			Expect(err).NotTo(HaveOccurred())
			Expect(seen.Name).To(Equal(name))
			params.Messages = append(params.Messages, told.ToParam())
		}
	})

	It("keeps calls and results valid over Chat", func() {
		c := openAIClient(three())
		params := openai.ChatCompletionNewParams{Model: "m", ReasoningEffort: "high", Tools: []openai.ChatCompletionToolUnionParam{lsTool}}
		for turn, name := range tour {
			params.Messages = append(params.Messages, openai.UserMessage(prompt(turn)))
			asked, err := c.Chat.Completions.New(ctx, params, openaioption.WithHeader(only(name)))
			Expect(err).NotTo(HaveOccurred(), "turn %d at %s", turn, name)
			m := asked.Choices[0].Message
			Expect(m.ToolCalls).To(HaveLen(2))
			params.Messages = append(params.Messages, m.ToParam(), openai.ToolMessage("done", m.ToolCalls[0].ID), openai.ToolMessage("", m.ToolCalls[1].ID))
			told, err := c.Chat.Completions.New(ctx, params, openaioption.WithHeader(only(name)))
			Expect(err).NotTo(HaveOccurred(), "turn %d at %s", turn, name)
			seen, err := simulator.CheckTranscript(told.Choices[0].Message.Content)
			Expect(err).NotTo(HaveOccurred())
			Expect(seen.Name).To(Equal(name))
			params.Messages = append(params.Messages, told.Choices[0].Message.ToParam())
		}
	})

	It("keeps items valid over Responses", func() {
		c := openAIClient(three())
		tool := responses.ToolUnionParam{OfFunction: &responses.FunctionToolParam{Name: "ls", Strict: openai.Bool(false),
			Parameters: map[string]any{"type": "object", "properties": map[string]any{"path": map[string]any{"type": "string"}}}}}
		var input responses.ResponseInputParam
		ask := func(turn int, name string) *responses.Response {
			r, err := c.Responses.New(ctx, responses.ResponseNewParams{
				Model: "m", Store: openai.Bool(false), Reasoning: openai.ReasoningParam{Effort: "high", Summary: "auto"},
				Include: []responses.ResponseIncludable{"reasoning.encrypted_content"},
				Tools:   []responses.ToolUnionParam{tool}, Input: responses.ResponseNewParamsInputUnion{OfInputItemList: input},
			}, openaioption.WithHeader(only(name)))
			Expect(err).NotTo(HaveOccurred(), "turn %d at %s", turn, name)
			for _, item := range r.Output {
				switch item.Type {
				case "reasoning":
					p := item.AsReasoning().ToParam()
					input = append(input, responses.ResponseInputItemUnionParam{OfReasoning: &p})
				case "function_call":
					input = append(input, responses.ResponseInputItemParamOfFunctionCall(item.AsFunctionCall().Arguments, item.CallID, item.Name))
				case "message":
					p := item.AsMessage().ToParam()
					input = append(input, responses.ResponseInputItemUnionParam{OfOutputMessage: &p})
				}
			}
			return r
		}
		for turn, name := range tour {
			input = append(input, responses.ResponseInputItemParamOfMessage(prompt(turn), "user"))
			for _, item := range ask(turn, name).Output {
				if item.Type == "function_call" {
					input = append(input, responses.ResponseInputItemUnionParam{OfFunctionCallOutput: &responses.ResponseInputItemFunctionCallOutputParam{
						CallID: openai.String(item.CallID), Output: responses.ResponseInputItemFunctionCallOutputOutputUnionParam{OfString: openai.String("done")}}})
				}
			}
			seen, err := simulator.CheckTranscript(ask(turn, name).OutputText())
			Expect(err).NotTo(HaveOccurred())
			Expect(seen.Name).To(Equal(name))
		}
	})
})

var _ = Describe("A Chat request with everything in it", func() {
	DescribeTable("is fitted to what the vendor takes, and what was left out is said", func(kind, model string, drops bool) {
		up := harness.NewUpstream(GinkgoT(), simulator.Options{Vendor: kind, Strict: true})
		p := up.As("one", kind, "upstream-key")
		p.Model = model
		gw := harness.Start(GinkgoT(), harness.Config{Providers: []harness.Provider{p}})
		a := gw.Ask(GinkgoT(), harness.Ask{Stream: true, More: map[string]any{
			"messages": []any{
				map[string]any{"role": "developer", "content": "Be brief."},
				map[string]any{"role": "user", "name": "ann", "content": []any{map[string]any{"type": "text", "text": "hello"}}},
			},
			"stream_options": map[string]any{"include_usage": true},
			"max_tokens":     200000, "temperature": 1.5, "top_p": 0.9, "n": 1, "seed": 7, "stop": []string{"a1", "b2", "c3", "d4"}, "user": "ann",
			"frequency_penalty": 0.1, "presence_penalty": 0.1, "logit_bias": map[string]any{"50256": -1}, "parallel_tool_calls": true,
			"service_tier": "auto", "store": false, "metadata": map[string]any{"a": "b"}, "reasoning_effort": "high", "prompt_cache_key": "x", "verbosity": "low",
			"tools":       []any{map[string]any{"type": "function", "function": map[string]any{"name": "ls", "parameters": personSchema}}},
			"tool_choice": "auto",
		}})
		Expect(a.Outcome(0)).To(Equal(harness.OK), "%s", a.Body)
		if drops {
			Expect(a.Header.Get("X-Aimux-Dropped")).To(ContainSubstring("logit_bias"))
		}
	},
		Entry(nil, "cerebras", "gpt-oss-120b", true), Entry(nil, "zai", "glm-5.2", true), Entry(nil, "minimax", "MiniMax-M3", true), Entry(nil, "groq", "openai/gpt-oss-120b", true),
		Entry(nil, "deepseek", "deepseek-v4-pro", false), Entry(nil, "moonshot", "kimi-k2.7-code", false), Entry(nil, "openai", "gpt-5.6-terra", false), Entry(nil, "openrouter", "z-ai/glm-5.2", false),
		Entry(nil, "synthetic", "hf:zai-org/GLM-5.2", false), Entry(nil, "ollama", "some-model", false),
	)
})
