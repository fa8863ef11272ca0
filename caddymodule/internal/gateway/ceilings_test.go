package gateway

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
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

// around is a ceiling met one below it, at it and one above it. It returns
// whether the request was served.
type around struct {
	ceiling Ceiling
	at      func(t *testing.T, delta int) (*house, *httptest.ResponseRecorder)
}

// chat is a Chat request whose body has that size.
func chat(size int) string {
	body := `{"model":"m","messages":[{"role":"user","content":""}]}`
	return strings.Replace(body, `""`, `"`+strings.Repeat("x", size-len(body))+`"`, 1)
}

// answering returns a house whose provider sends this.
func answering(t *testing.T, l Limits, contentType, body string, header ...string) *house {
	h := build(t, l, seat{name: "a", dialects: []llm.Dialect{llm.OpenAI}})
	step := simulator.Reply(http.StatusOK, contentType, body)
	for i := 0; i+1 < len(header); i += 2 {
		step.Answer.Header.Set(header[i], header[i+1])
	}
	step.Forever = true
	h.sims["a"].Script(simulator.Selector{}, step)
	return h
}

// wholeOf is a Chat answer whose body has that size.
func wholeOf(size int) string {
	body := `{"id":"c","object":"chat.completion","model":"m","choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":""}}]}`
	return strings.Replace(body, `""`, `"`+strings.Repeat("x", size-len(body))+`"`, 1)
}

// streamed is a Chat stream whose first event has that size.
func streamed(size int) string {
	event := `data: {"id":"c","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":""}}]}` + "\n\n"
	event = strings.Replace(event, `""`, `"`+strings.Repeat("x", size-len(event))+`"`, 1)
	return event + "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n"
}

var arounds = map[string]around{
	"body": {CeilingBody, func(t *testing.T, delta int) (*house, *httptest.ResponseRecorder) {
		h := build(t, Limits{Body: 5000}, seat{name: "a"})
		return h, h.post("/v1/chat/completions", chat(5000+delta))
	}},
	"body of unknown length": {CeilingBody, func(t *testing.T, delta int) (*house, *httptest.ResponseRecorder) {
		h := build(t, Limits{Body: 5000}, seat{name: "a"})
		r := httptest.NewRequest("POST", "/v1/chat/completions", io.MultiReader(strings.NewReader(chat(5000+delta))))
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return h, w
	}},
	"header": {CeilingHeader, func(t *testing.T, delta int) (*house, *httptest.ResponseRecorder) {
		h := build(t, Limits{Header: 1000}, seat{name: "a"})
		used := len("Content-Type: application/json\r\n") + len("X-Big: \r\n")
		return h, h.post("/v1/chat/completions", chat(100), "X-Big", strings.Repeat("x", 1000-used+delta))
	}},
	"depth": {CeilingDepth, func(t *testing.T, delta int) (*house, *httptest.ResponseRecorder) {
		h := build(t, Limits{Depth: 20}, seat{name: "a"})
		n := 20 - 1 + delta // the object around it is one level
		return h, h.post("/v1/chat/completions", `{"model":"m","messages":[{"role":"user","content":"hi"}],"x":`+strings.Repeat("[", n)+strings.Repeat("]", n)+`}`)
	}},
	"event": {CeilingEvent, func(t *testing.T, delta int) (*house, *httptest.ResponseRecorder) {
		h := answering(t, Limits{Event: 10_000}, "text/event-stream", streamed(10_000+delta))
		return h, h.post("/v1/chat/completions", streaming(chat(100)))
	}},
	"response": {CeilingResponse, func(t *testing.T, delta int) (*house, *httptest.ResponseRecorder) {
		h := answering(t, Limits{Response: 10_000}, "application/json", wholeOf(10_000+delta))
		return h, h.post("/v1/chat/completions", chat(100))
	}},
	"decompression": {CeilingEncoding, func(t *testing.T, delta int) (*house, *httptest.ResponseRecorder) {
		// The ratio counts from a megabyte on; this answer has 1000 times its
		// compressed size, within a hundredth.
		var packed bytes.Buffer
		z := gzip.NewWriter(&packed)
		_, _ = z.Write([]byte(wholeOf(8 << 20)))
		_ = z.Close()
		ratio := 8 << 20 / packed.Len()
		h := answering(t, Limits{Decompression: ratio + 1 - delta*ratio/50}, "application/json", packed.String(), "Content-Encoding", "gzip")
		return h, h.post("/v1/chat/completions", chat(100))
	}},
	"exchanges": {CeilingInFlight, func(t *testing.T, delta int) (*house, *httptest.ResponseRecorder) {
		h := build(t, Limits{InFlight: 3, Queue: -1}, seat{name: "a"})
		for range 2 + delta {
			_ = h.Traffic.places.enter(t.Context(), ceiling{})
		}
		return h, h.post("/v1/chat/completions", chat(100))
	}},
	"streams": {CeilingStreams, func(t *testing.T, delta int) (*house, *httptest.ResponseRecorder) {
		h := build(t, Limits{Streams: 3}, seat{name: "a"})
		h.Traffic.streams.Store(int64(2 + delta))
		return h, h.post("/v1/chat/completions", streaming(chat(100)))
	}},
	"exchanges at a provider": {CeilingProvider, func(t *testing.T, delta int) (*house, *httptest.ResponseRecorder) {
		h := build(t, Limits{Queue: -1}, seat{name: "a"})
		h.Providers["a"].MaxInFlight = 3
		for range 2 + delta {
			_ = h.Traffic.provider("a").enter(t.Context(), ceiling{})
		}
		return h, h.post("/v1/chat/completions", chat(100))
	}},
	"memory": {CeilingMemory, func(t *testing.T, delta int) (*house, *httptest.ResponseRecorder) {
		h := build(t, Limits{}, seat{name: "a"})
		const size = 10_000
		h.Traffic.pressure.readMemory = func() (int64, int64, uint64) { return 9_000_000 - memoryNeed(size) + int64(delta), 10_000_000, 1 }
		return h, h.post("/v1/chat/completions", chat(size))
	}},
	"file descriptors": {CeilingFiles, func(t *testing.T, delta int) (*house, *httptest.ResponseRecorder) {
		h := build(t, Limits{}, seat{name: "a"})
		h.Traffic.pressure.readFiles = func() (int64, int64) { return 1000 - fileReserve(1000) - 1 + int64(delta), 1000 }
		return h, h.post("/v1/chat/completions", chat(100))
	}},
}

func TestCeilings_HoldAtTheLimitAndRefuseBeyondIt(t *testing.T) {
	for name, c := range arounds {
		for delta := -1; delta <= 1; delta++ {
			t.Run(fmt.Sprintf("%s, limit%+d", name, delta), func(t *testing.T) {
				h, w := c.at(t, delta)
				served := w.Code == http.StatusOK && !strings.Contains(w.Body.String(), `{"error"`)
				if served != (delta <= 0) {
					t.Errorf("status %d: %.300s", w.Code, w.Body)
				}
				want := int64(0)
				if delta > 0 {
					want = 1
				}
				// A provider's answer may be tried for once more.
				if n := h.Traffic.Refusals.Count(c.ceiling); n < want || want == 0 && n > 0 {
					t.Errorf("counted %d times", n)
				}
				if !served && w.Code == http.StatusServiceUnavailable && w.Header().Get("Retry-After") == "" {
					t.Error("no time to come back")
				}
			})
		}
	}
}

func TestCeilings_EveryOneIsCountedUnderItsName(t *testing.T) {
	var r Refusals
	for c := range ceilings {
		r.add(c)
	}
	seen := map[string]bool{}
	for name, n := range r.All() {
		if name == "" || seen[name] || n != 1 {
			t.Errorf("%q: %d", name, n)
		}
		seen[name] = true
	}
	if len(seen) != int(ceilings) {
		t.Errorf("%d names of %d", len(seen), ceilings)
	}
}

func TestPlace_TheQueueServesInOrderAndRefusesWhoWaitsTooLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t, Limits{InFlight: 1, Queue: 2, QueueWait: 3 * time.Second}, seat{name: "a", options: simulator.Options{TTFT: 2 * time.Second}})
		var wait sync.WaitGroup
		codes := make([]int, 4)
		took := make([]time.Duration, 4)
		begun := time.Now()
		for i := range codes {
			wait.Go(func() {
				codes[i] = h.post("/v1/chat/completions", chat(100)).Code
				took[i] = time.Since(begun)
			})
			synctest.Wait()
		}
		wait.Wait()
		// The first is served at once, the second in turn, the third waits too
		// long, and the fourth finds the queue full.
		if got := fmt.Sprint(codes, took); got != "[200 200 503 503] [2s 4s 3s 0s]" {
			t.Error(got)
		}
		r := &h.Traffic.Refusals
		if r.Count(CeilingQueueWait) != 1 || r.Count(CeilingInFlight) != 1 || h.Traffic.InFlight() != 0 || h.Traffic.Queued() != 0 {
			t.Errorf("%d late, %d turned away, %d in flight, %d queued", r.Count(CeilingQueueWait), r.Count(CeilingInFlight), h.Traffic.InFlight(), h.Traffic.Queued())
		}
		synctest.Wait()
	})
}

func TestVisit_AFullProviderIsPassedOverForTheNext(t *testing.T) {
	h := build(t, Limits{}, seat{name: "a"}, seat{name: "b"})
	h.Providers["a"].MaxInFlight = 1
	_ = h.Traffic.provider("a").enter(t.Context(), ceiling{})
	begun := time.Now()
	w := h.post("/v1/chat/completions", chat(100))
	if w.Code != http.StatusOK || w.Header().Get("X-Aimux-Provider") != "b" || time.Since(begun) > time.Second {
		t.Errorf("status %d by %q after %v", w.Code, w.Header().Get("X-Aimux-Provider"), time.Since(begun))
	}
	if inside, _ := h.Traffic.AtProvider("a"); inside != 1 {
		t.Errorf("%d inside", inside)
	}
}

func TestVisit_TheLastTargetIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t, Limits{}, seat{name: "a"})
		h.Providers["a"].MaxInFlight = 1
		_ = h.Traffic.provider("a").enter(t.Context(), ceiling{})
		time.AfterFunc(2*time.Second, h.Traffic.provider("a").leave)
		begun := time.Now()
		if w := h.post("/v1/chat/completions", chat(100)); w.Code != http.StatusOK || time.Since(begun) != 2*time.Second {
			t.Errorf("status %d after %v", w.Code, time.Since(begun))
		}
		synctest.Wait()
	})
}

func TestVisit_ATargetThatCannotBeAskedIsNotTheLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t, Limits{}, seat{name: "a", options: simulator.Options{TTFT: 300 * time.Millisecond}}, seat{name: "b"})
		h.Providers["a"].MaxInFlight = 1
		h.sims["b"].Script(simulator.Selector{}, simulator.Fail("429;retry-after=600"))
		h.post("/v1/messages", calls[llm.Anthropic].body, "X-Aimux-Route", "provider=b, no-failover") // b's key rests
		go h.post("/v1/messages", calls[llm.Anthropic].body)
		time.Sleep(100 * time.Millisecond)
		if w := h.post("/v1/messages", calls[llm.Anthropic].body); w.Code != http.StatusOK {
			t.Errorf("%d %s", w.Code, w.Body)
		}
		time.Sleep(time.Minute)
	})
}

func TestVisit_FullTargetsCostNoFailover(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := simulator.Options{TTFT: time.Second}
		h := build(t, Limits{}, seat{name: "a"}, seat{name: "b", options: slow}, seat{name: "c", options: slow}, seat{name: "d"})
		for range 10 {
			h.sims["a"].Script(simulator.Selector{}, simulator.Fail("500"))
		}
		for _, p := range []string{"b", "c"} {
			h.Providers[p].MaxInFlight = 1
			go h.post("/v1/messages", calls[llm.Anthropic].body, "X-Aimux-Route", "only="+p)
		}
		time.Sleep(200 * time.Millisecond)
		if w := h.post("/v1/messages", calls[llm.Anthropic].body); w.Code != http.StatusOK || h.sims["d"].Count() != 1 {
			t.Errorf("%d %s; d was asked %d times", w.Code, w.Body, h.sims["d"].Count())
		}
		time.Sleep(time.Minute)
	})
}

func TestWeigh_TheLargestAreRefusedFirst(t *testing.T) {
	h := build(t, Limits{}, seat{name: "a"})
	h.Traffic.pressure.readMemory = func() (int64, int64, uint64) { return 8_500_000, 10_000_000, 1 } // half a megabyte is left
	for size, want := range map[int]int{1_000: 200, 100_000: 200, 300_000: 503, 3_000_000: 503} {
		if w := h.post("/v1/chat/completions", chat(size)); w.Code != want {
			t.Errorf("%d bytes: status %d: %.200s", size, w.Code, w.Body)
		}
	}
	h.Traffic.pressure.mu.Lock()
	defer h.Traffic.pressure.mu.Unlock()
	if n := h.Traffic.pressure.promised + h.Traffic.pressure.awaited; n != 0 {
		t.Errorf("%d bytes are promised to nobody", n)
	}
}

func TestPressure_APromiseOfAnEarlierCycleIsNotTakenBackTwice(t *testing.T) {
	cycle := uint64(1)
	p := pressure{readMemory: func() (int64, int64, uint64) { return 0, 1000, cycle }}
	first, ok := p.take(400, &Limits{})
	if !ok {
		t.Fatal("refused")
	}
	p.arrived(&first)
	cycle, p.looked = 2, time.Time{}
	second, ok := p.take(800, &Limits{})
	if !ok {
		t.Fatal("what was promised before the collection still counts")
	}
	p.arrived(&second)
	p.give(first)
	if _, ok := p.take(200, &Limits{}); ok {
		t.Error("a promise was taken back twice")
	}
	p.give(second)
	if _, ok := p.take(900, &Limits{}); !ok {
		t.Error("a promise was not taken back")
	}
}

// Bodies that trickle in are not in memory when a collection looks, and will be.
func TestPressure_BodiesToComeCountOverCollections(t *testing.T) {
	cycle := uint64(1)
	p := pressure{readMemory: func() (int64, int64, uint64) { return 0, 1000, cycle }}
	var holds []hold
	for range 9 {
		h, ok := p.take(100, &Limits{})
		if !ok {
			t.Fatalf("refused after %d", len(holds))
		}
		holds = append(holds, h)
		cycle++
		p.looked = time.Time{}
	}
	if _, ok := p.take(100, &Limits{}); ok {
		t.Error("a tenth body of 100 under 900")
	}
	p.arrived(&holds[0])
	cycle++
	p.looked = time.Time{}
	if _, ok := p.take(100, &Limits{}); !ok {
		t.Error("what a collection has found alive counts twice")
	}
	for _, h := range holds {
		p.give(h)
	}
	if p.awaited != 100 || p.promised != 0 {
		t.Errorf("%d awaited and %d promised, of one hold of 100", p.awaited, p.promised)
	}
}

func TestPressure_ReadsTheProcess(t *testing.T) {
	if live, _, _ := processMemory(); live <= 0 {
		t.Errorf("%d bytes are alive", live)
	}
	if used, limit := processFiles(); limit > 0 && (used < 3 || used > limit) {
		t.Errorf("%d of %d descriptors", used, limit)
	}
}

func TestPressure_NoLimitRefusesNothing(t *testing.T) {
	p := pressure{readMemory: func() (int64, int64, uint64) { return 1 << 40, 0, 1 }, readFiles: func() (int64, int64) { return 1 << 30, 0 }}
	if _, ok := p.take(1<<40, &Limits{}); !ok || !p.filesLeft(&Limits{}) {
		t.Error("refused without a limit")
	}
}
