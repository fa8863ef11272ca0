package failover

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// troubles are wordings that, said by a provider, rest keys.
var troubles = []string{
	"recharge", "weekly limit", "invalid api key", "insufficient balance", "credit balance is too low", "unknown model",
	"you have reached your specified api usage limits", "plan usage limit reached", "usage limit for this period",
	"exceeded your subscription rate limits",
}

// echoShapes are answers that repeat %s, which the client wrote.
var echoShapes = map[string]struct {
	status int
	body   string
}{
	"schema of a tool":       {400, `{"error":{"message":"Invalid schema for function '%s': schema must be a JSON Schema of 'type: \"object\"', got 'type: \"None\"'.","type":"invalid_request_error","param":"tools[0].function.parameters","code":"invalid_function_parameters"}}`},
	"value of a parameter":   {400, `{"error":{"message":"Invalid value: '%s'. Supported values are: 'system', 'user'.","type":"invalid_request_error","param":"messages[0].role","code":"invalid_value"}}`},
	"without quotation":      {400, `{"error":{"message":"Unknown parameter: %s","type":"invalid_request_error","param":"%[1]s"}}`},
	"no parameter":           {400, `{"type":"error","error":{"type":"invalid_request_error","message":"messages.0.role: Input should be 'user' or 'assistant', got '%s'"}}`},
	"flat":                   {400, `{"message":"body.messages.0.role: '%s' is not one of those allowed","type":"invalid_request_error","param":"validation_error","code":"wrong_api_format"}`},
	"printed by Python":      {400, `{"error":{"message":"[{'type': 'literal_error', 'loc': ('body', 'messages', 0, 'role'), 'input': 'it\\'s %s'}]","type":"BadRequestError","param":null,"code":400}}`},
	"double quotes":          {422, `{"detail":[{"msg":"value \"%s\" is not allowed"}]}`},
	"backticks":              {400, "{\"error\":\"property `%s` is not supported\"}"},
	"quotation cut off":      {400, `{"error":{"message":"invalid tool name \"x y %s"}}`},
	"text":                   {400, `unknown field "%s"`},
	"behind another company": {400, `{"error":{"code":400,"message":"Provider returned error","metadata":{"raw":"{\"error\":{\"message\":\"Invalid value: '%s'.\"}}"}}}`},
	"id that is not there":   {404, `{"error":{"message":"Item with id '%s' not found.","type":"invalid_request_error","param":null,"code":null}}`},
	"first event of a 200":   {200, `{"type":"error","error":{"type":"invalid_request_error","message":"got '%s'"}}`},
}

func TestClassify_NothingTheClientWroteRestsAKey(t *testing.T) {
	for name, shape := range echoShapes {
		t.Run(name, func(t *testing.T) {
			for _, kind := range fuzzKinds {
				for _, said := range troubles {
					d := Classify(vendor(t, kind), Answer{Status: shape.status, Body: fmt.Appendf(nil, shape.body, said), Now: noon})
					if !d.Class.ClientFault() || d.Scope != ScopeNone || may(&d) != "" {
						t.Errorf("%s, %q: %s/%s, scope %s, may %q", kind, said, d.Class, d.Reason, d.Scope, may(&d))
					}
				}
			}
		})
	}
}

// Where the status already blames others, as little may come of the client's
// words.
func TestClassify_NothingTheClientWroteRestsAnAccountByOtherStatuses(t *testing.T) {
	for status, class := range map[int]llm.Class{403: llm.ClassModelDenied, 500: llm.ClassTransient, 502: llm.ClassTransient} {
		for _, kind := range []string{"", "openai", "anthropic", "deepseek", "moonshot", "vllm"} {
			for _, said := range troubles {
				body := fmt.Appendf(nil, `{"error":{"message":"cannot compile the schema of '%s'"}}`, said)
				if d := Classify(vendor(t, kind), Answer{Status: 200, InStream: true, Phase: PhaseBody, Body: body, Now: noon}); d.Class != llm.ClassTransient {
					t.Errorf("first event, %s, %q: got %s", kind, said, d.Class)
				}
				if d := Classify(vendor(t, kind), Answer{Status: status, Body: body, Now: noon}); d.Class != class {
					t.Errorf("%d, %s, %q: got %s, want %s", status, kind, said, d.Class, class)
				}
			}
		}
	}
}

func TestClassify_WhatTheProviderSaysInItsOwnWordsStillCounts(t *testing.T) {
	for said, class := range map[string]llm.Class{
		"Your credit balance is too low to access the API.":                        llm.ClassBalance,
		"You've reached your weekly limit, it resets on Monday":                    llm.ClassQuota,
		"Incorrect API key provided: xa***. See the key page.":                     llm.ClassAuth,
		"Unknown model 'x'. Known are 'a' and 'b'.":                                llm.ClassModelDenied,
		"The key \"main\" of 'team' has an insufficient balance":                   llm.ClassBalance,
		"The model `x` does not exist or you do not have access to it: not found.": llm.ClassModelDenied,
	} {
		for _, format := range []string{`{"error":{"message":%q,"param":null}}`, `{"message":%q,"code":400}`} {
			if d := Classify(nil, Answer{Status: 400, Body: fmt.Appendf(nil, format, said), Now: noon}); d.Class != class {
				t.Errorf("%q: got %s, want %s", said, d.Class, class)
			}
		}
	}
	behind := `{"error":{"code":400,"message":"Provider returned error","metadata":{"raw":"{\"error\":{\"message\":\"Insufficient credits\"}}"}}}`
	if d := Classify(vendor(t, "openrouter"), Answer{Status: 400, Body: []byte(behind), Now: noon}); d.Class != llm.ClassBalance {
		t.Errorf("behind another company: got %s", d.Class)
	}
	named := `{"error":{"message":"No such model, see the list","param":"model"}}`
	if d := Classify(nil, Answer{Status: 400, Body: []byte(named), Now: noon}); d.Class != llm.ClassModelDenied {
		t.Errorf("param model: got %s", d.Class)
	}
}

func TestUnquoted(t *testing.T) {
	for in, want := range map[string]string{
		``:                            ``,
		`no marks`:                    `no marks`,
		`You've reached the users' x`: `You've reached the users' x`,
		`'a' b 'c'`:                   `  b  `,
		`say 'it's so' now`:           `say   now`,
		`say 'it\'s so' now`:          `say   now`,
		`got 'type: "None"'.`:         `got  .`,
		"a `b` c":                     `a   c`,
		`cut "off here`:               `cut  `,
		`ends in \`:                   `ends in \`,
		`"ends in \`:                  ` `,
		`'é'é' x`:                     `  x`,
	} {
		if got := unquoted(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

// FuzzUnquoted holds that nothing is added and that a single pair of marks
// hides what stands between them.
func FuzzUnquoted(f *testing.F) {
	f.Add("a 'b' c", "weekly limit")
	f.Add(`\'"`+"`", "recharge")
	f.Fuzz(func(t *testing.T, s, inner string) {
		if got := unquoted(s); len(got) > len(s) {
			t.Fatalf("%q became %q", s, got)
		}
		if strings.ContainsAny(inner, `"\`) {
			return
		}
		if got := unquoted(`x "` + inner + `" y`); got != "x   y" {
			t.Fatalf("%q became %q", inner, got)
		}
	})
}
