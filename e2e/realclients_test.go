package e2e

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/aimux/aimux/caddymodule/simulator"
	"github.com/aimux/aimux/e2e/harness"
)

// recorded reads a request of testdata. The files were written for these specs
// in the shape that real clients send; their texts are filler.
func recorded(name string) []byte {
	GinkgoHelper()
	body, err := os.ReadFile(filepath.Join("testdata", name))
	Expect(err).NotTo(HaveOccurred())
	return bytes.TrimSpace(body)
}

// The headers that Claude Code and Codex send beside the usual ones.
var (
	claudeCode = http.Header{
		"Authorization": {"Bearer " + harness.ClientKey}, "X-Api-Key": nil, "X-App": {"cli"},
		"User-Agent":                                {"claude-cli/2.1.330 (external, sdk-cli)"},
		"X-Claude-Code-Session-Id":                  {"6a1a5b1e-5f0a-4c3e-9a55-000000000001"},
		"Anthropic-Dangerous-Direct-Browser-Access": {"true"},
		"Anthropic-Beta":                            {"claude-code-20250219,interleaved-thinking-2025-05-14,context-management-2025-06-27,mid-conversation-tool-changes-2026-07-01,thinking-token-count-2026-05-13,advanced-tool-use-2025-11-20,effort-2025-11-24"},
		"X-Stainless-Lang":                          {"js"}, "X-Stainless-Retry-Count": {"0"}, "Accept-Encoding": {"gzip, deflate, br, zstd"},
	}
	codex = http.Header{
		"Originator": {"codex_exec"}, "Session-Id": {"6a1a5b1e-5f0a-4c3e-9a55-000000000002"}, "Thread-Id": {"6a1a5b1e-5f0a-4c3e-9a55-000000000002"},
		"X-Client-Request-Id": {"6a1a5b1e-5f0a-4c3e-9a55-000000000002"}, "X-Codex-Beta-Features": {"remote_compaction_v2"}, "Accept": {"text/event-stream"},
	}
)

// pictures reports whether a recorded request has a picture in it.
func pictures(file string) bool { return bytes.Contains(recorded(file), []byte("iVBORw0KGgo")) }

// wantNoPictures wants a clear no from a gateway whose only model is blind.
func wantNoPictures(a *harness.Answer) {
	GinkgoHelper()
	Expect(a.Outcome(0)).To(Equal(harness.ERR(400)), "%s", a.Body)
	Expect(a.Message()).To(ContainSubstring("takes no images"))
}

// renamed is a body with another model in the first member that names it.
func renamed(body []byte, model string) string {
	var seen struct{ Model string }
	Expect(json.Unmarshal(body, &seen)).To(Succeed())
	return strings.Replace(string(body), `"model":"`+seen.Model+`"`, `"model":"`+model+`"`, 1)
}

var _ = Describe("A request of Claude Code", func() {
	for _, file := range []string{"claude-code-first.json", "claude-code-later.json", "claude-code-older.json"} {
		ask := func() harness.Ask {
			return harness.Ask{Dialect: harness.Messages, Stream: true, Path: "/v1/messages?beta=true", Header: claudeCode, Body: recorded(file)}
		}

		It("arrives at Anthropic byte for byte except for the model: "+file, func() {
			up := harness.NewUpstream(GinkgoT(), simulator.Options{Vendor: "anthropic", Strict: true})
			p := up.As("claude", "anthropic", "upstream-key")
			p.Model = "claude-sonnet-5-5"
			gw := harness.Start(GinkgoT(), harness.Config{Providers: []harness.Provider{p}})
			a := gw.Ask(GinkgoT(), ask())
			Expect(a.Outcome(0)).To(Equal(harness.OK), "%s", a.Body)
			r := up.Last(GinkgoT())
			Expect(string(r.Body)).To(Equal(renamed(recorded(file), "claude-sonnet-5-5")))
			Expect(r.Header.Get("X-Api-Key")).To(Equal("upstream-key"))
			Expect(r.Header).NotTo(HaveKey("Authorization"))
			for _, name := range []string{"Anthropic-Beta", "X-App", "User-Agent", "X-Claude-Code-Session-Id", "Anthropic-Dangerous-Direct-Browser-Access"} {
				Expect(r.Header.Get(name)).To(Equal(claudeCode.Get(name)), name)
			}
		})

		DescribeTable("is taken by a picky upstream of another dialect: "+file, func(d harness.Dialect) {
			gw, up := facing(d)
			a := gw.Ask(GinkgoT(), ask())
			Expect(a.Outcome(0)).To(Equal(harness.OK), "%s", a.Body)
			r := up.Last(GinkgoT())
			Expect(r.Dialect).To(Equal(string(d)))
			for _, private := range []string{"context_management", "output_config", "cache_control", "defer_loading", "device_id", "x-anthropic-billing-header"} {
				Expect(string(r.Body)).NotTo(ContainSubstring(private))
			}
			Expect(r.Header).NotTo(HaveKey("Anthropic-Beta"))
		}, Entry("Chat", harness.Chat), Entry("Responses", harness.Responses))

		DescribeTable("is taken by the vendors people use with it: "+file, func(kind, vendor, model string, sees bool) {
			up := harness.NewUpstream(GinkgoT(), simulator.Options{Vendor: vendor, Strict: true})
			p := up.As("one", kind, "upstream-key")
			p.Model = model
			gw := harness.Start(GinkgoT(), harness.Config{Providers: []harness.Provider{p}})
			a := gw.Ask(GinkgoT(), ask())
			if pictures(file) && !sees {
				wantNoPictures(a)
				return
			}
			Expect(a.Outcome(0)).To(Equal(harness.OK), "%s", a.Body)
			Expect(string(up.Last(GinkgoT()).Body)).NotTo(SatisfyAny(ContainSubstring("device_id"), ContainSubstring("x-anthropic-billing-header")))
		},
			Entry("Z.AI's coding plan", "zai-coding", "zai", "glm-5.2", false), Entry("MiniMax", "minimax", "minimax", "MiniMax-M3", true),
			Entry("Synthetic", "synthetic", "synthetic", "hf:zai-org/GLM-5.2", false), Entry("Cerebras", "cerebras", "cerebras", "gpt-oss-120b", false),
			Entry("DeepSeek", "deepseek", "deepseek", "deepseek-v4-pro", false), Entry("Moonshot", "moonshot", "moonshot", "kimi-k2.7-code", true),
			Entry("OpenRouter", "openrouter", "openrouter", "z-ai/glm-5.2", true), Entry("Groq", "groq", "groq", "openai/gpt-oss-120b", false),
			Entry("OpenAI", "openai", "openai", "gpt-5.6-terra", true),
		)
	}

	It("stays with one key as long as its session lasts", func() {
		up := harness.NewUpstream(GinkgoT(), simulator.Options{})
		gw := harness.Start(GinkgoT(), harness.Config{Strategy: "fastest", Providers: []harness.Provider{up.As("one", "simulator", "a", "b", "c")}})
		for range 4 {
			a := gw.Ask(GinkgoT(), harness.Ask{Dialect: harness.Messages, Stream: true, Header: claudeCode, Body: recorded("claude-code-first.json")})
			Expect(a.Outcome(0)).To(Equal(harness.OK), "%s", a.Body)
		}
		Expect(up.Keys()).To(HaveEach(up.Keys()[0]))
	})

	It("with a thread is told that there are none, in the words its SDK acts on", func() {
		gw, up := facing(harness.Chat)
		a := gw.Ask(GinkgoT(), harness.Ask{Dialect: harness.Messages, More: map[string]any{"thread": map[string]any{"type": "create"}}})
		Expect(a.Outcome(0)).To(Equal(harness.ERR(400)), "%s", a.Body)
		Expect(string(a.Body)).To(ContainSubstring(`"error_code":"thread_unsupported_request"`))
		Expect(string(a.Body)).To(ContainSubstring(`"unsupported":["thread"]`))
		Expect(up.Count()).To(BeZero())
	})
})

var _ = Describe("A request of Codex", func() {
	for _, file := range []string{"codex-first.json", "codex-later.json"} {
		ask := func() harness.Ask {
			return harness.Ask{Dialect: harness.Responses, Stream: true, Header: codex, Body: recorded(file)}
		}

		It("arrives at OpenAI byte for byte except for the model: "+file, func() {
			up := harness.NewUpstream(GinkgoT(), simulator.Options{Vendor: "openai", Strict: true})
			p := up.As("one", "openai", "upstream-key")
			p.Model = "gpt-5.5"
			gw := harness.Start(GinkgoT(), harness.Config{Providers: []harness.Provider{p}})
			a := gw.Ask(GinkgoT(), ask())
			Expect(a.Outcome(0)).To(Equal(harness.OK), "%s", a.Body)
			Expect(string(up.Last(GinkgoT()).Body)).To(Equal(renamed(recorded(file), "gpt-5.5")))
			Expect(up.Last(GinkgoT()).Header.Get("Originator")).To(Equal("codex_exec"))
		})

		DescribeTable("is taken by a picky upstream of another dialect: "+file, func(d harness.Dialect) {
			gw, up := facing(d)
			a := gw.Ask(GinkgoT(), ask())
			Expect(a.Outcome(0)).To(Equal(harness.OK), "%s", a.Body)
			Expect(up.Last(GinkgoT()).Dialect).To(Equal(string(d)))
		}, Entry("Chat", harness.Chat), Entry("Messages", harness.Messages))

		DescribeTable("is taken by vendors without Responses: "+file, func(kind, vendor, model string, sees bool) {
			up := harness.NewUpstream(GinkgoT(), simulator.Options{Vendor: vendor, Strict: true})
			p := up.As("one", kind, "upstream-key")
			p.Model = model
			gw := harness.Start(GinkgoT(), harness.Config{Providers: []harness.Provider{p}})
			a := gw.Ask(GinkgoT(), ask())
			if pictures(file) && !sees {
				wantNoPictures(a)
				return
			}
			Expect(a.Outcome(0)).To(Equal(harness.OK), "%s", a.Body)
		},
			Entry("Cerebras", "cerebras", "cerebras", "gpt-oss-120b", false), Entry("Z.AI", "zai", "zai", "glm-5.2", false), Entry("Anthropic", "anthropic", "anthropic", "claude-sonnet-5-5", true),
			Entry("Groq", "groq", "groq", "openai/gpt-oss-120b", false), Entry("DeepSeek", "deepseek", "deepseek", "deepseek-v4-pro", false),
		)
	}

	It("gets its freeform tool back as one, and a tool of a namespace with its namespace, from Chat", func() {
		gw, _ := facing(harness.Chat)
		body := strings.Replace(string(recorded("codex-first.json")), "the prompt", "call:apply_patch", 1)
		a := gw.Ask(GinkgoT(), harness.Ask{Dialect: harness.Responses, Stream: true, Header: codex, Body: []byte(body)})
		Expect(a.Outcome(0)).To(Equal(harness.OK), "%s", a.Body)
		var kinds []string
		for _, ev := range a.Events {
			var e struct {
				Type string
				Item struct{ Type, Name, Namespace string }
			}
			Expect(json.Unmarshal([]byte(ev.Data), &e)).To(Succeed())
			if e.Type == "response.output_item.done" && e.Item.Name != "" {
				kinds = append(kinds, e.Item.Type+" "+e.Item.Name)
			}
		}
		Expect(kinds).To(ContainElement("custom_tool_call apply_patch"))
	})
})
