package provider

import (
	"slices"
	"testing"

	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/google/go-cmp/cmp"
)

func TestPolicy_ModelRefinesItsEndpoint(t *testing.T) {
	p := vendor(t, "cerebras").Policy(llm.OpenAI, "gpt-oss-120b")
	if diff := cmp.Diff([]string{"low", "medium", "high"}, p.Efforts); diff != "" {
		t.Error(diff)
	}
	if p.Rename["max_tokens"] != "max_completion_tokens" || p.MaxOutput != 16384 || p.Reasoning != "reasoning" || !p.NoImages || p.MaxStop != 4 {
		t.Errorf("got %+v", p)
	}
	for _, field := range []string{"model", "messages", "max_completion_tokens", "tools", "stream", "reasoning_effort"} {
		if !slices.Contains(p.Allow, field) {
			t.Errorf("cerebras would not get %q", field)
		}
	}
	if slices.Contains(p.Allow, "store") {
		t.Error("cerebras would get a field its schema refuses")
	}
}

func TestPolicy_KnowsWhatModelsCannotDo(t *testing.T) {
	for _, c := range []struct {
		kind, model string
		dialect     llm.Dialect
		images      bool
		thinking    string
		maxOutput   int
	}{
		{"zai", "glm-5.3", llm.OpenAI, false, "effort", 131072},
		{"zai", "glm-5.2", llm.OpenAI, false, "thinking", 131072},
		{"zai", "glm-4.6v", llm.OpenAI, true, "thinking", 32768},
		{"zai-coding", "glm-5.2[1m]", llm.Anthropic, false, "", 131072},
		{"groq", "llama-3.3-70b-versatile", llm.OpenAI, false, "", 32768},
		{"minimax", "MiniMax-M3", llm.OpenAI, true, "thinking", 131072},
		{"openai", "gpt-5", llm.Responses, true, "", 128000},
		{"openai", "a-model-of-tomorrow", llm.OpenAI, true, "effort", 0},
	} {
		t.Run(c.kind+"/"+c.model, func(t *testing.T) {
			p := vendor(t, c.kind).Policy(c.dialect, c.model)
			if p.NoImages == c.images || p.Thinking != c.thinking || p.MaxOutput != c.maxOutput {
				t.Errorf("images %v, thinking %q, output %d", !p.NoImages, p.Thinking, p.MaxOutput)
			}
		})
	}
}

func TestPolicy_ResultIsTheCallersOwn(t *testing.T) {
	v := vendor(t, "zai")
	p := v.Policy(llm.OpenAI, "glm-5.2")
	p.Drop[0], p.Rename["x"] = "broken", "y"
	if again := v.Policy(llm.OpenAI, "glm-5.2"); again.Drop[0] == "broken" || again.Rename["x"] != "" {
		t.Error("changing the result changed the catalogue")
	}
}

func TestPolicy_OnlyAnthropicItselfIsGenuine(t *testing.T) {
	for _, v := range Catalogue().Vendors() {
		for d := range v.Endpoints {
			if got := v.Policy(d, "").Genuine; got != (v.Kind == "anthropic") {
				t.Errorf("%s/%s: genuine %v", v.Kind, d, got)
			}
		}
	}
}

func TestRefine_AddsUpWhatCannotBeDone(t *testing.T) {
	p := dialect.Policy{Drop: []string{"a"}, Allow: []string{"x"}, Temperature: 2, MaxOutput: 10}
	refine(&p, &dialect.Policy{
		Drop: []string{"b"}, Refuse: []string{"c"}, Allow: []string{"y"}, Rename: map[string]string{"m": "n"}, MaxOutput: 5, Temperature: 1,
		MaxStop: 2, Reasoning: "reasoning", Thinking: "effort", Efforts: []string{"low"}, NoSchema: true, NoDeveloper: true,
	})
	want := dialect.Policy{
		Drop: []string{"a", "b"}, Refuse: []string{"c"}, Allow: []string{"y"}, Rename: map[string]string{"m": "n"}, MaxOutput: 5, Temperature: 1,
		MaxStop: 2, Reasoning: "reasoning", Thinking: "effort", Efforts: []string{"low"}, NoSchema: true, NoDeveloper: true,
	}
	if diff := cmp.Diff(want, p); diff != "" {
		t.Error(diff)
	}
}
