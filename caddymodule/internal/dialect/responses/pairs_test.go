package responses

import (
	"testing"

	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/dialect/anthropic"
	"github.com/aimux/aimux/caddymodule/internal/dialect/openai"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/google/go-cmp/cmp"
	"github.com/tidwall/gjson"
)

// functionStream is a provider's stream with reasoning, text and two calls,
// and functionAnswer the same without a stream.
var functionStream = stream(
	`{"type":"response.created","response":{"id":"resp_1","created_at":7,"model":"gpt"}}`,
	`{"type":"response.output_item.added","output_index":0,"item":{"type":"reasoning","id":"rs_1","summary":[]}}`,
	`{"type":"response.reasoning_summary_text.delta","output_index":0,"item_id":"rs_1","summary_index":0,"delta":"hm"}`,
	`{"type":"response.output_item.done","output_index":0,"item":{"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"hm"}],"encrypted_content":"SECRET"}}`,
	`{"type":"response.output_text.delta","output_index":1,"item_id":"msg_1","content_index":0,"delta":"I look."}`,
	`{"type":"response.output_item.done","output_index":1,"item":{"type":"message","id":"msg_1","content":[{"type":"output_text","text":"I look.","annotations":[]}]}}`,
	`{"type":"response.output_item.added","output_index":2,"item":{"type":"function_call","id":"fc_1","call_id":"call_1","name":"ls","arguments":""}}`,
	`{"type":"response.function_call_arguments.delta","output_index":2,"item_id":"fc_1","delta":"{\"p\":"}`,
	`{"type":"response.function_call_arguments.delta","output_index":2,"item_id":"fc_1","delta":"\".\"}"}`,
	`{"type":"response.output_item.done","output_index":2,"item":{"type":"function_call","id":"fc_1","call_id":"call_1","name":"ls","arguments":"{\"p\":\".\"}"}}`,
	`{"type":"response.output_item.done","output_index":3,"item":{"type":"function_call","id":"fc_2","call_id":"call_2","name":"pwd","arguments":""}}`,
	`{"type":"response.completed","response":`+functionAnswer+`}`,
)

const functionAnswer = `{"id":"resp_1","created_at":7,"model":"gpt","status":"completed","output":[` +
	`{"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"hm"}],"encrypted_content":"SECRET"},` +
	`{"type":"message","id":"msg_1","content":[{"type":"output_text","text":"I look.","annotations":[]}]},` +
	`{"type":"function_call","id":"fc_1","call_id":"call_1","name":"ls","arguments":"{\"p\":\".\"}"},` +
	`{"type":"function_call","id":"fc_2","call_id":"call_2","name":"pwd","arguments":""}],` +
	`"usage":{"input_tokens":20,"input_tokens_details":{"cached_tokens":4},"output_tokens":9,"output_tokens_details":{"reasoning_tokens":5},"total_tokens":29}}`

// clients are the other dialects, each with a request of its client.
var clients = map[string]struct {
	dialect dialect.Dialect
	request string
}{
	"anthropic": {anthropic.New(), `{"model":"m","max_tokens":9,"stream":true,"messages":[{"role":"user","content":"x"}],"tools":[{"name":"ls","input_schema":{"type":"object"}}]}`},
	"openai":    {openai.New(), `{"model":"m","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"x"}]}`},
}

// said is what every dialect can say of an answer: thinking, text and calls.
func said(a *llm.Response) []string {
	var list []string
	for _, b := range a.Blocks {
		switch b.Kind {
		case llm.KindText:
			list = append(list, "text "+b.Text)
		case llm.KindThinking:
			list = append(list, "thinking "+b.Text)
		case llm.KindToolCall:
			list = append(list, "call "+b.Call.ID+" "+b.Call.Name+" "+string(dialect.CallInput(b.Call)))
		}
	}
	return append(list, "stop "+string(a.Stop))
}

func TestPairs_OtherClientsGetAResponsesProvidersAnswer(t *testing.T) {
	want := []string{"thinking hm", "text I look.", `call call_1 ls {"p":"."}`, "call call_2 pwd {}", "stop tool"}
	for name, client := range clients {
		r, err := client.dialect.DecodeRequest([]byte(client.request))
		if err != nil {
			t.Fatal(err)
		}
		a, err := testDialect.DecodeResponse([]byte(functionAnswer))
		if err != nil {
			t.Fatal(err)
		}
		body, err := client.dialect.EncodeResponse(a, r)
		if err != nil {
			t.Fatal(err)
		}
		whole, err := client.dialect.DecodeResponse(body)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, said(whole)); diff != "" {
			t.Errorf("%s, not streamed:\n%s", name, diff)
		}
		streamed := fold(t, throughClient(t, client.dialect, r, functionStream))
		if diff := cmp.Diff(want, said(streamed)); diff != "" {
			t.Errorf("%s, streamed:\n%s", name, diff)
		}
		if u := streamed.Usage; u != whole.Usage || u.Input != 20 || u.CacheRead != 4 {
			t.Errorf("%s: usage %+v, not streamed %+v", name, u, whole.Usage)
		}
	}
}

// throughClient translates a provider's stream for a client and reads it as
// the client would.
func throughClient(t *testing.T, d dialect.Dialect, r *llm.Request, body []byte) []llm.Event {
	t.Helper()
	events, err := decodeStream(body)
	if err != nil {
		t.Fatal(err)
	}
	enc := d.NewStreamEncoder(r)
	var out []byte
	for i := range events {
		out = enc.Encode(out, &events[i])
	}
	got, err := decodeWith(d.NewStreamDecoder(), out)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestPairs_OtherClientsAreToldOfFailuresAndLimits(t *testing.T) {
	const hi = `{"type":"response.output_text.delta","output_index":0,"content_index":0,"delta":"hi"}`
	for name, client := range clients {
		r, err := client.dialect.DecodeRequest([]byte(client.request))
		if err != nil {
			t.Fatal(err)
		}
		for kind, body := range map[string][]byte{
			"failed": stream(hi, `{"type":"response.failed","response":{"status":"failed","error":{"code":"server_error","message":"boom"}}}`),
			"cut":    stream(hi),
		} {
			events := throughClient(t, client.dialect, r, body)
			if last := events[len(events)-1]; last.Type != llm.EventError {
				t.Errorf("%s, %s: ends with %+v", name, kind, last)
			}
		}
		limit := stream(hi, `{"type":"response.incomplete","response":{"status":"incomplete","incomplete_details":{"reason":"max_output_tokens"}}}`)
		if a := fold(t, throughClient(t, client.dialect, r, limit)); a.Stop != llm.StopMax {
			t.Errorf("%s: stop %q", name, a.Stop)
		}
	}
}

// A Messages client keeps thinking blocks as they came and sends them back.
func TestPairs_ReasoningReturnsThroughAMessagesClient(t *testing.T) {
	client := clients["anthropic"]
	a, err := testDialect.DecodeResponse([]byte(functionAnswer))
	if err != nil {
		t.Fatal(err)
	}
	out, err := client.dialect.EncodeResponse(a, nil)
	if err != nil {
		t.Fatal(err)
	}
	if signature := gjson.GetBytes(out, "content.0.signature").Str; signature != a.Blocks[0].Signature {
		t.Fatalf("the Messages encoder replaces the seal by %s", signature)
	}
	next := `{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"},{"role":"assistant","content":` +
		string(mustGet(t, out, "content")) + `},{"role":"user","content":[{"type":"tool_result","tool_use_id":"call_1","content":"y"},{"type":"tool_result","tool_use_id":"call_2"}]}]}`
	r, err := client.dialect.DecodeRequest([]byte(next))
	if err != nil {
		t.Fatal(err)
	}
	body, _ := upstreamBody(t, r, nil)
	if got := body.Get("input.1").Raw; got != `{"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"hm"}],"encrypted_content":"SECRET"}` {
		t.Errorf("input %s", body.Get("input"))
	}
	// To Anthropic itself it must not go.
	genuine, _, err := client.dialect.EncodeRequest(r, &dialect.Target{Model: "m", Policy: &dialect.Policy{Genuine: true}})
	if err != nil {
		t.Fatal(err)
	}
	if kinds := mustGet(t, genuine, "messages.1.content.#.type"); string(kinds) != `["text","tool_use","tool_use"]` {
		t.Errorf("to Anthropic: %s", kinds)
	}
}
