package caddymodule

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

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

func TestLater_WaitsForTheStartOrComesWithTheEnd(t *testing.T) {
	for _, ended := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			bg := &background{done: ctx.Done(), cancel: cancel}
			begun, did := time.Now(), time.Duration(-1)
			bg.later(func() { did = time.Since(begun) })
			synctest.Wait()
			if did >= 0 {
				t.Error("at once")
			}
			want := settling
			if ended {
				want = 0
			} else {
				time.Sleep(settling)
			}
			bg.end()
			if did != want {
				t.Errorf("after %s, want %s", did, want)
			}
		})
	}
}

func TestAlertRules_WithoutAnyTheUsualOnes(t *testing.T) {
	if got := alertRules(nil); len(got) != len(alert.DefaultRules()) {
		t.Errorf("%d rules", len(got))
	}
}
