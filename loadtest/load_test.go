package main

import (
	"context"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aimux/aimux/caddymodule/simulator"
	vegeta "github.com/tsenart/vegeta/v12/lib"
)

func startSimulator(t *testing.T) string {
	t.Helper()
	l, err := simulator.Start(simulator.New(simulator.Options{MaxRecords: -1}), simulator.ListenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l.URL()
}

func TestLoad_SendsItsRequestsAndCountsWhatWentWrong(t *testing.T) {
	url := startSimulator(t)
	for _, test := range []struct {
		name   string
		stream bool
		model  string
		errors int
		why    string
	}{
		{"answers in one piece", false, firstModel, 0, ""},
		{"streams", true, firstModel, 0, ""},
		{"refusals", false, "sim-500", 30, "500"},
		{"streams that are cut", true, "sim-cut", 30, "terminal event"},
		{"answers without the words", false, "sim-empty", 30, "without the provider's words"},
	} {
		t.Run(test.name, func(t *testing.T) {
			target := traffic{stream: test.stream, size: 400}.target(url, test.model)
			s, err := load{targets: same(target), requests: 30, atOnce: 3, stream: test.stream}.run(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			if s.requests != 30 || len(s.points) != 30 || s.latency.total != 30-s.errors && !test.stream || s.errors != test.errors || !strings.Contains(s.why, test.why) {
				t.Errorf("%d requests, %d errors: %s", s.requests, s.errors, s.why)
			}
			if (s.ttft50 > 0) != (test.stream && test.errors == 0) || s.p99 < s.p50 {
				t.Errorf("p50 %s, p99 %s, TTFT %s", s.p50, s.p99, s.ttft50)
			}
		})
	}
}

func TestLoad_EndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	target := traffic{size: 400}.target(startSimulator(t), firstModel)
	if _, err := (load{targets: same(target), requests: 1 << 30, atOnce: 2}).run(ctx, nil); err == nil {
		t.Error("a load that was given up is taken for whole")
	}
}

func TestCounted_EndsAfterItsRequests(t *testing.T) {
	p := counted{even: vegeta.Rate{Freq: 100, Per: time.Second}, requests: 3}
	if _, stop := p.Pace(0, 2); stop {
		t.Error("stopped before the last request")
	}
	if _, stop := p.Pace(0, 3); !stop {
		t.Error("did not stop after the last request")
	}
	if wait, _ := p.Pace(0, 1); wait <= 0 {
		t.Error("does not keep the pace")
	}
}

func TestSample_CountsSecondAttempts(t *testing.T) {
	results := make(chan *vegeta.Result, 3)
	for _, n := range []string{"1", "2", ""} {
		results <- &vegeta.Result{Code: 200, Body: []byte("sim:1:0"), Headers: http.Header{"X-Aimux-Attempts": {n}}, Timestamp: time.Unix(1, 0), Latency: time.Second}
	}
	close(results)
	var s sample
	s.collect(results, load{}, time.Unix(0, 0))
	if s.requests != 3 || s.attempts != 3 || s.second != 1 || s.errors != 0 || s.p50.Round(10*time.Millisecond) != time.Second {
		t.Errorf("%+v", s)
	}
	if len(s.points) != 3 || s.points[1].at != time.Second || s.points[1].attempts != 2 {
		t.Errorf("%+v", s.points)
	}
}

// started runs a role in this process and returns the addresses it says and what ends it.
func started(t *testing.T, s settings) (urls []string, control io.Writer, end func()) {
	t.Helper()
	in, control := io.Pipe()
	out, said := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- serveRole(s, in, said) }()
	line := make([]byte, 1000)
	n, err := out.Read(line)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(string(line[:n])), control, func() {
		control.(io.Closer).Close()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

func TestUpstream_NamesItsAddressesAndEndsWithItsInput(t *testing.T) {
	urls, _, end := started(t, settings{role: upstreamRole})
	defer end()
	if len(urls) != origins {
		t.Fatalf("it says %q", urls)
	}
	for _, url := range urls {
		if status, err := try(t.Context(), http.DefaultClient, url, firstRequest(firstModel)); err != nil || status != http.StatusOK {
			t.Errorf("%d, %v", status, err)
		}
	}
}

func TestUpstream_SlowsItsLastAddressDown(t *testing.T) {
	urls, control, end := started(t, settings{role: upstreamRole})
	defer end()
	const pause = 30 * time.Millisecond
	if _, err := fmt.Fprintln(control, pause); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	for time.Since(began) < time.Second { // until the line has been read
		asked := time.Now()
		if status, err := try(t.Context(), http.DefaultClient, urls[origins-1], firstRequest(firstModel)); err != nil || status != http.StatusOK {
			t.Fatalf("%d, %v", status, err)
		}
		if time.Since(asked) >= pause {
			return
		}
	}
	t.Error("it stays as fast as it was")
}

func TestSlowed_RefusesWhatIsNoDuration(t *testing.T) {
	var s slowed
	if err := s.obey(strings.NewReader("20ms\nsoon\n")); err == nil || s.by.Load() != int64(20*time.Millisecond) {
		t.Errorf("%v, slowed by %d", err, s.by.Load())
	}
}

func TestForwarder_PassesRequestsAndStreamsOn(t *testing.T) {
	upstream := startSimulator(t)
	urls, _, end := started(t, settings{role: minimalRole, to: upstream})
	defer end()
	p := &process{admin: urls[0]}
	spent := watchHeap(p)
	for _, stream := range []bool{false, true} {
		target := traffic{stream: stream, size: 400}.target(urls[0], firstModel)
		s, err := load{targets: same(target), requests: 20, atOnce: 2, stream: stream}.run(t.Context(), nil)
		if err != nil || s.errors > 0 {
			t.Errorf("stream %t: %v, %d errors: %s", stream, err, s.errors, s.why)
		}
	}
	if heap, ok := spent(); !ok || heap.bytes <= 0 {
		t.Errorf("it says to have allocated %v", heap)
	}
	if _, err := newForwarder("nowhere", ""); err == nil {
		t.Error("a forwarder to nowhere")
	}
}

// savedCertificate starts a provider with TLS and returns the file of its certificate.
func savedCertificate(t *testing.T) string {
	t.Helper()
	_, ca := startSecure(t)
	return ca
}

func startSecure(t *testing.T) (url, ca string) {
	t.Helper()
	urls, _, end := started(t, settings{role: secureRole})
	t.Cleanup(end)
	ca = filepath.Join(t.TempDir(), "ca.pem")
	if err := saveCertificate(t.Context(), strings.TrimPrefix(urls[0], "https://"), ca); err != nil {
		t.Fatal(err)
	}
	return urls[0], ca
}

func TestSecure_EverybodyAsksWithTheProvidersCertificate(t *testing.T) {
	url, ca := startSecure(t)
	pool, err := readPool(ca)
	if err != nil {
		t.Fatal(err)
	}
	between, _, end := started(t, settings{role: minimalRole, ca: ca, to: url})
	defer end()
	for name, test := range map[string]struct {
		base  string
		trust *x509.CertPool
	}{"directly": {url, pool}, "through the forwarder": {between[0], nil}} {
		target := traffic{stream: true, size: 400}.target(test.base, firstModel)
		s, err := load{targets: same(target), requests: 20, atOnce: 4, stream: true, trust: test.trust}.run(t.Context(), nil)
		if err != nil || s.errors > 0 || s.open == 0 {
			t.Errorf("%s: %v, %d errors: %s", name, err, s.errors, s.why)
		}
	}
	if s, err := (load{targets: same(traffic{}.target(url, firstModel)), requests: 1, atOnce: 1}).run(t.Context(), nil); err != nil || s.errors != 1 {
		t.Errorf("a certificate that nobody vouches for is taken: %v, %+v", err, s)
	}
	if _, err := newForwarder(url, filepath.Join(t.TempDir(), "nosuch")); err == nil {
		t.Error("a forwarder without the certificates it is to trust")
	}
}

func TestSaveCertificate_WantsHTTP2(t *testing.T) {
	l, err := simulator.Start(simulator.New(simulator.Options{MaxRecords: -1}), simulator.ListenOptions{TLS: true})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := saveCertificate(t.Context(), l.Addr(), filepath.Join(t.TempDir(), "ca.pem")); err == nil {
		t.Error("a provider with HTTP/1.1 alone is taken")
	}
}

func TestServeRole_KnowsItsRoles(t *testing.T) {
	if err := serveRole(settings{role: "nosuch"}, strings.NewReader(""), io.Discard); err == nil {
		t.Error("an unknown role is played")
	}
}

func TestOverload_AProperRefusalIsNoError(t *testing.T) {
	chat := []byte(`{"error":{"message":"busy","type":"overloaded_error","code":null}}`)
	messages := []byte(`{"type":"error","error":{"type":"overloaded_error","message":"busy"}}`)
	soon := http.Header{"Retry-After": {"1"}}
	for _, test := range []struct {
		name    string
		answer  vegeta.Result
		load    load
		refused int
		why     string
	}{
		{"chat", vegeta.Result{Code: 503, Error: "503", Body: chat, Headers: soon}, load{mayRefuse: true}, 1, ""},
		{"messages", vegeta.Result{Code: 503, Error: "503", Body: messages, Headers: soon}, load{mayRefuse: true, messages: true}, 1, ""},
		{"messages, as Anthropic says it", vegeta.Result{Code: 529, Error: "529", Body: messages, Headers: soon}, load{mayRefuse: true, messages: true}, 1, ""},
		{"Anthropic's status for chat", vegeta.Result{Code: 529, Error: "529", Body: chat, Headers: soon}, load{mayRefuse: true}, 0, "529"},
		{"nobody may refuse", vegeta.Result{Code: 503, Error: "503", Body: chat, Headers: soon}, load{}, 0, "503"},
		{"in another dialect", vegeta.Result{Code: 503, Body: messages, Headers: soon}, load{mayRefuse: true}, 0, "another dialect"},
		{"no time to come again", vegeta.Result{Code: 503, Body: chat, Headers: http.Header{}}, load{mayRefuse: true}, 0, "Retry-After"},
		{"a page", vegeta.Result{Code: 503, Body: []byte("<html>"), Headers: soon}, load{mayRefuse: true}, 0, "error object"},
		{"another status", vegeta.Result{Code: 502, Error: "502", Body: chat, Headers: soon}, load{mayRefuse: true}, 0, "502"},
	} {
		t.Run(test.name, func(t *testing.T) {
			results := make(chan *vegeta.Result, 1)
			results <- &test.answer
			close(results)
			var s sample
			s.collect(results, test.load, time.Time{})
			if s.refused != test.refused || (s.errors == 0) != (test.why == "") || !strings.Contains(s.why, test.why) || !s.points[0].bad {
				t.Errorf("%d refused, %d errors: %s", s.refused, s.errors, s.why)
			}
		})
	}
}
