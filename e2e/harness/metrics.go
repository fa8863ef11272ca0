package harness

import (
	"bufio"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// Counters returns aimux's counters as the admin API's /metrics shows them, by
// name and labels.
func (g *Gateway) Counters(t T) map[string]float64 {
	t.Helper()
	r, err := g.client.Get(g.Admin + "/metrics")
	if err != nil {
		t.Fatalf("GET /metrics: %v", err)
	}
	defer r.Body.Close()
	if r.StatusCode != http.StatusOK {
		t.Fatalf("GET /metrics: status %d", r.StatusCode)
	}
	return readCounters(r.Body)
}

// readCounters reads the Prometheus text format as far as counters of aimux go.
func readCounters(r io.Reader) map[string]float64 {
	out := map[string]float64{}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := lines.Text()
		at := strings.LastIndexByte(line, ' ')
		name, _, _ := strings.Cut(line, "{")
		if at < 0 || strings.HasPrefix(line, "#") || !strings.Contains(name, "aimux") {
			continue
		}
		name, _, _ = strings.Cut(name, " ")
		if !strings.HasSuffix(name, "_total") && !strings.HasSuffix(name, "_count") && !strings.HasSuffix(name, "_sum") {
			continue
		}
		if n, err := strconv.ParseFloat(line[at+1:], 64); err == nil {
			out[line[:at]] = n
		}
	}
	return out
}
