package simulator

import (
	"encoding/base64"
	"strings"
	"testing"
)

// strictly sends body to a strict simulator of a vendor.
func strictly(t *testing.T, vendor, path, body string, header ...string) reply {
	t.Helper()
	s := New(Options{Strict: true, Vendor: vendor, Now: noon})
	return post(t, s, path, body, append([]string{"Authorization", "Bearer k"}, header...)...)
}

// signed is a signature of the simulator itself.
var signed = base64.StdEncoding.EncodeToString([]byte("sim1:sim:m:signed"))

func TestStrict_AcceptsWhatClientsSend(t *testing.T) {
	for _, c := range []struct{ name, vendor, path, body string }{
		{"claude code", "anthropic", messagesPath + "?beta=true", `{"model":"m","max_tokens":32000,"stream":true,"thinking":{"type":"adaptive","display":"omitted"},` +
			`"output_config":{"effort":"high"},"context_management":{"edits":[]},"metadata":{"user_id":"{}"},"system":[{"type":"text","text":"x","cache_control":{"type":"ephemeral"}}],` +
			`"messages":[{"role":"user","content":[{"type":"text","text":"a"}]},{"role":"system","content":[{"type":"text","text":"env"}]},` +
			`{"role":"assistant","content":[{"type":"thinking","thinking":"","signature":"` + signed + `"},{"type":"tool_use","id":"toolu_1","name":"Read","input":{}}]},` +
			`{"role":"user","content":[{"tool_use_id":"toolu_1","type":"tool_result","content":[{"type":"tool_reference","tool_name":"W"}]}]},{"role":"system","content":"more"}],` +
			`"tools":[{"name":"Read","description":"d","input_schema":{"type":"object"},"defer_loading":true},{"type":"web_search_20250305","name":"web_search"}]}`},
		{"codex", "openai", responsesPath, `{"model":"m","stream":true,"store":false,"tool_choice":"auto","parallel_tool_calls":true,"reasoning":{"summary":"auto"},` +
			`"include":["reasoning.encrypted_content"],"prompt_cache_key":"k","client_metadata":{},"input":[` +
			`{"type":"message","id":"msg_1","role":"developer","content":[{"type":"input_text","text":"a"}]},{"role":"user","content":"b"},` +
			`{"type":"reasoning","id":"rs_1","summary":[],"content":null,"encrypted_content":"` + signed + `"},` +
			`{"type":"function_call","status":"completed","id":"fc_1","name":"f","arguments":"{}","call_id":"c"},{"type":"function_call_output","id":"fco_1","call_id":"c","output":"o"}],` +
			`"tools":[{"type":"function","name":"f","strict":false,"parameters":{"type":"object","properties":{}}},{"type":"custom","name":"apply_patch"},{"type":"namespace","name":"n","tools":[]},{"type":"web_search"}]}`},
		{"chat tools", "openai", chatPath, `{"model":"m","stream":true,"stream_options":{"include_usage":true},"max_tokens":9,"tool_choice":"auto","messages":[{"role":"developer","content":"a"},` +
			`{"role":"user","content":[{"type":"text","text":"a"},{"type":"image_url","image_url":{"url":"data:"}}]},{"role":"assistant","content":null,"tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}]},` +
			`{"role":"tool","tool_call_id":"c","name":"f","content":"r"}],"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{}}}}]}`},
		{"reasoning to cerebras", "cerebras", chatPath, `{"model":"m","messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b","reasoning":"r"},{"role":"user","content":"c"}],"reasoning_effort":"low"}`},
		{"anything to zai", "zai", chatPath, hello(chatPath, `,"thinking":{"type":"enabled"},"do_sample":true,"whatever":1`)},
		{"plain", "", chatPath, hello(chatPath, ``)},
		{"count", "anthropic", "/v1/messages/count_tokens", `{"model":"m","messages":[{"role":"user","content":"hi"}]}`},
		{"embeddings", "openai", "/v1/embeddings", `{"model":"e","input":"x"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := strictly(t, c.vendor, c.path, c.body, "Anthropic-Version", "2023-06-01", "Anthropic-Beta", "a,context-management-2025-06-27")
			if got.status != 200 {
				t.Errorf("%d %s", got.status, got.body)
			}
		})
	}
}

func TestStrict_RefusesWhatAnthropicRefuses(t *testing.T) {
	turns := func(s string) string { return `{"model":"m","max_tokens":9000,"messages":[` + s + `]}` }
	const user = `{"role":"user","content":"a"}`
	use := func(id string) string {
		return `{"role":"assistant","content":[{"type":"tool_use","id":"` + id + `","name":"f","input":{}}]}`
	}
	result := func(id string) string {
		return `{"role":"user","content":[{"type":"tool_result","tool_use_id":"` + id + `","content":"r"}]}`
	}
	for _, c := range []struct{ name, body, want string }{
		{"no max_tokens", `{"model":"m","messages":[` + user + `]}`, "max_tokens: Field required"},
		{"no messages", turns(``), "at least one message is required"},
		{"unknown field", hello(messagesPath, `,"seed":1`), "seed: Extra inputs are not permitted"},
		{"beta field without beta", hello(messagesPath, `,"thread":{"type":"create"}`), "thread: Extra inputs"},
		{"unknown message field", turns(`{"role":"user","content":"a","name":"x"}`), "messages.0.name: Extra inputs"},
		{"unknown block field", turns(`{"role":"user","content":[{"type":"text","text":"a","id":"x"}]}`), "messages.0.content.0.text.id: Extra inputs"},
		{"assistant first", turns(`{"role":"assistant","content":"a"}`), `first message must use the \"user\" role`},
		{"tool role", turns(user + `,{"role":"tool","content":"a"}`), "messages.1.role: Input should be"},
		{"empty content", turns(`{"role":"user","content":""}`), "messages.0: all messages must have non-empty content"},
		{"empty text", turns(`{"role":"user","content":[{"type":"text","text":""}]}`), "text content blocks must be non-empty"},
		{"blank text", turns(`{"role":"user","content":[{"type":"text","text":" \n"}]}`), "non-whitespace"},
		{"unanswered call", turns(user + `,` + use("t1") + `,` + user), "messages.1: `tool_use` ids were found without `tool_result` blocks immediately after: t1"},
		{"unanswered at the end", turns(user + `,` + use("t1")), "without `tool_result`"},
		{"orphan result", turns(user + `,` + result("t1")), "unexpected `tool_use_id`"},
		{"result twice", turns(user + `,` + use("t1") + `,{"role":"user","content":[{"type":"tool_result","tool_use_id":"t1"},{"type":"tool_result","tool_use_id":"t1"}]}`), "single result"},
		{"result after text", turns(user + `,` + use("t1") + `,{"role":"user","content":[{"type":"text","text":"x"},{"type":"tool_result","tool_use_id":"t1"}]}`), "immediately after: t1"},
		{"id twice", turns(user + `,` + use("t1") + `,` + result("t1") + `,` + use("t1") + `,` + result("t1")), "ids must be unique"},
		{"bad id", turns(user + `,` + use("a b") + `,` + result("a b")), "tool_use.id: String should match"},
		{"input as text", turns(user + `,{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"f","input":"{}"}]}`), "valid dictionary"},
		{"foreign thinking", turns(user + `,{"role":"assistant","content":[{"type":"thinking","thinking":"x","signature":"abc"}]},` + user), "Invalid `signature` in `thinking` block"},
		{"thinking of another simulator", turns(user + `,{"role":"assistant","content":[{"type":"thinking","thinking":"x","signature":"` + base64.StdEncoding.EncodeToString([]byte("sim1:other:m:signed")) + `"}]},` + user), "Invalid `signature`"},
		{"small budget", hello(messagesPath, `,"thinking":{"type":"enabled","budget_tokens":100}`), "greater than or equal to 1024"},
		{"budget over max_tokens", hello(messagesPath, `,"thinking":{"type":"enabled","budget_tokens":2000}`), "`max_tokens` must be greater"},
		{"thinking and forced tool", hello(messagesPath, `,"thinking":{"type":"adaptive"},"tools":[{"name":"f","input_schema":{"type":"object"}}],"tool_choice":{"type":"any"}`), "Thinking may not be enabled"},
		{"hot", hello(messagesPath, `,"temperature":1.5`), "temperature: Input should be"},
		{"tool name", hello(messagesPath, `,"tools":[{"name":"a.b","input_schema":{"type":"object"}}]`), "tools.0.custom.name: String should match"},
		{"tool twice", hello(messagesPath, `,"tools":[{"name":"a","input_schema":{"type":"object"}},{"name":"a","input_schema":{"type":"object"}}]`), "Tool names must be unique"},
		{"openai tool", hello(messagesPath, `,"tools":[{"name":"a","parameters":{}}]`), "tools.0.custom.parameters: Extra inputs"},
		{"tool without schema", hello(messagesPath, `,"tools":[{"name":"a"}]`), "input_schema.type: Field required"},
		{"five cache marks", hello(messagesPath, `,"system":[`+strings.TrimSuffix(strings.Repeat(`{"type":"text","text":"x","cache_control":{"type":"ephemeral"}},`, 5), ",")+`]`), "Found 5"},
		{"picture type", turns(`{"role":"user","content":[{"type":"image","source":{"type":"base64","media_type":"image/bmp","data":""}}]}`), "media_type: Input should be"},
		{"blank stop", hello(messagesPath, `,"stop_sequences":[" "]`), "non-whitespace"},
		{"no model", `{"max_tokens":1,"messages":[` + user + `]}`, "must provide a model"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := strictly(t, "anthropic", messagesPath, c.body)
			if got.status != 400 || !strings.Contains(got.body, c.want) || !strings.HasPrefix(got.body, `{"type":"error","error":{"type":"invalid_request_error"`) {
				t.Errorf("%d %s", got.status, got.body)
			}
		})
	}
}

func TestStrict_RefusesBadHeaders(t *testing.T) {
	s := New(Options{Strict: true, Models: []string{"m"}})
	r := request(t, messagesPath, hello(messagesPath, ``), "X-Api-Key", "k")
	r.Header.Del("Anthropic-Version")
	if got := do(t, s, r); got.status != 400 || !strings.Contains(got.body, "anthropic-version: header is required") {
		t.Errorf("no version: %d %s", got.status, got.body)
	}
	if got := post(t, s, messagesPath, hello(messagesPath, `,"temperature":1`), "X-Api-Key", "k", "Anthropic-Version", "2026-10-21"); got.status != 400 {
		t.Errorf("temperature in the newer version: %d %s", got.status, got.body)
	}
	if got := post(t, s, messagesPath, hello(messagesPath, ``)); got.status != 401 {
		t.Errorf("no key: %d %s", got.status, got.body)
	}
	if got := post(t, s, chatPath, strings.Replace(hello(chatPath, ``), `"m"`, `"n"`, 1), "X-Api-Key", "k"); got.status != 404 {
		t.Errorf("unknown model: %d %s", got.status, got.body)
	}
	if got := strictly(t, "cerebras", messagesPath, hello(messagesPath, ``)); got.status != 404 {
		t.Errorf("a dialect the vendor lacks: %d %s", got.status, got.body)
	}
}

func TestStrict_RefusesWhatChatVendorsRefuse(t *testing.T) {
	turns := func(s string) string { return `{"model":"m","messages":[` + s + `]}` }
	const user = `{"role":"user","content":"a"}`
	const calls = `{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{}"}}]}`
	tools := func(s string) string { return hello(chatPath, `,"tools":[`+s+`]`) }
	long := strings.Repeat("x", 65)
	for _, c := range []struct{ name, vendor, body, want string }{
		{"no messages", "openai", turns(``), "Missing required parameter: 'messages'"},
		{"unknown field", "openai", hello(chatPath, `,"top_k":1`), "Unrecognized request argument supplied: top_k"},
		{"unknown message field", "openai", turns(`{"role":"user","content":"a","cache_control":{}}`), "Unknown parameter: 'messages[0].cache_control'"},
		{"unknown part field", "openai", turns(`{"role":"user","content":[{"type":"text","text":"a","cache_control":{}}]}`), "messages[0].content[0].cache_control"},
		{"reasoning_content", "openai", turns(user + `,{"role":"assistant","content":"a","reasoning_content":"r"},` + user), "messages[1].reasoning_content"},
		{"unanswered call", "openai", turns(user + `,` + calls + `,` + user), "did not have response messages: c1"},
		{"unanswered at the end", "openai", turns(user + `,` + calls), "did not have response messages: c1"},
		{"orphan result", "openai", turns(user + `,{"role":"tool","tool_call_id":"c1","content":"r"}`), "must be a response to a preceeding message"},
		{"wrong id", "openai", turns(user + `,` + calls + `,{"role":"tool","tool_call_id":"c2","content":"r"}`), "must be a response"},
		{"unknown role", "openai", turns(`{"role":"model","content":"a"}`), "Invalid value: 'model'"},
		{"null content", "openai", turns(`{"role":"user","content":null}`), "expected a string, got null"},
		{"picture in a tool message", "openai", turns(user + `,` + calls + `,{"role":"tool","tool_call_id":"c1","content":[{"type":"image_url","image_url":{"url":"data:"}}]}`), "only allowed for messages with role 'user'"},
		{"anthropic block", "openai", turns(`{"role":"user","content":[{"type":"image","image":{}}]}`), "Invalid value: 'image'"},
		{"arguments as object", "openai", turns(user + `,` + strings.Replace(calls, `"{}"`, `{}`, 1) + `,` + user), "function.arguments': expected a string"},
		{"long tool name", "openai", tools(`{"type":"function","function":{"name":"` + long + `"}}`), "maximum length 64, but got a string with length 65"},
		{"bad tool name", "openai", tools(`{"type":"function","function":{"name":"a.b"}}`), "does not match pattern"},
		{"flat tool", "openai", tools(`{"type":"function","name":"f"}`), "Unknown parameter: 'tools[0].name'"},
		{"schema without properties", "openai", tools(`{"type":"function","function":{"name":"f","parameters":{"type":"object"}}}`), "object schema missing properties"},
		{"schema of another type", "openai", tools(`{"type":"function","function":{"name":"f","parameters":{}}}`), "got 'type: \\\"None\\\"'"},
		{"empty tools", "openai", tools(``), "empty array"},
		{"tool_choice alone", "openai", hello(chatPath, `,"tool_choice":"auto"`), "only allowed when 'tools' are specified"},
		{"parallel alone", "openai", hello(chatPath, `,"parallel_tool_calls":false`), "only allowed when 'tools' are specified"},
		{"stream_options alone", "openai", hello(chatPath, `,"stream_options":{"include_usage":true}`), "only allowed when 'stream' is enabled"},
		{"max_tokens of a reasoning model", "openai", strings.Replace(hello(chatPath, `,"max_tokens":9`), `"m"`, `"gpt-5.5"`, 1), "Use 'max_completion_tokens' instead"},
		{"five stops", "openai", hello(chatPath, `,"stop":["a","b","c","d","e"]`), "array too long"},
		{"hot", "openai", hello(chatPath, `,"temperature":2.5`), "above maximum value"},
		{"nameless schema", "openai", hello(chatPath, `,"response_format":{"type":"json_schema","json_schema":{"schema":{}}}`), "json_schema.name"},
		{"json_object unsaid", "openai", hello(chatPath, `,"response_format":{"type":"json_object"}`), "must contain the word 'json'"},
		{"cerebras field", "cerebras", hello(chatPath, `,"store":false`), `{"message":"body.store: property 'body.store' is unsupported","type":"invalid_request_error","param":"validation_error","code":"wrong_api_format"}`},
		{"cerebras history", "cerebras", turns(user + `,{"role":"assistant","content":"a","reasoning_content":"r"},` + user), "messages.1.assistant.reasoning_content"},
		{"cerebras tool name", "cerebras", turns(user + `,` + calls + `,{"role":"tool","tool_call_id":"c1","name":"f","content":"r"}`), "messages.2.tool.name"},
		{"cerebras picture", "cerebras", turns(`{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://x/y.png"}}]}`), "base64 data URL"},
		{"zai temperature", "zai", hello(chatPath, `,"temperature":1.5`), `{"error":{"code":"1210"`},
		{"zai tool_choice", "zai", strings.Replace(tools(`{"type":"function","function":{"name":"f"}}`), `"model"`, `"tool_choice":"required","model"`, 1), `"1210"`},
		{"zai stops", "zai", hello(chatPath, `,"stop":["a","b"]`), `"1210"`},
		{"zai roles", "zai", turns(`{"role":"system","content":"a"}`), `"1214"`},
		{"zai developer", "zai", turns(`{"role":"developer","content":"a"},` + user), "Invalid value: 'developer'"},
		{"zai schema", "zai", hello(chatPath, `,"response_format":{"type":"json_schema","json_schema":{"name":"n"}}`), `"1210"`},
		{"minimax orphan", "minimax", turns(user + `,{"role":"tool","tool_call_id":"c1","content":"r"}`), `"base_resp":{"status_code":2013,"status_msg":"invalid params, tool call result does not follow tool call"}`},
		{"minimax n", "minimax", hello(chatPath, `,"n":2`), `"status_code":2013`},
		{"groq history", "groq", turns(user + `,{"role":"assistant","content":"a","reasoning_content":"r"},` + user), "property 'reasoning_content' is unsupported"},
		{"moonshot thinking", "moonshot", `{"model":"m","thinking":{"type":"enabled"},"messages":[` + user + `,` + calls + `,{"role":"tool","tool_call_id":"c1","content":"r"}]}`, "reasoning_content is missing in assistant tool call message at index 1"},
		{"moonshot empty", "moonshot", turns(`{"role":"user","content":""}`), "must not be empty"},
		{"deepseek developer", "deepseek", turns(`{"role":"developer","content":"a"},` + user), "unknown variant `developer`"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := strictly(t, c.vendor, chatPath, c.body)
			if got.status != 400 || !strings.Contains(got.body, c.want) {
				t.Errorf("%d %s", got.status, got.body)
			}
			checkJSON(t, got.body)
		})
	}
}

func TestStrict_RefusesWhatResponsesRefuse(t *testing.T) {
	input := func(s string) string { return `{"model":"m","input":[` + s + `]}` }
	const user = `{"role":"user","content":"a"}`
	for _, c := range []struct{ name, body, want string }{
		{"unknown field", hello(responsesPath, `,"max_tokens":100`), "Unknown parameter: 'max_tokens'"},
		{"no input", `{"model":"m"}`, "Missing required parameter: 'input'"},
		{"few tokens", hello(responsesPath, `,"max_output_tokens":5`), "Expected a value >= 16"},
		{"unknown previous response", hello(responsesPath, `,"previous_response_id":"resp_x"`), "previous_response_not_found"},
		{"nested tool", hello(responsesPath, `,"tools":[{"type":"function","function":{"name":"f"}}]`), "Unknown parameter: 'tools[0].function'"},
		{"part type", input(`{"role":"user","content":[{"type":"text","text":"a"}]}`), "Invalid value: 'text'. Supported values are: 'input_text'"},
		{"assistant part type", input(user + `,{"role":"assistant","content":[{"type":"input_text","text":"a"}]}`), "Supported values are: 'output_text'"},
		{"tool role", input(`{"role":"tool","content":"a"}`), "Invalid value: 'tool'"},
		{"item field", input(`{"role":"user","content":"a","name":"x"}`), "Unknown parameter: 'input[0].name'"},
		{"item id", input(`{"type":"message","id":"chatcmpl-1","role":"user","content":"a"}`), "Expected an ID that begins with 'msg'"},
		{"orphan output", input(user + `,{"type":"function_call_output","call_id":"c","output":"x"}`), "No tool call found for function call output with call_id c"},
		{"unanswered call", input(user + `,{"type":"function_call","call_id":"c","name":"f","arguments":"{}"}`), "No tool output found for function call c"},
		{"foreign reasoning", input(`{"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"abc"},` + user), "could not be verified"},
		{"reasoning last", input(user + `,{"type":"reasoning","id":"rs_1","summary":[]}`), "without its required following item"},
		{"nameless format", hello(responsesPath, `,"text":{"format":{"type":"json_schema","schema":{}}}`), "text.format.name"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := strictly(t, "openai", responsesPath, c.body)
			if got.status != 400 || !strings.Contains(got.body, c.want) {
				t.Errorf("%d %s", got.status, got.body)
			}
		})
	}
}

func TestStrict_PreviousResponseOfItsOwnIsKnown(t *testing.T) {
	s := New(Options{Strict: true})
	post(t, s, responsesPath, hello(responsesPath, ``), "X-Api-Key", "k")
	if got := post(t, s, responsesPath, hello(responsesPath, `,"previous_response_id":"resp_sim_1"`), "X-Api-Key", "k"); got.status != 200 {
		t.Errorf("%d %s", got.status, got.body)
	}
}
