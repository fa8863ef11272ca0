package console

import (
	"testing"

	"github.com/aimux/aimux/caddymodule/simulator"
	"github.com/aimux/aimux/e2e/harness"
)

// multiplied makes the API's answers long: ten thousand keys, providers and
// requests, in pages as the gateway cuts them. It also notes the longest time
// the page was busy at a stretch.
const multiplied = `
const real = window.fetch;
const many = {keys: 'name', providers: 'id', requests: 'id'};
window.fetch = async (path, options) => {
	const url = new URL(path, location.href);
	const name = url.pathname.split('/api/')[1];
	const answer = await real(path, options);
	if (!many[name] || (options?.method || 'GET') !== 'GET') return answer;
	const data = await (answer.ok ? answer.json() : real('api/' + name).then(r => r.json()));
	const limit = Number(url.searchParams.get('limit')) || 100, from = Number(url.searchParams.get('cursor')) || 0;
	const one = data[name][0];
	if (!one) return new Response(JSON.stringify(data));
	data[name] = Array.from({length: Math.min(limit, 10000 - from)}, (_, i) => ({...one, [many[name]]: one[many[name]] + '-' + (from + i), tier: 1 + (from + i) % 4}));
	data.next = from + limit < 10000 ? String(from + limit) : undefined;
	return new Response(JSON.stringify(data));
};
window.longest = 0;
window.longestAt = '';
new PerformanceObserver(list => {
	for (const e of list.getEntries()) if (e.duration > longest) {longest = e.duration; longestAt = location.hash;}
}).observe({entryTypes: ['longtask']});
`

func TestRows_TenThousandStayUsable(t *testing.T) {
	up := harness.NewUpstream(t, simulator.Options{Name: "one"})
	s := start(t, harness.Config{Providers: []harness.Provider{up.As("one", "simulator", "key-1")}})
	s.Ask(t, harness.Ask{})
	p := open(t)
	p.forgive("status of 400") // the cursors are made up
	p.before(multiplied)
	p.goTo(s.Console() + "/#/overview")
	p.signIn("admin", password)
	p.feed("live")
	p.sees("Show more of the 10K")
	p.press("Show more of the 10K")
	p.until("300 cards", "document.querySelectorAll('.provider-card').length === 300")
	p.visit("Providers")
	p.sees("more provider")
	p.visit("Keys")
	p.until("all the keys", "document.querySelector('table')?.getAttribute('aria-rowcount') === '10001'")
	if rows := js[int](p, "document.querySelectorAll('tr[data-i]').length"); rows > 100 {
		t.Errorf("%d rows are in the document", rows)
	}
	js[any](p, "window.scrollTo(0, document.body.scrollHeight)")
	p.until("the last row", "document.querySelector('tr[data-i=\"9999\"]')")
	p.fill("Search key, provider, account, state", "k1-7777")
	p.until("one row", "document.querySelectorAll('tr[data-i]').length === 1")
	p.visit("Requests")
	p.until("rows", "document.querySelector('tr[data-i]')")
	t.Logf("the page was busy for at most %.0f ms, on %s", js[float64](p, "longest"), js[string](p, "longestAt"))
}

func TestFeed_WithoutWebSocketsEventsDoAndWithoutThoseThePagePolls(t *testing.T) {
	up := harness.NewUpstream(t, simulator.Options{Name: "one"})
	s := start(t, harness.Config{Providers: []harness.Provider{up.As("one", "simulator", "key-1")}})
	for name, c := range map[string]struct{ script, state string }{
		"events":  {"window.WebSocket = class {constructor() {setTimeout(() => this.onclose?.());} close() {}};", "live"},
		"polling": {"window.WebSocket = window.EventSource = class {constructor() {setTimeout(() => {this.onclose?.(); this.onerror?.();});} close() {} addEventListener() {}};", "polling"},
	} {
		t.Run(name, func(t *testing.T) {
			p := open(t)
			p.before(c.script)
			p.goTo(s.Console() + "/#/overview")
			p.signIn("admin", password)
			p.feed(c.state)
			for range 7 {
				s.Ask(t, harness.Ask{})
			}
			p.until("the figures move", "[...document.querySelectorAll('.tile')].some(e => /\\b(7|14) in a minute/.test(e.innerText))")
		})
	}
}
