package telemetry

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/health"
	"github.com/aimux/aimux/caddymodule/internal/keypool"
	"github.com/google/go-cmp/cmp"
)

// lines returns what was written as JSON, without times and figures that
// depend on the histogram's bins.
func lines(t *testing.T, out *bytes.Buffer) []map[string]any {
	t.Helper()
	var all []map[string]any
	decoder := json.NewDecoder(out)
	for decoder.More() {
		line := map[string]any{}
		if err := decoder.Decode(&line); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"time", "ttft_p50_ms", "ttft_p95_ms"} {
			delete(line, name)
		}
		all = append(all, line)
	}
	out.Reset()
	return all
}

func TestHealthLog_SaysWhatHappenedSinceTheLastLine(t *testing.T) {
	var out bytes.Buffer
	w := windowsAt(newClock())
	h := &HealthLog{Windows: w, Source: states(), Logger: slog.New(slog.NewJSONHandler(&out, nil))}
	ctx := t.Context()

	h.Write(ctx)
	if got := lines(t, &out); len(got) != 0 {
		t.Errorf("lines about providers nobody used: %v", got)
	}
	w.Observe(answered("zai", "glm"))
	w.Observe(failedOver())
	h.Write(ctx)
	want := []map[string]any{{
		"level": "INFO", "msg": "provider health", "provider": "zai", "up": true, "ping_ms": 30.0,
		"attempts": 2.0, "failed": 1.0, "canceled": 0.0, "success_rate": 0.5, "uptime": 0.9,
		"tokens_in": 1000.0, "tokens_out": 101.0, "bytes_in": 4000.0, "bytes_out": 900.0, "cost_microusd": 2500.0,
		"keys_ready": 2.0, "keys": 4.0, "errors": map[string]any{"overloaded": 1.0},
	}}
	if diff := cmp.Diff(want, lines(t, &out)); diff != "" {
		t.Errorf("first line (-want +got):\n%s", diff)
	}
	w.Observe(answered("zai", "glm"))
	h.Write(ctx)
	got := lines(t, &out)
	if len(got) != 1 || got[0]["attempts"] != 1.0 || got[0]["success_rate"] != 1.0 || got[0]["errors"] != nil {
		t.Errorf("second line: %v", got)
	}
	h.Idle = true
	h.Write(ctx)
	if got := lines(t, &out); len(got) != 1 || got[0]["attempts"] != 0.0 {
		t.Errorf("with Idle: %v", got)
	}
}

func TestHealthLog_AProviderThatCameBackStartsAnew(t *testing.T) {
	var out bytes.Buffer
	w := windowsAt(newClock())
	h := &HealthLog{Windows: w, Source: states(), Logger: slog.New(slog.NewJSONHandler(&out, nil))}
	w.Observe(answered("zai", "glm"))
	w.Observe(failedOver())
	h.Write(t.Context())
	w.Configure(Names{})
	w.Configure(names())
	w.Observe(answered("zai", "glm"))
	lines(t, &out)
	h.Write(t.Context())
	if got := lines(t, &out); len(got) != 1 || got[0]["attempts"] != 1.0 || got[0]["tokens_in"] != 1000.0 {
		t.Errorf("lines %v", got)
	}
}

func TestHealthLog_AProviderThatGoesDownIsWarnedOfWithoutTraffic(t *testing.T) {
	var out bytes.Buffer
	source := &changing{}
	h := &HealthLog{Windows: windowsAt(newClock()), Source: source, Logger: slog.New(slog.NewJSONHandler(&out, nil))}
	for _, test := range []struct {
		phase health.Phase
		level any
	}{{health.Closed, nil}, {health.Open, "WARN"}, {health.Open, nil}, {health.Closed, "INFO"}} {
		source.state = State{Providers: []ProviderState{{Name: "zai", Keys: make([]keypool.KeyStatus, 1),
			Targets: []TargetState{{Status: health.Status{Phase: test.phase}}}}}}
		h.Write(t.Context())
		var level any
		if got := lines(t, &out); len(got) > 0 {
			level = got[0]["level"]
		}
		if level != test.level {
			t.Errorf("breaker %v: a line of level %v, want %v", test.phase, level, test.level)
		}
	}
}

type changing struct{ state State }

func (c *changing) State() State { return c.state }

func TestHealthLog_ANewOneDoesNotRepeatWhatWasToldBeforeAReload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		w := NewWindows(nil)
		w.Configure(names())
		w.Observe(failedOver())
		h := &HealthLog{Windows: w, Source: states(), Logger: slog.New(slog.NewJSONHandler(&out, nil))}
		ctx, cancel := context.WithCancel(t.Context())
		ticks := make(chan time.Time)
		go h.Run(ctx, ticks)
		synctest.Wait()
		w.Observe(failedOver())
		ticks <- time.Now()
		cancel()
		synctest.Wait()
		if got := lines(t, &out); len(got) != 1 || got[0]["attempts"] != 1.0 {
			t.Errorf("lines %v", got)
		}
	})
}

func TestHealthLog_RunsUntilItsContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		h := &HealthLog{Windows: NewWindows(nil), Source: states(), Logger: slog.New(slog.NewJSONHandler(&out, nil)), Idle: true}
		ctx, cancel := context.WithCancel(t.Context())
		ticker := time.NewTicker(time.Minute)
		defer ticker.Stop()
		done := make(chan struct{})
		go func() {
			defer close(done)
			h.Run(ctx, ticker.C)
		}()
		time.Sleep(150 * time.Second)
		cancel()
		<-done
		if got := lines(t, &out); len(got) != 2 {
			t.Errorf("%d lines in two and a half minutes", len(got))
		}
	})
}
