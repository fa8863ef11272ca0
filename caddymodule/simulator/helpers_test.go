package simulator

import (
	"bytes"
	"encoding/json"
	"flag"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// noon is the time of every golden file.
func noon() time.Time { return time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC) }

// request makes a request for path with a JSON body.
func request(t *testing.T, path, body string, header ...string) *http.Request {
	t.Helper()
	method := http.MethodPost
	if body == "" {
		method = http.MethodGet
	}
	r, err := http.NewRequestWithContext(t.Context(), method, "http://simulator"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if path != "/v1/messages" && path != "/anthropic/v1/messages" {
		r.Header.Set("Content-Type", "application/json")
	} else {
		r.Header.Set("Anthropic-Version", "2023-06-01")
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return r
}

// reply is an answer that has been read.
type reply struct {
	status int
	header http.Header
	body   string
	err    error // of reading the body
}

// do sends r in process and reads the answer.
func do(t *testing.T, s *Server, r *http.Request) reply {
	t.Helper()
	resp, err := s.RoundTripper().RoundTrip(r)
	if err != nil {
		return reply{err: err}
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return reply{resp.StatusCode, resp.Header, string(b), err}
}

// post sends body to path and reads the answer.
func post(t *testing.T, s *Server, path, body string, header ...string) reply {
	t.Helper()
	return do(t, s, request(t, path, body, header...))
}

// events takes a stream apart.
func events(t *testing.T, stream string) (names []string, data []string) {
	t.Helper()
	for block := range strings.SplitSeq(stream, "\n\n") {
		var name string
		for line := range strings.SplitSeq(block, "\n") {
			if v, ok := strings.CutPrefix(line, "event: "); ok {
				name = v
			}
			if v, ok := strings.CutPrefix(line, "data: "); ok {
				names, data = append(names, name), append(data, v)
			}
		}
	}
	return names, data
}

// checkJSON fails unless every string is valid JSON, [DONE] excepted.
func checkJSON(t *testing.T, docs ...string) {
	t.Helper()
	for _, d := range docs {
		if d != "[DONE]" && !json.Valid([]byte(d)) {
			t.Errorf("not JSON: %s", d)
		}
	}
}

// golden compares got with testdata/name, or rewrites it.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(bytes.ReplaceAll(want, []byte("\r\n"), []byte("\n"))), strings.ReplaceAll(got, "\r\n", "\n")); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

const (
	chatPath      = "/v1/chat/completions"
	messagesPath  = "/v1/messages"
	responsesPath = "/v1/responses"
)

// hello is a small request in each dialect; rest is added to its members.
func hello(path, rest string) string {
	switch path {
	case messagesPath:
		return `{"model":"m","max_tokens":1000,"messages":[{"role":"user","content":"hi"}]` + rest + `}`
	case responsesPath:
		return `{"model":"m","input":"hi"` + rest + `}`
	}
	return `{"model":"m","messages":[{"role":"user","content":"hi"}]` + rest + `}`
}

var dialectPaths = []string{chatPath, messagesPath, responsesPath}
