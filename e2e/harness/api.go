package harness

import (
	"io"
	"net/http"
	"strings"
	"time"
)

// API reads an answer of the console's API into a value. path begins with
// /api/.
func (g *Gateway) API(t T, path string, into any) {
	t.Helper()
	g.get(t, "/aimux"+path, into)
}

// APIAnswer is an answer of the console's API as it came.
type APIAnswer struct {
	Status int
	Header http.Header
	Body   string
}

// CallAPI calls the console's API by the admin endpoint. A body makes it a
// POST.
func (g *Gateway) CallAPI(t T, path, body string) APIAnswer {
	t.Helper()
	method := http.MethodGet
	if body != "" {
		method = http.MethodPost
	}
	r, err := http.NewRequest(method, g.Admin+"/aimux"+path, strings.NewReader(body))
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	answer, err := g.client.Do(r)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return APIAnswer{Status: answer.StatusCode, Header: answer.Header, Body: string(text)}
}

// Spent is a row of /api/usage.
type Spent struct {
	Key                           string
	Requests, Failures, Estimated int64
	In, Out, Cached, Micro        int64
}

// Usage totals by provider, model, client, key, day, hour or session.
func (g *Gateway) Spent(t T, by string) map[string]Spent {
	t.Helper()
	var answer struct {
		Groups []struct {
			Key          string `json:"key"`
			Requests     int64  `json:"requests"`
			Failures     int64  `json:"failures"`
			TokensIn     int64  `json:"tokens_in"`
			TokensOut    int64  `json:"tokens_out"`
			TokensCached int64  `json:"tokens_cached"`
			CostMicroUSD int64  `json:"cost_microusd"`
			Estimated    int64  `json:"estimated"`
		} `json:"groups"`
	}
	g.API(t, "/api/usage?limit=500&by="+by, &answer)
	out := map[string]Spent{}
	for _, s := range answer.Groups {
		out[s.Key] = Spent{Key: s.Key, Requests: s.Requests, Failures: s.Failures, Estimated: s.Estimated,
			In: s.TokensIn, Out: s.TokensOut, Cached: s.TokensCached, Micro: s.CostMicroUSD}
	}
	return out
}

// Condition is how a part of aimux is doing, as /api/meta says it.
type Condition struct {
	OK      bool
	Message string
}

// Ledger returns how the ledger is doing.
func (g *Gateway) Ledger(t T) Condition {
	t.Helper()
	var meta struct{ Health struct{ Ledger Condition } }
	g.API(t, "/api/meta", &meta)
	return meta.Health.Ledger
}

// Kill ends the process as a power cut would and waits until it is gone.
func (g *Gateway) Kill() {
	_ = g.cmd.Process.Kill()
	<-g.ended
}

// DataFile is the path of one of the gateway's own files.
func (g *Gateway) DataFile(name string) string { return g.Dir + "/data/caddy/aimux/" + name }

// Started is when the process was started last.
func (g *Gateway) Started() time.Time { return g.begun }
