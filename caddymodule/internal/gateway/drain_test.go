package gateway

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/aimux/aimux/caddymodule/simulator"
)

// postUntil is post by a client that hangs up after d.
func (h *house) postUntil(d time.Duration, path, body string) *httptest.ResponseRecorder {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, path, strings.NewReader(body))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// drainAfter drains the house for a while and returns how it went.
func (h *house) drainAfter(begin, grace time.Duration) <-chan Drained {
	out := make(chan Drained, 1)
	go func() {
		time.Sleep(begin)
		ctx, cancel := context.WithTimeout(context.Background(), grace)
		defer cancel()
		out <- h.Drain(ctx)
	}()
	return out
}

// long is a streaming request that asks for as much as there is.
func long(body string) string {
	return streaming(strings.Replace(body, `"max_tokens":64`, `"max_tokens":99999999`, 1))
}

// unavailable is the status with which each dialect says that it is busy.
var unavailable = map[llm.Dialect]int{llm.Anthropic: 529, llm.OpenAI: http.StatusServiceUnavailable, llm.Responses: http.StatusServiceUnavailable}

func TestDrain_StreamsThatFitFinishAndTheOthersEndWithTheDialectsError(t *testing.T) {
	for client, call := range calls {
		for server := range calls {
			synctest.Test(t, func(t *testing.T) {
				h := build(t, Limits{}, seat{name: "a", dialects: []llm.Dialect{server}, options: simulator.Options{TokensPerSecond: 10, Tokens: 600}})
				drained := h.drainAfter(time.Second, 8*time.Second)
				short := make(chan string, 1)
				h.sims["a"].Script(simulator.Selector{}, simulator.Fail("slow;rate=10;tokens=30"))
				go func() { short <- h.post(call.path, long(call.body)).Body.String() }()
				synctest.Wait()
				begun := time.Now()
				w := h.post(call.path, long(call.body))
				if took := time.Since(begun); took < 8*time.Second || took > 10*time.Second {
					t.Errorf("%s to %s: the long stream ended after %v", client, server, took)
				}
				if text := w.Body.String(); strings.Count(text, failed[client]) != marks[client] || strings.Contains(text, terminal[client]) {
					t.Errorf("%s to %s: the long stream ends %.300s", client, server, text[max(0, len(text)-300):])
				}
				if text := <-short; !strings.Contains(text, terminal[client]) {
					t.Errorf("%s to %s: the short stream was cut: %s", client, server, text)
				}
				if got := <-drained; got != (Drained{Finished: 1, Told: 1}) {
					t.Errorf("%s to %s: %+v", client, server, got)
				}
				synctest.Wait()
				if all := h.sims["a"].Requests(); !all[1].Canceled {
					t.Errorf("%s to %s: the upstream was not cancelled", client, server)
				}
				if r := h.records[1]; r.Reason != "draining" || r.Usage.Output == 0 && !r.Estimated {
					t.Errorf("%s to %s: record %+v", client, server, r)
				}
				if _, _, resting := h.Providers["a"].Keys.Resting("model-a"); resting {
					t.Errorf("%s to %s: the key rests", client, server)
				}
			})
		}
	}
}

func TestDrain_WhatHasNotBegunIsToldWithStatus503(t *testing.T) {
	for client, call := range calls {
		synctest.Test(t, func(t *testing.T) {
			h := build(t, Limits{}, seat{name: "a"})
			h.hang("a")
			drained := h.drainAfter(time.Second, 3*time.Second)
			w := h.post(call.path, call.body)
			if w.Code != unavailable[client] || w.Header().Get("Retry-After") == "" {
				t.Errorf("%s: status %d: %s", client, w.Code, w.Body)
			}
			shape(t, client, w)
			if got := <-drained; got.Told != 1 || got.Left != 0 {
				t.Errorf("%s: %+v", client, got)
			}
			synctest.Wait()
		})
	}
}

func TestDrain_NewExchangesAreRefused(t *testing.T) {
	for client, call := range calls {
		h := build(t, Limits{}, seat{name: "a"})
		if got := h.Drain(t.Context()); got != (Drained{}) {
			t.Errorf("an idle gateway drained %+v", got)
		}
		w := h.post(call.path, call.body)
		if w.Code != unavailable[client] || w.Header().Get("Retry-After") != "1" || w.Header().Get("Connection") != "close" {
			t.Errorf("%s: status %d, header %v: %s", client, w.Code, w.Header(), w.Body)
		}
		shape(t, client, w)
		if n := h.Traffic.Refusals.Count(CeilingDraining); n != 1 || h.sims["a"].Count() != 0 {
			t.Errorf("%s: %d refusals counted, %d requests upstream", client, n, h.sims["a"].Count())
		}
		r := httptest.NewRecorder()
		h.ServeHTTP(r, httptest.NewRequest("GET", "/readyz", nil))
		if r.Code != http.StatusServiceUnavailable {
			t.Errorf("%s: /readyz says %d", client, r.Code)
		}
	}
}

func TestDrain_ReachesTheStreamsOfEarlierConfigurations(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		old := build(t, Limits{}, seat{name: "a", options: simulator.Options{TokensPerSecond: 1, Tokens: 600}})
		young := New(Options{Dialects: old.Dialects, Router: old.Router, Providers: old.Providers, Budget: old.Budget, Traffic: old.Traffic})
		done := make(chan string)
		go func() { done <- old.post("/v1/messages", long(calls[llm.Anthropic].body)).Body.String() }()
		time.Sleep(2 * time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		go young.Drain(ctx)
		if text := <-done; !strings.Contains(text, "event: error") {
			t.Errorf("got %s", text)
		}
		synctest.Wait()
	})
}

func TestDrain_AClientThatDoesNotReadIsCut(t *testing.T) {
	h := build(t, Limits{}, seat{name: "a", options: simulator.Options{Tokens: 2_000_000}})
	server := httptest.NewServer(h)
	defer server.Close()
	call := calls[llm.Anthropic]
	r, err := http.Post(server.URL+call.path, "application/json", strings.NewReader(long(call.body)))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	waitUntil(t, "the gateway is stuck", func() bool { return stuckFor(h, 100*time.Millisecond) })
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	begun := time.Now()
	if got := h.Drain(ctx); got.Left != 0 || time.Since(begun) > 3*time.Second {
		t.Errorf("%+v after %v", got, time.Since(begun))
	}
}

// stuckFor reports whether some exchange has waited so long for its client.
func stuckFor(h *house, d time.Duration) bool {
	for _, x := range h.Traffic.remaining() {
		if since := x.send.guard.since.Load(); since != 0 && time.Since(began)-time.Duration(since) > d {
			return true
		}
	}
	return false
}

// waitUntil polls for what another goroutine does on a real connection.
func waitUntil(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

func TestDrain_ManyAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t, Limits{}, seat{name: "a", options: simulator.Options{TokensPerSecond: 1, Tokens: 600}})
		h.Observer = nobody{}
		var wait sync.WaitGroup
		var mu sync.Mutex
		ended := 0
		for range 100 {
			wait.Go(func() {
				text := h.post("/v1/chat/completions", streaming(calls[llm.OpenAI].body)).Body.String()
				mu.Lock()
				defer mu.Unlock()
				if strings.Contains(text, `data: {"error":`) {
					ended++
				}
			})
		}
		if got := <-h.drainAfter(3*time.Second, time.Second); got != (Drained{Told: 100}) {
			t.Errorf("%+v", got)
		}
		wait.Wait()
		if ended != 100 {
			t.Errorf("%d streams ended with an error event", ended)
		}
		synctest.Wait()
	})
}
