package console_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v5"

	"github.com/aimux/aimux/caddymodule/internal/console"
	"github.com/aimux/aimux/caddymodule/internal/console/consoletest"
)

var r0 = time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)

const openapiFile = "../../../docs/openapi.json"

// document is the OpenAPI document, and a compiler of the schemas in it.
type document struct {
	Paths map[string]map[string]operation `json:"paths"`
	c     *jsonschema.Compiler
}

type operation struct {
	Role        string              `json:"x-aimux-role"`
	Parameters  []parameter         `json:"parameters"`
	RequestBody json.RawMessage     `json:"requestBody"`
	Responses   map[string]response `json:"responses"`
}

type parameter struct {
	Name     string `json:"name"`
	In       string `json:"in"`
	Required bool   `json:"required"`
}

type response struct {
	Ref     string                     `json:"$ref"`
	Content map[string]json.RawMessage `json:"content"`
	Headers map[string]json.RawMessage `json:"headers"`
}

func openapi(t testing.TB) *document {
	t.Helper()
	data, err := os.ReadFile(openapiFile)
	if err != nil {
		t.Fatal(err)
	}
	d := &document{c: jsonschema.NewCompiler()}
	d.c.Draft, d.c.AssertFormat = jsonschema.Draft2020, true
	if err := json.Unmarshal(data, d); err != nil {
		t.Fatal(err)
	}
	if err := d.c.AddResource("openapi.json", strings.NewReader(string(data))); err != nil {
		t.Fatal(err)
	}
	return d
}

// check compares a JSON text with the schema at a pointer into the document.
func (d *document) check(pointer, text string) error {
	schema, err := d.c.Compile("openapi.json#" + pointer)
	if err != nil {
		return err
	}
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		return fmt.Errorf("not JSON: %w", err)
	}
	if err := schema.Validate(v); err != nil {
		return fmt.Errorf("%#v", err)
	}
	return nil
}

func step(s string) string {
	return "/" + strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D").Replace(s)
}

// answer compares what a route said with what the document says it says.
func (d *document) answer(method, pattern string, a consoletest.Answer) error {
	op, ok := d.Paths[pattern][strings.ToLower(method)]
	if !ok {
		return fmt.Errorf("not documented")
	}
	status := fmt.Sprint(a.Status)
	r, ok := op.Responses[status]
	if !ok {
		return fmt.Errorf("status %s is not documented: %s", status, a.Body)
	}
	if len(r.Headers) > 0 && a.Header.Get("ETag") == "" {
		return fmt.Errorf("no ETag")
	}
	at := "/paths" + step(pattern) + "/" + strings.ToLower(method) + "/responses/" + status
	switch {
	case r.Ref != "":
		at = strings.TrimPrefix(r.Ref, "#")
	case r.Content == nil && a.Body != "":
		return fmt.Errorf("a body where none is documented: %s", a.Body)
	case r.Content == nil:
		return nil
	}
	if kind := a.Header.Get("Content-Type"); kind != "application/json; charset=utf-8" {
		return fmt.Errorf("content type %q", kind)
	}
	return d.check(at+"/content/application~1json/schema", a.Body)
}

func TestOpenAPI_NamesEveryRouteAndNoOther(t *testing.T) {
	d := openapi(t)
	count := 0
	for _, ops := range d.Paths {
		count += len(ops)
	}
	for _, r := range console.Declarations() {
		op, ok := d.Paths[r.Pattern][strings.ToLower(r.Method)]
		if !ok || op.Role != r.Role.String() {
			t.Errorf("%s %s: documented %v for %q, takes %v", r.Method, r.Pattern, ok, op.Role, r.Role)
		}
		for _, p := range op.Parameters {
			if p.In == "path" && !strings.Contains(r.Pattern, "{"+p.Name+"}") {
				t.Errorf("%s %s has no %s in it", r.Method, r.Pattern, p.Name)
			}
		}
	}
	if have := len(console.Declarations()); count != have {
		t.Errorf("%d operations are documented, there are %d", count, have)
	}
}

func TestDocs_NameEveryRoute(t *testing.T) {
	data, err := os.ReadFile("../../../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range console.Declarations() {
		if !strings.Contains(string(data), r.Method+" "+r.Pattern) {
			t.Errorf("docs/api.md has no %s %s", r.Method, r.Pattern)
		}
	}
}

func TestOpenAPI_DescribesEveryAnswerOfEveryRole(t *testing.T) {
	d := openapi(t)
	for _, r := range console.Declarations() {
		name := r.Method + " " + r.Pattern
		if samples[name].stream {
			continue
		}
		s := consoletest.Serve(t, consoletest.Settings{})
		prepare(t, s, name)
		for _, role := range roles {
			a := call(t, s, role, r.Method, r.Pattern)
			if err := d.answer(r.Method, r.Pattern, a); err != nil {
				t.Errorf("%s as %q: %v", name, role, err)
			}
		}
	}
}

// What goes wrong is documented as well: bodies that are no JSON, values that
// will not do, names that do not exist, versions that are stale, an audit log
// and a backend that fail.
func TestOpenAPI_DescribesFailures(t *testing.T) {
	d := openapi(t)
	bodies := []string{
		`{`, `[]`, `{"unknown":1}`, `{}`, `null`, strings.Repeat("[", 100), `{"user":1}`, `{"rows":[{}]}`, `{"set":[{"pointer":"x","value":1}]}`,
		`{"id":"` + strings.Repeat("x", 300) + `","kind":"\u0000","keys":[{"name":"","secret":"a b"}]}`, `{"name":"","daily_microusd":-1}`,
		`{"user":"a","user":"b"}`, `{"User":"a"}`, "\xff", `{"set":[{"pointer":"/invalid/x","value":1}]}`, `{"tiers":{"nobody":1}}`,
		`{"user":"bob","role":"root","password":"x"}`, `{"enabled":null}`, `{"key":"\n"}`, `{"id":"undo-9999"}`, `{"grace_seconds":-1}`,
	}
	for _, r := range console.Declarations() {
		p := samples[r.Method+" "+r.Pattern]
		if p.stream || r.Method == "GET" || r.Pattern == "/api/logout" {
			continue
		}
		s := consoletest.Serve(t, consoletest.Settings{})
		for i, body := range bodies {
			match := []string{`"v1"`, `"v0"`, "", `"a", "b"`}[i%4]
			a := s.Call(t, "admin", r.Method, p.path, body, "If-Match", match)
			if err := d.answer(r.Method, r.Pattern, a); err != nil {
				t.Errorf("%s %s with %.60q: %v", r.Method, r.Pattern, body, err)
			}
		}
		missing := strings.NewReplacer("zai", "nobody", "laptop", "nobody", "viewer", "nobody", "minimax", "nobody").Replace(p.path)
		a := s.Call(t, "admin", r.Method, missing, p.body, "If-Match", "*")
		if err := d.answer(r.Method, r.Pattern, a); err != nil || missing != p.path && a.Status != 404 {
			t.Errorf("%s %s: %d %v", r.Method, missing, a.Status, err)
		}
	}
	s := consoletest.Serve(t, consoletest.Settings{})
	s.Token("admin")
	s.AuditErr, s.ReadErr = os.ErrPermission, os.ErrPermission
	for _, r := range console.Declarations() {
		if p := samples[r.Method+" "+r.Pattern]; p.stream || r.Pattern == "/api/logout" {
			continue
		}
		if err := d.answer(r.Method, r.Pattern, call(t, s, "admin", r.Method, r.Pattern)); err != nil {
			t.Errorf("failing, %s %s: %v", r.Method, r.Pattern, err)
		}
	}
}

func TestOpenAPI_TakesTheBodiesOfTheSamples(t *testing.T) {
	d := openapi(t)
	for _, r := range console.Declarations() {
		body := samples[r.Method+" "+r.Pattern].body
		if d.Paths[r.Pattern][strings.ToLower(r.Method)].RequestBody == nil {
			continue
		}
		at := "/paths" + step(r.Pattern) + "/" + strings.ToLower(r.Method) + "/requestBody/content/application~1json/schema"
		if err := d.check(at, body); err != nil {
			t.Errorf("%s %s: %v", r.Method, r.Pattern, err)
		}
	}
}

func TestOpenAPI_DescribesTheFeed(t *testing.T) {
	d := openapi(t)
	s := consoletest.Serve(t, consoletest.Settings{})
	r, err := http.NewRequestWithContext(t.Context(), "GET", s.HTTP.URL+"/api/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Cookie", s.Cookie("viewer"))
	res, err := s.HTTP.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	feed := s.Console.Feed()
	in := bufio.NewScanner(res.Body)
	in.Buffer(nil, 1<<20)
	want := []string{"hello", "metrics", "provider", "request", "alert", "config"}
	for in.Scan() && len(want) > 0 {
		text, ok := strings.CutPrefix(in.Text(), "data: ")
		if !ok {
			continue
		}
		if err := d.check("/components/schemas/FeedMessage", text); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		var m struct{ Type string }
		if err := json.Unmarshal([]byte(text), &m); err != nil {
			t.Fatal(err)
		}
		want = slices.DeleteFunc(want, func(s string) bool { return s == m.Type })
		if m.Type == "hello" {
			feed.Ended("zai", func() console.Request { return console.Request{ID: "r", Start: console.At(r0)} })
			feed.Alert(console.Alert{Name: "a", State: "firing", Since: console.At(r0)})
			feed.Config("v2")
		}
	}
	if len(want) > 0 {
		t.Errorf("no message of the types %v", want)
	}
}
