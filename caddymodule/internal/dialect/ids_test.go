package dialect_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/google/go-cmp/cmp"
	"github.com/tidwall/gjson"
	"pgregory.net/rapid"
)

func TestProviderID_UndoesWhatWireIDDidAndNothingElse(t *testing.T) {
	packed := dialect.WireID("functions.Bash:0")
	for in, want := range map[string]string{
		packed:                    "functions.Bash:0",
		"functions.Bash:0":        "functions.Bash:0",
		"call_1":                  "call_1",
		"call_b64_":               "call_b64_",
		"call_b64_Y2FsbF8x":       "call_b64_Y2FsbF8x", // call_1, which needed no packing
		packed + "!":              packed + "!",
		strings.Repeat("x", 65):   dialect.WireID(strings.Repeat("x", 65)),
		"call_b64_" + longID(60):  dialect.WireID("call_b64_" + longID(60)),
		dialect.WireID(longID(9)): longID(9),
	} {
		if got := dialect.ProviderID(in); got != want {
			t.Errorf("%s: %q, want %q", in, got, want)
		}
	}
}

// longID has characters that need packing.
func longID(n int) string { return strings.Repeat("é", n) }

func TestProviderID_AndWireIDTellTheSameIDsApart(t *testing.T) {
	id := rapid.OneOf(rapid.String(), rapid.StringMatching(`call_b64_[A-Za-z0-9_-]{0,60}`), rapid.StringMatching(`[a-z.:]{1,70}`))
	rapid.Check(t, func(t *rapid.T) {
		in := id.Draw(t, "id")
		own := dialect.ProviderID(in)
		if in != "" && dialect.WireID(own) != dialect.WireID(in) {
			t.Fatalf("%q is %q to its provider: one is %q, the other %q", in, own, dialect.WireID(in), dialect.WireID(own))
		}
		if len(own) > 64 {
			t.Fatalf("%q became %q", in, own)
		}
	})
}

// Moonshot's Kimi counts its ids from 0 in each conversation, so that a client
// that packs or repeats them sends one id many times.
func TestRequests_RepeatedIDsAreToldApartForEveryProvider(t *testing.T) {
	own := "functions.Bash:0"
	packed := dialect.WireID(own)
	for name, ids := range map[string][]string{
		"packed":            {packed, packed, packed, packed},
		"packed or not":     {own, packed, own, packed},
		"the provider's":    {own, own, own},
		"one that is taken": {"x", "x_2", "x", "x"},
		"taken later":       {"x", "x", "x", "x_2", "x_3"},
		"taken, packed":     {packed, dialect.WireID(own + "_2"), packed, packed},
		"at full length":    {strings.Repeat("x", 64), strings.Repeat("x", 64)},
		"too long":          {strings.Repeat("x", 99), strings.Repeat("x", 99)},
		"odd and too long":  {longID(99), longID(99), longID(99)},
	} {
		for _, to := range names {
			t.Run(fmt.Sprintf("%s/%s", name, to), func(t *testing.T) {
				calls, results := idsSent(t, ids, to)
				if diff := cmp.Diff(calls, results); diff != "" || len(calls) != len(ids) {
					t.Errorf("calls and results of %q:\n%s", ids, diff)
				}
				if slices.Sort(calls); len(slices.Compact(calls)) != len(ids) {
					t.Errorf("an id is there twice: %q", results)
				}
				for _, id := range calls {
					if strings.ToValidUTF8(id, "") != id || strings.ContainsFunc(id, func(r rune) bool { return r < ' ' }) {
						t.Errorf("no id: %q", id)
					}
				}
			})
		}
	}
}

// idsSent are the ids of the calls and of the results that go to a target when
// a client says that calls by ids were made one after another.
func idsSent(t *testing.T, ids []string, to llm.Dialect) (calls, results []string) {
	t.Helper()
	r := &llm.Request{Extra: llm.Extra{From: "another"}}
	for i, id := range ids {
		r.Messages = append(r.Messages,
			llm.Message{Role: llm.RoleAssistant, Blocks: []llm.Block{{Kind: llm.KindToolCall, Call: &llm.ToolCall{ID: id, Name: "f", Input: fmt.Appendf(nil, `{"n":%d}`, i)}}}},
			llm.Message{Role: llm.RoleUser, Blocks: []llm.Block{{Kind: llm.KindToolResult, Result: &llm.ToolResult{CallID: id, Content: []llm.Block{{Text: "r"}}}}}})
	}
	body, _, err := dialects.Get(to).EncodeRequest(r, &dialect.Target{Model: "m"})
	if err != nil {
		t.Fatal(err)
	}
	paths := map[llm.Dialect][2]string{
		llm.OpenAI:    {"messages.#.tool_calls|@flatten|#.id", "messages.#.tool_call_id"},
		llm.Anthropic: {"messages.#.content|@flatten|#.id", "messages.#.content|@flatten|#.tool_use_id"},
		llm.Responses: {`input.#(type=="function_call")#.call_id`, `input.#(type=="function_call_output")#.call_id`},
	}[to]
	return list(body, paths[0]), list(body, paths[1])
}

func list(body []byte, path string) []string {
	var all []string
	for _, v := range gjson.GetBytes(body, path).Array() {
		all = append(all, v.Str)
	}
	return all
}
