package console

import (
	"fmt"
	"testing"

	"github.com/aimux/aimux/caddymodule/simulator"
	"github.com/aimux/aimux/e2e/harness"
)

func TestAdmins_TheSlowerOneIsToldAndMayLookAgain(t *testing.T) {
	up := harness.NewUpstream(t, simulator.Options{Name: "one"})
	s := start(t, harness.Config{Providers: []harness.Provider{up.As("one", "simulator", "key-1")}})
	s.user(t, "anna", "admin")
	first, second := s.enter(t, "admin"), s.enter(t, "anna")
	second.forgive("status of 412")
	for _, p := range []*tab{first, second} {
		p.visit("Providers")
		p.press("one")
		p.press("Edit")
		p.sees("Edit one")
	}
	first.fill("Tier", "2")
	first.press("Save")
	first.sees("Tier 2")
	second.fill("Tier", "3")
	second.press("Save")
	second.sees("somebody else changed this")
	second.press("Load the present values")
	second.until("the first one's value", "aim.find('input', 'Tier')?.value === '2'")
	second.fill("Tier", "3")
	second.press("Save")
	first.until("the second one's value, by the feed", "document.body.innerText.toLowerCase().includes('tier 3')")
}

func TestRoles_ShowWhatTheyMayAndNoMore(t *testing.T) {
	up := harness.NewUpstream(t, simulator.Options{Name: "one"})
	s := start(t, harness.Config{Providers: []harness.Provider{up.As("one", "simulator", "key-1")}})
	s.user(t, "vera", "viewer")
	s.user(t, "otto", "operator")
	for _, r := range []struct {
		user                 string
		operates, configures bool
	}{{"vera", false, false}, {"otto", true, false}, {"admin", true, true}} {
		t.Run(r.user, func(t *testing.T) {
			p := s.enter(t, r.user)
			p.visit("Providers")
			p.press("one")
			p.sees("Base URL")
			enabled := "(e => e && !e.disabled)(aim.find('button', %s))"
			for name, want := range map[string]bool{"Test": r.operates, "one in use": r.operates, "Edit": r.configures, "Add key": r.configures, "Remove": r.configures} {
				if got := js[bool](p, "!!"+fmt.Sprintf(enabled, quoted(name))); got != want {
					t.Errorf("%s may %s: %v", r.user, name, got)
				}
			}
			p.visit("Audit")
			if got := js[bool](p, "!!"+fmt.Sprintf(enabled, quoted("Verify the chain"))); got != r.operates {
				t.Errorf("%s may verify: %v", r.user, got)
			}
			p.visit("Settings")
			p.sees("routing.strategy")
			if got := js[bool](p, "!!aim.find('button', 'Edit routing.strategy')"); got != r.configures {
				t.Errorf("%s may edit the settings: %v", r.user, got)
			}
			for _, name := range []string{"Overview", "Requests", "Usage", "Alerts", "Routes", "Keys", "Clients"} {
				p.visit(name)
			}
		})
	}
}
