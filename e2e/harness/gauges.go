package harness

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// Scrape returns /metrics as it stands.
func (g *Gateway) Scrape(t T) []byte {
	t.Helper()
	r, err := g.client.Get(g.Admin + "/metrics")
	if err != nil {
		t.Fatalf("GET /metrics: %v", err)
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != http.StatusOK {
		t.Fatalf("GET /metrics: status %d, %v", r.StatusCode, err)
	}
	return text
}

// Gauges returns aimux's gauges, by name and labels.
func (g *Gateway) Gauges(t T) map[string]float64 {
	t.Helper()
	out := map[string]float64{}
	kinds := map[string]string{}
	for line := range bytes.Lines(g.Scrape(t)) {
		text := strings.TrimSpace(string(line))
		if kind, ok := strings.CutPrefix(text, "# TYPE "); ok {
			name, of, _ := strings.Cut(kind, " ")
			kinds[name] = of
			continue
		}
		at := strings.LastIndexByte(text, ' ')
		name, _, _ := strings.Cut(text, "{")
		name, _, _ = strings.Cut(name, " ")
		if at < 0 || kinds[name] != "gauge" || !strings.Contains(name, "aimux") {
			continue
		}
		if n, err := strconv.ParseFloat(text[at+1:], 64); err == nil {
			out[text[:at]] = n
		}
	}
	return out
}
