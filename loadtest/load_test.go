package main

import (
	"context"
	"io"
	"net/http"
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
		{"answers in one piece", false, upstreamModel, 0, ""},
		{"streams", true, upstreamModel, 0, ""},
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
			if s.requests != 30 || len(s.latencies) != 30 || s.errors != test.errors || !strings.Contains(s.why, test.why) {
				t.Errorf("%d requests, %d errors: %s", s.requests, s.errors, s.why)
			}
			if (s.ttft50 > 0) != (test.stream && test.errors == 0) || s.p99 < s.p50 || s.p50 <= 0 {
				t.Errorf("p50 %s, p99 %s, TTFT %s", s.p50, s.p99, s.ttft50)
			}
		})
	}
}

func TestLoad_EndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	target := traffic{size: 400}.target(startSimulator(t), upstreamModel)
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
	s.collect(results, false)
	if s.requests != 3 || s.attempts != 3 || s.second != 1 || s.errors != 0 {
		t.Errorf("%+v", s)
	}
}

func TestServeUpstream_NamesItsAddressesAndEndsWithItsInput(t *testing.T) {
	in, closeIn := io.Pipe()
	out, said := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- serveUpstream(in, said) }()
	line := make([]byte, 1000)
	n, err := out.Read(line)
	if err != nil {
		t.Fatal(err)
	}
	urls := strings.Fields(string(line[:n]))
	if len(urls) != origins {
		t.Fatalf("it says %q", line[:n])
	}
	request, _ := firstRequest(upstreamModel)(urls[origins-1])
	answer, err := http.DefaultClient.Do(request.WithContext(t.Context()))
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%v, %v", answer, err)
	}
	answer.Body.Close()
	closeIn.Close()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
