package telemetry

import (
	"testing"

	"github.com/aimux/aimux/caddymodule/internal/gateway"
	"github.com/aimux/aimux/caddymodule/internal/keypool"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
)

// TestMetrics_FollowPrometheusConventions asks the linter behind promtool check
// metrics.
func TestMetrics_FollowPrometheusConventions(t *testing.T) {
	m, s := NewMetrics(), states()
	s.Refusals = new(gateway.Refusals)
	m.Rested("zai", keypool.Rested{Key: &keypool.Key{Name: "main"}, Class: llm.ClassRate})
	recorder := m.For(names())
	recorder.Observe(failedOver())
	recorder.Observe(failed(llm.ClassTransient, "upstream_5xx"))
	families, err := registered(t, m, s).Gather()
	if err != nil {
		t.Fatal(err)
	}
	problems, err := promlint.NewWithMetricFamilies(families).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}
