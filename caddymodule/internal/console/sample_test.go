package console_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/aimux/aimux/caddymodule/internal/console"
	"github.com/aimux/aimux/caddymodule/internal/console/consoletest"
)

// sample is a call of a route that succeeds as an administrator.
type sample struct {
	path, body string
	match      string // If-Match
	status     int    // 0: 200
	stream     bool   // the answer does not end
}

// samples has one for every route.
var samples = map[string]sample{
	"GET /healthz":       {path: "/healthz"},
	"POST /api/login":    {path: "/api/login", body: `{"user":"viewer","password":"` + consoletest.Password + `"}`},
	"POST /api/logout":   {path: "/api/logout", body: `{}`, status: 204},
	"GET /api/session":   {path: "/api/session"},
	"POST /api/password": {path: "/api/password", body: `{"current":"` + consoletest.Password + `","new":"a fresh long password"}`},

	"GET /api/users":           {path: "/api/users"},
	"POST /api/users":          {path: "/api/users", body: `{"user":"bob","role":"operator","password":"a fresh long password"}`, status: 201},
	"DELETE /api/users/{user}": {path: "/api/users/viewer", status: 204},

	"GET /api/meta":            {path: "/api/meta"},
	"GET /api/metrics":         {path: "/api/metrics?window=5m"},
	"GET /api/metrics/history": {path: "/api/metrics/history?span=24h"},
	"GET /api/catalogue":       {path: "/api/catalogue"},

	"GET /api/providers":              {path: "/api/providers?limit=2"},
	"POST /api/providers":             {path: "/api/providers", body: `{"id":"mine","kind":"openai-compatible","base_url":"https://llm.example.com/v1","tier":2,"weight":3,"keys":[{"name":"main","account":"a","secret":"sk-canary-0123456789"}]}`, status: 201},
	"POST /api/providers/order":       {path: "/api/providers/order", body: `{"tiers":{"zai":2,"cerebras":1}}`},
	"GET /api/providers/{id}":         {path: "/api/providers/zai"},
	"PUT /api/providers/{id}":         {path: "/api/providers/zai", body: `{"tier":3,"base_url":"https://llm.example.com/v1"}`, match: `"v1"`},
	"DELETE /api/providers/{id}":      {path: "/api/providers/minimax", status: 204},
	"POST /api/providers/{id}/test":   {path: "/api/providers/zai/test", body: `{"key":"main"}`},
	"POST /api/providers/{id}/toggle": {path: "/api/providers/zai/toggle", body: `{"enabled":false}`},

	"GET /api/keys":                          {path: "/api/keys"},
	"POST /api/keys":                         {path: "/api/keys", body: `{"provider":"zai","name":"new","secret":"sk-canary-0123456789"}`, status: 201},
	"PUT /api/keys/{provider}/{name}":        {path: "/api/keys/zai/main", body: `{"enabled":false,"account":"b","secret":"sk-canary-0123456789"}`},
	"DELETE /api/keys/{provider}/{name}":     {path: "/api/keys/zai/main", status: 204},
	"POST /api/keys/{provider}/{name}/reset": {path: "/api/keys/zai/main/reset"},

	"GET /api/models": {path: "/api/models"},
	"PUT /api/models": {path: "/api/models", body: `{"rows":[{"alias":"coder","provider":"zai","model":"glm-5.2","tier":1,"weight":1,"enabled":false}]}`, match: `"v1"`},

	"GET /api/requests":              {path: "/api/requests?provider=zai&model=coder&since=24h&limit=3"},
	"GET /api/requests/{id}":         {path: "/api/requests/req-0003"},
	"GET /api/requests/{id}/capture": {path: "/api/requests/req-0003/capture"},
	"GET /api/sessions":              {path: "/api/sessions?since=7d"},
	"GET /api/usage":                 {path: "/api/usage?by=day&since=2020-01-01T00:00:00Z"},

	"GET /api/clients":              {path: "/api/clients"},
	"POST /api/clients":             {path: "/api/clients", body: `{"name":"new","team":"core","models":["coder"],"expires":"2030-01-01T00:00:00Z","daily_microusd":1000000}`, status: 201},
	"PUT /api/clients/{id}":         {path: "/api/clients/laptop", body: `{"name":"laptop","enabled":false}`},
	"DELETE /api/clients/{id}":      {path: "/api/clients/laptop", status: 204},
	"POST /api/clients/{id}/rotate": {path: "/api/clients/laptop/rotate", body: `{"grace_seconds":3600}`},

	"GET /api/alerts":        {path: "/api/alerts"},
	"GET /api/audit":         {path: "/api/audit?limit=1"},
	"POST /api/audit/verify": {path: "/api/audit/verify"},

	"GET /api/config":           {path: "/api/config"},
	"PUT /api/config":           {path: "/api/config", body: `{"set":[{"pointer":"/timeouts/connect","value":"7s"}],"unset":["/providers/zai/tier"]}`, match: `"v1"`},
	"POST /api/config/validate": {path: "/api/config/validate", body: `{"set":[{"pointer":"/timeouts/connect","value":"bad"}]}`},
	"POST /api/config/undo":     {path: "/api/config/undo", body: `{"id":"undo-0001"}`},
	"GET /api/config/schema":    {path: "/api/config/schema"},

	"GET /ws":         {path: "/ws", status: 400},
	"GET /api/events": {path: "/api/events", stream: true},
}

func TestSamples_CoverEveryRoute(t *testing.T) {
	var declared []string
	for _, r := range console.Declarations() {
		declared = append(declared, r.Method+" "+r.Pattern)
	}
	slices.Sort(declared)
	if have := slices.Sorted(maps.Keys(samples)); !slices.Equal(declared, have) {
		t.Errorf("routes %q\nsamples %q", declared, have)
	}
}

// prepare brings a server into the state a sample needs.
func prepare(t testing.TB, s *consoletest.Server, name string) {
	if name == "POST /api/config/undo" {
		if a := s.Call(t, "admin", "PUT", "/api/config", samples["PUT /api/config"].body, "If-Match", `"v1"`); a.Status != 200 {
			t.Fatalf("%d %s", a.Status, a.Body)
		}
	}
}

// call sends the sample of a route.
func call(t testing.TB, s *consoletest.Server, role, method, pattern string) consoletest.Answer {
	t.Helper()
	p := samples[method+" "+pattern]
	return s.Call(t, role, method, p.path, p.body, "If-Match", p.match)
}

func TestSamples_SucceedAsAdministrator(t *testing.T) {
	for _, r := range console.Declarations() {
		name := r.Method + " " + r.Pattern
		if samples[name].stream {
			continue
		}
		t.Run(name, func(t *testing.T) {
			s := consoletest.Serve(t, consoletest.Settings{})
			prepare(t, s, name)
			want := max(samples[name].status, 0)
			if want == 0 {
				want = 200
			}
			if a := call(t, s, "admin", r.Method, r.Pattern); a.Status != want {
				t.Errorf("%d %s", a.Status, a.Body)
			}
		})
	}
}
