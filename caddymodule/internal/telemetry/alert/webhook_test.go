package alert

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/telemetry"
	"github.com/google/go-cmp/cmp"
)

// secretPath stands for the secret that many receivers put into their URL.
const secretPath = "/services/T0/CANARY"

func event(name string) Event {
	return newEvent(&Alert{Rule: name, Metric: ErrorRate, Severity: Critical, Subject: "zai", State: Firing, Value: 0.31, Threshold: 0.2,
		Since: time.Date(2026, 11, 22, 1, 0, 0, 0, time.UTC), Fired: time.Date(2026, 11, 22, 1, 1, 0, 0, time.UTC)},
		time.Date(2026, 11, 22, 1, 1, 0, 0, time.UTC), "")
}

// running runs a webhook until the test ends.
func running(t *testing.T, w *Webhook) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
}

// eventually waits for a condition, for two seconds at most.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for range 400 {
		if ok() {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatalf("never came: %s", what)
}

func TestWebhook_TheBodyIsSignedAsAReceiverWouldCheckIt(t *testing.T) {
	secret := []byte("hook secret")
	got := make(chan string, 1)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var stamp, v1 string
		for part := range strings.SplitSeq(r.Header.Get("X-Aimux-Signature"), ",") {
			switch name, value, _ := strings.Cut(part, "="); name {
			case "t":
				stamp = value
			case "v1":
				v1 = value
			}
		}
		mac := hmac.New(sha256.New, secret)
		mac.Write([]byte(stamp + "." + string(body)))
		if v1 != hex.EncodeToString(mac.Sum(nil)) || stamp != "1795309260" {
			body = []byte("bad signature: " + r.Header.Get("X-Aimux-Signature"))
		}
		if r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/json" {
			body = []byte("no JSON post")
		}
		got <- string(body)
	}))
	defer server.Close()
	w, err := NewWebhook(WebhookOptions{URL: server.URL + secretPath, Secret: secret, Now: func() time.Time { return time.Unix(1795309260, 0) }})
	if err != nil {
		t.Fatal(err)
	}
	running(t, w)
	w.Deliver(event("errors"))
	want := map[string]any{
		"id": "errors/zai/firing/1795309260000", "rule": "errors", "metric": "error_rate", "severity": "critical", "subject": "zai",
		"state": "firing", "value": 0.31, "threshold": 0.2, "since": "2026-11-22T01:00:00Z", "fired": "2026-11-22T01:01:00Z",
		"at": "2026-11-22T01:01:00Z", "summary": "zai: error_rate is 31.0 %, over 20.0 %",
	}
	var body map[string]any
	raw := <-got
	if err := json.Unmarshal([]byte(raw), &body); err != nil {
		t.Fatalf("%v: %s", err, raw)
	}
	if diff := cmp.Diff(want, body); diff != "" {
		t.Errorf("body (-want +got):\n%s", diff)
	}
	eventually(t, "the delivery is counted", func() bool { return w.State().Sent == 1 })
}

func TestSign_IsTheDocumentedConstruction(t *testing.T) {
	got := Sign([]byte("key"), time.Unix(1, 0), []byte("{}"))
	mac := hmac.New(sha256.New, []byte("key"))
	mac.Write([]byte("1.{}"))
	if want := "t=1,v1=" + hex.EncodeToString(mac.Sum(nil)); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// transportFunc answers without a network, so that time can be faked.
type transportFunc func(*http.Request) (*http.Response, error)

func (f transportFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func status(code int) *http.Response {
	return &http.Response{StatusCode: code, Header: http.Header{"Location": {"https://elsewhere.example/"}}, Body: io.NopCloser(strings.NewReader("x"))}
}

func TestWebhook_TriesAgainOnlyWhatMayHelpAndOnlySoOften(t *testing.T) {
	for name, test := range map[string]struct {
		answers      []int // 0: no answer; the last one repeats
		attempts     int
		sent, failed int64
	}{
		"delivered":               {answers: []int{204}, attempts: 1, sent: 1},
		"busy, then delivered":    {answers: []int{503, 429, 200}, attempts: 3, sent: 1},
		"no answer, then one":     {answers: []int{0, 200}, attempts: 2, sent: 1},
		"broken for good":         {answers: []int{500}, attempts: 4, failed: 1},
		"unreachable for good":    {answers: []int{0}, attempts: 4, failed: 1},
		"gone":                    {answers: []int{404}, attempts: 1, failed: 1},
		"a redirect is not taken": {answers: []int{302}, attempts: 1, failed: 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				attempts := 0
				w, err := NewWebhook(WebhookOptions{
					URL: "https://hooks.example" + secretPath, Attempts: 4, Logger: slog.New(slog.NewTextHandler(&log, nil)),
					Transport: transportFunc(func(r *http.Request) (*http.Response, error) {
						if r.URL.Host != "hooks.example" {
							t.Errorf("asked %s", r.URL)
						}
						code := test.answers[min(attempts, len(test.answers)-1)]
						attempts++
						if code == 0 {
							return nil, errors.New("connection refused")
						}
						return status(code), nil
					}),
				})
				if err != nil {
					t.Fatal(err)
				}
				running(t, w)
				w.Deliver(event("errors"))
				time.Sleep(10 * time.Minute)
				synctest.Wait()
				if s := w.State(); attempts != test.attempts || s.Sent != test.sent || s.Failed != test.failed {
					t.Errorf("%d attempts, %+v", attempts, s)
				}
				if strings.Contains(log.String(), "CANARY") {
					t.Errorf("the log shows the URL: %s", log.String())
				}
			})
		})
	}
}

func TestWebhook_AnotherReceiverGetsWhatWaitsWithItsOwnSignature(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked []string
		options := func(host, secret string, code int) WebhookOptions {
			return WebhookOptions{URL: "https://" + host + "/", Secret: []byte(secret), Transport: transportFunc(func(r *http.Request) (*http.Response, error) {
				body, _ := io.ReadAll(r.Body)
				if r.Header.Get(SignatureHeader) != Sign([]byte(secret), time.Now(), body) {
					t.Errorf("%s: not signed with %s", r.URL, secret)
				}
				asked = append(asked, r.URL.Host)
				return status(code), nil
			})}
		}
		w, err := NewWebhook(options("old.example", "one", 503))
		if err != nil {
			t.Fatal(err)
		}
		w.Deliver(event("before the start"))
		w.Start()
		w.Start()
		w.Deliver(event("errors"))
		synctest.Wait() // the first is refused once, and waits
		if err := w.Configure(WebhookOptions{URL: "http://elsewhere.example/"}); err == nil {
			t.Error("a plain URL of another machine is taken")
		}
		if err := w.Configure(options("new.example", "two", 204)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		w.Close()
		w.Close()
		if diff := cmp.Diff([]string{"old.example", "new.example", "new.example"}, asked); diff != "" {
			t.Errorf("asked (-want +got):\n%s", diff)
		}
		if got := w.State(); got.Sent != 2 || got.Failed+got.Dropped != 0 {
			t.Errorf("state %+v", got)
		}
	})
}

func TestWebhook_WhatWaitsAtTheEndIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, err := NewWebhook(WebhookOptions{URL: "https://hooks.example/", Transport: transportFunc(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		})})
		if err != nil {
			t.Fatal(err)
		}
		w.Start()
		for _, name := range []string{"1", "2", "3"} {
			w.Deliver(event(name))
		}
		synctest.Wait()
		w.Close()
		if got := w.State(); got.Failed < 1 || got.Failed+got.Dropped != 3 {
			t.Errorf("state %+v", got)
		}
		never, err := NewWebhook(WebhookOptions{URL: "https://hooks.example/"})
		if err != nil {
			t.Fatal(err)
		}
		never.Close() // there is nothing to wait for
		never.Start()
	})
}

func TestWebhook_AReceiverThatHangsHurtsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := 0
		w, err := NewWebhook(WebhookOptions{
			URL: "https://hooks.example/", Attempts: 2, Timeout: 10 * time.Second, Queue: 4,
			Transport: transportFunc(func(r *http.Request) (*http.Response, error) {
				begun++
				<-r.Context().Done()
				return nil, r.Context().Err()
			}),
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			w.Run(ctx)
		}()
		start := time.Now()
		for range 1000 {
			w.Deliver(event("errors"))
		}
		if took := time.Since(start); took != 0 {
			t.Errorf("delivering took %v", took)
		}
		if s := w.State(); s.Dropped < 995 || len(w.queue) > 4 {
			t.Errorf("%d wait, %+v", len(w.queue), s)
		}
		time.Sleep(25 * time.Second)
		synctest.Wait()
		if s := w.State(); s.Failed != 1 || begun > 3 {
			t.Errorf("after 25s: %+v with %d attempts", s, begun)
		}
		cancel()
		<-done
		if s := w.State(); s.Sent+s.Failed+s.Dropped != 1000 {
			t.Errorf("%+v does not account for 1000 events", s)
		}
	})
}

func TestWebhook_TheNewestEventsAreKeptWhenTheQueueIsFull(t *testing.T) {
	w, err := NewWebhook(WebhookOptions{URL: "https://hooks.example/", Queue: 2})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"1", "2", "3", "4"} {
		w.Deliver(event(name))
	}
	if got := (<-w.queue).Rule + (<-w.queue).Rule; got != "34" {
		t.Errorf("kept %s", got)
	}
	if got := w.State(); got != (telemetry.DeliveryState{To: "webhook", Dropped: 2}) {
		t.Errorf("state %+v", got)
	}
}

func TestWebhook_MayBeToldFromAnywhere(t *testing.T) {
	var served atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { served.Add(1) }))
	defer server.Close()
	w, err := NewWebhook(WebhookOptions{URL: server.URL, Queue: 8})
	if err != nil {
		t.Fatal(err)
	}
	running(t, w)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 50 {
				w.Deliver(event("errors"))
			}
		})
	}
	wg.Wait()
	eventually(t, "every event is accounted for", func() bool { s := w.State(); return s.Sent+s.Dropped == 200 })
	if s := w.State(); served.Load() != s.Sent {
		t.Errorf("%d served, %+v", served.Load(), s)
	}
}

func TestNewWebhook_OnlyHTTPSOrThisMachine(t *testing.T) {
	for url, ok := range map[string]bool{
		"https://hooks.example/x": true, "http://127.0.0.1:9/x": true, "http://localhost/x": true, "http://[::1]:9/": true,
		"http://hooks.example/x": false, "http://10.0.0.1/": false, "http://127.0.0.1.nip.example/": false, "ftp://127.0.0.1/": false,
		"https://user:pass@hooks.example/": false, "/x": false, "": false, "https://": false, "http://%zz": false,
	} {
		if _, err := NewWebhook(WebhookOptions{URL: url}); (err == nil) != ok {
			t.Errorf("%s: %v", url, err)
		} else if err != nil && strings.Contains(err.Error(), "pass") {
			t.Errorf("the error shows the URL: %v", err)
		}
	}
}

func TestTransport_APlainURLReachesOnlyThisMachineWhateverItsNameMeans(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer server.Close()
	target, err := checkURL("http://localhost/")
	if err != nil {
		t.Fatal(err)
	}
	rt := transport(target)
	defer rt.(*http.Transport).CloseIdleConnections()
	ask := func(url string) error {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := rt.RoundTrip(req)
		if err == nil {
			answer.Body.Close()
		}
		return err
	}
	if err := ask(server.URL); err != nil {
		t.Errorf("this machine: %v", err)
	}
	if err := ask("http://192.0.2.1:9/"); err == nil || !strings.Contains(err.Error(), "not this machine") {
		t.Errorf("another machine: %v", err)
	}
}
