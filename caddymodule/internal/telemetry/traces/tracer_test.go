package traces

import (
	"bytes"
	"encoding/hex"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/gateway"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/aimux/aimux/caddymodule/internal/telemetry"
	"github.com/google/go-cmp/cmp"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/prototext"
)

const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

func TestTracer_ACollectorReceivesTheExchangeItsAttemptsAndItsTranslation(t *testing.T) {
	r := newReceiver(t)
	tracer, end := running(t, Options{Endpoint: r.URL, Version: "v1.2.3", Headers: map[string]string{"X-Token": "abc"},
		Kinds: map[string]string{"zai": "zai", "oa": "openai"}})
	record := exchange()
	record.Traceparent = parent
	tracer.Observe(record)
	end()

	if r.path != "/v1/traces" || r.headers.Get("X-Token") != "abc" {
		t.Errorf("path %s, token %q", r.path, r.headers.Get("X-Token"))
	}
	if diff := cmp.Diff(map[string]any{"service.name": "aimux", "service.version": "v1.2.3"}, r.resource); diff != "" {
		t.Errorf("resource (-want +got):\n%s", diff)
	}
	whole, first, second := r.named(t, "POST /v1/messages"), r.named(t, "chat glm"), r.named(t, "chat gpt")
	translation := r.named(t, "translate anthropic to openai")
	if len(r.received()) != 4 {
		t.Errorf("%d spans, want 4", len(r.received()))
	}
	for name, pair := range map[string]struct {
		child  *tracepb.Span
		parent string
	}{
		"exchange below the client": {whole, "b7ad6b7169203331"}, "first attempt below the exchange": {first, hex.EncodeToString(whole.SpanId)},
		"second attempt below the exchange": {second, hex.EncodeToString(whole.SpanId)}, "translation below its attempt": {translation, hex.EncodeToString(second.SpanId)},
	} {
		if got := hex.EncodeToString(pair.child.ParentSpanId); got != pair.parent {
			t.Errorf("%s: parent %s, want %s", name, got, pair.parent)
		}
		if got := hex.EncodeToString(pair.child.TraceId); got != "0af7651916cd43dd8448eb211c80319c" {
			t.Errorf("%s: trace %s", name, got)
		}
	}
	if s := tracer.State(); s.Sent != 4 || s.Failed != 0 || s.Dropped != 0 {
		t.Errorf("state %+v", s)
	}
}

func TestTracer_SpansBearTheConventionsAttributes(t *testing.T) {
	r := newReceiver(t)
	tracer, end := running(t, Options{Endpoint: r.URL + "/", Kinds: map[string]string{"zai": "zai", "oa": "openai"}})
	tracer.Observe(exchange())
	end()
	for name, want := range map[string]map[string]any{
		"POST /v1/messages": {
			"http.request.method": "POST", "http.route": "/v1/messages", "http.response.status_code": int64(200),
			"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.system": "openai",
			"gen_ai.request.model": "coder", "gen_ai.response.model": "gpt", "gen_ai.request.stream": true,
			"gen_ai.usage.input_tokens": int64(1000), "gen_ai.usage.output_tokens": int64(50),
			"gen_ai.usage.cache_read.input_tokens": int64(600), "gen_ai.usage.reasoning.output_tokens": int64(20),
			"aimux.request_id": "req_0123456789abcdef01234567", "aimux.dialect": "anthropic", "aimux.attempts": int64(2), "aimux.code": "ok",
			"aimux.bytes_in": int64(4000), "aimux.bytes_out": int64(900), "aimux.client": "alice", "aimux.team": "web",
			"aimux.provider": "oa", "aimux.cost_microusd": int64(2500),
		},
		"chat glm": {
			"gen_ai.operation.name": "chat", "gen_ai.provider.name": "zai", "gen_ai.system": "zai", "gen_ai.request.model": "glm",
			"http.response.status_code": int64(529), "error.type": "overloaded", "aimux.class": "overloaded", "aimux.vendor_code": "1305",
			"aimux.provider": "zai", "aimux.key": "main", "aimux.dialect": "anthropic", "aimux.attempt": int64(1),
		},
		"chat gpt": {
			"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.system": "openai",
			"gen_ai.request.model": "gpt", "gen_ai.response.model": "gpt", "http.response.status_code": int64(200),
			"gen_ai.usage.input_tokens": int64(1000), "gen_ai.usage.output_tokens": int64(50),
			"gen_ai.usage.cache_read.input_tokens": int64(600), "gen_ai.usage.reasoning.output_tokens": int64(20),
			"aimux.provider": "oa", "aimux.key": "spare", "aimux.dialect": "openai", "aimux.attempt": int64(2),
		},
		"translate anthropic to openai": {
			"aimux.dialect.from": "anthropic", "aimux.dialect.to": "openai", "aimux.dropped": "top_k metadata",
		},
	} {
		if diff := cmp.Diff(want, attributes(r.named(t, name).Attributes)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	for _, s := range r.received() {
		if text := prototext.Format(s); strings.Contains(text, "CANARY") {
			t.Errorf("a span holds a session or a provider's message: %s", text)
		}
	}
}

func TestTracer_SpansLastAsLongAsWhatTheyStandFor(t *testing.T) {
	r := newReceiver(t)
	tracer, end := running(t, Options{Endpoint: r.URL})
	tracer.Observe(exchange())
	end()
	for _, test := range []struct {
		name        string
		start, stop time.Duration
		kind        tracepb.Span_SpanKind
		failed      bool
		first       time.Duration
	}{
		{"POST /v1/messages", 0, 2 * time.Second, tracepb.Span_SPAN_KIND_SERVER, false, 300 * time.Millisecond},
		{"chat glm", 10 * time.Millisecond, 50 * time.Millisecond, tracepb.Span_SPAN_KIND_CLIENT, true, 0},
		{"chat gpt", 60 * time.Millisecond, 1960 * time.Millisecond, tracepb.Span_SPAN_KIND_CLIENT, false, 300 * time.Millisecond},
	} {
		s := r.named(t, test.name)
		start, stop := time.Duration(s.StartTimeUnixNano-uint64(began.UnixNano())), time.Duration(s.EndTimeUnixNano-uint64(began.UnixNano()))
		if start != test.start || stop != test.stop || s.Kind != test.kind {
			t.Errorf("%s: from %v to %v, %v", test.name, start, stop, s.Kind)
		}
		if failed := s.Status.GetCode() == tracepb.Status_STATUS_CODE_ERROR; failed != test.failed {
			t.Errorf("%s: failed %v", test.name, failed)
		}
		if test.first > 0 && (len(s.Events) != 1 || time.Duration(s.Events[0].TimeUnixNano-uint64(began.UnixNano())) != test.first) {
			t.Errorf("%s: events %v", test.name, s.Events)
		}
	}
}

func TestTracer_FailuresAreMarkedUnlessTheClientCausedThem(t *testing.T) {
	for name, test := range map[string]struct {
		class  llm.Class
		reason string
		failed bool
	}{
		"provider": {llm.ClassTransient, "upstream_5xx", true}, "client": {llm.ClassBadRequest, "client_fault", false},
		"canceled": {llm.ClassCanceled, "canceled", false}, "well": {llm.ClassNone, "ok", false},
	} {
		t.Run(name, func(t *testing.T) {
			r := newReceiver(t)
			tracer, end := running(t, Options{Endpoint: r.URL})
			tracer.Observe(&gateway.Record{ID: "req_1", Start: began, Call: "/v1/messages/count_tokens", Class: test.class, Reason: test.reason})
			end()
			s := r.named(t, "POST /v1/messages/count_tokens")
			attrs := attributes(s.Attributes)
			if failed := s.Status.GetCode() == tracepb.Status_STATUS_CODE_ERROR; failed != test.failed {
				t.Errorf("failed %v", failed)
			}
			if _, marked := attrs["error.type"]; marked != (test.class != llm.ClassNone) {
				t.Errorf("error.type %v", attrs["error.type"])
			}
			if _, ok := attrs["gen_ai.operation.name"]; ok {
				t.Error("counting tokens is no operation of a model")
			}
		})
	}
}

func TestTracer_WhatIsSentUpstreamNamesTheAttemptsSpan(t *testing.T) {
	r := newReceiver(t)
	tracer, end := running(t, Options{Endpoint: r.URL})
	record := exchange()
	record.Traceparent = parent
	under := *record
	var sent []string
	for i := range record.Attempts {
		under.Attempts = record.Attempts[:i] // as it stood when the attempt was made
		sent = append(sent, tracer.Upstream(&under))
	}
	tracer.Observe(record)
	end()
	for i, name := range []string{"chat glm", "chat gpt"} {
		s := r.named(t, name)
		if want := "00-" + hex.EncodeToString(s.TraceId) + "-" + hex.EncodeToString(s.SpanId) + "-01"; sent[i] != want {
			t.Errorf("attempt %d: sent %s, its span is %s", i+1, sent[i], want)
		}
	}
}

func TestTracer_ADeadCollectorHurtsNobody(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	url := server.URL
	server.Close()
	var log bytes.Buffer
	tracer, end := running(t, Options{Endpoint: url, Queue: 16, Every: 5 * time.Millisecond, Timeout: 50 * time.Millisecond,
		Logger: slog.New(slog.NewTextHandler(&log, nil))})
	var worst time.Duration
	for range 2000 {
		start := time.Now()
		tracer.Observe(exchange())
		worst = max(worst, time.Since(start))
	}
	end()
	s := tracer.State()
	if s.Sent != 0 || s.Failed == 0 || s.Failed/4+s.Dropped != 2000 {
		t.Errorf("%+v does not account for 2000 exchanges of 4 spans", s)
	}
	if worst > 100*time.Millisecond {
		t.Errorf("an exchange waited %v", worst)
	}
	if n := strings.Count(log.String(), "traces are lost"); n != 1 {
		t.Errorf("said %d times: %s", n, log.String())
	}
}

func TestTracer_ACollectorThatHangsHurtsNobody(t *testing.T) {
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer server.Close()
	defer close(release)
	tracer, end := running(t, Options{Endpoint: server.URL, Queue: 4, Every: time.Millisecond, Timeout: 30 * time.Millisecond})
	for range 1000 {
		tracer.Observe(exchange())
	}
	start := time.Now()
	end()
	if took := time.Since(start); took > lastWords+time.Second {
		t.Errorf("ending took %v", took)
	}
	if s := tracer.State(); s.Failed/4+s.Dropped != 1000 {
		t.Errorf("state %+v", s)
	}
}

func TestTracer_WhatComesAfterItsEndIsCountedAndCountsMayBeShared(t *testing.T) {
	r := newReceiver(t)
	counts := new(Counts)
	for range 2 {
		tracer, err := New(Options{Endpoint: r.URL, Counts: counts})
		if err != nil {
			t.Fatal(err)
		}
		tracer.Observe(exchange())
		tracer.Start()
		tracer.Start()
		tracer.Close()
		tracer.Close()
		tracer.Observe(exchange())
	}
	never, err := New(Options{Endpoint: r.URL, Counts: counts})
	if err != nil {
		t.Fatal(err)
	}
	never.Observe(exchange())
	never.Close()
	never.Start()
	if got, want := never.State(), (telemetry.DeliveryState{To: "traces", Sent: 8, Dropped: 3}); got != want || len(r.received()) != 8 {
		t.Errorf("%d spans arrived, state %+v, want %+v", len(r.received()), got, want)
	}
}

func TestTracer_ObservedWhileItEndsEveryExchangeIsAccountedFor(t *testing.T) {
	r := newReceiver(t)
	tracer, err := New(Options{Endpoint: r.URL})
	if err != nil {
		t.Fatal(err)
	}
	tracer.Start()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 200 {
				tracer.Observe(exchange())
			}
		})
	}
	tracer.Close()
	wg.Wait()
	if s := tracer.State(); s.Sent/4+s.Dropped != 800 {
		t.Errorf("%+v does not account for 800 exchanges of 4 spans", s)
	}
}

func TestTracer_SaysWhenSpansArriveAgain(t *testing.T) {
	r := newReceiver(t)
	r.answerWith(http.StatusUnauthorized)
	var log bytes.Buffer
	tracer, err := New(Options{Endpoint: r.URL, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	defer tracer.finish()
	for _, status := range []int{401, 401, 0, 0} {
		r.answerWith(status)
		tracer.spans(exchange())
		tracer.export(t.Context(), time.Second)
	}
	lost, again := strings.Count(log.String(), "traces are lost"), strings.Count(log.String(), "arrive again")
	if s := tracer.State(); lost != 1 || again != 1 || s.Sent != 8 || s.Failed != 8 {
		t.Errorf("lost %d, again %d, %+v:\n%s", lost, again, s, log.String())
	}
}

func TestNew_TheEndpointIsAURLOfACollector(t *testing.T) {
	for raw, want := range map[string]string{
		"http://127.0.0.1:4318": "http://127.0.0.1:4318/v1/traces", "https://otel.example/": "https://otel.example/v1/traces",
		"https://otel.example/api/otlp": "https://otel.example/api/otlp", "127.0.0.1:4318": "", "ftp://x/": "", "": "",
		"https://user:pass@otel.example": "",
	} {
		u, err := endpoint(raw)
		if got := ""; err == nil {
			got = u.String()
			if got != want {
				t.Errorf("%s: %s, want %s", raw, got, want)
			}
		} else if want != got {
			t.Errorf("%s: %v", raw, err)
		}
	}
	if _, err := New(Options{}); err == nil {
		t.Error("no endpoint is accepted")
	}
}
