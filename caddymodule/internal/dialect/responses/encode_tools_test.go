package responses

import (
	"slices"
	"testing"

	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// The choices a client of another dialect makes among a function f, a free-form
// tool g and a server tool of its own vendor, w.
func TestToolChoice_NamesOnlyToolsThatAreSent(t *testing.T) {
	f, g := llm.Tool{Name: "f"}, llm.Tool{Name: "g", Kind: llm.ToolCustom}
	w := llm.Tool{Name: "w", Kind: llm.ToolServer, Raw: []byte(`{"type":"w_20250305","name":"w"}`), Extra: llm.Extra{From: llm.Anthropic}}
	all := []llm.Tool{f, g, w}
	onlyAuto := &dialect.Policy{NoToolChoice: true}
	for _, tt := range []struct {
		name    string
		tools   []llm.Tool
		choice  llm.ToolChoice
		policy  *dialect.Policy
		want    string // tool_choice
		names   string // of the tools
		dropped []string
	}{
		{"a function", all, llm.ToolChoice{Mode: "tool", Name: "f"}, nil, `{"type":"function","name":"f"}`, `["f","g"]`, []string{"tools.w"}},
		{"a free-form tool", all, llm.ToolChoice{Mode: "tool", Name: "g"}, nil, `{"type":"custom","name":"g"}`, `["f","g"]`, []string{"tools.w"}},
		{"a server tool among others", all, llm.ToolChoice{Mode: "tool", Name: "w"}, nil, "", `["f","g"]`, []string{"tools.w", "tool_choice"}},
		{"a server tool alone", []llm.Tool{w}, llm.ToolChoice{Mode: "tool", Name: "w"}, nil, "", "", []string{"tools.w", "tool_choice"}},
		{"a tool nobody declared", []llm.Tool{f}, llm.ToolChoice{Mode: "tool", Name: "x"}, nil, "", `["f"]`, []string{"tool_choice"}},
		{"any of what is left", all, llm.ToolChoice{Mode: "any"}, nil, `"required"`, `["f","g"]`, []string{"tools.w"}},
		{"any of nothing", []llm.Tool{w}, llm.ToolChoice{Mode: "any"}, nil, "", "", []string{"tools.w", "tool_choice"}},
		{"some of several", all, llm.ToolChoice{Mode: "any", Allowed: []string{"w", "g"}}, nil,
			`{"type":"allowed_tools","mode":"required","tools":[{"type":"custom","name":"g"}]}`, `["f","g"]`, []string{"tools.w"}},
		{"only server tools of several", all, llm.ToolChoice{Mode: "auto", Allowed: []string{"w"}}, nil, "", `["f","g"]`, []string{"tools.w", "tool_choice"}},
		{"none", all, llm.ToolChoice{Mode: "none"}, nil, `"none"`, `["f","g"]`, []string{"tools.w"}},
		{"none where only auto is known", all, llm.ToolChoice{Mode: "none"}, onlyAuto, "", "", []string{"tools", "tool_choice"}},
		{"a function where only auto is known", all, llm.ToolChoice{Mode: "tool", Name: "f"}, onlyAuto, "", `["f","g"]`, []string{"tools.w", "tool_choice"}},
		{"auto where only auto is known", []llm.Tool{f}, llm.ToolChoice{Mode: "auto"}, onlyAuto, `"auto"`, `["f"]`, nil},
		{"a function where no tools are taken", []llm.Tool{f}, llm.ToolChoice{Mode: "tool", Name: "f"}, &dialect.Policy{Drop: []string{"tools"}}, "", "", []string{"tools", "tool_choice"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := &llm.Request{Tools: tt.tools, ToolChoice: &tt.choice, Extra: llm.Extra{From: llm.Anthropic}}
			out, dropped := upstreamBody(t, r, tt.policy)
			if got := out.Get("tool_choice").Raw; got != tt.want {
				t.Errorf("tool_choice %s, want %s", got, tt.want)
			}
			if got := out.Get("tools.#.name").Raw; got != tt.names {
				t.Errorf("tools %s, want %s", got, tt.names)
			}
			if !slices.Equal(dropped, tt.dropped) {
				t.Errorf("dropped %q, want %q", dropped, tt.dropped)
			}
		})
	}
}

func TestToolChoice_OfThisDialectStaysAsItCame(t *testing.T) {
	r := mustRequest(t, `{"prompt":{"id":"pmpt_1"},"input":"x","tool_choice":{"type":"function","name":"of_the_prompt"}}`)
	out, dropped := upstreamBody(t, r, nil)
	if got := out.Get("tool_choice").Raw; got != `{"type":"function","name":"of_the_prompt"}` || len(dropped) > 0 {
		t.Errorf("tool_choice %s, dropped %q", got, dropped)
	}
}
