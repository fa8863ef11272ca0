package main

import (
	"bytes"
	"fmt"
	"net/http"
	"strconv"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"
)

// sample is what one run of a load showed.
type sample struct {
	requests, errors int
	why              string // the first error
	perSecond        float64
	p50, p99         time.Duration // of those that were accepted
	ttft50, ttft99   time.Duration
	cpu              float64    // seconds per 1,000 requests of the tested process, 0: not measured
	rss              int64      // highest resident bytes of it, 0: not measured
	heap             heapCounts // what it allocated for each request, 0: not measured
	attempts         int        // sum of X-Aimux-Attempts
	second           int        // requests that took more than one attempt
	refused          int        // requests that were turned away as is proper
	again            int        // requests that had to be sent again
	open             int        // most streams open at the same time
	latency, ttft    histogram
	refusal          histogram // how long a refusal took
	points           []point
}

// point is one request in the course of a load.
type point struct {
	at       time.Duration // since the load began
	latency  time.Duration
	attempts int
	bad      bool // it failed, or was turned away
}

// collect reads the results to their end. What is in a stream is the watcher's to judge.
func (s *sample) collect(results <-chan *vegeta.Result, l load, began time.Time) {
	for r := range results {
		s.requests++
		p := point{at: r.Timestamp.Sub(began), latency: r.Latency, attempts: attemptsOf(r.Headers)}
		s.attempts += p.attempts
		if p.attempts > 1 {
			s.second++
		}
		err := l.fault(r)
		switch {
		case l.refused(r) && err == "":
			s.refused++
			s.refusal.add(r.Latency)
			p.bad = true
		case err != "":
			s.fail(err)
			p.bad = true
		default:
			s.latency.add(r.Latency)
		}
		s.points = append(s.points, p)
	}
	s.p50, s.p99 = s.latency.quantile(0.5), s.latency.quantile(0.99)
}

// fail counts an error and keeps the first one's reason.
func (s *sample) fail(why string) {
	s.errors++
	if s.why == "" {
		s.why = why
	}
}

func attemptsOf(h http.Header) int {
	n, err := strconv.Atoi(h.Get("X-Aimux-Attempts"))
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// fault returns what is wrong with an answer: every good one carries the simulator's last word.
func (l load) fault(r *vegeta.Result) string {
	switch {
	case l.refused(r):
		return unclean(r, l.messages)
	case r.Error != "":
		return r.Error
	case !l.stream && !bytes.Contains(r.Body, []byte("sim:")):
		return fmt.Sprintf("an answer with status %d without the provider's words", r.Code)
	}
	return ""
}

// count adds what the watcher of streams saw.
func (s *sample) count(w *watcher) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s.errors += w.broken
	if w.why != nil && s.why == "" {
		s.why = w.why.Error()
	}
	s.ttft, s.open = w.ttft, w.most
	s.ttft50, s.ttft99 = w.ttft.quantile(0.5), w.ttft.quantile(0.99)
}
