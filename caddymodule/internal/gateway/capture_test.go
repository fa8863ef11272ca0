package gateway

import (
	"net/http"
	"strings"
	"testing"

	"github.com/aimux/aimux/caddymodule/internal/llm"
)

// kept is what a Capture was given.
type kept map[string]struct {
	text string
	size int64
}

func (k kept) Put(_, kind string, text []byte, size int64) {
	k[kind] = struct {
		text string
		size int64
	}{string(text), size}
}

func (kept) Longest() int { return 40 }

func TestCapture_IsGivenTheBeginningsOfWhatWasSaid(t *testing.T) {
	for client, call := range calls {
		for _, stream := range []bool{false, true} {
			h := build(t, Limits{}, seat{name: "a", dialects: []llm.Dialect{llm.OpenAI}})
			k := kept{}
			h.Gateway.Capture = k
			body := call.body
			if stream {
				body = streaming(body)
			}
			w := h.post(call.path, body)
			if w.Code != http.StatusOK {
				t.Fatal(w.Code, w.Body)
			}
			sent, got := w.Body.String(), k["answer"]
			if got.text != sent[:min(40, len(sent))] || got.size != int64(len(sent)) {
				t.Errorf("%s, stream %v: answer %+v of %d bytes", client, stream, got, len(sent))
			}
			if asked := k["request"]; !strings.HasPrefix(body, asked.text) || asked.text == "" || asked.size != int64(len(body)) {
				t.Errorf("%s, stream %v: request %+v", client, stream, asked)
			}
		}
	}
}
