package gateway

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/aimux/aimux/caddymodule/internal/dialect"
	"github.com/aimux/aimux/caddymodule/internal/dialect/anthropic"
	"github.com/aimux/aimux/caddymodule/internal/dialect/openai"
	"github.com/aimux/aimux/caddymodule/internal/dialect/responses"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/aimux/aimux/caddymodule/internal/sse"
	"github.com/aimux/aimux/caddymodule/simulator"
)

// mine is a dialect that blows up at the nth event, or at the first ping.
type mine struct {
	dialect.Dialect
	at     int
	atPing bool
	seen   int
}

func (m *mine) Inspect(ev *sse.Event) dialect.Inspection {
	if m.seen++; m.seen == m.at {
		panic("a translator's mistake")
	}
	return m.Dialect.Inspect(ev)
}

func (m *mine) AppendPing(dst []byte) []byte {
	if m.atPing {
		panic("a ping's mistake")
	}
	return m.Dialect.AppendPing(dst)
}

// mined is a house in which every dialect is a mine.
func mined(t *testing.T, m mine, seats ...seat) *house {
	h := build(t, Limits{}, seats...)
	var all []dialect.Dialect
	for _, d := range []dialect.Dialect{anthropic.New(), openai.New(), responses.New()} {
		copied := m
		copied.Dialect = d
		all = append(all, &copied)
	}
	h.Dialects = dialect.NewSet(all...)
	return h
}

func TestPanic_InTheRelayEndsThatStreamAndGivesEverythingBack(t *testing.T) {
	for name, at := range map[string]int{"before content": 1, "after content": 6} {
		for client, call := range calls {
			t.Run(name+", "+string(client), func(t *testing.T) {
				h := mined(t, mine{at: at}, seat{name: "a", options: simulator.Options{TokensPerSecond: 1000, Tokens: 10_000}})
				w := h.post(call.path, long(call.body))
				text := w.Body.String()
				if at == 1 && w.Code != http.StatusInternalServerError || at > 1 && !strings.Contains(text, failed[client]) {
					t.Errorf("status %d: %.400s", w.Code, text)
				}
				if strings.Contains(text, terminal[client]) {
					t.Errorf("the stream seems whole: %s", text)
				}
				if r := h.records[0]; r.Reason != "panic" || len(r.Attempts) != 1 {
					t.Errorf("record %+v", r)
				}
				key := h.Providers["a"].Keys.Snapshot(h.Now())[0]
				health := h.Router.Targets()[0].Health.Snapshot(h.Now())
				if key.InFlight != 0 || len(key.Rests) != 0 || health.InFlight != 0 || health.Minute.Failed != 0 {
					t.Errorf("the key: %+v, the target: %+v", key, health)
				}
				if err := h.sims["a"].Await(t.Context(), func(all []simulator.Record) bool { return len(all) == 1 && all[0].Canceled }); err != nil {
					t.Error("the upstream was not cancelled:", err)
				}
				if h.Traffic.InFlight() != 0 || h.Traffic.Streams() != 0 {
					t.Errorf("%d in flight, %d streams", h.Traffic.InFlight(), h.Traffic.Streams())
				}
			})
		}
	}
}

func TestPanic_OfAPingEndsThatStreamAndNotTheProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := mined(t, mine{atPing: true}, seat{name: "a"})
		h.hang("a")
		w := h.post("/v1/messages", streaming(calls[llm.Anthropic].body))
		if h.records[0].Reason != "panic" {
			t.Errorf("status %d: %s; %+v", w.Code, w.Body, h.records[0])
		}
		synctest.Wait()
		if all := h.sims["a"].Requests(); !all[0].Canceled {
			t.Error("the upstream was not cancelled")
		}
	})
}

func TestPanic_AfterTheWholeAnswerAddsNothingToIt(t *testing.T) {
	h := build(t, Limits{}, seat{name: "a"})
	h.Tokens = explosive{}
	w := h.post("/v1/messages", calls[llm.Anthropic].body)
	if text := w.Body.String(); w.Code != http.StatusOK || strings.Contains(text, "error") {
		t.Errorf("status %d: %s", w.Code, text)
	}
	if h.records[0].Reason != "panic" {
		t.Errorf("record %+v", h.records[0])
	}
}

// explosive panics where the answer has been sent already.
type explosive struct{}

func (explosive) Estimate(string, []byte, llm.Dialect) int { return 0 }

func (explosive) Learn(string, []byte, llm.Dialect, int) { panic("a counter's mistake") }
