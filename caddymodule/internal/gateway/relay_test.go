package gateway

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/dialect/openai"
	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/aimux/aimux/caddymodule/internal/upstream"
)

// spoken is a provider that answers with the stream it is told to write, whatever
// was asked.
type spoken func(w io.Writer, r *http.Request)

func (s spoken) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		_, _ = io.Copy(io.Discard, r.Body)
		r.Body.Close()
	}
	out, in := io.Pipe()
	context.AfterFunc(r.Context(), func() { out.CloseWithError(r.Context().Err()) })
	go func() {
		s(in, r)
		in.Close()
	}()
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"text/event-stream"}}, Body: out}, nil
}

func speaking(t *testing.T, s spoken) *house {
	t.Helper()
	h := build(t, Limits{}, seat{name: "a"})
	h.Providers["a"].Client = upstream.New(upstream.Timeouts{}, s)
	return h
}

const (
	chatPiece = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"x\"}}]}\n\n"
	chatEnd   = "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
	chatUsage = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2}}\n\n"
	chatDone  = "data: [DONE]\n\n"
)

func TestRelay_UsageOfTheEndDoesNotForgetThatOfTheBeginning(t *testing.T) {
	h := speaking(t, func(w io.Writer, _ *http.Request) {
		_, _ = io.WriteString(w, `event: message_start
data: {"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[],"stop_reason":null,"usage":{"input_tokens":1000,"cache_read_input_tokens":5000,"output_tokens":1}}}

event: content_block_start
data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hi"}}

event: content_block_stop
data: {"type":"content_block_stop","index":0}

event: message_delta
data: {"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":15}}

event: message_stop
data: {"type":"message_stop"}

`)
	})
	want := llm.Usage{Input: 6000, CacheRead: 5000, Output: 15, Known: true}
	for i, body := range []string{streaming(calls[llm.Anthropic].body), calls[llm.Anthropic].body} {
		if w := h.post("/v1/messages", body); w.Code != http.StatusOK {
			t.Fatal(w.Code, w.Body)
		}
		if got := h.records[i].Usage; got != want {
			t.Errorf("%s: recorded %+v, want %+v", body, got, want)
		}
	}
}

// written notes what had been sent to the client at each flush.
type written struct {
	*httptest.ResponseRecorder
	sent int
}

func (w *written) FlushError() error { w.sent = w.Body.Len(); return nil }

func TestRelay_ContentDoesNotWaitForWhatIsLeftOut(t *testing.T) {
	w := &written{ResponseRecorder: httptest.NewRecorder()}
	var held string
	synctest.Test(t, func(t *testing.T) {
		h := speaking(t, func(to io.Writer, _ *http.Request) {
			_, _ = io.WriteString(to, chatPiece)
			_, _ = io.WriteString(to, chatEnd+chatUsage) // usage that the client did not ask for
			synctest.Wait()
			held = w.Body.String()[w.sent:]
			_, _ = io.WriteString(to, chatDone)
		})
		h.AskUsage = true
		r := httptest.NewRequest(http.MethodPost, "/v1/chat/completions", strings.NewReader(streaming(calls[llm.OpenAI].body)))
		r.Header.Set("Content-Type", "application/json")
		h.ServeHTTP(w, r)
		time.Sleep(time.Minute)
	})
	if !strings.Contains(w.Body.String(), "finish_reason") {
		t.Fatalf("answer %q", w.Body)
	}
	if held != "" {
		t.Errorf("held back: %q", held)
	}
}

func TestAggregate_AStreamThatGoesOnIsNotEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := speaking(t, func(w io.Writer, _ *http.Request) {
			for range 400 {
				time.Sleep(time.Second)
				if _, err := io.WriteString(w, chatPiece); err != nil {
					return
				}
			}
			_, _ = io.WriteString(w, chatEnd+chatDone)
		})
		if w := h.post("/v1/chat/completions", calls[llm.OpenAI].body); w.Code != http.StatusOK {
			t.Errorf("%d %s after %s", w.Code, w.Body, h.records[0].Duration)
		}
		time.Sleep(time.Hour)
	})
}

func TestWhole_AnAnswerThatTakesLongDoesNotMakeTheFirstTokenLookLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := speaking(t, func(w io.Writer, r *http.Request) {
			if !strings.Contains(r.Header.Get("Accept"), "event") {
				time.Sleep(20 * time.Second)
			}
			time.Sleep(300 * time.Millisecond)
			_, _ = io.WriteString(w, chatPiece+chatEnd+chatDone)
		})
		for range 5 {
			h.post("/v1/chat/completions", streaming(calls[llm.OpenAI].body))
		}
		go h.post("/v1/chat/completions", calls[llm.OpenAI].body)
		time.Sleep(10 * time.Second)
		if d, _ := h.Router.Targets()[0].Health.Expect(time.Now(), 100, 0); d > time.Second {
			t.Errorf("a first token is expected after %s", d)
		}
		time.Sleep(time.Hour)
	})
}

func TestSender_AfterTheHandlerTheConnectionIsLeftAlone(t *testing.T) {
	senders := make(chan *sender, 1)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		s := newSender(w, w, openai.New())
		_ = s.whole([]byte("{}"), func() {})
		s.close()
		senders <- s
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	for range 3 {
		answer, err := server.Client().Get(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, answer.Body); err != nil {
			t.Error(err)
		}
		answer.Body.Close()
		late := <-senders
		late.stopReading() // net/http would panic: the request is over
		late.cut()
	}
	server.Client().CloseIdleConnections()
}

// What a record says was dropped is shown long after the request's memory holds
// another one.
func TestSettle_WhatWasDroppedOutlivesTheRequest(t *testing.T) {
	others := map[llm.Dialect]llm.Dialect{llm.Anthropic: llm.OpenAI, llm.OpenAI: llm.Anthropic, llm.Responses: llm.Anthropic}
	for client, call := range calls {
		h := build(t, Limits{}, seat{name: "a", dialects: []llm.Dialect{others[client]}})
		if w := h.post(call.path, strings.Replace(call.body, "{", `{"mine":1,`, 1)); w.Code != http.StatusOK {
			t.Fatal(w.Code, w.Body)
		}
		buffer, _ := buffers.Get().(*bytes.Buffer)
		buffer.Reset()
		memory := buffer.AvailableBuffer()
		for i := range memory[:cap(memory)] {
			memory[:cap(memory)][i] = '#'
		}
		buffers.Put(buffer)
		if got := fmt.Sprint(h.records[0].Attempts[0].Dropped); got != "[mine]" {
			t.Errorf("%s: dropped %s", client, got)
		}
	}
}
