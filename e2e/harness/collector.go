package harness

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync"

	collectorpb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// Collector receives traces by OTLP over HTTP, as OpenTelemetry's own collector
// does.
type Collector struct {
	*httptest.Server
	mu       sync.Mutex
	spans    []Span
	requests []http.Header
	resource map[string]any
	problem  string
}

// Span is a span as it arrived.
type Span struct {
	*tracepb.Span
	// Is are the attributes by name.
	Is map[string]any
}

// NewCollector starts a collector that ends with the test.
func NewCollector(t T) *Collector {
	c := &Collector{}
	c.Server = httptest.NewServer(http.HandlerFunc(c.receive))
	t.Cleanup(c.Close)
	return c
}

func (c *Collector) receive(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var message collectorpb.ExportTraceServiceRequest
	if err == nil {
		err = proto.Unmarshal(body, &message)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.requests = append(c.requests, r.Header)
	switch {
	case err != nil:
		c.problem = err.Error()
	case r.URL.Path != "/v1/traces" || r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/x-protobuf":
		c.problem = r.Method + " " + r.URL.Path + " " + r.Header.Get("Content-Type")
	}
	if c.problem != "" {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	c.keep(&message)
	answer, _ := proto.Marshal(&collectorpb.ExportTraceServiceResponse{})
	w.Header().Set("Content-Type", "application/x-protobuf")
	_, _ = w.Write(answer)
}

func (c *Collector) keep(message *collectorpb.ExportTraceServiceRequest) {
	for _, resource := range message.ResourceSpans {
		c.resource = attributes(resource.GetResource().GetAttributes())
		for _, scope := range resource.ScopeSpans {
			for _, s := range scope.Spans {
				c.spans = append(c.spans, Span{s, attributes(s.Attributes)})
			}
		}
	}
}

// attributes are values by name: texts, whole numbers and truths.
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
		}
	}
	return out
}

// Spans returns the spans that arrived so far.
func (c *Collector) Spans() []Span {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]Span(nil), c.spans...)
}

// Of returns the spans of an exchange: its own, which bears the request id, and
// those below it.
func (c *Collector) Of(id string) []Span {
	var trace string
	var out []Span
	all := c.Spans()
	for _, s := range all {
		if s.Is["aimux.request_id"] == id {
			trace = string(s.TraceId)
		}
	}
	for _, s := range all {
		if trace != "" && string(s.TraceId) == trace {
			out = append(out, s)
		}
	}
	return out
}

// Resource returns the attributes of whoever sent the last spans.
func (c *Collector) Resource() map[string]any {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.resource
}

// Headers returns those of the requests so far.
func (c *Collector) Headers() []http.Header {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]http.Header(nil), c.requests...)
}

// Problem is what was wrong with a request; empty: nothing.
func (c *Collector) Problem() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.problem
}
