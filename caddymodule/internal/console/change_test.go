package console_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/aimux/aimux/caddymodule/internal/console"
	"github.com/aimux/aimux/caddymodule/internal/console/consoletest"
)

// TestChange_IsAuditedOrRefused holds for every route that changes something:
// with an audit log that fails, nothing changes.
func TestChange_IsAuditedOrRefused(t *testing.T) {
	unaudited := map[string]bool{
		"POST /api/login":  true, // audited as it ends: TestLogin_IsRefusedWhenItCannotBeAudited
		"POST /api/logout": true, // ends the caller's own session
		// these two change nothing
		"POST /api/audit/verify": true, "POST /api/config/validate": true,
	}
	for _, r := range console.Declarations() {
		name := r.Method + " " + r.Pattern
		if r.Method == "GET" {
			if r.Action != "" {
				t.Errorf("%s changes something", name)
			}
			continue
		}
		if (r.Action == "") != unaudited[name] {
			t.Errorf("%s has the action %q", name, r.Action)
		}
		if unaudited[name] {
			continue
		}
		t.Run(name, func(t *testing.T) {
			s := consoletest.Serve(t, consoletest.Settings{})
			prepare(t, s, name)
			s.Token("admin")
			before, users := s.Changes(), len(s.Auth.Users())
			s.AuditErr = errors.New("disk full")
			if a := call(t, s, "admin", r.Method, r.Pattern); a.Status != 500 || !strings.Contains(a.Body, `"audit_unavailable"`) {
				t.Errorf("%d %s", a.Status, a.Body)
			}
			if s.Changes() != before || len(s.Auth.Users()) != users {
				t.Error("something changed")
			}
			s.AuditErr = nil
			if a := call(t, s, "admin", r.Method, r.Pattern); a.Status >= 300 {
				t.Fatalf("%d %s", a.Status, a.Body)
			}
			records := s.Records()
			last := records[len(records)-1]
			if last.Action != r.Action || last.Actor != "admin" || last.Outcome != "ok" || last.IP != "127.0.0.1" {
				t.Errorf("the log says %+v", last)
			}
		})
	}
}

// order notes when the backend is called relative to the audit log.
type order struct {
	console.Providers
	fake *consoletest.Fake
	seen []string
}

func (o *order) Delete(_ context.Context, id, _ string) error {
	records := o.fake.Records()
	o.seen = append(o.seen, records[len(records)-1].Action+" "+records[len(records)-1].Outcome)
	if id == "minimax" {
		panic("the backend has a bug")
	}
	return errors.New("dialing 10.0.0.1: secret-canary")
}

func TestChange_IsWrittenDownBeforeItHappensAndHowItEnded(t *testing.T) {
	var log bytes.Buffer
	o := &order{}
	s := consoletest.Serve(t, consoletest.Settings{
		Logger:  slog.New(slog.NewTextHandler(&log, nil)),
		Backend: func(b console.Backend) console.Backend { o.Providers = b.Providers; b.Providers = o; return b },
	})
	o.fake = s.Fake
	a := s.Call(t, "admin", "DELETE", "/api/providers/zai", "")
	if a.Status != 500 || strings.Contains(a.Body, "canary") || !strings.Contains(log.String(), "canary") {
		t.Errorf("%d %s, log %s", a.Status, a.Body, &log)
	}
	records := s.Records()
	if len(o.seen) != 1 || o.seen[0] != "provider.delete begun" || records[len(records)-1].Outcome != "failed" {
		t.Errorf("seen %q, at the end %q", o.seen, records[len(records)-1].Outcome)
	}
}

func TestChange_ThatPanicsIsStillClosedInTheLog(t *testing.T) {
	o := &order{}
	s := consoletest.Serve(t, consoletest.Settings{
		Backend: func(b console.Backend) console.Backend { o.Providers = b.Providers; b.Providers = o; return b },
	})
	o.fake = s.Fake
	s.HTTP.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	status := func() (status int) {
		defer func() { _ = recover() }()
		conn := s.HTTP.Client()
		r := newRequest(t, "DELETE", s.HTTP.URL+"/api/providers/minimax", s.Cookie("admin"))
		res, err := conn.Do(r)
		if err != nil {
			return 0
		}
		defer res.Body.Close()
		return res.StatusCode
	}()
	records := s.Records()
	if last := records[len(records)-1]; status != 0 || last.Outcome != "failed: interrupted" {
		t.Errorf("status %d, outcome %q", status, last.Outcome)
	}
}

// new-api CVE-2026-64859: a list gave secrets away. No answer, record or log
// line holds a secret that went in.
func TestSecrets_GoInAndNeverComeOut(t *testing.T) {
	var log bytes.Buffer
	s := consoletest.Serve(t, consoletest.Settings{Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	const canary = "sk-canary-0123456789"
	var all strings.Builder
	for _, name := range []string{"POST /api/providers", "POST /api/keys", "PUT /api/keys/{provider}/{name}"} {
		method, _, _ := strings.Cut(name, " ")
		for range 2 { // the second time it is refused as a conflict
			a := s.Call(t, "admin", method, samples[name].path, samples[name].body)
			fmt.Fprintln(&all, a.Header, a.Body)
		}
		for _, spoiled := range []string{
			strings.Replace(samples[name].body, canary, canary+` x`, 1), strings.Replace(samples[name].body, `"sk-`, `["sk-`, 1),
			strings.Replace(samples[name].body, `"secret"`, `"Secret"`, 1), samples[name].body + canary,
		} {
			a := s.Call(t, "admin", method, samples[name].path, spoiled)
			if a.Status != 400 && a.Status != 422 {
				t.Errorf("%s with %s: %d", name, spoiled, a.Status)
			}
			fmt.Fprintln(&all, a.Header, a.Body)
		}
	}
	if got := s.Secret("mine", "main"); got != canary {
		t.Errorf("the vault holds %q", got)
	}
	for name, p := range samples {
		if method, _, _ := strings.Cut(name, " "); method == "GET" && !p.stream {
			fmt.Fprintln(&all, s.Call(t, "admin", method, p.path, ""))
		}
	}
	data, err := json.Marshal(s.Records())
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"answers": all.String(), "audit": string(data), "log": log.String()} {
		if i := strings.Index(text, "canary"); i >= 0 {
			t.Errorf("%s: …%s…", name, text[max(0, i-80):min(len(text), i+40)])
		}
	}
	if !strings.Contains(string(data), "[redacted]") {
		t.Error("the audit log does not say that there was a secret")
	}
}

func TestSecret_HidesFromEveryVerb(t *testing.T) {
	v := struct{ S console.Secret }{"sk-canary"}
	texts := []string{fmt.Sprint(v), fmt.Sprintf("%+v %#v %s %q %x %d", v, v, v.S, v.S, v.S, v.S), v.S.String()}
	data, _ := json.Marshal(v)
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "s", v.S, "v", v)
	texts = append(texts, string(data), log.String())
	for _, text := range texts {
		if strings.Contains(text, "canary") || strings.Contains(text, fmt.Sprintf("%x", "canary")) {
			t.Errorf("%s", text)
		}
	}
	if v.S.Reveal() != "sk-canary" {
		t.Error("the secret is lost")
	}
}

func TestPut_StaleVersionsChangeNothing(t *testing.T) {
	for _, name := range []string{"PUT /api/providers/{id}", "PUT /api/models", "PUT /api/config"} {
		t.Run(name, func(t *testing.T) {
			s := consoletest.Serve(t, consoletest.Settings{})
			p := samples[name]
			for _, match := range []string{"", `"v0"`, `v0`, `"v1", "v2"`, `W/"v9"`} {
				if a := s.Call(t, "admin", "PUT", p.path, p.body, "If-Match", match); a.Status != 412 && a.Status != 400 {
					t.Errorf("If-Match %s: %d", match, a.Status)
				}
			}
			if s.Changes() != 0 {
				t.Errorf("%d changes", s.Changes())
			}
			tag := s.Call(t, "admin", "GET", p.path, "").Header.Get("ETag")
			a := s.Call(t, "admin", "PUT", p.path, p.body, "If-Match", tag)
			if a.Status != 200 || a.Header.Get("ETag") == tag || a.Header.Get("ETag") == "" {
				t.Errorf("If-Match %s: %d, now %s", tag, a.Status, a.Header.Get("ETag"))
			}
		})
	}
}

func TestPut_OfTwoAdministratorsAtOnceOneWins(t *testing.T) {
	s := consoletest.Serve(t, consoletest.Settings{})
	p := samples["PUT /api/config"]
	s.Token("admin")
	var wg sync.WaitGroup
	var mu sync.Mutex
	count := map[int]int{}
	for range 8 {
		wg.Go(func() {
			a := s.Call(t, "admin", "PUT", p.path, p.body, "If-Match", `"v1"`)
			mu.Lock()
			defer mu.Unlock()
			count[a.Status]++
		})
	}
	wg.Wait()
	if count[200] != 1 || count[412] != 7 || s.Changes() != 1 {
		t.Errorf("%v, %d changes", count, s.Changes())
	}
}

func TestConfig_AnInvalidChangeNamesAllProblemsAndChangesNothing(t *testing.T) {
	s := consoletest.Serve(t, consoletest.Settings{})
	body := `{"set":[{"pointer":"/timeouts/connect","value":"bad"},{"pointer":"/invalid/x","value":1},{"pointer":"/a","value":1}]}`
	a := s.Call(t, "admin", "PUT", "/api/config", body, "If-Match", "*")
	var got struct{ Error console.Error }
	if err := json.Unmarshal([]byte(a.Body), &got); err != nil || a.Status != 422 {
		t.Fatalf("%d %s %v", a.Status, a.Body, err)
	}
	if len(got.Error.Problems) != 2 || got.Error.Problems[0].Pointer != "/timeouts/connect" || got.Error.Problems[0].Hint == "" || s.Changes() != 0 {
		t.Errorf("%+v, %d changes", got.Error, s.Changes())
	}
}

func TestConfig_IsUndoneWithOneCall(t *testing.T) {
	s := consoletest.Serve(t, consoletest.Settings{})
	before := s.Call(t, "viewer", "GET", "/api/config", "")
	prepare(t, s, "POST /api/config/undo")
	changed := s.Call(t, "viewer", "GET", "/api/config", "")
	call(t, s, "admin", "POST", "/api/config/undo")
	after := s.Call(t, "viewer", "GET", "/api/config", "")
	text := func(a consoletest.Answer) string {
		var v struct{ Text string }
		_ = json.Unmarshal([]byte(a.Body), &v)
		return v.Text
	}
	if text(before) != text(after) || text(before) == text(changed) {
		t.Errorf("%q, changed %q, undone %q", text(before), text(changed), text(after))
	}
}

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
	for pattern, path := range map[string]string{
		"/api/providers": "/api/providers?limit=500", "/api/requests": "/api/requests?limit=500", "/api/requests/{id}": "/api/requests/h1",
		"/api/alerts": "/api/alerts?limit=500", "/api/sessions": "/api/sessions", "/api/usage": "/api/usage?by=client",
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

func TestPaging_TenThousandProvidersComeInPages(t *testing.T) {
	s := consoletest.Serve(t, consoletest.Settings{})
	for i := range 10_000 {
		s.AddProvider(console.Provider{ID: fmt.Sprintf("p%05d", i), Origin: "file", Status: "idle"})
	}
	seen, cursor, pages := map[string]bool{}, "", 0
	for {
		a := s.Call(t, "viewer", "GET", "/api/providers?limit=500&cursor="+cursor, "")
		var got struct {
			Providers []struct{ ID string }
			Next      string
		}
		if err := json.Unmarshal([]byte(a.Body), &got); err != nil || len(a.Body) > 1<<20 {
			t.Fatalf("%d bytes, %v", len(a.Body), err)
		}
		for _, p := range got.Providers {
			if seen[p.ID] {
				t.Fatalf("%s comes twice", p.ID)
			}
			seen[p.ID] = true
		}
		pages++
		if cursor = got.Next; cursor == "" {
			break
		}
	}
	if len(seen) != 10_003 || pages != 21 {
		t.Errorf("%d providers in %d pages", len(seen), pages)
	}
}

func TestPaging_RowsThatGoMeanwhileShiftNothing(t *testing.T) {
	s := consoletest.Serve(t, consoletest.Settings{})
	first := s.Call(t, "viewer", "GET", "/api/providers?limit=2", "")
	var got struct {
		Providers []struct{ ID string }
		Next      string
	}
	_ = json.Unmarshal([]byte(first.Body), &got)
	s.Call(t, "admin", "DELETE", "/api/providers/"+got.Providers[0].ID, "")
	second := s.Call(t, "viewer", "GET", "/api/providers?limit=2&cursor="+got.Next, "")
	if !strings.Contains(second.Body, `"id":"minimax"`) || strings.Contains(second.Body, `"id":"zai"`) {
		t.Errorf("the second page is %.200s", second.Body)
	}
	for _, bad := range []string{"limit=0", "limit=501", "limit=x", "cursor=!!", "cursor=MTp6", "cursor=" + strings.Repeat("A", 2000)} {
		if a := s.Call(t, "viewer", "GET", "/api/providers?"+bad, ""); a.Status != 400 && bad != "cursor=MTp6" {
			t.Errorf("%s: %d", bad, a.Status)
		}
	}
}
