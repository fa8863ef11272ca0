package caddymodule

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/telemetry"
	"github.com/aimux/aimux/caddymodule/internal/telemetry/alert"
	"github.com/aimux/aimux/schema"
	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyevents"
)

const (
	alertEvery = 5 * time.Second
	fileEvery  = 5 * time.Second
	idleEvery  = 5 * time.Second
)

// background is what an app does by itself between its Start and its Stop, and
// anew after every change of its configuration: it pings, watches over the
// alert rules, writes the health log, and takes up key files that another
// process changed.
type background struct {
	done   <-chan struct{}
	cancel context.CancelFunc
	group  sync.WaitGroup
}

// begin starts the background of the runtime in force.
func (a *App) begin() error {
	rt := a.live.now()
	ctx, cancel := context.WithCancel(context.Background())
	bg := &background{done: ctx.Done(), cancel: cancel}
	rt.services.begin(rt.config.Usage)
	rt.services.windows.Configure(rt.names)
	rt.recent.resize(rt.config.Log.Decisions)
	if err := bg.alerts(ctx, a, rt); err != nil {
		cancel()
		return err
	}
	if rt.tracer != nil {
		rt.tracer.Start()
	}
	bg.every(ctx, fileEvery, func() {
		rt.services.reread(a.logger)
		_ = rt.services.recall(ctx, time.Now()) // the ledger's state tells of an error
	})
	bg.later(func() {
		if err := rt.services.recall(ctx, time.Now()); err != nil && ctx.Err() == nil {
			a.logger.Warn("budgets cannot be compared with the ledger; it is tried again", "error", err.Error())
		}
	})
	idle := &idler{owes: true, free: giveBack} // starting up has left something, too
	bg.every(ctx, idleEvery, func() { idle.look(rt) })
	ping := newPinger(rt)
	bg.every(ctx, pingEvery, func() { ping.round(ctx) })
	bg.quotas(ctx, a, rt)
	bg.healthLog(ctx, a, rt)
	if runner := a.backups(rt); runner != nil {
		bg.group.Go(func() { runner.Run(ctx) })
	}
	a.background = bg
	return nil
}

// end stops everything and waits for it.
func (bg *background) end() {
	if bg != nil {
		bg.cancel()
		bg.group.Wait()
	}
}

// settling is how long after a start the first requests have the processor for
// themselves.
const settling = 50 * time.Millisecond

// later calls f when the start is over, or at the end if that comes first.
func (bg *background) later(f func()) {
	bg.group.Go(func() {
		select {
		case <-time.After(settling):
		case <-bg.done:
		}
		f()
	})
}

// every calls f in intervals.
func (bg *background) every(ctx context.Context, interval time.Duration, f func()) {
	bg.ticks(ctx, interval, func(ctx context.Context, ticks <-chan time.Time) {
		for {
			select {
			case <-ticks:
				f()
			case <-ctx.Done():
				return
			}
		}
	})
}

// ticks runs f with a clock.
func (bg *background) ticks(ctx context.Context, interval time.Duration, f func(context.Context, <-chan time.Time)) {
	bg.group.Go(func() {
		ticker := time.NewTicker(interval)
		defer ticker.Stop()
		f(ctx, ticker.C)
	})
}

// alerts gives the watch its rules and lets it run.
func (bg *background) alerts(ctx context.Context, a *App, rt *runtime) error {
	sinks := []alert.Sink{alert.Log(a.loggers().part(logAlerts)), alert.NewApart("events", a.emit)}
	if hook := rt.hook; hook != nil {
		if err := hook.Configure(rt.receiver); err != nil {
			return fmt.Errorf("alerts: %w", err)
		}
		hook.Start()
		sinks = append(sinks, hook)
	}
	err := rt.services.watch.Configure(alert.Options{Rules: alertRules(rt.config.Alerts.Rules), Windows: rt.services.windows, Source: a, Sinks: sinks})
	if err != nil {
		return fmt.Errorf("alerts: %w", err)
	}
	bg.ticks(ctx, alertEvery, rt.services.watch.Run)
	return nil
}

// alertRules are the configured rules; without any, the usual ones.
func alertRules(rows []schema.AlertRule) []alert.Rule {
	if len(rows) == 0 {
		return alert.DefaultRules()
	}
	windows := map[string]time.Duration{"1m": time.Minute, "5m": 5 * time.Minute, "1h": time.Hour}
	var out []alert.Rule
	for _, row := range rows {
		if !row.On() {
			continue
		}
		rule := alert.Rule{
			Name: row.Name, Metric: alert.Metric(row.Metric), Threshold: row.Threshold, Window: windows[row.Window],
			For: row.For.Std(), MinRequests: row.MinRequests, Provider: row.Provider,
		}
		if row.Clear != nil {
			rule.Clear = *row.Clear
		}
		out = append(out, rule)
	}
	return out
}

// healthLog writes a line about every provider from time to time.
func (bg *background) healthLog(ctx context.Context, a *App, rt *runtime) {
	if every := rt.config.Telemetry.HealthLog.Std(); every > 0 {
		h := &telemetry.HealthLog{Windows: rt.services.windows, Source: a, Logger: a.loggers().part(logHealth)}
		bg.ticks(ctx, every, h.Run)
	}
}

// emit makes an alert an event of Caddy's, for whatever subscribes to it.
func (a *App) emit(e alert.Event) {
	a.consoles.alert(e)
	if a.events == nil {
		return
	}
	a.events.Emit(a.context, "aimux_alert", map[string]any{
		"id": e.ID, "rule": e.Rule, "subject": e.Subject, "state": string(e.State), "severity": string(e.Severity),
		"value": e.Value, "threshold": e.Threshold, "summary": e.Summary,
	})
}

// eventsApp is Caddy's events app, which comes to life if it is not configured.
func eventsApp(ctx caddy.Context) (*caddyevents.App, error) {
	module, err := ctx.App("events")
	if err != nil {
		return nil, fmt.Errorf("loading the events app: %w", err)
	}
	app, ok := module.(*caddyevents.App)
	if !ok {
		return nil, fmt.Errorf("app events is a %T", module)
	}
	return app, nil
}

// reread takes up key files that another process changed, and writes down how far
// the vault has come, if that could not be done before.
func (s *services) reread(logger *slog.Logger) {
	if s.vault != nil {
		ctx := context.Background()
		if _, err := s.vault.Reload(ctx); err != nil {
			logger.Error("the vault's file cannot be used; what was read before stays in force", "error", err.Error())
		} else {
			_ = s.remember(ctx) // the auditor's state tells of an error; it is tried again
		}
	}
	if s.store != nil {
		if _, err := s.store.Reload(); err != nil {
			logger.Error("the file of client keys cannot be used; what was read before stays in force", "error", err.Error())
		}
	}
}
