package console_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aimux/aimux/caddymodule/internal/console"
	"github.com/aimux/aimux/caddymodule/internal/console/consoletest"
)

func TestGuard_SetsSecurityHeadersOnEveryAnswer(t *testing.T) {
	s := consoletest.Serve(t, consoletest.Settings{})
	want := map[string]string{
		"Content-Security-Policy":      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
		"X-Content-Type-Options":       "nosniff",
		"X-Frame-Options":              "DENY",
		"Referrer-Policy":              "no-referrer",
		"Cross-Origin-Opener-Policy":   "same-origin",
		"Cross-Origin-Resource-Policy": "same-origin",
		"Cache-Control":                "no-store",
	}
	answers := map[string]consoletest.Answer{
		"page":       s.Call(t, "", "GET", "/", ""),
		"asset":      s.Call(t, "", "GET", "/assets/icon.svg", ""),
		"answer":     s.Call(t, "viewer", "GET", "/api/meta", ""),
		"no login":   s.Call(t, "", "GET", "/api/meta", ""),
		"no role":    s.Call(t, "viewer", "GET", "/api/users", ""),
		"nothing":    s.Call(t, "", "GET", "/nothing", ""),
		"method":     s.Call(t, "", "PATCH", "/api/meta", ""),
		"other host": s.Call(t, "", "GET", "/", "", "Host", "evil.example"),
		"other site": s.Call(t, "admin", "GET", "/api/meta", "", "Origin", "https://evil.example"),
		"no socket":  s.Call(t, "viewer", "GET", "/ws", ""),
	}
	for name, a := range answers {
		for header, value := range want {
			if got := a.Header.Get(header); got != value {
				t.Errorf("%s: %s is %q", name, header, got)
			}
		}
		if a.Header.Get("Access-Control-Allow-Origin") != "" || a.Header.Get("Server") != "" {
			t.Errorf("%s: %v", name, a.Header)
		}
	}
}

// new-api CVE-2026-44342, Caddy CVE-2026-27589: other pages changed state.
// claude-code-router CVE-2025-57755: other pages read the local API.
func TestGuard_RefusesWhatOtherPagesSend(t *testing.T) {
	s := consoletest.Serve(t, consoletest.Settings{})
	own := s.HTTP.URL
	body := samples["POST /api/providers/{id}/toggle"].body
	cases := map[string]struct {
		method, path string
		headers      []string
		want         int
	}{
		"script, no browser":       {"POST", "/api/providers/zai/toggle", nil, 200},
		"own page":                 {"POST", "/api/providers/zai/toggle", []string{"Origin", own, "Sec-Fetch-Site", "same-origin", "Sec-Fetch-Mode", "cors"}, 200},
		"other origin":             {"POST", "/api/providers/zai/toggle", []string{"Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site"}, 403},
		"other port":               {"POST", "/api/providers/zai/toggle", []string{"Origin", "http://127.0.0.1:1", "Sec-Fetch-Site", "same-site"}, 403},
		"origin null":              {"POST", "/api/providers/zai/toggle", []string{"Origin", "null"}, 403},
		"origin null, same site":   {"POST", "/api/providers/zai/toggle", []string{"Origin", "null", "Sec-Fetch-Site", "same-origin"}, 403},
		"origin with a path":       {"POST", "/api/providers/zai/toggle", []string{"Origin", own + "/x"}, 403},
		"origin of another scheme": {"POST", "/api/providers/zai/toggle", []string{"Origin", strings.Replace(own, "http:", "ftp:", 1)}, 403},
		"origin is no URL":         {"POST", "/api/providers/zai/toggle", []string{"Origin", "%"}, 403},
		"cross-site, no origin":    {"POST", "/api/providers/zai/toggle", []string{"Sec-Fetch-Site", "cross-site"}, 403},
		"no-cors":                  {"POST", "/api/providers/zai/toggle", []string{"Sec-Fetch-Site", "same-origin", "Sec-Fetch-Mode", "no-cors"}, 403},
		"a form's content":         {"POST", "/api/providers/zai/toggle", []string{"Content-Type", "text/plain"}, 400},
		"a form's encoding":        {"POST", "/api/providers/zai/toggle", []string{"Content-Type", "application/x-www-form-urlencoded"}, 400},
		"no content type":          {"POST", "/api/providers/zai/toggle", []string{"Content-Type", ""}, 400},
		"nearly JSON":              {"POST", "/api/providers/zai/toggle", []string{"Content-Type", "application/jsonp"}, 400},
		"JSON as a parameter":      {"POST", "/api/providers/zai/toggle", []string{"Content-Type", "text/plain; a=application/json"}, 400},
		"JSON with a charset":      {"POST", "/api/providers/zai/toggle", []string{"Content-Type", "application/json; charset=utf-8"}, 200},
		"reading, other origin":    {"GET", "/api/clients", []string{"Origin", "https://evil.example"}, 403},
		"reading, cross-site":      {"GET", "/api/clients", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate"}, 403},
		"reading, as an image":     {"GET", "/api/clients", []string{"Sec-Fetch-Site", "same-origin", "Sec-Fetch-Mode", "no-cors"}, 403},
		"reading, address bar":     {"GET", "/api/clients", []string{"Sec-Fetch-Site", "none", "Sec-Fetch-Mode", "navigate"}, 200},
		"page by a link":           {"GET", "/", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate"}, 200},
		"style of the page":        {"GET", "/assets/theme.css", []string{"Sec-Fetch-Site", "same-origin", "Sec-Fetch-Mode", "no-cors"}, 200},
		"feed, other origin":       {"GET", "/ws", []string{"Origin", "https://evil.example", "Connection", "Upgrade", "Upgrade", "websocket"}, 403},
		"events, other origin":     {"GET", "/api/events", []string{"Origin", "https://evil.example"}, 403},
		"preflight":                {"OPTIONS", "/api/providers/zai/toggle", []string{"Origin", "https://evil.example", "Access-Control-Request-Method", "POST"}, 403},
		"login, other origin":      {"POST", "/api/login", []string{"Origin", "https://evil.example"}, 403},
	}
	for name, c := range cases {
		for _, by := range []string{"cookie", "basic"} {
			t.Run(name+"/"+by, func(t *testing.T) {
				role, headers := "admin", c.headers
				if by == "basic" {
					role, headers = "", append([]string{"Authorization", basic("admin", consoletest.Password)}, headers...)
				}
				if a := s.Call(t, role, c.method, c.path, body, headers...); a.Status != c.want {
					t.Errorf("%d %s, want %d", a.Status, a.Body, c.want)
				}
			})
		}
	}
}

func basic(user, password string) string {
	r := &http.Request{Header: http.Header{}}
	r.SetBasicAuth(user, password)
	return r.Header.Get("Authorization")
}

func TestGuard_RefusesHeadersThatSayTwoThings(t *testing.T) {
	s := consoletest.Serve(t, consoletest.Settings{})
	for name, second := range map[string]string{"Content-Type": "text/plain", "Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"} {
		first := map[string]string{"Content-Type": "application/json", "Origin": s.HTTP.URL, "Sec-Fetch-Site": "same-origin"}
		r := httptest.NewRequest("POST", s.HTTP.URL+"/api/providers/zai/toggle", strings.NewReader(`{"enabled":false}`))
		r.Header.Set("Cookie", s.Cookie("admin"))
		for k, v := range first {
			r.Header.Set(k, v)
		}
		r.Header.Add(name, second)
		w := httptest.NewRecorder()
		if s.Console.ServeHTTP(w, r); w.Code != 400 && w.Code != 403 {
			t.Errorf("two of %s: %d %s", name, w.Code, w.Body)
		}
	}
}

// new-api CVE-2026-64868: bodies of any length were read, before anybody was
// asked who they were.
func TestGuard_ReadsNoEndlessBody(t *testing.T) {
	s := consoletest.Serve(t, consoletest.Settings{})
	huge := `{"user":"` + strings.Repeat("x", 2<<20) + `"}`
	for _, path := range []string{"/api/login", "/api/keys", "/api/audit/verify"} {
		if a := s.Call(t, "admin", "POST", path, huge); a.Status != 413 {
			t.Errorf("%s: %d %.200s", path, a.Status, a.Body)
		}
	}
}

func TestGuard_ReadingChangesNothing(t *testing.T) {
	s := consoletest.Serve(t, consoletest.Settings{})
	for name, p := range samples {
		if strings.HasPrefix(name, "GET ") && !p.stream {
			for _, method := range []string{"GET", "HEAD"} {
				if a := s.Call(t, "admin", method, p.path, `{"enabled":false}`, "X-Http-Method-Override", "DELETE"); method == "HEAD" && a.Body != "" {
					t.Errorf("HEAD %s has a body", p.path)
				}
			}
		}
	}
	if s.Changes() != 0 {
		t.Errorf("%d changes", s.Changes())
	}
	for _, r := range s.Records() {
		if r.Action != "login" {
			t.Errorf("reading was audited as %+v", r)
		}
	}
}

func TestPage_ServesItsFilesAndNothingElse(t *testing.T) {
	s := consoletest.Serve(t, consoletest.Settings{})
	for path, kind := range map[string]string{
		"/": "text/html; charset=utf-8", "/assets/app.js": "text/javascript; charset=utf-8",
		"/assets/theme.css": "text/css; charset=utf-8", "/assets/icon.svg": "image/svg+xml",
	} {
		a := s.Call(t, "", "GET", path, "", "Accept-Encoding", "identity")
		if a.Status != 200 || a.Header.Get("Content-Type") != kind || a.Body == "" {
			t.Errorf("%s: %d %q", path, a.Status, a.Header.Get("Content-Type"))
		}
		if h := s.Call(t, "", "HEAD", path, ""); h.Status != 200 || h.Body != "" || h.Header.Get("Content-Length") != a.Header.Get("Content-Length") {
			t.Errorf("HEAD %s: %d %v", path, h.Status, h.Header)
		}
	}
	for _, path := range []string{
		"/index.html", "/web/index.html", "/assets", "/assets/", "/assets/none.js", "/assets/../index.html", "/assets/%2e%2e/index.html",
		"/console.go", "/favicon.ico", "/api", "/api/", "/.git/config", "/assets/app.js/", "/assets/APP.js", "/assets/%61pp.js", "/assets/app.js%00",
	} {
		if a := s.Call(t, "admin", "GET", path, ""); a.Status != 404 && a.Status != 400 {
			t.Errorf("%s: %d", path, a.Status)
		}
	}
}

func TestNew_WantsAllItNeeds(t *testing.T) {
	full := consoletest.New(nil).Backend()
	s := consoletest.Serve(t, consoletest.Settings{})
	good := console.Options{Backend: full, Auth: s.Auth, Hosts: []string{"localhost:1"}}
	if _, err := console.New(good); err != nil {
		t.Fatal(err)
	}
	cases := map[string]func(*console.Options){
		"Usage":      func(o *console.Options) { o.Backend.Usage = nil },
		"Audit":      func(o *console.Options) { o.Backend.Audit = nil },
		"users":      func(o *console.Options) { o.Auth = nil },
		"host names": func(o *console.Options) { o.Hosts = nil },
	}
	for want, spoil := range cases {
		o := good
		spoil(&o)
		if _, err := console.New(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

func TestHostsOf_NamesHowBrowsersReachListeners(t *testing.T) {
	cases := map[string]string{
		"127.0.0.1:8081": "127.0.0.1:8081 localhost:8081 [::1]:8081",
		"localhost:8081": "127.0.0.1:8081 localhost:8081 [::1]:8081",
		"[::1]:80":       "127.0.0.1:80 localhost:80 [::1]:80",
		"192.0.2.1:8081": "192.0.2.1:8081",
		":8081":          "error", "0.0.0.0:8081": "error", "unix//run/x": "error", "example.com:1": "error",
	}
	for in, want := range cases {
		hosts, err := console.HostsOf([]string{in})
		got := strings.Join(hosts, " ")
		if err != nil {
			got = "error"
		}
		if got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}
