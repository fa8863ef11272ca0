package console

import (
	"testing"

	"github.com/aimux/aimux/caddymodule/simulator"
	"github.com/aimux/aimux/e2e/harness"
)

func TestReload_UnderThePageDropsNoStreamAndThePageGoesOn(t *testing.T) {
	up := harness.NewUpstream(t, simulator.Options{Name: "one", Tokens: 60, TokensPerSecond: 30})
	s := start(t, harness.Config{Providers: []harness.Provider{up.As("one", "simulator", "key-1")}})
	p := s.enter(t, "admin")
	p.forgive("WebSocket connection to .* failed")
	answers := make(chan *harness.Answer, 1)
	go func() { answers <- s.Ask(t, harness.Ask{Stream: true}) }()
	up.WaitFor(t, 1)
	reload(t, s)
	s.admin.Must(t, "POST", "/api/providers/one/toggle", map[string]bool{"enabled": true})
	before := js[float64](p, "performance.now()")
	p.feed("live")
	s.Ask(t, harness.Ask{Model: "after-the-reload"})
	p.visit("Requests")
	p.sees("after-the-reload")
	if js[float64](p, "performance.now()") < before {
		t.Error("the page was loaded again")
	}
	if a := <-answers; a.Outcome(60) != harness.OK {
		t.Errorf("the stream was cut: %v %s", a.Err, a.Body)
	}
}

func TestRestart_UnderThePageIsShownAndOutlived(t *testing.T) {
	up := harness.NewUpstream(t, simulator.Options{Name: "one"})
	s := start(t, harness.Config{Providers: []harness.Provider{up.As("one", "simulator", "key-1")}})
	p := s.enter(t, "admin")
	// What the browser calls a connection that died depends on where the kill met it.
	p.forgive("WebSocket connection to .* failed|^Failed to load resource: net::ERR_|status of 401")
	s.Kill()
	p.feed("offline")
	p.sees("The gateway does not answer. This is the last it said; trying again.")
	if err := s.Restart(t); err != nil {
		t.Fatal(err)
	}
	p.sees("Sign in") // sessions end with the process
	p.signIn("admin", password)
	p.feed("live")
	s.Ask(t, harness.Ask{Model: "after-the-restart"})
	p.visit("Requests")
	p.sees("after-the-restart")
}

// reload has Caddy load its configuration anew.
func reload(t *testing.T, s *site) {
	t.Helper()
	c := s.Config()
	c.More = "timeouts:\n  connect: 7s\n"
	if err := s.Reload(c); err != nil {
		t.Fatal(err)
	}
}
