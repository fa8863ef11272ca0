package simulator

import (
	"fmt"
	"strings"
	"testing"
)

// answers are the requests whose answers are golden, in each dialect.
var answers = []struct{ name, path, body string }{
	{"text", chatPath, hello(chatPath, ``)},
	{"text", messagesPath, hello(messagesPath, ``)},
	{"text", responsesPath, hello(responsesPath, ``)},
	{"thinking", chatPath, hello(chatPath, `,"reasoning_effort":"low","stream_options":{"include_usage":true}`)},
	{"thinking", messagesPath, hello(messagesPath, `,"thinking":{"type":"adaptive"}`)},
	{"thinking", responsesPath, hello(responsesPath, `,"reasoning":{"summary":"auto"},"include":["reasoning.encrypted_content"]`)},
	{"tools", chatPath, `{"model":"m","messages":[{"role":"user","content":"say:On it. call:ls {\"path\":\"/tmp\"} call:now"}],` +
		`"tools":[{"type":"function","function":{"name":"ls","parameters":{"type":"object"}}},{"type":"function","function":{"name":"now"}}]}`},
	{"tools", messagesPath, `{"model":"m","max_tokens":99,"messages":[{"role":"user","content":[{"type":"text","text":"say:On it. call:ls {\"path\":\"/tmp\"} call:now"}]}],` +
		`"tools":[{"name":"ls","input_schema":{"type":"object"}},{"name":"now","input_schema":{"type":"object"}}]}`},
	{"tools", responsesPath, `{"model":"m","input":[{"role":"user","content":[{"type":"input_text","text":"say:On it. call:ls {\"path\":\"/tmp\"} call:apply_patch \"*** Begin\\n\" call:multi/wait"}]}],` +
		`"tools":[{"type":"function","name":"ls","parameters":{"type":"object"}},{"type":"custom","name":"apply_patch"},{"type":"namespace","name":"multi","tools":[{"type":"function","name":"wait"}]}]}`},
	{"result", chatPath, `{"model":"m","messages":[{"role":"user","content":"call:ls"},{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"ls","arguments":"{}"}}]},` +
		`{"role":"tool","tool_call_id":"c1","content":"a.txt"}],"tools":[{"type":"function","function":{"name":"ls"}}]}`},
	{"result", messagesPath, `{"model":"m","max_tokens":99,"messages":[{"role":"user","content":"call:ls"},{"role":"assistant","content":[{"type":"tool_use","id":"c1","name":"ls","input":{}}]},` +
		`{"role":"user","content":[{"type":"tool_result","tool_use_id":"c1","content":[{"type":"text","text":"a.txt"},{"type":"image","source":{}}]}]}],"tools":[{"name":"ls","input_schema":{}}]}`},
	{"result", responsesPath, `{"model":"m","input":[{"role":"user","content":"call:ls"},{"type":"function_call","call_id":"c1","name":"ls","arguments":"{}"},` +
		`{"type":"function_call_output","call_id":"c1","output":"a.txt"}],"tools":[{"type":"function","name":"ls"}]}`},
	{"length", chatPath, hello(chatPath, `,"max_tokens":7`)},
	{"length", messagesPath, strings.Replace(hello(messagesPath, ``), "1000", "7", 1)},
	{"length", responsesPath, hello(responsesPath, `,"max_output_tokens":7`)},
	{"stop", chatPath, hello(chatPath, `,"stop":["sim:1:2"]`)},
	{"stop", messagesPath, hello(messagesPath, `,"stop_sequences":["nowhere","sim:1:2"]`)},
	{"schema", chatPath, hello(chatPath, `,"response_format":{"type":"json_schema","json_schema":{"name":"s","schema":{"type":"object","properties":{"n":{"type":"integer","minimum":3},"list":{"type":"array","minItems":1,"items":{"enum":["x","y"]}}},"required":["n","list"]}}}`)},
	{"schema", messagesPath, hello(messagesPath, `,"output_config":{"format":{"type":"json_schema","schema":{"type":"object","properties":{"a":{"type":"string"}},"required":["a"]}}}`)},
	{"schema", responsesPath, hello(responsesPath, `,"text":{"format":{"type":"json_schema","name":"s","schema":{"$ref":"#/$defs/t","$defs":{"t":{"type":"object","properties":{"b":{"type":["boolean","null"]}},"required":["b"]}}}}}`)},
}

func TestServer_AnswersInEveryDialectAsWrittenDown(t *testing.T) {
	for _, a := range answers {
		dialect := targetOf(a.path).dialect.String()
		t.Run(dialect+"/"+a.name, func(t *testing.T) {
			s := New(Options{Tokens: 4, Now: noon})
			whole := post(t, s, a.path, a.body)
			checkJSON(t, whole.body)
			s.Reset()
			stream := post(t, s, a.path, strings.TrimSuffix(a.body, "}")+`,"stream":true}`)
			_, data := events(t, stream.body)
			checkJSON(t, data...)
			golden(t, dialect+"_"+a.name+".txt", fmt.Sprintf("%d %s\n%s\n\n%d %s\n%s",
				whole.status, whole.header.Get("Content-Type"), whole.body,
				stream.status, stream.header.Get("Content-Type"), stream.body))
		})
	}
}

func TestServer_ForcedToolChoiceIsCalledWithFittingArguments(t *testing.T) {
	const tools = `,"tools":[{"type":"function","function":{"name":"a"}},{"type":"function","function":{"name":"b","parameters":{"type":"object","properties":{"q":{"type":"string"}},"required":["q"]}}}]`
	for name, c := range map[string]struct{ choice, want string }{
		"required takes the first": {`"required"`, `"name":"a","arguments":"{}"`},
		"a named one":              {`{"type":"function","function":{"name":"b"}}`, `"name":"b","arguments":"{\"q\":\"sim\"}"`},
		"none":                     {`"none"`, `"content":"This is`},
		"auto":                     {`"auto"`, `"content":"This is`},
	} {
		t.Run(name, func(t *testing.T) {
			got := post(t, New(Options{}), chatPath, hello(chatPath, tools+`,"tool_choice":`+c.choice))
			if !strings.Contains(got.body, c.want) {
				t.Errorf("no %s in %s", c.want, got.body)
			}
		})
	}
}

func TestServer_OneToolCallWhenParallelCallsAreOff(t *testing.T) {
	body := `{"model":"m","parallel_tool_calls":false,"messages":[{"role":"user","content":"call:a call:a"}],"tools":[{"type":"function","function":{"name":"a"}}]}`
	if got := post(t, New(Options{}), chatPath, body); strings.Count(got.body, `"name":"a"`) != 1 {
		t.Errorf("want one call: %s", got.body)
	}
}

func TestServer_PromptCacheKnowsEarlierPrefixes(t *testing.T) {
	s := New(Options{Tokens: 1})
	long := strings.Repeat("abcdefgh", 200)
	first := `{"model":"m","messages":[{"role":"user","content":"` + long + `"}`
	more := first + `,{"role":"assistant","content":"ok"},{"role":"user","content":"more"}]}`
	if got := post(t, s, chatPath, first+`]}`).body; !strings.Contains(got, `"cached_tokens":0`) {
		t.Errorf("first request has cached tokens: %s", got)
	}
	if got := post(t, s, chatPath, more).body; !strings.Contains(got, `"cached_tokens":407}`) {
		t.Errorf("no cached tokens: %s", got)
	}
	got := post(t, s, messagesPath, strings.Replace(more, `{`, `{"max_tokens":9,`, 1)).body
	if !strings.Contains(got, `"input_tokens":0,"cache_creation_input_tokens":0,"cache_read_input_tokens":42`) {
		t.Errorf("Messages counts cached input twice: %s", got)
	}
}

func TestServer_ListsModelsInBothShapes(t *testing.T) {
	s := New(Options{Models: []string{"one", "hf:owner/two"}, Now: noon})
	for _, c := range []struct{ name, path, header string }{
		{"openai", "/v1/models", "X-None"}, {"anthropic", "/v1/models", "Anthropic-Version"},
		{"prefix", "/anthropic/v1/models", "X-None"}, {"one", "/v1/models/hf:owner/two", "X-None"},
		{"missing", "/v1/models/three", "X-None"}, {"quota", "/api/monitor/usage/quota/limit", "X-None"},
		{"quota_denied", "/api/monitor/usage/quota/limit?denied", "Authorization"}, {"remains", "/v1/token_plan/remains", "X-None"},
		{"unknown", "/v1/nothing", "X-None"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := do(t, s, request(t, c.path, "", c.header, "Bearer sim-401"))
			checkJSON(t, got.body)
			golden(t, "list_"+c.name+".txt", fmt.Sprintln(got.status, got.body))
		})
	}
}

func TestServer_EmbedsTheSameTextAlike(t *testing.T) {
	s := New(Options{})
	const path = "/v1/embeddings"
	a := post(t, s, path, `{"model":"e","input":["x","y"],"dimensions":3}`)
	checkJSON(t, a.body)
	if strings.Count(a.body, `"object":"embedding"`) != 2 {
		t.Errorf("want two vectors: %s", a.body)
	}
	if b := post(t, s, path, `{"model":"e","input":["x","y"],"dimensions":3}`); a.body != b.body {
		t.Errorf("not the same:\n%s\n%s", a.body, b.body)
	}
	c := post(t, s, path, `{"model":"e","input":[1,2],"encoding_format":"base64"}`)
	if !strings.Contains(c.body, `"embedding":"`) || strings.Count(c.body, `"index"`) != 1 {
		t.Errorf("want one vector in base64: %s", c.body)
	}
}

func TestServer_CountsTokens(t *testing.T) {
	s := New(Options{})
	if got := post(t, s, "/v1/messages/count_tokens", hello(messagesPath, "")); got.body != `{"input_tokens":8}` {
		t.Error(got.body)
	}
	if got := post(t, s, "/v1/responses/input_tokens", hello(responsesPath, "")); got.body != `{"object":"response.input_tokens","input_tokens":1}` {
		t.Error(got.body)
	}
}

func TestServer_RefusesBodiesThatAreNoJSONOrTooLarge(t *testing.T) {
	s := New(Options{MaxBody: 100})
	for name, c := range map[string]struct {
		body   string
		status int
	}{"cut": {`{"model":"m"`, 400}, "array": {`[]`, 400}, "large": {`{"x":"` + strings.Repeat("x", 100) + `"}`, 413}} {
		t.Run(name, func(t *testing.T) {
			if got := post(t, s, chatPath, c.body); got.status != c.status {
				t.Errorf("got %d %s", got.status, got.body)
			}
		})
	}
}

func TestCheckTranscript(t *testing.T) {
	for name, c := range map[string]struct {
		text  string
		words int
		fails bool
	}{
		"whole":        {"Hello a:7:0 a:7:1 a:7:2", 3, false},
		"no marks":     {"Hello at 10:30:00 http://x:80", 0, false},
		"lost":         {"a:7:0 a:7:2", 1, true},
		"doubled":      {"a:7:0 a:7:0", 1, true},
		"mixed":        {"a:7:0 b:7:1", 1, true},
		"other answer": {"a:7:0 a:8:1", 1, true},
		"begins late":  {"a:7:1", 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := CheckTranscript(c.text)
			if (err != nil) != c.fails || got.Words != c.words {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
}

func TestServer_FindsToolsByNumberAndByTheBeginningOfLongNames(t *testing.T) {
	const long = "mcp__filesystem_server__read_multiple_files_with_a_very_long_name_indeed"
	tools := `,"tools":[{"type":"function","function":{"name":"other"}},{"type":"function","function":{"name":"` + long[:40] + `_1a2b3c"}}]`
	for said, want := range map[string]string{
		"call:" + long: long[:40] + "_1a2b3c",
		"call:#1":      "other",
		"call:#3":      "",
		"call:oth":     "",
		"call:mcp":     "",
	} {
		body := `{"model":"m","messages":[{"role":"user","content":"` + said + `"}]` + tools + `}`
		got := post(t, New(Options{}), chatPath, body).body
		if called := strings.Contains(got, `"tool_calls"`); called != (want != "") || want != "" && !strings.Contains(got, `"name":"`+want+`"`) {
			t.Errorf("%s: %s", said, got)
		}
	}
}
