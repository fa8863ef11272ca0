package gateway

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/llm"
	"github.com/aimux/aimux/caddymodule/simulator"
)

func TestClient_WhoStopsReadingIsCutAndItsUpstreamCancelled(t *testing.T) {
	for name, body := range map[string]string{
		"stream":       long(calls[llm.Anthropic].body),
		"not streamed": strings.Replace(calls[llm.Anthropic].body, `"max_tokens":64`, `"max_tokens":1500000`, 1),
	} {
		t.Run(name, func(t *testing.T) {
			h := build(t, Limits{ClientStall: 200 * time.Millisecond, Response: 1 << 30}, seat{name: "a", options: simulator.Options{Tokens: 1_500_000}})
			server := httptest.NewServer(h)
			defer server.Close()
			r, err := http.Post(server.URL+"/v1/messages", "application/json", strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			defer r.Body.Close()
			waitUntil(t, "the client is cut", func() bool { return h.Traffic.Refusals.Count(CeilingClientStall) == 1 && h.Traffic.count() == 0 })
			h.mu.Lock()
			defer h.mu.Unlock()
			if got := h.records[0]; got.Reason != "client_stalled" && name == "stream" || got.Provider != "a" || got.Usage.Output == 0 {
				t.Errorf("record %+v", got)
			}
			if key := h.Providers["a"].Keys.Snapshot(h.Now())[0]; key.InFlight != 0 || len(key.Rests) != 0 {
				t.Errorf("the key: %+v", key)
			}
		})
	}
}

func TestClient_WhoReadsSlowlyIsWaitedForAndGetsAll(t *testing.T) {
	h := build(t, Limits{ClientStall: 500 * time.Millisecond}, seat{name: "a", options: simulator.Options{Tokens: 50_000}})
	server := httptest.NewServer(h)
	defer server.Close()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	body := long(calls[llm.Anthropic].body)
	fmt.Fprintf(conn, "POST /v1/messages HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", len(body), body)
	buf := make([]byte, 64<<10)
	tail := ""
	for begun := time.Now(); time.Since(begun) < 20*time.Second; {
		n, err := conn.Read(buf)
		tail = (tail + string(buf[:n]))
		tail = tail[max(0, len(tail)-400):]
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Millisecond)
	}
	if !strings.Contains(tail, "message_stop") || h.Traffic.Refusals.Count(CeilingClientStall) != 0 {
		t.Errorf("ends with %q", tail)
	}
}

func TestClient_UpstreamIsCancelledSoonAfterAHangUp(t *testing.T) {
	h := build(t, Limits{}, seat{name: "up", options: simulator.Options{TokensPerSecond: 50, Tokens: 10_000}})
	server := httptest.NewServer(h)
	defer server.Close()
	const drops = 100
	var mu sync.Mutex
	var late []time.Duration
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			client := &http.Client{Transport: &http.Transport{}}
			for range drops / 4 {
				d := dropOne(t, h, client, server.URL)
				mu.Lock()
				late = append(late, d)
				mu.Unlock()
			}
		})
	}
	wait.Wait()
	slices.Sort(late)
	if p99 := late[drops*99/100]; p99 > 100*time.Millisecond {
		t.Errorf("p99 is %v", p99)
	}
	t.Logf("p50 %v, p99 %v of %d", late[drops/2], late[drops*99/100], drops)
	waitUntil(t, "all are settled", func() bool { return h.Traffic.count() == 0 })
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, r := range h.records {
		if r.Class != llm.ClassCanceled || !r.Usage.Known && !r.Estimated || r.Usage.Output == 0 {
			t.Fatalf("record %+v", r)
		}
	}
}

// dropOne begins a stream, hangs up, and returns how long it took until the
// upstream's request had ended.
func dropOne(t *testing.T, h *house, client *http.Client, url string) time.Duration {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, "POST", url+"/v1/messages", strings.NewReader(long(calls[llm.Anthropic].body)))
	if err != nil {
		t.Error(err)
		return 0
	}
	resp, err := client.Do(r)
	if err != nil {
		t.Error(err)
		return 0
	}
	defer resp.Body.Close()
	in := bufio.NewReader(resp.Body)
	number := 0
	for number == 0 {
		line, err := in.ReadString('\n')
		if err != nil {
			t.Error(err)
			return 0
		}
		if _, after, ok := strings.Cut(line, "up:"); ok {
			fmt.Sscanf(after, "%d:", &number)
		}
	}
	gone := time.Now()
	cancel()
	var at time.Time
	err = h.sims["up"].Await(t.Context(), func(all []simulator.Record) bool {
		for _, rec := range all {
			if rec.Number == number && rec.Canceled {
				at = rec.CanceledAt
				return true
			}
		}
		return false
	})
	if err != nil {
		t.Error(err)
	}
	return at.Sub(gone)
}
