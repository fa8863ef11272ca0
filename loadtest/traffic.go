package main

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"

	vegeta "github.com/tsenart/vegeta/v12/lib"
)

// traffic says what a request looks like.
type traffic struct {
	messages  bool     // Anthropic Messages instead of OpenAI Chat
	responses bool     // OpenAI Responses instead of it
	speaks    dialects // of the gateway's provider
	renamed   bool     // the old name of the limit, which the gateway has to replace for OpenAI
	stream    bool
	answer    answer
	size      int // of the body in bytes, roughly
}

// model returns the name to ask for: the gateway's own or the provider's.
func (t traffic) model(gateway bool) string {
	if gateway {
		return t.answer.alias(t.speaks)
	}
	return t.answer.model()
}

// translated says that the provider does not speak the client's dialect.
func (t traffic) translated() bool {
	return t.messages && t.speaks == chatOnly || !t.messages && t.speaks == messagesOnly || t.responses && t.speaks != chatOnly
}

// body writes a request for the model. As real clients do, it names the model first; long ones are a conversation of
// many turns.
func (t traffic) body(model string) []byte {
	var b bytes.Buffer
	limit := "max_completion_tokens"
	if t.messages || t.renamed {
		limit = "max_tokens"
	}
	conversation := "messages"
	if t.responses {
		limit, conversation = "max_output_tokens", "input"
	}
	fmt.Fprintf(&b, `{"model":%q,%q:%d,"stream":%t,%q:[`, model, limit, max(1000, 20*t.answer.count()), t.stream, conversation)
	const turn = "Read the function below, say in one sentence what it does, and name the line that surprises you most. "
	const closing = `{"role":"user","content":"What was it, then?"}]}`
	for i := 0; b.Len()+len(closing) < t.size; i++ {
		role := [...]string{"user", "assistant"}[i%2]
		want := min(t.size-b.Len()-len(closing)-len(`{"role":"","content":""},`)-len(role), 500)
		if want <= 0 {
			break
		}
		text := strings.Repeat(turn, want/len(turn)+1)[:want]
		fmt.Fprintf(&b, `{"role":%q,"content":%q},`, role, text)
	}
	b.WriteString(closing)
	return b.Bytes()
}

// target returns the request for the model at base.
func (t traffic) target(base, model string) vegeta.Target {
	h := http.Header{"Content-Type": {"application/json"}}
	path := "/v1/chat/completions"
	if t.responses {
		path = "/v1/responses"
	}
	if t.messages {
		path = "/v1/messages"
		h.Set("X-Api-Key", clientKey)
		h.Set("Anthropic-Version", "2023-06-01")
	} else {
		h.Set("Authorization", "Bearer "+clientKey)
	}
	return vegeta.Target{Method: http.MethodPost, URL: base + path, Header: h, Body: t.body(model)}
}

// firstRequest returns the small request with which a process shows that it answers.
func firstRequest(model string) func(base string) (*http.Request, error) {
	return func(base string) (*http.Request, error) {
		target := traffic{size: 200}.target(base, model)
		return target.Request()
	}
}
