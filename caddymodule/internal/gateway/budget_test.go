package gateway

import (
	"testing"

	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// TestServe_KeepsToItsAllocations holds what one exchange allocates, the request
// and the canned answer of the test included: measured, and a tenth more. Who
// raises a figure says what for.
func TestServe_KeepsToItsAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("pools forget under the race detector")
	}
	anthropic := []llm.Dialect{llm.Anthropic}
	stream := quick(t, anthropic, events)
	for name, tc := range map[string]struct {
		house *house
		body  []byte
		most  float64
	}{
		"1 KB":      {quick(t, anthropic, whole), sized(1, false), 98},
		"200 KB":    {quick(t, anthropic, whole), sized(200, false), 100},
		"50 events": {stream, sized(1, true), 109},
	} {
		tc.house.Clients = guests{"k": {models: "m"}}
		got := testing.AllocsPerRun(200, func() { tc.house.runAs("k", tc.body) })
		if got > tc.most {
			t.Errorf("%s: %.0f allocations, the budget is %.0f", name, got, tc.most)
		}
	}
}
