package gateway

import (
	"net/http"
	"strings"
	"testing"

	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/sse"
	"github.com/aimux/aimux/caddymodule/simulator"
)

func TestLegible_OnlyWhatClientsCanParsePasses(t *testing.T) {
	for name, tc := range map[string]struct {
		ev   sse.Event
		kind dialect.EventKind
		bad  bool
	}{
		"an object":                           {ev: sse.Event{Data: []byte(`{"choices":[]}`)}, kind: dialect.EventContent},
		"an object in several lines":          {ev: sse.Event{Data: []byte("{\"a\":\n1}")}, kind: dialect.EventContent},
		"the mark of the end":                 {ev: sse.Event{Data: []byte(`[DONE]`)}, kind: dialect.EventTerminal},
		"a comment":                           {ev: sse.Event{Comment: true}, kind: dialect.EventPing},
		"text under a name nobody looks for":  {ev: sse.Event{Type: []byte("heartbeat"), Data: []byte(`alive`)}, kind: dialect.EventOther},
		"nothing under a name":                {ev: sse.Event{Type: []byte("heartbeat")}, kind: dialect.EventOther},
		"a cut object":                        {ev: sse.Event{Data: []byte(`{"choices":[{"delta":{"con`)}, kind: dialect.EventPreamble, bad: true},
		"a cut object under a name":           {ev: sse.Event{Type: []byte("content_block_delta"), Data: []byte(`{"delta":{"te`)}, kind: dialect.EventContent, bad: true},
		"an object with text after it":        {ev: sse.Event{Data: []byte(`{} {}`)}, kind: dialect.EventOther, bad: true},
		"a control character inside a string": {ev: sse.Event{Data: []byte("{\"a\":\"\x01\"}")}, kind: dialect.EventContent, bad: true},
		"text":                                {ev: sse.Event{Data: []byte(`alive`)}, kind: dialect.EventOther, bad: true},
		"a cut end":                           {ev: sse.Event{Type: []byte("message_stop"), Data: []byte(`{"type":"message_st`)}, kind: dialect.EventTerminal, bad: true},
		"an end without data":                 {ev: sse.Event{Type: []byte("message_stop")}, kind: dialect.EventTerminal, bad: true},
	} {
		if err := legible(&tc.ev, tc.kind); (err != nil) != tc.bad {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRelay_BrokenEventMovesOnBeforeTheFirstContentAndEndsTheStreamAfterIt(t *testing.T) {
	for client, call := range calls {
		for fault, by := range map[string]string{"malformed;after=0": "b", "malformed;after=2": "a"} {
			h := build(t, Limits{}, seat{name: "a"}, seat{name: "b"})
			step := simulator.Fail(fault)
			step.Forever = true
			h.sims["a"].Script(simulator.Selector{}, step)
			w := h.post(call.path, streaming(call.body))
			body := w.Body.String()
			if w.Code != http.StatusOK || w.Header().Get("X-Aimux-Provider") != by {
				t.Errorf("%s, %s: status %d by %q: %s", client, fault, w.Code, w.Header().Get("X-Aimux-Provider"), body)
			}
			if strings.Contains(body, "{\"con\n") || strings.Contains(body, "the provider's answer broke off") != (by == "a") {
				t.Errorf("%s, %s: %s", client, fault, body)
			}
		}
	}
}
