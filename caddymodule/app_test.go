package caddymodule

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/aimux/aimux/caddymodule/internal/provider"
	"github.com/aimux/aimux/schema"
	"github.com/caddyserver/caddy/v2"
	"go.uber.org/goleak"
)

// TestMain keeps the tests out of the user's data directory, and wants no
// goroutine left behind.
func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "aimux-test-")
	if err != nil {
		panic(err)
	}
	os.Setenv("XDG_DATA_HOME", dir)
	os.Setenv("XDG_CONFIG_HOME", dir)
	code := m.Run()
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.RemoveAll(dir)
	os.Exit(code)
}

func newContext(t *testing.T) caddy.Context {
	t.Helper()
	whole, err := caddy.ProvisionContext(&caddy.Config{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := caddy.NewContext(whole)
	t.Cleanup(cancel)
	return ctx
}

// provision makes an app of a config, as Caddy does.
func provision(t *testing.T, config string) (*App, error) {
	t.Helper()
	app := new(App)
	if config != "" {
		app.Config, app.Source = json.RawMessage(config), "dir/aimux.toon"
	}
	app.Lines = map[string]string{"/keys/0/secret": "12:7"}
	err := app.Provision(newContext(t))
	return app, err
}

// noKeys empties the environment of provider keys.
func noKeys(t *testing.T) {
	t.Helper()
	for _, kind := range provider.Known().Kinds {
		for _, name := range kind.Env {
			t.Setenv(name, "")
		}
	}
}

const oneKey = `{"version":1,"providers":{"zai":{}},"keys":[{"provider":"zai","name":"main","account":"acme","secret":"env:AIMUX_TEST_KEY"}]}`

func entries() (n int) {
	learned.Range(func(any, any) bool { n++; return true })
	return n
}

func TestApp_MissingVariableIsAnErrorWithItsPlace(t *testing.T) {
	before := entries()
	_, err := provision(t, oneKey)
	if err == nil {
		t.Fatal("a missing variable was accepted")
	}
	for _, part := range []string{"aimux.toon:12:7", "/keys/0/secret", "AIMUX_TEST_KEY"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q is missing in: %v", part, err)
		}
	}
	if n := entries(); n != before {
		t.Errorf("%d entries are left of a failed Provision", n-before)
	}
}

func TestApp_WhatWasLearnedSurvivesAReload(t *testing.T) {
	t.Setenv("AIMUX_TEST_KEY", "secret-1")
	old, err := provision(t, oneKey)
	if err != nil {
		t.Fatal(err)
	}
	fresh, err := provision(t, strings.Replace(oneKey, `"main"`, `"renamed"`, 1))
	if err != nil {
		t.Fatal(err)
	}
	was, is := old.live.now().providers[0].Keys.Keys()[0], fresh.live.now().providers[0].Keys.Keys()[0]
	if was.State != is.State || was.Account == nil || was.Account != is.Account {
		t.Error("the key's state was not found again after it was renamed")
	}
	if old.live.now().router.Targets()[0].Health != fresh.live.now().router.Targets()[0].Health {
		t.Error("the target's health was not found again")
	}
	t.Setenv("AIMUX_TEST_KEY", "secret-2")
	rotated, err := provision(t, oneKey)
	if err != nil {
		t.Fatal(err)
	}
	if rotated.live.now().providers[0].Keys.Keys()[0].State == is.State {
		t.Error("another secret was given the first one's state")
	}
	for _, app := range []*App{old, fresh, rotated} {
		app.Cleanup()
	}
}

func TestRuntime_EndsWithItsLastReference(t *testing.T) {
	noKeys(t)
	before := entries()
	app, err := provision(t, "")
	if err != nil {
		t.Fatal(err)
	}
	rt := app.live.now()
	rt.acquire() // an exchange under way
	app.Cleanup()
	app.Cleanup() // Caddy may clean up twice
	if entries() == before {
		t.Error("the runtime ended under an exchange")
	}
	rt.release()
	if n := entries(); n != before {
		t.Errorf("%d entries are left", n-before)
	}
	late := newLive(rt)
	late.use().release() // a request that arrives at the old handler after all
	if n := entries(); n != before {
		t.Errorf("a late request changed the pool by %d", n-before)
	}
}

func TestApp_KeysInTheEnvironmentAreUsedAndNumberedOnesToo(t *testing.T) {
	noKeys(t)
	t.Setenv("CEREBRAS_API_KEY", "a")
	t.Setenv("CEREBRAS_API_KEY_2", "b")
	t.Setenv("GROQ_API_KEY", "c")
	app, err := provision(t, "")
	if err != nil {
		t.Fatal(err)
	}
	defer app.Cleanup()
	keys := map[string]int{}
	for _, p := range app.live.now().providers {
		keys[p.Name] = len(p.Keys.Keys())
	}
	if len(keys) != 2 || keys["cerebras"] != 2 || keys["groq"] != 1 || app.live.now().simulated() {
		t.Errorf("providers and keys: %v", keys)
	}
}

func TestApp_WithoutAnythingTheSimulatorAnswers(t *testing.T) {
	noKeys(t)
	app, err := provision(t, "")
	if err != nil {
		t.Fatal(err)
	}
	defer app.Cleanup()
	if !app.live.now().simulated() {
		t.Fatal("not simulated")
	}
	w := httptest.NewRecorder()
	r := httptest.NewRequest("POST", "/v1/messages", strings.NewReader(`{"model":"anything","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}`))
	h := &Handler{live: app.live}
	if err := h.ServeHTTP(w, r, nil); err != nil || w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `"end_turn"`) && !strings.Contains(w.Body.String(), `"max_tokens"`) {
		t.Errorf("%v, status %d: %s", err, w.Code, w.Body)
	}
}

func TestAdmin_ShowsStatusAndKeysButNoSecretAndWakesAKey(t *testing.T) {
	t.Setenv("AIMUX_TEST_KEY", "canary-5f1c")
	app, err := provision(t, oneKey)
	if err != nil {
		t.Fatal(err)
	}
	defer app.Cleanup()
	mux := http.NewServeMux()
	for _, route := range (Admin{}).Routes() {
		mux.HandleFunc(route.Pattern, func(w http.ResponseWriter, r *http.Request) {
			if err := route.Handler.ServeHTTP(w, r); err != nil {
				status := http.StatusInternalServerError
				if api, ok := err.(caddy.APIError); ok {
					status = api.HTTPStatus
				}
				http.Error(w, err.Error(), status)
			}
		})
	}
	ask := func(method, path string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest(method, path, nil))
		if strings.Contains(w.Body.String(), "canary") {
			t.Errorf("%s %s shows a secret", method, path)
		}
		return w
	}
	if w := ask("GET", "/aimux/status"); w.Code != http.StatusNotFound {
		t.Errorf("before the start: status %d", w.Code)
	}
	if err := app.Start(); err != nil {
		t.Fatal(err)
	}
	defer app.Stop()
	for path, want := range map[string]int{"/aimux/status": 200, "/aimux/keys": 200} {
		if w := ask("GET", path); w.Code != want || !json.Valid(w.Body.Bytes()) || !strings.Contains(w.Body.String(), "zai") {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
	for path, want := range map[string]int{"/aimux/keys/zai/main/reset": 200, "/aimux/keys/zai/none/reset": 404, "/aimux/keys/none/main/reset": 404} {
		if w := ask("POST", path); w.Code != want {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
	if w := ask("GET", "/aimux/keys/zai/main/reset"); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("GET reset: %d", w.Code)
	}
}

// watching is a configuration whose aimux watches one alert rule, with servers
// at the addresses that give all requests to aimux.
func watching(rule string, addresses ...string) []byte {
	servers := map[string]json.RawMessage{}
	for i, address := range addresses {
		servers[fmt.Sprint("s", i)] = fmt.Appendf(nil, `{"listen":[%q],"protocols":["h1"],"automatic_https":{"disable":true},"routes":[{"handle":[{"handler":"aimux"}]}]}`, address)
	}
	all, _ := json.Marshal(servers)
	return fmt.Appendf(nil, `{"admin":{"disabled":true,"config":{"persist":false}},"logging":{"logs":{"default":{"level":"FATAL"}}},
		"apps":{"tls":{"disable_storage_check":true,"disable_storage_clean":true},"http":{"servers":%s},
		"aimux":{"config":{"version":1,"alerts":{"rules":[{"name":%q,"metric":"error_rate","threshold":0.5}]}}}}}`, all, rule)
}

// held is an address where the test itself listens.
func held(t *testing.T) (address string, free func()) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l.Addr().String(), func() { l.Close() }
}

func TestReload_OneThatDoesNotStartLeavesWhatServedInForce(t *testing.T) {
	noKeys(t)
	address, free := held(t)
	taken, _ := held(t)
	free()
	defer caddy.Stop()
	if err := caddy.Load(watching("first", address), true); err != nil {
		t.Fatal(err)
	}
	app := serving.Load()
	first := func() {
		t.Helper()
		watch := app.live.now().services.watch
		if rules := watch.Rules(); serving.Load() != app || len(rules) != 1 || rules[0].Name != "first" {
			t.Fatalf("in force: %t, alert rules: %v", serving.Load() == app, rules)
		}
		watch.Evaluate() // asks the app that the rules are of, which must be able to answer
		w := httptest.NewRecorder()
		if err := (&Handler{live: app.live}).ServeHTTP(w, httptest.NewRequest("GET", "/readyz", nil), nil); err != nil || w.Code != http.StatusOK {
			t.Fatalf("/readyz: %v, status %d", err, w.Code)
		}
	}
	first()
	for range 8 { // Caddy starts apps in any order: aimux is among those that started in about every other
		if err := caddy.Load(watching("failing", address, taken), true); err == nil {
			t.Fatal("it started although the address is taken")
		}
		first()
	}
	if err := caddy.Load(watching("next", address), true); err != nil {
		t.Fatal(err)
	}
	if next := serving.Load(); next == nil || next == app || next.before != nil {
		t.Error("the next configuration is not in force, or holds on to the one before")
	}
	if err := caddy.Stop(); err != nil || serving.Load() != nil {
		t.Errorf("after the end: %v, in force: %v", err, serving.Load())
	}
}

func TestApp_SaysHowThingsStandAfterItsEndToo(t *testing.T) {
	noKeys(t)
	app, err := provision(t, "")
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := app.Cleanup(); err != nil {
			t.Fatal(err)
		}
	}
	if state := app.State(); len(state.Providers) == 0 {
		t.Errorf("%+v", state)
	}
}

// turn is one step of Caddy's with the app of a configuration.
type turn struct {
	app string
	do  string // start, fail (a start), stop, clean
}

func TestApp_InForceIsWhatWasStartedLastAndHasNotEnded(t *testing.T) {
	noKeys(t)
	for _, c := range []struct {
		name  string
		turns []turn
		want  string
	}{
		{"a start", []turn{{"a", "start"}}, "a"},
		{"an exit", []turn{{"a", "start"}, {"a", "stop"}, {"a", "clean"}}, ""},
		{"a reload", []turn{{"a", "start"}, {"b", "start"}, {"a", "stop"}, {"a", "clean"}}, "b"},
		{"a reload and an exit", []turn{{"a", "start"}, {"b", "start"}, {"a", "stop"}, {"a", "clean"}, {"b", "stop"}, {"b", "clean"}}, ""},
		{"another app does not start", []turn{{"a", "start"}, {"b", "start"}, {"b", "stop"}, {"b", "clean"}}, "a"},
		{"another app does not start before", []turn{{"a", "start"}, {"b", "clean"}}, "a"},
		{"the app itself does not start", []turn{{"a", "start"}, {"b", "fail"}}, "a"},
		{"the app itself does not start, and is cleaned up", []turn{{"a", "start"}, {"b", "fail"}, {"b", "clean"}}, "a"},
		{"what follows the start fails: nothing is stopped", []turn{{"a", "start"}, {"b", "start"}, {"b", "clean"}}, "a"},
		{"a reload after one that failed", []turn{{"a", "start"}, {"b", "start"}, {"b", "stop"}, {"b", "clean"}, {"c", "start"}, {"a", "stop"}, {"a", "clean"}}, "c"},
		{"an exit after a reload that failed", []turn{{"a", "start"}, {"b", "start"}, {"b", "stop"}, {"b", "clean"}, {"a", "stop"}, {"a", "clean"}}, ""},
		{"one that failed after a reload", []turn{{"a", "start"}, {"b", "start"}, {"a", "stop"}, {"a", "clean"}, {"c", "start"}, {"c", "stop"}, {"c", "clean"}}, "b"},
		{"a configuration without the app, and one with it", []turn{{"a", "start"}, {"a", "stop"}, {"a", "clean"}, {"b", "start"}}, "b"},
	} {
		t.Run(c.name, func(t *testing.T) {
			apps := map[string]*App{"": nil}
			for _, name := range []string{"a", "b", "c"} {
				app, err := provision(t, "")
				if err != nil {
					t.Fatal(err)
				}
				apps[name] = app
				t.Cleanup(func() { app.Cleanup() })
			}
			for _, one := range c.turns {
				take(t, apps[one.app], one.do)
			}
			if serving.Load() != apps[c.want] {
				t.Errorf("%q is not in force", c.want)
			}
			for name, app := range apps {
				if app != nil && app.before != nil {
					t.Errorf("%s holds on to another app", name)
				}
			}
		})
	}
}

func take(t *testing.T, app *App, do string) {
	t.Helper()
	var err error
	switch do {
	case "start":
		err = app.Start()
	case "fail":
		app.live.now().config.Alerts.Rules = []schema.AlertRule{{Name: "of nothing", Metric: "nothing"}}
		if app.Start() == nil {
			t.Error("it started")
		}
	case "stop":
		err = app.Stop()
	case "clean":
		err = app.Cleanup()
	}
	if err != nil {
		t.Fatal(err)
	}
}
