package alert

import (
	"testing"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/gateway"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/aimux/aimux/caddymodule/internal/telemetry"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is what a Watch looks at, and what it told.
type world struct {
	at      time.Time
	state   telemetry.State
	windows *telemetry.Windows
	watch   *Watch
	events  []Event
}

func (w *world) State() telemetry.State { return w.state }

func newWorld(t *testing.T, rules ...Rule) *world {
	t.Helper()
	w := &world{at: time.Date(2026, 11, 22, 1, 0, 0, 0, time.UTC)}
	w.windows = telemetry.NewWindows(func() time.Time { return w.at })
	w.windows.Configure(telemetry.Names{
		Providers: []telemetry.Provider{{Name: "zai"}, {Name: "oa"}},
		Targets:   []telemetry.Scope{{Provider: "zai", Model: "glm"}, {Provider: "oa", Model: "gpt"}},
	})
	w.state.Providers = []telemetry.ProviderState{{Name: "zai"}, {Name: "oa"}}
	w.watch = &Watch{Now: func() time.Time { return w.at }}
	w.configure(t, rules...)
	return w
}

func (w *world) configure(t *testing.T, rules ...Rule) {
	t.Helper()
	if err := w.watch.Configure(Options{
		Rules: rules, Windows: w.windows, Source: w,
		Sinks: []Sink{Func(func(e Event) { w.events = append(w.events, e) })},
	}); err != nil {
		t.Fatal(err)
	}
}

// traffic is n requests to a provider of which failed fail, each taking d.
func (w *world) traffic(provider string, n, failed int, d time.Duration) {
	for i := range n {
		r := &gateway.Record{Reason: "ok", TTFT: d / 2, Duration: d}
		if i < failed {
			r.Class, r.Reason = llm.ClassTransient, "upstream_5xx"
		} else {
			r.Provider = provider
		}
		r.Attempts = []gateway.Attempt{{Provider: provider, Class: r.Class, Reason: r.Reason, TTFT: d / 2, Duration: d}}
		w.windows.Observe(r)
	}
}

// after lets time pass, evaluates, and returns what was told, as state:subject.
func (w *world) after(d time.Duration) []string {
	w.at = w.at.Add(d)
	w.events = nil
	w.watch.Evaluate()
	var out []string
	for _, e := range w.events {
		out = append(out, string(e.State)+" "+e.Subject)
	}
	return out
}
