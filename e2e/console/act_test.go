package console

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
)

// helpers are what the specs use to find things as a person does: by what they
// are called. An open dialog hides everything else.
const helpers = `
document.addEventListener('securitypolicyviolation', e => console.error('policy violated: ' + e.violatedDirective + ' ' + e.blockedURI));
window.aim = {
	root() {return [...document.querySelectorAll('dialog[open]')].at(-1) || document;},
	name(e) {
		if (e.getAttribute('aria-label')) return e.getAttribute('aria-label').trim();
		if (e.labels?.length) return e.labels[0].textContent.trim();
		return (e.textContent || e.placeholder || e.title || '').replace(/\s+/g, ' ').trim();
	},
	shown(e) {return e.getClientRects().length > 0 && getComputedStyle(e).visibility !== 'hidden';},
	all(kinds) {return [...this.root().querySelectorAll(kinds)].filter(e => this.shown(e));},
	find(kinds, name) {
		const list = this.all(kinds);
		return list.find(e => this.name(e) === name) || list.find(e => this.name(e).startsWith(name));
	},
	press(name) {
		const e = this.find('button, a, summary, [role=button], [role=radio], [role=switch]', name);
		if (!e || e.disabled) return false;
		e.click();
		return true;
	},
	aimAt(name) {
		const e = this.find('input, select, textarea', name);
		if (!e || e.disabled) return false;
		e.focus();
		if (e.select) e.select();
		return document.activeElement === e;
	},
	text() {return this.root() === document ? document.body.innerText : this.root().innerText;},
};
`

// js evaluates an expression.
func js[V any](p *tab, expression string) V {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[V](expression, chromedp.EvalAwaitPromise))
	must(p.t, expression, err)
	return v
}

// until waits for an expression to be true. A page on its way to another one
// counts as not there yet.
func (p *tab) until(what, expression string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	tick := time.NewTicker(25 * time.Millisecond)
	defer tick.Stop()
	for {
		ok, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("!!("+expression+")"))
		if ok && err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			p.t.Fatalf("not seen: %s (%v)\n%s", what, err, p.screenText())
		}
	}
}

// screenText is what the page shows, for messages.
func (p *tab) screenText() string {
	ctx, cancel := context.WithTimeout(p.ctx, 5*time.Second)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string]("location.href + '\\n' + document.body.innerText.slice(0, 3000)"))
	if err != nil {
		return err.Error()
	}
	return text
}

// sees waits until the page, or the dialog in front of it, shows a text.
func (p *tab) sees(text string) {
	p.t.Helper()
	p.until(text, fmt.Sprintf("aim.text().includes(%s)", quoted(text)))
}

// press clicks what has this name, as soon as it is there.
func (p *tab) press(name string) {
	p.t.Helper()
	p.until("a button "+name, fmt.Sprintf("aim.press(%s)", quoted(name)))
}

// fill types a text into the field of this name.
func (p *tab) fill(name, text string) {
	p.t.Helper()
	p.until("a field "+name, fmt.Sprintf("aim.aimAt(%s)", quoted(name)))
	if text == "" {
		p.keys("\b")
		return
	}
	p.do("typing", chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, input.InsertText, input.InsertTextParams{Text: text})
		return err
	}))
}

// keys presses keys on the keyboard.
func (p *tab) keys(keys string) {
	p.t.Helper()
	p.do("pressing keys", chromedp.KeyEvent(keys))
}

// choose picks an entry of a list.
func (p *tab) choose(name, value string) {
	p.t.Helper()
	p.until("a list "+name, fmt.Sprintf(`(e => e && [...e.options].some(o => o.value === %[2]s) && (e.value = %[2]s, e.dispatchEvent(new Event('change', {bubbles: true})), true))(aim.find('select', %[1]s))`, quoted(name), quoted(value)))
}

// goTo loads an address.
func (p *tab) goTo(url string) {
	p.t.Helper()
	p.do("loading "+url, chromedp.Navigate(url))
}

// visit follows the menu to a page of the console.
func (p *tab) visit(name string) {
	p.t.Helper()
	path := strings.ToLower(name)
	p.until("the page "+name, fmt.Sprintf("(location.hash = '#/%s', document.querySelector('main.page-%s h1'))", path, path))
}

// feed waits for a state of the live feed: live, polling, offline.
func (p *tab) feed(state string) {
	p.t.Helper()
	p.until("a feed that is "+state, fmt.Sprintf("document.querySelector('[data-feed=%s]')", state))
}

func quoted(s string) string {
	text, err := json.Marshal(s)
	if err != nil {
		panic(err) // a string can always be written
	}
	return string(text)
}
