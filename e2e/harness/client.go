package harness

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"time"
)

// Dialect is the wire format a client speaks.
type Dialect string

// The dialects.
const (
	Chat      Dialect = "chat"
	Messages  Dialect = "messages"
	Responses Dialect = "responses"
)

// Dialects are all of them.
var Dialects = []Dialect{Chat, Messages, Responses}

// Path returns where the dialect's main call is.
func (d Dialect) Path() string {
	return map[Dialect]string{Chat: "/v1/chat/completions", Messages: "/v1/messages", Responses: "/v1/responses"}[d]
}

// Ask is a request to the gateway. The zero value of a field takes its default.
type Ask struct {
	Dialect Dialect // Default: Chat.
	Model   string  // Default: any-model.
	Prompt  string  // Default: hello.
	Stream  bool
	Header  http.Header
	// More are further members of the body.
	More map[string]any
	// Body replaces the body that the fields above make.
	Body []byte
	// Path replaces the dialect's.
	Path string
}

// body returns the request's JSON.
func (a Ask) body() []byte {
	if a.Body != nil {
		return a.Body
	}
	prompt := cmp.Or(a.Prompt, "hello")
	b := map[string]any{"model": cmp.Or(a.Model, "any-model"), "stream": a.Stream}
	switch a.Dialect {
	case Responses:
		b["input"] = prompt
	case Messages:
		b["max_tokens"] = 4096
		fallthrough
	default:
		b["messages"] = []any{map[string]any{"role": "user", "content": prompt}}
	}
	for name, value := range a.More {
		b[name] = value
	}
	data, err := json.Marshal(b)
	if err != nil {
		panic(err) // a mistake in a spec
	}
	return data
}

// request makes the HTTP request. It carries the client's own key, as an SDK of
// the dialect would send it.
func (g *Gateway) request(ctx context.Context, a Ask) (*http.Request, error) {
	a.Dialect = cmp.Or(a.Dialect, Chat)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, g.URL+cmp.Or(a.Path, a.Dialect.Path()), bytes.NewReader(a.body()))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	if a.Dialect == Messages {
		r.Header.Set("X-Api-Key", ClientKey)
		r.Header.Set("Anthropic-Version", "2023-06-01")
	} else {
		r.Header.Set("Authorization", "Bearer "+ClientKey)
	}
	for name, values := range a.Header {
		r.Header[http.CanonicalHeaderKey(name)] = values
	}
	return r, nil
}

// ClientKey is what clients of the specs send as their key. No upstream may ever
// see it.
const ClientKey = "client-key-never-to-leave"

// Ask sends a request and reads the answer to its end, however it ends.
func (g *Gateway) Ask(t T, a Ask) *Answer {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return g.AskContext(ctx, a)
}

// AskContext is Ask for a client with a patience of its own.
func (g *Gateway) AskContext(ctx context.Context, a Ask) *Answer {
	s := g.OpenContext(ctx, a)
	defer s.Close()
	return s.Finish()
}

// AskAnew is AskContext over a connection of its own.
func (g *Gateway) AskAnew(ctx context.Context, a Ask) *Answer {
	other := *g
	other.client = &http.Client{Transport: &http.Transport{DisableCompression: true, DisableKeepAlives: true}}
	return other.AskContext(ctx, a)
}

// Stream is an answer on its way.
type Stream struct {
	answer *Answer
	body   io.ReadCloser
	reader *eventReader
	cancel context.CancelFunc
}

// Open sends a request and returns when the header of the answer is there. The
// caller closes the stream; until then the client is there.
func (g *Gateway) Open(t T, a Ask) *Stream {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	s := g.OpenContext(ctx, a)
	s.cancel = cancel
	t.Cleanup(s.Close)
	return s
}

// OpenContext is Open under ctx.
func (g *Gateway) OpenContext(ctx context.Context, a Ask) *Stream {
	a.Dialect = cmp.Or(a.Dialect, Chat)
	s := &Stream{answer: &Answer{Dialect: a.Dialect, begun: time.Now()}, cancel: func() {}}
	r, err := g.request(ctx, a)
	if err != nil {
		s.answer.Err = err
		return s
	}
	response, err := g.client.Do(r)
	if err != nil {
		s.answer.Err = err
		return s
	}
	s.answer.Status, s.answer.Header = response.StatusCode, response.Header
	s.answer.Headers = time.Since(s.answer.begun)
	s.body, s.reader = response.Body, newEventReader(response.Body)
	return s
}

// Answer returns what has arrived so far.
func (s *Stream) Answer() *Answer { return s.answer }

// Next reads one event of a stream; false at its end.
func (s *Stream) Next() bool {
	if s.answer.Err != nil || s.body == nil {
		return false
	}
	ev, err := s.reader.next()
	if err != nil {
		if err != io.EOF {
			s.answer.Err = err
		}
		return false
	}
	if s.answer.First == 0 {
		s.answer.First = time.Since(s.answer.begun)
	}
	s.answer.Events = append(s.answer.Events, ev)
	return true
}

// Words reads until the answer's text has n marked words, and reports whether
// it got so far.
func (s *Stream) Words(n int) bool {
	for s.Next() {
		if t, _ := s.answer.Transcript(); t.Words >= n {
			return true
		}
	}
	return false
}

// Finish reads what is left and returns the answer.
func (s *Stream) Finish() *Answer {
	a := s.answer
	switch {
	case a.Err != nil || s.body == nil:
	case a.streams():
		for s.Next() {
		}
	default:
		a.Body, a.Err = io.ReadAll(s.body)
	}
	a.Took = time.Since(a.begun)
	s.Close()
	return a
}

// Close hangs up.
func (s *Stream) Close() {
	if s.body != nil {
		s.body.Close()
	}
	s.cancel()
}
