package dialect_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestApplyPolicy_EditsOnlyWhatThePolicySays(t *testing.T) {
	own := dialect.OwnSignature("hm")
	tests := []struct {
		name     string
		d        llm.Dialect
		p        dialect.Policy
		in, want string
		dropped  []string
	}{
		{"nothing to do", llm.OpenAI, dialect.Policy{}, ` { "model" : "m" , "x":[1, 2] } `, ` { "model" : "m" , "x":[1, 2] } `, nil},
		{"drop the first", llm.OpenAI, dialect.Policy{Drop: []string{"seed"}}, `{"seed":1, "model":"m"}`, `{"model":"m"}`, []string{"seed"}},
		{"drop the last", llm.OpenAI, dialect.Policy{Drop: []string{"seed"}}, `{"model":"m", "seed":1 }`, `{"model":"m" }`, []string{"seed"}},
		{"drop in the middle", llm.OpenAI, dialect.Policy{Drop: []string{"seed"}}, `{"model":"m", "seed":1, "n":1}`, `{"model":"m", "n":1}`, []string{"seed"}},
		{"drop all but one, scattered", llm.OpenAI, dialect.Policy{Allow: []string{"model"}}, `{"a":1,"b":{"c":[]},"model":"m","d":"}","e":null}`, `{"model":"m"}`, []string{"a", "b", "d"}},
		{"drop everything", llm.OpenAI, dialect.Policy{Allow: []string{"model"}}, `{"a":1, "b":2}`, `{}`, []string{"a", "b"}},
		{"rename", llm.OpenAI, dialect.Policy{Rename: map[string]string{"max_completion_tokens": "max_tokens"}}, `{"max_completion_tokens": 5,"x":1}`, `{"max_tokens": 5,"x":1}`, nil},
		{"rename onto one that is there", llm.OpenAI, dialect.Policy{Rename: map[string]string{"max_completion_tokens": "max_tokens"}}, `{"max_completion_tokens":5,"max_tokens":6}`, `{"max_tokens":6}`, []string{"max_completion_tokens"}},
		{"rename, then allow-list", llm.OpenAI, dialect.Policy{Rename: map[string]string{"max_tokens": "max_completion_tokens"}, Allow: []string{"max_completion_tokens"}}, `{"max_tokens":5}`, `{"max_completion_tokens":5}`, nil},
		{"a refused field with its default", llm.OpenAI, dialect.Policy{Refuse: []string{"n"}}, `{"n":1,"model":"m"}`, `{"model":"m"}`, nil},
		{"clamp", llm.OpenAI, dialect.Policy{MaxOutput: 100, Temperature: 1, MaxStop: 1}, `{"max_tokens":500,"temperature":1.7,"stop":["a","b"]}`, `{"max_tokens":100,"temperature":1,"stop":["a"]}`, []string{"stop"}},
		{"one stop sequence as a string", llm.OpenAI, dialect.Policy{MaxStop: 1}, `{"stop":"a"}`, `{"stop":"a"}`, nil},
		{"nearest effort", llm.OpenAI, dialect.Policy{Efforts: []string{"none", "high"}}, `{"reasoning_effort":"medium"}`, `{"reasoning_effort":"high"}`, nil},
		{"tool_choice only auto", llm.OpenAI, dialect.Policy{NoToolChoice: true}, `{"tool_choice":"required","tools":[]}`, `{"tools":[]}`, []string{"tool_choice"}},
		{"no schemas", llm.OpenAI, dialect.Policy{NoSchema: true}, `{"response_format":{"type":"json_schema","json_schema":{}}}`, `{"response_format":{"type":"json_object"}}`, []string{"response_format.json_schema"}},
		{"no developer role", llm.OpenAI, dialect.Policy{NoDeveloper: true}, `{"messages":[{"role":"developer","content":"x"}]}`, `{"messages":[{"role":"system","content":"x"}]}`, nil},
		{"reasoning under the name the upstream knows", llm.OpenAI, dialect.Policy{Reasoning: "reasoning"}, `{"messages":[{"role":"assistant","reasoning_content":"hm","content":"x"}]}`, `{"messages":[{"role":"assistant","reasoning":"hm","content":"x"}]}`, nil},
		{"reasoning for a strict upstream", llm.OpenAI, dialect.Policy{Allow: []string{"messages"}}, `{"messages":[{"role":"assistant","content":"x","reasoning_content":"hm"}]}`, `{"messages":[{"role":"assistant","content":"x"}]}`, nil},
		{"attribution stays at Anthropic", llm.Anthropic, dialect.Policy{Genuine: true}, `{"system":[{"type":"text","text":"x-anthropic-billing-header: v"}],"metadata":{}}`, `{"system":[{"type":"text","text":"x-anthropic-billing-header: v"}],"metadata":{}}`, nil},
		{"attribution and ids go nowhere else", llm.Anthropic, dialect.Policy{}, `{"system":[{"type":"text","text":"x-anthropic-billing-header: v"},{"type":"text","text":"You"}],"metadata":{"user_id":"u"},"model":"m"}`, `{"system":[{"type":"text","text":"You"}],"model":"m"}`, []string{"metadata"}},
		{"thinking of another provider", llm.Anthropic, dialect.Policy{Genuine: true}, `{"messages":[{"role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":"` + own + `"},{"type":"text","text":"x"}]}]}`, `{"messages":[{"role":"assistant","content":[{"type":"text","text":"x"}]}]}`, nil},
		{"nothing but such thinking", llm.Anthropic, dialect.Policy{Genuine: true}, `{"messages":[{"role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":"` + own + `"}]}]}`, `{"messages":[{"role":"assistant","content":[{"type":"text","text":"(no answer)"}]}]}`, nil},
		{"system turns", llm.Anthropic, dialect.Policy{SystemFirst: true, Genuine: true}, `{"system":"s","messages":[{"role":"system","content":"x"}]}`, `{"system":"s","messages":[{"role":"user","content":"x"}]}`, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, dropped, err := dialect.ApplyPolicy([]byte(tt.in), tt.d, &tt.p)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, string(got)); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(tt.dropped, dropped); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestApplyPolicy_RefusedFieldIsA400ThatNamesIt(t *testing.T) {
	_, _, err := dialect.ApplyPolicy([]byte(`{"n":2}`), llm.OpenAI, &dialect.Policy{Refuse: []string{"n"}})
	var e *llm.Error
	if !errors.As(err, &e) || e.Param != "n" || e.Type != llm.ErrInvalidRequest {
		t.Errorf("got %v", err)
	}
}

func TestApplyPolicy_AnyCutLeavesValidJSON(t *testing.T) {
	keys := []string{"a", "b", "c", "d", "e"}
	values := []string{`1`, `"},{"`, `[1, {"a":2}]`, `{"b" : {}}`, `null`, ` true`}
	rapid.Check(t, func(t *rapid.T) {
		body, kept := "{ ", map[string]json.RawMessage{}
		drop := rapid.SliceOfDistinct(rapid.SampledFrom(keys), rapid.ID).Draw(t, "drop")
		for i, k := range rapid.SliceOfDistinct(rapid.SampledFrom(keys), rapid.ID).Draw(t, "keys") {
			if i > 0 {
				body += " ,\n"
			}
			v := rapid.SampledFrom(values).Draw(t, "value")
			body += `"` + k + `": ` + v
			kept[k] = json.RawMessage(strings.TrimSpace(v))
		}
		body += " }"
		for _, k := range drop {
			delete(kept, k)
		}
		got, _, err := dialect.ApplyPolicy([]byte(body), llm.OpenAI, &dialect.Policy{Drop: drop})
		if err != nil {
			t.Fatal(err)
		}
		have := map[string]json.RawMessage{}
		if err := json.Unmarshal(got, &have); err != nil {
			t.Fatalf("%s -> %s: %v", body, got, err)
		}
		if diff := cmp.Diff(kept, have); diff != "" {
			t.Fatalf("%s -> %s\n%s", body, got, diff)
		}
	})
}
