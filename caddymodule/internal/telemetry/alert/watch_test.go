package alert

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/gateway"
	"github.com/aimux/aimux/caddymodule/internal/health"
	"github.com/aimux/aimux/caddymodule/internal/keypool"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/aimux/aimux/caddymodule/internal/telemetry"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestWatch_AnAlertIsPendingThenFiresThenIsResolved(t *testing.T) {
	w := newWorld(t, Rule{Name: "errors", Metric: ErrorRate, Threshold: 0.2, Clear: 0.1, Window: time.Minute, For: 30 * time.Second})
	w.traffic("zai", 10, 5, time.Second)
	if got := w.after(0); got != nil {
		t.Errorf("at once: %v", got)
	}
	if a := w.watch.Active(); len(a) != 1 || a[0].State != Pending || a[0].Value != 0.5 {
		t.Errorf("active: %+v", a)
	}
	if got := w.after(29 * time.Second); got != nil {
		t.Errorf("after 29s: %v", got)
	}
	if diff := cmp.Diff([]string{"firing "}, w.after(time.Second)); diff != "" {
		t.Errorf("after 30s (-want +got):\n%s", diff)
	}
	if got := w.after(time.Second); got != nil {
		t.Errorf("told twice: %v", got)
	}
	w.traffic("zai", 90, 0, time.Second)
	if diff := cmp.Diff([]string{"resolved "}, w.after(time.Second)); diff != "" {
		t.Errorf("when it went well again (-want +got):\n%s", diff)
	}
	if h := w.watch.History(10); len(h) != 2 || h[0].State != Resolved || h[1].State != Firing || h[0].Why != "cleared" {
		t.Errorf("history: %+v", h)
	}
	if len(w.watch.Active()) != 0 || w.watch.Firing() != nil {
		t.Error("something is still active")
	}
}

func TestWatch_AValueBetweenClearAndThresholdChangesNothing(t *testing.T) {
	w := newWorld(t, Rule{Name: "errors", Metric: ErrorRate, Threshold: 0.2, Clear: 0.1, Window: time.Hour})
	w.traffic("zai", 100, 15, time.Second)
	if got := w.after(0); got != nil {
		t.Errorf("15 %% with a threshold of 20 %%: %v", got)
	}
	w.traffic("zai", 10, 10, time.Second)
	if got := w.after(0); len(got) != 1 {
		t.Errorf("22 %%: %v", got)
	}
	w.traffic("zai", 90, 0, time.Second)
	if got := w.after(0); got != nil {
		t.Errorf("back at 12.5 %%, above clear: %v", got)
	}
	w.traffic("zai", 100, 0, time.Second)
	if got := w.after(0); len(got) != 1 {
		t.Errorf("back at 8.3 %%: %v", got)
	}
}

func TestWatch_ABlipShorterThanForIsForgotten(t *testing.T) {
	w := newWorld(t, Rule{Name: "down", Metric: ProviderDown, Threshold: 1, For: time.Minute})
	down := func(is bool) {
		w.state.Providers[0].Targets = []telemetry.TargetState{{Status: health.Status{Phase: health.Closed}}}
		if is {
			w.state.Providers[0].Targets[0].Phase = health.Open
		}
	}
	for range 3 {
		down(true)
		if got := w.after(50 * time.Second); got != nil {
			t.Errorf("told of a blip: %v", got)
		}
		down(false)
		w.after(time.Second)
	}
	down(true)
	w.after(time.Second)
	if got := w.after(time.Minute); len(got) != 1 || got[0] != "firing zai" {
		t.Errorf("after a minute: %v", got)
	}
}

func TestWatch_FewRequestsSayNothing(t *testing.T) {
	w := newWorld(t, Rule{Name: "errors", Metric: ErrorRate, Threshold: 0.2, MinRequests: 10})
	w.traffic("zai", 9, 9, time.Second)
	if got := w.after(0); got != nil {
		t.Errorf("nine requests: %v", got)
	}
	w.traffic("zai", 1, 1, time.Second)
	if got := w.after(0); len(got) != 1 {
		t.Errorf("ten requests: %v", got)
	}
}

func TestWatch_WhenTrafficStopsTheAlertEndsAfterAWindow(t *testing.T) {
	w := newWorld(t, Rule{Name: "errors", Metric: ErrorRate, Threshold: 0.2, Window: time.Minute})
	w.traffic("zai", 10, 10, time.Second)
	w.after(0)
	if got := w.after(61 * time.Second); got != nil {
		t.Errorf("as soon as the window is empty: %v", got)
	}
	if got := w.after(59 * time.Second); got != nil {
		t.Errorf("a little later: %v", got)
	}
	if got := w.after(time.Second); len(got) != 1 || w.events[0].Why != "no_data" {
		t.Errorf("a window later: %+v", w.events)
	}
}

func TestWatch_TrafficThatComesBackStartsTheSilenceAnew(t *testing.T) {
	w := newWorld(t, Rule{Name: "errors", Metric: ErrorRate, Threshold: 0.2, Window: time.Minute})
	w.traffic("zai", 10, 10, time.Second)
	w.after(0)
	w.after(61 * time.Second) // silence
	w.traffic("zai", 10, 10, time.Second)
	w.after(50 * time.Second)
	if got := w.after(30 * time.Second); got != nil {
		t.Errorf("ended %v after a silence that was broken", got)
	}
}

func TestWatch_ASuccessRateHasToRiseToClear(t *testing.T) {
	w := newWorld(t, Rule{Name: "success", Metric: SuccessRate, Threshold: 0.9, Clear: 0.95, Window: time.Hour})
	w.traffic("zai", 100, 11, time.Second)
	if got := w.after(0); len(got) != 1 {
		t.Fatalf("at 89 %%: %v", got)
	}
	w.traffic("zai", 30, 0, time.Second)
	if got := w.after(0); got != nil {
		t.Errorf("at 91.5 %%: %v", got)
	}
	w.traffic("zai", 100, 0, time.Second)
	if got := w.after(0); len(got) != 1 {
		t.Errorf("at 95.2 %%: %v", got)
	}
}

func TestWatch_WhatClientsAreAtFaultForIsNoTrafficToJudgeBy(t *testing.T) {
	w := newWorld(t, Rule{Name: "errors", Metric: ErrorRate, Threshold: 0.01, MinRequests: 10})
	for range 50 {
		w.windows.Observe(&gateway.Record{Class: llm.ClassBadRequest, Reason: "client_fault"})
		w.windows.Observe(&gateway.Record{Class: llm.ClassCanceled, Reason: "canceled"})
	}
	w.traffic("zai", 5, 5, time.Second)
	if got := w.after(0); got != nil {
		t.Errorf("five requests count: %v", got)
	}
}

// metricCase is a rule, what breaks and mends it, and what is told then.
type metricCase struct {
	rule        Rule
	bad, good   func(*world)
	fires, ends []string
	summary     string
}

func trafficCases() map[string]metricCase {
	return map[string]metricCase{
		"success rate falls": {
			rule:  Rule{Metric: SuccessRate, Threshold: 0.9, Window: time.Minute},
			bad:   func(w *world) { w.traffic("zai", 20, 4, time.Second) },
			good:  func(w *world) { w.at = w.at.Add(time.Minute); w.traffic("zai", 20, 0, time.Second) },
			fires: []string{"firing "}, ends: []string{"resolved "}, summary: "aimux: success_rate is 80.0 %, under 90.0 %",
		},
		"one provider fails": {
			rule:  Rule{Metric: ErrorRate, Threshold: 0.5, Provider: "*", Window: time.Minute},
			bad:   func(w *world) { w.traffic("zai", 20, 20, time.Second); w.traffic("oa", 20, 0, time.Second) },
			good:  func(w *world) { w.at = w.at.Add(time.Minute); w.traffic("zai", 20, 0, time.Second) },
			fires: []string{"firing zai"}, ends: []string{"resolved zai"}, summary: "zai: error_rate is 100.0 %, over 50.0 %",
		},
		"another provider is not watched": {
			rule: Rule{Metric: ErrorRate, Threshold: 0.5, Provider: "oa"},
			bad:  func(w *world) { w.traffic("zai", 20, 20, time.Second) },
			good: func(*world) {},
		},
		"answers are slow": {
			rule:  Rule{Metric: P95Latency, Threshold: 10, Window: time.Minute},
			bad:   func(w *world) { w.traffic("zai", 20, 0, 20*time.Second) },
			good:  func(w *world) { w.at = w.at.Add(time.Minute); w.traffic("zai", 20, 0, time.Second) },
			fires: []string{"firing "}, ends: []string{"resolved "}, summary: "aimux: p95_latency is 20.401 s, over 10 s",
		},
		"first tokens are slow": {
			rule:  Rule{Metric: P95TTFT, Threshold: 5, Window: time.Minute},
			bad:   func(w *world) { w.traffic("zai", 20, 0, 20*time.Second) },
			good:  func(w *world) { w.at = w.at.Add(time.Minute); w.traffic("zai", 20, 0, time.Second) },
			fires: []string{"firing "}, ends: []string{"resolved "},
		},
	}
}

func stateCases() map[string]metricCase {
	rest := keypool.KeyStatus{Rests: []keypool.Rest{{Class: llm.ClassRate, Until: time.Unix(1, 0)}}}
	return map[string]metricCase{
		"a key rests": {
			rule:  Rule{Metric: KeyResting},
			bad:   func(w *world) { w.state.Providers[0].Keys = []keypool.KeyStatus{rest, {}} },
			good:  func(w *world) { w.state.Providers[0].Keys = make([]keypool.KeyStatus, 2) },
			fires: []string{"firing zai"}, ends: []string{"resolved zai"}, summary: "zai: key_resting is 1, over 1",
		},
		"a provider is down": {
			rule:  Rule{Metric: ProviderDown, Provider: "zai"},
			bad:   func(w *world) { w.state.Providers[0].Keys = []keypool.KeyStatus{rest} },
			good:  func(w *world) { w.state.Providers[0].Keys = make([]keypool.KeyStatus, 1) },
			fires: []string{"firing zai"}, ends: []string{"resolved zai"}, summary: "zai: the provider is down",
		},
		"a limit refused a request, and is not quite spent": {
			rule: Rule{Metric: Budget, Threshold: 1},
			bad: func(w *world) {
				w.state.Budgets = []telemetry.BudgetState{{Name: "alice", Spent: 70, Limit: 100, Refused: true}}
			},
			good:  func(w *world) { w.state.Budgets[0] = telemetry.BudgetState{Name: "alice", Limit: 100} },
			fires: []string{"firing alice"}, ends: []string{"resolved alice"}, summary: "alice: budget is 100.0 %, over 100.0 %",
		},
		"a budget is nearly spent": {
			rule: Rule{Metric: Budget, Threshold: 0.8},
			bad: func(w *world) {
				w.state.Budgets = []telemetry.BudgetState{{Name: "alice", Spent: 80, Limit: 100}, {Name: "free"}}
			},
			good:  func(w *world) { w.state.Budgets[0].Spent = 0 },
			fires: []string{"firing alice"}, ends: []string{"resolved alice"}, summary: "alice: budget is 80.0 %, over 80.0 %",
		},
		"the ledger cannot be written": {
			rule: Rule{Metric: LedgerTrouble},
			bad: func(w *world) {
				w.state.Stores = []telemetry.StoreState{{Name: "ledger", Trouble: "disk full"}, {Name: "audit"}}
			},
			good:  func(w *world) { w.state.Stores[0].Trouble = "" },
			fires: []string{"firing ledger"}, ends: []string{"resolved ledger"}, summary: "ledger: cannot be written",
		},
		"the audit log cannot be written": {
			rule: Rule{Metric: AuditTrouble},
			bad: func(w *world) {
				w.state.Stores = []telemetry.StoreState{{Name: "ledger"}, {Name: "audit", Trouble: "chain broken"}}
			},
			good:  func(w *world) { w.state.Stores = nil },
			fires: []string{"firing audit"}, ends: []string{"resolved audit"},
		},
	}
}

// TestWatch_EveryMetric breaks each metric and mends it again.
func TestWatch_EveryMetric(t *testing.T) {
	cases := trafficCases()
	maps.Copy(cases, stateCases())
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			test.rule.Name = "rule"
			w := newWorld(t, test.rule)
			if got := w.after(0); got != nil {
				t.Fatalf("before anything happened: %v", got)
			}
			test.bad(w)
			if diff := cmp.Diff(test.fires, w.after(0)); diff != "" {
				t.Fatalf("when it breaks (-want +got):\n%s", diff)
			}
			if test.summary != "" && w.events[0].Summary != test.summary {
				t.Errorf("summary %q, want %q", w.events[0].Summary, test.summary)
			}
			test.good(w)
			if diff := cmp.Diff(test.ends, w.after(time.Second)); diff != "" {
				t.Errorf("when it is mended (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWatch_AReloadDoesNotRingAgainAndEndsWhatIsNoLongerWatched(t *testing.T) {
	errors := Rule{Name: "errors", Metric: ErrorRate, Threshold: 0.2}
	slow := Rule{Name: "slow", Metric: P95Latency, Threshold: 5}
	w := newWorld(t, errors, slow)
	w.traffic("zai", 10, 10, 10*time.Second)
	if got := w.after(0); len(got) != 2 {
		t.Fatalf("told %v", got)
	}
	w.configure(t, errors)
	if got := w.after(time.Second); len(got) != 1 || w.events[0].Rule != "slow" || w.events[0].Why != "removed" {
		t.Errorf("after the reload: %+v", w.events)
	}
	if f := w.watch.Firing(); len(f) != 1 || f[0].Rule != "errors" {
		t.Errorf("firing: %v", f)
	}
}

func TestWatch_HistoryIsBoundedAndTheNewestComesFirst(t *testing.T) {
	w := newWorld(t, Rule{Name: "budget", Metric: Budget, Threshold: 1})
	for range 300 {
		w.state.Budgets = []telemetry.BudgetState{{Name: "b", Spent: 1, Limit: 1}}
		w.after(time.Second)
		w.state.Budgets[0].Spent = 0
		w.after(time.Second)
	}
	h := w.watch.History(1000)
	if len(h) != keep || h[0].State != Resolved || !h[0].At.Equal(w.at) {
		t.Errorf("%d events, the first %+v", len(h), h[0])
	}
	if got := w.watch.History(1); len(got) != 1 || got[0] != h[0] {
		t.Errorf("the last one: %+v", got)
	}
}

func TestWatch_WithoutAConfigurationNothingHappens(t *testing.T) {
	new(Watch).Evaluate()
}

func TestWatch_TheSourceMayAskWhatFires(t *testing.T) {
	w := newWorld(t, Rule{Name: "budget", Metric: Budget, Threshold: 1})
	if err := w.watch.Configure(Options{Windows: w.windows, Source: asking{w.watch}}); err != nil {
		t.Fatal(err)
	}
	w.after(0)
}

type asking struct{ watch *Watch }

func (a asking) State() telemetry.State { return telemetry.State{Firing: a.watch.Firing()} }

func TestWatch_EvaluatesOnEveryTickUntilItsContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told atomic.Int64
		w := &Watch{}
		source := &world{state: telemetry.State{Budgets: []telemetry.BudgetState{{Name: "b", Spent: 2, Limit: 1}}}}
		if err := w.Configure(Options{
			Rules: []Rule{{Name: "budget", Metric: Budget, Threshold: 1, For: 25 * time.Second}}, Windows: telemetry.NewWindows(nil),
			Source: source, Sinks: []Sink{Func(func(Event) { told.Add(1) })},
		}); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ticker := time.NewTicker(10 * time.Second)
		defer ticker.Stop()
		go w.Run(ctx, ticker.C)
		time.Sleep(35 * time.Second)
		synctest.Wait()
		if told.Load() != 0 {
			t.Error("told before its time")
		}
		time.Sleep(30 * time.Second)
		synctest.Wait()
		if n := told.Load(); n != 1 {
			t.Errorf("told %d times", n)
		}
		cancel()
		synctest.Wait()
	})
}

// TestWatch_FiringAndResolvedAlternate plays random values.
func TestWatch_FiringAndResolvedAlternate(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t, Rule{Name: "budget", Metric: Budget, Threshold: 0.8, Clear: 0.5, For: 20 * time.Second})
		last := Resolved
		for range rapid.IntRange(1, 50).Draw(rt, "steps") {
			w.state.Budgets = nil
			if rapid.IntRange(0, 9).Draw(rt, "there") > 0 {
				w.state.Budgets = []telemetry.BudgetState{{Name: "b", Spent: rapid.Int64Range(0, 100).Draw(rt, "spent"), Limit: 100}}
			}
			w.after(time.Duration(rapid.IntRange(0, 40).Draw(rt, "pause")) * time.Second)
			for _, e := range w.events {
				if e.State == last || e.State == Pending {
					rt.Fatalf("%s after %s", e.State, last)
				}
				if e.State == Firing && e.At.Sub(e.Since) < 20*time.Second {
					rt.Fatalf("fired after %v", e.At.Sub(e.Since))
				}
				last = e.State
			}
		}
	})
}

func TestCheck_ReportsEverythingThatIsWrong(t *testing.T) {
	if err := Check(DefaultRules()); err != nil {
		t.Errorf("the default rules: %v", err)
	}
	for name, test := range map[string]struct {
		rule Rule
		want string
	}{
		"no name":               {Rule{Metric: ErrorRate, Threshold: 0.1}, "needs a name"},
		"no such metric":        {Rule{Name: "a", Metric: "errors", Threshold: 0.1}, `no metric "errors"`},
		"no threshold":          {Rule{Name: "a", Metric: ErrorRate}, "above 0"},
		"per cent":              {Rule{Name: "a", Metric: ErrorRate, Threshold: 5}, "5 % is 0.05"},
		"clear on the bad side": {Rule{Name: "a", Metric: ErrorRate, Threshold: 0.1, Clear: 0.2}, "bad side"},
		"clear, falling":        {Rule{Name: "a", Metric: SuccessRate, Threshold: 0.9, Clear: 0.8}, "bad side"},
		"odd window":            {Rule{Name: "a", Metric: ErrorRate, Threshold: 0.1, Window: 2 * time.Minute}, "1m, 5m or 1h"},
		"severity":              {Rule{Name: "a", Metric: ErrorRate, Threshold: 0.1, Severity: "fatal"}, `no severity "fatal"`},
		"negative for":          {Rule{Name: "a", Metric: ErrorRate, Threshold: 0.1, For: -1}, "negative"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := Check([]Rule{test.rule}); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q in it", err, test.want)
			}
		})
	}
	twice := Rule{Name: "a", Metric: ErrorRate, Threshold: 0.1}
	if err := Check([]Rule{twice, twice, {Name: "b"}}); err == nil || !strings.Contains(err.Error(), "two of that name") || !strings.Contains(err.Error(), "no metric") {
		t.Errorf("several problems: %v", err)
	}
}

func TestLog_SaysHowUrgentItIs(t *testing.T) {
	for name, test := range map[string]struct {
		state    State
		severity Severity
		want     string
	}{
		"critical": {Firing, Critical, "ERROR"}, "warning": {Firing, Warning, "WARN"}, "over": {Resolved, Critical, "INFO"},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			Log(slog.New(slog.NewJSONHandler(&out, nil))).Deliver(Event{Alert: Alert{Rule: "errors", State: test.state, Severity: test.severity}})
			var line struct{ Level, Msg, Alert, State string }
			if err := json.Unmarshal(out.Bytes(), &line); err != nil || line.Level != test.want || line.Msg != "alert" || line.Alert != "errors" {
				t.Errorf("%v: %s", err, out.String())
			}
		})
	}
}
