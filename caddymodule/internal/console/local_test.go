package console_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aimux/aimux/caddymodule/internal/console/auth"
	"github.com/aimux/aimux/caddymodule/internal/console/consoletest"
)

func TestLocal_NeedsNoLoginButIsNotForWebPages(t *testing.T) {
	s := consoletest.Serve(t, consoletest.Settings{})
	api := s.Console.Local(auth.Identity{User: "local", Role: auth.Operator})
	cases := map[string]struct {
		method, path, body string
		headers            []string
		want               int
	}{
		"reads":                {"GET", "/api/clients", "", nil, 200},
		"changes":              {"POST", "/api/providers/zai/toggle", `{"enabled":true}`, nil, 200},
		"beyond the role":      {"DELETE", "/api/providers/zai", "", nil, 403},
		"no such path":         {"GET", "/api/../api/clients", "", nil, 404},
		"a page's change":      {"POST", "/api/providers/zai/toggle", `{"enabled":false}`, []string{"Origin", "https://evil.example"}, 403},
		"cross-site change":    {"POST", "/api/providers/zai/toggle", `{"enabled":false}`, []string{"Sec-Fetch-Site", "cross-site"}, 403},
		"a form's change":      {"POST", "/api/providers/zai/toggle", `{"enabled":false}`, []string{"Content-Type", "text/plain"}, 400},
		"endless body":         {"POST", "/api/providers/zai/toggle", `{"enabled":` + strings.Repeat(" ", 2<<20) + `true}`, nil, 413},
		"a cookie is no more":  {"GET", "/api/users", "", []string{"Cookie", s.Cookie("admin")}, 403},
		"a feed of other page": {"GET", "/ws", "", []string{"Origin", "https://evil.example", "Connection", "Upgrade", "Upgrade", "websocket", "Sec-WebSocket-Version", "13", "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="}, 403},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest(c.method, "http://anything"+c.path, strings.NewReader(c.body))
			r.Header.Set("Content-Type", "application/json")
			for i := 0; i+1 < len(c.headers); i += 2 {
				r.Header.Set(c.headers[i], c.headers[i+1])
			}
			w := httptest.NewRecorder()
			if api.ServeHTTP(w, r); w.Code != c.want {
				t.Errorf("%d %s", w.Code, w.Body)
			}
		})
	}
	if n := s.Changes(); n != 1 {
		t.Errorf("%d changes", n)
	}
	records := s.Records()
	if last := records[len(records)-1]; last.Actor != "local" || last.Action != "provider.toggle" {
		t.Errorf("the log says %+v", last)
	}
}
