package provider

import (
	"strings"
	"testing"

	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// families are the kinds that stand for their error tables.
var families = []string{
	"cerebras", "zai", "minimax", "synthetic", "openai", "anthropic", "openrouter", "groq", "deepseek", "moonshot", "ollama", "vllm", "llamacpp",
}

func TestRules_NeverDecideByTypeAlone(t *testing.T) {
	for _, family := range families {
		for _, r := range vendor(t, family).rules() {
			if r.Type != "" && r.Status == 0 && r.Text == "" && r.Code == "" && r.Param == "" {
				t.Errorf("%s: %+v", family, r)
			}
		}
	}
}

func TestRules_EveryRuleCanApplyAndMeansSomething(t *testing.T) {
	for _, family := range families {
		v := vendor(t, family)
		table := v.rules()
		if len(table) == 0 {
			t.Errorf("%s has no table", family)
		}
		for i := range table {
			r := &table[i]
			f := Failure{
				Status: r.Status, Code: r.Code, Type: r.Type, Param: r.Param, Details: r.Details, Text: r.Text,
				RetryAfter: r.RetryAfter, NoBody: r.NoBody,
			}
			if got := v.Rule(&f); got != r {
				t.Errorf("%s: %+v is hidden behind %+v", family, *r, *got)
			}
			if r.Class == llm.ClassNone || r.Class == llm.ClassCanceled || r.Text != strings.ToLower(r.Text) {
				t.Errorf("%s: %+v", family, *r)
			}
		}
	}
}

func TestRule_BorrowedCodesFollowTheVendorsOwn(t *testing.T) {
	f := &Failure{Status: 429, Code: "insufficient_quota"}
	for _, kind := range kinds {
		if r := vendor(t, kind).Rule(f); r == nil || r.Class != llm.ClassBalance && kind != "deepseek" {
			t.Errorf("%s: got %+v", kind, r)
		}
	}
	var nobody *Vendor
	if r := nobody.Rule(f); r == nil || r.Class != llm.ClassBalance {
		t.Errorf("unknown vendor: got %+v", r)
	}
	if r := nobody.Rule(&Failure{Status: 400}); r != nil {
		t.Errorf("a rule for nothing: %+v", r)
	}
}

func BenchmarkRule(b *testing.B) {
	v := vendor(b, "zai")
	f := &Failure{Status: 429, Code: "1321", Text: "weekly limit"}
	b.ReportAllocs()
	for b.Loop() {
		v.Rule(f)
	}
}
