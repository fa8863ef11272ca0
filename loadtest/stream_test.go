package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aimux/aimux/caddymodule/simulator"
	"pgregory.net/rapid"
)

const chatStream = `data: {"id":"c","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}

data: {"id":"c","choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":null}]}

data: {"id":"c","choices":[{"index":0,"delta":{"content":" you"},"finish_reason":null}]}

data: {"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}

data: [DONE]

`

const messagesStream = `event: message_start
data: {"type":"message_start","message":{"content":[]}}

event: ping
data: {"type":"ping"}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hi"}}

event: message_stop
data: {"type":"message_stop"}

`

const responsesStream = `event: response.created
data: {"type":"response.created","sequence_number":0,"response":{"status":"in_progress"}}

event: response.output_text.delta
data: {"type":"response.output_text.delta","sequence_number":1,"item_id":"m","delta":"Hi"}

event: response.completed
data: {"type":"response.completed","sequence_number":2,"response":{"status":"completed"}}

`

func TestStreamScan_CountsContentAndEnds(t *testing.T) {
	for _, test := range []struct {
		name, stream  string
		pieces        int
		ended, failed bool
	}{
		{"chat", chatStream, 2, true, false},
		{"messages", messagesStream, 1, true, false},
		{"responses", responsesStream, 1, true, false},
		{"responses cut off", strings.Split(responsesStream, "event: response.completed")[0], 1, false, false},
		{"responses error", "event: response.failed\ndata: {\"type\":\"response.failed\",\"response\":{}}\n\n", 0, false, true},
		{"chat with other line ends", strings.ReplaceAll(chatStream, "\n", "\r\n"), 2, true, false},
		{"messages with other line ends", strings.ReplaceAll(messagesStream, "\n", "\r\n"), 1, true, false},
		{"cut off", strings.TrimSuffix(chatStream, "data: [DONE]\n\n"), 2, false, false},
		{"cut in the last line", strings.TrimSuffix(chatStream, "]\n\n"), 2, false, false},
		{"chat error", "data: {\"error\":{\"message\":\"no\"}}\n\ndata: [DONE]\n\n", 0, true, true},
		{"messages error", "event: error\ndata: {\"type\":\"error\",\"error\":{}}\n\n", 0, false, true},
		{"the end as text is no end", "data: {\"delta\":{\"content\":\"data: [DONE]\"}}\n\n", 1, false, false},
		{"nothing", "", 0, false, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			var s streamScan
			s.write([]byte(test.stream))
			if s.pieces != test.pieces || s.ended != test.ended || s.failed != test.failed {
				t.Errorf("pieces %d, ended %t, failed %t", s.pieces, s.ended, s.failed)
			}
		})
	}
}

func TestStreamScan_SeesTheSameHoweverTheStreamIsCut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rest := []byte(rapid.SampledFrom([]string{chatStream, messagesStream, responsesStream}).Draw(t, "stream"))
		var whole, cut streamScan
		whole.write(rest)
		for len(rest) > 0 {
			n := rapid.IntRange(1, len(rest)).Draw(t, "n")
			cut.write(rest[:n])
			rest = rest[n:]
		}
		if whole.pieces != cut.pieces || whole.ended != cut.ended || whole.failed != cut.failed {
			t.Errorf("whole %+v, cut %+v", whole, cut)
		}
	})
}

func TestStreamScan_VerdictNamesWhatIsWrong(t *testing.T) {
	for _, test := range []struct {
		name string
		scan streamScan
		want string
	}{
		{"good", streamScan{pieces: 2, ended: true}, "<nil>"},
		{"failed", streamScan{pieces: 2, ended: true, failed: true}, "error event"},
		{"cut", streamScan{pieces: 2}, "after 2 pieces without its terminal event"},
		{"short", streamScan{pieces: 1, ended: true}, "1 pieces of content instead of 2"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := fmt.Sprint(test.scan.verdict(2)); !strings.Contains(got, test.want) {
				t.Errorf("got %q, want %q in it", got, test.want)
			}
		})
	}
}

// The scan knows the simulator's streams by their spelling, so it is held against the simulator itself.
func TestWatcher_JudgesTheSimulatorsStreams(t *testing.T) {
	for _, test := range []struct {
		name     string
		messages bool
		model    string
		broken   int
	}{
		{"chat", false, firstModel, 0},
		{"messages", true, firstModel, 0},
		{"chat cut", false, "sim-cut", 1},
		{"messages cut", true, "sim-cut", 1},
		{"chat with an error event", false, "sim-error-mid", 1},
		{"messages with an error event", true, "sim-error-mid", 1},
		{"chat too short", false, "sim-ok-tokens-3", 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := &watcher{next: simulator.New(simulator.Options{MaxRecords: -1}).RoundTripper(), words: answer{}.count()}
			target := traffic{messages: test.messages, stream: true, size: 300}.target("http://provider.invalid", test.model)
			request, err := target.Request()
			if err != nil {
				t.Fatal(err)
			}
			answer, err := w.RoundTrip(request.WithContext(t.Context()))
			if err != nil {
				t.Fatal(err)
			}
			defer answer.Body.Close()
			if _, err := io.Copy(io.Discard, answer.Body); err != nil {
				t.Fatal(err)
			}
			if w.broken != test.broken || (w.ttft.total > 0) != (test.broken == 0) {
				t.Errorf("%d broken (%v), time to the first content %s", w.broken, w.why, w.ttft.quantile(0.5))
			}
		})
	}
}

func TestWatcher_CountsWhatIsOpenAndLeavesTheRampOut(t *testing.T) {
	w := &watcher{next: simulator.New(simulator.Options{MaxRecords: -1}).RoundTripper(), words: answer{}.count(), from: time.Now().Add(time.Hour)}
	target := traffic{stream: true, size: 300}.target("http://provider.invalid", firstModel)
	var open []io.Closer
	for range 3 {
		request, _ := target.Request()
		answer, err := w.RoundTrip(request.WithContext(t.Context()))
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, answer.Body)
		if _, err := io.Copy(io.Discard, answer.Body); err != nil {
			t.Fatal(err)
		}
	}
	for _, body := range open {
		_ = body.Close()
		_ = body.Close()
	}
	if w.most != 3 || w.open != 0 || w.ttft.total != 0 || w.broken != 0 {
		t.Errorf("at most %d open, now %d, %d first contents", w.most, w.open, w.ttft.total)
	}
}

func TestWatcher_LeavesOtherAnswersAlone(t *testing.T) {
	w := &watcher{next: simulator.New(simulator.Options{MaxRecords: -1}).RoundTripper(), words: answer{}.count()}
	target := traffic{stream: true, size: 300}.target("http://provider.invalid", "sim-500")
	request, _ := target.Request()
	answer, err := w.RoundTrip(request.WithContext(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if _, watched := answer.Body.(*watchedBody); watched || answer.StatusCode != http.StatusInternalServerError {
		t.Errorf("status %d, watched: %t", answer.StatusCode, watched)
	}
}

func FuzzStreamScan(f *testing.F) {
	f.Add([]byte(chatStream), 7)
	f.Add([]byte(messagesStream), 1)
	f.Fuzz(func(t *testing.T, stream []byte, n int) {
		var whole, cut streamScan
		whole.write(stream)
		for part := range chunks(stream, min(max(n, 1), 64)) {
			cut.write(part)
		}
		if whole.pieces != cut.pieces || whole.ended != cut.ended || whole.failed != cut.failed || !bytes.Equal(whole.line, cut.line) {
			t.Errorf("whole %+v, cut %+v", whole, cut)
		}
	})
}

func chunks(b []byte, n int) func(func([]byte) bool) {
	return func(yield func([]byte) bool) {
		for len(b) > 0 {
			part := b[:min(n, len(b))]
			b = b[len(part):]
			if !yield(part) {
				return
			}
		}
	}
}

func BenchmarkStreamScan(b *testing.B) {
	stream := []byte(chatStream)
	b.SetBytes(int64(len(stream)))
	b.ReportAllocs()
	var s streamScan
	for b.Loop() {
		s.write(stream)
	}
}
