package console_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/aimux/aimux/caddymodule/internal/console"
	"github.com/aimux/aimux/caddymodule/internal/console/consoletest"
)

// cookieOf returns the cookie an answer sets.
func cookieOf(t *testing.T, a consoletest.Answer) *http.Cookie {
	t.Helper()
	c, err := http.ParseSetCookie(a.Header.Get("Set-Cookie"))
	if err != nil {
		t.Fatalf("%v in %d %s", err, a.Status, a.Body)
	}
	return c
}

func loginBody(user, password string) string {
	return `{"user":"` + user + `","password":"` + password + `"}`
}

func TestLogin_SetsACookieThatScriptsAndOtherSitesNeverSee(t *testing.T) {
	s := consoletest.Serve(t, consoletest.Settings{})
	a := s.Call(t, "", "POST", "/api/login", loginBody("viewer", consoletest.Password))
	c := cookieOf(t, a)
	if c.Name != "aimux_session" || !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Secure || c.Path != "/" || c.Domain != "" {
		t.Errorf("cookie %v", c)
	}
	if !regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`).MatchString(c.Value) || strings.Contains(a.Body, c.Value) {
		t.Errorf("id %q in %s", c.Value, a.Body)
	}
}

func TestLogin_CookieUnderTLSIsTiedToThisHost(t *testing.T) {
	s := consoletest.Serve(t, consoletest.Settings{})
	c, err := console.New(console.Options{Backend: s.Backend(), Auth: s.Auth, Hosts: []string{"console.example.com"}})
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest("POST", "https://console.example.com/api/login", strings.NewReader(loginBody("viewer", consoletest.Password)))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Origin", "https://console.example.com")
	w := httptest.NewRecorder()
	c.ServeHTTP(w, r)
	cookie := w.Result().Cookies()[0]
	if cookie.Name != "__Host-aimux_session" || !cookie.Secure || cookie.Path != "/" || cookie.Domain != "" {
		t.Errorf("cookie %v", cookie)
	}
	// The cookie of the plain console is none here, and a plain origin is another.
	plain := httptest.NewRequest("GET", "https://console.example.com/api/meta", nil)
	plain.Header.Set("Cookie", "aimux_session="+cookie.Value)
	for _, change := range []func(){func() {}, func() {
		plain.Header.Set("Cookie", "__Host-aimux_session="+cookie.Value)
		plain.Header.Set("Origin", "http://console.example.com")
	}} {
		change()
		w := httptest.NewRecorder()
		if c.ServeHTTP(w, plain); w.Code != 401 && w.Code != 403 {
			t.Errorf("%v: %d", plain.Header, w.Code)
		}
	}
}

// A session id that somebody planted before the login is worth nothing after.
func TestLogin_GivesANewIdAndEndsTheOldSession(t *testing.T) {
	s := consoletest.Serve(t, consoletest.Settings{})
	old := s.Cookie("viewer")
	a := s.Call(t, "", "POST", "/api/login", loginBody("viewer", consoletest.Password), "Cookie", old)
	fresh := cookieOf(t, a)
	if "aimux_session="+fresh.Value == old {
		t.Error("the id is the old one")
	}
	if a := s.Call(t, "", "GET", "/api/meta", "", "Cookie", old); a.Status != 401 {
		t.Errorf("the old session answers %d", a.Status)
	}
	planted := strings.Repeat("A", 43)
	a = s.Call(t, "", "POST", "/api/login", loginBody("viewer", consoletest.Password), "Cookie", "aimux_session="+planted)
	if cookieOf(t, a).Value == planted || s.Call(t, "", "GET", "/api/meta", "", "Cookie", "aimux_session="+planted).Status != 401 {
		t.Error("a planted id became a session")
	}
}

func TestSession_TwoCookiesOfOneNameAreNone(t *testing.T) {
	s := consoletest.Serve(t, consoletest.Settings{})
	if a := s.Call(t, "", "GET", "/api/meta", "", "Cookie", s.Cookie("viewer")+"; "+s.Cookie("admin")); a.Status != 401 {
		t.Errorf("%d %s", a.Status, a.Body)
	}
}

// caddy-security CVE-2024-21492: the session outlived the logout.
func TestLogout_EndsTheSessionOnTheServer(t *testing.T) {
	s := consoletest.Serve(t, consoletest.Settings{})
	a := s.Call(t, "viewer", "POST", "/api/logout", "")
	if c := cookieOf(t, a); a.Status != 204 || c.MaxAge >= 0 || c.Value != "" {
		t.Errorf("%d %v", a.Status, c)
	}
	if a := s.Call(t, "viewer", "GET", "/api/meta", ""); a.Status != 401 {
		t.Errorf("after the logout: %d", a.Status)
	}
}

func TestLogin_WrongNamesAndPasswordsLookAlike(t *testing.T) {
	s := consoletest.Serve(t, consoletest.Settings{})
	var first consoletest.Answer
	for i, body := range []string{loginBody("viewer", "nope"), loginBody("nobody", consoletest.Password), loginBody("", ""), `{}`} {
		a := s.Call(t, "", "POST", "/api/login", body)
		a.Header.Del("Date")
		if i == 0 {
			first = a
		}
		if a.Status != 401 || a.Body != first.Body || len(a.Header) != len(first.Header) || a.Header.Get("Set-Cookie") != "" || a.Header.Get("WWW-Authenticate") != "" {
			t.Errorf("%s: %d %s %v", body, a.Status, a.Body, a.Header)
		}
	}
}

// caddy-security CVE-2024-21500 and its address spoofing by X-Forwarded-For.
func TestLogin_FailuresCountByTheSocketNotByAHeader(t *testing.T) {
	s := consoletest.Serve(t, consoletest.Settings{})
	for i := range 5 {
		headers := []string{"X-Forwarded-For", "192.0.2." + string(rune('1'+i)), "X-Real-Ip", "192.0.2.77", "Forwarded", "for=192.0.2.78"}
		if a := s.Call(t, "", "POST", "/api/login", loginBody("admin", "nope"), headers...); a.Status != 401 {
			t.Fatalf("%d %s", a.Status, a.Body)
		}
	}
	a := s.Call(t, "", "POST", "/api/login", loginBody("admin", consoletest.Password), "X-Forwarded-For", "192.0.2.9")
	if a.Status != 429 || a.Header.Get("Retry-After") == "" {
		t.Errorf("%d %v %s", a.Status, a.Header, a.Body)
	}
	if a := s.Call(t, "", "GET", "/api/meta", "", "Authorization", basic("admin", consoletest.Password)); a.Status != 429 {
		t.Errorf("basic authentication guesses on: %d", a.Status)
	}
}

func TestLogin_IsAuditedWithoutWhatWasTyped(t *testing.T) {
	s := consoletest.Serve(t, consoletest.Settings{})
	s.Call(t, "", "POST", "/api/login", loginBody("my-secret-password", "viewer"))
	s.Call(t, "", "POST", "/api/login", loginBody("viewer", "nope-nope-nope"))
	s.Call(t, "", "POST", "/api/login", loginBody("viewer", consoletest.Password))
	for range 20 {
		s.Call(t, "", "POST", "/api/login", loginBody("viewer", "nope-nope-nope"))
	}
	var got []string
	for _, r := range s.Records() {
		got = append(got, r.Action+" "+r.Actor+" "+r.Outcome)
		if r.IP != "127.0.0.1" {
			t.Errorf("from %q", r.IP)
		}
	}
	text := strings.Join(got, "\n")
	if strings.Contains(text, "secret") || strings.Contains(text, "nope") {
		t.Errorf("the log repeats what was typed:\n%s", text)
	}
	want := "login (unknown) refused: unauthenticated\nlogin viewer refused: unauthenticated\nlogin viewer ok\n"
	if !strings.HasPrefix(text, want) || strings.Count(text, "too_many") != 1 || len(got) > 8 {
		t.Errorf("the log says\n%s", text)
	}
}

func TestLogin_IsRefusedWhenItCannotBeAudited(t *testing.T) {
	s := consoletest.Serve(t, consoletest.Settings{})
	s.AuditErr = http.ErrAbortHandler
	a := s.Call(t, "", "POST", "/api/login", loginBody("admin", consoletest.Password))
	if a.Status != 500 || !strings.Contains(a.Body, "audit_unavailable") || a.Header.Get("Set-Cookie") != "" {
		t.Errorf("%d %s", a.Status, a.Body)
	}
}

func TestDevLogin_MayOnlySetAPassword(t *testing.T) {
	s := consoletest.Serve(t, consoletest.Settings{DevLogin: true})
	if a := s.Call(t, "", "POST", "/api/login", loginBody("admin", "admin"), "X-Forwarded-For", "127.0.0.1"); a.Status != 401 {
		t.Errorf("through a proxy: %d", a.Status)
	}
	if a := s.Call(t, "", "GET", "/api/session", "", "Authorization", basic("admin", "admin")); a.Status != 401 {
		t.Errorf("by basic authentication: %d", a.Status)
	}
	a := s.Call(t, "", "POST", "/api/login", loginBody("admin", "admin"))
	if a.Status != 200 || !strings.Contains(a.Body, `"must_change_password":true`) {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	cookie := "aimux_session=" + cookieOf(t, a).Value
	for _, r := range console.Declarations() {
		p := samples[r.Method+" "+r.Pattern]
		if r.Role == 0 || r.Unset {
			continue
		}
		a := s.Call(t, "", r.Method, p.path, p.body, "Cookie", cookie, "If-Match", "*")
		if a.Status != 403 || !strings.Contains(a.Body, "password_change_required") {
			t.Errorf("%s %s: %d %s", r.Method, r.Pattern, a.Status, a.Body)
		}
	}
	if a := s.Call(t, "", "GET", "/api/meta", "", "Cookie", cookie, "Via", "1.1 proxy"); a.Status != 401 {
		t.Errorf("the session works through a proxy: %d", a.Status)
	}
	a = s.Call(t, "", "POST", "/api/password", `{"current":"admin","new":"a fresh long password"}`, "Cookie", cookie)
	if a.Status != 200 {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	fresh := "aimux_session=" + cookieOf(t, a).Value
	if a := s.Call(t, "", "GET", "/api/users", "", "Cookie", fresh); a.Status != 200 {
		t.Errorf("after the change: %d %s", a.Status, a.Body)
	}
	if a := s.Call(t, "", "GET", "/api/meta", "", "Cookie", cookie); a.Status != 401 {
		t.Errorf("the development session lives on: %d", a.Status)
	}
	if a := s.Call(t, "", "POST", "/api/login", loginBody("admin", "admin")); a.Status != 401 {
		t.Errorf("admin/admin still works: %d", a.Status)
	}
}

func TestPassword_MistypedIsNotALostSession(t *testing.T) {
	s := consoletest.Serve(t, consoletest.Settings{})
	a := s.Call(t, "viewer", "POST", "/api/password", `{"current":"nope","new":"a fresh long password"}`)
	if a.Status != 422 || !strings.Contains(a.Body, `"/current"`) {
		t.Errorf("%d %s", a.Status, a.Body)
	}
	if a := s.Call(t, "viewer", "GET", "/api/meta", ""); a.Status != 200 {
		t.Errorf("the session is gone: %d", a.Status)
	}
}

// FuzzAuthorization sends any header to a route behind the login.
func FuzzAuthorization(f *testing.F) {
	s := consoletest.Serve(f, consoletest.Settings{})
	c, err := console.New(console.Options{Backend: s.Backend(), Auth: s.Auth, Hosts: []string{"localhost"}})
	if err != nil {
		f.Fatal(err)
	}
	right := basic("viewer", consoletest.Password)
	for _, h := range []string{"", "Basic", "Basic Og==", "Bearer x", "' OR 1=1 --", basic("viewer", "nope"), right, right + " ", "Basic " + strings.Repeat("A", 9000)} {
		f.Add(h, "")
	}
	f.Add("", "aimux_session=AAAA")
	f.Add("", s.Cookie("admin")+"x")
	f.Fuzz(func(t *testing.T, header, cookie string) {
		r := httptest.NewRequest("GET", "http://localhost/api/meta", nil)
		r.Header["Authorization"], r.Header["Cookie"] = []string{header}, []string{cookie}
		w := httptest.NewRecorder()
		c.ServeHTTP(w, r)
		if w.Code == 200 && !strings.HasSuffix(strings.TrimSpace(header), right[6:]) {
			t.Errorf("%q %q is somebody: %s", header, cookie, w.Body)
		}
		if w.Code >= 500 {
			t.Errorf("%q %q: %d %s", header, cookie, w.Code, w.Body)
		}
	})
}
