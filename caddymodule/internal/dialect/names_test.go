package dialect_test

import (
	"strings"
	"testing"

	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"pgregory.net/rapid"
)

func TestKnownFailure_31_LongToolNamesAreShortenedAndRestored(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tool := llm.Tool{
			Name:      rapid.StringN(1, 120, -1).Draw(t, "name"),
			Namespace: rapid.SampledFrom([]string{"", "multi_agent_v1", "ns.é"}).Draw(t, "namespace"),
		}
		wire := dialect.WireName(tool.Namespace, tool.Name)
		if len(wire) > 64 || strings.Trim(wire, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") != "" {
			t.Fatalf("%q", wire)
		}
		if wire != dialect.WireName(tool.Namespace, tool.Name) {
			t.Fatal("not deterministic")
		}
		c := llm.ToolCall{Name: wire}
		dialect.NamesOf(&llm.Request{Tools: []llm.Tool{tool}}).Restore(&c)
		if c.Name != tool.Name || c.Namespace != tool.Namespace {
			t.Fatalf("%+v", c)
		}
	})
}

func TestKnownFailure_32_OddCallIdsMapReversibly(t *testing.T) {
	for _, tt := range []struct{ name, id, back string }{
		{"a good one", "toolu_01A-b", "toolu_01A-b"},
		{"Kimi's", "functions.Bash:0", "functions.Bash:0"},
		{"with umlaut", "größe 1", "größe 1"},
		{"too long", strings.Repeat("x", 65), dialect.WireID(strings.Repeat("x", 65))},
		{"too long and odd", strings.Repeat("ü", 65), dialect.WireID(strings.Repeat("ü", 65))},
	} {
		wire := dialect.WireID(tt.id)
		if len(wire) > 64 || strings.Trim(wire, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") != "" {
			t.Errorf("%s: %q", tt.name, wire)
		}
		if dialect.WireID(wire) != wire {
			t.Errorf("%s: mapped twice", tt.name)
		}
		if got := dialect.ProviderID(wire); got != tt.back {
			t.Errorf("%s: back %q, want %q", tt.name, got, tt.back)
		}
	}
}

func TestThinking_EffortAndBudgetAgree(t *testing.T) {
	for _, tt := range []struct {
		budget int
		want   string
	}{{1024, "low"}, {8192, "medium"}, {24576, "high"}, {32768, "xhigh"}} {
		if got := dialect.BudgetEffort(tt.budget); got != tt.want {
			t.Errorf("%d: %s, want %s", tt.budget, got, tt.want)
		}
	}
	for _, tt := range []struct {
		effort  string
		allowed []string
		want    string
	}{
		{"minimal", []string{"low", "high"}, "low"}, {"medium", []string{"low", "high"}, "high"},
		{"max", []string{"low", "high"}, "high"}, {"high", nil, "high"}, {"turbo", []string{"low"}, "turbo"},
	} {
		if got := dialect.NearestEffort(tt.effort, tt.allowed); got != tt.want {
			t.Errorf("%s of %v: %s, want %s", tt.effort, tt.allowed, got, tt.want)
		}
	}
}
