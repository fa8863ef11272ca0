package main

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// heapCounts is what a Go process has allocated since it began, as the Prometheus client's Go collector says it.
type heapCounts struct{ objects, bytes float64 }

func (h heapCounts) minus(o heapCounts) heapCounts {
	return heapCounts{h.objects - o.objects, h.bytes - o.bytes}
}

// metricsTime is how long a process may take to say its metrics.
const metricsTime = 10 * time.Second

// heapOf reads a process's counters from /metrics; false where it has none.
func (p *process) heapOf() (heapCounts, bool) {
	if p == nil || p.admin == "" {
		return heapCounts{}, false
	}
	client := http.Client{Timeout: metricsTime}
	answer, err := client.Get(p.admin + "/metrics")
	if err != nil {
		return heapCounts{}, false
	}
	defer answer.Body.Close()
	return parseHeap(answer.Body)
}

// The names of the two counters.
const (
	objectsCounter = "go_memstats_mallocs_total"
	bytesCounter   = "go_memstats_alloc_bytes_total"
)

// parseHeap reads the two counters from metrics in Prometheus's text format.
func parseHeap(r io.Reader) (heapCounts, bool) {
	var h heapCounts
	found := 0
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), " ")
		to := map[string]*float64{objectsCounter: &h.objects, bytesCounter: &h.bytes}[name]
		if to == nil {
			continue
		}
		v, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return heapCounts{}, false
		}
		*to = v
		found++
	}
	return h, found == 2 && lines.Err() == nil
}

// writeHeap writes h so that parseHeap reads it back.
func writeHeap(w io.Writer, h heapCounts) {
	fmt.Fprintf(w, "%s %g\n%s %g\n", objectsCounter, h.objects, bytesCounter, h.bytes)
}

// watchHeap begins to count what p allocates; the function it returns says how much that was, without what telling it
// cost. False where the process does not tell.
func watchHeap(p *process) func() (heapCounts, bool) {
	first, _ := p.heapOf()
	second, ok := p.heapOf()
	return func() (heapCounts, bool) {
		last, still := p.heapOf()
		spent := last.minus(second).minus(second.minus(first))
		return spent, ok && still && spent.objects > 0
	}
}
