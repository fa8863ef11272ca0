package simulator

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// nowhere is a response writer that keeps nothing.
type nowhere struct{ header http.Header }

func (n nowhere) Header() http.Header         { return n.header }
func (n nowhere) Write(b []byte) (int, error) { return len(b), nil }
func (n nowhere) WriteHeader(int)             {}
func (n nowhere) Flush()                      {}

func benchmarkAnswer(b *testing.B, path, body string) {
	s := New(Options{MaxRecords: -1, Tokens: 64})
	r := httptest.NewRequest(http.MethodPost, path, nil)
	w := nowhere{make(http.Header)}
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		r.Body = io.NopCloser(strings.NewReader(body))
		s.ServeHTTP(w, r)
	}
}

func BenchmarkServer_Chat(b *testing.B) { benchmarkAnswer(b, chatPath, hello(chatPath, ``)) }
func BenchmarkServer_Messages(b *testing.B) {
	benchmarkAnswer(b, messagesPath, hello(messagesPath, ``))
}
func BenchmarkServer_Responses(b *testing.B) {
	benchmarkAnswer(b, responsesPath, hello(responsesPath, ``))
}

func BenchmarkServer_ChatStream64(b *testing.B) {
	benchmarkAnswer(b, chatPath, hello(chatPath, `,"stream":true`))
}

func BenchmarkServer_MessagesStream64(b *testing.B) {
	benchmarkAnswer(b, messagesPath, hello(messagesPath, `,"stream":true`))
}

func BenchmarkServer_ResponsesStream64(b *testing.B) {
	benchmarkAnswer(b, responsesPath, hello(responsesPath, `,"stream":true`))
}

func BenchmarkServer_Messages200KB(b *testing.B) {
	turn := `{"role":"user","content":"` + strings.Repeat("word ", 100) + `"},{"role":"assistant","content":"ok"},`
	body := `{"model":"m","max_tokens":99,"messages":[` + strings.Repeat(turn, 360) + `{"role":"user","content":"hi"}]}`
	benchmarkAnswer(b, messagesPath, body)
}

// BenchmarkListener_Chat measures requests over a real socket, client included.
func BenchmarkListener_Chat(b *testing.B) {
	l, err := Start(New(Options{MaxRecords: -1}), ListenOptions{})
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	c := l.Client()
	defer c.CloseIdleConnections()
	body := hello(chatPath, ``)
	b.ReportAllocs()
	for b.Loop() {
		resp, err := c.Post(l.URL()+chatPath, "application/json", strings.NewReader(body))
		if err != nil {
			b.Fatal(err)
		}
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	}
}

func BenchmarkRoundTripper_ChatStream64(b *testing.B) {
	rt := New(Options{MaxRecords: -1, Tokens: 64}).RoundTripper()
	b.ReportAllocs()
	for b.Loop() {
		r, _ := http.NewRequestWithContext(b.Context(), http.MethodPost, "http://sim"+chatPath, strings.NewReader(hello(chatPath, `,"stream":true`)))
		resp, err := rt.RoundTrip(r)
		if err != nil {
			b.Fatal(err)
		}
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	}
}
