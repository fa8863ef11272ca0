package console

import (
	"context"
	"fmt"
	"net/http"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/aimux/aimux/caddymodule/simulator"
	"github.com/aimux/aimux/e2e/harness"
)

// pictured are the pages of the pictures; what follows the colon is done first.
var pictured = []string{"Overview", "Requests", "Usage", "Alerts", "Providers", "Routes", "Keys", "Clients", "Audit", "Settings", "Setup"}

var widths = []struct{ width, height int64 }{{390, 844}, {820, 1180}, {1440, 900}}

// busy is a gateway with something to see: three providers of which one is
// limited and one fails at times, keys, aliases, clients, sessions.
func busy(t *testing.T) *site {
	t.Helper()
	zai := harness.NewUpstream(t, simulator.Options{Name: "zai", TTFT: 20_000_000, Tokens: 300})
	cerebras := harness.NewUpstream(t, simulator.Options{Name: "cerebras", Tokens: 900})
	mine := harness.NewUpstream(t, simulator.Options{Name: "mine", Tokens: 60})
	first, second, third := cerebras.As("cerebras", "cerebras", "key-a", "sim-429-retry-after-600", "key-c"), zai.As("zai", "zai", "key-z1", "key-z2"), mine.As("lab", "openai-compatible", "sim-500")
	first.URL, second.URL, third.URL = cerebras.URL()+"/v1", zai.URL()+"/v1", mine.URL()+"/v1"
	first.Tier, second.Tier, third.Tier = 1, 2, 3
	s := start(t, harness.Config{
		Providers: []harness.Provider{first, second, third},
		Models: []harness.Route{
			{Alias: "coder", Provider: "lab", Model: "qwen3-coder", Tier: 1}, {Alias: "coder", Provider: "cerebras", Model: "gpt-oss-120b", Tier: 2}, {Alias: "coder", Provider: "zai", Model: "glm-5.2", Tier: 3},
			{Alias: "fast", Provider: "cerebras", Model: "gpt-oss-120b", Tier: 1}, {Alias: "claude-*", Provider: "zai", Model: "glm-5.2", Tier: 1},
		},
	})
	for _, name := range []string{"anna", "build server"} {
		s.admin.Must(t, "POST", "/api/clients", map[string]any{"name": name, "team": "core", "models": []string{"coder"}, "daily_microusd": 5_000_000})
	}
	var made struct{ Token string }
	s.admin.Must(t, "POST", "/api/clients", map[string]any{"name": "everyday", "team": "core"}).Into(t, &made)
	s.user(t, "vera", "viewer")
	s.admin.Must(t, "POST", "/api/providers/zai/test", map[string]any{})
	for i := range 36 {
		model := []string{"coder", "fast", "claude-sonnet-5"}[i%3]
		s.Ask(t, harness.Ask{Model: model, Stream: i%2 == 0, Header: http.Header{
			"Authorization": {"Bearer " + made.Token}, "X-Session-Id": {fmt.Sprintf("session-%d", i%4)},
		}})
	}
	return s
}

func TestPictures_OfEveryPageAtThreeWidthsInBothThemes(t *testing.T) {
	s := busy(t)
	p := s.enter(t, "admin")
	p.until("figures", "document.querySelector('.provider-card')")
	for _, size := range widths {
		p.do("a width", chromedp.EmulateViewport(size.width, size.height))
		for _, theme := range []string{"light", "dark"} {
			p.theme(theme)
			for _, name := range pictured {
				p.visit(name)
				p.settled()
				p.keep(fmt.Sprintf("%s-%d-%s", name, size.width, theme))
				p.fits(name, size.width)
			}
			p.visit("Requests")
			p.until("a request with attempts", "document.querySelector('tr[data-i]')")
			js[any](p, "([...document.querySelectorAll('tr[data-i]')].find(e => e.querySelector('.chip')) || document.querySelector('tr[data-i]')).click()")
			p.sees("Decision")
			p.settled()
			p.keep(fmt.Sprintf("Request-%d-%s", size.width, theme))
			p.fits("a request", size.width)
			p.press("Close")
		}
	}
}

// theme has the page think that the system is light or dark.
func (p *tab) theme(name string) {
	p.t.Helper()
	p.do("a theme", chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
			{Name: "prefers-color-scheme", Value: name}, {Name: "prefers-reduced-motion", Value: "reduce"}}})
		return err
	}))
}

// settled waits until nothing is loading and a frame has been drawn.
func (p *tab) settled() {
	p.t.Helper()
	p.until("a page that has loaded", "!document.querySelector('.skeleton, [aria-busy=true]') && !document.querySelector('.toast')")
	js[bool](p, "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))")
}

// fits reports what is wider than the window.
func (p *tab) fits(name string, width int64) {
	p.t.Helper()
	if over := js[int64](p, "document.documentElement.scrollWidth"); over > width {
		p.t.Errorf("%s is %d pixels wide at %d", name, over, width)
	}
}
