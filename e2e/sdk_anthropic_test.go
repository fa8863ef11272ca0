package e2e

import (
	"context"
	"strings"

	"github.com/anthropics/anthropic-sdk-go"
	"github.com/anthropics/anthropic-sdk-go/option"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/aimux/aimux/caddymodule/simulator"
	"github.com/aimux/aimux/e2e/harness"
)

func anthropicClient(gw *harness.Gateway) anthropic.Client {
	return anthropic.NewClient(option.WithBaseURL(gw.URL), option.WithAPIKey(harness.ClientKey), option.WithMaxRetries(0))
}

// accumulateMessage streams a message and folds it.
func accumulateMessage(c anthropic.Client, params anthropic.MessageNewParams) anthropic.Message {
	GinkgoHelper()
	stream := c.Messages.NewStreaming(context.Background(), params)
	var m anthropic.Message
	for stream.Next() {
		Expect(m.Accumulate(stream.Current())).To(Succeed(), stream.Current().RawJSON())
	}
	Expect(stream.Err()).NotTo(HaveOccurred())
	return m
}

// said returns the text of a message.
func said(m anthropic.Message) string {
	var b strings.Builder
	for _, block := range m.Content {
		b.WriteString(block.Text)
	}
	return b.String()
}

// calls returns the tool calls of a message.
func calls(m anthropic.Message) []anthropic.ContentBlockUnion {
	var out []anthropic.ContentBlockUnion
	for _, block := range m.Content {
		if block.Type == "tool_use" {
			out = append(out, block)
		}
	}
	return out
}

var anthropicTool = anthropic.ToolUnionParam{OfTool: &anthropic.ToolParam{
	Name: "ls", Description: anthropic.String("Lists a directory."),
	InputSchema: anthropic.ToolInputSchemaParam{Properties: map[string]any{"path": map[string]any{"type": "string"}}},
}}

func userSays(text string) anthropic.MessageParam {
	return anthropic.NewUserMessage(anthropic.NewTextBlock(text))
}

var _ = Describe("anthropic-sdk-go", func() {
	ctx := context.Background()

	DescribeTable("gets a message", func(d harness.Dialect) {
		gw, up := facing(d)
		c := anthropicClient(gw)
		m, err := c.Messages.New(ctx, anthropic.MessageNewParams{
			Model: "m", MaxTokens: 2000, System: []anthropic.TextBlockParam{{Text: "Be brief."}},
			Messages: []anthropic.MessageParam{userSays("hello")},
		})
		Expect(err).NotTo(HaveOccurred())
		seen, err := simulator.CheckTranscript(said(*m))
		Expect(err).NotTo(HaveOccurred())
		Expect(seen.Words).To(Equal(16))
		Expect(string(m.StopReason)).To(Equal("end_turn"))
		Expect(m.Usage.InputTokens).To(BeNumerically(">", 0))
		Expect(m.Usage.OutputTokens).To(BeNumerically(">", 10))
		came(up, d)
	}, entries())

	DescribeTable("streams text and parallel tool calls into its accumulator and takes the results", func(d harness.Dialect) {
		gw, up := facing(d)
		c := anthropicClient(gw)
		params := anthropic.MessageNewParams{
			Model: "m", MaxTokens: 2000, Tools: []anthropic.ToolUnionParam{anthropicTool},
			Messages: []anthropic.MessageParam{userSays(`say:Looking. call:ls {"path":"/tmp"} call:ls`)},
		}
		m := accumulateMessage(c, params)
		Expect(said(m)).To(Equal("Looking."))
		Expect(calls(m)).To(HaveLen(2))
		Expect(string(calls(m)[0].Input)).To(MatchJSON(`{"path":"/tmp"}`))
		Expect(string(calls(m)[1].Input)).To(MatchJSON(`{}`))
		Expect(string(m.StopReason)).To(Equal("tool_use"))
		params.Messages = append(params.Messages, m.ToParam(), anthropic.NewUserMessage(
			anthropic.NewToolResultBlock(calls(m)[0].ID, "a.txt", false), anthropic.NewToolResultBlock(calls(m)[1].ID, "no such directory", true)))
		m = accumulateMessage(c, params)
		Expect(said(m)).To(SatisfyAll(ContainSubstring("a.txt"), ContainSubstring("no such directory"), ContainSubstring(":15")))
		came(up, d)
	}, entries())

	DescribeTable("thinks, streamed and whole, and gives its thoughts back in the next turn", func(d harness.Dialect) {
		gw, up := facing(d)
		c := anthropicClient(gw)
		params := anthropic.MessageNewParams{
			Model: "m", MaxTokens: 4000, Thinking: anthropic.ThinkingConfigParamOfEnabled(1024),
			Tools: []anthropic.ToolUnionParam{anthropicTool}, Messages: []anthropic.MessageParam{userSays(`call:ls {"path":"/"}`)},
		}
		m := accumulateMessage(c, params)
		Expect(m.Content[0].Type).To(Equal("thinking"), m.RawJSON())
		Expect(calls(m)).To(HaveLen(1))
		params.Messages = append(params.Messages, m.ToParam(), anthropic.NewUserMessage(anthropic.NewToolResultBlock(calls(m)[0].ID, "etc", false)))
		whole, err := c.Messages.New(ctx, params)
		Expect(err).NotTo(HaveOccurred())
		Expect(said(*whole)).To(ContainSubstring("etc"))
		came(up, d)
	}, entries())

	DescribeTable("counts tokens and lists models", func(d harness.Dialect) {
		gw, _ := facing(d)
		c := anthropicClient(gw)
		n, err := c.Messages.CountTokens(ctx, anthropic.MessageCountTokensParams{Model: "m", Messages: []anthropic.MessageParam{userSays(strings.Repeat("words and words ", 100))}})
		Expect(err).NotTo(HaveOccurred())
		Expect(n.InputTokens).To(BeNumerically("~", 400, 200))
		page, err := c.Models.List(ctx, anthropic.ModelListParams{})
		Expect(err).NotTo(HaveOccurred())
		Expect(page.Data).NotTo(BeEmpty())
	}, entries())

	DescribeTable("sees a picture and a document through", func(d harness.Dialect) {
		gw, up := facing(d)
		c := anthropicClient(gw)
		const pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
		m, err := c.Messages.New(ctx, anthropic.MessageNewParams{
			Model: "m", MaxTokens: 2000, Messages: []anthropic.MessageParam{anthropic.NewUserMessage(
				anthropic.NewTextBlock("what is this?"), anthropic.NewImageBlockBase64("image/png", pixel))},
		})
		Expect(err).NotTo(HaveOccurred())
		Expect(said(*m)).To(ContainSubstring("Images: 1."))
		came(up, d)
	}, entries())

	DescribeTable("gets errors it understands", func(d harness.Dialect) {
		gw, up := facing(d)
		up.Script(simulator.Selector{}, simulator.Fail("context-exceeded"))
		c := anthropicClient(gw)
		_, err := c.Messages.New(ctx, anthropic.MessageNewParams{Model: "m", MaxTokens: 9, Messages: []anthropic.MessageParam{userSays("x")}})
		e, ok := err.(*anthropic.Error)
		Expect(ok).To(BeTrue(), "%v", err)
		Expect(e.StatusCode).To(Equal(400))
		Expect(e.RawJSON()).To(ContainSubstring("prompt is too long"), "what Claude Code looks for")
	}, entries())

	DescribeTable("notices an error in the middle of a stream", func(d harness.Dialect) {
		gw, up := facing(d)
		up.Script(simulator.Selector{}, simulator.Fail("cut"))
		c := anthropicClient(gw)
		stream := c.Messages.NewStreaming(ctx, anthropic.MessageNewParams{Model: "m", MaxTokens: 900, Messages: []anthropic.MessageParam{userSays("x")}})
		for stream.Next() {
		}
		Expect(stream.Err()).To(HaveOccurred())
	}, entries())
})
