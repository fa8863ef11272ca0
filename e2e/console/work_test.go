package console

import (
	"net/http"
	"strings"
	"testing"

	"github.com/aimux/aimux/caddymodule/simulator"
	"github.com/aimux/aimux/e2e/harness"
)

func TestOverview_TheChartMovesWhileRequestsAreServed(t *testing.T) {
	up := harness.NewUpstream(t, simulator.Options{Name: "one"})
	s := start(t, harness.Config{Providers: []harness.Provider{up.As("one", "simulator", "key-1")}})
	p := s.enter(t, "admin")
	p.until("a chart without requests", "document.querySelector('.chart-card svg')")
	before := js[string](p, "document.querySelector('.chart-card svg').innerHTML")
	for range 20 {
		if a := s.Ask(t, harness.Ask{Stream: true}); a.Outcome(16) != harness.OK {
			t.Fatalf("%s", a.Body)
		}
	}
	p.until("a chart that moved", "document.querySelector('.chart-card svg').innerHTML !== "+quoted(before))
	p.until("a tile that counts", "[...document.querySelectorAll('.tile')].some(e => e.innerText.includes('20 in a minute'))")
	p.until("a provider card in order", "document.querySelector('.provider-card.is-ok')")
}

func TestProviders_OneThatIsAddedByThePageAnswers(t *testing.T) {
	up := harness.NewUpstream(t, simulator.Options{Name: "fresh", Strict: true, Vendor: "openai"})
	s := start(t, harness.Config{})
	p := s.enter(t, "admin")
	p.press("OpenAI-compatible server")
	p.fill("Base URL", up.URL()+"/v1")
	p.fill("API key", "sk-from-the-page")
	p.fill("Name", "fresh")
	p.press("Add and test")
	p.sees("It answers")
	a := s.Ask(t, harness.Ask{Model: "fresh/gpt-test"})
	if a.Header.Get("X-Aimux-Provider") != "fresh" {
		t.Errorf("%s answered: %s", a.Header.Get("X-Aimux-Provider"), a.Body)
	}
	if got := up.Last(t).Key; got != "sk-from-the-page" {
		t.Errorf("the provider was sent the key %q", got)
	}
	p.visit("Providers")
	p.sees("fresh")
	for name, text := range s.Files(t) {
		if strings.Contains(text, "sk-from-the-page") {
			t.Errorf("the key lies open in %s", name)
		}
	}
	if strings.Contains(js[string](p, "document.documentElement.outerHTML"), "sk-from-the-page") {
		t.Error("the page still holds the key")
	}
}

func TestKeys_OneThatIsSwitchedOffIsNotUsed(t *testing.T) {
	up := harness.NewUpstream(t, simulator.Options{Name: "one"})
	s := start(t, harness.Config{Providers: []harness.Provider{up.As("one", "simulator", "key-1", "key-2")}})
	p := s.enter(t, "admin")
	p.visit("Keys")
	p.press("Stop using k1")
	p.sees("k1 is no longer used")
	for range 4 {
		s.Ask(t, harness.Ask{})
	}
	if got := strings.Join(up.Keys(), " "); got != "key-2 key-2 key-2 key-2" {
		t.Errorf("keys used: %s", got)
	}
	p.press("Use k1")
	p.sees("k1 is in use")
	s.Ask(t, harness.Ask{})
	s.Ask(t, harness.Ask{})
	if got := strings.Join(up.Keys()[4:], " "); !strings.Contains(got, "key-1") {
		t.Errorf("keys used after it was switched on: %s", got)
	}
}

func TestRequests_AFailoverShowsItsAttemptsAndTheDecision(t *testing.T) {
	bad := harness.NewUpstream(t, simulator.Options{Name: "bad"})
	good := harness.NewUpstream(t, simulator.Options{Name: "good"})
	s := start(t, harness.Config{Providers: []harness.Provider{bad.As("bad", "simulator", "sim-500"), good.As("good", "simulator", "key-2")}})
	p := s.enter(t, "admin")
	p.visit("Requests")
	p.sees("No requests yet")
	a := s.Ask(t, harness.Ask{Stream: true, Model: "my-model", Header: http.Header{"X-Session-Id": {"a-session"}}})
	if a.Outcome(16) != harness.OK {
		t.Fatalf("%s", a.Body)
	}
	p.until("the request in the list", "document.querySelector('tr[data-i=\"0\"]')")
	js[any](p, "document.querySelector('tr[data-i=\"0\"]').click()")
	p.sees("2 attempts")
	p.sees("Decision")
	if n := js[int](p, "aim.root().querySelectorAll('ol.waterfall > li').length"); n != 2 {
		t.Errorf("%d attempts in the waterfall", n)
	}
	for _, want := range []string{"bad · m", "500", "good · m", "my-model", "ordered"} {
		p.sees(want)
	}
	if n := js[int](p, "aim.root().querySelectorAll('ol.waterfall .seg.bad').length"); n != 1 {
		t.Errorf("%d failed parts in the waterfall", n)
	}
	p.press("Close")
	p.visit("Overview")
	p.sees("good answered, attempt 2")
}

func TestConfig_AnInvalidValueIsShownAtItsFieldAndChangesNothing(t *testing.T) {
	up := harness.NewUpstream(t, simulator.Options{Name: "one"})
	s := start(t, harness.Config{Providers: []harness.Provider{up.As("one", "simulator", "key-1")}})
	p := s.enter(t, "admin")
	p.visit("Settings")
	p.press("Edit timeouts.connect")
	p.fill("timeouts.connect", "soon")
	p.press("Edit routing.strategy")
	p.choose("routing.strategy", "weighted")
	p.press("Review and save")
	p.until("the problem at its field", "document.querySelector('.setting.changed .has-problem input')?.getAttribute('aria-label') === 'timeouts.connect'")
	p.sees("Not saved: 1 problem")
	if text := s.Files(t)["data/caddy/aimux/overrides.toon"]; strings.Contains(text, "soon") || strings.Contains(text, "weighted") {
		t.Errorf("something was written: %s", text)
	}
	p.fill("timeouts.connect", "7s")
	p.press("Review and save")
	p.sees("Save these changes?")
	p.press("Save")
	p.sees("Saved")
	if text := s.Files(t)["data/caddy/aimux/overrides.toon"]; !strings.Contains(text, "7s") || !strings.Contains(text, "weighted") {
		t.Errorf("not written: %s", text)
	}
	p.press("Changes")
	p.press("Undo")
	p.sees("Take this change back?")
	p.press("Undo")
	p.sees("Taken back")
	if text := s.Files(t)["data/caddy/aimux/overrides.toon"]; strings.Contains(text, "7s") {
		t.Errorf("not taken back: %s", text)
	}
}
