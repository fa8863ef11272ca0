package console_test

import (
	"strings"
	"testing"

	"github.com/aimux/aimux/caddymodule/internal/console/consoletest"
)

// The page asks before anybody has logged in; 401 would be an error in the
// browser's console.
func TestSession_WithoutOneTheUserIsNull(t *testing.T) {
	s := consoletest.Serve(t, consoletest.Settings{})
	d := openapi(t)
	for name, cookie := range map[string]string{
		"no cookie": "", "a cookie of nobody": "aimux_session=" + strings.Repeat("A", 43), "two cookies": s.Cookie("viewer") + "; " + s.Cookie("admin"),
	} {
		a := s.Call(t, "", "GET", "/api/session", "", "Cookie", cookie)
		if a.Status != 200 || strings.TrimSpace(a.Body) != `{"user":null}` {
			t.Errorf("%s: %d %s", name, a.Status, a.Body)
		}
		if err := d.answer("GET", "/api/session", a); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if a := s.Call(t, "", "GET", "/api/session", "", "Authorization", basic("viewer", "nope")); a.Status != 401 {
		t.Errorf("a wrong password: %d %s", a.Status, a.Body)
	}
	if a := s.Call(t, "viewer", "GET", "/api/session", ""); !strings.Contains(a.Body, `"user":"viewer"`) {
		t.Errorf("the viewer is %s", a.Body)
	}
}
