package consoletest

import (
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/aimux/aimux/caddymodule/internal/console"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestServe_AnswersAsEachRole(t *testing.T) {
	s := Serve(t, Settings{})
	for _, role := range []string{"viewer", "operator", "admin"} {
		if a := s.Call(t, role, "GET", "/api/session", ""); a.Status != 200 || !strings.Contains(a.Body, `"role":"`+role+`"`) {
			t.Errorf("%s: %d %s", role, a.Status, a.Body)
		}
	}
}

// TestDemo serves the console with moving figures for whoever works on the page:
//
//	AIMUX_CONSOLE_DEMO=127.0.0.1:8089 go test -run TestDemo -timeout 2h ./caddymodule/internal/console/consoletest
//
// Users are admin, operator and viewer, all with consoletest.Password.
func TestDemo(t *testing.T) {
	addr := os.Getenv("AIMUX_CONSOLE_DEMO")
	if addr == "" {
		t.Skip("AIMUX_CONSOLE_DEMO names no address")
	}
	s := Serve(t, Settings{Addr: addr})
	for i, text := range Hostile {
		p := content(id("hostile", i), text, text, 3, "down", time.Now())
		p.StatusText = text
		s.AddProvider(p)
	}
	ticker := time.NewTicker(300 * time.Millisecond)
	defer ticker.Stop()
	deadline, _ := t.Deadline()
	for n := 100; time.Until(deadline) > 5*time.Second; n++ {
		<-ticker.C
		r := exchange(n, time.Now())
		r.Start = console.At(time.Now())
		s.AddRequest(r)
		s.Console.Feed().Ended("zai", func() console.Request { return r.Request })
	}
}
