package traces

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/gateway"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	collectorpb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// receiver is an OTLP/HTTP collector: it reads the messages of the protocol and
// answers as the protocol asks.
type receiver struct {
	*httptest.Server
	mu       sync.Mutex
	status   int // to answer with; 0: 200
	requests int
	headers  http.Header
	path     string
	resource map[string]any
	spans    []*tracepb.Span
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{}
	r.Server = httptest.NewServer(r)
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.requests++
	r.headers, r.path = req.Header, req.URL.Path
	if r.status != 0 {
		w.WriteHeader(r.status)
		return
	}
	body, _ := io.ReadAll(req.Body)
	var message collectorpb.ExportTraceServiceRequest
	if err := proto.Unmarshal(body, &message); err != nil || req.Header.Get("Content-Type") != "application/x-protobuf" {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	for _, rs := range message.ResourceSpans {
		r.resource = attributes(rs.Resource.Attributes)
		for _, ss := range rs.ScopeSpans {
			r.spans = append(r.spans, ss.Spans...)
		}
	}
	answer, _ := proto.Marshal(&collectorpb.ExportTraceServiceResponse{})
	w.Header().Set("Content-Type", "application/x-protobuf")
	_, _ = w.Write(answer)
}

func (r *receiver) answerWith(status int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status = status
}

func (r *receiver) received() []*tracepb.Span {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.spans
}

// named returns the span of that name.
func (r *receiver) named(t *testing.T, name string) *tracepb.Span {
	t.Helper()
	for _, s := range r.received() {
		if s.Name == name {
			return s
		}
	}
	t.Fatalf("no span %q among %d", name, len(r.received()))
	return nil
}

// attributes are values by name.
func attributes(all []*commonpb.KeyValue) map[string]any {
	out := map[string]any{}
	for _, kv := range all {
		switch v := kv.Value.Value.(type) {
		case *commonpb.AnyValue_StringValue:
			out[kv.Key] = v.StringValue
		case *commonpb.AnyValue_IntValue:
			out[kv.Key] = v.IntValue
		case *commonpb.AnyValue_BoolValue:
			out[kv.Key] = v.BoolValue
		case *commonpb.AnyValue_ArrayValue:
			var parts []string
			for _, one := range v.ArrayValue.Values {
				parts = append(parts, one.GetStringValue())
			}
			out[kv.Key] = strings.Join(parts, " ")
		default:
			out[kv.Key] = fmt.Sprint(v)
		}
	}
	return out
}

// running runs a tracer; the returned function ends it and waits.
func running(t *testing.T, o Options) (tracer *Tracer, end func()) {
	t.Helper()
	tracer, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		tracer.Run(ctx)
	}()
	end = sync.OnceFunc(func() {
		cancel()
		<-done
	})
	t.Cleanup(end)
	return tracer, end
}

var began = time.Date(2026, 11, 22, 1, 0, 0, 0, time.UTC)

// exchange failed at zai for want of capacity and was answered by oa, which
// speaks another dialect than the client.
func exchange() *gateway.Record {
	return &gateway.Record{
		ID: "req_0123456789abcdef01234567", Start: began, Dialect: llm.Anthropic, Call: "/v1/messages", Model: "coder", Stream: true,
		Client: "alice", Team: "web", Session: "SESSION-CANARY", Provider: "oa", Target: "gpt", Status: 200, Reason: "ok",
		TTFT: 300 * time.Millisecond, Duration: 2 * time.Second,
		Usage: llm.Usage{Input: 1000, Output: 50, CacheRead: 600, Reasoning: 20, Known: true}, Cost: 2500, BytesIn: 4000, Bytes: 900,
		Attempts: []gateway.Attempt{
			{Provider: "zai", Model: "glm", Key: "main", Dialect: llm.Anthropic, Start: 10 * time.Millisecond, Duration: 40 * time.Millisecond,
				Status: 529, Class: llm.ClassOverload, Reason: "overloaded", Code: "1305", Message: "PROMPT-CANARY"},
			{Provider: "oa", Model: "gpt", Key: "spare", Dialect: llm.OpenAI, Start: 60 * time.Millisecond, TTFT: 240 * time.Millisecond,
				Duration: 1900 * time.Millisecond, Status: 200, Reason: "ok", Dropped: []string{"top_k", "metadata"}, Encode: 3 * time.Millisecond},
		},
	}
}
