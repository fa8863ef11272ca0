package responses

import (
	"slices"
	"strings"
	"testing"

	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/tidwall/gjson"
)

// upstreamBody encodes r for a Responses provider.
func upstreamBody(t *testing.T, r *llm.Request, p *dialect.Policy) (gjson.Result, []string) {
	t.Helper()
	body, dropped, err := testDialect.EncodeRequest(r, &dialect.Target{Model: "up", Policy: p})
	if err != nil {
		t.Fatal(err)
	}
	if !gjson.ValidBytes(body) {
		t.Fatalf("not JSON: %s", body)
	}
	return gjson.ParseBytes(body), dropped
}

func TestKnownFailure_29_PictureInAToolResultStaysThere(t *testing.T) {
	r := &llm.Request{Messages: []llm.Message{
		{Role: llm.RoleUser, Blocks: []llm.Block{{Text: "look"}}},
		{Role: llm.RoleAssistant, Blocks: []llm.Block{call("toolu_1", "Read", `{}`)}},
		{Role: llm.RoleUser, Blocks: []llm.Block{{Kind: llm.KindToolResult, Result: &llm.ToolResult{CallID: "toolu_1", Content: []llm.Block{
			{Kind: llm.KindImage, Source: &llm.Source{MediaType: "image/png", Data: "aGk="}}}}}}},
	}}
	body, _ := upstreamBody(t, r, nil)
	if got := body.Get("input.2.output.0.image_url").Str; got != "data:image/png;base64,aGk=" {
		t.Errorf("input %s", body.Get("input"))
	}
}

func TestKnownFailure_30_PDFBecomesAFileOrAClearError(t *testing.T) {
	r := &llm.Request{Messages: []llm.Message{{Role: llm.RoleUser, Blocks: []llm.Block{
		{Kind: llm.KindDocument, Source: &llm.Source{MediaType: "application/pdf", Data: "JVBERg=="}}}}}}
	body, _ := upstreamBody(t, r, nil)
	part := body.Get("input.0.content.0")
	if part.Get("file_data").Str != "data:application/pdf;base64,JVBERg==" || part.Get("filename").Str == "" {
		t.Errorf("part %s", part)
	}
	_, _, err := testDialect.EncodeRequest(r, &dialect.Target{Policy: &dialect.Policy{NoDocuments: true}})
	if e, ok := err.(*llm.Error); !ok || e.Class != llm.ClassBadRequest {
		t.Errorf("without documents: %v", err)
	}
}

func TestKnownFailure_31_LongToolNamesAreShortenedAndRestored(t *testing.T) {
	long := "mcp__" + strings.Repeat("server_", 12) + "tool"
	r := &llm.Request{Tools: []llm.Tool{{Name: long}}, Messages: []llm.Message{
		{Role: llm.RoleUser, Blocks: []llm.Block{{Text: "x"}}},
		{Role: llm.RoleAssistant, Blocks: []llm.Block{call("c", long, `{}`)}},
	}}
	body, _ := upstreamBody(t, r, nil)
	short := body.Get("tools.0.name").Str
	if len(short) > 64 || body.Get("input.1.name").Str != short {
		t.Errorf("tool %q, history %q", short, body.Get("input.1.name").Str)
	}
	r.Extra.From = llm.Responses // the same tool, declared by a client of this dialect
	a, err := testDialect.EncodeResponse(&llm.Response{Blocks: []llm.Block{call("c", short, `{}`)}}, r)
	if err != nil || gjson.GetBytes(a, "output.0.name").Str != long {
		t.Errorf("answer %s, %v", a, err)
	}
}

func TestKnownFailure_35_SystemTurnsKeepTheirOrderAndPlace(t *testing.T) {
	body := `{"model":"m","instructions":"first","input":[
		{"type":"message","role":"developer","content":[{"type":"input_text","text":"second"}]},
		{"role":"system","content":"third"},
		{"role":"user","content":"hi"},
		{"role":"developer","content":"later"},
		{"role":"user","content":"go"}]}`
	r := mustRequest(t, body)
	var system []string
	for _, b := range r.System {
		system = append(system, b.Text)
	}
	if !slices.Equal(system, []string{"first", "second", "third"}) || r.Messages[1].Role != llm.RoleDeveloper {
		t.Errorf("system %q, messages %+v", system, r.Messages)
	}
	out, _ := upstreamBody(t, r, nil)
	if got := out.Get("input.#.role").Raw; got != `["developer","system","user","developer","user"]` {
		t.Errorf("written back as %s", got)
	}
}

func TestKnownFailure_41_ToolChoiceAndParallelismSurvive(t *testing.T) {
	for _, choice := range []string{
		`"none"`, `"auto"`, `"required"`, `{"type":"function","name":"exec_command"}`, `{"type":"custom","name":"apply_patch"}`,
		`{"type":"allowed_tools","mode":"required","tools":[{"type":"function","name":"exec_command"},{"type":"custom","name":"apply_patch"}]}`,
		`{"type":"web_search"}`,
	} {
		in := strings.Replace(codexRequest, `"model":`, `"parallel_tool_calls":false,"tool_choice":`+choice+`,"model":`, 1)
		out, _ := upstreamBody(t, mustRequest(t, in), nil)
		if got := out.Get("tool_choice").Raw; got != choice || out.Get("parallel_tool_calls").Raw != "false" {
			t.Errorf("%s became %s", choice, got)
		}
	}
}

func TestKnownFailure_42_ReasoningGoesBackToItsMaker(t *testing.T) {
	answer := `{"id":"r","status":"completed","output":[{"type":"reasoning","id":"rs_9","summary":[{"type":"summary_text","text":"hm"}],"encrypted_content":"SECRET"},
		{"type":"function_call","id":"fc_1","call_id":"c1","name":"ls","arguments":"{}"}]}`
	a, err := testDialect.DecodeResponse([]byte(answer))
	if err != nil {
		t.Fatal(err)
	}
	// What a Messages client keeps of a thinking block is text and signature.
	thinking := llm.Block{Kind: llm.KindThinking, Text: a.Blocks[0].Text, Signature: a.Blocks[0].Signature}
	if !dialect.IsOwnSignature(thinking.Signature) {
		t.Errorf("signature %q would be sent to Anthropic", thinking.Signature)
	}
	r := &llm.Request{Messages: []llm.Message{
		{Role: llm.RoleUser, Blocks: []llm.Block{{Text: "go"}}},
		{Role: llm.RoleAssistant, Blocks: []llm.Block{thinking, a.Blocks[1]}},
		{Role: llm.RoleUser, Blocks: []llm.Block{{Kind: llm.KindToolResult, Result: &llm.ToolResult{CallID: "c1", Content: []llm.Block{{Text: "x"}}}}}},
	}}
	body, _ := upstreamBody(t, r, nil)
	want := `{"type":"reasoning","id":"rs_9","summary":[{"type":"summary_text","text":"hm"}],"encrypted_content":"SECRET"}`
	if got := body.Get("input.1").Raw; got != want {
		t.Errorf("reasoning came back as %s", got)
	}
}

func TestKnownFailure_43_ForeignThinkingIsNotSent(t *testing.T) {
	r := &llm.Request{Messages: []llm.Message{
		{Role: llm.RoleUser, Blocks: []llm.Block{{Text: "go"}}},
		{Role: llm.RoleAssistant, Blocks: []llm.Block{
			{Kind: llm.KindThinking, Text: "hm", Signature: "EqQB"}, {Kind: llm.KindThinking, Redacted: "xx"},
			{Kind: llm.KindThinking, Text: "hm", Signature: dialect.OwnSignature("hm")}, {Text: "hi"}}},
	}}
	body, _ := upstreamBody(t, r, nil)
	if got := body.Get("input.#.type").Raw; got != `["message","message"]` {
		t.Errorf("items %s", got)
	}
}

func TestKnownFailure_43_AnthropicThinkingSurvivesAResponsesClient(t *testing.T) {
	for _, b := range []llm.Block{{Kind: llm.KindThinking, Text: "hm", Signature: "EqQB=="}, {Kind: llm.KindThinking, Redacted: "opaque=="}} {
		item := terminal(t, streamOf(t, llm.StopEnd, b, llm.Block{Text: "x"})).Get("output.0").Raw
		r := mustRequest(t, `{"model":"m","input":[{"role":"user","content":"x"},`+item+`]}`)
		got := r.Messages[1].Blocks[0]
		if got.Signature != b.Signature || got.Redacted != b.Redacted || got.Text != b.Text {
			t.Errorf("%+v came back as %+v", b, got)
		}
	}
}

func TestKnownFailure_44_EncryptedReasoningIsStrippedWhenTheKeyChanges(t *testing.T) {
	in := `{ "model":"m", "input" : [ {"type":"message","role":"user","content":"a"}, {"type":"reasoning","id":"rs_1","encrypted_content":"X"},` +
		`{"type":"function_call","call_id":"c","name":"n","arguments":"{}"},{"type":"reasoning","summary":[]} ] , "stream":true}`
	want := `{ "model":"m", "input" : [{"type":"message","role":"user","content":"a"},{"type":"function_call","call_id":"c","name":"n","arguments":"{}"}] , "stream":true}`
	if got, n := StripReasoning([]byte(in)); string(got) != want || n != 2 {
		t.Errorf("%d removed: %s", n, got)
	}
	for _, same := range []string{`{"input":"reasoning"}`, `{"input":[{"role":"user"}]}`, `{"input":[`, ``} {
		if got, n := StripReasoning([]byte(same)); string(got) != same || n != 0 {
			t.Errorf("%s became %s", same, got)
		}
	}
	e := testDialect.DecodeError(400, nil, []byte(`{"error":{"message":"The encrypted content gAAA could not be verified.","type":"invalid_request_error","code":"invalid_encrypted_content"}}`))
	if !IsReasoningRefused(e) || IsReasoningRefused(&llm.Error{Message: "no"}) {
		t.Error("the refusal is not told from others")
	}
}

func TestEncodeRequest_ConversationsKeptElsewhereAreRefused(t *testing.T) {
	for key, from := range map[string]llm.Dialect{"thread": llm.Anthropic, "mcp_servers": llm.Anthropic, "n": llm.OpenAI} {
		r := &llm.Request{Extra: llm.Extra{From: from, Fields: []llm.Field{{Key: key, Value: []byte(`{"type":"continue"}`)}}}}
		_, _, err := testDialect.EncodeRequest(r, openTarget)
		e, ok := err.(*llm.Error)
		if !ok || e.Param != key || key == "thread" && e.Details != dialect.ThreadUnsupported {
			t.Errorf("%s: %v", key, err)
		}
	}
}
