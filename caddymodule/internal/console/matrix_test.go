package console_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/aimux/aimux/caddymodule/internal/console"
	"github.com/aimux/aimux/caddymodule/internal/console/auth"
	"github.com/aimux/aimux/caddymodule/internal/console/consoletest"
)

var roles = []string{"", "viewer", "operator", "admin"}

// declared is the table the brief for operators names, written down once more
// and apart from the code: what takes more than looking.
var declared = map[string]auth.Role{
	"GET /healthz": auth.Nobody, "POST /api/login": auth.Nobody, "GET /api/session": auth.Nobody,

	"POST /api/providers/{id}/test": auth.Operator, "POST /api/providers/{id}/toggle": auth.Operator,
	"POST /api/keys/{provider}/{name}/reset": auth.Operator, "POST /api/audit/verify": auth.Operator,

	"POST /api/logout": auth.Viewer, "POST /api/password": auth.Viewer,
	"GET /api/users": auth.Admin, "GET /api/requests/{id}/capture": auth.Admin,
}

func roleOf(method, pattern string) auth.Role {
	if r, ok := declared[method+" "+pattern]; ok {
		return r
	}
	if method == "GET" {
		return auth.Viewer
	}
	return auth.Admin
}

// LiteLLM CVE-2026-35029: the configuration was open to all who could log in.
// Bifrost #937: the password guarded / only.
func TestRoutes_AnswerEachRoleAsDeclared(t *testing.T) {
	for _, r := range console.Declarations() {
		name := r.Method + " " + r.Pattern
		if samples[name].stream {
			continue // TestFeed_AnswersEachRoleAsDeclared
		}
		t.Run(name, func(t *testing.T) {
			need := roleOf(r.Method, r.Pattern)
			if r.Role != need {
				t.Errorf("the table says %v, the specification %v", r.Role, need)
			}
			s := consoletest.Serve(t, consoletest.Settings{})
			prepare(t, s, name)
			for i, role := range roles {
				before := s.Changes()
				a := call(t, s, role, r.Method, r.Pattern)
				switch has := auth.Role(i); {
				case has < need && role == "" && a.Status != 401, has < need && role != "" && a.Status != 403:
					t.Errorf("%q: %d %s", role, a.Status, a.Body)
				case has < need && s.Changes() != before:
					t.Errorf("%q changed something", role)
				case has >= need && (a.Status == 401 || a.Status == 403 || a.Status >= 404):
					t.Errorf("%q: %d %s", role, a.Status, a.Body)
				}
			}
		})
	}
}

// spellings are other ways to write a path that a gate may read differently
// than a router.
func spellings(path string) []string {
	path, _, _ = strings.Cut(path, "?")
	rest := path[1:]
	first, more, _ := strings.Cut(rest, "/")
	escaped := fmt.Sprintf("/%%%02x%s", rest[0], rest[1:])
	out := []string{
		"/" + path, "//" + rest + "/", "/./" + rest, "/x/../" + rest, "/assets/../" + rest, "/assets/..%2f" + rest, "/%2e/" + rest, "/%2e%2e/" + rest,
		"/" + strings.ToUpper(rest), "/" + strings.ToUpper(first) + "/" + more, escaped, "/%2f" + rest,
		path + "/", path + "//", path + "/.", path + "%2f", path + "%00", path + ";a=b", path + "%20", path + `\`, path + "/..", path + "/x/..",
		"/" + strings.ReplaceAll(rest, "/", "%2f"), "/" + strings.ReplaceAll(rest, "/", "//"), "/" + strings.ReplaceAll(rest, "/", `\`),
		"/assets" + path, "/healthz" + path, "/healthz/.." + path, path + "%c0%af", path + "%ff",
	}
	return out
}

// exchange sends a request byte for byte and returns the status.
func exchange(t testing.TB, s *consoletest.Server, method, target, host, cookie, body string) (status int, text string) {
	t.Helper()
	conn, err := net.Dial("tcp", s.HTTP.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "%s %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nIf-Match: *\r\nContent-Length: %d\r\nConnection: close\r\n", method, target, host, len(body))
	if cookie != "" {
		fmt.Fprintf(conn, "Cookie: %s\r\n", cookie)
	}
	fmt.Fprintf(conn, "\r\n%s", body)
	res, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if err != nil {
		t.Fatalf("%s %s: %v", method, target, err)
	}
	defer res.Body.Close()
	data, _ := io.ReadAll(res.Body)
	return res.StatusCode, string(data)
}

// LiteLLM CVE-2026-49468 (gate and router read different paths), Caddy
// CVE-2026-45692 (/config/…/01 and prefixes slipped past the list).
func TestRoutes_HaveOneSpelling(t *testing.T) {
	s := consoletest.Serve(t, consoletest.Settings{})
	host := s.HTTP.Listener.Addr().String()
	for _, r := range console.Declarations() {
		p := samples[r.Method+" "+r.Pattern]
		for _, target := range spellings(p.path) {
			if bare, _, _ := strings.Cut(p.path, "?"); target == bare {
				continue
			}
			// Where a name may stand, other characters are another name: nobody
			// is still asked to log in.
			if status, text := exchange(t, s, r.Method, target, host, "", p.body); status < 400 || status == 403 || status > 405 {
				t.Errorf("%s %s as nobody: %d %s", r.Method, target, status, text)
			}
			status, text := exchange(t, s, r.Method, target, host, s.Cookie("admin"), p.body)
			if status != 400 && status != 404 && status != 405 {
				t.Errorf("%s %s as admin: %d %s", r.Method, target, status, text)
			}
		}
	}
	if n := s.Changes(); n != 0 {
		t.Errorf("%d changes", n)
	}
}

// A method that a path does not take does nothing, and does not become one it
// takes.
func TestRoutes_AnswerOnlyTheirMethods(t *testing.T) {
	s := consoletest.Serve(t, consoletest.Settings{})
	for _, p := range samples {
		for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"} {
			if path, _, _ := strings.Cut(p.path, "?"); pathTakes(method, path) {
				continue
			}
			a := s.Call(t, "admin", method, p.path, p.body, "X-Http-Method-Override", "GET", "If-Match", "*")
			if a.Status != 405 || a.Header.Get("Allow") == "" || a.Header.Get("Access-Control-Allow-Origin") != "" {
				t.Errorf("%s %s: %d %v %s", method, p.path, a.Status, a.Header, a.Body)
			}
		}
	}
	if n := s.Changes(); n != 0 {
		t.Errorf("%d changes", n)
	}
}

// pathTakes reports whether a row answers the method at the path.
func pathTakes(method, path string) bool {
	for _, r := range console.Declarations() {
		want, have := strings.Split(r.Pattern, "/"), strings.Split(path, "/")
		same := r.Method == method && len(want) == len(have)
		for i := range want {
			same = same && i < len(have) && (want[i] == have[i] || strings.HasPrefix(want[i], "{"))
		}
		if same {
			return true
		}
	}
	return false
}

// Ollama CVE-2024-28224: a page that rebinds its name to this machine is same
// origin with itself; only the list of our own names keeps it out.
func TestRoutes_AnswerNoOtherHost(t *testing.T) {
	s := consoletest.Serve(t, consoletest.Settings{})
	addr := s.HTTP.Listener.Addr().String()
	_, port, _ := net.SplitHostPort(addr)
	hosts := []string{
		"evil.example", "evil.example:" + port, "127.0.0.1", "localhost", "127.0.0.1:1", addr + ".", "localhost.:" + port, "127.0.0.2:" + port,
		"2130706433:" + port, "0.0.0.0:" + port, "127.1:" + port, "localhost.evil.example:" + port, "evil.example#" + addr, addr + "@evil.example", "",
	}
	for _, r := range console.Declarations() {
		p := samples[r.Method+" "+r.Pattern]
		for _, host := range hosts {
			if status, text := exchange(t, s, r.Method, p.path, host, s.Cookie("admin"), p.body); status != 403 && status != 400 {
				t.Errorf("%s %s at host %q: %d %s", r.Method, p.path, host, status, text)
			}
		}
		target := "http://evil.example" + p.path // the absolute form beats the Host header
		if status, text := exchange(t, s, r.Method, target, addr, s.Cookie("admin"), p.body); status != 403 {
			t.Errorf("%s %s: %d %s", r.Method, target, status, text)
		}
	}
	for _, path := range []string{"/", "/assets/app.js"} {
		if status, _ := exchange(t, s, "GET", path, "evil.example", "", ""); status != 403 {
			t.Errorf("%s: %d", path, status)
		}
	}
	if n := s.Changes(); n != 0 {
		t.Errorf("%d changes", n)
	}
}

func TestFeed_AnswersEachRoleAsDeclared(t *testing.T) {
	s := consoletest.Serve(t, consoletest.Settings{})
	for i, role := range roles {
		for _, path := range []string{"/api/events", "/ws"} {
			ctx, cancel := context.WithCancel(t.Context())
			r, err := http.NewRequestWithContext(ctx, "GET", s.HTTP.URL+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			if role != "" {
				r.Header.Set("Cookie", s.Cookie(role))
			}
			res, err := s.HTTP.Client().Do(r)
			if err != nil {
				t.Fatal(err)
			}
			allowed := res.StatusCode != 401 && res.StatusCode != 403
			if want := auth.Role(i) >= auth.Viewer; allowed != want {
				t.Errorf("%s as %q: %d", path, role, res.StatusCode)
			}
			cancel()
			res.Body.Close()
		}
	}
}
