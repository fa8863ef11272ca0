package caddymodule

import (
	"context"
	"testing"

	"github.com/aimux/aimux/caddymodule/internal/telemetry/alert"
	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyevents"
)

// listener is a handler of Caddy's events.
type listener func(caddy.Event)

func (f listener) Handle(_ context.Context, e caddy.Event) error { f(e); return nil }

func TestEmit_AnAlertIsAnEventOfCaddys(t *testing.T) {
	ctx, cancel := caddy.NewContext(caddy.Context{Context: t.Context()})
	defer cancel()
	events := new(caddyevents.App)
	if err := events.Provision(ctx); err != nil {
		t.Fatal(err)
	}
	var got []caddy.Event
	if err := events.On("aimux_alert", listener(func(e caddy.Event) { got = append(got, e) })); err != nil {
		t.Fatal(err)
	}
	if err := events.Start(); err != nil {
		t.Fatal(err)
	}
	a := &App{events: events, context: ctx, consoles: new(consoles)}
	a.emit(alert.Event{ID: "errors/zai/firing/1", Alert: alert.Alert{Rule: "errors", Subject: "zai", State: alert.Firing, Value: 0.3}, Summary: "zai fails"})
	if len(got) != 1 || got[0].Name() != "aimux_alert" {
		t.Fatalf("events: %v", got)
	}
	if d := got[0].Data; d["rule"] != "errors" || d["subject"] != "zai" || d["state"] != "firing" || d["value"] != 0.3 || d["summary"] != "zai fails" {
		t.Errorf("data: %v", d)
	}
}

func TestAlertRules_WithoutAnyTheUsualOnes(t *testing.T) {
	if got := alertRules(nil); len(got) != len(alert.DefaultRules()) {
		t.Errorf("%d rules", len(got))
	}
}
