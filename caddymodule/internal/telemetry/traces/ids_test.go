package traces

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/aimux/aimux/caddymodule/internal/gateway"
	"go.opentelemetry.io/otel/trace"
)

func TestParse_OnlyTheStandardsFormIsTaken(t *testing.T) {
	for header, want := range map[string]bool{
		parent: true,
		"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00":       true,
		"cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01":       true,
		"cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-later": true,
		"cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01later":  false,
		"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-extra": false,
		"ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01":       false,
		"00-00000000000000000000000000000000-b7ad6b7169203331-01":       false,
		"00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01":       false,
		"00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01":       false,
		"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0X":       false,
		"00_0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01":       false,
		"": false, "00": false,
	} {
		if _, ok := parse(header); ok != want {
			t.Errorf("%q: %v, want %v", header, ok, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(parent)
	f.Add("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-03-x")
	f.Add("00-00000000000000000000000000000000-0000000000000000-00")
	f.Fuzz(func(t *testing.T, header string) {
		c, ok := parse(header)
		if !ok {
			if c.IsValid() {
				t.Errorf("%q is refused and valid", header)
			}
			return
		}
		if !c.IsValid() || !strings.Contains(header, c.TraceID().String()+"-"+c.SpanID().String()) {
			t.Errorf("%q was read as %s-%s", header, c.TraceID(), c.SpanID())
		}
	})
}

func TestPlaceOf_TheClientDecidesElseTheRatio(t *testing.T) {
	unsampled := strings.TrimSuffix(parent, "01") + "00"
	for name, test := range map[string]struct {
		traceparent string
		ratio       float64
		sampled     bool
	}{
		"client wants it, ratio 0":     {parent, -1, true},
		"client does not, ratio 1":     {unsampled, 1, false},
		"nobody says, everything":      {"", 1, true},
		"nobody says, nothing":         {"", -1, false},
		"nonsense counts as no parent": {"nonsense", 1, true},
	} {
		t.Run(name, func(t *testing.T) {
			if got := placeOf(&gateway.Record{ID: "req_1", Traceparent: test.traceparent}, test.ratio).sampled; got != test.sampled {
				t.Errorf("sampled %v", got)
			}
		})
	}
}

func TestPlaceOf_TheRatioIsKept(t *testing.T) {
	const n = 20_000
	for _, ratio := range []float64{0.01, 0.25, 0.5, 0.9} {
		sampled := 0
		for i := range n {
			if placeOf(&gateway.Record{ID: fmt.Sprintf("req_%d", i)}, ratio).sampled {
				sampled++
			}
		}
		if got := float64(sampled) / n; math.Abs(got-ratio) > 0.02 {
			t.Errorf("ratio %v: %v", ratio, got)
		}
	}
}

func TestSpanID_EverySpanOfEveryExchangeHasItsOwn(t *testing.T) {
	seen := map[trace.SpanID]bool{}
	for e := range 100 {
		for _, kind := range []byte{exchangeSpan, attemptSpan, translationSpan} {
			for n := range 10 {
				id := spanID(fmt.Sprintf("req_%d", e), kind, n)
				if seen[id] || !id.IsValid() {
					t.Fatalf("id %s twice, or not valid", id)
				}
				seen[id] = true
			}
		}
	}
}

func TestClip_CutsBetweenRunes(t *testing.T) {
	if got := clip(strings.Repeat("ü", 100)); got != strings.Repeat("ü", 60) {
		t.Errorf("%d bytes: %q", len(got), got)
	}
	if got := clip("short"); got != "short" {
		t.Errorf("got %q", got)
	}
}

func BenchmarkObserve(b *testing.B) {
	for name, ratio := range map[string]float64{"sampled": 1, "not sampled": -1} {
		b.Run(name, func(b *testing.B) {
			tracer, err := New(Options{Endpoint: "http://127.0.0.1:9", Ratio: ratio, Queue: 1})
			if err != nil {
				b.Fatal(err)
			}
			record := exchange()
			b.ReportAllocs()
			for b.Loop() {
				tracer.Observe(record)
			}
		})
	}
}

func BenchmarkUpstream(b *testing.B) {
	tracer, err := New(Options{Endpoint: "http://127.0.0.1:9"})
	if err != nil {
		b.Fatal(err)
	}
	record := exchange()
	b.ReportAllocs()
	for b.Loop() {
		tracer.Upstream(record)
	}
}

func BenchmarkSpans(b *testing.B) {
	tracer, err := New(Options{Endpoint: "http://127.0.0.1:9"})
	if err != nil {
		b.Fatal(err)
	}
	record := exchange()
	b.ReportAllocs()
	for b.Loop() {
		tracer.spans(record)
		tracer.ended.spans = tracer.ended.spans[:0]
	}
}
