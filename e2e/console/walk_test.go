package console

import (
	"testing"

	"github.com/chromedp/chromedp/kb"

	"github.com/aimux/aimux/caddymodule/simulator"
	"github.com/aimux/aimux/e2e/harness"
)

// focused describes what has the focus, and whether one can see that.
const focused = `(() => {
	const e = document.activeElement, r = e.getBoundingClientRect(), s = getComputedStyle(e);
	const marked = s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) > 0;
	return {tag: e.tagName, name: aim.name(e), shown: r.width > 0 && r.height > 0, marked, modal: !!e.closest('dialog'), page: e.closest('main')?.className || ''};
})()`

type focus struct {
	Tag    string `json:"tag"`
	Name   string `json:"name"`
	Shown  bool   `json:"shown"`
	Marked bool   `json:"marked"`
	Modal  bool   `json:"modal"`
	Page   string `json:"page"`
}

// tabTo presses Tab until what has the name has the focus. Everything on the way
// has to have a name, to be in view and to show its focus.
func (p *tab) tabTo(name string) focus {
	p.t.Helper()
	for range 80 {
		p.keys(kb.Tab)
		at := js[focus](p, focused)
		if at.Tag == "BODY" {
			continue // from the last to the first the browser passes its own parts
		}
		if at.Name == "" || !at.Shown || !at.Marked {
			p.t.Errorf("the focus is on %+v", at)
		}
		if at.Name == name {
			return at
		}
	}
	p.t.Fatalf("Tab does not lead to %q", name)
	return focus{}
}

func TestKeyboard_LeadsThroughTheMainPages(t *testing.T) {
	up := harness.NewUpstream(t, simulator.Options{Name: "one"})
	s := start(t, harness.Config{Providers: []harness.Provider{up.As("one", "simulator", "key-1", "key-2")}})
	s.Ask(t, harness.Ask{})
	p := open(t)
	p.goTo(s.Console() + "/#/overview")
	p.until("the focus in the first field", "document.activeElement?.name === 'user'")
	p.keys("admin" + kb.Tab + password + kb.Enter)
	p.feed("live")

	p.tabTo("Skip to content")
	p.keys(kb.Enter)
	p.until("the focus on the heading", "document.activeElement?.tagName === 'H1'")
	for _, name := range []string{"Requests", "Providers", "Keys", "Settings"} {
		p.tabTo(name)
		p.keys(kb.Enter)
		p.until("the page "+name, "document.querySelector('h1')?.textContent === "+quoted(name))
	}
	p.visit("Requests")
	p.until("a row", "document.querySelector('tr[data-i]')")
	p.until("a row with the focus", "(document.querySelector('tr[data-i]').focus(), document.activeElement.dataset.i === '0')")
	p.keys(" ") // Enter does it too, but the DevTools send it on to the dialog that opens
	p.sees("Decision")
	if at := js[focus](p, focused); !at.Modal {
		t.Errorf("the focus stays behind the dialog: %+v", at)
	}
	p.keys(kb.Escape)
	p.until("the focus back on the row", "document.activeElement?.dataset?.i === '0'")

	p.visit("Keys")
	p.tabTo("Stop using k1")
	p.keys(" ")
	p.sees("k1 is no longer used")
	p.tabTo("Add key")
	p.keys(kb.Enter)
	p.until("the focus in the dialog", "document.activeElement?.closest('dialog')")
	p.keys(kb.Escape)
	p.until("the dialog is gone", "!document.querySelector('dialog')")
}
