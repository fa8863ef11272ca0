package dialect_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/google/go-cmp/cmp"
	"github.com/tidwall/gjson"
)

// Where a provider knows no tool_choice but auto, a client's none is kept by
// sending no tools.
func TestToolChoice_NoneIsKeptAtAProviderThatOnlyKnowsAuto(t *testing.T) {
	bodies := map[llm.Dialect]string{
		llm.OpenAI:    `{"messages":[{"role":"user","content":"a"}],"tools":[{"type":"function","function":{"name":"f"}}],"parallel_tool_calls":false,"tool_choice":"none"}`,
		llm.Anthropic: `{"messages":[{"role":"user","content":"a"}],"tool_choice":{"type":"none"},"tools":[{"name":"f","input_schema":{"type":"object","properties":{}}}]}`,
		llm.Responses: `{"input":"a","tools":[{"type":"function","name":"f"}],"tool_choice":"none"}`,
	}
	p := &dialect.Policy{NoToolChoice: true}
	check := func(t *testing.T, out []byte, dropped []string, err error) {
		t.Helper()
		if err != nil || strings.Contains(string(out), "tool") || !gjson.ValidBytes(out) {
			t.Errorf("%s %v", out, err)
		}
		if !slices.Contains(dropped, "tools") || !slices.Contains(dropped, "tool_choice") {
			t.Errorf("dropped %v", dropped)
		}
	}
	for from, body := range bodies {
		t.Run(string(from)+" as it is", func(t *testing.T) {
			out, dropped, err := dialect.ApplyPolicy([]byte(body), from, p)
			check(t, out, dropped, err)
		})
		for _, to := range []llm.Dialect{llm.OpenAI, llm.Anthropic} {
			t.Run(string(from)+" to "+string(to), func(t *testing.T) {
				out, dropped, err := encodedAs([]byte(body), from, to, p)
				check(t, out, dropped, err)
			})
		}
		kept, _, err := dialect.ApplyPolicy([]byte(body), from, &dialect.Policy{})
		if err != nil || string(kept) != body {
			t.Errorf("%s: without the policy: %s %v", from, kept, err)
		}
	}
}

// A choice may name a tool that the provider is not offered: a vendor's own, or
// one that is not there. Providers refuse such a choice.
func TestToolChoice_NamesAnOfferedToolOrNone(t *testing.T) {
	const function = `{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{}}}}`
	for _, tt := range []struct {
		name    string
		from    llm.Dialect
		body    string
		chat    string // the tool that each target is told to call
		claude  string
		dropped bool
	}{
		{"a vendor's tool alone", llm.Anthropic, `{"messages":[],"tools":[{"type":"web_search_20250305","name":"web_search"}],"tool_choice":{"type":"tool","name":"web_search"}}`, "", "web_search", true},
		{"a vendor's tool among others", llm.Anthropic, `{"messages":[],"tools":[{"type":"web_search_20250305","name":"web_search"},{"name":"f"}],"tool_choice":{"type":"tool","name":"web_search"}}`, "", "web_search", true},
		{"a tool that is not there", llm.OpenAI, `{"messages":[],"tools":[` + function + `],"tool_choice":{"type":"function","function":{"name":"g"}}}`, "", "", true},
		{"a tool in a namespace", llm.Responses, `{"input":"a","tools":[{"type":"namespace","name":"ns","tools":[{"type":"function","name":"wait"}]}],"tool_choice":{"type":"function","name":"wait"}}`, "ns__wait", "ns__wait", false},
		{"a tool", llm.OpenAI, `{"messages":[],"tools":[` + function + `],"tool_choice":{"type":"function","function":{"name":"f"}}}`, "f", "f", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for to, path := range map[llm.Dialect]string{llm.OpenAI: "tool_choice.function.name", llm.Anthropic: "tool_choice.name"} {
				want := tt.chat
				if to == llm.Anthropic {
					want = tt.claude
				}
				out, dropped, err := encodedAs([]byte(tt.body), tt.from, to, nil)
				if err != nil {
					t.Fatal(err)
				}
				if got := gjson.GetBytes(out, path).Str; got != want || want == "" && gjson.GetBytes(out, "tool_choice").Exists() {
					t.Errorf("%s: chose %q, want %q: %s", to, got, want, out)
				}
				if diff := cmp.Diff(tt.dropped && want == "", slices.Contains(dropped, "tool_choice")); diff != "" {
					t.Errorf("%s: dropped %v", to, dropped)
				}
			}
		})
	}
}

// One call at a time is asked for also where the named tool is gone.
func TestToolChoice_OneCallAtATimeOutlivesADroppedChoice(t *testing.T) {
	got := encoded(t, llm.OpenAI, llm.Anthropic, `{"messages":[],"tools":[{"type":"function","function":{"name":"f"}}],"parallel_tool_calls":false,"tool_choice":{"type":"function","function":{"name":"g"}}}`, nil)
	if s := got.Get("tool_choice").Raw; s != `{"type":"auto","disable_parallel_tool_use":true}` {
		t.Error(s)
	}
}
