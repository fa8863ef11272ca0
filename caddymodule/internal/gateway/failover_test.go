package gateway

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/dialect/responses"
	"github.com/aimux/aimux/caddymodule/internal/health"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/aimux/aimux/caddymodule/internal/upstream"
	"github.com/aimux/aimux/caddymodule/simulator"
	"github.com/tidwall/gjson"
)

// early are faults before the first content: another target can still answer.
var early = []string{
	"429;retry-after=7", "500", "502", "503", "529", "401", "402", "404", "302", "reset", "reset-headers", "close", "html", "empty",
	"error-200", "error-first",
}

// wholeOnly are faults of answers that come in one piece.
var wholeOnly = []string{"malformed", "truncated", "no-choices", "no-content", "gzip-corrupt", "unknown-encoding", "length-long"}

func TestAttempt_FaultBeforeContentIsAnsweredByTheNextTarget(t *testing.T) {
	for client, call := range calls {
		for _, stream := range []bool{false, true} {
			faults := early
			if !stream {
				faults = slices.Concat(early, wholeOnly)
			}
			for _, fault := range faults {
				if _, err := simulator.ParseFault(fault); err != nil {
					t.Fatalf("fault %q: %v", fault, err)
				}
				h := build(t, Limits{}, seat{name: "a"}, seat{name: "b"})
				step := simulator.Fail(fault)
				step.Forever = true
				h.sims["a"].Script(simulator.Selector{}, step)
				body := call.body
				if stream {
					body = streaming(body)
				}
				w := h.post(call.path, body)
				if w.Code != http.StatusOK || w.Header().Get("X-Aimux-Provider") != "b" || strings.Contains(w.Body.String(), "a:1:") {
					t.Errorf("%s, stream %t, %s: status %d by %q: %s", client, stream, fault, w.Code, w.Header().Get("X-Aimux-Provider"), w.Body)
				}
			}
		}
	}
}

func TestAttempt_ClientFaultIsNotTriedElsewhere(t *testing.T) {
	h := build(t, Limits{}, seat{name: "a"}, seat{name: "b"})
	h.sims["a"].Script(simulator.Selector{}, simulator.Fail("400;message=max_tokens is too small"))
	w := h.post("/v1/messages", calls[llm.Anthropic].body)
	if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "max_tokens is too small") {
		t.Errorf("status %d: %s", w.Code, w.Body)
	}
	if n := h.sims["b"].Count(); n != 0 {
		t.Errorf("the second target got %d requests", n)
	}
}

func TestAttempt_RateLimitedKeyRestsAndTheNextKeyAnswers(t *testing.T) {
	h := build(t, Limits{}, seat{name: "a", keys: []string{"k1", "k2"}})
	h.sims["a"].Script(simulator.Selector{Key: "k1"}, simulator.Step{Fault: simulator.Fail("429;retry-after=60").Fault, Forever: true})
	for range 4 {
		if w := h.post("/v1/messages", calls[llm.Anthropic].body); w.Code != http.StatusOK {
			t.Fatal(w.Code, w.Body)
		}
	}
	if n := h.sims["a"].Count(simulator.Selector{Key: "k1"}); n != 1 {
		t.Errorf("the resting key was asked %d times", n)
	}
}

func TestAttempt_AllRestingIsAnsweredAtOnceWithTheEarliestWake(t *testing.T) {
	h := build(t, Limits{}, seat{name: "a", keys: []string{"k1", "k2"}})
	h.sims["a"].Script(simulator.Selector{Key: "k1"}, simulator.Step{Fault: simulator.Fail("429;retry-after=100").Fault, Forever: true})
	h.sims["a"].Script(simulator.Selector{Key: "k2"}, simulator.Step{Fault: simulator.Fail("429;retry-after=40").Fault, Forever: true})
	h.post("/v1/messages", calls[llm.Anthropic].body)
	before := h.sims["a"].Count()
	for client, call := range calls {
		w := h.post(call.path, call.body)
		if w.Code != http.StatusTooManyRequests {
			t.Errorf("%s: status %d: %s", client, w.Code, w.Body)
		}
		wait, err := time.ParseDuration(w.Header().Get("Retry-After") + "s")
		if err != nil || wait < 39*time.Second || wait > 50*time.Second {
			t.Errorf("%s: Retry-After %q", client, w.Header().Get("Retry-After"))
		}
	}
	if n := h.sims["a"].Count(); n != before {
		t.Errorf("%d requests went upstream", n-before)
	}
}

func TestAttempt_AllKeysRefusedIsTheGatewaysErrorNotA401(t *testing.T) {
	for client, call := range calls {
		h := build(t, Limits{}, seat{name: "a"})
		h.sims["a"].Script(simulator.Selector{}, simulator.Fail("401"))
		if w := h.post(call.path, call.body); w.Code != http.StatusBadGateway {
			t.Errorf("%s: status %d: %s", client, w.Code, w.Body)
		}
	}
}

// marks is how often the mark of a failed stream stands in one: Responses name
// the event and repeat the name in its data.
var marks = map[llm.Dialect]int{llm.Anthropic: 1, llm.OpenAI: 1, llm.Responses: 2}

func TestRelay_CutOrFailedAfterContentEndsWithTheDialectsError(t *testing.T) {
	for client, call := range calls {
		for server := range calls {
			for _, fault := range []string{"cut-fin", "error-mid", "cut-rst", "cut-event"} {
				h := build(t, Limits{}, seat{name: "a", dialects: []llm.Dialect{server}}, seat{name: "b"})
				h.sims["a"].Script(simulator.Selector{}, simulator.Fail(fault))
				w := h.post(call.path, streaming(call.body))
				text := w.Body.String()
				if w.Code != http.StatusOK || strings.Count(text, failed[client]) != marks[client] || strings.Contains(text, terminal[client]) {
					t.Errorf("%s to %s, %s: status %d: %s", client, server, fault, w.Code, text)
				}
				if n := h.sims["b"].Count(); n != 0 {
					t.Errorf("%s to %s, %s: failed over after content", client, server, fault)
				}
				if h.records[0].Class == llm.ClassNone {
					t.Errorf("%s to %s, %s: recorded as well", client, server, fault)
				}
			}
		}
	}
}

func TestCommit_SilentStreamIsPingedAndStillFailsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t, Limits{},
			seat{name: "a", timeouts: upstream.Timeouts{FirstEvent: 32 * time.Second}},
			seat{name: "b"})
		h.sims["a"].Script(simulator.Selector{}, simulator.Fail("silence"))
		start := time.Now()
		w := h.post("/v1/messages", streaming(calls[llm.Anthropic].body))
		text := w.Body.String()
		if took := time.Since(start); took < 32*time.Second || took > 33*time.Second {
			t.Errorf("took %v", took)
		}
		// at 10 s and 25 s
		if n := strings.Count(text, "event: ping"); n != 2 {
			t.Errorf("%d pings", n)
		}
		if !strings.Contains(text, "b:1:0") || !strings.Contains(text, "message_stop") {
			t.Errorf("no whole answer by b: %s\n%+v", text, h.records)
		}
		synctest.Wait()
	})
}

func TestCommit_PingedStreamThatFailsEndsWithAnErrorEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t, Limits{}, seat{name: "a", timeouts: upstream.Timeouts{FirstEvent: 12 * time.Second}})
		h.sims["a"].Script(simulator.Selector{}, simulator.Step{Fault: simulator.Fail("silence").Fault, Forever: true})
		w := h.post("/v1/messages", streaming(calls[llm.Anthropic].body))
		if text := w.Body.String(); w.Code != http.StatusOK || !strings.Contains(text, "event: error") {
			t.Errorf("status %d: %s", w.Code, text)
		}
		synctest.Wait()
	})
}

func TestServe_ClientsHangUpCancelsTheProviderAndHarmsNoKey(t *testing.T) {
	h := build(t, Limits{}, seat{name: "a", options: simulator.Options{TokensPerSecond: 50, Tokens: 10_000}})
	server := httptest.NewServer(h)
	defer server.Close()
	call := calls[llm.Anthropic]
	resp, err := http.Post(server.URL+call.path, "application/json", strings.NewReader(streaming(call.body)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := resp.Body.Read(make([]byte, 64)); err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	http.DefaultClient.CloseIdleConnections()
	err = h.sims["a"].Await(t.Context(), func(all []simulator.Record) bool { return len(all) == 1 && all[0].Canceled })
	if err != nil {
		t.Fatal("the provider was not cancelled:", err)
	}
	if _, _, resting := h.Providers["a"].Keys.Resting("model-a"); resting {
		t.Error("the key rests")
	}
}

func TestCommit_PingsOfATranslatedStreamAreNumberedLikeItsEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t, Limits{}, seat{name: "a", dialects: []llm.Dialect{llm.OpenAI}, timeouts: upstream.Timeouts{Idle: time.Hour}})
		h.sims["a"].Script(simulator.Selector{}, simulator.Fail("stall;for=50s"))
		w := h.post("/v1/responses", streaming(calls[llm.Responses].body))
		next := 0
		for _, line := range strings.Split(w.Body.String(), "\n") {
			if data, ok := strings.CutPrefix(line, "data: "); ok {
				if got := gjson.Get(data, "sequence_number").Int(); int(got) != next {
					t.Fatalf("event %d has number %d: %s", next, got, data)
				}
				next++
			}
		}
		if n := strings.Count(w.Body.String(), "event: keepalive"); n != 3 {
			t.Errorf("%d pings in 50 s of silence, want 3: %s", n, w.Body)
		}
		synctest.Wait()
	})
}

func TestSender_PingDoesNotOvertakeNumberedEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := httptest.NewRecorder()
		s := newSender(w, w, responses.New())
		s.keepAlive(time.Minute, time.Minute)
		defer s.close()
		sent := func() string {
			s.mu.Lock()
			defer s.mu.Unlock()
			return w.Body.String()
		}
		s.commit(func() {})
		s.encoded(func() {}) // an encoder has numbered events
		time.Sleep(90 * time.Second)
		if got := sent(); got != "" {
			t.Errorf("a ping went ahead: %q", got)
		}
		if err := s.write([]byte("events"), false); err != nil {
			t.Fatal(err)
		}
		time.Sleep(59 * time.Second) // the timer fires 30 s after the events
		if got := sent(); got != "events" {
			t.Errorf("a minute of silence was not over: %q", got)
		}
		time.Sleep(2 * time.Second)
		if got := sent(); got != "events: keep-alive\n\n" {
			t.Errorf("got %q", got)
		}
	})
}

func TestAttempt_AConflictIsTriedAgainAtTheSameTargetFirst(t *testing.T) {
	h := build(t, Limits{}, seat{name: "a"}, seat{name: "b"})
	h.sims["a"].Script(simulator.Selector{}, simulator.Fail("409"))
	w := h.post("/v1/messages", calls[llm.Anthropic].body)
	if w.Code != http.StatusOK || w.Header().Get("X-Aimux-Provider") != "a" || h.sims["b"].Count() != 0 {
		t.Errorf("status %d by %q", w.Code, w.Header().Get("X-Aimux-Provider"))
	}
}

func TestAttempt_IsBillableOnceTheProviderHadAllOfItAndRefusedNothing(t *testing.T) {
	for fault, want := range map[string]bool{
		"reset-headers": true, "malformed": true, "truncated": true, "empty": true, "cut;after=0": true,
		"503": false, "429": false, "error-first": false,
	} {
		h := build(t, Limits{}, seat{name: "a"}, seat{name: "b"})
		step := simulator.Fail(fault)
		step.Forever = true
		h.sims["a"].Script(simulator.Selector{}, step)
		w := h.post("/v1/chat/completions", calls[llm.OpenAI].body)
		if w.Code != http.StatusOK {
			t.Fatalf("%s: %d %s", fault, w.Code, w.Body)
		}
		attempts := h.records[0].Attempts
		if first, last := attempts[0], attempts[len(attempts)-1]; first.Billable != want || last.Billable {
			t.Errorf("%s: %t, then %t; want %t, then false (%s)", fault, first.Billable, last.Billable, want, first.Reason)
		}
	}
}

func TestAttempt_AProviderThatAsksToWaitIsNotAskedAgainAtOnce(t *testing.T) {
	for fault, want := range map[string]int{"503;retry-after=30": 1, "503": 2} {
		h := build(t, Limits{}, seat{name: "a"})
		for range 3 {
			h.sims["a"].Script(simulator.Selector{}, simulator.Fail(fault))
		}
		h.post("/v1/messages", calls[llm.Anthropic].body)
		if got := h.sims["a"].Count(); got != want {
			t.Errorf("%s: asked %d times, want %d", fault, got, want)
		}
	}
}

func TestAttempt_ConflictsAreNotHeldAgainstTheTarget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t, Limits{}, seat{name: "a"})
		for range 20 {
			h.sims["a"].Script(simulator.Selector{}, simulator.Reply(409, "application/json", `{"error":{"message":"conflict"}}`))
		}
		for range 6 {
			h.post("/v1/messages", calls[llm.Anthropic].body)
		}
		if phase := h.Router.Targets()[0].Health.Look(time.Now()).Phase; phase != health.Closed {
			t.Errorf("the breaker is %s", phase)
		}
		time.Sleep(time.Minute)
	})
}
