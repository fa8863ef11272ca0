package gateway

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/tidwall/gjson"
)

func TestPin_PreviousResponseGoesToTheProviderAndKeyThatMadeIt(t *testing.T) {
	for _, stream := range []bool{false, true} {
		h := build(t, Limits{}, seat{name: "a", keys: []string{"k1", "k2", "k3"}}, seat{name: "b"})
		body := calls[llm.Responses].body
		if stream {
			body = streaming(body)
		}
		for range 2 { // k1, then k2
			h.post("/v1/responses", body)
		}
		first := h.post("/v1/responses", body).Body.String() // by k3
		id := gjson.Get(first, "id").Str
		if stream {
			_, data, _ := strings.Cut(first, "data: ")
			id = gjson.Get(data, "response.id").Str
		}
		for range 3 {
			w := h.post("/v1/responses", fmt.Sprintf(`{"model":"m","input":"go on","previous_response_id":%q}`, id))
			if w.Code != http.StatusOK {
				t.Fatalf("stream %t: status %d: %s", stream, w.Code, w.Body)
			}
		}
		requests := h.sims["a"].Requests()
		for _, r := range requests[3:] {
			if r.Key != requests[2].Key {
				t.Errorf("stream %t: an answer of %s was followed with %s", stream, requests[2].Key, r.Key)
			}
		}
	}
}

func TestPin_UnknownPreviousResponseIsRefusedUnlessThereIsOnePlaceItCanBeFrom(t *testing.T) {
	body := `{"model":"m","input":"go on","previous_response_id":"resp_x"}`
	h := build(t, Limits{}, seat{name: "a"}, seat{name: "b"})
	w := h.post("/v1/responses", body)
	if w.Code != http.StatusBadRequest || gjson.Get(w.Body.String(), "error.param").Str != "previous_response_id" {
		t.Errorf("status %d: %s", w.Code, w.Body)
	}
	translated := build(t, Limits{}, seat{name: "a", dialects: []llm.Dialect{llm.OpenAI}})
	if w := translated.post("/v1/responses", body); w.Code != http.StatusBadRequest {
		t.Errorf("before a Chat provider: status %d: %s", w.Code, w.Body)
	}
	alone := build(t, Limits{}, seat{name: "a"})
	if w := alone.post("/v1/responses", body); w.Code != http.StatusOK {
		t.Errorf("with one provider and one key: status %d: %s", w.Code, w.Body)
	}
}

func TestPin_ThreadsAreForAnthropicAndRefusedAsItsSDKExpects(t *testing.T) {
	body := strings.Replace(calls[llm.Anthropic].body, `{`, `{"thread":{"type":"create"},`, 1)
	h := build(t, Limits{}, seat{name: "a", kind: "anthropic-compatible"})
	w := h.post("/v1/messages", body)
	if w.Code != http.StatusBadRequest || gjson.Get(w.Body.String(), "error.details.error_code").Str != "thread_unsupported_request" {
		t.Errorf("status %d: %s", w.Code, w.Body)
	}
	if n := h.sims["a"].Count(); n != 0 {
		t.Errorf("%d requests went upstream", n)
	}
	genuine := build(t, Limits{}, seat{name: "a", kind: "anthropic", keys: []string{"k1", "k2"}})
	first := genuine.post("/v1/messages", body)
	next := strings.Replace(body, `"create"`, `"continue","previous_message_id":"`+gjson.Get(first.Body.String(), "id").Str+`"`, 1)
	genuine.post("/v1/messages", next)
	genuine.post("/v1/messages", next)
	for _, r := range genuine.sims["a"].Requests() {
		if r.Key != "k1" {
			t.Errorf("a thread of k1 went on with %s", r.Key)
		}
	}
}

func TestPins_ForgetTheOldestFirst(t *testing.T) {
	var p Pins
	for i := range maxPins + 2 {
		p.put(fmt.Sprint(i), pin{key: "k"})
	}
	for id, want := range map[string]bool{"0": false, "1": false, "2": true, fmt.Sprint(maxPins + 1): true} {
		if _, ok := p.get(id); ok != want {
			t.Errorf("%s remembered: %t", id, ok)
		}
	}
}
