package responses

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// sameJSON compares two JSON texts without regard to the order of members.
func sameJSON(t fataler, want, got []byte) string {
	t.Helper()
	var w, g any
	if err := json.Unmarshal(want, &w); err != nil {
		t.Fatalf("%v in %s", err, want)
	}
	if err := json.Unmarshal(got, &g); err != nil {
		t.Fatalf("%v in %s", err, got)
	}
	return cmp.Diff(w, g)
}

func TestRequest_DecodeThenEncodeIsTheIdentity(t *testing.T) {
	body, err := os.ReadFile(filepath.Join("testdata", "request", "codex.json"))
	if err != nil {
		t.Fatal(err)
	}
	r := mustRequest(t, string(body))
	got, dropped, err := testDialect.EncodeRequest(r, &dialect.Target{Model: "coder"})
	if err != nil || len(dropped) > 0 {
		t.Fatalf("dropped %v, %v", dropped, err)
	}
	if diff := sameJSON(t, body, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestDecodeRequest_GathersAModelsTurn(t *testing.T) {
	body, err := os.ReadFile(filepath.Join("testdata", "request", "codex.json"))
	if err != nil {
		t.Fatal(err)
	}
	var turns []string
	for _, m := range mustRequest(t, string(body)).Messages {
		turn := string(m.Role)
		for _, b := range m.Blocks {
			turn += " " + [...]string{"text", "thinking", "image", "document", "call", "result", "refusal", "other"}[b.Kind]
		}
		turns = append(turns, turn)
	}
	want := []string{
		"user text", "user text image", "assistant thinking text call call", "user result result",
		"assistant call", "user result", "assistant text", "developer text", "user document",
	}
	if diff := cmp.Diff(want, turns); diff != "" {
		t.Error(diff)
	}
}

func TestDecodeRequest_NamesTheFieldAtFault(t *testing.T) {
	for _, tt := range []struct{ name, body, param string }{
		{"not JSON", `{`, ""},
		{"not an object", `[]`, ""},
		{"model", `{"model":1}`, "model"},
		{"input", `{"input":1}`, "input"},
		{"item without type", `{"input":[{"x":1}]}`, "input[0]"},
		{"role", `{"input":[{"role":"boss","content":"x"}]}`, "input[0].role"},
		{"content", `{"input":[{"role":"user","content":1}]}`, "input[0].content"},
		{"output without call", `{"input":["a",{"type":"function_call_output","output":"x"}]}`, "input[0]"},
		{"call id", `{"input":[{"type":"function_call_output","output":"x"}]}`, "input[0].call_id"},
		{"tool", `{"tools":[{"type":"function"}]}`, "tools[0].name"},
		{"tool type", `{"tools":[{"name":"x"}]}`, "tools[0].type"},
		{"tools", `{"tools":{}}`, "tools"},
		{"namespace", `{"tools":[{"type":"namespace","name":"n","tools":"x"}]}`, "tools[0].tools"},
		{"temperature", `{"temperature":"hot"}`, "temperature"},
		{"negative limit", `{"max_output_tokens":-1}`, "max_output_tokens"},
		{"fractional limit", `{"max_output_tokens":1.5}`, "max_output_tokens"},
		{"reasoning", `{"reasoning":"high"}`, "reasoning"},
		{"choice", `{"tool_choice":"sometimes"}`, "tool_choice"},
		{"stream", `{"stream":"yes"}`, "stream"},
		{"deep", `{"input":` + strings.Repeat("[", 500) + strings.Repeat("]", 500) + `}`, ""},
	} {
		_, err := testDialect.DecodeRequest([]byte(tt.body))
		e, ok := err.(*llm.Error)
		if !ok || e.Param != tt.param || e.Type != llm.ErrInvalidRequest {
			t.Errorf("%s: %#v", tt.name, err)
		}
	}
}

func TestRequest_AKeyCannotForgeAnother(t *testing.T) {
	in := `{"model":"m","x\":0,\"model\":\"dear":1,"input":[{"role":"user","content":"a","y\"z":2}],"tools":[{"type":"function","name":"f","parameters":null,"w\n":3}]}`
	body, _, err := testDialect.EncodeRequest(mustRequest(t, in), &dialect.Target{Model: "m"})
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Replace(in, `"content":"a"`, `"type":"message","content":[{"type":"input_text","text":"a"}]`, 1)
	if diff := sameJSON(t, []byte(want), body); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	_, dropped := upstreamBody(t, mustRequest(t, `{"tr\u0075ncation":"auto"}`), &dialect.Policy{Drop: []string{"truncation"}})
	if !slices.Equal(dropped, []string{"truncation"}) {
		t.Errorf("an escaped letter hides a member from the policy: dropped %v", dropped)
	}
}

func TestDecodeRequest_TakesWhatClientsReallySend(t *testing.T) {
	for _, tt := range []struct {
		name, body string
		check      func(*llm.Request) bool
	}{
		{"string input", `{"input":"hi"}`, func(r *llm.Request) bool { return r.Messages[0].Blocks[0].Text == "hi" }},
		{"nulls", `{"input":null,"tools":null,"reasoning":null,"temperature":null,"text":null,"instructions":null,"stream":null,"tool_choice":null}`,
			func(r *llm.Request) bool { return len(r.Messages) == 0 && r.Reasoning == nil }},
		{"byte order mark", "\ufeff" + `{"model":"m"}`, func(r *llm.Request) bool { return r.Model == "m" }},
		{"Chat's tool form", `{"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object"}}}]}`,
			func(r *llm.Request) bool { return r.Tools[0].Name == "f" && len(r.Tools[0].Schema) > 0 }},
		{"Chat's picture form", `{"input":[{"role":"user","content":[{"type":"input_image","image_url":{"url":"https://x/y.png"}}]}]}`,
			func(r *llm.Request) bool { return r.Messages[0].Blocks[0].Source.URL == "https://x/y.png" }},
		{"arguments as object", `{"input":[{"type":"function_call","call_id":"c","name":"n","arguments":{"a":1}}]}`,
			func(r *llm.Request) bool { return string(r.Messages[0].Blocks[0].Call.Input) == `{"a":1}` }},
		{"broken arguments stay visible", `{"input":[{"type":"function_call","call_id":"c","name":"n","arguments":"{a"}]}`,
			func(r *llm.Request) bool { return string(r.Messages[0].Blocks[0].Call.Input) == `{"input":"{a"}` }},
		{"structured output", `{"text":{"format":{"type":"json_schema","name":"o","schema":{"type":"object"},"strict":true}}}`,
			func(r *llm.Request) bool {
				return r.Format.Kind == "json_schema" && r.Format.Name == "o" && *r.Format.Strict
			}},
		{"plain text format", `{"text":{"format":{"type":"text"}}}`, func(r *llm.Request) bool { return r.Format == nil }},
		{"text file", `{"input":[{"role":"user","content":[{"type":"input_file","filename":"a.txt","file_data":"data:text/plain;base64,aGk="}]}]}`,
			func(r *llm.Request) bool { return r.Messages[0].Blocks[0].Source.Data == "hi" }},
		{"output as object", `{"input":[{"type":"function_call_output","call_id":"c","output":{"a":1}}]}`,
			func(r *llm.Request) bool { return r.Messages[0].Blocks[0].Result.Content[0].Text == `{"a":1}` }},
	} {
		r, err := testDialect.DecodeRequest([]byte(tt.body))
		if err != nil || !tt.check(r) {
			t.Errorf("%s: %+v, %v", tt.name, r, err)
		}
	}
}

// claudeRequest is a turn of Claude Code as its dialect's decoder gives it.
func claudeRequest() *llm.Request {
	yes := true
	temperature := 1.0
	return &llm.Request{
		Model: "coder", MaxTokens: 8, Stream: true, Temperature: &temperature, Stop: []string{"STOP"}, Parallel: &yes,
		Reasoning: &llm.Reasoning{Mode: "adaptive", Effort: "max"},
		User:      `{"device_id":"d","session_id":"s"}`,
		System:    []llm.Block{{Text: "x-anthropic-billing-header: cc"}, {Text: "You are"}, {Text: "More", Cache: &llm.Cache{}}},
		Tools: []llm.Tool{
			{Name: "Bash", Description: "run", Schema: json.RawMessage(`{"$schema":"x","type":"object","properties":{"cmd":{"type":"string"}}}`)},
			{Kind: llm.ToolServer, Name: "web_search", Raw: json.RawMessage(`{"type":"web_search_20250305"}`), Extra: llm.Extra{From: llm.Anthropic}},
		},
		ToolChoice: &llm.ToolChoice{Mode: "any"},
		Messages: []llm.Message{
			{Role: llm.RoleUser, Blocks: []llm.Block{{Text: "reminder"}, {Text: "prompt"}}},
			{Role: llm.RoleSystem, Blocks: []llm.Block{{Text: "# Environment"}}},
			{Role: llm.RoleAssistant, Blocks: []llm.Block{
				{Kind: llm.KindThinking, Signature: "EqQB"}, {Text: "Looking."}, call("toolu_1", "Bash", `{"cmd":"ls"}`), call("toolu_2", "Bash", `{"cmd":"false"}`)}},
			{Role: llm.RoleUser, Blocks: []llm.Block{
				{Kind: llm.KindToolResult, Result: &llm.ToolResult{CallID: "toolu_2", IsError: true, Content: []llm.Block{{Text: "Exit code 1"}}}},
				{Kind: llm.KindToolResult, Result: &llm.ToolResult{CallID: "toolu_1", Content: []llm.Block{
					{Text: "a.png"}, {Kind: llm.KindImage, Source: &llm.Source{MediaType: "image/png", Data: "aGk="}}}}},
				{Kind: llm.KindDocument, Source: &llm.Source{MediaType: "text/plain", Data: "notes", Name: "n.txt"}},
				{Text: "go on"}}},
		},
		Extra: llm.Extra{From: llm.Anthropic, Fields: []llm.Field{{Key: "context_management", Value: json.RawMessage(`{}`)}}},
	}
}

func TestEncodeRequest_TranslatesAClaudeCodeTurn(t *testing.T) {
	for name, p := range map[string]*dialect.Policy{
		"claude.open.json": nil,
		"claude.strict.json": {
			NoDeveloper: true, SystemFirst: true, NoImages: true, NoToolChoice: true, MaxOutput: 4, Temperature: 0.5,
			Efforts: []string{"low", "high"}, Drop: []string{"include"}, Rename: map[string]string{"max_output_tokens": "max_tokens"},
		},
	} {
		body, dropped, err := testDialect.EncodeRequest(claudeRequest(), &dialect.Target{Model: "up", Policy: p})
		if err != nil {
			t.Fatal(err)
		}
		note, _ := json.Marshal(dropped)
		golden(t, filepath.Join("request", name), append(pretty(t, body), note...))
	}
}

func TestEncodeRequest_ChatsOwnMembersSurvive(t *testing.T) {
	r := &llm.Request{
		User: "u", Verbosity: "low", Format: &llm.Format{Kind: "json_schema", Schema: json.RawMessage(`{"type":"object"}`)},
		Tools: []llm.Tool{{Kind: llm.ToolCustom, Name: "sql", Grammar: &llm.Grammar{Syntax: "regex", Definition: "x+"}}},
		Messages: []llm.Message{
			{Role: llm.RoleUser, Blocks: []llm.Block{{Text: "q"}}},
			{Role: llm.RoleAssistant, Blocks: []llm.Block{{Kind: llm.KindToolCall, Call: &llm.ToolCall{ID: "c", Name: "sql", Custom: true, Text: "xx"}}}},
			{Role: llm.RoleUser, Blocks: []llm.Block{{Kind: llm.KindToolResult, Result: &llm.ToolResult{CallID: "c", Content: []llm.Block{{Text: "1"}}}}}},
		},
		Extra: llm.Extra{From: llm.OpenAI, Fields: []llm.Field{
			{Key: "store", Value: json.RawMessage("true")}, {Key: "seed", Value: json.RawMessage("1")}}},
	}
	body, dropped := upstreamBody(t, r, nil)
	for path, want := range map[string]string{
		"store": "true", "user": `"u"`, "text.verbosity": `"low"`, "text.format.name": `"output"`, "tools.0.format.syntax": `"regex"`,
		"input.1.type": `"custom_tool_call"`, "input.2.type": `"custom_tool_call_output"`,
	} {
		if got := body.Get(path).Raw; got != want {
			t.Errorf("%s is %s, want %s", path, got, want)
		}
	}
	if diff := cmp.Diff([]string{"seed"}, dropped); diff != "" {
		t.Errorf("dropped: %s", diff)
	}
}

func TestEncodeRequest_SchemaInWordsWhereNoneIsTaken(t *testing.T) {
	r := &llm.Request{Format: &llm.Format{Kind: "json_schema", Schema: json.RawMessage(`{"type":"object"}`)}}
	body, _ := upstreamBody(t, r, &dialect.Policy{NoSchema: true})
	if body.Get("text.format.type").Str != "json_object" || !strings.Contains(body.Get("instructions").Str, `{"type":"object"}`) {
		t.Errorf("body %s", body)
	}
}

// itemGen makes items a client may send.
var itemGen = rapid.SampledFrom([]string{
	`{"role":"user","content":"a"}`, `{"type":"message","id":"msg_1","role":"user","content":[{"type":"input_text","text":"b"}]}`,
	`{"type":"message","role":"assistant","id":"msg_2","status":"completed","phase":"commentary","content":[{"type":"output_text","text":"c"},{"type":"output_text","text":"d"}]}`,
	`{"type":"message","role":"assistant","content":[{"type":"refusal","refusal":"no"}]}`,
	`{"type":"message","role":"developer","content":[{"type":"input_text","text":"e"},{"type":"input_text","text":"f"}]}`,
	`{"type":"message","role":"system","id":"msg_3","content":[{"type":"input_text","text":"g"}]}`,
	`{"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"X"}`, `{"type":"reasoning","id":"rs_2","summary":[{"type":"summary_text","text":"h"}]}`,
	`{"type":"function_call","id":"fc_1","call_id":"c1","name":"f","arguments":"{\"a\":1}"}`,
	`{"type":"function_call_output","call_id":"c1","output":"out"}`,
	`{"type":"function_call_output","id":"fco_1","call_id":"c1","output":[{"type":"input_text","text":"x"},{"type":"input_image","file_id":"file_1"}]}`,
	`{"type":"custom_tool_call","call_id":"c2","name":"g","input":"raw"}`, `{"type":"custom_tool_call_output","call_id":"c2","output":"y"}`,
	`{"type":"web_search_call","id":"ws_1","status":"completed"}`, `{"type":"item_reference","id":"msg_9"}`,
	`{"type":"message","role":"user","content":[{"type":"input_audio","input_audio":{"data":"x"}},{"type":"input_file","file_url":"https://x/y.pdf"}]}`,
})

func TestRequest_AnySequenceOfItemsIsWrittenBackAsItCame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		items := rapid.SliceOfN(itemGen, 0, 12).Draw(t, "items")
		body := `{"model":"m","instructions":"i","input":[` + strings.Join(items, ",") + `]}`
		got, _, err := testDialect.EncodeRequest(mustRequest(t, body), &dialect.Target{Model: "m"})
		if err != nil {
			t.Fatalf("EncodeRequest: %v", err)
		}
		want := strings.ReplaceAll(body, `{"role":"user","content":"a"}`,
			`{"type":"message","role":"user","content":[{"type":"input_text","text":"a"}]}`)
		if diff := sameJSON(t, []byte(want), got); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
	})
}

func FuzzDecodeRequest(f *testing.F) {
	body, err := os.ReadFile(filepath.Join("testdata", "request", "codex.json"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(body)
	f.Add([]byte(codexRequest))
	f.Add([]byte(`{"input":[{"type":"reasoning","encrypted_content":"YWltdXgxOnRoaW5raW5nOnNpZw=="}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		before := bytes.Clone(body)
		r, err := testDialect.DecodeRequest(body)
		if err != nil {
			return
		}
		for _, from := range []llm.Dialect{llm.Responses, llm.Anthropic} {
			r.Extra.From = from
			out, _, err := testDialect.EncodeRequest(r, openTarget)
			if err != nil {
				continue
			}
			if !json.Valid(out) {
				t.Errorf("%s became %s", body, out)
			}
		}
		if _, err := testDialect.EncodeResponse(&llm.Response{}, r); err != nil {
			t.Error(err)
		}
		if !bytes.Equal(before, body) {
			t.Error("the body was changed")
		}
	})
}
