package console_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"

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
	for _, r := range s.Records() {
		if r.Action == "config.update" {
			t.Errorf("the log tells of a change that never was: %+v", r)
		}
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
	if !strings.Contains(changed.Body, `"actor":"admin"`) {
		t.Errorf("the change has no author: %s", changed.Body)
	}
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
