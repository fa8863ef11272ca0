package harness

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// streamed is the answer that a client makes of a stream's bytes.
func streamed(d Dialect, bytes string) *Answer {
	a := &Answer{Dialect: d, Status: 200, Header: http.Header{"Content-Type": {"text/event-stream"}}}
	s := &Stream{answer: a, body: io.NopCloser(strings.NewReader(bytes)), cancel: func() {}}
	s.reader = newEventReader(s.body)
	return s.Finish()
}

func whole200(d Dialect, body string) *Answer {
	return &Answer{Dialect: d, Status: 200, Header: http.Header{}, Body: []byte(body)}
}

func failed(d Dialect, status int, body string) *Answer {
	return &Answer{Dialect: d, Status: status, Header: http.Header{}, Body: []byte(body)}
}

const (
	chunk0   = `data: {"object":"chat.completion.chunk","choices":[{"delta":{"content":"a:1:0 "}}]}` + "\n\n"
	chunk1   = `data: {"object":"chat.completion.chunk","choices":[{"delta":{"content":"a:1:1 "}}]}` + "\n\n"
	chunkB   = `data: {"object":"chat.completion.chunk","choices":[{"delta":{"content":"b:1:1 "}}]}` + "\n\n"
	doneMark = "data: [DONE]\n\n"
	chatErr  = `data: {"error":{"message":"x","type":"server_error"}}` + "\n\n"
)

func TestAnswer_OutcomeKnowsThreeGoodEnds(t *testing.T) {
	for name, test := range map[string]struct {
		answer *Answer
		want   Outcome // LOST stands for any loss
	}{
		"a whole stream":                   {streamed(Chat, chunk0+chunk1+doneMark), OK},
		"a stream that ends in silence":    {streamed(Chat, chunk0+chunk1), "LOST"},
		"an event cut off":                 {streamed(Chat, chunk0+chunk1+"data: [DO"), "LOST"},
		"a word missing":                   {streamed(Chat, chunk0+doneMark), "LOST"},
		"a word doubled":                   {streamed(Chat, chunk0+chunk0+chunk1+doneMark), "LOST"},
		"two origins":                      {streamed(Chat, chunk0+chunkB+doneMark), "LOST"},
		"an error event":                   {streamed(Chat, chunk0+chatErr), EVT},
		"an error event and then the end":  {streamed(Chat, chunk0+chatErr+doneMark), "LOST"},
		"something after the end":          {streamed(Chat, chunk0+chunk1+doneMark+chunk1), "LOST"},
		"two beginnings":                   {streamed(Messages, strings.Repeat("data: {\"type\":\"message_start\"}\n\n", 2)+"data: {\"type\":\"message_stop\"}\n\n"), "LOST"},
		"a gap in the sequence":            {streamed(Responses, "data: {\"type\":\"response.created\",\"sequence_number\":0}\n\ndata: {\"type\":\"response.failed\",\"sequence_number\":2}\n\n"), "LOST"},
		"a whole answer":                   {whole200(Chat, `{"choices":[{"message":{"content":"a:1:0 a:1:1"}}]}`), OK},
		"half an answer":                   {whole200(Chat, `{"choices":[{"message":{"content":"a:1:0 a:1:1"`), "LOST"},
		"an error in the dialect":          {failed(Messages, 429, `{"type":"error","error":{"type":"rate_limit_error","message":"x"}}`), ERR(429)},
		"an error in the other dialect":    {failed(Messages, 429, `{"error":{"type":"rate_limit_error","message":"x"}}`), "LOST"},
		"an error page":                    {failed(Chat, 502, `<html>`), "LOST"},
		"no answer":                        {&Answer{Dialect: Chat, Err: io.ErrUnexpectedEOF}, "LOST"},
		"a connection broken in a stream":  {&Answer{Dialect: Chat, Status: 200, Err: io.ErrUnexpectedEOF}, "LOST"},
		"an error without what went wrong": {failed(Chat, 500, `{"error":{}}`), "LOST"},
	} {
		got := test.answer.Outcome(2)
		if head, _, lost := strings.Cut(string(got), ":"); lost {
			got = Outcome(head)
		}
		if got != test.want {
			t.Errorf("%s: %s, want %s", name, test.answer.Outcome(2), test.want)
		}
	}
}

func TestConfig_DocumentIsWhatAUserWouldWrite(t *testing.T) {
	c := Config{Providers: []Provider{{Name: "a-b", Kind: "zai", URL: "http://127.0.0.1:1", Keys: []string{"s1", "s2"}, Accounts: []string{"acme"}, Tier: 2}}}
	want := `version: 1
providers:
  a-b:
    kind: zai
    base_url: "http://127.0.0.1:1"
    allow_http: true
    tier: 2
keys[2]{provider,name,account,secret}:
  a-b,k1,"acme","env:E2E_A_B_KEY_1"
  a-b,k2,"","env:E2E_A_B_KEY_2"
models[1]{alias,provider,model,tier}:
  "*",a-b,"m",2
routing:
  strategy: ordered
`
	if got := c.document(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	for _, entry := range c.environment("/d") {
		name, _, _ := strings.Cut(entry, "=")
		switch {
		case strings.HasPrefix(name, "E2E_A_B_KEY_"), strings.HasPrefix(name, "XDG_"), name == "PATH", name == "HOME", name == "TMPDIR":
		default:
			t.Errorf("the environment has %s", name)
		}
	}
}
