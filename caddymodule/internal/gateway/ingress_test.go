package gateway

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/google/go-cmp/cmp"
)

func TestAccept_RefusesBadRequestsInTheClientsDialectAndSendsNothing(t *testing.T) {
	deep := `{"model":"m","messages":` + strings.Repeat("[", 200) + strings.Repeat("]", 200) + `}`
	for name, tc := range map[string]struct {
		body   string
		header []string
		status int
		says   string
	}{
		"broken JSON":        {body: `{"model":"m",`, status: 400, says: "not valid JSON"},
		"no JSON":            {body: `hello`, status: 400, says: "a JSON object was expected"},
		"empty":              {body: ``, status: 400, says: "not valid JSON"},
		"no model":           {body: `{"messages":[]}`, status: 400, says: "model: field required"},
		"model is a number":  {body: `{"model":3}`, status: 400, says: "model: a string is required"},
		"empty model":        {body: `{"model":""}`, status: 400, says: "a name is required"},
		"stream is a string": {body: `{"model":"m","stream":"yes"}`, status: 400, says: "stream: true or false"},
		"duplicate key":      {body: `{"model":"m","model":"n"}`, status: 400, says: "stands twice"},
		"case variant":       {body: `{"model":"m","MODEL":"n"}`, status: 400, says: "stands twice"},
		"case variant alone": {body: `{"Model":"m"}`, status: 400, says: `did you mean \"model\"?`},
		"escaped duplicate":  {body: `{"model":"m","mod\u0065l":"n"}`, status: 400, says: "stands twice"},
		"too deep":           {body: deep, status: 400, says: "nested deeper than 128"},
		"too large":          {body: `{"model":"` + strings.Repeat("x", 2<<20) + `"}`, status: 413, says: "larger than"},
		"form":               {body: `model=m`, header: []string{"Content-Type", "application/x-www-form-urlencoded"}, status: 415, says: "application/json"},
		"compressed":         {body: `{}`, header: []string{"Content-Encoding", "gzip"}, status: 415, says: "uncompressed"},
		"unknown model":      {body: `{"model":"n"}`, status: 404, says: `no model or alias \"n\"`},
		"bad wish":           {body: `{"model":"m"}`, header: []string{"X-Aimux-Route", "fly"}, status: 400, says: "no wish"},
	} {
		for client, call := range calls {
			t.Run(fmt.Sprintf("%s, %s", name, client), func(t *testing.T) {
				h := build(t, Limits{Body: 1 << 20}, seat{name: "a"})
				w := h.post(call.path, tc.body, tc.header...)
				if w.Code != tc.status || !strings.Contains(w.Body.String(), tc.says) {
					t.Errorf("status %d: %s", w.Code, w.Body)
				}
				shape(t, client, w)
				if n := h.sims["a"].Count(); n != 0 {
					t.Errorf("%d requests went upstream", n)
				}
			})
		}
	}
}

// shape checks that an error answer has its dialect's form.
func shape(t *testing.T, d llm.Dialect, w *httptest.ResponseRecorder) {
	t.Helper()
	var body struct {
		Type  string
		Error struct{ Type, Message string }
	}
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil || body.Error.Message == "" || body.Error.Type == "" {
		t.Errorf("not an error of %s: %s", d, w.Body)
	}
	if (d == llm.Anthropic) != (body.Type == "error") {
		t.Errorf("not the form of %s: %s", d, w.Body)
	}
}

func TestEndpoint_PathsAreTakenAsPeopleWriteThem(t *testing.T) {
	for path, want := range map[string]string{
		"/v1/messages": "/v1/messages", "/anthropic/v1/messages": "/v1/messages", "/v1/v1/messages": "/v1/messages",
		"/messages": "/v1/messages", "/v1/messages/": "/v1/messages", "/v1/messages?beta=true": "/v1/messages",
		"/v1/chat/completions": "/v1/chat/completions", "/chat/completions": "/v1/chat/completions",
		"/v1/responses": "/v1/responses", "/v1/responses/input_tokens": "/v1/responses/input_tokens",
		"/v1/messages/count_tokens": "/v1/messages/count_tokens", "/v1/embeddings": "/v1/embeddings",
		"/v1x/messages": "", "/v1/messagesx": "", "/v2/messages": "",
	} {
		if got := endpointOf(httptest.NewRequest(http.MethodPost, path, nil)); got.path != want {
			t.Errorf("%s is taken for %q, want %q", path, got.path, want)
		}
	}
}

func TestPages_AnswerProbesAndStrangersInTheirDialect(t *testing.T) {
	h := build(t, Limits{}, seat{name: "a"})
	for name, tc := range map[string]struct {
		method, path string
		header       string
		status       int
		contains     string
	}{
		"root":                  {"GET", "/", "", 200, "aimux"},
		"Claude Code's warm-up": {"HEAD", "/api/hello", "", 200, ""},
		"health":                {"GET", "/healthz", "", 200, "ok"},
		"ready":                 {"GET", "/readyz", "", 200, "ready"},
		"unknown, OpenAI":       {"GET", "/v1/nothing", "", 404, `"error":{`},
		"unknown, Anthropic":    {"POST", "/anthropic/v1/nothing", "", 404, `"type":"error"`},
		"unknown, by version":   {"POST", "/v1/nothing", "Anthropic-Version", 404, `"type":"error"`},
		"GET of a call":         {"GET", "/v1/messages", "", 405, `"type":"error"`},
		"POST of a page":        {"POST", "/v1/models", "", 405, `"error":{`},
		"model":                 {"GET", "/v1/models/m", "", 200, `"id":"m"`},
		"model with a slash":    {"GET", "/v1/models/a/model-a", "", 200, `"id":"a/model-a"`},
		"no such model":         {"GET", "/v1/models/x", "", 404, "model_not_found"},
	} {
		r := httptest.NewRequest(tc.method, tc.path, nil)
		if tc.header != "" {
			r.Header.Set(tc.header, "2023-06-01")
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != tc.status || !strings.Contains(w.Body.String(), tc.contains) {
			t.Errorf("%s: status %d: %s", name, w.Code, w.Body)
		}
	}
}

func TestPages_ModelListsHaveTheClientsShape(t *testing.T) {
	h := build(t, Limits{}, seat{name: "a"})
	get := func(header string) (list struct {
		Object string
		Data   []struct {
			ID, Object, Type string
			MaxInput         int `json:"max_input_tokens"`
		}
		First string `json:"first_id"`
	}) {
		r := httptest.NewRequest("GET", "/v1/models?limit=1000", nil)
		if header != "" {
			r.Header.Set(header, "x")
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if err := json.Unmarshal(w.Body.Bytes(), &list); err != nil {
			t.Fatal(err, w.Body)
		}
		return list
	}
	if list := get(""); list.Object != "list" || list.Data[0].ID != "m" || list.Data[1].Object != "model" {
		t.Errorf("OpenAI: %+v", list)
	}
	list := get("Anthropic-Version")
	if list.First != "claude-aimux-m" || list.Data[0].ID != list.First || list.Data[1].Type != "model" || list.Data[1].MaxInput != 1000 {
		t.Errorf("Anthropic: %+v", list)
	}
	if w := h.post("/v1/messages", strings.Replace(calls[llm.Anthropic].body, `"m"`, `"claude-aimux-m"`, 1)); w.Code != 200 {
		t.Errorf("a listed id is not served: %s", w.Body)
	}
}

func TestOutline_NotesWhatRoutingNeeds(t *testing.T) {
	for name, tc := range map[string]struct {
		body string
		want outline
	}{
		"plain":      {`{"model":"m"}`, outline{model: "m"}},
		"limits":     {`{"model":"m","max_tokens":5,"max_completion_tokens":9}`, outline{model: "m", maxTokens: 9}},
		"tools":      {`{"model":"m","tools":[{"type":"function"}]}`, outline{model: "m", tools: true}},
		"no tools":   {`{"model":"m","tools":[ ]}`, outline{model: "m"}},
		"picture":    {`{"model":"m","messages":[{"content":[{"type":"image_url"}]}]}`, outline{model: "m", vision: true}},
		"document":   {`{"model":"m","messages":[{"content":[{"type":"document"}]}]}`, outline{model: "m", pdf: true}},
		"adaptive":   {`{"model":"m","thinking":{"type":"adaptive"}}`, outline{model: "m", thinking: true}},
		"disabled":   {`{"model":"m","thinking":{"type":"disabled"},"reasoning_effort":"none","reasoning":null}`, outline{model: "m"}},
		"effort":     {`{"model":"m","reasoning":{"effort":"low"}}`, outline{model: "m", thinking: true}},
		"schema":     {`{"model":"m","text":{"format":{"type":"json_schema"}}}`, outline{model: "m", structured: true}},
		"cache key":  {`{"model":"m","prompt_cache_key":"k","previous_response_id":"r"}`, outline{model: "m", cacheKey: "k", previous: "r"}},
		"user id":    {`{"model":"m","metadata":{"user_id":"{\"session_id\":\"s\"}"}}`, outline{model: "m", userSession: "s"}},
		"cache mark": {`{"model":"m","system":[{"cache_control":{"type":"ephemeral","ttl":"1h"}}]}`, outline{model: "m", cacheHour: true}},
		"history":    {`{"model":"m","messages":[{"content":[{"type":"thinking"}]}]}`, outline{model: "m", thoughts: true}},
		"plain user": {`{"model":"m","metadata":{"user_id":"u"}}`, outline{model: "m", userSession: "u"}},
	} {
		var got outline
		if err := got.read([]byte(tc.body), 64); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		got.data, got.seen, got.room, got.history, got.modelStart, got.modelEnd = nil, nil, [len(got.room)]string{}, nil, 0, 0
		if d := cmp.Diff(tc.want, got, cmp.AllowUnexported(outline{})); d != "" {
			t.Errorf("%s:\n%s", name, d)
		}
	}
}

func TestSession_TheFirstSignOfOneCounts(t *testing.T) {
	var o outline
	h := http.Header{}
	h.Set("X-Claude-Code-Session-Id", "s")
	if got := session(h, &o); got != "s" {
		t.Error(got)
	}
	o.history = []byte(`[{"role":"user","content":"first"}]`)
	alone := session(http.Header{}, &o)
	o.history = []byte(`[{"role":"user","content":"first"},{"role":"assistant","content":"x"},{"role":"user","content":"y"}]`)
	if got := session(http.Header{}, &o); got == "" || got != alone {
		t.Errorf("a later turn is of session %q, the first was of %q", got, alone)
	}
	o.history = []byte(`"a prompt"`)
	if got := session(http.Header{}, &o); got != "" {
		t.Errorf("a plain prompt is of session %q", got)
	}
	o.cacheKey = "k"
	if got := session(http.Header{}, &o); got != "k" {
		t.Error(got)
	}
}

func TestAccept_BoundsTheHeader(t *testing.T) {
	h := build(t, Limits{Header: 1000}, seat{name: "a"})
	for size, want := range map[int]int{500: 200, 1000: 413} {
		w := h.post("/v1/messages", calls[llm.Anthropic].body, "X-Big", strings.Repeat("x", size))
		if w.Code != want {
			t.Errorf("%d bytes: status %d: %s", size, w.Code, w.Body)
		}
	}
}

func TestOutline_SomeHundredFieldsAreTooMany(t *testing.T) {
	var body strings.Builder
	body.WriteString(`{"model":"m","messages":[{"role":"user","content":"hi"}]`)
	for i := range maxMembers {
		fmt.Fprintf(&body, `,"x%d":1`, i)
	}
	body.WriteString("}")
	h := build(t, Limits{}, seat{name: "a"})
	if w := h.post("/v1/chat/completions", body.String()); w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "more than 256 fields") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := h.post("/v1/chat/completions", `{"model":"m","max_tokens":1,"max_tokenſ":100000,"messages":[{"role":"user","content":"hi"}]}`); w.Code != http.StatusBadRequest {
		t.Errorf("a long s: %d %s", w.Code, w.Body)
	}
}
