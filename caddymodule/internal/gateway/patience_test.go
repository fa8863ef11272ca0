package gateway

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/aimux/aimux/caddymodule/internal/upstream"
	"github.com/aimux/aimux/caddymodule/simulator"
)

func TestPatience_ReadsWhatClientsSay(t *testing.T) {
	for name, tc := range map[string]struct {
		header, value string
		want          patience
	}{
		"SDKs":                {"X-Stainless-Timeout", "600", patience{10 * time.Minute, false}},
		"SDKs, a fraction":    {"X-Stainless-Timeout", "1.5", patience{1500 * time.Millisecond, false}},
		"NaN":                 {"X-Stainless-Timeout", "NaN", patience{}},
		"negative":            {"X-Stainless-Timeout", "-3", patience{}},
		"zero":                {"X-Stainless-Timeout", "0", patience{}},
		"words":               {"X-Stainless-Timeout", "never", patience{}},
		"beyond any timer":    {"X-Stainless-Timeout", "1e99", patience{}},
		"a unit's mistake":    {"X-Stainless-Timeout", "0.001", patience{}},
		"gRPC seconds":        {"Grpc-Timeout", "30S", patience{30 * time.Second, true}},
		"gRPC milliseconds":   {"Grpc-Timeout", "1500m", patience{1500 * time.Millisecond, true}},
		"gRPC minutes":        {"Grpc-Timeout", "2M", patience{2 * time.Minute, true}},
		"gRPC too many hours": {"Grpc-Timeout", "99999999H", patience{}},
		"gRPC no unit":        {"Grpc-Timeout", "30", patience{}},
		"gRPC nine digits":    {"Grpc-Timeout", "123456789S", patience{}},
		"Go's durations":      {"X-Request-Timeout", "1m30s", patience{90 * time.Second, true}},
		"seconds":             {"Request-Timeout", "45", patience{45 * time.Second, true}},
		"nothing":             {"X-Other", "45", patience{}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := patienceOf(http.Header{tc.header: {tc.value}}); got != tc.want {
				t.Errorf("got %+v, want %+v", got, tc.want)
			}
		})
	}
}

func FuzzPatience(f *testing.F) {
	for _, s := range []string{"600", "1.5", "30S", "99999999H", "1m30s", "NaN", "1e308", "0x1p-2", "-1", "9223372036s"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, name := range []string{"X-Stainless-Timeout", "Grpc-Timeout", "X-Request-Timeout"} {
			if p := patienceOf(http.Header{name: {s}}); p.wait != 0 && (p.wait < leastPatience || p.wait >= mostPatience) {
				t.Fatalf("%s: %q is %v", name, s, p.wait)
			}
		}
	})
}

// hang lets providers of a house never answer.
func (h *house) hang(names ...string) {
	for _, name := range names {
		h.sims[name].Script(simulator.Selector{}, simulator.Step{Fault: simulator.Fail("hang").Fault, Forever: true})
	}
}

func TestPatience_ACallIsAnsweredBeforeTheClientGivesUp(t *testing.T) {
	for _, header := range []string{"X-Stainless-Timeout", "X-Request-Timeout"} {
		synctest.Test(t, func(t *testing.T) {
			for client, call := range calls {
				h := build(t, Limits{}, seat{name: "a"}, seat{name: "b"})
				h.hang("a", "b")
				begun := time.Now()
				w := h.post(call.path, call.body, header, "20")
				if took := time.Since(begun); w.Code != http.StatusGatewayTimeout || took < 19*time.Second || took >= 20*time.Second {
					t.Errorf("%s: status %d after %v: %s", client, w.Code, took, w.Body)
				}
				shape(t, client, w)
				if n := h.sims["b"].Count(); n != 0 {
					t.Errorf("%s: the second target was asked %d times in no time", client, n)
				}
				if r := h.records[0]; r.Reason != "client_deadline" {
					t.Errorf("%s: recorded as %q", client, r.Reason)
				}
				if _, _, resting := h.Providers["a"].Keys.Resting("model-a"); resting {
					t.Errorf("%s: the key rests", client)
				}
			}
			synctest.Wait()
		})
	}
}

func TestPatience_AStreamIsPingedInTimeAndFailsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t, Limits{}, seat{name: "a", timeouts: upstream.Timeouts{FirstEvent: 7 * time.Second}}, seat{name: "b"})
		h.hang("a")
		w := h.post("/v1/messages", streaming(calls[llm.Anthropic].body), "X-Stainless-Timeout", "4")
		text := w.Body.String()
		if strings.Count(text, "event: ping") != 1 || !strings.Contains(text, "b:1:0") || !strings.Contains(text, "message_stop") {
			t.Errorf("no ping at 2 s, or no answer by b: %s", text)
		}
		synctest.Wait()
	})
}

func TestPatience_AnAttemptThatCannotFinishIsNotBegun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t, Limits{}, seat{name: "a", timeouts: upstream.Timeouts{FirstEvent: 9 * time.Second}}, seat{name: "b"})
		slow := simulator.Step{Fault: simulator.Fail("slow;ttft=3s;rate=1000").Fault, Times: 5}
		h.sims["b"].Script(simulator.Selector{}, slow)
		for range 5 { // b is known to take three seconds
			h.post("/v1/messages", streaming(calls[llm.Anthropic].body), "X-Aimux-Route", "only=b")
		}
		h.hang("a")
		begun := time.Now()
		w := h.post("/v1/messages", calls[llm.Anthropic].body, "X-Request-Timeout", "10")
		if took := time.Since(begun); w.Code != http.StatusGatewayTimeout || took != 9*time.Second {
			t.Errorf("status %d after %v: %s", w.Code, took, w.Body)
		}
		if n := h.sims["b"].Count(); n != 5 {
			t.Errorf("b was asked %d times with one second left", n-5)
		}
		synctest.Wait()
	})
}

func TestPatience_WhatHasBegunIsNotCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t, Limits{}, seat{name: "a", options: simulator.Options{TokensPerSecond: 2, Tokens: 30}})
		for _, header := range []string{"X-Stainless-Timeout", "Grpc-Timeout"} {
			value := map[string]string{"X-Stainless-Timeout": "5", "Grpc-Timeout": "5S"}[header]
			w := h.post("/v1/messages", streaming(calls[llm.Anthropic].body), header, value)
			if !strings.Contains(w.Body.String(), "message_stop") {
				t.Errorf("%s: cut: %s", header, w.Body)
			}
		}
		synctest.Wait()
	})
}

func TestAttempt_AConflictIsGivenHalfASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t, Limits{}, seat{name: "a"})
		h.sims["a"].Script(simulator.Selector{}, simulator.Fail("409"))
		begun := time.Now()
		w := h.post("/v1/messages", calls[llm.Anthropic].body)
		if took := time.Since(begun); w.Code != http.StatusOK || took < 400*time.Millisecond || took > 600*time.Millisecond {
			t.Errorf("status %d after %v", w.Code, took)
		}
		synctest.Wait()
	})
}

func TestAttempt_NoPauseOutlastsTheClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t, Limits{}, seat{name: "a"})
		h.sims["a"].Script(simulator.Selector{}, simulator.Fail("409"))
		begun := time.Now()
		h.postUntil(100*time.Millisecond, "/v1/messages", calls[llm.Anthropic].body)
		if took := time.Since(begun); took != 100*time.Millisecond || h.sims["a"].Count() != 1 {
			t.Errorf("%d attempts, ended after %v", h.sims["a"].Count(), took)
		}
		if h.records[0].Class != llm.ClassCanceled {
			t.Errorf("record %+v", h.records[0])
		}
		synctest.Wait()
	})
}
