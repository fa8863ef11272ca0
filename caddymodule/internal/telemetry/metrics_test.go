package telemetry

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/gateway"
	"github.com/aimux/aimux/caddymodule/internal/health"
	"github.com/aimux/aimux/caddymodule/internal/keypool"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/aimux/aimux/caddymodule/internal/route"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// scraped returns every series of a registry: counters and gauges by value,
// histograms by how many values they have.
func scraped(t testing.TB, registry *prometheus.Registry) map[string]float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			out[f.GetName()+labelsOf(m)] = m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	return out
}

func labelsOf(m *dto.Metric) string {
	var all []string
	for _, l := range m.GetLabel() {
		all = append(all, l.GetName()+"="+l.GetValue())
	}
	return "{" + strings.Join(all, ",") + "}"
}

// registered returns a registry as Caddy makes one for each configuration.
func registered(t testing.TB, m *Metrics, source Source) *prometheus.Registry {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	if err := m.Register(registry, source, "v1.2.3"); err != nil {
		t.Fatal(err)
	}
	return registry
}

func TestRecorder_CountsAnExchangeInEveryMetric(t *testing.T) {
	m := NewMetrics()
	m.For(names()).Observe(failedOver())
	got := scraped(t, registered(t, m, nil))
	for series, want := range map[string]float64{
		"caddy_aimux_requests_total{code=ok,dialect=anthropic,provider=oa}":                     1,
		"caddy_aimux_attempts_total{class=overloaded,code=overloaded,model=glm,provider=zai}":   1,
		"caddy_aimux_attempts_total{class=ok,code=ok,model=gpt,provider=oa}":                    1,
		"caddy_aimux_time_to_first_token_seconds{model=gpt,provider=oa}":                        1,
		"caddy_aimux_inter_token_seconds{model=gpt,provider=oa}":                                1,
		"caddy_aimux_request_duration_seconds{model=gpt,provider=oa}":                           1,
		"caddy_aimux_tokens_total{kind=input,model=gpt,provider=oa,source=stated}":              1000,
		"caddy_aimux_tokens_total{kind=output,model=gpt,provider=oa,source=stated}":             101,
		"caddy_aimux_tokens_total{kind=cache_read,model=gpt,provider=oa,source=stated}":         600,
		"caddy_aimux_tokens_total{kind=reasoning,model=gpt,provider=oa,source=stated}":          20,
		"caddy_aimux_cost_dollars_total{model=gpt,provider=oa}":                                 0.0025,
		"caddy_aimux_stream_ends_total{code=ok,provider=oa}":                                    1,
		"caddy_aimux_bytes_total{direction=in,provider=oa}":                                     4000,
		"caddy_aimux_bytes_total{direction=out,provider=oa}":                                    900,
		"caddy_aimux_client_requests_total{class=ok,client=alice}":                              1,
		"caddy_aimux_client_tokens_total{client=alice,kind=output}":                             101,
		"caddy_aimux_client_cost_dollars_total{client=alice}":                                   0.0025,
		"gen_ai_client_token_usage" + genAILabels("gen_ai_token_type=input"):                    1,
		"gen_ai_client_operation_duration_seconds{error_type=," + genAILabels("")[1:]:           1,
		"gen_ai_server_time_to_first_token_seconds" + genAILabels(""):                           1,
		"gen_ai_server_time_per_output_token_seconds" + genAILabels(""):                         1,
		"caddy_aimux_build_info{goversion=" + goVersion(t, got) + ",version=v1.2.3}":            1,
		"caddy_aimux_tokens_total{kind=cache_write,model=gpt,provider=oa,source=stated}":        0,
		"caddy_aimux_requests_total{code=overloaded,dialect=anthropic,provider=zai}":            0,
		"caddy_aimux_time_to_first_token_seconds{model=glm,provider=zai}":                       0,
		"caddy_aimux_tokens_total{kind=output,model=gpt,provider=oa,source=estimated}":          0,
		"gen_ai_client_operation_duration_seconds{error_type=overloaded," + genAILabels("")[1:]: 0,
		"caddy_aimux_attempts_total{class=overloaded,code=overloaded,model=gpt,provider=oa}":    0,
		"caddy_aimux_client_requests_total{class=ok,client=none}":                               0,
		"caddy_aimux_stream_ends_total{code=overloaded,provider=oa}":                            0,
		"caddy_aimux_client_tokens_total{client=other,kind=output}":                             0,
	} {
		if got[series] != want {
			t.Errorf("%s is %v, want %v", series, got[series], want)
		}
	}
}

func genAILabels(token string) string {
	labels := "{gen_ai_operation_name=chat,gen_ai_provider_name=openai,gen_ai_request_model=gpt"
	if token != "" {
		labels += "," + token
	}
	return labels + "}"
}

func goVersion(t *testing.T, series map[string]float64) string {
	t.Helper()
	for name := range series {
		if rest, ok := strings.CutPrefix(name, "caddy_aimux_build_info{goversion="); ok {
			version, _, _ := strings.Cut(rest, ",")
			return version
		}
	}
	t.Fatal("no build info")
	return ""
}

func TestMetrics_TenThousandNamesFromClientsMakeNoLabels(t *testing.T) {
	m := NewMetrics()
	recorder := m.For(names())
	for i := range 10_000 {
		r := answered("zai", fmt.Sprintf("model-%d", i))
		r.Client = fmt.Sprintf("client-%d", i)
		r.Reason = fmt.Sprintf("reason-%d", i)
		r.Attempts[0].Reason = r.Reason
		recorder.Observe(r)
		r.Provider, r.Attempts[0].Provider = fmt.Sprintf("provider-%d", i), fmt.Sprintf("provider-%d", i)
		recorder.Observe(r)
	}
	got := scraped(t, registered(t, m, nil))
	if len(got) > 60 {
		t.Errorf("%d series", len(got))
	}
	for _, series := range []string{
		"caddy_aimux_attempts_total{class=ok,code=other,model=other,provider=zai}",
		"caddy_aimux_attempts_total{class=ok,code=other,model=other,provider=other}",
		"caddy_aimux_client_requests_total{class=ok,client=other}",
	} {
		if got[series] < 10_000 {
			t.Errorf("%s is %v", series, got[series])
		}
	}
}

func TestMetrics_CountersGoOnOverReloads(t *testing.T) {
	m := NewMetrics()
	for reload := range 3 {
		registry := registered(t, m, nil)
		m.For(names()).Observe(answered("zai", "glm"))
		got := scraped(t, registry)["caddy_aimux_attempts_total{class=ok,code=ok,model=glm,provider=zai}"]
		if want := float64(reload + 1); got != want {
			t.Errorf("after reload %d: %v, want %v", reload, got, want)
		}
	}
}

func TestMetrics_TwoAppsMayShareARegistry(t *testing.T) {
	m := NewMetrics()
	registry := registered(t, m, nil)
	if err := m.Register(registry, nil, "v1.2.3"); err != nil {
		t.Errorf("registering twice: %v", err)
	}
}

func TestMetrics_EstimatesAreMarked(t *testing.T) {
	m := NewMetrics()
	r := answered("zai", "glm")
	r.Usage.Known, r.Estimated = false, true
	m.For(names()).Observe(r)
	got := scraped(t, registered(t, m, nil))
	if got["caddy_aimux_tokens_total{kind=output,model=glm,provider=zai,source=estimated}"] != 101 {
		t.Errorf("series %v", got)
	}
	if got["caddy_aimux_inter_token_seconds{model=glm,provider=zai}"] != 0 {
		t.Error("a speed was made of an estimate")
	}
	for series := range got {
		if strings.HasPrefix(series, "gen_ai_client_token_usage") {
			t.Error("an estimate was passed off as what is billed")
		}
	}
}

// fixed is a source that says always the same.
type fixed State

func (f fixed) State() State { return State(f) }

var soon = time.Date(2026, 11, 22, 2, 0, 0, 0, time.UTC)

func states() fixed {
	return fixed{
		InFlight: 3,
		Providers: []ProviderState{{
			Name: "zai",
			Keys: []keypool.KeyStatus{
				{Name: "main", InFlight: 2},
				{Name: "spare", Rests: []keypool.Rest{{Model: "glm", Class: llm.ClassRate, Until: soon}}},
				{Name: "tired", Rests: []keypool.Rest{{Class: llm.ClassAuth, Until: soon}}},
				{Name: "dead", Rests: []keypool.Rest{{Class: llm.ClassPlanDead}}},
			},
			Targets: []TargetState{{Model: "glm", Status: health.Status{Phase: health.HalfOpen, InFlight: 2, TokensPerSecond: 80,
				Ping: 30 * time.Millisecond, PingedAt: soon, Hour: health.Window{Total: 10, Failed: 1}}}},
		}},
		Stores:     []StoreState{{Name: "ledger", Queued: 5, Written: 100, Dropped: 1}, {Name: "audit", Trouble: "disk full"}},
		Budgets:    []BudgetState{{Name: "alice", Spent: 8_000_000, Limit: 10_000_000}},
		Firing:     []FiringAlert{{Rule: "errors", Subject: "zai"}},
		Deliveries: []DeliveryState{{To: "webhook", Sent: 4, Failed: 1, Dropped: 2}},
	}
}

func TestMetrics_StatesAreReadAtEveryScrape(t *testing.T) {
	got := scraped(t, registered(t, NewMetrics(), states()))
	for name := range got {
		if strings.HasPrefix(name, "caddy_aimux_build_info") {
			delete(got, name)
		}
	}
	want := map[string]float64{
		"caddy_aimux_in_flight{}":                                           3,
		"caddy_aimux_key_state{key=main,provider=zai,state=ready}":          1,
		"caddy_aimux_key_state{key=spare,provider=zai,state=ready}":         1,
		"caddy_aimux_key_state{key=tired,provider=zai,state=resting}":       1,
		"caddy_aimux_key_state{key=dead,provider=zai,state=disabled}":       1,
		"caddy_aimux_key_in_flight{key=main,provider=zai}":                  2,
		"caddy_aimux_key_resting_models{key=spare,provider=zai}":            1,
		"caddy_aimux_breaker_state{model=glm,provider=zai,state=half_open}": 1,
		"caddy_aimux_target_in_flight{model=glm,provider=zai}":              2,
		"caddy_aimux_target_tokens_per_second{model=glm,provider=zai}":      80,
		"caddy_aimux_ping_seconds{provider=zai}":                            0.03,
		"caddy_aimux_uptime_ratio{provider=zai}":                            0.9,
		"caddy_aimux_provider_up{provider=zai}":                             1,
		"caddy_aimux_store_up{store=ledger}":                                1,
		"caddy_aimux_store_queue_length{store=ledger}":                      5,
		"caddy_aimux_store_written_total{store=ledger}":                     100,
		"caddy_aimux_store_dropped_total{store=ledger}":                     1,
		"caddy_aimux_budget_spent_dollars{budget=alice}":                    8,
		"caddy_aimux_budget_limit_dollars{budget=alice}":                    10,
		"caddy_aimux_alert_firing{alert=errors,subject=zai}":                1,
		"caddy_aimux_deliveries_sent_total{to=webhook}":                     4,
		"caddy_aimux_deliveries_failed_total{to=webhook}":                   1,
		"caddy_aimux_deliveries_dropped_total{to=webhook}":                  2,
	}
	for name, value := range got {
		if value == 0 {
			delete(got, name) // the states a key or a breaker is not in
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("series (-want +got):\n%s", diff)
	}
}

func TestMetrics_EveryCeilingHasACounter(t *testing.T) {
	s := states()
	s.Refusals = new(gateway.Refusals)
	got := scraped(t, registered(t, NewMetrics(), s))
	for _, name := range []string{"in_flight", "memory", "body", "client_stall"} {
		if n, ok := got["caddy_aimux_refusals_total{ceiling="+name+"}"]; !ok || n != 0 {
			t.Errorf("%s: %v, there %v", name, n, ok)
		}
	}
}

func TestRecorder_MayBeToldFromAnywhere(t *testing.T) {
	m := NewMetrics()
	recorder := m.For(names())
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 250 {
				recorder.Observe(failedOver())
				recorder.Observe(failed(llm.ClassTransient, "upstream_5xx"))
			}
		})
	}
	wg.Wait()
	got := scraped(t, registered(t, m, nil))
	for series, want := range map[string]float64{
		"caddy_aimux_requests_total{code=ok,dialect=anthropic,provider=oa}":                    1000,
		"caddy_aimux_requests_total{code=upstream_5xx,dialect=openai,provider=}":               1000,
		"caddy_aimux_attempts_total{class=overloaded,code=overloaded,model=glm,provider=zai}":  1000,
		"caddy_aimux_attempts_total{class=transient,code=upstream_5xx,model=glm,provider=zai}": 1000,
		"caddy_aimux_tokens_total{kind=input,model=gpt,provider=oa,source=stated}":             1000_000,
		"caddy_aimux_client_requests_total{class=transient,client=none}":                       1000,
	} {
		if got[series] != want {
			t.Errorf("%s is %v, want %v", series, got[series], want)
		}
	}
}

func TestMetrics_ANameThatComesTwiceDoesNotFailTheScrape(t *testing.T) {
	s := states()
	s.Providers = append(s.Providers, s.Providers[0])
	s.Firing = append(s.Firing, FiringAlert{Rule: "bad\xff"})
	if got := scraped(t, registered(t, NewMetrics(), s)); got["caddy_aimux_provider_up{provider=zai}"] != 1 {
		t.Errorf("series %v", got)
	}
}

func TestMetrics_RestsAreCountedByKeyAndClass(t *testing.T) {
	m := NewMetrics()
	m.Rested("zai", keypool.Rested{Key: &keypool.Key{Name: "main"}, Class: llm.ClassRate})
	if got := scraped(t, registered(t, m, nil))["caddy_aimux_rests_total{class=rate_limited,key=main,provider=zai}"]; got != 1 {
		t.Errorf("got %v", got)
	}
}

func TestProviderState_IsDownWhenNothingCanBeExpectedOfIt(t *testing.T) {
	resting := keypool.KeyStatus{Rests: []keypool.Rest{{Class: llm.ClassRate, Until: soon}}}
	open := TargetState{Status: health.Status{Phase: health.Open}}
	for name, test := range map[string]struct {
		state ProviderState
		down  bool
	}{
		"nothing known":          {},
		"one of two keys ready":  {state: ProviderState{Keys: []keypool.KeyStatus{resting, {}}}},
		"every key rests":        {state: ProviderState{Keys: []keypool.KeyStatus{resting}}, down: true},
		"one of two breakers":    {state: ProviderState{Keys: make([]keypool.KeyStatus, 1), Targets: []TargetState{open, {}}}},
		"every breaker is open":  {state: ProviderState{Keys: make([]keypool.KeyStatus, 1), Targets: []TargetState{open}}, down: true},
		"a probe is on its way":  {state: ProviderState{Targets: []TargetState{{Status: health.Status{Phase: health.HalfOpen}}}}},
		"only one model's rests": {state: ProviderState{Keys: []keypool.KeyStatus{{Rests: []keypool.Rest{{Model: "m", Until: soon}}}}}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := test.state.Down(); got != test.down {
				t.Errorf("down %v, want %v", got, test.down)
			}
		})
	}
}

func TestOperation_IsTheConventionsNameOfACall(t *testing.T) {
	for call, want := range map[string]string{
		"/v1/messages": "chat", "/v1/chat/completions": "chat", "/v1/responses": "chat", "/v1/embeddings": "embeddings",
		"/v1/messages/count_tokens": "", "/v1/responses/input_tokens": "",
	} {
		if got := Operation(call); got != want {
			t.Errorf("%s: %q, want %q", call, got, want)
		}
	}
}

func TestLive_ShowsKeysTargetsAndWhatElseIsTold(t *testing.T) {
	at := soon
	now := func() time.Time { return at }
	key := &keypool.Key{Name: "main", State: keypool.NewState()}
	state := health.New(health.Options{Now: now})
	live := Live{
		Providers: []*gateway.Provider{{Name: "zai", Keys: keypool.New(keypool.RoundRobin, []*keypool.Key{key}, keypool.Options{Now: now})}},
		Targets:   []*route.Target{{Provider: "zai", Model: "glm", Health: state}, {Provider: "oa", Model: "gpt", Health: state}, {Provider: "zai", Model: "new"}},
		InFlight:  new(atomic.Int64), Now: now,
		Rest: func(s *State) { s.Budgets = []BudgetState{{Name: "alice", Spent: 1, Limit: 4}, {Name: "free"}} },
	}
	live.InFlight.Add(2)
	got := live.State()
	if len(got.Providers) != 1 || got.InFlight != 2 || got.Budgets[0].Share() != 0.25 || got.Budgets[1].Share() != 0 {
		t.Fatalf("state %+v", got)
	}
	p := &got.Providers[0]
	if len(p.Keys) != 1 || p.Keys[0].Name != "main" || len(p.Targets) != 1 || p.Targets[0].Model != "glm" || p.Down() {
		t.Errorf("provider %+v", p)
	}
	for range 2 { // the first refusal of a lone key is forgiven
		at = at.Add(time.Minute)
		lease, err := live.Providers[0].Keys.Acquire("glm", nil)
		if err != nil {
			t.Fatal(err)
		}
		at = at.Add(time.Second)
		lease.Release(keypool.Outcome{Class: llm.ClassAuth, KeyWide: true})
	}
	if p := live.State().Providers[0]; KeyState(&p.Keys[0]) != KeyResting || !p.Down() {
		t.Errorf("after its key was refused: %+v", p)
	}
	at = at.Add(time.Hour)
	if p := live.State().Providers[0]; KeyState(&p.Keys[0]) != KeyReady || p.Down() {
		t.Errorf("when the rest is over: %+v", p)
	}
}

var _ gateway.Observer = (*Windows)(nil)

func TestRecorder_CountsWhatMayBeBilledTwice(t *testing.T) {
	m := NewMetrics()
	r := m.For(names())
	twice, once := failedOver(), failed(llm.ClassTransient, "reset_pre")
	twice.Attempts[0].Billable, once.Attempts[0].Billable = true, true
	r.Observe(failedOver())
	r.Observe(twice)
	r.Observe(once) // nothing was tried after it
	if got := scraped(t, registered(t, m, nil))["caddy_aimux_maybe_double_billed_total{model=glm,provider=zai}"]; got != 1 {
		t.Errorf("got %v, want 1", got)
	}
}
