package simulator_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/aimux/aimux/caddymodule/simulator"
)

// A provider that answers 429 once and then well.
func Example() {
	s := simulator.New(simulator.Options{Name: "zai", Tokens: 2})
	s.Script(simulator.Selector{Model: "glm"}, simulator.Fail("429;retry-after=7"))

	l, err := simulator.Start(s, simulator.ListenOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer l.Close()
	c := l.Client()
	defer c.CloseIdleConnections()
	for range 2 {
		body := `{"model":"glm","messages":[{"role":"user","content":"say:Hello!"}],"stream":true}`
		resp, err := c.Post(l.URL()+"/v1/chat/completions", "application/json", strings.NewReader(body))
		if err != nil {
			fmt.Println(err)
			return
		}
		b, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		fmt.Println(resp.StatusCode, resp.Header.Get("Retry-After"), strings.Contains(string(b), "Hello!"))
	}
	fmt.Println(s.Count(simulator.Selector{Model: "glm"}), s.Requests()[0].Fault)
	// Output:
	// 429 7 false
	// 200  true
	// 2 429;retry-after=7
}

// The same without sockets.
func ExampleServer_RoundTripper() {
	s := simulator.New(simulator.Options{Tokens: 3})
	c := http.Client{Transport: s.RoundTripper()}
	resp, err := c.Post("http://simulator/v1/messages", "application/json",
		strings.NewReader(`{"model":"m","max_tokens":99,"messages":[{"role":"user","content":"hi"}]}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	b, _ := io.ReadAll(resp.Body)
	_, after, _ := strings.Cut(string(b), `"text":`)
	text, _, _ := strings.Cut(after, "}")
	fmt.Println(text)
	// Output: "This is the aimux simulator. You said \"hi\". sim:1:0 sim:1:1 sim:1:2"
}
