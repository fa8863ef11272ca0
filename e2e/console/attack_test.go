package console

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/aimux/aimux/caddymodule/simulator"
	"github.com/aimux/aimux/e2e/harness"
)

// attacker is a page of another port of this machine: to a browser the same
// site, so that it sends the console's cookies, but another origin.
func attacker(t *testing.T, console string) string {
	t.Helper()
	page := fmt.Sprintf(`<!doctype html><title>another page</title>
<form id="form" method="post" enctype="text/plain" action="%[1]s/api/providers/one/toggle" target="frame"><input name='{"enabled":false,"x":"' value='"}'></form>
<iframe name="frame"></iframe><iframe id="framed" src="%[1]s/"></iframe>
<script>
const target = %[2]q;
const tell = (name, promise) => promise.then(v => name + ': ' + v, e => name + ': refused');
const socket = path => new Promise((done, fail) => {
	const ws = new WebSocket(target.replace('http', 'ws') + path);
	ws.onmessage = m => done(m.data); ws.onerror = fail;
});
window.attack = () => Promise.all([
	tell('read', fetch(target + '/api/providers', {credentials: 'include'}).then(r => r.text())),
	tell('read blindly', fetch(target + '/api/providers', {credentials: 'include', mode: 'no-cors'}).then(r => r.type === 'opaque' ? 'opaque' : r.text())),
	tell('change', fetch(target + '/api/providers/one/toggle', {method: 'POST', credentials: 'include', headers: {'Content-Type': 'application/json'}, body: '{"enabled":false}'}).then(r => r.text())),
	tell('change blindly', fetch(target + '/api/providers/one/toggle', {method: 'POST', mode: 'no-cors', credentials: 'include', body: '{"enabled":false}'}).then(r => r.type)),
	tell('listen', socket('/ws')),
]).then(list => list.join('\n'));
</script>`, console, console)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, page)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func TestAttack_APageOfAnotherPortLearnsAndChangesNothing(t *testing.T) {
	up := harness.NewUpstream(t, simulator.Options{Name: "one"})
	s := start(t, harness.Config{Providers: []harness.Provider{up.As("one", "simulator", "key-1")}})
	p := s.enter(t, "admin")
	p.forgive(".") // a browser says a lot about this
	p.goTo(attacker(t, s.Console()))
	said := js[string](p, "attack()")
	for _, want := range []string{"read: refused", "change: refused", "listen: refused"} {
		if !strings.Contains(said, want) {
			t.Errorf("not %q: %s", want, said)
		}
	}
	if strings.Contains(said, "base_url") || strings.Contains(said, "hello") {
		t.Errorf("the page read something: %s", said)
	}
	js[any](p, "document.getElementById('form').submit()")
	p.until("the browser refuses the frame", "true")
	eventually(t, "a refusal to be framed", func() bool { return p.seen("frame-ancestors|X-Frame-Options|ERR_BLOCKED_BY_RESPONSE") })
	p.goTo(s.Console() + "/#/providers")
	p.feed("live") // the session still stands
	var one struct{ Enabled bool }
	s.admin.Must(t, "GET", "/api/providers/one", nil).Into(t, &one)
	if !one.Enabled {
		t.Error("the provider was switched off")
	}
}

// anyName is a Caddyfile that leaves it to the console which names it answers
// to; in the sample one Caddy itself does not know others.
const anyName = `{
	aimux
	skip_install_trust
	admin {$AIMUX_ADMIN}
}

{$AIMUX_SITE} {
	bind 127.0.0.1
	aimux
}

http://:{$AIMUX_CONSOLE_PORT} {
	bind 127.0.0.1
	aimux_dashboard
}
`

func TestAttack_AReboundNameLeadsNowhere(t *testing.T) {
	s := start(t, harness.Config{Caddyfile: anyName})
	address, err := url.Parse(s.Console())
	must(t, "reading the console's address", err)
	p := open(t)
	p.forgive("status of 403|favicon|Cross-Origin-Opener-Policy header has been ignored")
	p.goTo("http://" + rebound + ":" + address.Port() + "/")
	p.until("a refusal", "document.body.innerText.includes('does not lead to the console')")
	status := js[int](p, "fetch('/api/session').then(r => r.status)")
	if status != 403 {
		t.Errorf("a rebound page reads the session: %d", status)
	}
}

// hostile are texts that would do harm if they were taken for markup.
var hostile = []string{
	`<img src=x onerror="window.harmed=1">`, `"><script>window.harmed=1</script>`, `javascript:window.harmed=1`, `{{7*7}}${7*7}`, `'--`, "\u202ereversed", strings.Repeat("long", 60),
}

func TestAttack_HostileTextsAreShownAsText(t *testing.T) {
	up := harness.NewUpstream(t, simulator.Options{Name: "one"})
	s := start(t, harness.Config{Providers: []harness.Provider{up.As("one", "simulator", "key-1")}})
	for i, text := range hostile {
		s.admin.Do(t, "POST", "/api/clients", map[string]any{"name": text, "team": text, "models": []string{text}})
		s.admin.Do(t, "POST", "/api/keys", map[string]any{"provider": "one", "name": text, "account": text, "secret": "sk-" + fmt.Sprint(i)})
		s.admin.Do(t, "POST", "/api/users", map[string]any{"user": text, "role": "viewer", "password": password})
		s.admin.Do(t, "POST", "/api/providers", map[string]any{"id": text, "kind": "simulator"})
	}
	var clients struct {
		Clients []struct{ Name string }
	}
	s.admin.Must(t, "GET", "/api/clients", nil).Into(t, &clients)
	if len(clients.Clients) == 0 {
		t.Fatal("no hostile name was taken: nothing is tested")
	}
	p := s.enter(t, "admin")
	for _, name := range []string{"Overview", "Requests", "Usage", "Alerts", "Providers", "Routes", "Keys", "Clients", "Audit", "Settings"} {
		p.visit(name)
		p.until("no harm on "+name, "window.harmed === undefined && !document.querySelector('img[src=x]')")
	}
	p.visit("Clients")
	p.sees(clients.Clients[0].Name)
	p.visit("Audit")
	p.sees("client.create")
	p.until("no harm", "window.harmed === undefined")
}
