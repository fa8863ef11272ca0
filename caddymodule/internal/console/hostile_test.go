package console_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/aimux/aimux/caddymodule/internal/console"
	"github.com/aimux/aimux/caddymodule/internal/console/consoletest"
)

// new-api CVE-2026-25802, one-api CVE-2025-3801: text from models and settings
// ran as script. The console passes text on as text, in JSON that is valid and
// harmless even where a browser would guess at its type.
func TestHostileText_PassesAsText(t *testing.T) {
	s := consoletest.Serve(t, consoletest.Settings{})
	d := openapi(t)
	for i, text := range consoletest.Hostile {
		s.AddProvider(console.Provider{ID: fmt.Sprint("h", i), Kind: text, Title: text, BaseURL: text, Origin: "file", Status: "ok", StatusText: text})
		r := console.RequestDetail{Request: console.Request{
			ID: fmt.Sprint("h", i), Start: console.At(time.Now()), Client: text, Model: text, Session: text, Reason: text, Provider: text, Class: text,
		}}
		r.Tries = []console.Attempt{{Provider: text, Message: text, Code: text, Dropped: []string{text}}}
		s.AddRequest(r)
		s.AddAlert(console.Alert{Name: text, State: "firing", Metric: text, Since: console.At(time.Now()), Text: text})
	}
	for i, text := range consoletest.Hostile {
		value, _ := json.Marshal(map[string]string{"pointer": fmt.Sprint("/x/", i), "value": text})
		if a := s.Call(t, "admin", "PUT", "/api/config", `{"set":[`+string(value)+`]}`, "If-Match", "*"); a.Status != 200 {
			t.Fatalf("%q: %d %s", text, a.Status, a.Body)
		}
	}
	for pattern, path := range map[string]string{
		"/api/providers": "/api/providers?limit=500", "/api/requests": "/api/requests?limit=500", "/api/requests/{id}": "/api/requests/h1",
		"/api/alerts": "/api/alerts?limit=500", "/api/sessions": "/api/sessions", "/api/usage": "/api/usage?by=client",
		"/api/config": "/api/config", "/api/audit": "/api/audit?limit=500",
	} {
		a := s.Call(t, "viewer", "GET", path, "")
		if err := d.answer("GET", pattern, a); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		if !utf8.ValidString(a.Body) || strings.ContainsAny(a.Body, "<>\x00\r\n") {
			t.Errorf("%s is not plain: %.300q", path, a.Body)
		}
	}
	var got struct{ Providers []struct{ ID, Title string } }
	if err := json.Unmarshal([]byte(s.Call(t, "viewer", "GET", "/api/providers?limit=500", "").Body), &got); err != nil {
		t.Fatal(err)
	}
	for i, text := range consoletest.Hostile {
		if p := got.Providers[3+i]; p.Title != strings.ToValidUTF8(text, "\ufffd") && utf8.ValidString(text) {
			t.Errorf("%q came as %q", text, p.Title)
		}
	}
}

// Hostile text in every field that goes in is taken as text or refused; it never
// breaks an answer.
func TestHostileText_InEveryFieldThatGoesIn(t *testing.T) {
	s := consoletest.Serve(t, consoletest.Settings{})
	d := openapi(t)
	for _, text := range consoletest.Hostile {
		quoted, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		q := string(quoted)
		for _, c := range [][3]string{
			{"POST", "/api/login", `{"user":` + q + `,"password":` + q + `}`},
			{"POST", "/api/users", `{"user":` + q + `,"role":` + q + `,"password":` + q + `}`},
			{"POST", "/api/providers", `{"id":` + q + `,"kind":` + q + `,"base_url":` + q + `,"keys":[{"name":` + q + `,"account":` + q + `,"secret":` + q + `}]}`},
			{"POST", "/api/providers/order", `{"tiers":{` + q + `:1}}`},
			{"POST", "/api/keys", `{"provider":` + q + `,"name":` + q + `,"secret":` + q + `}`},
			{"PUT", "/api/models", `{"rows":[{"alias":` + q + `,"provider":` + q + `,"model":` + q + `}]}`},
			{"POST", "/api/clients", `{"name":` + q + `,"team":` + q + `,"models":[` + q + `],"networks":[` + q + `]}`},
			{"PUT", "/api/config", `{"set":[{"pointer":` + q + `,"value":` + q + `}],"unset":[` + q + `]}`},
		} {
			a := s.Call(t, "admin", c[0], c[1], c[2], "If-Match", "*")
			if a.Status >= 500 || strings.ContainsAny(a.Body, "<>") {
				t.Errorf("%s %s with %q: %d %s", c[0], c[1], text, a.Status, a.Body)
			}
			if err := d.answer(c[0], c[1], a); err != nil && a.Status != 429 {
				t.Errorf("%s %s with %q: %v", c[0], c[1], text, err)
			}
		}
		for _, path := range []string{"/api/requests?q=", "/api/requests?cursor=", "/api/audit?cursor=", "/api/providers?cursor=", "/api/usage?since=", "/api/requests/"} {
			if a := s.Call(t, "admin", "GET", path+escape(text), ""); a.Status >= 500 {
				t.Errorf("%s%q: %d %s", path, text, a.Status, a.Body)
			}
		}
	}
}
